"""Who is seen within their interval, what was found and solved, and how long help took: by area, by class and by week.

Invariant: a figure of now, or of what happened in a week, is the length of the list it opens. What stood at the end of a
week that is over was noted then; nobody can list it any more. Nothing is counted per worker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.core.weeks import Week
from fieldapp.followups import problem_queries as problems
from fieldapp.followups.counting import count_hours
from fieldapp.followups.problem_queries import Unknown
from fieldapp.overview.models import CoverageWeek
from fieldapp.people import interval_queries as intervals
from fieldapp.people.interval_queries import Intervals
from fieldapp.people.tally_queries import TOWNSHIP_DIGITS
from fieldapp.rollups import queries as rollups
from fieldapp.rollups.columns import HELP, PROBLEMS
from fieldapp.users.models import User

# This week and those before it.
WEEKS = 12
HOURS_OF_DAY = 24
# Noted so long after the week ended, a figure is not quite that of its end.
LATE = timedelta(days=1)
_JUST_BEFORE = timedelta(microseconds=1)


@dataclass
class Problems:
    """What was found and solved in a time, the hours from finding to help of what was solved, and what is open at its end."""

    found: int = 0
    solved: int = 0
    hours: int = 0
    open: int = 0

    @property
    def mean_days(self) -> float | None:
        """From finding to help, in days, in the mean; None where nothing was solved."""
        return round(self.hours / self.solved / HOURS_OF_DAY, 1) if self.solved else None


@dataclass
class AreaRow:
    """An area with its figures; one that nobody has entered is known by its code."""

    code: str
    name: str
    people: Intervals = field(default_factory=Intervals)
    problems: Problems = field(default_factory=Problems)

    @property
    def has_people(self) -> bool:
        """Whether anybody on the list lives there."""
        return self.people != Intervals()

    @property
    def has_problems(self) -> bool:
        """Whether any problem was found or solved there, or is open."""
        return self.problems != Problems()


@dataclass
class WeekRow:
    """A week: who was to be seen and overdue at its end (None: not noted), and what was found, solved and still open."""

    week: Week
    is_now: bool
    people: Intervals | None = None
    is_late: bool = False
    problems: Problems = field(default_factory=Problems)


@dataclass
class Coverage:
    """All of an area: by the areas below, by class, by week, and in all."""

    areas: list[AreaRow]
    classes: dict[str, Intervals]
    weeks: list[WeekRow]
    people: Intervals
    problems: Problems


def get_weeks(now: datetime) -> list[Week]:
    """The weeks that are shown, the oldest first; the last one goes on."""
    weeks = [rollups.get_week(now)]
    while len(weeks) < WEEKS:
        weeks.append(rollups.get_week(weeks[-1].begins_at - _JUST_BEFORE))
    return weeks[::-1]


def get_coverage(
    reader: User, area_codes: Sequence[str], below: Sequence[Area], main_class: str, now: datetime
) -> Coverage:
    """Of `area_codes`, told apart by the areas `below`, and of people by class or (empty) of all."""
    weeks = get_weeks(now)
    rows = {area.code: AreaRow(area.code, area.name) for area in below}
    classes: dict[str, Intervals] = {}
    of_weeks = [WeekRow(week, is_now=week is weeks[-1]) for week in weeks]
    flows = Counter[date]()
    lengths = {len(area.code) for area in below}
    for digits in lengths:
        # Areas of several levels do not lie in each other: each is counted among those of its own.
        codes = area_codes if len(lengths) == 1 else [code for code in rows if len(code) == digits]
        _count_people(rows, classes, codes, digits, main_class, clock.local_date(now))
        flows.update(_count_problems(reader, rows, of_weeks, codes, digits, now))
    total = Problems()
    for row in rows.values():
        total.found += row.problems.found
        total.solved += row.problems.solved
        total.hours += row.problems.hours
        total.open += row.problems.open
    people = sum((row.people for row in rows.values()), Intervals())
    _note_stocks(of_weeks, area_codes, main_class)
    of_weeks[-1].people = people
    _tell_open(of_weeks, flows, total.open)
    # An area that has ended is told of while anything is counted in it.
    ended = {area.code for area in below if area.is_ended}
    told = [
        row for _, row in sorted(rows.items()) if row.code not in ended or row.has_people or row.has_problems
    ]
    return Coverage(told, classes, of_weeks, people, total)


def _count_people(
    rows: dict[str, AreaRow],
    classes: dict[str, Intervals],
    codes: Sequence[str],
    digits: int,
    main_class: str,
    today: date,
) -> None:
    for (code, name), counts in intervals.count_intervals(codes, digits, today).items():
        classes[name] = classes.get(name, Intervals()) + counts
        if not main_class or name == main_class:
            row = rows.setdefault(code, AreaRow(code, code))
            row.people += counts


def _count_problems(
    reader: User,
    rows: dict[str, AreaRow],
    weeks: list[WeekRow],
    codes: Sequence[str],
    digits: int,
    now: datetime,
) -> Counter[date]:
    """Count into rows and weeks; returns by week how much more was open at its end than at its beginning."""
    first, last = weeks[0].week, weeks[-1].week
    of_week = {row.week.ends_on: row for row in weeks}
    flows = Counter[date]()
    summed = rollups.sum_weeks(codes, digits, (*PROBLEMS, *HELP), first.ends_on, last.ends_on)
    for (code, week_on), counts in summed.items():
        flows[week_on] += counts["found"] - counts["solved"] - counts["unfounded"]
        if week_on in of_week and any(counts.values()):
            row = rows.setdefault(code, AreaRow(code, code))
            for into in (row.problems, of_week[week_on].problems):
                _add(into, counts["found"], counts["helped"], counts["help_hours"])
    for task in problems.list_unknown(reader, codes, first.begins_at, now):
        row = rows.setdefault(task.found_in[:digits], AreaRow(task.found_in[:digits], task.found_in[:digits]))
        for week in weeks:
            flows[week.week.ends_on] += _take_off(task, week, row.problems)
    for code, number in problems.count_open(reader, codes, digits, now).items():
        rows.setdefault(code, AreaRow(code, code)).problems.open += number
    return flows


def _add(into: Problems, found: int, solved: int, hours: int) -> None:
    into.found += found
    into.solved += solved
    into.hours += hours


def _take_off(task: Unknown, row: WeekRow, of_area: Problems) -> int:
    """Take a task off that the reader must not know of, from its area and from a week it is counted in; returns how much
    more that leaves open at the end of the week than at its beginning.
    """
    week, more = row.week, 0
    if week.begins_at <= task.created_at < week.ends_at:
        more -= 1
        for into in (of_area, row.problems):
            _add(into, -1, 0, 0)
    if task.closed_at is not None and week.begins_at <= task.closed_at < week.ends_at:
        more += 1
        for into in (of_area, row.problems) if task.state == "verified" else ():
            _add(into, 0, -1, -count_hours(task.created_at, task.closed_at))
    return more


def _tell_open(weeks: list[WeekRow], flows: Counter[date], open_now: int) -> None:
    """What was open at the end of each week: what is now, less what has come since and more what has gone."""
    number = open_now
    for row in reversed(weeks):
        row.problems.open = number
        number -= flows[row.week.ends_on]


def _note_stocks(weeks: Sequence[WeekRow], area_codes: Sequence[str], main_class: str) -> None:
    """Who was to be seen and was overdue when the weeks that are over ended, where that was noted: down to the townships."""
    if any(len(code) > TOWNSHIP_DIGITS for code in area_codes):
        return
    wanted: list[ColumnElement[bool]] = [
        CoverageWeek.area_code.in_(area_codes),
        CoverageWeek.week_on.in_([row.week.ends_on for row in weeks]),
    ]
    if main_class:
        wanted.append(CoverageWeek.main_class == main_class)
    sums = (func.sum(column) for column in (CoverageWeek.asked, CoverageWeek.overdue, CoverageWeek.tried))
    rows = db.session.execute(
        select(CoverageWeek.week_on, func.min(CoverageWeek.noted_at), *sums)
        .where(*wanted)
        .group_by(CoverageWeek.week_on)
    )
    noted = {row[0]: (row[1], Intervals(*map(int, row[2:]))) for row in rows}
    for row in weeks:
        if row.week.ends_on in noted:
            noted_at, row.people = noted[row.week.ends_on]
            row.is_late = noted_at - row.week.ends_at > LATE


def list_unnested(area_codes: Iterable[str]) -> list[str]:
    """Those codes that lie in no other one of them, in order."""
    codes = sorted(set(area_codes))
    return [code for code in codes if not any(code != one and code.startswith(one) for one in codes)]
