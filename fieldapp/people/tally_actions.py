"""Writes of what is counted of households and people, by township.

Invariant: a household remembers what of it is counted (`counted`), so that what is taken off is what was once added,
whatever has become of the household in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sqlalchemy import func, select

from fieldapp.core.db import db, transaction
from fieldapp.core.tallies import Tally, change_tally, fold_tallies, lock_tallies
from fieldapp.people import tally_queries
from fieldapp.people.models import Household
from fieldapp.people.tally_queries import (
    ASKED,
    BY_DAY,
    CLASS,
    DUE,
    HOUSEHOLD,
    PERSON,
    TOWNSHIP_DIGITS,
    TRIED,
    day_key,
    gather,
    is_here,
)

FOLDED_AT_ONCE = 2000


def count_household(household: Household, *, is_gone: bool = False) -> None:
    """Bring the tallies from what they count of a household, which is locked or new, to what it is now."""
    now = None if is_gone else as_counted(household)
    if now == household.counted:
        return
    _change(household.counted, -1)
    _change(now, 1)
    household.counted = now


def _change(counted: Mapping[str, Any] | None, by: int) -> None:
    # By the day itself, also when it is over: clocks of two servers may differ. `fold_days` brings it to the others.
    if counted:
        for kind, key in _list_kinds(counted):
            change_tally(kind, key, counted["township"], by)


def as_counted(household: Household) -> dict[str, Any]:
    """What of a household is to be counted."""
    return {
        "township": household.grid_code[:TOWNSHIP_DIGITS],
        "due_on": household.due_on.isoformat() if household.due_on else None,
        "people": sorted(
            [person.main_class, person.due_on.isoformat() if person.due_on else ""]
            for person in household.people
            if is_here(person)
        ),
        "is_tried": household.tried_on is not None,
    }


def _list_kinds(counted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield HOUSEHOLD, ""
    if counted["due_on"]:
        yield DUE, counted["due_on"]
    for main_class, due_on in counted["people"]:
        yield CLASS, main_class
        if due_on:
            yield ASKED, main_class
            yield PERSON, day_key(due_on, main_class)
            if counted["is_tried"]:
                yield TRIED, day_key(due_on, main_class)


def fold_days(today: date) -> int:
    """Bring the counts of days that are over together into one for each class; returns how many there were.

    Runs its own transactions. What is counted stays the same at any moment, whoever counts or folds at the same time: as
    much is taken off a day as is added to what is over.
    """
    folded = 0
    while True:
        with transaction():
            of = (Tally.kind, Tally.key, Tally.area_code)
            first, count = day_key("0000-00-01", ""), func.sum(Tally.count)
            taken = db.session.execute(
                select(*of, count)
                .where(Tally.kind.in_(BY_DAY), Tally.key.between(first, today.isoformat()))
                .group_by(*of)
                .having(count != 0)
                .limit(FOLDED_AT_ONCE)
            ).all()
            for kind, key, area_code, number in taken:
                change_tally(kind, key, area_code, -number)
                change_tally(kind, gather(kind, key, today), area_code, number)
        folded += len(taken)
        if len(taken) < FOLDED_AT_ONCE:
            return folded


def put_right() -> int:
    """Make the tallies those of the records where they are not; returns how many were wrong.

    Runs its own transactions; writers wait only when something is wrong.
    """
    if not tally_queries.list_wrong():
        return 0
    with transaction():
        lock_tallies()
        wrong = tally_queries.compare()
        for counted, (kept, there) in wrong.items():
            change_tally(*counted, there - kept)
    fold_tallies()
    return len(wrong)
