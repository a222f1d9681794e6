"""What somebody chooses of a table, as the address of its page has it.

Invariant: pure. A choice read from its own address is the same choice; what is unknown in an address is not chosen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fieldapp.areas.models import LEVELS

FIGURES, VISITS = "figures", "visits"
KINDS = (FIGURES, VISITS)
WEEKS = "weeks"
# The last week that is over, so many of them, all since the report counts, or those named.
LAST, LAST_4, LAST_12, TOTAL, CHOSEN = "last", "last4", "last12", "total", "chosen"
PERIODS = {LAST: 1, LAST_4: 4, LAST_12: 12, TOTAL: None, CHOSEN: None}
# With where a visit took place stands nobody's name: together, row by row, they would be a track of somebody's ways.
PLACE = ("lat", "lon", "accuracy_m", "datum")
WORKER = "worker"


@dataclass(frozen=True)
class Choice:
    """Rows, columns, filters and period of a table."""

    kind: str
    area: str
    columns: tuple[str, ...]
    rows: str = WEEKS  # of figures: weeks, or a level of areas
    period: str = LAST
    first: date | None = None  # of a chosen period: the weeks, by the days they end on
    last: date | None = None
    outcome: str = ""
    method: str = ""
    main_class: str = ""
    state: str = ""
    flag: str = ""  # any, or a severity

    def as_query(self) -> dict[str, list[str]]:
        """The part of an address that says it."""
        named = {
            "kind": self.kind,
            "area": self.area,
            "rows": self.rows if self.kind == FIGURES else "",
            "period": self.period,
            "from": self.first.isoformat() if self.first else "",
            "until": self.last.isoformat() if self.last else "",
            "outcome": self.outcome,
            "method": self.method,
            "class": self.main_class,
            "state": self.state,
            "flag": self.flag,
        }
        return {name: [value] for name, value in named.items() if value} | {"column": list(self.columns)}


def read_kind(given: Mapping[str, Sequence[str]]) -> str:
    """Which kind of table an address asks for."""
    kind = _one(given, "kind")
    return kind if kind in KINDS else FIGURES


def read_choice(
    given: Mapping[str, Sequence[str]],
    area: str,
    level: str,
    columns: Collection[str],
    default: Sequence[str],
) -> Choice:
    """The choice of an address, about an area of that level; `columns` are all there are, `default` stand for none."""
    kind = read_kind(given)
    levels = list_levels(area, level)
    rows = _one(given, "rows")
    asked = set(given.get("column", ()))
    chosen = [name for name in columns if name in asked] or list(default)
    if asked & set(PLACE):
        chosen = [name for name in chosen if name != WORKER]
    period, first, last = _one(given, "period"), _day(given, "from"), _day(given, "until")
    shown = _one(given, "shown")
    if first and last and shown and shown != f"{first}/{last}":
        # Whoever chose other weeks than those that stood there means them.
        period = CHOSEN
    if period not in PERIODS or (period == CHOSEN and not (first and last)):
        period = LAST
    if period != CHOSEN:
        first = last = None
    filters = {}
    if kind == VISITS:
        filters = {name: _code(given, name) for name in ("outcome", "method", "state", "flag")}
        filters["main_class"] = _code(given, "class")
    return Choice(
        kind=kind,
        area=area,
        columns=tuple(chosen),
        rows=rows if rows in levels else levels[0],
        period=period,
        first=min(first, last) if first and last else None,
        last=max(first, last) if first and last else None,
        **filters,
    )


def list_levels(area: str, level: str) -> list[str]:
    """What the rows of figures of an area can be: the levels below it, the next one first, and weeks."""
    below = [name for name, digits in LEVELS.items() if digits > len(area)]
    # Directly under a city lies nothing but its units.
    return [*(below[-1:] if level == "proper" else below), WEEKS]


def _one(given: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(given.get(name, ())), "")


def _code(given: Mapping[str, Sequence[str]], name: str) -> str:
    """What could be a code of a table; a sign that no database takes is in none."""
    code = _one(given, name)
    return code if code.isidentifier() else ""


def _day(given: Mapping[str, Sequence[str]], name: str) -> date | None:
    try:
        return date.fromisoformat(_one(given, name))
    except ValueError:
        return None
