"""Finding households and people: by what their names and addresses begin with or hold, and by their numbers.

Invariant: every search reads a range of one index, whatever its reader's scope, at two million people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, select, union

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.people import queries, rules
from fieldapp.people.models import Household, Person, SearchWord

# After every sign of any script.
_LAST_SIGN = "\U0010ffff"
# A household is met once for each of its people of that name, and by its own.
_WORDS_OF_ONE = 4


@dataclass(frozen=True)
class Found:
    """A household, and which of its people were meant; none when it is the household's own name, address or phone."""

    household: Household
    people: list[Person]


def find_by_words(text: str, area_codes: Sequence[str], limit: int) -> list[Found]:
    """Households in those areas: first those with a name (or its initials) that begins with the text, whole names
    first; then those whose address holds it. Like names stand together, by place.
    """
    word = rules.plain_word(text)
    if not word:
        return []
    uuids = _list_uuids("name", word, area_codes, limit)
    if len(uuids) < limit:
        uuids += [uuid for uuid in _list_uuids("address", word, area_codes, limit) if uuid not in uuids]
    return [
        Found(
            household,
            [
                person
                for person in household.people
                if any(own.startswith(word) for own in rules.name_words(person.name))
            ],
        )
        for household in _list_in_order(uuids[:limit])
    ]


def find_by_number(number: str, area_codes: Sequence[str], limit: int) -> list[Found]:
    """Households in those areas where somebody has that ID or phone number, or one that ends in those four; by place."""
    is_tail = len(number) == rules.TAIL_LENGTH
    ending = "_tail_hash" if is_tail else "_hash"
    wanted = {f"{what}{ending}": queries.number_hashes(number, what)[is_tail] for what in ("id", "phone")}
    columns = [getattr(Person, name) == hash_ for name, hash_ in wanted.items()]
    of_household = getattr(Household, f"phone{ending}") == wanted[f"phone{ending}"]
    meant = union(
        *(select(Person.household_uuid).where(same) for same in columns),
        select(Household.household_uuid).where(of_household),
    )
    uuids = db.session.scalars(
        select(Household.household_uuid)
        .where(Household.household_uuid.in_(meant), scope.within(Household.grid_code, area_codes))
        .order_by(Household.grid_code, Household.name, Household.household_uuid)
        .limit(limit)
    )
    return [
        Found(
            household,
            [
                person
                for person in household.people
                if any(getattr(person, name) == hash_ for name, hash_ in wanted.items())
            ],
        )
        for household in _list_in_order(list(uuids))
    ]


def list_grids_with(id_number: str) -> list[str]:
    """The grids, of any area, where somebody has that ID number."""
    id_hash, _ = queries.number_hashes(id_number, "id")
    return list(
        db.session.scalars(
            select(Household.grid_code).join(Person).where(Person.id_hash == id_hash).distinct()
        )
    )


def find_alike(
    name: str, id_number: str, birth_on: date | None, area_codes: Sequence[str], place: str, limit: int
) -> list[Found]:
    """Who in those areas could be the same person: whoever has that ID number, wherever; in `place` also whoever is alike
    by name and birthday.
    """
    found = find_by_number(id_number, area_codes, limit) if len(id_number) == rules.ID_LENGTH else []
    if not rules.plain_word(name):
        return found
    uuids = db.session.scalars(
        select(SearchWord.household_uuid)
        .where(
            SearchWord.kind == "name",
            SearchWord.word.in_({rules.plain_word(name), rules.initials(name)}),
            scope.within(SearchWord.grid_code, area_codes),
            scope.within(SearchWord.grid_code, [place]),
        )
        .order_by(SearchWord.grid_code, SearchWord.household_uuid)
    )
    by_number = {person.person_uuid for one in found for person in one.people}
    for household in _list_in_order(dict.fromkeys(uuids)):
        alike = [
            person
            for person in household.people
            if person.person_uuid not in by_number
            and rules.are_alike(name, birth_on, person.name, person.birth_on)
        ]
        if alike:
            found.append(Found(household, alike))
    return found[:limit]


def words_of(kind: str, word: str, area_codes: Sequence[str], limit: int) -> Select[str]:
    """The search for what begins with `word`; whole words first, the same ones by place."""
    return (
        select(SearchWord.household_uuid)
        .where(
            SearchWord.kind == kind,
            SearchWord.word >= word,
            SearchWord.word < word + _LAST_SIGN,
            scope.within(SearchWord.grid_code, area_codes),
        )
        .order_by(SearchWord.word, SearchWord.grid_code, SearchWord.household_uuid)
        .limit(limit)
    )


def _list_uuids(kind: str, word: str, area_codes: Sequence[str], limit: int) -> list[str]:
    """At most `limit` households, each once."""
    found = db.session.scalars(words_of(kind, word, area_codes, limit * _WORDS_OF_ONE))
    return list(dict.fromkeys(found))[:limit]


def _list_in_order(household_uuids: Iterable[str]) -> list[Household]:
    order = {uuid: place for place, uuid in enumerate(household_uuids)}
    return sorted(queries.list_households(order), key=lambda household: order[household.household_uuid])
