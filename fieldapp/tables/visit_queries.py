"""Tables of visits: a page of them, and all of them for a file; by week, grid and when they ended.

Invariant: a visit is there once, in the week and the grid it counts in, and only within the reader's areas. Every statement
asks for ranges of one index (week, area), whatever the period.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_, union_all

from fieldapp.core import clock, scope
from fieldapp.core.db import AreaCode, Instant, UuidText, db
from fieldapp.core.paging import parse_uuid
from fieldapp.core.severity import SEVERITIES
from fieldapp.reviews import queries as reviews
from fieldapp.rollups import queries as rollups
from fieldapp.tables.queries import Span
from fieldapp.tables.rules import Choice
from fieldapp.tables.visit_fields import Batch, Names, has_class, has_flag, list_sources, select_visits
from fieldapp.users.models import User
from fieldapp.visits.models import Visit

PAGE_ROWS, READ_AT_ONCE = 50, 500
# After the first week so many are looked through, and after these so many visits: where hardly any is as it was chosen, who
# waits for the page wants to see that it goes on.
_NEXT_WEEKS, MOST_LEFT = 7, 250_000
_ORDER = Visit.area_code, Visit.finished_at, Visit.visit_uuid


class Key(NamedTuple):
    """The place of a visit in a table."""

    week_on: date
    area_code: str
    finished_at: datetime
    visit_uuid: str

    def __str__(self) -> str:
        return f"{self.week_on}/{self.area_code}/{self.finished_at.isoformat()}/{self.visit_uuid}"

    @classmethod
    def before(cls, week_on: date) -> Key:
        """The place before all visits of a week."""
        return cls(week_on, "0", datetime.combine(week_on, time.min, UTC), str(UUID(int=0)))


def parse_key(text: str) -> Key | None:
    """The place that an address names, or None."""
    try:
        week_on, area_code, finished_at, visit_uuid = text.split("/")
        uuid = parse_uuid(visit_uuid)
        at = clock.parse_instant(finished_at)
        if uuid is None or not area_code.isdecimal():
            return None
        return Key(date.fromisoformat(week_on), area_code, at, uuid)
    except (ValueError, OverflowError):
        return None


def list_visits(
    choice: Choice, span: Span, reader: User, names: Names, after: Key | None, now: datetime
) -> tuple[Batch | None, list[str], Key | None]:
    """A page of the visits after a place, their keys, and after which place the next page begins, None for the last; that is
    before a week when more of them were not looked through.
    """
    weeks = [week for week in span.weeks if after is None or week >= after.week_on]
    where = _conditions(choice, reader)
    found: list[Key] = []
    # Most pages are full before the weeks are at their end.
    for number in (1, _NEXT_WEEKS, None):
        if weeks and len(found) <= PAGE_ROWS:
            some = weeks[:number] if number else _list_first(weeks, choice.area)
            found += _list_keys(some, where, after)
            weeks = weeks[len(some) :]
    page = found[:PAGE_ROWS]
    sources = list_sources(choice.columns)
    uuids = [key.visit_uuid for key in page]
    rows = select_visits(["visit_uuid", *sources], reader, now).where(Visit.visit_uuid.in_(uuids))
    read = {row[0]: row[1:] for row in db.session.execute(rows)}
    batch = Batch(sources, [read[uuid] for uuid in uuids], names) if uuids else None
    if len(found) > PAGE_ROWS:
        return batch, uuids, page[-1]
    return batch, uuids, Key.before(weeks[0]) if weeks else None


def _list_first(weeks: list[date], area_code: str) -> list[date]:
    """The first of those weeks, which count MOST_LEFT visits at most; at least one."""
    sums = rollups.sum_weeks(
        [area_code], len(area_code), ("contacts", "attempts", "refusals"), weeks[0], weeks[-1]
    )
    counted = {week_on: sum(counts.values()) for (_, week_on), counts in sums.items()}
    held = list(accumulate(counted.get(week, 0) for week in weeks))
    return weeks[: max(bisect_right(held, MOST_LEFT), 1)]


def _list_keys(weeks: list[date], where: list[ColumnElement[bool]], after: Key | None) -> list[Key]:
    keys = [
        select(Visit.week_on, *_ORDER)
        .where(
            Visit.week_on == week, *where, *([_is_after(after)] if after and week == after.week_on else [])
        )
        .order_by(*_ORDER)
        .limit(PAGE_ROWS + 1)
        .subquery()
        for week in weeks
    ]
    each = union_all(*(select(part) for part in keys)).subquery()
    rows = db.session.execute(select(each).order_by(*each.c).limit(PAGE_ROWS + 1))
    return [Key(*row) for row in rows]


def count_visits(choice: Choice, span: Span, reader: User) -> int:
    """How many visits a table has."""
    within = Visit.week_on.between(span.first, span.last), *_conditions(choice, reader)
    return db.session.scalar(select(func.count()).select_from(Visit).where(*within)) or 0


def iterate_visits(
    choice: Choice, span: Span, reader: User, sources: list[str], names: Names, now: datetime
) -> Iterator[Batch]:
    """All visits of a table with those sources, some at a time, week by week."""
    where = _conditions(choice, reader)
    rows = select_visits(sources, reader, now).where(*where).order_by(*_ORDER)
    # Not through the session, which would look at each row once more.
    connection = db.session.connection()
    for week in span.weeks:
        of_week = rows.where(Visit.week_on == week).execution_options(yield_per=READ_AT_ONCE)
        for some in connection.execute(of_week).partitions():
            yield Batch(sources, some, names)


def _is_after(key: Key) -> ColumnElement[bool]:
    types: list[Any] = [AreaCode, Instant(), UuidText]
    place: Any = tuple_(key.area_code, key.finished_at, key.visit_uuid, types=types)
    return tuple_(*_ORDER) > place


def _conditions(choice: Choice, reader: User) -> list[ColumnElement[bool]]:
    conditions = [
        scope.within(Visit.area_code, [choice.area]),
        scope.within(Visit.area_code, reader.area_codes()),
        Visit.state == choice.state if choice.state else Visit.state != "voided",
    ]
    hidden = reviews.list_hidden(reader)
    if hidden:
        conditions.append(Visit.visit_uuid.not_in(hidden))
    if choice.outcome:
        conditions.append(Visit.outcome == choice.outcome)
    if choice.method:
        conditions.append(Visit.method == choice.method)
    if choice.main_class:
        conditions.append(has_class(choice.main_class))
    if choice.flag:
        conditions.append(has_flag(choice.flag if choice.flag in SEVERITIES else ""))
    return conditions
