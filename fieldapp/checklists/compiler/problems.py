"""What is wrong with a workbook, by sheet, row and column.

Invariant: a refusal always carries at least one problem, each with a reason in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

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
        return self.in_rows(str(self.row) if self.row else "")

    def in_rows(self, rows: str) -> str:
        """The problem in words, of `rows` ("3–5, 8")."""
        where = [
            part for part in (self.sheet, _("row %(row)s", row=rows) if rows else "", self.column) if part
        ]
        text = (
            self.reason
            if not self.instead
            else _("%(reason)s; instead: %(instead)s", reason=self.reason, instead=self.instead)
        )
        return f"{', '.join(where)}: {text}" if where else text


def in_lines(problems: Iterable[Problem]) -> list[str]:
    """Problems in words, one line for those that differ in nothing but the row."""
    alike: dict[Problem, list[int]] = {}
    for problem in problems:
        alike.setdefault(replace(problem, row=0), []).append(problem.row)
    return [
        replace(problem, row=rows[0]).in_rows(_in_runs(rows))
        if len(rows) > 1
        else str(replace(problem, row=rows[0]))
        for problem, rows in alike.items()
    ]


def _in_runs(rows: list[int]) -> str:
    """ "3–5, 8" of 3, 4, 5, 8."""
    runs: list[list[int]] = []
    for row in sorted(set(rows)):
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)


class Problems:
    """Problems in the order in which they are found, each once."""

    def __init__(self, found: Iterable[Problem] = ()) -> None:
        self._found: dict[Problem, None] = dict.fromkeys(found)
        self._cells = {(problem.sheet, problem.row, problem.column) for problem in self._found}

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        self._found.setdefault(problem)
        self._cells.add((problem.sheet, problem.row, problem.column))

    def at(self, sheet: str, row: int, column: str) -> bool:
        """Whether there is a problem in a cell."""
        return (sheet, row, column) in self._cells

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class ChecklistRefused(Exception):
    """The workbook cannot become a checklist; `problems` says where and why."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.sheet != "survey", p.sheet, p.row, p.column))
        super().__init__("; ".join(map(str, self.problems)))
