"""What stands behind a figure of the 台账, and the 台账 as an Excel workbook.

Invariant: page and workbook show the same rows and totals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext

from fieldapp.core import wording
from fieldapp.core.workbook import BOLD, BOLD_NUMBER, NUMBER, PLAIN, Cell, write_workbook
from fieldapp.papers.ledger import FIGURES, Entry, Ledger, Problem, Row


@dataclass(frozen=True)
class Behind:
    """One thing that a figure counts; of whom was missed there is no visit."""

    household_uuid: str
    household_name: str
    visit_uuid: str
    day: date | None
    text: str


def say_figures() -> dict[str, str]:
    """The figures whose visits a reader may look at, in words."""
    return {
        "reached": gettext("Visits that reached somebody"),
        "tried": gettext("Attempts that reached nobody"),
        "problems": gettext("Problems found"),
        "handled": gettext("Problems settled"),
        "open": gettext("Problems still open"),
        "missed": gettext("Due and not reached"),
    }


def list_behind(ledger: Ledger, figure: str, household_uuid: str) -> list[Behind]:
    """What a figure counts, of one household where it is named."""
    return [
        _behind(row, counted)
        for row in ledger.rows
        if household_uuid in ("", row.household.household_uuid)
        for counted in getattr(row, figure)
    ]


def _behind(row: Row, counted: Entry | Problem | str) -> Behind:
    of_household = (row.household.household_uuid, row.household.name)
    if isinstance(counted, Entry):
        return Behind(*of_household, counted.visit_uuid, counted.day, _say_entry(counted))
    if isinstance(counted, Problem):
        return Behind(*of_household, counted.visit_uuid, counted.day, f"{counted.text} ({counted.state})")
    return Behind(*of_household, "", None, counted)


def _say_entry(entry: Entry) -> str:
    entered = f" ({gettext('Entered at the desk')})" if entry.is_entered else ""
    return f"{entry.method} {entry.outcome} {entry.worker_name}{entered}"


def write_ledger(ledger: Ledger) -> bytes:
    """The ledger as an .xlsx workbook in the reader's language."""
    return write_workbook(_sheet(ledger))


def _sheet(ledger: Ledger) -> Iterator[Iterable[Cell]]:
    totals = ledger.totals
    yield [(name, BOLD) for name in _header()]
    for number, row in enumerate(ledger.rows, start=1):
        yield _cells(number, row)
    figures = [(totals[name], BOLD_NUMBER) for name in FIGURES]
    people, reached, tried, problems, handled, still_open, missed = figures
    blank = ("", PLAIN)
    yield [
        (gettext("Total"), BOLD),
        (len(ledger.rows), BOLD_NUMBER),
        blank,
        blank,
        people,
        blank,
        reached,
        blank,
        tried,
        blank,
        blank,
        problems,
        handled,
        still_open,
        blank,
        missed,
        blank,
    ]


def _header() -> list[str]:
    return [
        gettext("No."),
        gettext("Household"),
        gettext("Address"),
        gettext("People"),
        gettext("People, number"),
        gettext("Visits"),
        gettext("Visits, number"),
        gettext("Attempts"),
        gettext("Attempts, number"),
        gettext("Who went"),
        gettext("Problems found"),
        gettext("Problems, number"),
        gettext("Settled"),
        gettext("Still open"),
        gettext("Due and not reached"),
        gettext("Due and not reached, number"),
        gettext("Next due"),
    ]


def _cells(number: int, row: Row) -> list[Cell]:
    def lines(texts: Iterable[str]) -> Cell:
        return "\n".join(texts), PLAIN

    def visits(entries: Iterable[Entry]) -> Cell:
        return lines(f"{wording.say_date(entry.day)} {_say_entry(entry)}" for entry in entries)

    counts = {name: (len(getattr(row, name)), NUMBER) for name in FIGURES}
    return [
        (number, NUMBER),
        (row.household.name, PLAIN),
        (row.household.address, PLAIN),
        lines(row.people),
        counts["people"],
        visits(row.reached),
        counts["reached"],
        visits(row.tried),
        counts["tried"],
        lines(row.workers),
        lines(f"{problem.text} ({problem.state})" for problem in row.problems),
        counts["problems"],
        counts["handled"],
        counts["open"],
        lines(row.missed),
        counts["missed"],
        (row.due_on.isoformat() if row.due_on else "", PLAIN),
    ]
