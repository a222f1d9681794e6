"""Counts of households and people by area, of any level.

Invariant: who has died or moved away is counted nowhere; a household is due when the first of its people is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.tallies import Tally
from fieldapp.people import due_queries
from fieldapp.people.due_queries import DueCount
from fieldapp.people.models import Household, Person
from fieldapp.people.tally_queries import CLASS, HOUSEHOLD, are_here, is_tallied, stands


@dataclass
class AreaCounts:
    """What an area holds; `people` by main class."""

    households: int = 0
    due: DueCount = field(default_factory=DueCount)
    people: Counter[str] = field(default_factory=Counter)


def count_by_area(area_codes: Sequence[str], digits: int, today: date) -> dict[str, AreaCounts]:
    """What lies in `area_codes`, by areas of so many digits; an area where nobody lives is not there."""
    count = _sum if is_tallied(area_codes, digits) else _count
    due = due_queries.count_due(area_codes, digits, today)
    counts: dict[str, AreaCounts] = {}
    for code, main_class, number in count(area_codes, digits):
        found = counts.setdefault(code, AreaCounts(due=due.get(code, DueCount())))
        if main_class is None:
            found.households = number
        else:
            found.people[main_class] = number
    return counts


def _sum(area_codes: Sequence[str], digits: int) -> Iterator[tuple[str, str | None, int]]:
    """(area, None, households) and (area, main class, people), from the tallies."""
    area = func.substr(Tally.area_code, 1, digits)
    for code, kind, key, number in db.session.execute(
        select(area, Tally.kind, Tally.key, func.sum(Tally.count))
        .where(Tally.kind.in_([HOUSEHOLD, CLASS]), scope.within(Tally.area_code, area_codes))
        .group_by(area, Tally.kind, Tally.key)
        .having(func.sum(Tally.count) != 0)
    ):
        yield code, key if kind == CLASS else None, number


def _count(area_codes: Sequence[str], digits: int) -> Iterator[tuple[str, str | None, int]]:
    """The same from the records."""
    inside = scope.within(Household.grid_code, area_codes) & stands()
    area = func.substr(Household.grid_code, 1, digits)
    for code, number in db.session.execute(select(area, func.count()).where(inside).group_by(area)):
        yield code, None, number
    for code, main_class, number in db.session.execute(
        select(area, Person.main_class, func.count())
        .join(Household)
        .where(inside, are_here())
        .group_by(area, Person.main_class)
    ):
        yield code, main_class, number


def list_households_of_grid(grid_code: str) -> list[Household]:
    """The households of a grid, those that are due first at the top."""
    return list(
        db.session.scalars(
            select(Household)
            .where(Household.grid_code == grid_code, Household.merged_into.is_(None))
            .order_by(Household.due_on.nulls_last(), Household.name, Household.household_uuid)
        )
    )
