"""Reads of households and people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import TypeVar

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Select,
    Subquery,
    bindparam,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute, joinedload, load_only, selectinload
from sqlalchemy.orm.interfaces import ORMOption
from sqlalchemy.sql.base import ExecutableOption

from fieldapp.core import scope
from fieldapp.core.codes import Code
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db, once, remembered
from fieldapp.core.errors import AppError
from fieldapp.people import rules
from fieldapp.people.models import Household, HouseholdGrid, Merge, Person, RegistryChange

CHANGES_PER_PAGE = 50
# A page is given a household, its people and their tags by one statement.
WITH_TAGS = joinedload(Person.tags)
WITH_PEOPLE = joinedload(Household.people).options(WITH_TAGS)
WITH_CARERS = WITH_PEOPLE.options(selectinload(Person.carers))


def get_household(household_uuid: str, area_codes: Sequence[str], load: ORMOption = WITH_PEOPLE) -> Household:
    """The household that stands under that uuid, with its people, when it is in scope; raises not_found."""
    household = db.session.get(Household, household_uuid, options=[load])
    household = find_standing(household) if household else None
    if household is None or not scope.covers(area_codes, household.grid_code):
        raise AppError("not_found")
    return household


def get_person(person_uuid: str, area_codes: Sequence[str]) -> Person:
    """The person who stands under that uuid, when their household is in scope; raises not_found."""
    living_in = joinedload(Person.household).options(WITH_PEOPLE)
    load = (WITH_TAGS, selectinload(Person.carers), living_in)
    person = db.session.get(Person, person_uuid, options=load)
    person = find_standing(person) if person else None
    if person is None or not scope.covers(area_codes, person.household.grid_code):
        raise AppError("not_found")
    return person


NAMED_AT_ONCE = 5000
Entry = TypeVar("Entry", Household, Person)


def find_standing(entry: Entry) -> Entry:
    """The entry that stands for this one: itself, or what it was merged into, as far as that goes."""
    while entry.merged_into is not None:
        entry = db.session.get_one(type(entry), entry.merged_into)
    return entry


def list_standing(kind: type[Household] | type[Person], uuids: Iterable[str]) -> dict[str, str]:
    """The key of the entry that stands for each of those, by theirs."""
    found = {uuid: uuid for uuid in uuids}
    for some in _batches(list(found)):
        into = _merged_into(kind, _key(kind).in_(some))
        stands = select(into.c.start, into.c.uuid).join(kind, _key(kind) == into.c.uuid)
        found.update(tuple(row) for row in db.session.execute(stands.where(kind.merged_into.is_(None))))
    return found


def list_behind(kind: type[Household] | type[Person], uuids: Iterable[str]) -> dict[str, str]:
    """Of those entries and all that was merged into them: by key, which of those it now is."""
    found = {uuid: uuid for uuid in uuids}
    for some in _batches(list(found)):
        merged = _merged(kind, _key(kind).in_(some))
        # Of two of those the one that stands for the other comes last.
        found.update(
            tuple(row)
            for row in db.session.execute(select(merged.c.uuid, merged.c.start).order_by(merged.c.steps))
        )
    return found


def _batches(uuids: list[str]) -> Iterator[list[str]]:
    """So many at a time as one statement may name: PostgreSQL's takes 65,535 values."""
    return (uuids[start : start + NAMED_AT_ONCE] for start in range(0, len(uuids), NAMED_AT_ONCE))


def select_behind(kind: type[Household] | type[Person], uuids: Iterable[str]) -> Select[str, str]:
    """The same as rows of a statement: (the entry, which of those it now is)."""
    merged = _merged(kind, _key(kind).in_(list(uuids)))
    return select(merged.c.uuid, merged.c.start)


def select_standing(kind: type[Household] | type[Person], chosen: ColumnElement[bool]) -> Select[str]:
    """The keys of the entries that stand for those `chosen`."""
    into = _merged_into(kind, chosen)
    return select(into.c.uuid).join(kind, _key(kind) == into.c.uuid).where(kind.merged_into.is_(None))


def select_entries_of(kind: type[Household] | type[Person], keys: Select[str]) -> Select[str, str, int]:
    """The entries under those keys and all that was merged into them: (the entry, which of those it now is, steps between).

    Of two of those the one that stands for the other is more steps away.
    """
    merged = _and_merged(kind, keys.subquery().c[0])
    return select(merged.c.uuid, merged.c.start, merged.c.steps)


@once
def list_same(household_uuid: str | None) -> list[str]:
    """The keys of all entries of the household that one of them names; none without one."""
    return _list_entries(household_uuid)[0] if household_uuid is not None else []


def select_same(chosen: ColumnElement[bool]) -> Select[str]:
    """The keys of all entries of the households that the entries `chosen` name."""
    into = _merged_into(Household, chosen)
    return select(_merged(Household, Household.household_uuid.in_(select(into.c.uuid))).c.uuid).distinct()


@cache
def _select_entries() -> CompoundSelect[bool, str]:
    # Put together once: that takes longer than to have it answered.
    same = select_same(Household.household_uuid == bindparam("household_uuid")).subquery()
    members = Person.household_uuid.in_(select(same)) & Person.merged_into.is_(None)
    merged = _merged(Person, members)
    return union_all(
        select(literal(True), *same.c), select(literal(False), merged.c.uuid).where(merged.c.steps > 0)
    )


def list_same_of(household_uuids: Iterable[str]) -> dict[str, str]:
    """Of those households' entries: by key, the one that stands for it now."""
    into = _merged_into(Household, Household.household_uuid.in_(list(household_uuids)))
    stands = select(into.c.uuid).join(Household, Household.household_uuid == into.c.uuid)
    behind = _merged(Household, Household.household_uuid.in_(stands.where(Household.merged_into.is_(None))))
    return {row[0]: row[1] for row in db.session.execute(select(behind.c.uuid, behind.c.start))}


def find_members(household_uuids: Iterable[str]) -> tuple[Subquery, CTE]:
    """All entries (uuid) of each of those households (start), and all entries (uuid) merged into people there (start)."""
    into = _merged_into(Household, Household.household_uuid.in_(list(household_uuids)))
    behind = _merged(Household, Household.household_uuid.in_(select(into.c.uuid)))
    same = (
        select(into.c.start, behind.c.uuid).join(behind, behind.c.start == into.c.uuid).distinct().subquery()
    )
    return same, _merged(Person, Person.household_uuid.in_(select(same.c.uuid)))


def list_merged_people(household_uuid: str) -> list[str]:
    """The keys of the entries that were merged into people of a household, under whichever uuid, wherever they lie."""
    return _list_entries(household_uuid)[1]


@once
def _list_entries(household_uuid: str) -> tuple[list[str], list[str]]:
    """Both by one statement."""
    rows = db.session.execute(_select_entries(), {"household_uuid": household_uuid}).all()
    households = [uuid for is_household, uuid in rows if is_household]
    return households or [household_uuid], [uuid for is_household, uuid in rows if not is_household]


def select_entries(declared: Select[str]) -> Select[str]:
    """The keys of those people's entries and of the entries that stand for them."""
    into = _merged_into(Person, Person.person_uuid.in_(declared))
    return (
        select(into.c.uuid)
        .join(Person, Person.person_uuid == into.c.uuid)
        .where((into.c.steps == 0) | Person.merged_into.is_(None))
    )


def _merged_into(kind: type[Household] | type[Person], chosen: ColumnElement[bool]) -> CTE:
    """From each entry `chosen` (start) up to the one that stands for it (uuid), with the steps between."""
    key = _key(kind)
    found = (
        select(key.label("start"), key.label("uuid"), literal(0).label("steps"))
        .where(chosen)
        .cte(recursive=True)
    )
    return found.union_all(
        select(found.c.start, kind.merged_into, found.c.steps + 1)
        .join(kind, key == found.c.uuid)
        .where(kind.merged_into.is_not(None))
    )


def _merged(kind: type[Household] | type[Person], chosen: ColumnElement[bool]) -> CTE:
    """From each entry `chosen` (start) down to all that was merged into it (uuid), with the steps between."""
    return _and_merged(kind, _key(kind), chosen)


def _and_merged(
    kind: type[Household] | type[Person],
    key: ColumnElement[str] | InstrumentedAttribute[str],
    *chosen: ColumnElement[bool],
) -> CTE:
    """The same from each `key`, which may stand in another table."""
    found = (
        select(key.label("start"), key.label("uuid"), literal(0).label("steps"))
        .where(*chosen)
        .cte(recursive=True)
    )
    return found.union_all(
        select(found.c.start, _key(kind), found.c.steps + 1).join(kind, kind.merged_into == found.c.uuid)
    )


def _key(kind: type[Household] | type[Person]) -> InstrumentedAttribute[str]:
    return Household.household_uuid if issubclass(kind, Household) else Person.person_uuid


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
    """The household whoever asks, with its people, or None; for the server's own use."""
    return db.session.get(Household, household_uuid, options=[WITH_PEOPLE])


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
    locked = remembered("locked_households")
    named = set(household_uuids) - locked.keys()
    if not named:
        return
    locked.update(dict.fromkeys(named))
    merged = db.session.scalars(
        select(Person.merged_into).where(Person.household_uuid.in_(named), Person.merged_into.is_not(None))
    )
    standing = list_standing(Person, [uuid for uuid in merged if uuid]).values()
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
    found = db.session.execute(
        select(HouseholdGrid, Household)
        .join(Household, Household.household_uuid == HouseholdGrid.household_uuid)
        .where(HouseholdGrid.household_uuid.in_(ever))
        .options(WITH_PEOPLE)
        .order_by(HouseholdGrid.household_uuid, HouseholdGrid.from_at.nulls_first(), HouseholdGrid.id)
    ).unique()
    rows = [(row, household) for row, household in found]
    there: dict[str, Household] = {}
    for (row, household), (following, _) in zip(rows, [*rows[1:], (None, None)], strict=True):
        ends_at = following.from_at if following and following.household_uuid == row.household_uuid else None
        if (
            row.grid_code == grid_code
            and (row.from_at is None or row.from_at < until_at)
            and (ends_at is None or ends_at > from_at)
        ):
            there[row.household_uuid] = household
    return list(there.values())


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
            select(Household).where(Household.household_uuid.in_(list(household_uuids))).options(WITH_PEOPLE)
        ).unique()
    )


def list_people(person_uuids: Iterable[str]) -> list[Person]:
    """The people of those uuids."""
    named = select(Person).where(Person.person_uuid.in_(list(person_uuids))).options(WITH_TAGS)
    return list(db.session.scalars(named).unique())


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
    [number] = last_changes([uuid])
    return number


def last_changes(uuids: Sequence[str]) -> tuple[int, ...]:
    """The same of several, by one statement."""
    last = (
        select(func.max(RegistryChange.id))
        .where(RegistryChange.kind.in_(("household", "person")), RegistryChange.uuid == uuid)
        .scalar_subquery()
        for uuid in uuids
    )
    return tuple(number or 0 for number in db.session.execute(select(*last)).one())


def number_hashes(number: str | None, what: str) -> tuple[str | None, str | None]:
    """(hash of a whole number, hash of its last four), under which it is found; `what`: id, phone or bank_account."""
    if not number:
        return None, None
    text = rules.normal_number(number)
    return keyring().lookup_hash(text, f"people.{what}"), keyring().lookup_hash(
        text[-rules.TAIL_LENGTH :], f"people.{what}_tail"
    )
