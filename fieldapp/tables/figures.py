"""Tables of figures: what the weekly report counts, by areas of any level or by weeks.

Invariant: a figure is added up from the same rows as the report's, and equal to it. How many different people several weeks
have is known only where the report counts it (from the beginning of the year or of a special period on): elsewhere it is None.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask_babel import gettext, lazy_gettext

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, PROPER, UNIT, Area
from fieldapp.core import wording
from fieldapp.reports import rules as reports
from fieldapp.reports.layout import COUNT, HOMES, PIECES, SHEETS, YUAN, Column, Group
from fieldapp.rollups import queries as rollups
from fieldapp.rollups.columns import DISTINCT
from fieldapp.tables.queries import Span, list_areas

Figures = dict[str, int | None]
PAGE_ROWS, READ_AT_ONCE = 50, 100
# What the report counts and has no column for.
TRIED = Group(
    lazy_gettext("In no column of the report"),
    (
        Column("attempts", lazy_gettext("Attempts that reached nobody"), HOMES),
        Column("refusals", lazy_gettext("Refusals"), HOMES),
    ),
)
GROUPS = (*(group for sheet in SHEETS for group in sheet.groups), TRIED)
COLUMNS = {column.name: column for group in GROUPS for column in group.columns}
_GROUP_OF = {column.name: group for group in GROUPS for column in group.columns}
DEFAULT = ("households", "persons", "contacts", "found", "solved", "open", "money")


@dataclass(frozen=True)
class FigureRow:
    """An area or a week (key: its code, the day it ends on), and its figures by column."""

    key: str
    name: str
    figures: Figures


def read_whole(area: Area, span: Span) -> FigureRow:
    """What all of an area comes to, everybody counted once."""
    [row] = _rows_of([area], len(area.code), span)
    return FigureRow(area.code, gettext("In all"), row.figures)


def list_rows(area: Area, rows: str, span: Span, after: str = "") -> tuple[list[FigureRow], str]:
    """A page of the rows after the one with that key, and the key after which the next page begins, "" for none."""
    if rows not in LEVELS:
        return _list_weeks(area, span), ""
    found = list_areas(area, _levels(rows), after, PAGE_ROWS + 1)
    page = found[:PAGE_ROWS]
    return _rows_below(area, page, LEVELS[rows], span), page[-1].code if len(found) > PAGE_ROWS else ""


def iterate_rows(area: Area, rows: str, span: Span) -> Iterator[FigureRow]:
    """All rows, a few at a time."""
    if rows not in LEVELS:
        yield from _list_weeks(area, span)
        return
    after = ""
    while some := list_areas(area, _levels(rows), after, READ_AT_ONCE):
        yield from _rows_below(area, some, LEVELS[rows], span)
        after = some[-1].code


def count_rows(area: Area, rows: str, span: Span) -> int:
    """How many rows there are, with the one for all of the area."""
    return 1 + sum(1 for _ in iterate_rows(area, rows, span))


def say_head(name: str) -> str:
    """What stands above a column that stands outside of the report: its group, its head and its unit."""
    column = COLUMNS[name]
    said = gettext("%(group)s: %(column)s", group=_GROUP_OF[name].head, column=column.head)
    return gettext("%(head)s (%(unit)s)", head=said, unit=column.unit) if column.unit else said


def value_of(figures: Figures, column: Column) -> int | float | None:
    """A figure as a file has it: money in yuan, goods in their unit."""
    value = figures[column.name]
    scale = {COUNT: 1, YUAN: 100, PIECES: 1000}[column.kind]
    return value if value is None or scale == 1 else value / scale


def _levels(rows: str) -> list[str]:
    """市本级 stands beside the counties, and its units beside the grids; between them lies nothing, so there it stands itself."""
    return [rows, UNIT] if rows == "grid" else [rows] if rows == "city" else [rows, PROPER]


def _rows_below(area: Area, found: Sequence[Area], digits: int, span: Span) -> list[FigureRow]:
    """The rows of areas in an area, each named with the one it lies in where its own name does not say that; one that has
    ended is there as long as something counts in it.
    """
    names = areas.get_names(one.parent_code for one in found if one.parent_code)
    rows = []
    for one, row in zip(found, _rows_of(found, digits, span), strict=True):
        if not one.is_ended or any(row.figures.values()):
            above = names.get(one.parent_code or "", "")
            is_said = one.parent_code == area.code or row.name.startswith(above)
            rows.append(FigureRow(row.key, row.name if is_said else f"{above} {row.name}", row.figures))
    return rows


def _rows_of(found: Sequence[Area], digits: int, span: Span) -> list[FigureRow]:
    if not found:
        return []
    codes = [area.code for area in found]
    weeks, running, before = rollups.sum_to_week(codes, digits, str(span.first), span.first, span.last)
    at_end = rollups.count_open_before(codes, digits, span.last + timedelta(days=1))
    counts = weeks if span.is_week else running
    rows = []
    for area in found:
        # One, but of 市本级: what its units count, and what it takes off because they count it twice.
        keys = [key for key in counts.keys() | before.keys() | at_end.keys() if key.startswith(area.code)]
        figures: Figures = dict(
            reports.complete(
                reports.add_up(counts[key] for key in keys if key in counts),
                sum(before.get(key, 0) for key in keys) if span.is_running else None,
            )
        )
        figures["open"] = sum(at_end.get(key, 0) for key in keys)
        if not span.counts_everybody_once:
            figures |= dict.fromkeys(DISTINCT)
        rows.append(FigureRow(area.code, area.name, figures))
    return rows


def _list_weeks(area: Area, span: Span) -> list[FigureRow]:
    counted = rollups.sum_by_week(area.code, span.first, span.last)
    open_now = sum(rollups.count_open_before([area.code], len(area.code), span.first).values())
    rows = []
    for week_on in span.weeks:
        figures = reports.complete(counted.get(week_on, {}), None)
        open_now += figures["found"] - figures["solved"] - figures["unfounded"]
        name = gettext("Week to %(day)s", day=wording.say_date(week_on))
        rows.append(FigureRow(week_on.isoformat(), name, {**figures, "open": open_now}))
    return rows
