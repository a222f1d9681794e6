"""Reads of households and people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, load_only, selectinload
from sqlalchemy.sql.base import ExecutableOption

from fieldapp.core import scope
from fieldapp.core.codes import Code
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import rules
from fieldapp.people.models import Household, HouseholdGrid, Merge, Person, RegistryChange

CHANGES_PER_PAGE = 50


def get_household(household_uuid: str, area_codes: Sequence[str]) -> Household:
    """The household that stands under that uuid, with its people, when it is in scope; raises not_found."""
    household = db.session.get(Household, household_uuid, options=[selectinload(Household.people)])
    household = find_standing(household) if household else None
    if household is None or not scope.covers(area_codes, household.grid_code):
        raise AppError("not_found")
    return household


def get_person(person_uuid: str, area_codes: Sequence[str]) -> Person:
    """The person who stands under that uuid, when their household is in scope; raises not_found."""
    person = db.session.get(Person, person_uuid)
    person = find_standing(person) if person else None
    if person is None or not scope.covers(area_codes, person.household.grid_code):
        raise AppError("not_found")
    return person


Entry = TypeVar("Entry", Household, Person)


def find_standing(entry: Entry) -> Entry:
    """The entry that stands for this one: itself, or what it was merged into, as far as that goes."""
    while entry.merged_into is not None:
        entry = db.session.get_one(type(entry), entry.merged_into)
    return entry


def list_standing(kind: type[Household] | type[Person], uuids: Iterable[str]) -> dict[str, str]:
    """The key of the entry that stands for each of those, by theirs."""
    found = {uuid: uuid for uuid in uuids}
    newest = set(found)
    while newest:
        rows = db.session.execute(
            select(_key(kind), kind.merged_into).where(_key(kind).in_(newest), kind.merged_into.is_not(None))
        )
        into = {uuid: standing for uuid, standing in rows if standing}
        found = {uuid: into.get(standing, standing) for uuid, standing in found.items()}
        newest = set(into.values())
    return found


def list_behind(kind: type[Household] | type[Person], uuids: Iterable[str]) -> dict[str, str]:
    """Of those entries and all that was merged into them: by key, which of those it now is."""
    found = {uuid: uuid for uuid in uuids}
    newest = set(found)
    while newest:
        rows = db.session.execute(
            select(_key(kind), kind.merged_into).where(kind.merged_into.in_(newest))
        ).all()
        found |= {uuid: found[into] for uuid, into in rows if into}
        newest = {uuid for uuid, _ in rows}
    return found


def _key(kind: type[Household] | type[Person]) -> InstrumentedAttribute[str]:
    return Household.household_uuid if issubclass(kind, Household) else Person.person_uuid


def list_same(household_uuid: str | None) -> list[str]:
    """The keys of all entries of the household that one of them names; none without one."""
    if household_uuid is None:
        return []
    return list(list_behind(Household, list_standing(Household, [household_uuid]).values()))


def list_merged_people(household_uuids: Iterable[str]) -> list[str]:
    """The keys of the entries that were merged into people of those households, wherever they lie."""
    members = db.session.scalars(
        select(Person.person_uuid).where(
            Person.household_uuid.in_(list(household_uuids)), Person.merged_into.is_(None)
        )
    ).all()
    return [uuid for uuid, into in list_behind(Person, members).items() if uuid != into]


def have_been_in(household: Household, person_uuids: Iterable[str]) -> bool:
    """Whether those are people of the household, or were while it was merged with another or before somebody of it was."""
    strangers = set(person_uuids) - {person.person_uuid for person in household.people}
    if not strangers:
        return True
    related, newest = {household.household_uuid}, [household.household_uuid]
    while newest:
        merged = db.session.execute(
            select(Merge.loser_uuid, Merge.winner_uuid).where(
                Merge.kind == "household", Merge.loser_uuid.in_(newest) | Merge.winner_uuid.in_(newest)
            )
        )
        newest = [uuid for pair in merged for uuid in pair if uuid not in related]
        related |= set(newest)
    known = db.session.scalars(
        select(Person.person_uuid).where(
            Person.person_uuid.in_(strangers), Person.household_uuid.in_(related)
        )
    )
    return strangers <= set(known)


def reread_person(person_uuid: str) -> Person:
    """The person as they are now, to be changed; their household is locked."""
    return db.session.get_one(
        Person,
        person_uuid,
        populate_existing=True,
        options=[selectinload(Person.tags), selectinload(Person.carers)],
    )


def find_household(household_uuid: str) -> Household | None:
    """The household whoever asks, or None; for the server's own use."""
    return db.session.get(Household, household_uuid)


def list_changes_by(source_ids: Iterable[str]) -> list[RegistryChange]:
    """What those operations of phones changed, in the order of writing."""
    return list(
        db.session.scalars(
            select(RegistryChange)
            .where(RegistryChange.source == "phone", RegistryChange.source_id.in_(list(source_ids)))
            .order_by(RegistryChange.id)
        )
    )


def list_empty(household_uuids: Iterable[str]) -> set[str]:
    """Of those households the ones where nobody is on the list, under no entry that still stands or was merged."""
    uuids = set(household_uuids)
    for column in (Person.household_uuid, Household.merged_into):
        uuids -= set(db.session.scalars(select(column).where(column.in_(uuids)).distinct()))
    return uuids


def find_registered(kind: str, uuid: str | None) -> Household | None:
    """The household that stands under that uuid, or (kind: person) that of the person who does; None when they are not on
    the list.
    """
    if uuid is None:
        return None
    if kind == "household":
        household = find_household(uuid)
        return find_standing(household) if household else None
    person = db.session.get(Person, uuid)
    return find_standing(person).household if person else None


def lock_household(household_uuid: str) -> Household | None:
    """The household with its people as they are now, locked until the transaction ends, so that visits to it count one
    after the other."""
    return next(iter(lock_and_list([household_uuid])), None)


def lock_standing(household: Household) -> Household:
    """The household that stands for a locked one, locked as well."""
    while household.merged_into is not None and (into := lock_household(household.merged_into)):
        household = into
    return household


def lock_standing_person(person: Person) -> Person:
    """Who stands for somebody, as they are now, to be changed; their household is locked."""
    person = find_standing(person)
    lock_household(person.household_uuid)
    return reread_person(person.person_uuid)


def lock_households(household_uuids: Iterable[str]) -> None:
    """Lock households as `lock_household` does, in the order of their keys: so those who need several do not deadlock.

    With them those that stand for them, or hold who stands for their people.
    """
    named = set(household_uuids)
    merged = db.session.scalars(
        select(Person.merged_into).where(Person.household_uuid.in_(named), Person.merged_into.is_not(None))
    )
    standing = list_standing(Person, [uuid for uuid in merged if uuid]).values() if named else ()
    if standing:
        named |= set(
            db.session.scalars(select(Person.household_uuid).where(Person.person_uuid.in_(standing)))
        )
    named |= set(list_standing(Household, named).values())
    db.session.execute(
        select(Household.household_uuid)
        .where(Household.household_uuid.in_(sorted(named)))
        .order_by(Household.household_uuid)
        .with_for_update()
    ).all()


def list_uuids_in(grid_code: str) -> list[str]:
    """The keys of the households of a grid, in their order."""
    return list(
        db.session.scalars(
            select(Household.household_uuid)
            .where(Household.grid_code == grid_code, Household.merged_into.is_(None))
            .order_by(Household.household_uuid)
        )
    )


def lock_and_list(
    household_uuids: Iterable[str], load: Sequence[ExecutableOption] = (selectinload(Household.people),)
) -> list[Household]:
    """Those households with their people as they are now, locked until the transaction ends."""
    return list(
        db.session.scalars(
            select(Household)
            .where(Household.household_uuid.in_(list(household_uuids)))
            .order_by(Household.household_uuid)
            .options(*load)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


# For `lock_and_list`, where due dates alone are asked for: to open what is encrypted would take most of the time.
FOR_DUE_DATES = (
    load_only(Household.grid_code, Household.due_on, Household.counted, Household.merged_into),
    selectinload(Household.people).load_only(
        *(Person.household_uuid, Person.position, Person.main_class, Person.risk, Person.registered_on),
        *(Person.last_contact_at, Person.counted_on, Person.counted_remote, Person.due_on),
        *(Person.remote_counts, Person.died_on, Person.moved_away_on, Person.merged_into),
    ),
)


def get_grid_at(household: Household, at: datetime) -> str:
    """The code of the grid the household was in at that instant."""
    return db.session.scalars(
        select(HouseholdGrid.grid_code)
        .where(
            HouseholdGrid.household_uuid == household.household_uuid,
            HouseholdGrid.from_at.is_(None) | (HouseholdGrid.from_at <= at),
        )
        .order_by(HouseholdGrid.from_at.desc().nulls_last(), HouseholdGrid.id.desc())
        .limit(1)
    ).one()


def list_grids_ever(household_uuid: str) -> list[str]:
    """The codes of all grids a household is or was in."""
    return list(
        db.session.scalars(
            select(HouseholdGrid.grid_code).where(HouseholdGrid.household_uuid == household_uuid).distinct()
        )
    )


def list_households_in(grid_code: str, from_at: datetime, until_at: datetime) -> list[Household]:
    """The households that were in a grid at some time from one instant to another, merged ones too, with their people."""
    ever = select(HouseholdGrid.household_uuid).where(HouseholdGrid.grid_code == grid_code)
    rows = db.session.scalars(
        select(HouseholdGrid)
        .where(HouseholdGrid.household_uuid.in_(ever))
        .order_by(HouseholdGrid.household_uuid, HouseholdGrid.from_at.nulls_first(), HouseholdGrid.id)
    ).all()
    there = set()
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        ends_at = following.from_at if following and following.household_uuid == row.household_uuid else None
        if (
            row.grid_code == grid_code
            and (row.from_at is None or row.from_at < until_at)
            and (ends_at is None or ends_at > from_at)
        ):
            there.add(row.household_uuid)
    return list_households(there)


def list_moves(household_uuid: str) -> list[HouseholdGrid]:
    """The moves of a household from grid to grid, oldest first."""
    return list(
        db.session.scalars(
            select(HouseholdGrid)
            .where(HouseholdGrid.household_uuid == household_uuid, HouseholdGrid.from_at.is_not(None))
            .order_by(HouseholdGrid.id)
        )
    )


def list_households(household_uuids: Iterable[str]) -> list[Household]:
    """The households of those uuids, with their people."""
    return list(
        db.session.scalars(
            select(Household)
            .where(Household.household_uuid.in_(list(household_uuids)))
            .options(selectinload(Household.people))
        )
    )


def list_people(person_uuids: Iterable[str]) -> list[Person]:
    """The people of those uuids."""
    return list(db.session.scalars(select(Person).where(Person.person_uuid.in_(list(person_uuids)))))


def get_due_table() -> rules.DueTable:
    """What the code tables of risks, main classes and tags ask for."""
    # One query: it is asked at every visit that comes in.
    asking = select(Code).where(Code.table.in_(("risk", "class", "tag")))
    rows = {(row.table, row.code): row for row in db.session.scalars(asking)}
    return rules.DueTable(
        days=_settings_of(rows, "interval_days"),
        special_days=_settings_of(rows, "special_days"),
        every_other=frozenset(code for (_, code), row in rows.items() if row.extra.get("remote_every_other")),
    )


def _settings_of(rows: dict[tuple[str, str], Code], name: str) -> dict[tuple[str, str], int]:
    return {key: int(row.extra[name]) for key, row in rows.items() if row.extra.get(name)}


def list_changes(uuids: Iterable[str], *, after: int = 0) -> list[RegistryChange]:
    """The history of those households and people beyond the entry `after`, oldest first."""
    return list(
        db.session.scalars(
            select(RegistryChange)
            .where(
                RegistryChange.kind.in_(("household", "person")),
                RegistryChange.uuid.in_(list(uuids)),
                RegistryChange.id > after,
            )
            .order_by(RegistryChange.id)
        )
    )


def list_history(uuids: Iterable[str], page: int) -> tuple[list[RegistryChange], bool]:
    """A page of the history of those households and people, the newest first; whether there are more."""
    found = list(
        db.session.scalars(
            select(RegistryChange)
            .where(RegistryChange.kind.in_(("household", "person")), RegistryChange.uuid.in_(list(uuids)))
            .order_by(RegistryChange.id.desc())
            .limit(CHANGES_PER_PAGE + 1)
            .offset((page - 1) * CHANGES_PER_PAGE)
        )
    )
    return found[:CHANGES_PER_PAGE], len(found) > CHANGES_PER_PAGE


def last_change(uuid: str) -> int:
    """The number of the newest entry in the history of a household or a person; 0 without one."""
    return (
        db.session.scalar(
            select(func.max(RegistryChange.id)).where(
                RegistryChange.kind.in_(("household", "person")), RegistryChange.uuid == uuid
            )
        )
        or 0
    )


def number_hashes(number: str | None, what: str) -> tuple[str | None, str | None]:
    """(hash of a whole number, hash of its last four), under which it is found; `what`: id, phone or bank_account."""
    if not number:
        return None, None
    text = rules.normal_number(number)
    return keyring().lookup_hash(text, f"people.{what}"), keyring().lookup_hash(
        text[-rules.TAIL_LENGTH :], f"people.{what}_tail"
    )
