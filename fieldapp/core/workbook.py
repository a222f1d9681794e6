"""Excel workbooks of one table, written cell by cell: text stays text, whatever it begins with, and numbers are numbers.

Invariant: a workbook is put together in memory, a few rows at a time and packed at once: the libraries that write
workbooks without holding every row write them to temporary files first, readable and left behind when the process dies.
What is packed leaves at once too: a table of any length takes no more memory than a short one.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any
from xml.sax.saxutils import escape

_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
    "</Types>",
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    # Text is format 49, so that Excel makes no numbers of what is typed again: plain, bold, red on light red; then numbers.
    "xl/styles.xml": '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<fonts count="3"><font><sz val="11"/></font><font><b/><sz val="11"/></font>'
    '<font><sz val="11"/><color rgb="FFB3261E"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFFCE8E6"/></patternFill></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="5">'
    '<xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" applyNumberFormat="1" applyFont="1"/>'
    '<xf numFmtId="49" fontId="2" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1"/>'
    '<xf/><xf fontId="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0"/></cellStyles></styleSheet>',
}
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PLAIN, BOLD, WRONG, NUMBER, BOLD_NUMBER = range(5)
# What stands there, and how; a number may be plain or bold.
Cell = tuple[str | int | float, int]
# What a sheet holds at most: Excel's rows, and what a packed part may have without the marks of large files, which Excel
# does not read in a file that was written in one go.
MOST_ROWS, MOST_BYTES = 1_048_576, 1_900_000_000
_ROWS_AT_ONCE, _BLOCK_BYTES = 200, 65_536
# What no XML may hold.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class _Outlet(io.RawIOBase):
    """A file that is only written to, from its beginning to its end."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self.waiting = 0

    def write(self, data: Any) -> int:
        """Hold `data` until it is taken."""
        self._pieces.append(bytes(data))
        self.waiting += len(data)
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._pieces)
        self._pieces.clear()
        self.waiting = 0
        return data


def write_workbook(rows: Iterable[Iterable[Cell]]) -> bytes:
    """The rows as an .xlsx workbook; the first, the names of the columns, stays in sight."""
    return b"".join(stream_workbook(rows))


def stream_workbook(rows: Iterable[Iterable[Cell]]) -> Iterator[bytes]:
    """The same piece by piece. What is more than a sheet holds goes on on the next one, below the names of the columns."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in _PARTS.items():
            archive.writestr(name, _HEAD + part)
        sheets = 0
        left = iter(rows)
        head = list(islice(left, 1))
        while sheets == 0 or (more := list(islice(left, 1))):
            left = left if sheets == 0 else chain(more, left)
            sheets += 1
            with archive.open(f"xl/worksheets/sheet{sheets}.xml", "w") as sheet:
                for piece in _sheet(head, left):
                    sheet.write(piece)
                    if outlet.waiting >= _BLOCK_BYTES:
                        yield outlet.take()
        for name, part in _list_sheets(sheets):
            archive.writestr(name, _HEAD + part)
    yield outlet.take()


def _sheet(head: list[Iterable[Cell]], rows: Iterator[Iterable[Cell]]) -> Iterator[bytes]:
    yield (
        f'{_HEAD}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews>'
        '<sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews>'
        '<sheetFormatPr defaultColWidth="18" defaultRowHeight="15"/><sheetData>'
    ).encode()
    taken, size = 0, 0
    lines = chain(head, rows)
    while size < MOST_BYTES and (some := list(islice(lines, min(_ROWS_AT_ONCE, MOST_ROWS - taken)))):
        text = "".join(f"<row>{''.join(map(_cell, cells))}</row>" for cells in some)
        piece = _UNWRITABLE.sub("", text).encode()
        taken += len(some)
        size += len(piece)
        yield piece
    yield b"</sheetData></worksheet>"


def _cell(cell: Cell) -> str:
    value, style = cell
    if isinstance(value, str):
        return f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c s="{style}"><v>{value}</v></c>'


def _list_sheets(number: int) -> Iterator[tuple[str, str]]:
    """The parts that name the sheets, known once all of them are written."""
    numbers = range(1, number + 1)
    named = "".join(f'<sheet name="Sheet{one}" sheetId="{one}" r:id="rId{one}"/>' for one in numbers)
    yield (
        "xl/workbook.xml",
        '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        f' xmlns:r="{_RELATION}"><sheets>{named}</sheets></workbook>',
    )
    of_sheets = "".join(
        f'<Relationship Id="rId{one}" Type="{_RELATION}/worksheet" Target="worksheets/sheet{one}.xml"/>'
        for one in numbers
    )
    yield (
        "xl/_rels/workbook.xml.rels",
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{of_sheets}'
        f'<Relationship Id="rId{number + 1}" Type="{_RELATION}/styles" Target="styles.xml"/></Relationships>',
    )
