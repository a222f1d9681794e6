"""What the rows of an import would do to the registry as it is now.

A row is about one person, found by the ID number, else by name and birthday in the same household; what it says of the
household is compared with the registry and with the rows above it. Its plan says what is to be written:

    adds_household  whether the household is made with it
    is_head         whether it says of its person that they are the head
    says            what it says of the household, {field: value}
    household       what changes in the household, {field: [before, after]} as in the registry's history
    person          the same for the person; of somebody added, before is null

Invariant: judging writes nothing; the same rows and the same registry give the same verdicts, so that a verdict that is
another one when the row is applied means that somebody has changed something in between.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.orm import joinedload, selectinload

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.core import scope
from fieldapp.core.codes import list_codes
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db
from fieldapp.imports import rules
from fieldapp.imports.models import Import, ImportRow
from fieldapp.imports.places import Places
from fieldapp.imports.rules import ADD, CHANGE, REFUSED, SAME, Draft, Fault
from fieldapp.people.actions import state_of
from fieldapp.people.models import Household, Person
from fieldapp.people.queries import number_hashes

# A household that is only about to be made.
_BLANK = {"address": "", "phone": None, "note": ""}
# Fields whose values are added to, never taken away from.
_LISTS = ("tags", "causes")
# Uuids of what an import makes follow from its number and the row: made twice, they are the same.
_NAMESPACE = uuid.UUID("6ba7c9a4-5d0e-4b59-9a53-0f1e7f3c2d11")


@dataclass
class Verdict:
    """What a row would do; the columns of an ImportRow that checking fills."""

    outcome: str
    household_uuid: str | None = None
    person_uuid: str | None = None
    household_hash: str | None = None
    person_hash: str | None = None
    plan: dict[str, Any] | None = None
    faults: list[Fault] = field(default_factory=list)


@dataclass
class _Told:
    """What the rows so far have told of one household."""

    household_uuid: str
    is_new: bool
    says: dict[str, tuple[Any, int]] = field(default_factory=dict)  # value, and the row that said it
    head_row: int | None = None


class Judge:
    """Judges rows of one import; made anew for every request, so that its words and grids are today's."""

    def __init__(self, held: Import, today: date) -> None:
        self._import = held
        self._today = today
        self._words = get_words()
        self._places = get_places(held.area_codes)

    def judge(self, rows: Sequence[ImportRow]) -> list[Verdict]:
        """A verdict for each of some rows that follow each other."""
        drafts = [rules.read_row(row.cells, self._import.fields, self._words, self._today) for row in rows]
        grids = [self._find_grid(draft) for draft in drafts]
        registry = _Registry(drafts, grids)
        hashes = [self._hash(draft, grid) for draft, grid in zip(drafts, grids, strict=True)]
        told, rows_of_people = self._list_earlier(rows[0].number, hashes)
        verdicts = []
        for row, draft, grid, (of_household, of_person) in zip(rows, drafts, grids, hashes, strict=True):
            first = rows_of_people.get(of_person or "")
            if first is not None:
                draft.refuse("id_number" if "id_number" in draft.person else "name", "twice", row=first)
            verdict = self._judge_row(row, draft, grid, of_household, registry, told)
            verdict.household_hash, verdict.person_hash = of_household, of_person
            if verdict.outcome != REFUSED and of_person:
                rows_of_people[of_person] = row.number
            verdicts.append(verdict)
        return verdicts

    def _find_grid(self, draft: Draft) -> str | None:
        grid, fault = self._places.find(*draft.place)
        # Somebody who is found by the ID number need not be told the place of.
        if fault and not (fault == "place_missing" and "id_number" in draft.person):
            draft.refuse("grid", fault, text="".join(draft.place))
        return grid

    def _hash(self, draft: Draft, grid: str | None) -> tuple[str | None, str | None]:
        """(hash of the household, hash of the person) as the file tells them."""
        household = None
        if grid:
            key = f"number {draft.household_number}" if draft.household_number else f"name {_head_of(draft)}"
            household = keyring().lookup_hash(f"{grid} {key}", "import_rows.household")
        if id_number := draft.person.get("id_number"):
            return household, number_hashes(id_number, "id")[0]
        who = f"{household} {draft.person.get('name')} {draft.person.get('birth_on')}"
        return household, keyring().lookup_hash(who, "import_rows.person") if household else None

    def _list_earlier(
        self, before: int, hashes: Iterable[tuple[str | None, str | None]]
    ) -> tuple[dict[str, _Told], dict[str, int]]:
        """What rows above say of the same households, and the rows above that are about the same people."""
        pairs = list(hashes)
        of_import = (
            ImportRow.import_id == self._import.import_id,
            ImportRow.number < before,
            ImportRow.outcome != REFUSED,
        )
        told: dict[str, _Told] = {}
        for row in db.session.scalars(
            select(ImportRow)
            .where(
                *of_import, ImportRow.household_hash.in_({household for household, _ in pairs if household})
            )
            .order_by(ImportRow.number)
        ):
            _tell(told, str(row.household_hash), str(row.household_uuid), row.plan, row.number)
        people = db.session.execute(
            select(ImportRow.person_hash, ImportRow.number).where(
                *of_import, ImportRow.person_hash.in_({person for _, person in pairs if person})
            )
        )
        return told, {person: number for person, number in people if person}

    def _judge_row(
        self,
        row: ImportRow,
        draft: Draft,
        grid: str | None,
        of_household: str | None,
        registry: _Registry,
        told: dict[str, _Told],
    ) -> Verdict:
        person = self._find_by_id(draft, registry)
        earlier = told.get(of_household or "")
        household = self._find_household(draft, grid, person, earlier, registry)
        if not draft.faults and person is None and household is not None:
            person = self._find_by_name(draft, household)
        if not draft.faults and earlier and draft.is_head and earlier.head_row:
            draft.refuse("relation", "second_head", row=earlier.head_row)
        if draft.faults:
            return Verdict(REFUSED, faults=draft.faults)
        if household is not None:
            household_uuid = household.household_uuid
        elif earlier is not None:
            household_uuid = earlier.household_uuid
        else:
            household_uuid = self._make_uuid(f"household {row.number}")
        plan: dict[str, Any] = {
            "adds_household": household is None and earlier is None,
            "is_head": draft.is_head,
            "says": draft.household,
            "household": _changes_of_household(draft, household, earlier),
            "person": _changes_of_person(draft, person),
        }
        if draft.faults:
            return Verdict(REFUSED, faults=draft.faults)
        if plan["adds_household"]:
            plan["household"] |= {"name": [None, _head_of(draft)], "grid_code": [None, grid]}
        if of_household:
            _tell(told, of_household, household_uuid, plan, row.number)
        changes = bool(plan["household"] or plan["person"])
        return Verdict(
            ADD if person is None else CHANGE if changes else SAME,
            household_uuid,
            person.person_uuid if person else self._make_uuid(f"person {row.number}"),
            plan=plan,
        )

    def _find_by_id(self, draft: Draft, registry: _Registry) -> Person | None:
        found = registry.by_id.get(draft.person.get("id_number", ""), [])
        if not found:
            return None
        if len(found) > 1:
            draft.refuse("id_number", "id_several")
        elif not scope.covers(self._import.area_codes, found[0].household.grid_code):
            draft.refuse("id_number", "id_elsewhere")
        return found[0]

    def _find_household(
        self,
        draft: Draft,
        grid: str | None,
        person: Person | None,
        earlier: _Told | None,
        registry: _Registry,
    ) -> Household | None:
        """The household of the registry that the row is about, or None; notes what contradicts it."""
        if draft.faults:
            return None
        if person is not None:
            household = person.household
            named = draft.head and draft.head != household.name
            if named or (
                earlier and draft.household_number and earlier.household_uuid != household.household_uuid
            ):
                draft.refuse("id_number", "id_in_household", household=household.name)
            elif grid and grid != household.grid_code:
                draft.refuse("grid", "id_in_grid", household=household.name)
            return household
        if grid is None:
            draft.refuse("grid", "place_missing")
            return None
        found = registry.by_head.get((grid, _head_of(draft)), [])
        if earlier is not None:
            return next((each for each in found if each.household_uuid == earlier.household_uuid), None) or (
                None if earlier.is_new else db.session.get(Household, earlier.household_uuid)
            )
        if len(found) > 1 and "address" in draft.household:
            found = [each for each in found if each.address == draft.household["address"]] or found
        if len(found) > 1:
            draft.refuse("head" if draft.head else "name", "household_blurred", household=_head_of(draft))
        return found[0] if found else None

    def _find_by_name(self, draft: Draft, household: Household) -> Person | None:
        same = [
            person
            for person in household.people
            if person.name == draft.person["name"] and person.birth_on == draft.person.get("birth_on")
        ]
        if len(same) > 1:
            draft.refuse("name", "person_blurred")
        person = same[0] if same else None
        if (
            person
            and person.id_number
            and person.id_number != draft.person.get("id_number", person.id_number)
        ):
            draft.refuse("id_number", "id_differs")
        return person

    def _make_uuid(self, what: str) -> str:
        return str(
            uuid.uuid5(_NAMESPACE, f"{self._import.import_id} {self._import.made_at.isoformat()} {what}")
        )


class _Registry:
    """The people and households of the registry that some rows may be about."""

    def __init__(self, drafts: Sequence[Draft], grids: Sequence[str | None]) -> None:
        numbers = {
            hashed: draft.person["id_number"]
            for draft in drafts
            if (hashed := number_hashes(draft.person.get("id_number"), "id")[0])
        }
        self.by_id: dict[str, list[Person]] = {}
        for person in db.session.scalars(
            select(Person).where(Person.id_hash.in_(list(numbers))).options(joinedload(Person.household))
        ):
            self.by_id.setdefault(numbers[str(person.id_hash)], []).append(person)
        named = {
            (grid, _head_of(draft))
            for draft, grid in zip(drafts, grids, strict=True)
            if grid and _head_of(draft)
        }
        self.by_head: dict[tuple[str, str], list[Household]] = {}
        for household in db.session.scalars(
            select(Household)
            .where(tuple_(Household.grid_code, Household.name).in_(named), Household.merged_into.is_(None))
            .options(selectinload(Household.people))
        ):
            self.by_head.setdefault((household.grid_code, household.name), []).append(household)


def _head_of(draft: Draft) -> str:
    """What the household is called: its head; who has none named lives alone."""
    return draft.head or str(draft.person.get("name", ""))


def _tell(told: dict[str, _Told], of_household: str, household_uuid: str, plan: Any, number: int) -> None:
    known = told.setdefault(of_household, _Told(household_uuid, plan["adds_household"]))
    for name, value in plan["says"].items():
        known.says.setdefault(name, (value, number))
    if plan["is_head"]:
        known.head_row = number


def _changes_of_household(
    draft: Draft, household: Household | None, earlier: _Told | None
) -> dict[str, list[Any]]:
    changes = {}
    before = _BLANK | (state_of(household, _BLANK) if household else {})
    for name, value in draft.household.items():
        said, number = earlier.says.get(name, (value, 0)) if earlier else (value, 0)
        if said != value:
            draft.refuse("household_phone" if name == "phone" else name, "household_differs", row=number)
        elif not number and before[name] != value:
            changes[name] = [before[name], value]
    return changes


def _changes_of_person(draft: Draft, person: Person | None) -> dict[str, list[Any]]:
    before = state_of(person, draft.person) if person else {}
    changes = {}
    for name, value in draft.person.items():
        old = before.get(name)
        if name == "tags":
            held = old or []
            new: Any = sorted(
                [*held, *([tag, None, None] for tag in value if tag not in {each[0] for each in held})]
            )
        elif name == "causes":
            new = [*(old or []), *(cause for cause in value if cause not in (old or []))]
        else:
            new = value.isoformat() if isinstance(value, date) else value
        if new != old:
            changes[name] = [old, new]
    return changes


def get_words() -> rules.Words:
    """What the words of a roster mean, by the code tables; a word that names two codes means neither."""
    return rules.Words(
        classes=words_of("class", rules.CLASS_WORDS),
        tags=words_of("tag", rules.TAG_WORDS),
        risks=words_of("risk", {}),
        causes=words_of("cause", {}),
    )


def words_of(table: str, usual: dict[str, str]) -> dict[str, str]:
    """The codes of a table by the words for them (rules.word): their own, and the `usual` ones."""
    codes = [code for code in list_codes(table) if not code.retired_on and not code.extra.get("shown_only")]
    known = {code.code for code in codes}
    words = {rules.word(said): code for said, code in usual.items() if code in known}
    for code in codes:
        for said in (code.code, code.en, code.zh):
            words[rules.word(said)] = code.code
    return words


def get_places(area_codes: Iterable[str]) -> Places:
    """The grids in those areas, by the ways they are written."""
    grids = [grid.code for grid in areas.list_grids(area_codes)]
    above = {grid[:digits] for grid in grids for digits in LEVELS.values()}
    return Places(grids, areas.get_names(above))
