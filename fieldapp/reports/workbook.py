"""The weekly report as an Excel workbook: three sheets with merged heads, to be printed on A3 or A4 across.

Invariant: a cell holds the figure of the page; an area that has not reported says so and is never 0.
"""

from __future__ import annotations

import io
from typing import Any

from flask_babel import gettext
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from fieldapp.reports.layout import MONEY, SHEETS, YUAN, Column, Sheet
from fieldapp.reports.rules import Figures, Report, Row
from fieldapp.reports.summary import say_goods

PAPERS = {"A3": 8, "A4": 9}  # codes of the format
_LINE = Side(style="thin")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_MIDDLE = Alignment(horizontal="center", vertical="center", wrap_text=True)
_LEFT = Alignment(horizontal="left", vertical="center", wrap_text=True)
_HEAD = Font(size=9.5)
_PLAIN = Alignment(vertical="center")
# Title, what it is of, three rows of heads: groups, columns, units.
HEAD_ROWS = 5
LEAD_COLUMNS = 2


def make_workbook(report: Report, about: dict[str, str], paper: str = "A3") -> bytes:
    """The report as .xlsx; `about`: title, unit, period, sent, note, head, checker, filler, phone, all as words."""
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for sheet in SHEETS:
        _fill(book.create_sheet(str(sheet.title)), sheet, report, about, paper)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill(page: Worksheet, sheet: Sheet, report: Report, about: dict[str, str], paper: str) -> None:
    width = LEAD_COLUMNS + len(sheet.columns)
    _write_head(page, sheet, about, width)
    line = HEAD_ROWS + 1
    for row in [report.sum, *report.rows]:
        name = gettext("In all") if row is report.sum else row.name
        line = _write_row(page, line, name, row, sheet)
    _write_foot(page, line, report, sheet, about, width)
    _set_up(page, sheet, paper, width)


def _write_head(page: Worksheet, sheet: Sheet, about: dict[str, str], width: int) -> None:
    _merge(page, 1, 1, 1, width, f"{about['title']} · {sheet.title}", Font(bold=True, size=16), _MIDDLE)
    said = "　　".join((about["unit"], about["period"], about["sent"]))
    _merge(page, 2, 1, 2, width, said, Font(size=10), _LEFT)
    _merge(page, 3, 1, 5, 1, gettext("Area"), Font(bold=True, size=10), _MIDDLE, is_boxed=True)
    _merge(page, 3, 2, 5, 2, gettext("Period"), Font(bold=True, size=10), _MIDDLE, is_boxed=True)
    at = LEAD_COLUMNS + 1
    for group in sheet.groups:
        last = at + len(group.columns) - 1
        _merge(page, 3, at, 3, last, str(group.head), Font(bold=True, size=10), _MIDDLE, is_boxed=True)
        for column in group.columns:
            _write(page, 4, at, str(column.head), _HEAD, _MIDDLE)
            _write(page, 5, at, str(column.unit), _HEAD, _MIDDLE)
            at += 1


def _write_row(page: Worksheet, line: int, name: str, row: Row, sheet: Sheet) -> int:
    _merge(page, line, 1, line + 1, 1, name, Font(size=10), _LEFT, is_boxed=True)
    for place, (said, figures) in enumerate(
        ((gettext("This week"), row.week), (gettext("In all so far"), row.total))
    ):
        _write(page, line + place, 2, said, Font(size=10), _MIDDLE)
        for place_at, column in enumerate(sheet.columns, start=LEAD_COLUMNS + 1):
            alignment = _PLAIN if figures else _MIDDLE
            written = _write(page, line + place, place_at, _value(figures, column), Font(size=10), alignment)
            if column.kind == YUAN:
                written.number_format = "#,##0.00"
    return line + 2


def _value(figures: Figures | None, column: Column) -> Any:
    """What stands in a cell: a number, 未报, or nothing where a column has no figure of a week."""
    if figures is None:
        return gettext("not reported")
    value = figures.get(column.name)
    if value is None:
        return ""
    return value / 100 if column.kind == YUAN else value / 1000 if column.kind == "pieces" else value


def _write_foot(
    page: Worksheet, line: int, report: Report, sheet: Sheet, about: dict[str, str], width: int
) -> None:
    week, total = report.repeated
    notes = [about["note"]]
    if sheet is SHEETS[0] and (week or total):
        notes.append(
            gettext(
                "Counted in several areas: %(week)s people this week, %(total)s in all so far.",
                week=week,
                total=total,
            )
        )
    if sheet is MONEY:
        for said in say_goods(report):
            _merge(page, line, 1, line, width, said, Font(size=10), _LEFT)
            # A line of A3 holds some hundred signs.
            page.row_dimensions[line].height = 16 * (1 + len(said) // 90)
            line += 1
    _merge(page, line, 1, line, width, gettext("Note: ") + " ".join(notes), Font(size=10), _LEFT)
    page.row_dimensions[line].height = 32
    signs = (
        (gettext("Head of the unit"), about["head"]),
        (gettext("Checked by"), about["checker"]),
        (gettext("Filled in by"), about["filler"]),
        (gettext("Phone"), about["phone"]),
    )
    said = "　　　　".join(f"{word}：{value}" for word, value in signs)
    _merge(page, line + 1, 1, line + 1, width, said, Font(size=10), _LEFT)


def _set_up(page: Worksheet, sheet: Sheet, paper: str, width: int) -> None:
    # As wide as lets the widest sheet be printed on A3 in letters of 8 points or more.
    page.column_dimensions["A"].width = 14
    page.column_dimensions["B"].width = 7
    for at in range(LEAD_COLUMNS + 1, width + 1):
        kind = sheet.columns[at - LEAD_COLUMNS - 1].kind
        page.column_dimensions[get_column_letter(at)].width = 13 if kind == YUAN else 6.6
    page.row_dimensions[1].height = 26
    page.row_dimensions[4].height = 64
    page.freeze_panes = f"{get_column_letter(LEAD_COLUMNS + 1)}{HEAD_ROWS + 1}"
    page.print_title_rows = f"1:{HEAD_ROWS}"
    page.page_setup.orientation = "landscape"
    page.page_setup.paperSize = PAPERS[paper]
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    page.page_margins.left = page.page_margins.right = 0.4
    page.page_margins.top = page.page_margins.bottom = 0.5


def _write(page: Worksheet, line: int, at: int, value: Any, font: Font, alignment: Alignment) -> Any:
    cell = page.cell(line, at, value)
    if isinstance(value, str):
        # What begins like a formula is still what somebody wrote.
        cell.data_type = "s"
    cell.font, cell.alignment, cell.border = font, alignment, _BOX
    return cell


def _merge(
    page: Worksheet,
    top: int,
    left: int,
    bottom: int,
    right: int,
    value: str,
    font: Font,
    alignment: Alignment,
    *,
    is_boxed: bool = False,
) -> None:
    first = page.cell(top, left, value)
    first.data_type = "s"
    first.font, first.alignment = font, alignment
    if is_boxed:
        for line in range(top, bottom + 1):
            for at in range(left, right + 1):
                page.cell(line, at).border = _BOX
    if (top, left) != (bottom, right):
        page.merge_cells(start_row=top, start_column=left, end_row=bottom, end_column=right)
