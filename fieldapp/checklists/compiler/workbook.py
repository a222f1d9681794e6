"""Reading a workbook: its kind by signature, its limits, and the texts of its sheets by row and column.

Invariant: no file is opened by a library before its size, its kind and what it would unpack to are known.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import openpyxl
import xlrd
from flask_babel import gettext as _

from fieldapp.checklists.compiler.limits import (
    MAX_CELL_CHARACTERS,
    MAX_COLUMNS,
    MAX_PARTS,
    MAX_PLACES,
    MAX_TAGS,
    MAX_UNPACKED_BYTES,
)
from fieldapp.checklists.compiler.problems import ChecklistRefused, Problem, Problems

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACRO_STREAMS = ("_VBA_PROJECT_CUR".encode("utf-16-le"), "VBA".encode("utf-16-le") + b"\x00\x00")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
SHEETS = ("survey", "choices", "settings", "external_choices", "entities")
# What neither XML nor a JSON document should hold, and signs without width that spoil names.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\ufeff\u200b]|_x000D_")
_EMPTY_CELL = re.compile(rb"<(?:\w+:)?c(?: [^<>]*)?/>")
_BEGIN = re.compile(rb"<((?:\w+:)?)worksheet(?: [^<>]*)?(?<!/)>")
_LINE_BREAK = re.compile("\r\n?")
# Excel's other dialect, "Strict Open XML", says the same under other names.
_STRICT = (
    (
        b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    ),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships",
    ),
)
_WORKBOOK = re.compile(r"xl/workbook\d*\.xml")
_ROWS_LOOKED_AT_FOR_A_HEADER = 10

Row = dict[str, str]


class Cell(NamedTuple):
    """A filled cell: its column from 0, its text, and "error" or "formula" where Excel holds no result."""

    column: int
    text: str
    fault: str = ""


@dataclass
class Sheet:
    """The filled cells of a sheet: column names in order, and rows under their numbers in the workbook."""

    columns: list[str] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)


def refusal(
    reason: str, instead: str = "", *, sheet: str = "", row: int = 0, column: str = ""
) -> ChecklistRefused:
    """A refusal with one reason."""
    return ChecklistRefused([Problem(sheet, row, column, reason, instead)])


def _damaged() -> ChecklistRefused:
    return refusal(_("the workbook is damaged and cannot be opened"), _("save it again in Excel"))


def _no_workbook() -> ChecklistRefused:
    return refusal(_("this is not an Excel workbook"), _("save the checklist as .xlsx and upload that"))


def read_sheets(content: bytes, max_bytes: int) -> tuple[dict[str, Sheet], Problems]:
    """The sheets of an .xlsx or .xls workbook that matter, by name, and what is wrong in them; raises ChecklistRefused."""
    kind = file_type(content, max_bytes)
    problems = Problems()
    try:
        raw = dict(_xlsx_sheets(_slim(content)) if kind == ".xlsx" else _xls_sheets(content))
        sheets = {name: _sheet(name, rows, problems) for name, rows in raw.items()}
    except ChecklistRefused:
        raise
    except Exception as error:
        # The readers raise whatever the broken part of a file provokes; all of it means the same here.
        raise _damaged() from error
    return sheets, problems


def file_type(content: bytes, max_bytes: int) -> str:
    """ ".xlsx" or ".xls" by the first bytes, whatever the file is called; raises ChecklistRefused for anything else."""
    if not content:
        raise refusal(_("the file is empty"))
    check_size(content, max_bytes)
    if content.startswith(_ZIP):
        return ".xlsx"
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            raise refusal(_("the workbook is protected by a password"), _("save it without one"))
        if any(stream in content for stream in _MACRO_STREAMS):
            raise refusal(_("the workbook contains macros"), _("save it as .xlsx, which holds none"))
        return ".xls"
    raise _no_workbook()


def check_size(content: bytes, max_bytes: int, name: str = "") -> None:
    """Raise ChecklistRefused for a file that is too large."""
    if len(content) > max_bytes:
        raise refusal(
            _("the file is larger than %(limit)s MB", limit=f"{max_bytes / 1_000_000:g}"),
            _("delete pictures and unused sheets"),
            sheet=name,
        )


def _slim(content: bytes) -> bytes:
    """An .xlsx archive checked, and without its empty cells: forms are often formatted far beyond what they hold."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as slim:
            entries = archive.infolist()
            names = [entry.filename.lower() for entry in entries]
            if not any(map(_WORKBOOK.fullmatch, names)):
                raise _no_workbook()
            if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
                raise refusal(_("the workbook contains macros"), _("save it as .xlsx, which holds none"))
            # zipfile reads no entry beyond the size it declares, so the declared sizes bound what is unpacked.
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES or len(entries) > MAX_PARTS:
                raise _too_large()
            tags = 0
            for entry, name in zip(entries, names, strict=True):
                # Sheets that are one chart hold no cells.
                if not name.endswith((".xml", ".rels")) or name.startswith("xl/chartsheets/"):
                    continue
                part = archive.read(entry)
                if b"<!" in part.replace(b"<!--", b"").replace(b"<![CDATA[", b"") or b"\0" in part:
                    # Declarations multiply or fetch text, other encodings hide them; Excel writes neither.
                    raise _damaged()
                for strict, usual in _STRICT:
                    part = part.replace(strict, usual)
                if name.startswith("xl/worksheets/") and b"<![CDATA[" not in part and b"<!--" not in part:
                    part = _EMPTY_CELL.sub(b"", part)
                    # A sheet that does not say its size would be read twice.
                    part = _BEGIN.sub(rb'\g<0><\1dimension ref="A1"/>', part, count=1)
                tags += part.count(b"<")
                if tags > MAX_TAGS:
                    raise _too_large()
                slim.writestr(entry.filename, part)
    except ChecklistRefused:
        raise
    except Exception as error:
        # Checksums, unknown compression, passwords: zipfile and zlib have an exception each.
        raise _damaged() from error
    return out.getvalue()


def _too_large() -> ChecklistRefused:
    return refusal(
        _("the workbook unpacks to far more than a checklist needs"),
        _("copy the sheets into a new workbook"),
    )


def _wanted(titles: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Which sheet is which: (our name, its title); a workbook's only sheet is its survey."""
    titles = list(titles)
    found: dict[str, str] = {}
    for title in titles:
        found.setdefault("_".join(title.split()).lower(), title)
    if "survey" not in found and len(titles) == 1:
        found["survey"] = titles[0]
    if "survey" not in found:
        raise refusal(
            _("there is no sheet survey"),
            _("name the sheet with the questions survey; found: %(names)s", names=", ".join(titles)[:200]),
        )
    return ((name, found[name]) for name in SHEETS if name in found)


RawRows = list[tuple[int, list[Cell]]]


def _xlsx_sheets(content: bytes) -> Iterator[tuple[str, RawRows]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl speaks of styles it does not keep
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        formulas = (
            openpyxl.load_workbook(io.BytesIO(content), read_only=True) if _holds_formulas(content) else None
        )
        sheets = [sheet.title for sheet in book.worksheets]
        for name, title in _wanted(sheets):
            yield name, _xlsx_rows(book[title], formulas[title] if formulas else None)


def _holds_formulas(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return any(
            re.search(rb"<(\w+:)?f[ >/]", archive.read(entry))
            for entry in archive.infolist()
            if entry.filename.lower().startswith("xl/worksheets/")
        )


def _xlsx_rows(sheet: Any, formulas: Any) -> RawRows:
    rows = []
    for each in filter(None, (sheet, formulas)):
        # What the sheet says of its size may be the last corner there is, and every row would be filled up to it.
        each.reset_dimensions()
    written = formulas.iter_rows() if formulas is not None else None
    places = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        places += len(row)
        if places > MAX_PLACES:
            raise _too_large()
        as_written = next(written, ()) if written is not None else ()
        cells = []
        for column, cell in enumerate(row):
            if cell.value is not None:
                text = _text(cell.value)
                if text:
                    cells.append(Cell(column, text, "error" if cell.data_type == "e" else ""))
            # A result that is an empty text has a type of its own; one never computed has none.
            elif column < len(as_written) and as_written[column].data_type == "f" and cell.data_type == "n":
                cells.append(Cell(column, _text(as_written[column].value), "formula"))
        if cells:
            rows.append((number, cells))
    return rows


def _xls_sheets(content: bytes) -> Iterator[tuple[str, RawRows]]:
    # xlrd reports oddities of a file to the terminal unless given somewhere else.
    with xlrd.open_workbook(
        file_contents=content, ragged_rows=True, on_demand=True, logfile=io.StringIO()
    ) as book:
        for name, title in _wanted(book.sheet_names()):
            yield name, _xls_rows(book, book.sheet_by_name(title))


def _xls_rows(book: Any, sheet: Any) -> RawRows:
    rows = []
    for number in range(sheet.nrows):
        cells = []
        for column, cell in enumerate(sheet.row(number)):
            value, fault = cell.value, ""
            if cell.ctype in {xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK}:
                continue
            if cell.ctype == xlrd.XL_CELL_BOOLEAN:
                value = bool(value)
            elif cell.ctype == xlrd.XL_CELL_DATE:
                value = _xls_date(value, book.datemode)
            elif cell.ctype == xlrd.XL_CELL_ERROR:
                value, fault = xlrd.error_text_from_code.get(value, "#?"), "error"
            text = _text(value)
            if text:
                cells.append(Cell(column, text, fault))
        if cells:
            rows.append((number + 1, cells))
    return rows


def _xls_date(value: float, datemode: int) -> Any:
    try:
        found = xlrd.xldate_as_datetime(value, datemode)
    except (ValueError, OverflowError, xlrd.xldate.XLDateError):
        return value
    return found.time() if value < 1 else found


def _text(value: Any) -> str:
    """A cell's value as an author would have typed it: 3, TRUE, 2026-11-23."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(timespec="seconds")
    if isinstance(value, timedelta) and timedelta() <= value < timedelta(days=1):
        return str(value).zfill(len("00:00:00"))
    if isinstance(value, date | time):
        return value.isoformat()
    return clean(str(value))


def clean(text: str) -> str:
    """A text without what cannot be written on, with plain spaces and line breaks, and none around it."""
    return _LINE_BREAK.sub("\n", _UNWRITABLE.sub("", text)).replace("\xa0", " ").strip()


def _sheet(name: str, rows: RawRows, problems: Problems) -> Sheet:
    if not rows:
        return Sheet()
    first, header = rows[0]
    if first != 1 or not _is_header(name, header):
        lower = next((n for n, cells in rows[:_ROWS_LOOKED_AT_FOR_A_HEADER] if _is_header(name, cells)), 0)
        if lower > 1:
            raise refusal(
                _("the column names stand in row %(row)s; they belong in row 1", row=lower),
                _("delete the rows above"),
                sheet=name,
                row=lower,
            )
        if first != 1:
            return Sheet()
    if len(header) > MAX_COLUMNS:
        raise refusal(
            _("the sheet has more than %(limit)s columns", limit=MAX_COLUMNS),
            _("delete unused columns"),
            sheet=name,
        )
    names = {cell.column: " ".join(cell.text.split()) for cell in header}
    sheet = Sheet(list(dict.fromkeys(names.values())))
    for number, cells in rows[1:]:
        row: Row = {}
        for cell in cells:
            column = names.get(cell.column)
            if column is None:
                continue
            if cell.fault:
                problems.add(_fault(name, number, column, cell))
            if len(cell.text) > MAX_CELL_CHARACTERS:
                raise refusal(
                    _("the cell holds more than %(limit)s characters", limit=MAX_CELL_CHARACTERS),
                    sheet=name,
                    row=number,
                    column=column,
                )
            if row.setdefault(column, cell.text) != cell.text:
                problems.add(
                    Problem(
                        name,
                        number,
                        column,
                        _("two columns have this name, and different words in this row"),
                        _("rename or delete one of them"),
                    )
                )
        if row:
            sheet.rows[number] = row
    return sheet


def _is_header(name: str, cells: list[Cell]) -> bool:
    words = {"_".join(cell.text.split()).lower().partition(":")[0] for cell in cells}
    if name == "settings":
        return True
    return (
        bool(words & {"type", "command"})
        if name == "survey"
        else bool(words & {"list_name", "name", "value"})
    )


def _fault(sheet: str, row: int, column: str, cell: Cell) -> Problem:
    if cell.fault == "error":
        return Problem(
            sheet,
            row,
            column,
            _("the cell shows the error %(text)s", text=cell.text),
            _("correct its formula"),
        )
    return Problem(
        sheet,
        row,
        column,
        _("the cell holds a formula that was never worked out: %(text)s", text=cell.text[:60]),
        _("open the workbook in Excel and save it, or write the result"),
    )
