"""What the author of a workbook wrote in the survey sheet, by question: for telling versions apart in their words.

Invariant: reads what was accepted before; the compiled document alone decides what a version means.
"""

from __future__ import annotations

import re

from fieldapp.checklists.workbook import read_workbook

_ALIASES = {
    "relevance": "relevant",
    "calculate": "calculation",
    "readonly": "read_only",
    "count": "repeat_count",
    "repeatcount": "repeat_count",
}


def read_source(content: bytes) -> dict[str, dict[str, str]]:
    """Cells of a stored workbook by path of the question (without positions) and column name."""
    source: dict[str, dict[str, str]] = {}
    inside: list[str] = []
    for _, row in sorted(read_workbook(content).survey.items()):
        cells = {_column(header): str(cell).strip() for header, cell in row.items() if cell is not None}
        kind = cells.get("type", "").lower()
        name = cells.get("name", "")
        if kind.startswith("end"):
            if inside and re.match(r"end[\s_](group|repeat)", kind):
                inside.pop()
            continue
        source["/".join([*inside, name])] = cells
        if re.match(r"begin[\s_](group|repeat)", kind):
            inside.append(name)
    return source


def _column(header: str) -> str:
    name = "_".join(header.strip().lower().removeprefix("bind::").split())
    return _ALIASES.get(name, name)
