"""What is worked out of the figures of a report: what columns come to, what is open, what must agree.

Invariant: pure. A figure that is not known is None, and never 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from fieldapp.aid.rules import Goods, write_amount
from fieldapp.rollups.columns import COLUMNS, HELP
from fieldapp.rollups.rules import Basis
from fieldapp.workdays.rules import add_working_days, is_working_day

Figures = dict[str, int]
# What differs: (week or total; column, or item and unit of goods that have no column of their own; before; after).
Change = tuple[str, str | tuple[str, str], int | None, int | None]
# When a county is reminded: on the working day before the report, and on its day.
REMINDED_AT = {"before": time(15), "today": time(12)}


@dataclass(frozen=True)
class Row:
    """An area of the report: this week, and since the running count began; None where it has not reported."""

    code: str
    name: str
    week: Figures | None
    total: Figures | None
    state: str = ""
    # What the goods were that have no column of their own.
    goods: tuple[Goods, ...] = ()
    # Upon what the figures stand.
    basis: Basis | None = None

    @property
    def is_reported(self) -> bool:
        """Whether it has figures."""
        return self.week is not None


@dataclass(frozen=True)
class Report:
    """The rows of a report, first what they come to, and how many persons more than one row counts."""

    sum: Row
    rows: list[Row] = field(default_factory=list)

    @property
    def repeated(self) -> tuple[int, int]:
        """跨地区重复: persons that rows count more than once, this week and in all."""
        return _repeated(self, "week"), _repeated(self, "total")


def _repeated(report: Report, part: str) -> int:
    counted = [figures for row in report.rows if (figures := getattr(row, part)) is not None]
    whole = getattr(report.sum, part)
    return sum(figures["persons"] for figures in counted) - whole["persons"] if counted and whole else 0


def complete(counts: Mapping[str, int], open_before: int | None) -> Figures:
    """All figures of a row, from what is counted: nothing is missing, and what columns come to is added.

    `open_before`: problems open when the running count began, which are found anew in it; None for those of a week alone.
    """
    figures = {name: counts.get(name, 0) for name in COLUMNS if name not in HELP}
    figures["money"] = figures["money_relief"] + figures["money_charity"] + figures["money_other"]
    if open_before is not None:
        figures["found"] += open_before
        figures["open"] = figures["found"] - figures["solved"] - figures["unfounded"]
    return figures


def add_up(parts: Iterable[Mapping[str, int]]) -> Figures:
    """What areas come to that repeat nobody."""
    figures: Figures = {}
    for part in parts:
        for name, value in part.items():
            figures[name] = figures.get(name, 0) + value
    return figures


def add_goods(parts: Iterable[Iterable[Goods]]) -> tuple[Goods, ...]:
    """What the goods of areas come to, by item and unit; what was all taken back is not there."""
    week: dict[tuple[str, str], int] = {}
    total: dict[tuple[str, str], int] = {}
    for part in parts:
        for one in part:
            key = one.item, one.unit
            week[key] = week.get(key, 0) + one.week_milli
            total[key] = total.get(key, 0) + one.total_milli
    return tuple(Goods(*key, week[key], total[key]) for key in sorted(week) if week[key] or total[key])


def list_changes(before: Row, after: Row) -> list[Change]:
    """What differs between two readings of a row."""
    changes: list[Change] = []
    for part in ("week", "total"):
        one, other = getattr(before, part) or {}, getattr(after, part) or {}
        for name in sorted(one.keys() | other.keys()):
            if one.get(name) != other.get(name):
                changes.append((part, name, one.get(name), other.get(name)))
        were, are = (_list_goods(row, part) for row in (before, after))
        for key in sorted(were.keys() | are.keys()):
            if were.get(key, 0) != are.get(key, 0):
                changes.append((part, key, were.get(key, 0), are.get(key, 0)))
    return changes


def _list_goods(row: Row, part: str) -> dict[tuple[str, str], int]:
    return {(one.item, one.unit): getattr(one, f"{part}_milli") for one in row.goods}


def write_figure(value: int | None, kind: str) -> str:
    """A figure as it is printed: people and cases as they are, cents as yuan, thousandths as pieces; — where none is known."""
    if value is None:
        return "—"
    sign = "-" if value < 0 else ""
    if kind == "yuan":
        return sign + write_amount(abs(value), 2, 2)
    return sign + write_amount(abs(value), 3 if kind == "pieces" else 0)


def report_day(ends_on: date, calendar: Mapping[date, bool]) -> date:
    """The day the report of a week is sent: the day it ends, or the next working day where that is a holiday.

    The cut stays where it is: what a county confirms no longer moves.
    """
    return ends_on if is_working_day(ends_on, calendar) else add_working_days(ends_on, 1, calendar)


def list_reminders(ends_on: date, calendar: Mapping[date, bool]) -> list[tuple[str, date, time]]:
    """When those who report are reminded of a week: in the afternoon of the working day before, and at noon of the day."""
    day = report_day(ends_on, calendar)
    before = day - timedelta(days=1)
    while not is_working_day(before, calendar):
        before -= timedelta(days=1)
    days = {"before": before, "today": day}
    return [(name, days[name], at) for name, at in REMINDED_AT.items()]


def pick(rows: Sequence[Row], code: str) -> Row | None:
    """The row of an area."""
    return next((row for row in rows if row.code == code), None)
