"""What workers register and correct from their phones.

Invariant: a correction takes the place of what its phone saw, and of nothing else: where something else is here by now,
that stays, and the caller is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fieldapp.areas import queries as areas
from fieldapp.core import clock, scope
from fieldapp.core.codes import get_codes
from fieldapp.core.errors import AppError
from fieldapp.people import actions, queries, rules
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.people.sync import (
    RESTRICTED_AS,
    Change,
    HouseholdFields,
    HouseholdMoveBody,
    HouseholdRegisterBody,
    NewPerson,
    PersonFields,
    PersonRegisterBody,
    PersonUpdateBody,
)


@dataclass(frozen=True)
class Reach:
    """Where a worker's record may be about: these areas, in which a household was `at` (None: is now)."""

    area_codes: Sequence[str]
    at: datetime | None

    def covers(self, household: Household) -> bool:
        """Whether the household was in reach."""
        grid = queries.get_grid_at(household, self.at) if self.at else household.grid_code
        return scope.covers(self.area_codes, grid)


def get_household(household_uuid: str, reach: Reach) -> Household:
    """The household that stands under that uuid, locked, when the one named was in reach; raises not_yours."""
    household = queries.lock_household(household_uuid)
    if household is None or not reach.covers(household):
        raise AppError("not_yours")
    return queries.lock_standing(household)


def register_household(
    body: HouseholdRegisterBody, found_at: datetime, area_codes: Sequence[str], origin: Origin
) -> Household:
    """Put a household on the list whose grid lies in those areas; its people are due at once. Where that grid has ended
    meanwhile, it goes where the grid went.

    Raises not_yours when the grid does not, record_exists when a person is there already, body_invalid.
    """
    grid = areas.find_area(body.grid_code)
    if grid is None or not grid.holds_households or not scope.covers(area_codes, grid.code):
        raise AppError("not_yours")
    household = Household(
        household_uuid=body.household_uuid,
        grid_code=grid.code,
        name=body.name,
        address=body.address,
        phone=body.phone or None,
        note=body.note,
        lat=body.location.lat if body.location else None,
        lon=body.location.lon if body.location else None,
        datum=body.location.datum if body.location else None,
        people=[_new_person(person, found_at) for person in body.people],
    )
    _check_new(household.people)
    actions.add_household(household, origin.now, origin)
    actions.follow_grid(household, origin)
    return household


def register_person(body: PersonRegisterBody, found_at: datetime, reach: Reach, origin: Origin) -> Person:
    """Put one more person of a household on the list; raises not_yours, record_exists, body_invalid."""
    household = get_household(body.household_uuid, reach)
    person = _new_person(body, found_at)
    _check_new([person])
    return actions.add_person(household, person, origin)


def update_household(
    household_uuid: str, fields: HouseholdFields, reach: Reach, origin: Origin, *, insist: Iterable[str] = ()
) -> tuple[Household, list[str]]:
    """Set what is still as the phone saw it; returns the household and the fields that are not, left as they are.

    Those in `insist` are set whatever is here. Raises not_yours.
    """
    household = get_household(household_uuid, reach)
    wanted, contested = _merge(household, _changes_of(fields), insist)
    actions.change_household(household, wanted, origin)
    return household, contested


def update_person(
    body: PersonUpdateBody, reach: Reach, origin: Origin, *, insist: Iterable[str] = ()
) -> tuple[Person, list[str]]:
    """As `update_household`, of a person; raises not_yours, body_invalid (a day to come, a tag nobody knows)."""
    person = next(iter(queries.list_people([body.person_uuid])), None)
    if person is None:
        raise AppError("not_yours")
    get_household(person.household_uuid, reach)
    person = queries.lock_standing_person(person)
    changes = _changes_of(body.fields)
    today = clock.local_date(origin.now)
    for name in ("birth_on", "died_on", "moved_away_on"):
        if name in changes and changes[name].to is not None and changes[name].to > today:
            raise AppError("body_invalid", fields={f"fields.{name}": "in_future"})
    tags = changes.pop("tags", None)
    wanted, contested = _merge(person, changes, insist)
    if wanted.get("id_number"):
        wanted["id_reason"] = body.reason if rules.find_id_fault(wanted["id_number"], today) else None
    if tags is not None:
        wanted["tags"] = _merge_tags(person, tags)
    actions.change_person(person, wanted, origin)
    return person, contested


def move_away(household: Household, body: HouseholdMoveBody, origin: Origin) -> None:
    """Note of everybody who lives there since when they live elsewhere; raises body_invalid (a day to come)."""
    today = clock.local_date(origin.now)
    on = body.moved_away_on or today
    if on > today:
        raise AppError("body_invalid", fields={"moved_away_on": "in_future"})
    for person in household.people:
        if person.died_on is None and person.moved_away_on is None:
            actions.change_person(person, {"moved_away_on": on, "moved_away_to": body.moved_away_to}, origin)


def values_of(row: Household | Person, name: str, change: Change[Any]) -> tuple[Any, Any, Any]:
    """(what the phone saw, what is here, what it is to be) of one field, as JSON values."""
    return change.seen, actions.state_of(row, [name])[name], _json_of(change)


# What a person is shown of a number.
_MASKS = {"id_number": rules.mask_id, "phone": rules.mask_phone}


def _new_person(body: NewPerson, found_at: datetime) -> Person:
    known = get_codes("tag")
    if unknown := [tag for tag in body.tags if tag not in known]:
        raise AppError("body_invalid", fields={"tags": ", ".join(unknown)})
    number = body.id_number or None
    return Person(
        person_uuid=body.person_uuid,
        name=body.name,
        relation=body.relation,
        sex=body.sex or (rules.sex_in(number) if number else ""),
        birth_on=body.birth_on or (rules.born_on(number) if number else None),
        id_number=number,
        id_reason=body.id_reason if number else None,
        phone=body.phone or None,
        main_class="none",
        risk="low",
        tags=[PersonTag(tag=tag) for tag in dict.fromkeys(body.tags)],
        found_at=found_at,
    )


def _check_new(people: Sequence[Person]) -> None:
    uuids = [person.person_uuid for person in people]
    if len(set(uuids)) < len(uuids):
        raise AppError("body_invalid", fields={"people": "twice"})
    if queries.list_people(uuids):
        raise AppError("record_exists")


def _changes_of(fields: HouseholdFields | PersonFields) -> dict[str, Change[Any]]:
    return {name: change for name in fields.model_fields_set if (change := getattr(fields, name)) is not None}


def _merge(
    row: Household | Person, changes: Mapping[str, Change[Any]], insist: Iterable[str]
) -> tuple[dict[str, Any], list[str]]:
    """(what to set, the fields that are neither as the phone saw them nor as it wants them)."""
    here = actions.state_of(row, changes)
    wanted: dict[str, Any] = {}
    contested = []
    for name, change in changes.items():
        if _is_same(here[name], _json_of(change)):
            continue
        mask = _MASKS.get(name)
        is_as_seen = _is_same(here[name], change.seen) or (mask and _is_same(mask(here[name]), change.seen))
        if name in insist or is_as_seen:
            wanted[name] = change.to
        else:
            contested.append(name)
    return wanted, contested


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values say the same; nothing and an empty text do."""
    return (one or "") == (other or "")


def _json_of(change: Change[Any]) -> Any:
    return change.model_dump(mode="json")["to"]


def _merge_tags(person: Person, change: Change[Any]) -> list[tuple[str, date | None, date | None]]:
    """The person's tags with those the worker added and without those they took away; restricted ones stay."""
    known = get_codes("tag")
    if unknown := [tag for tag in change.to if tag not in known]:
        raise AppError("body_invalid", fields={"fields.tags": ", ".join(unknown)})
    seen = change.seen if isinstance(change.seen, list) else []
    removed = {tag for tag in seen if tag not in change.to}
    kept = [(tag.tag, tag.from_on, tag.to_on) for tag in person.tags if tag.tag not in removed]
    held = {tag.tag for tag in person.tags} | {RESTRICTED_AS}
    added = [tag for tag in dict.fromkeys(change.to) if tag not in seen and tag not in held]
    return kept + [(tag, None, None) for tag in added]
