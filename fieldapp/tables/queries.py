"""Reads of tables that are kept, and of the weeks a table is about.

Invariant: a table that is kept is found by its owner, and shared by whoever reads its area; nobody finds one outside their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select

from fieldapp.areas.models import Area
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.weeks import Week
from fieldapp.reports import queries as reports
from fieldapp.rollups import queries as rollups
from fieldapp.tables.models import SavedTable
from fieldapp.tables.rules import CHOSEN, PERIODS, TOTAL, Choice
from fieldapp.users.models import User

# The weeks to choose from: two years.
WEEKS_BACK = 104
MOST_LISTED = 200


@dataclass(frozen=True)
class Span:
    """The weeks from one to another, by the days they end on, oldest first; `is_running`: as the report counts in all."""

    weeks: tuple[date, ...]
    is_running: bool

    @property
    def first(self) -> date:
        """The first week."""
        return self.weeks[0]

    @property
    def last(self) -> date:
        """The last week."""
        return self.weeks[-1]

    @property
    def is_week(self) -> bool:
        """Whether it is one week by itself."""
        return len(self.weeks) == 1 and not self.is_running

    @property
    def counts_everybody_once(self) -> bool:
        """Whether it is known how many different people, households and workers it has."""
        return self.is_week or self.is_running


def list_weeks(now: datetime) -> list[Week]:
    """The weeks a period can begin and end with, the latest first."""
    return reports.list_weeks(now, WEEKS_BACK)


def find_span(choice: Choice, weeks: Sequence[Week]) -> Span:
    """The weeks of a choice, out of `weeks`, the latest first; of a chosen period those there are."""
    over = weeks[1] if len(weeks) > 1 else weeks[0]
    if choice.period == CHOSEN and choice.first and choice.last:
        taken = [week for week in weeks if choice.first <= week.ends_on <= choice.last] or [over]
        starts = {rollups.first_week_of_year(taken[0]), reports.get_since(choice.area, taken[0])}
        return _span(taken, is_running=len(taken) > 1 and taken[-1].ends_on in starts)
    if choice.period == TOTAL:
        since = reports.get_since(choice.area, over)
        # A special period may last longer than what is offered to choose from.
        counted = reports.list_weeks(over.begins_at, (over.ends_on - since).days // 7 + 1)
        return _span([week for week in counted if week.ends_on >= since], is_running=True)
    return _span(weeks[1 : 1 + (PERIODS[choice.period] or 1)] or [over], is_running=False)


def _span(weeks: Sequence[Week], *, is_running: bool) -> Span:
    return Span(tuple(week.ends_on for week in reversed(weeks)), is_running)


def list_readable(reader: User) -> list[SavedTable]:
    """The reader's own tables and those shared with them, by name."""
    return list(
        db.session.scalars(
            select(SavedTable)
            .where(*_readable(reader))
            .order_by(SavedTable.owner_id != reader.id, SavedTable.name, SavedTable.id)
            .limit(MOST_LISTED)
        )
    )


def find_readable(table_id: int, reader: User) -> SavedTable | None:
    """A table that is the reader's own or shared with them, or None."""
    return db.session.scalar(select(SavedTable).where(SavedTable.id == table_id, *_readable(reader)))


def get_readable(table_id: int, reader: User) -> SavedTable:
    """A table that is the reader's own or shared with them; raises not_found."""
    table = find_readable(table_id, reader)
    if table is None:
        raise AppError("not_found")
    return table


def get_own(table_id: int, owner: User) -> SavedTable:
    """A table of one's own; raises not_found."""
    table = get_readable(table_id, owner)
    if table.owner_id != owner.id:
        raise AppError("not_found")
    return table


def find_own_by_name(name: str, owner_id: int) -> SavedTable | None:
    """The table an account calls so, or None."""
    return db.session.scalar(
        select(SavedTable).where(SavedTable.owner_id == owner_id, SavedTable.name == name)
    )


def _readable(reader: User) -> list[ColumnElement[bool]]:
    return [
        scope.within(SavedTable.area_code, reader.area_codes()),
        or_(SavedTable.owner_id == reader.id, SavedTable.is_shared.is_(True)),
    ]


def list_areas(area: Area, levels: Sequence[str], after: str, limit: int) -> list[Area]:
    """So many areas of those levels in an area after the one with that code, by code, ended ones too."""
    return list(
        db.session.scalars(
            select(Area)
            .where(Area.level.in_(levels), scope.within(Area.code, [area.code]), Area.code > after)
            .order_by(Area.code)
            .limit(limit)
        )
    )
