"""Edits at the desk, where two people may be at the same record: merged field by field.

Invariant: what somebody else changed meanwhile is never overwritten unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fieldapp.core import clock, scope
from fieldapp.core.errors import AppError
from fieldapp.people import actions, queries
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, Person, RegistryChange
from fieldapp.users.models import User


@dataclass(frozen=True)
class Edited:
    """What an edit changed, {field: [before, after]}, and what others had changed meanwhile and keeps standing."""

    changed: dict[str, list[Any]]
    meanwhile: dict[str, RegistryChange]


class ChangedMeanwhile(Exception):
    """Somebody else changed the same fields since the form was opened.

    `fields`: their last change by field; `mine`: the fields that the editor changed; `seen`: the newest entry of the history.
    """

    def __init__(self, fields: dict[str, RegistryChange], mine: frozenset[str], seen: int) -> None:
        super().__init__(sorted(fields))
        self.fields, self.mine, self.seen = fields, mine, seen


def add_household(actor: User, household: Household, now: datetime) -> Household:
    """Put a household on the list of a grid of the actor's; raises not_found for another grid."""
    if not scope.covers(actor.area_codes(now), household.grid_code):
        raise AppError("not_found")
    return actions.add_household(household, now, Origin(actor, "desk", now))


def add_person(actor: User, household_uuid: str, person: Person, now: datetime, reason: str | None) -> Person:
    """Put somebody on the list in a household of the actor's areas; raises not_found."""
    household = _lock(actor, household_uuid, now)
    person.found_at = now
    return actions.add_person(household, person, Origin(actor, "desk", now, reason=reason))


def edit_household(
    actor: User, household_uuid: str, seen: int, fields: Mapping[str, Any], now: datetime, reason: str | None
) -> Edited:
    """Set fields of a household as somebody who saw its history up to `seen` wants them.

    Fields left as they were then are not touched. Raises not_found, ChangedMeanwhile.
    """
    household = _lock(actor, household_uuid, now)
    mine, meanwhile = _compare(household, household_uuid, seen, fields)
    origin = Origin(actor, "desk", now, reason=reason)
    return Edited(actions.change_household(household, mine, origin), meanwhile)


def edit_person(
    actor: User,
    person_uuid: str,
    seen: int,
    fields: Mapping[str, Any],
    now: datetime,
    reason: str | None,
    *,
    overrides_pause: bool = False,
) -> Edited:
    """The same for a person. Raises not_found, ChangedMeanwhile, and what `actions.change_person` raises."""
    person = _lock_person(actor, person_uuid, now)
    mine, meanwhile = _compare(person, person_uuid, seen, fields)
    origin = Origin(actor, "desk", now, reason=reason, overrides_pause=overrides_pause)
    return Edited(actions.change_person(person, mine, origin), meanwhile)


def record_death(
    actor: User, person_uuid: str, died_on: date, now: datetime, reason: str | None = None
) -> None:
    """Keep the day somebody died: they are due no more, at once. Raises not_found."""
    person = _lock_person(actor, person_uuid, now)
    actions.change_person(person, {"died_on": died_on}, Origin(actor, "desk", now, reason=reason))


def record_moving_away(actor: User, person_uuid: str, on: date, to: str | None, now: datetime) -> None:
    """Keep since when somebody lives where no grid of ours is, and where. Raises not_found."""
    person = _lock_person(actor, person_uuid, now)
    moved = {"moved_away_on": on, "moved_away_to": to}
    actions.change_person(person, moved, Origin(actor, "desk", now))


def undo_leaving(actor: User, person_uuid: str, now: datetime, reason: str) -> None:
    """Take back a death or a moving away that was recorded by mistake. Raises not_found, reason_needed."""
    if not reason.strip():
        raise AppError("reason_needed")
    person = _lock_person(actor, person_uuid, now)
    nothing = {"died_on": None, "moved_away_on": None, "moved_away_to": None}
    actions.change_person(person, nothing, Origin(actor, "desk", now, reason=reason))


def _lock(actor: User, household_uuid: str, now: datetime) -> Household:
    household = queries.lock_household(household_uuid)
    if household is None or not scope.covers(actor.area_codes(now), household.grid_code):
        raise AppError("not_found")
    if household.merged_into is not None:
        raise AppError("merged_meanwhile")
    return household


def _lock_person(actor: User, person_uuid: str, now: datetime) -> Person:
    """The person, to be changed; raises not_found, merged_meanwhile when somebody else stands for them by now."""
    person = queries.get_person(person_uuid, actor.area_codes(now))
    _lock(actor, person.household_uuid, now)
    person = queries.reread_person(person_uuid)
    if person.merged_into is not None:
        raise AppError("merged_meanwhile")
    return person


def _compare(
    row: Household | Person, uuid: str, seen: int, fields: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, RegistryChange]]:
    """What the editor changed of what was seen, and who changed which other fields since; raises ChangedMeanwhile."""
    now_there = actions.state_of(row, fields)
    seen_there = dict(now_there)
    theirs: dict[str, RegistryChange] = {}
    changes = queries.list_changes([uuid], after=seen)
    for change in reversed(changes):
        for name, (before, _) in change.values.items():
            if name in fields:
                seen_there[name] = before
                theirs.setdefault(name, change)
    wanted = {name: _as_kept(name, value) for name, value in fields.items()}
    mine = frozenset(name for name in fields if wanted[name] != seen_there[name])
    clashes = {name: theirs[name] for name in theirs if name in mine and wanted[name] != now_there[name]}
    if clashes:
        raise ChangedMeanwhile(clashes, mine, changes[-1].id)
    kept = {name: change for name, change in theirs.items() if name not in mine}
    return {name: fields[name] for name in mine}, kept


def _as_kept(name: str, value: Any) -> Any:
    """A typed value as `actions.state_of` gives it, for comparing."""
    if name == "tags":
        return sorted([tag, *(day.isoformat() if day else None for day in days)] for tag, *days in value)
    if isinstance(value, datetime):
        return clock.iso(value)
    return value.isoformat() if isinstance(value, date) else value
