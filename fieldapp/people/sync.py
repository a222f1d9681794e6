"""Which fields of households and people a phone gets, and which it may send.

Invariant: an ID number never leaves the server unmasked, nor a restricted tag under its own name.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field

from fieldapp.core import clock
from fieldapp.core.bodies import Body, Location, PhoneInstant, UuidStr
from fieldapp.core.codes import get_codes
from fieldapp.people import rules
from fieldapp.people.models import Household, Person, SpecialPeriod


def household_record(household: Household) -> dict[str, Any]:
    """A household as the phones of its grid hold it."""
    return {
        "household_uuid": household.household_uuid,
        "grid_code": household.grid_code,
        "name": household.name,
        "address": household.address,
        "phone": household.phone,
        "lat": household.lat,
        "lon": household.lon,
        "datum": household.datum,
        "due_on": household.due_on.isoformat() if household.due_on else None,
        "last_visit_on": household.last_visit_on.isoformat() if household.last_visit_on else None,
        "note": household.note,
        "carry": household.carry,
    }


def period_record(period: SpecialPeriod) -> dict[str, Any]:
    """A special period as the phones in its area hold it."""
    return {
        "period_id": period.id,
        "area_code": period.area_code,
        "name": period.name,
        "from_on": period.from_on.isoformat(),
        "until_on": period.until_on.isoformat() if period.until_on else None,
        "tags": period.tags,
        "relaxed_papers": period.relaxed_papers,
    }


# What a phone shows in place of any restricted tag: 两人同行.
RESTRICTED_AS = "visit_in_pairs"


def get_restricted_tags() -> frozenset[str]:
    """The tags that a phone is not told by name."""
    return frozenset(code for code, row in get_codes("tag").items() if row.extra.get("restricted"))


def person_record(person: Person, restricted_tags: frozenset[str]) -> dict[str, Any]:
    """A person as the phones of the grid hold them."""
    last_on = clock.local_date(person.last_contact_at).isoformat() if person.last_contact_at else None
    return {
        "person_uuid": person.person_uuid,
        "household_uuid": person.household_uuid,
        "position": person.position,
        "name": person.name,
        "relation": person.relation,
        "sex": person.sex,
        "birth_on": person.birth_on.isoformat() if person.birth_on else None,
        "main_class": person.main_class,
        "tags": sorted({RESTRICTED_AS if tag.tag in restricted_tags else tag.tag for tag in person.tags}),
        "risk": person.risk,
        "phone": person.phone,
        "id_masked": rules.mask_id(person.id_number),
        "last_contact_on": last_on,
        "due_on": person.due_on.isoformat() if person.due_on else None,
        "remote_counts": person.remote_counts,
        "died_on": person.died_on.isoformat() if person.died_on else None,
        "moved_away_on": person.moved_away_on.isoformat() if person.moved_away_on else None,
    }


def _check_id(id_number: str) -> str:
    """A number as it is kept; one with a wrong check digit stands: why it does is said beside it."""
    number = rules.normal_number(id_number)
    fault = rules.find_id_fault(number, clock.local_date(clock.now()))
    if fault not in {None, "id_check_digit"}:
        raise ValueError(fault)
    return number


T = TypeVar("T")
Name = Annotated[str, Field(max_length=80)]
HouseholdName = Annotated[str, Field(min_length=1, max_length=80)]
Relation = Annotated[str, Field(max_length=20)]
Sex = Literal["", "m", "f"]
IdNumber = Annotated[str, Field(max_length=40), AfterValidator(_check_id)]
PhoneNumber = Annotated[str, Field(max_length=40), AfterValidator(rules.normal_number)]
Address = Annotated[str, Field(max_length=200)]
Note = Annotated[str, Field(max_length=1000)]
Tags = Annotated[list[Annotated[str, Field(max_length=40)]], Field(max_length=30)]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class NewPerson(Body):
    """Somebody found, as far as known; a name may be missing."""

    person_uuid: UuidStr
    name: Name
    relation: Relation = ""
    sex: Sex = ""
    birth_on: date | None = None
    id_number: IdNumber | None = None
    id_reason: Reason | None = None
    phone: PhoneNumber | None = None
    tags: Tags = []


class HouseholdRegisterBody(Body):
    """The body of household.register: a household, or somebody alone, that is not on the list yet."""

    household_uuid: UuidStr
    grid_code: Annotated[str, Field(max_length=15)]
    name: HouseholdName
    address: Address
    phone: PhoneNumber | None = None
    note: Note = ""
    found_at: PhoneInstant
    location: Location | None = None
    location_declined: Annotated[str, Field(max_length=300)] | None = None
    people: Annotated[list[NewPerson], Field(min_length=1, max_length=30)]


class PersonRegisterBody(NewPerson):
    """The body of person.register: one more person of a household that is there."""

    household_uuid: UuidStr
    found_at: PhoneInstant


class Change(Body, Generic[T]):
    """What the phone showed, and what it is to be. Of what it is only shown masked, it saw the mask."""

    seen: Annotated[Any, Field(alias="from")]
    to: T


class HouseholdFields(Body):
    """What may be corrected of a household."""

    name: Change[HouseholdName] | None = None
    address: Change[Address] | None = None
    phone: Change[PhoneNumber | None] | None = None
    note: Change[Note] | None = None


class PersonFields(Body):
    """What may be corrected of a person. Tags are whole lists: what differs between them is added or taken away."""

    name: Change[Name] | None = None
    relation: Change[Relation] | None = None
    sex: Change[Sex] | None = None
    birth_on: Change[date | None] | None = None
    id_number: Change[IdNumber | None] | None = None
    phone: Change[PhoneNumber | None] | None = None
    tags: Change[Tags] | None = None
    died_on: Change[date | None] | None = None
    moved_away_on: Change[date | None] | None = None
    moved_away_to: Change[Address | None] | None = None


class HouseholdUpdateBody(Body):
    """The body of household.update: corrections by field."""

    household_uuid: UuidStr
    fields: HouseholdFields
    reason: Reason | None = None


class PersonUpdateBody(Body):
    """The body of person.update: corrections by field; `household_uuid`: where the phone showed them."""

    person_uuid: UuidStr
    household_uuid: UuidStr
    fields: PersonFields
    reason: Reason | None = None


class HouseholdMoveBody(Body):
    """The body of household.move: into another grid, or (to_grid null) away from all of ours since a day."""

    household_uuid: UuidStr
    from_grid: Annotated[str, Field(max_length=15)]
    to_grid: Annotated[str, Field(max_length=15)] | None
    moved_away_on: date | None = None
    moved_away_to: Address | None = None
    reason: Reason
