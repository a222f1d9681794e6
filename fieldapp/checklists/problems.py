"""What is wrong with a workbook, by sheet, row and column.

Invariant: a refusal always carries at least one problem, each with a reason in words.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _


@dataclass(frozen=True)
class Problem:
    """One reason for refusing a workbook; row 1 holds the column names, 0 means the sheet as a whole."""

    sheet: str
    row: int
    column: str
    reason: str
    instead: str = ""

    def __str__(self) -> str:
        where = [
            part
            for part in (self.sheet, _("row %(row)s", row=self.row) if self.row else "", self.column)
            if part
        ]
        text = (
            self.reason
            if not self.instead
            else _("%(reason)s; instead: %(instead)s", reason=self.reason, instead=self.instead)
        )
        return f"{', '.join(where)}: {text}" if where else text


class ChecklistRefused(Exception):
    """The workbook cannot become a checklist; `problems` says where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems
