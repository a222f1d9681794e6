"""Reads of what is counted, and of the weeks it is counted in.

Invariant: a reading adds rows and unfolded changes up in one statement, so that folding never shows as a difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache

from sqlalchemy import BigInteger, Select, and_, cast, func, literal, or_, select, text, union_all

from fieldapp.areas.models import LEVELS
from fieldapp.areas.queries import county_of
from fieldapp.core import scope
from fieldapp.core.db import WRITES, db, once, remembered
from fieldapp.core.weeks import SHIPPED, Cut, Week, first_of_year, week_ending, week_of, week_of_day
from fieldapp.rollups.columns import COLUMNS, DISTINCT, PROBLEMS, SUMS
from fieldapp.rollups.models import (
    AmendedContact,
    ClosedWeek,
    CountyRollup,
    Rollup,
    RollupChange,
    RunningCount,
    WeekCut,
)
from fieldapp.rollups.rules import WEEK, Key, ListSince

Counts = dict[str, int]
# What was counted in a week and area: (week, by the day it ends on; code of the area; how many).
Cell = tuple[date, str, int]
# What a transaction that writes keeps of them.
WEEK_CUTS, _CLOSED = "week_cuts", "closed_weeks"
# In a statement, of what was counted before a running count began.
_BEFORE = "before"


def get_cuts() -> tuple[Cut, ...]:
    """When weeks end, of all times; read once in a transaction, for each record that comes in asks several times."""
    held = remembered(WEEK_CUTS)
    if not held:
        held["cuts"] = _read_cuts()
    cuts: tuple[Cut, ...] = held["cuts"]
    return cuts


@once
def _read_cuts() -> tuple[Cut, ...]:
    rows = db.session.scalars(select(WeekCut).order_by(WeekCut.from_on))
    return *SHIPPED, *(Cut(row.from_on, row.weekday, row.at) for row in rows)


def list_changes_of_cut() -> list[WeekCut]:
    """The changes of when weeks end, the latest first; before the first it was Friday noon."""
    return list(db.session.scalars(select(WeekCut).order_by(WeekCut.from_on.desc())))


def get_week(instant: datetime) -> Week:
    """The week in which an instant lies."""
    return week_of(instant, get_cuts())


def find_week(ends_on: date) -> Week | None:
    """The week that ends on that day, or None."""
    return week_ending(ends_on, get_cuts())


def is_closed(area_code: str, week_on: date) -> bool:
    """Whether the county of an area has confirmed that week."""
    return db.session.get(ClosedWeek, (county_of(area_code), week_on)) is not None


def choose_week(area_code: str, at: datetime | date, now: datetime) -> date:
    """The week in which something of an area counts: the one it happened in, or this one when that is closed."""
    week = get_week(at) if isinstance(at, datetime) else week_of_day(at, get_cuts())
    this = get_week(now)
    if week < this:
        known, key = remembered(_CLOSED), (county_of(area_code), week.ends_on)
        if key not in known:
            lock_week(area_code, week.ends_on, is_shared=True)
            known[key] = is_closed(area_code, week.ends_on)
        if known[key]:
            return this.ends_on
    return week.ends_on


def lock_week(area_code: str, week_on: date, *, is_shared: bool) -> None:
    """Until the transaction ends, a week of an area's county is not closed, or (not shared) nobody else counts in it by a
    `choose_week` that came before; SQLite's writers wait anyway.
    """
    _lock(f"week {county_of(area_code)} {week_on}", is_shared=is_shared)


def lock_figures(county_code: str, *, is_shared: bool) -> None:
    """Until the transaction ends, no sheet is made of what a county counts, or (not shared) nothing is amended of that."""
    _lock(f"figures {county_code}", is_shared=is_shared)


def _lock(name: str, *, is_shared: bool) -> None:
    if db.session().get_bind().dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock_shared if is_shared else func.pg_advisory_xact_lock
        db.session.execute(select(lock(func.hashtextextended(name, 0))))


def lock_closed(county_codes: Iterable[str]) -> dict[str, date]:
    """The last week that each of those counties has confirmed; no other one is until the transaction ends."""
    counties = sorted(county_codes)
    for county_code in counties:
        lock_figures(county_code, is_shared=True)
    if not counties:
        return {}
    closed = select(ClosedWeek.county_code, func.max(ClosedWeek.week_on)).group_by(ClosedWeek.county_code)
    rows = db.session.execute(closed.where(ClosedWeek.county_code.in_(counties)))
    return {row[0]: row[1] for row in rows}


def get_last_amended() -> int:
    """The number of the last amended contact; 0 before the first."""
    return db.session.scalar(select(func.max(AmendedContact.id))) or 0


def first_week_of_year(week: Week) -> date:
    """The first week of a week's year."""
    return first_of_year(week, get_cuts())


def read_running() -> ListSince:
    """Reads which running counts weeks are in: of their year, of special periods.

    Until a transaction that writes ends, no other running count begins: what it counts would be missing there.
    """
    connection = db.session.connection()
    if connection.dialect.name == "postgresql" and WRITES in connection.get_execution_options():
        # As writing a row does, only before it is known which rows: who begins a count locks all others out.
        connection.execute(text("LOCK TABLE rollup_changes IN ROW EXCLUSIVE MODE"))
    cuts = get_cuts()
    running = list(db.session.scalars(select(RunningCount)))

    @cache
    def list_since(area_code: str, week_on: date) -> list[date]:
        week = week_ending(week_on, cuts)
        since = {first_of_year(week, cuts)} if week else set()
        since |= {
            one.first_week_on
            for one in running
            if area_code.startswith(one.area_code) and one.first_week_on <= week_on
        }
        return sorted(since)

    return list_since


def sum_to_week(
    area_codes: Iterable[str], digits: int, since: str, first: date, last: date
) -> tuple[dict[str, Counts], dict[str, Counts], dict[str, int]]:
    """By the first `digits` of the area's code, what is counted in those areas: in the week that ends on `last` alone, and
    from the one that ends on `first` to it, everybody once by the running count `since`; and how many problems were open when
    the week that ends on `first` began. Under a shorter code: what that area takes off because its parts count it twice.
    """
    kept = CountyRollup if digits <= LEVELS["county"] else Rollup
    wanted = list(area_codes)
    parts = [
        select(model.area_code, model.since, model.week_on, *(table.c[name] for name in COLUMNS)).where(
            scope.within(model.area_code, wanted),
            model.since.in_((WEEK, since)),
            model.week_on.between(first, last),
        )
        for model, table in ((kept, kept.__table__), (RollupChange, RollupChange.__table__))
    ]
    both = union_all(*parts).subquery()
    keys = func.substr(both.c.area_code, 1, digits), both.c.since, both.c.week_on == last
    sums = (cast(func.sum(both.c[name]), BigInteger) for name in COLUMNS)
    before = _select_open_before(wanted, digits, first).subquery()
    # What was open before stands where the problems are found.
    found = (before.c.open if name == "found" else literal(0) for name in COLUMNS)
    counted_before = select(before.c.code, literal(_BEFORE), literal(False), *found)
    rows = db.session.execute(union_all(select(*keys, *sums).group_by(*keys), counted_before))
    weeks: dict[str, Counts] = {}
    running: dict[str, Counts] = {}
    open_before: dict[str, int] = {}
    for code, counted, is_last, *values in rows:
        counts = dict(zip(COLUMNS, values, strict=True))
        if counted == _BEFORE:
            open_before[code] = counts["found"]
            continue
        if counted == WEEK and is_last:
            weeks[code] = counts
        held = running.setdefault(code, dict.fromkeys(COLUMNS, 0))
        for name in SUMS if counted == WEEK else DISTINCT:
            held[name] += counts[name]
    return weeks, running, open_before


def sum_repeats(area_code: str, since: date, last: date) -> tuple[Counts, Counts]:
    """What a city or province itself adds to the sum of its parts, for whoever counts in several: in the week that ends on
    `last` alone, and by the running count `since` up to it.
    """
    parts = [
        select(model.since, *(model.__table__.c[name] for name in DISTINCT)).where(
            model.area_code == area_code,
            or_(
                and_(model.since == WEEK, model.week_on == last),
                and_(model.since == str(since), model.week_on.between(since, last)),
            ),
        )
        for model in (CountyRollup, RollupChange)
    ]
    both = union_all(*parts).subquery()
    sums = (cast(func.sum(both.c[name]), BigInteger) for name in DISTINCT)
    rows = db.session.execute(select(both.c.since, *sums).group_by(both.c.since))
    found = {row[0]: dict(zip(DISTINCT, row[1:], strict=True)) for row in rows}
    return found.get(WEEK, {}), found.get(str(since), {})


def sum_by_week(area_code: str, first: date, last: date) -> dict[date, Counts]:
    """What is counted in an area in each week alone, from the one that ends on `first` to the one that ends on `last`; a
    week in which nothing is has no entry.
    """
    kept = CountyRollup if len(area_code) <= LEVELS["county"] else Rollup
    parts = [
        select(model.week_on, *(table.c[name] for name in COLUMNS)).where(
            scope.within(model.area_code, [area_code]),
            model.since == WEEK,
            model.week_on.between(first, last),
        )
        for model, table in ((kept, kept.__table__), (RollupChange, RollupChange.__table__))
    ]
    both = union_all(*parts).subquery()
    sums = (cast(func.sum(both.c[name]), BigInteger) for name in COLUMNS)
    rows = db.session.execute(select(both.c.week_on, *sums).group_by(both.c.week_on))
    return {week_on: dict(zip(COLUMNS, values, strict=True)) for week_on, *values in rows}


def list_cells(area_code: str, column: str, first: date, last: date) -> list[Cell]:
    """In which weeks, by the days they end on, and where how many were counted in a column; the newest weeks first.

    Of a county and wider areas by county, of narrower ones the whole of them.
    """
    digits = max(len(area_code), LEVELS["county"])
    kept = CountyRollup if digits == LEVELS["county"] else Rollup
    parts = [
        select(model.area_code, model.week_on, model.__table__.c[column].label("counted")).where(
            scope.within(model.area_code, [area_code]),
            model.since == WEEK,
            model.week_on.between(first, last),
            func.length(model.area_code) >= digits,
        )
        for model in (kept, RollupChange)
    ]
    both = union_all(*parts).subquery()
    code, counted = func.substr(both.c.area_code, 1, digits), cast(func.sum(both.c.counted), BigInteger)
    cells = db.session.execute(
        select(both.c.week_on, code, counted)
        .group_by(both.c.week_on, code)
        .having(counted != 0)
        .order_by(both.c.week_on.desc(), code)
    )
    return [(row[0], row[1], row[2]) for row in cells]


def sum_weeks(
    area_codes: Iterable[str], digits: int, names: Sequence[str], first: date, last: date
) -> dict[tuple[str, date], Counts]:
    """By the first `digits` of the area's code and by week, those of SUMS that are counted in those areas, in the weeks that
    end from `first` to `last`.
    """
    kept = CountyRollup if digits <= LEVELS["county"] else Rollup
    wanted = list(area_codes)
    parts = [
        select(model.area_code, model.week_on, *(model.__table__.c[name] for name in names)).where(
            scope.within(model.area_code, wanted), model.since == WEEK, model.week_on.between(first, last)
        )
        for model in (kept, RollupChange)
    ]
    both = union_all(*parts).subquery()
    keys = func.substr(both.c.area_code, 1, digits), both.c.week_on
    sums = (cast(func.sum(both.c[name]), BigInteger) for name in names)
    rows = db.session.execute(select(*keys, *sums).group_by(*keys))
    return {(code, week_on): dict(zip(names, values, strict=True)) for code, week_on, *values in rows}


def count_open_before(area_codes: Iterable[str], digits: int, first: date) -> dict[str, int]:
    """By area as in `sum_weeks`, how many problems were open when the week that ends on `first` began."""
    rows = db.session.execute(_select_open_before(list(area_codes), digits, first))
    return {row[0]: row[1] for row in rows}


def _select_open_before(area_codes: list[str], digits: int, first: date) -> Select[str, int]:
    kept = CountyRollup if digits <= LEVELS["county"] else Rollup
    parts = []
    for model in (kept, RollupChange):
        found, solved, unfounded = (model.__table__.c[name] for name in PROBLEMS)
        parts.append(
            select(model.area_code, (found - solved - unfounded).label("open")).where(
                scope.within(model.area_code, area_codes), model.since == WEEK, model.week_on < first
            )
        )
    both = union_all(*parts).subquery()
    code = func.substr(both.c.area_code, 1, digits)
    return select(code.label("code"), cast(func.sum(both.c.open), BigInteger).label("open")).group_by(code)


def list_wrong_counties() -> dict[Key, tuple[int, int]]:
    """What counties and wider areas keep otherwise than their grids add up to: (kept, added up)."""
    code = func.substr(Rollup.area_code, 1, LEVELS["county"])
    grids, counties = Rollup.__table__.c, CountyRollup.__table__.c
    sums = (cast(func.sum(grids[name]), BigInteger) for name in COLUMNS)
    added = select(code, grids.since, grids.week_on, *sums).group_by(code, grids.since, grids.week_on)
    kept = select(counties.area_code, counties.since, counties.week_on, *(counties[name] for name in COLUMNS))
    there, held = (
        {
            (row[0], row[1], row[2], name): value
            for row in db.session.execute(rows)
            for name, value in zip(COLUMNS, row[3:], strict=True)
            if value
        }
        for rows in (added, kept)
    )
    both = {key: (held.get(key, 0), there.get(key, 0)) for key in sorted(held.keys() | there.keys())}
    return {key: values for key, values in both.items() if values[0] != values[1]}


def read_all() -> dict[Key, int]:
    """Everything that is counted and not zero; of the rows of grids, which counties only add up."""
    counts: dict[Key, int] = {}
    for model in (Rollup, RollupChange):
        columns = [model.__table__.c[name] for name in COLUMNS]
        for area_code, since, week_on, *values in db.session.execute(
            select(model.area_code, model.since, model.week_on, *columns)
        ):
            for name, value in zip(COLUMNS, values, strict=True):
                if value:
                    key = area_code, since, week_on, name
                    counts[key] = counts.get(key, 0) + value
    return {key: value for key, value in counts.items() if value}
