"""Reads of what is counted of households and people, by township.

Invariant: who has died or moved away is no longer counted by class; tallies and records say the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, select

from fieldapp.areas.models import LEVELS
from fieldapp.core.db import begin_snapshot, db
from fieldapp.core.tallies import Counted, Tally
from fieldapp.people.models import Household, Person

HOUSEHOLD, DUE, CLASS = "household", "due", "class"
# Below it so few live in an area that they are counted one by one.
TOWNSHIP_DIGITS = LEVELS["township"]


def is_here(person: Person) -> bool:
    """Whether somebody counts: has neither died nor moved away, nor does anybody stand for them."""
    return person.died_on is None and person.moved_away_on is None and person.merged_into is None


def are_here() -> ColumnElement[bool]:
    """The same of a row."""
    return Person.died_on.is_(None) & Person.moved_away_on.is_(None) & Person.merged_into.is_(None)


def stands() -> ColumnElement[bool]:
    """Whether a household counts: no other stands for it."""
    return Household.merged_into.is_(None)


def is_tallied(area_codes: Sequence[str], digits: int) -> bool:
    """Whether the tallies know what lies in those areas, by areas of so many digits."""
    return max(digits, *map(len, area_codes), 0) <= TOWNSHIP_DIGITS


def list_wrong() -> dict[Counted, tuple[int, int]]:
    """The tallies that are not those of the records, at one instant: (what is kept, what is there)."""
    begin_snapshot()
    try:
        return compare()
    finally:
        db.session.rollback()


def compare() -> dict[Counted, tuple[int, int]]:
    """The same within the caller's transaction."""
    kept = {
        (kind, key, code): count
        for kind, key, code, count in db.session.execute(
            select(Tally.kind, Tally.key, Tally.area_code, Tally.count)
        )
    }
    there = _count_records()
    return {
        counted: (kept.get(counted, 0), there.get(counted, 0))
        for counted in sorted(kept.keys() | there.keys())
        if kept.get(counted, 0) != there.get(counted, 0)
    }


def _count_records() -> dict[Counted, int]:
    township = func.substr(Household.grid_code, 1, TOWNSHIP_DIGITS)
    counts: dict[Counted, int] = {}
    by_day = (
        select(township, Household.due_on, func.count()).where(stands()).group_by(township, Household.due_on)
    )
    for code, due_on, households in db.session.execute(by_day):
        counts[HOUSEHOLD, "", code] = counts.get((HOUSEHOLD, "", code), 0) + households
        if due_on is not None:
            counts[DUE, due_on.isoformat(), code] = households
    by_class = select(township, Person.main_class, func.count()).join(Household).where(are_here())
    for code, main_class, people in db.session.execute(by_class.group_by(township, Person.main_class)):
        counts[CLASS, main_class, code] = people
    return counts
