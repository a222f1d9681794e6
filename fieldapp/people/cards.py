"""The people of a household as its page shows them.

Invariant: numbers leave this masked, and restricted tags under their own name only to who is told them.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldapp.core import clock, wording
from fieldapp.people import rules
from fieldapp.people.actions import state_of
from fieldapp.people.history import Sayer
from fieldapp.people.models import Household, Person
from fieldapp.people.relatives import list_declared_of
from fieldapp.users.models import User


@dataclass(frozen=True)
class Member:
    """A person as their card shows them."""

    person: Person
    age: int | None
    main_class: str
    tags: list[str]
    risk: str
    causes: str
    carers: list[str]
    id_masked: str | None
    phone_masked: str | None
    account_masked: str | None
    relatives: list[str]


def prepare_members(household: Household, reader: User) -> list[Member]:
    """The cards of a household's people, in their order."""
    today = clock.local_date(clock.now())
    sayer = Sayer(reader)
    relatives: dict[str, list[str]] = {}
    for person_uuid, _, user in list_declared_of(person.person_uuid for person in household.people):
        relatives.setdefault(person_uuid, []).append(user.display_name)
    return [
        _prepare(person, sayer, wording.age_on(person.birth_on, today), relatives.get(person.person_uuid, []))
        for person in household.people
    ]


def _prepare(person: Person, sayer: Sayer, age: int | None, relatives: list[str]) -> Member:
    state = state_of(person, ("causes", "tags", "carers"))
    return Member(
        person,
        age,
        sayer.say("main_class", person.main_class) if person.main_class != "none" else "",
        list(dict.fromkeys(sayer.say("tags", [tag]) for tag in state["tags"])),
        sayer.say("risk", person.risk),
        sayer.say("causes", state["causes"]),
        [sayer.say("carers", [carer]) for carer in state["carers"]],
        rules.mask_id(person.id_number),
        rules.mask_phone(person.phone),
        rules.mask_account(person.bank_account),
        relatives,
    )
