"""A checklist on paper, to be filled in by hand: its questions in words, with boxes for choices and lines for the rest.

Invariant: what could be asked of these people is on the paper; what cannot be, whatever they answer, is not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale

from fieldapp.checklists.markup import plain
from fieldapp.checklists.reading import mask_numbers
from fieldapp.checklists.rules import UNASKED, Foreseen, foresee

# More choices than these are written by hand.
MOST_BOXES = 40
# Kept by the form for itself, or measured by the phone.
_NOT_ON_PAPER = UNASKED - {"note"} | {"geopoint", "barcode"}
_SHAPES = {
    "integer": "number",
    "decimal": "number",
    "range": "number",
    "date": "date",
    "time": "time",
    "dateTime": "date",
    "image": "photo",
    "audio": "photo",
    "video": "photo",
    "file": "photo",
    "acknowledge": "tick",
    "note": "note",
}
_OF_CHOICES = {"select_one": "one", "rank": "rank"}
_A_PERSON = re.compile(r"people\[(\d+)\]")


@dataclass(frozen=True)
class BlankLine:
    """A heading, a note or a question on paper, and how it is answered there."""

    shape: str  # heading, note, one, several, rank, line, lines, number, date, time, photo, tick
    level: int
    label: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    depends: bool = False  # asked only after certain answers


def read_blank(document: Mapping[str, Any], context: Mapping[str, Any]) -> list[BlankLine]:
    """The lines of a checklist for the people of `context` (docs/checklists.md), in the reader's language."""
    people = list(context.get("people") or [])
    lines = []
    for found in foresee(dict(document), {**context, "language": str(get_locale())}):
        label = found.label
        if person := _A_PERSON.fullmatch(found.path):
            place = int(person[1]) - 1
            label = str(people[place]["name"]) if place < len(people) else ""
        if line := _line(found, mask_numbers(plain(label)), mask_numbers(plain(found.hint))):
            lines.append(line)
    return _without_empty(lines)


def _line(found: Foreseen, label: str, hint: str) -> BlankLine | None:
    node, level = found.node, found.path.count("/")
    if node["kind"] != "question":
        return BlankLine("heading", level, label) if label else None
    if not label or node["type"] in _NOT_ON_PAPER or "calculate" in node:
        return None
    shape, choices = _shape_of(node), tuple(dict.fromkeys(map(plain, found.choices)))
    if len(choices) > MOST_BOXES:
        shape, choices = "line", ()
    return BlankLine(shape, level, label, hint, choices, found.depends)


def _shape_of(node: Mapping[str, Any]) -> str:
    if "list" in node:
        return _OF_CHOICES.get(node["type"], "several")
    if "multiline" in str(node.get("appearance", "")).split():
        return "lines"
    return _SHAPES.get(node["type"], "line")


def _without_empty(lines: Sequence[BlankLine]) -> list[BlankLine]:
    """Without headings that nothing stands under."""
    kept: list[BlankLine] = []
    for line in reversed(lines):
        if line.shape != "heading" or (kept and (kept[0].shape != "heading" or kept[0].level > line.level)):
            kept.insert(0, line)
    return kept
