"""Reads of households and people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from fieldapp.core import scope
from fieldapp.core.codes import Code
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import rules
from fieldapp.people.models import Household, HouseholdGrid, Person, RegistryChange


def get_household(household_uuid: str, area_codes: Sequence[str]) -> Household:
    """The household with its people, when it is in scope; raises not_found."""
    household = db.session.get(Household, household_uuid, options=[selectinload(Household.people)])
    if household is None or not scope.covers(area_codes, household.grid_code):
        raise AppError("not_found")
    return household


def get_person(person_uuid: str, area_codes: Sequence[str]) -> Person:
    """The person, when their household is in scope; raises not_found."""
    person = db.session.get(Person, person_uuid)
    if person is None or not scope.covers(area_codes, person.household.grid_code):
        raise AppError("not_found")
    return person


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


def find_registered(kind: str, uuid: str | None) -> Household | None:
    """The household of that uuid, or (kind: person) that of the person of that uuid; None when they are not on the list."""
    if uuid is None or kind == "household":
        return find_household(uuid) if uuid else None
    person = db.session.get(Person, uuid)
    return person.household if person else None


def lock_household(household_uuid: str) -> Household | None:
    """The household with its people as they are now, locked until the transaction ends, so that visits to it count one
    after the other."""
    return next(iter(lock_and_list([household_uuid])), None)


def lock_households(household_uuids: Iterable[str]) -> None:
    """Lock households as `lock_household` does, in the order of their keys: so those who need several do not deadlock."""
    db.session.execute(
        select(Household.household_uuid)
        .where(Household.household_uuid.in_(sorted(household_uuids)))
        .order_by(Household.household_uuid)
        .with_for_update()
    ).all()


def list_uuids_in(grid_code: str) -> list[str]:
    """The keys of the households of a grid, in their order."""
    return list(
        db.session.scalars(
            select(Household.household_uuid)
            .where(Household.grid_code == grid_code)
            .order_by(Household.household_uuid)
        )
    )


def lock_and_list(household_uuids: Iterable[str]) -> list[Household]:
    """Those households with their people as they are now, locked until the transaction ends."""
    return list(
        db.session.scalars(
            select(Household)
            .where(Household.household_uuid.in_(list(household_uuids)))
            .order_by(Household.household_uuid)
            .options(selectinload(Household.people))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
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
