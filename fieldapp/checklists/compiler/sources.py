"""What the author of a workbook wrote in the survey sheet, by question: for telling versions apart in their words.

Invariant: reads what was accepted before; the compiled document alone decides what a version means.
"""

from __future__ import annotations

from dataclasses import replace

from fieldapp.checklists.compiler.limits import Limits
from fieldapp.checklists.compiler.spelling import spell
from fieldapp.checklists.compiler.workbook import read_sheets

# What was accepted once is read, whatever the limits are now.
_NO_LIMITS = replace(Limits(), max_bytes=2**40, max_rows=2**40, max_choices=2**40)


def read_source(content: bytes) -> dict[str, dict[str, str]]:
    """Cells of a stored workbook by path of the question (without positions) and column name."""
    written = spell(*read_sheets(content, _NO_LIMITS.max_bytes), _NO_LIMITS)
    source: dict[str, dict[str, str]] = {}
    inside: list[str] = []
    for number, cells in sorted(written.survey.items()):
        said = written.types.get(number)
        if said and said.ends:
            inside = inside[:-1]
        elif said:
            source["/".join([*inside, cells.get("name", "")])] = cells
            if said.begins:
                inside = [*inside, cells.get("name", "")]
    return source
