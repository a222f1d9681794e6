"""Lists of people in files, by ID number or by name: whom of the registry each row means.

Invariant: a row means somebody only when nobody else could be meant; whom it does not, and why, is kept beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.imports import rules
from fieldapp.imports.columns import recognise
from fieldapp.imports.tables import Limits, open_table
from fieldapp.people.models import Household, Person, SearchWord
from fieldapp.people.queries import number_hashes
from fieldapp.people.rules import mask_id, plain_word

# More people than that are better described than listed.
MOST_ROWS = 20_000
# Why a row means nobody to be reached, besides the faults of `imports.rules`.
UNKNOWN_ID, UNKNOWN_NAME, SEVERAL, TWICE, DIED, MOVED_AWAY = (
    *("unknown_id", "unknown_name", "several", "twice"),
    *("died", "moved_away"),
)
# Who comes onto the registry later may be meant by these.
MAY_BE_FOUND = (UNKNOWN_ID, UNKNOWN_NAME)
_READ = ("name", "id_number", "birth_on")
# Numbers that nothing here needs; what is not asked for is not kept.
_LEFT_OUT = (*_READ, "phone", "household_phone", "bank_account")
# On a list, a doubtful number is only compared: whether it is right was asked when it was registered.
_STANDS = ("id_reason", "list")
_NO_WORDS = rules.Words({}, {}, {}, {})
_PIECE_ROWS = 500


@dataclass
class Row:
    """A row of a list; `person_uuid`: whom it means, else `fault` says why nobody."""

    number: int
    name: str
    id_masked: str | None
    id_hash: str | None
    birth_on: date | None
    rest: dict[str, str] = field(default_factory=dict)  # what else it says, by the names of the columns
    person_uuid: str | None = None
    grid_code: str | None = None
    fault: str | None = None

    @property
    def says(self) -> dict[str, str | None]:
        """What is kept of it, as JSON values; without the ID number."""
        birth_on = self.birth_on.isoformat() if self.birth_on else None
        return {"name": self.name, "id_masked": self.id_masked, "birth_on": birth_on}

    @classmethod
    def of(cls, number: int, says: Mapping[str, str | None], id_hash: str | None) -> Row:
        """A row that was kept: not looked up yet."""
        birth_on = says["birth_on"]
        born = date.fromisoformat(birth_on) if birth_on else None
        return cls(number, says["name"] or "", says["id_masked"], id_hash, born)


def read_list(file: BinaryIO, limits: Limits, area_code: str, today: date) -> list[Row]:
    """The rows of an Excel or CSV file, each with whom in that area it means.

    Raises what `imports.tables.open_table` raises, and list_columns_missing.
    """
    limits = Limits(limits.max_bytes, min(limits.max_rows, MOST_ROWS))
    table = open_table(file, limits)
    known = recognise(table.header, {})
    fields = [name if name in _READ else "" for name in known]
    if not {"name", "id_number"} & set(fields):
        raise AppError("list_columns_missing")
    rest = [
        (place, name)
        for place, (name, field_name) in enumerate(zip(table.header, known, strict=True))
        if name and field_name not in _LEFT_OUT
    ]
    rows = []
    for number, cells in table.rows:
        row = _read(number, cells, fields, today)
        row.rest = {name: cells[place] for place, name in rest if cells[place]}
        rows.append(row)
    if not rows:
        raise AppError("roster_empty")
    for piece in _pieces(rows):
        match(piece, area_code)
    seen: set[str] = set()
    for row in rows:
        if row.person_uuid in seen:
            row.person_uuid, row.grid_code, row.fault = None, None, TWICE
        elif row.person_uuid:
            seen.add(row.person_uuid)
    return rows


def match(rows: Sequence[Row], area_code: str) -> None:
    """Say of some rows that have no fault whom in that area they mean: by ID number, without one by name and birthday."""
    rows = [row for row in rows if row.fault is None]
    by_id: dict[str, list[Person]] = {}
    for person in _list_people(area_code, Person.id_hash.in_({row.id_hash for row in rows if row.id_hash})):
        by_id.setdefault(str(person.id_hash), []).append(person)
    by_name = _list_by_name(area_code, {row.name for row in rows if not row.id_hash})
    for row in rows:
        if row.id_hash:
            found = by_id.get(row.id_hash, [])
        else:
            found = [
                person
                for person in by_name.get(plain_word(row.name), [])
                if row.birth_on is None or person.birth_on is None or person.birth_on == row.birth_on
            ]
        _settle(row, found)


def _settle(row: Row, found: Sequence[Person]) -> None:
    if not found:
        row.fault = UNKNOWN_ID if row.id_hash else UNKNOWN_NAME
    elif len(found) > 1:
        row.fault = SEVERAL
    elif found[0].died_on:
        row.fault = DIED
    elif found[0].moved_away_on:
        row.fault = MOVED_AWAY
    else:
        row.person_uuid, row.grid_code = found[0].person_uuid, found[0].household.grid_code


def _read(number: int, cells: Sequence[str], fields: Sequence[str], today: date) -> Row:
    draft = rules.read_row([*cells, _STANDS[1]], [*fields, _STANDS[0]], _NO_WORDS, today)
    said: dict[str, Any] = draft.person
    id_number = said.get("id_number")
    row = Row(
        number,
        said.get("name", ""),
        mask_id(id_number),
        number_hashes(id_number, "id")[0],
        said.get("birth_on"),
    )
    faults = Counter(fault.field for fault in draft.faults)
    # A number names somebody without a name, and a name without a birthday.
    for fault in draft.faults:
        if fault.field == "id_number" or (
            fault.field == "name" and not id_number and faults["id_number"] == 0
        ):
            row.fault = fault.code
    return row


def _list_by_name(area_code: str, names: Iterable[str]) -> dict[str, list[Person]]:
    words = {plain_word(name) for name in names} - {""}
    of_word = select(SearchWord.household_uuid).where(
        SearchWord.kind == "name", SearchWord.word.in_(words), scope.within(SearchWord.grid_code, [area_code])
    )
    found: dict[str, list[Person]] = {}
    if words:
        for person in _list_people(area_code, Person.household_uuid.in_(of_word)):
            found.setdefault(plain_word(person.name), []).append(person)
    return found


def _list_people(area_code: str, condition: Any) -> Iterable[Person]:
    return db.session.scalars(
        select(Person)
        .join(Person.household)
        .options(contains_eager(Person.household))
        .where(scope.within(Household.grid_code, [area_code]), Person.merged_into.is_(None), condition)
    )


def _pieces(rows: Sequence[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while piece := list(islice(left, _PIECE_ROWS)):
        yield piece
