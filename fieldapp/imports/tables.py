"""Reading a roster: the rows of an Excel workbook or a CSV file as texts, one after the other.

Invariant: no file is opened by a library before its kind and what it would unpack to are known, and no more than a row
of it is held at a time.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import chain, islice
from typing import Any, BinaryIO

import openpyxl

from fieldapp.core import media
from fieldapp.core.errors import AppError
from fieldapp.imports.columns import KNOWN, count_known
from fieldapp.settings import Settings

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OLD_OFFICE = "application/x-ole-storage"
# What no county needs to change: they bound the work, not the roster.
MAX_UNPACKED_BYTES = 400_000_000
MAX_SHARED_BYTES = (
    100_000_000  # texts that Excel keeps once for all cells: they are held as long as rows are read
)
MAX_PARTS = 2_000
MAX_SHEET_ROWS = 1_048_576
MAX_PLACES = 40_000_000  # for cells, in the rows up to the last filled one of each
MAX_COLUMNS = 200
MAX_CELL_CHARACTERS = 2_000
# Above the names of the columns stand titles, dates, who filled it in.
HEADER_WITHIN = 10
# Of a sheet that is not read: where its rows begin.
FILLED_WITHIN = 100
# Excel keeps 15 digits of a number: what is longer lost its end.
EXACT_DIGITS = 15

_PIECE_BYTES = 256 * 1024
_DECLARATION = re.compile(rb"<!(?!--|\[CDATA\[)|\0")
_DECLARATION_BYTES = 9
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff\ufeff\u200b]|_x000D_")

Row = tuple[int, list[str]]


@dataclass(frozen=True)
class Limits:
    """What an installation may set."""

    max_bytes: int
    max_rows: int

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits in force."""
        return cls(settings.roster_max_bytes, settings.roster_max_rows)


@dataclass(frozen=True)
class Table:
    """The names of the columns, and the rows below under their numbers in the file; empty rows are left out.

    `sheets`: of a workbook the name of the sheet that is read, then of the others with rows.
    """

    header: list[str]
    rows: Iterator[Row]
    sheets: Sequence[str]


def open_table(file: BinaryIO, limits: Limits, known: Mapping[str, str] = KNOWN) -> Table:
    """The first sheet of an .xlsx workbook, or a CSV file, whatever it is called; `known`: its columns by their usual names.

    Raises (also in reading rows) roster_empty, roster_unknown, roster_old, roster_damaged, roster_macros,
    roster_too_large, roster_too_many_rows.
    """
    size = file.seek(0, io.SEEK_END)
    if not size:
        raise AppError("roster_empty")
    if size > limits.max_bytes:
        raise AppError("too_large", limit=f"{limits.max_bytes // 1_000_000} MB")
    sheets: Sequence[str] = ()
    match media.recognise(file).media_type:
        case media_type if media_type == XLSX:
            sheets, rows = _open_xlsx(file)
        case "text/plain":
            rows = _read_csv(file)
        case media_type if media_type == OLD_OFFICE:
            raise AppError("roster_old")
        case _:
            raise AppError("roster_unknown")
    filled = ((number, cells) for number, cells in rows if any(cells))
    first = list(islice(filled, HEADER_WITHIN))
    if not first:
        raise AppError("roster_empty")
    # The row with the most names we know; max() takes the uppermost of equals.
    at = max(range(len(first)), key=lambda place: count_known(first[place][1], known))
    header = first[at][1]
    if len(header) > MAX_COLUMNS:
        raise AppError("roster_too_large")
    return Table(header, _limited(chain(first[at + 1 :], filled), len(header), limits.max_rows), sheets)


def _limited(rows: Iterator[Row], width: int, max_rows: int) -> Iterator[Row]:
    for count, (number, cells) in enumerate(rows, start=1):
        if count > max_rows:
            raise AppError("roster_too_many_rows", limit=max_rows)
        kept = cells[:width] + [""] * (width - len(cells))
        if any(kept):
            yield number, kept


# --- Excel ---------------------------------------------------------------------------------------------------------


def _open_xlsx(file: BinaryIO) -> tuple[list[str], Iterator[Row]]:
    """The names of the first sheet and of the others with rows, and the rows of the first."""
    _check_archive(file)
    with _or_damaged():
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        sheet, *others = (each for each in book.worksheets if each.sheet_state == "visible")
        # What the sheet says of its size may be the last corner there is, and every row would be filled up to it.
        for each in (sheet, *others):
            each.reset_dimensions()
        return [_clean(each.title) for each in (sheet, *filter(_has_rows, others))], _read_sheet(sheet)


def _has_rows(sheet: Any) -> bool:
    return any(any(map(_text, row)) for row in islice(sheet.iter_rows(values_only=True), FILLED_WITHIN))


def _read_sheet(sheet: Any) -> Iterator[Row]:
    places = 0
    with _or_damaged():
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            places += len(values)
            if places > MAX_PLACES or number > MAX_SHEET_ROWS:
                raise AppError("roster_too_large")
            yield number, _trimmed([_text(value) for value in values])


@contextmanager
def _or_damaged() -> Iterator[None]:
    """The reader raises whatever the broken part of a file provokes; all of it means the same here."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl speaks of styles it does not keep
            yield
    except AppError:
        raise
    except Exception as error:
        raise AppError("roster_damaged") from error


def _check_archive(file: BinaryIO) -> None:
    """Look at every part that will be read, a piece at a time, before openpyxl does."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            names = [entry.filename.lower() for entry in entries]
            if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
                raise AppError("roster_macros")
            # zipfile reads no entry beyond the size it declares, so the declared sizes bound what is unpacked.
            shared = sum(
                entry.file_size
                for entry, name in zip(entries, names, strict=True)
                if not name.startswith("xl/worksheets/")
            )
            if (
                sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES
                or shared > MAX_SHARED_BYTES
                or len(entries) > MAX_PARTS
            ):
                raise AppError("roster_too_large")
            for entry, name in zip(entries, names, strict=True):
                if name.endswith((".xml", ".rels")):
                    _check_part(archive, entry)
    except AppError:
        raise
    except Exception as error:
        # Checksums, unknown compression, passwords: zipfile and zlib have an exception each.
        raise AppError("roster_damaged") from error


def _check_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Refuse declarations, which multiply or fetch text, and encodings that hide them; Excel writes neither."""
    kept = b""
    with archive.open(entry) as part:
        while piece := part.read(_PIECE_BYTES):
            if _DECLARATION.search((kept + piece)[:-_DECLARATION_BYTES]):
                raise AppError("roster_damaged")
            kept = (kept + piece)[-_DECLARATION_BYTES:]
    if _DECLARATION.search(kept):
        raise AppError("roster_damaged")


def _text(value: Any) -> str:
    """A cell's value as somebody would have typed it; a number that Excel rounded shows its exponent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        if abs(value) >= 10**EXACT_DIGITS:
            return f"{value:.14E}"
        return str(int(value)) if float(value).is_integer() else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return _clean(str(value))


# --- CSV -----------------------------------------------------------------------------------------------------------


def _read_csv(file: BinaryIO) -> Iterator[Row]:
    """UTF-8 with or without its mark, or else the Chinese encoding of Windows; commas, semicolons or tabs."""
    file.seek(0)
    encoding = "utf-8-sig" if _is_utf8(file) else "gb18030"
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        first = next((line for line in text if line.strip()), "")
        delimiter = max(",;\t", key=first.count)
        text.seek(0)
        reader = csv.reader(text, delimiter=delimiter)
        for cells in reader:
            yield reader.line_num, _trimmed([_clean(cell) for cell in cells])
    except csv.Error as error:
        raise AppError("roster_damaged") from error


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while piece := file.read(_PIECE_BYTES):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
        return True
    except UnicodeDecodeError:
        return False


def _clean(text: str) -> str:
    return _UNWRITABLE.sub("", text).replace("\xa0", " ").strip()[:MAX_CELL_CHARACTERS]


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells
