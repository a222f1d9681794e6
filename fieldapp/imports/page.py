"""What the page of an import shows, prepared for its templates.

Invariant: numbers of people are masked here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldapp.core import steps
from fieldapp.imports import queries, rules
from fieldapp.imports.models import CHECKING, UNDOING, Import, ImportRow
from fieldapp.imports.words import get_code_words, mask_numbers, say_fault, say_field, say_value
from fieldapp.people.tags import get_hidden_tags
from fieldapp.users.models import User

SAMPLES = 3
# What a row of somebody new is shown to say; the rest is a click away once they are registered.
_SHOWN_OF_NEW = ("relation", "id_number", "phone", "main_class", "risk", "tags", "causes")


@dataclass(frozen=True)
class Column:
    """A column of the file on the page where one says what it holds."""

    name: str
    field: str
    samples: list[str]


@dataclass(frozen=True)
class Change:
    """A field and its values before and after; of what is wrong with a field, `after` says it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Line:
    """A row of the file and what becomes of it."""

    number: int
    name: str
    household: str
    outcome: str
    adds_household: bool
    changes: list[Change]
    faults: list[Change]
    left: list[str]


def prepare_columns(
    header: Sequence[str], fields: Sequence[str], rows: Iterable[Sequence[str]]
) -> list[Column]:
    """The columns of a file with the first texts in each."""
    columns, rows = [], list(rows)
    for place, (name, field) in enumerate(zip(header, fields, strict=True)):
        texts = [cells[place] for cells in rows if cells[place]]
        columns.append(
            Column(mask_numbers(name), field, [mask_numbers(text) for text in dict.fromkeys(texts)][:SAMPLES])
        )
    return columns


def prepare_lines(held: Import, rows: Sequence[ImportRow], reader: User) -> list[Line]:
    """Rows as they are read."""
    code_words, hidden = get_code_words(), get_hidden_tags(reader)
    households = queries.get_households(rows)

    def say(name: str, value: Any) -> str:
        return say_value(name, value, code_words, hidden)

    return [_line(held, row, households, say) for row in rows]


def _line(
    held: Import, row: ImportRow, households: Mapping[str, str], say: Callable[[str, Any], str]
) -> Line:
    said = {name: text for name, text in zip(held.fields, row.cells, strict=True) if name}
    plan: Mapping[str, Any] = row.plan or {"adds_household": False, "household": {}, "person": {}}
    shown = {**plan["person"]}
    if row.outcome == rules.ADD:
        shown = {name: shown[name] for name in _SHOWN_OF_NEW if name in shown}
    changes = [
        Change(say_field(name), say(name, before), say(name, after))
        for name, (before, after) in shown.items()
    ]
    changes += [
        Change(say_field("household_phone" if name == "phone" else name), say(name, before), say(name, after))
        for name, (before, after) in plan["household"].items()
        if name not in ("name", "grid_code")
    ]
    return Line(
        number=row.number,
        name=said.get("name", ""),
        household=households.get(row.household_uuid or "") or said.get("head") or said.get("name", ""),
        outcome=row.outcome or "",
        adds_household=plan["adds_household"],
        changes=changes,
        faults=[
            # What quotes the cell itself needs it no second time.
            Change(
                say_field(field),
                "" if "text" in params else mask_numbers(said.get(field, "")),
                say_fault(code, params),
            )
            for field, code, params in row.faults or []
        ],
        left=[say_field(name) for name in row.left or []],
    )


def get_percent(held: Import) -> int:
    """How much of the running step is done."""
    last = queries.get_last_number(held.import_id)
    return steps.get_percent(held.position, last, is_upwards=held.state == UNDOING)


def get_step(held: Import) -> str:
    """Which step runs: check, apply or undo."""
    return {CHECKING: "check", UNDOING: "undo"}.get(held.state, "apply")
