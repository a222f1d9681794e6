"""Applying what workers register and correct: for the push of a phone, and for the desk that takes it in.

Invariant: everything goes through `people`, which keeps its history with the operation that brought it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldapp.core.bodies import read_body
from fieldapp.core.errors import AppError
from fieldapp.people import phone_actions as people
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household
from fieldapp.people.phone_actions import Reach
from fieldapp.people.sync import (
    HouseholdMoveBody,
    HouseholdRegisterBody,
    HouseholdUpdateBody,
    PersonRegisterBody,
    PersonUpdateBody,
)
from fieldapp.reviews import actions as reviews
from fieldapp.users.models import User


@dataclass(frozen=True)
class Source:
    """Whose operation it is, whose areas it has to lie in, and what is set whatever is here by now."""

    worker: User
    judge: User
    reach: Reach
    op_uuid: str
    now: datetime
    insist: Iterable[str] = ()

    def origin(self, reason: str | None) -> Origin:
        """What the history says of it."""
        return Origin(self.worker, "phone", self.now, self.op_uuid, reason)


@dataclass(frozen=True)
class Applied:
    """The feed of the record, and the fields that stay as they are because they were changed meanwhile."""

    feed: str
    contested: list[str]


def apply(kind: str, body: Mapping[str, Any], source: Source) -> Applied:
    """Apply an operation of one of KINDS; raises not_yours, record_exists, body_invalid."""
    household, contested = _APPLY[kind](body, source)
    return Applied(household.grid_code, contested)


def _register_household(sent: Mapping[str, Any], source: Source) -> tuple[Household, list[str]]:
    body = read_body(HouseholdRegisterBody, sent)
    found_at = min(body.found_at, source.now)
    origin = source.origin(body.location_declined)
    return people.register_household(body, found_at, source.reach.area_codes, origin), []


def _register_person(sent: Mapping[str, Any], source: Source) -> tuple[Household, list[str]]:
    body = read_body(PersonRegisterBody, sent)
    found_at = min(body.found_at, source.now)
    return people.register_person(body, found_at, source.reach, source.origin(None)).household, []


def _update_household(sent: Mapping[str, Any], source: Source) -> tuple[Household, list[str]]:
    body = read_body(HouseholdUpdateBody, sent)
    return people.update_household(
        body.household_uuid, body.fields, source.reach, source.origin(body.reason), insist=source.insist
    )


def _update_person(sent: Mapping[str, Any], source: Source) -> tuple[Household, list[str]]:
    body = read_body(PersonUpdateBody, sent)
    person, contested = people.update_person(
        body, source.reach, source.origin(body.reason), insist=source.insist
    )
    return person.household, contested


def _move_household(sent: Mapping[str, Any], source: Source) -> tuple[Household, list[str]]:
    body = read_body(HouseholdMoveBody, sent)
    origin = source.origin(body.reason)
    household = people.get_household(body.household_uuid, source.reach)
    if body.to_grid is None:
        people.move_away(household, body, origin)
        return household, []
    if household.grid_code not in {body.from_grid, body.to_grid} and "to_grid" not in source.insist:
        return household, ["to_grid"]
    try:
        reviews.move_household(
            source.judge, household.household_uuid, body.to_grid, now=source.now, origin=origin
        )
    except AppError:
        raise AppError("not_yours") from None
    return household, []


_APPLY: dict[str, Callable[[Mapping[str, Any], Source], tuple[Household, list[str]]]] = {
    "household.register": _register_household,
    "household.update": _update_household,
    "household.move": _move_household,
    "person.register": _register_person,
    "person.update": _update_person,
}
KINDS = frozenset(_APPLY)
