"""ID, phone and account numbers in full: with a reason, and never without an entry in the audit trail for each.

Invariant: nothing else at the desk gives a number unmasked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fieldapp.core import audit
from fieldapp.core.errors import AppError
from fieldapp.people import queries, rules
from fieldapp.people.models import Carer, Household, Person
from fieldapp.users.models import User

MASKS = {
    "id_number": rules.mask_id,
    "bank_account": rules.mask_account,
    "phone": rules.mask_phone,
    "carer_phone": rules.mask_phone,
}
# What the record of a visit shows of a household.
ON_PAPER = frozenset({"id_number", "phone"})


@dataclass(frozen=True)
class Number:
    """A number of a household, of a person, or of somebody who answers for them."""

    key: str
    what: str  # id_number, phone, bank_account, carer_phone
    number: str
    person: Person | None = None
    carer: Carer | None = None

    @property
    def masked(self) -> str:
        """As pages show it."""
        return MASKS[self.what](self.number) or ""


def list_numbers(household: Household) -> list[Number]:
    """The numbers that are kept of a household and its people, in the order of its page."""
    numbers = [Number("phone", "phone", household.phone)] if household.phone else []
    for person in household.people:
        numbers += [
            Number(f"{person.person_uuid}.{what}", what, number, person)
            for what in ("id_number", "phone", "bank_account")
            if (number := getattr(person, what))
        ]
        numbers += [
            Number(f"{person.person_uuid}.carer.{carer.id}", "carer_phone", carer.phone, person, carer)
            for carer in person.carers
            if carer.phone
        ]
    return numbers


def reveal_number(actor: User, household_uuid: str, key: str, reason: str, now: datetime) -> Number:
    """A number of a household in full, by its key; who read it and why is audited.

    Raises not_found, reason_needed.
    """
    if not reason.strip():
        raise AppError("reason_needed")
    household = queries.get_household(household_uuid, actor.area_codes(now))
    found = next((one for one in list_numbers(household) if one.key == key), None)
    if found is None:
        raise AppError("not_found")
    kind, uuid = ("person", found.person.person_uuid) if found.person else ("household", household_uuid)
    audit.record(actor, "number.reveal", kind, uuid, at=now, number=found.what, reason=reason.strip())
    return found


def reveal_for_paper(actor: User, household_uuid: str, reason: str, now: datetime) -> Household:
    """A household whose ID and phone numbers are printed in full; who printed each and why is audited.

    Raises not_found, reason_needed.
    """
    if not reason.strip():
        raise AppError("reason_needed")
    household = queries.get_household(household_uuid, actor.area_codes(now))
    for one in list_numbers(household):
        if one.what in ON_PAPER:
            kind, uuid = ("person", one.person.person_uuid) if one.person else ("household", household_uuid)
            audit.record(
                actor,
                "number.reveal",
                kind,
                uuid,
                at=now,
                number=one.what,
                reason=reason.strip(),
                printed=True,
            )
    return household
