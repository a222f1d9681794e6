"""CSV files beside a workbook: lists of choices too long for a sheet, or tables that expressions look things up in.

Invariant: a list has the shape of one of the choices sheet, whatever the file was.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from fieldapp.checklists.compiler.limits import MAX_CELL_CHARACTERS, MAX_CHARACTERS, MAX_COLUMNS, Limits
from fieldapp.checklists.compiler.problems import ChecklistRefused, Problem
from fieldapp.checklists.compiler.workbook import Row, check_size, clean, refusal


@dataclass
class AttachedList:
    """The rows of a CSV file under its column names; `numbers` are their lines as Excel counts rows."""

    filename: str
    columns: list[str]
    rows: list[Row]
    numbers: list[int]


def read_attached(files: Mapping[str, bytes], limits: Limits) -> dict[str, AttachedList]:
    """The CSV files among `files` by name without ending; raises ChecklistRefused with all that is wrong in them."""
    found: dict[str, AttachedList] = {}
    problems: list[Problem] = []
    for filename, content in files.items():
        stem, _dot, ending = filename.rpartition(".")
        if ending.lower() != "csv":
            continue
        try:
            found[stem] = _read(filename, content, limits)
        except ChecklistRefused as refused:
            problems += refused.problems
    if problems:
        raise ChecklistRefused(problems)
    return found


def _read(filename: str, content: bytes, limits: Limits) -> AttachedList:
    check_size(content, limits.max_bytes, filename)
    table = csv.reader(io.StringIO(_decoded(filename, content), newline=""))
    columns: list[str] = []
    rows: list[Row] = []
    numbers: list[int] = []
    characters = 0
    try:
        for number, cells in enumerate(table, start=1):
            if not any(cells):
                continue
            if not columns:
                columns = _columns(filename, number, cells)
                continue
            row = {name: clean(cell) for name, cell in zip(columns, cells, strict=False) if name}
            characters += sum(map(len, cells))
            if len(rows) == limits.max_choices or characters > 3 * MAX_CHARACTERS:
                raise refusal(
                    _("the sheet has more than %(limit)s rows", limit=limits.max_choices),
                    _("keep only what is asked for"),
                    sheet=filename,
                )
            if max(map(len, cells)) > MAX_CELL_CHARACTERS:
                raise refusal(
                    _("the cell holds more than %(limit)s characters", limit=MAX_CELL_CHARACTERS),
                    sheet=filename,
                    row=number,
                )
            rows.append(row)
            numbers.append(number)
    except csv.Error as error:
        raise refusal(
            _("the file is not a table separated by commas"),
            _("save it in Excel as CSV UTF-8"),
            sheet=filename,
        ) from error
    if not columns:
        raise refusal(_("the file is empty"), sheet=filename)
    return AttachedList(filename, [name for name in columns if name], rows, numbers)


def _columns(filename: str, number: int, cells: list[str]) -> list[str]:
    if len(cells) > MAX_COLUMNS:
        raise refusal(
            _("the sheet has more than %(limit)s columns", limit=MAX_COLUMNS),
            _("delete unused columns"),
            sheet=filename,
        )
    columns = [clean(cell) for cell in cells]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise refusal(
            _("several columns are called %(name)s", name=", ".join(twice)),
            _("rename or delete one of them"),
            sheet=filename,
            row=number,
        )
    return columns


def _decoded(filename: str, content: bytes) -> str:
    # Excel in Chinese saves plain CSV in GB 18030.
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise refusal(
        _("the signs of the file cannot be read"), _("save it in Excel as CSV UTF-8"), sheet=filename
    )
