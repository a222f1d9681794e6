"""Notes once a week what no count can tell afterwards: who was overdue when the week ended.

Invariant: run as often as one likes, by however many servers: a week is noted once, and weeks in which nobody was there
to note them are noted later.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import func, insert, select

from fieldapp.areas.models import LEVELS
from fieldapp.areas.queries import list_roots
from fieldapp.core.db import db, insert_into, transaction
from fieldapp.core.weeks import Week
from fieldapp.overview.models import CountyMiddle, CoverageWeek
from fieldapp.people import due_queries, interval_queries
from fieldapp.people.interval_queries import Intervals
from fieldapp.people.tally_queries import TOWNSHIP_DIGITS
from fieldapp.rollups.actions import lock_subject
from fieldapp.rollups.queries import get_week

# After a longer time nothing is there to be told of them.
MOST_MISSED = 12
ABOVE = [digits for digits in LEVELS.values() if digits <= TOWNSHIP_DIGITS]
_JUST_BEFORE = timedelta(microseconds=1)


def note_weeks(now: datetime) -> int:
    """Note each week that is over and not noted yet; returns how many. Runs transactions of its own, one for each.

    Of a week that is noted late, whoever is overdue now and was due before it ended counts: what was seen meanwhile is not
    known any more.
    """
    noted_on = db.session.scalar(select(func.max(CoverageWeek.week_on)))
    weeks: list[Week] = []
    week = get_week(get_week(now).begins_at - _JUST_BEFORE)
    while len(weeks) < MOST_MISSED and (noted_on is None or week.ends_on > noted_on):
        weeks.append(week)
        if noted_on is None:
            break
        week = get_week(week.begins_at - _JUST_BEFORE)
    for week in reversed(weeks):
        _note_week(week, now)
    if weeks:
        _note_middles()
    return len(weeks)


def _note_week(week: Week, now: datetime) -> None:
    with transaction():
        lock_subject("coverage", week.ends_on)
        noted = select(CoverageWeek.week_on).where(CoverageWeek.week_on == week.ends_on).limit(1)
        if db.session.scalar(noted) is None:
            rows = _list_rows(week.ends_on, now)
            if rows:
                db.session.execute(insert(CoverageWeek), rows)


def _list_rows(week_on: date, now: datetime) -> list[dict[str, object]]:
    roots = [area.code for area in list_roots()]
    counts: dict[tuple[str, str], Intervals] = {}
    for (township, main_class), found in interval_queries.count_intervals(
        roots, TOWNSHIP_DIGITS, week_on
    ).items():
        for digits in ABOVE:
            key = township[:digits], main_class
            counts[key] = counts.get(key, Intervals()) + found
    return [
        {
            "area_code": area_code,
            "week_on": week_on,
            "main_class": main_class,
            "asked": found.asked,
            "overdue": found.overdue,
            "tried": found.tried,
            "noted_at": now,
        }
        for (area_code, main_class), found in sorted(counts.items())
        if found.asked
    ]


def _note_middles() -> None:
    middles = due_queries.get_county_middles([area.code for area in list_roots()])
    rows = [{"county_code": code, "lat": lat, "lon": lon} for code, (lat, lon) in sorted(middles.items())]
    if not rows:
        return
    statement = insert_into(CountyMiddle)
    moved = {name: statement.excluded[name] for name in ("lat", "lon")}
    with transaction():
        db.session.execute(statement.on_conflict_do_update(index_elements=["county_code"], set_=moved), rows)
