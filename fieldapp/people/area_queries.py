"""Counts of households and people by area, of any level.

Invariant: who has died or moved away is counted nowhere; a household is due when the first of its people is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import func, select

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.people import due_queries
from fieldapp.people.due_queries import DueCount
from fieldapp.people.models import Household, Person


@dataclass
class AreaCounts:
    """What an area holds; `people` by main class."""

    households: int = 0
    due: DueCount = field(default_factory=DueCount)
    people: Counter[str] = field(default_factory=Counter)


def count_by_area(area_codes: Sequence[str], digits: int, today: date) -> dict[str, AreaCounts]:
    """What lies in `area_codes`, by areas of so many digits; an area where nobody lives is not there."""
    inside = scope.within(Household.grid_code, area_codes)
    area = func.substr(Household.grid_code, 1, digits)
    counts: dict[str, AreaCounts] = {}
    due = due_queries.count_due(area_codes, digits, today)
    for code, households in db.session.execute(select(area, func.count()).where(inside).group_by(area)):
        counts[code] = AreaCounts(households, due.get(code, DueCount()))
    for code, main_class, people in db.session.execute(
        select(area, Person.main_class, func.count())
        .join(Household)
        .where(inside, Person.died_on.is_(None), Person.moved_away_on.is_(None))
        .group_by(area, Person.main_class)
    ):
        counts[code].people[main_class] += people
    return counts


def list_households_of_grid(grid_code: str) -> list[Household]:
    """The households of a grid, those that are due first at the top."""
    return list(
        db.session.scalars(
            select(Household)
            .where(Household.grid_code == grid_code)
            .order_by(Household.due_on.nulls_last(), Household.name, Household.household_uuid)
        )
    )
