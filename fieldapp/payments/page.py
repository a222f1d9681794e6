"""What the page of a payment list shows, prepared for its templates.

Invariant: numbers of people are masked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from fieldapp.core import steps
from fieldapp.imports.words import mask_numbers
from fieldapp.payments import queries
from fieldapp.payments.columns import FIELDS
from fieldapp.payments.models import CHECKING, UNDOING, PaymentList, PaymentRow
from fieldapp.payments.rules import FAULTY, TAKEABLE
from fieldapp.payments.words import say_left, say_note
from fieldapp.people.rules import TAIL_LENGTH, mask_account, mask_id, mask_name, normal_number

_SHOWN = (
    "id_number",
    "id_tail",
    "account",
    "programme",
    "source",
    "period",
    "paid_on",
    "township",
    "village",
)
_MASKS = {"id_number": mask_id, "account": mask_account}


@dataclass(frozen=True)
class Line:
    """A row of a list and what it is."""

    number: int
    name: str
    cells: list[tuple[str, str]]  # (what, as it came)
    cents: int | None
    kind: str
    matched: str
    household_uuid: str | None
    notes: list[str]
    decision: str
    decided_reason: str
    left: str
    is_taken: bool
    can_decide: bool


def prepare_lines(
    rows: Sequence[PaymentRow], held: PaymentList, area_codes: Sequence[str], *, can_decide: bool
) -> list[Line]:
    """Rows as they are read by somebody of those areas."""
    people = queries.get_names({row.person_uuid for row in rows if row.person_uuid}, area_codes)
    return [_line(row, held, people, can_decide) for row in rows]


def _line(row: PaymentRow, held: PaymentList, people: dict[str, tuple[str, ...]], can_decide: bool) -> Line:
    said = {name: text for name, text in zip(held.fields, row.cells, strict=True) if name and text}
    first = next((text for text in row.cells if text), "")
    matched = people.get(row.person_uuid or "", ())
    has_left = len(matched) == 1
    return Line(
        number=row.number,
        name=mask_numbers(said.get("name", "") or first),
        cells=[(str(FIELDS[name]), _mask(name, said[name])) for name in _SHOWN if name in said],
        cents=row.amount_cents,
        kind=row.kind or "",
        matched=" · ".join(matched),
        # Who has left the reader's areas has no page there.
        household_uuid=None if has_left else row.household_uuid,
        notes=[
            _quote(said.get(field, ""), field, row, params)
            + say_note(code, _mask_registered(params) if has_left else params)
            for field, code, params in row.notes or []
        ],
        decision=row.decision or "",
        decided_reason=row.decided_reason or "",
        left=say_left(row.left) if row.left else "",
        is_taken=row.is_taken,
        can_decide=can_decide and not row.is_taken and row.kind in TAKEABLE,
    )


def _mask_registered(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is to be said of somebody, without the name they are registered by."""
    return {**params, "name": mask_name(params["name"])} if "name" in params else params


def _mask(name: str, text: str) -> str:
    """A cell as it may be shown; numbers as their fields are masked everywhere, unless they are no more than the last four."""
    number = normal_number(text)
    if name in _MASKS and len(number) > TAIL_LENGTH:
        return _MASKS[name](number) or ""
    return mask_numbers(text)


def _quote(text: str, field: str, row: PaymentRow, params: Mapping[str, Any]) -> str:
    """The cell that cannot be read, before what is wrong with it."""
    is_wanted = row.kind == FAULTY and text and "text" not in params
    return f"{FIELDS[field]} “{mask_numbers(text)}”{gettext(': ')}" if is_wanted else ""


def get_percent(held: PaymentList) -> int:
    """How much of the running step is done."""
    last = queries.get_last_number(held.list_id)
    return steps.get_percent(held.position, last, is_upwards=held.state == UNDOING)


def get_step(held: PaymentList) -> str:
    """Which step runs: check, undo or take."""
    return {CHECKING: "check", UNDOING: "undo"}.get(held.state, "take")
