"""Writes of what is counted of households and people, by township.

Invariant: a household remembers what of it is counted (`counted`), so that what is taken off is what was once added,
whatever has become of the household in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fieldapp.core.db import transaction
from fieldapp.core.tallies import change_tally, lock_tallies
from fieldapp.people import tally_queries
from fieldapp.people.models import Household
from fieldapp.people.tally_queries import CLASS, DUE, HOUSEHOLD, TOWNSHIP_DIGITS, is_here


def count_household(household: Household, *, is_gone: bool = False) -> None:
    """Bring the tallies from what they count of a household, which is locked or new, to what it is now."""
    now = None if is_gone else as_counted(household)
    if now == household.counted:
        return
    _change(household.counted, -1)
    _change(now, 1)
    household.counted = now


def _change(counted: Mapping[str, Any] | None, by: int) -> None:
    if counted:
        for kind, key in _list_kinds(counted):
            change_tally(kind, key, counted["township"], by)


def as_counted(household: Household) -> dict[str, Any]:
    """What of a household is to be counted."""
    return {
        "township": household.grid_code[:TOWNSHIP_DIGITS],
        "due_on": household.due_on.isoformat() if household.due_on else None,
        "classes": sorted(person.main_class for person in household.people if is_here(person)),
    }


def _list_kinds(counted: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield HOUSEHOLD, ""
    if counted["due_on"]:
        yield DUE, counted["due_on"]
    for main_class in counted["classes"]:
        yield CLASS, main_class


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
    return len(wrong)
