"""Which fields of households and people a phone gets.

Invariant: an ID number never leaves the server unmasked, nor a restricted tag under its own name.
"""

from __future__ import annotations

from typing import Any

from fieldapp.core import clock
from fieldapp.core.codes import get_codes
from fieldapp.people import rules
from fieldapp.people.models import Household, Person


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
        "died_on": person.died_on.isoformat() if person.died_on else None,
    }
