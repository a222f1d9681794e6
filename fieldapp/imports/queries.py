"""Reads of imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Column, ColumnElement, exists, func, select

from fieldapp.core import scope
from fieldapp.core.db import Base, db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, SUPERVISOR
from fieldapp.imports.models import Import, ImportRow, ImportSource
from fieldapp.imports.rules import REFUSED
from fieldapp.people.models import (
    Carer,
    Household,
    HouseholdGrid,
    Person,
    PersonTag,
    RegistryChange,
    SearchWord,
)

IMPORTERS = (SUPERVISOR, OFFICER)
PAGE_ROWS = 50
_PIECE_ROWS = 500
# What a household and its people are made of: that these name them means nothing.
_OWN = (Household, HouseholdGrid, Person, PersonTag, Carer, SearchWord, ImportRow)


def get_import(import_id: int, area_codes: Sequence[str]) -> Import:
    """The import, when all the areas it was brought for are the reader's; raises not_found."""
    held = db.session.get(Import, import_id)
    if held is None or not is_visible(held, area_codes):
        raise AppError("not_found")
    return held


def is_visible(held: Import, area_codes: Sequence[str]) -> bool:
    """Whether a reader of those areas may see the import."""
    return all(scope.covers(area_codes, code) for code in held.area_codes)


def lock_import(import_id: int) -> Import:
    """The import as it is now, locked until the transaction ends, so that its steps follow each other."""
    return db.session.get_one(Import, import_id, with_for_update=True, populate_existing=True)


def list_imports(area_codes: Sequence[str], page: int) -> tuple[list[Import], bool]:
    """A page of the imports the reader may see, newest first; whether there are more."""
    imports = db.session.scalars(select(Import).order_by(Import.import_id.desc()))
    visible = [held for held in imports if is_visible(held, area_codes)]
    start = (page - 1) * PAGE_ROWS
    return visible[start : start + PAGE_ROWS], len(visible) > start + PAGE_ROWS


def list_sources(user_id: int) -> list[str]:
    """What the account calls its sources."""
    return list(
        db.session.scalars(
            select(ImportSource.name).where(ImportSource.user_id == user_id).order_by(ImportSource.name)
        )
    )


def find_source(user_id: int, name: str) -> ImportSource | None:
    """What the columns of a source hold, or None for a new one."""
    return db.session.get(ImportSource, (user_id, name))


def count_outcomes(import_id: int) -> dict[str, int]:
    """How many rows by outcome."""
    rows = db.session.execute(
        select(ImportRow.outcome, func.count())
        .where(ImportRow.import_id == import_id, ImportRow.outcome.is_not(None))
        .group_by(ImportRow.outcome)
    )
    return {outcome: number for outcome, number in rows if outcome}


def count_left(import_id: int) -> int:
    """Of how many rows undoing left something as it is."""
    return db.session.scalar(select(func.count()).where(*_left(import_id))) or 0


def list_rows(import_id: int, outcome: str | None, page: int) -> tuple[list[ImportRow], bool]:
    """A page of rows in the order of the file, all or of one outcome ("left": what undoing left); whether there are more."""
    where = [ImportRow.import_id == import_id]
    if outcome == "left":
        where = _left(import_id)
    elif outcome:
        where.append(ImportRow.outcome == outcome)
    rows = list(
        db.session.scalars(
            select(ImportRow)
            .where(*where)
            .order_by(ImportRow.number)
            .limit(PAGE_ROWS + 1)
            .offset((page - 1) * PAGE_ROWS)
        )
    )
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def _left(import_id: int) -> list[ColumnElement[bool]]:
    return [ImportRow.import_id == import_id, ImportRow.left.is_not(None)]


def list_next_rows(import_id: int, after: int, limit: int) -> list[ImportRow]:
    """The rows below row `after`, downwards."""
    return list(
        db.session.scalars(
            select(ImportRow)
            .where(ImportRow.import_id == import_id, ImportRow.number > after)
            .order_by(ImportRow.number)
            .limit(limit)
        )
    )


def list_applied_above(import_id: int, before: int, limit: int) -> list[ImportRow]:
    """The rows above row `before` that are in the registry, upwards."""
    return list(
        db.session.scalars(
            select(ImportRow)
            .where(ImportRow.import_id == import_id, ImportRow.number < before, ImportRow.is_applied)
            .order_by(ImportRow.number.desc())
            .limit(limit)
        )
    )


def get_last_number(import_id: int) -> int:
    """The number of the last row; 0 when its rows are erased."""
    return (
        db.session.scalar(
            select(ImportRow.number)
            .where(ImportRow.import_id == import_id)
            .order_by(ImportRow.number.desc())
            .limit(1)
        )
        or 0
    )


def list_old(before: datetime) -> list[int]:
    """The imports brought in before that whose rows are still here."""
    has_rows = exists().where(ImportRow.import_id == Import.import_id)
    return list(db.session.scalars(select(Import.import_id).where(Import.made_at < before, has_rows)))


def iterate_refused(import_id: int) -> Iterator[ImportRow]:
    """The refused rows in the order of the file, a few hundred in memory at a time."""
    after = 0
    while rows := list(
        db.session.scalars(
            select(ImportRow)
            .where(ImportRow.import_id == import_id, ImportRow.outcome == REFUSED, ImportRow.number > after)
            .order_by(ImportRow.number)
            .limit(_PIECE_ROWS)
        )
    ):
        yield from rows
        after = rows[-1].number


def get_households(rows: Iterable[ImportRow]) -> dict[str, str]:
    """Names of the registry's households that the rows are about, by uuid."""
    uuids = {row.household_uuid for row in rows if row.household_uuid}
    found = db.session.execute(
        select(Household.household_uuid, Household.name).where(Household.household_uuid.in_(uuids))
    )
    return {row[0]: row[1] for row in found}


def list_touched_people(import_id: int, rows: Sequence[ImportRow]) -> set[str]:
    """Of the people of the rows those that are not to be taken out: anything but this import has changed them, or a record
    names them; and so with their household, where the import has made it."""
    of_import = (RegistryChange.source == "import") & (RegistryChange.source_id == str(import_id))
    touched = _list_touched("person", {str(row.person_uuid) for row in rows}, of_import)
    made = select(RegistryChange.uuid).where(
        RegistryChange.kind == "household",
        RegistryChange.uuid.in_({str(row.household_uuid) for row in rows}),
        RegistryChange.deed == "add",
        of_import,
    )
    households = _list_touched("household", set(db.session.scalars(made)), of_import)
    return touched | {str(row.person_uuid) for row in rows if row.household_uuid in households}


def _list_touched(kind: str, uuids: set[str], of_import: ColumnElement[bool]) -> set[str]:
    changed = select(RegistryChange.uuid).where(
        RegistryChange.kind == kind, RegistryChange.uuid.in_(uuids), ~of_import
    )
    touched = set(db.session.scalars(changed))
    for column in _columns_naming(kind):
        touched |= set(db.session.scalars(select(column).where(column.in_(uuids)).distinct()))
    return touched


def _columns_naming(kind: str) -> list[Column[str]]:
    """The columns of all tables that hold the keys of households or people: one word per thing makes them known."""
    own = {model.__tablename__ for model in _OWN}
    return [
        table.c[f"{kind}_uuid"]
        for table in Base.metadata.sorted_tables
        if table.name not in own and f"{kind}_uuid" in table.c
    ]
