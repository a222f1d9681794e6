"""The refused rows of an import as an Excel workbook: as they came, beside each wrong cell what is wrong with it.

Invariant: the workbook is put together in memory, a few rows at a time and packed at once: the libraries that write
workbooks without holding every row write them to temporary files first, readable and left behind when the process dies.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape

from flask_babel import gettext

from fieldapp.imports import queries
from fieldapp.imports.columns import REASON_MARK
from fieldapp.imports.models import Import, ImportRow
from fieldapp.imports.words import say_fault

_PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument'
    '.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml"'
    ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"'
    ' Target="worksheets/sheet1.xml"/><Relationship Id="rId2"'
    ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
    # Cells are text (format 49), so that Excel makes no numbers of what is typed again: plain, bold, red on light red.
    "xl/styles.xml": '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    '<fonts count="3"><font><sz val="11"/></font><font><b/><sz val="11"/></font>'
    '<font><sz val="11"/><color rgb="FFB3261E"/></font></fonts>'
    '<fills count="3"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    '<fill><patternFill patternType="solid"><fgColor rgb="FFFCE8E6"/></patternFill></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3">'
    '<xf numFmtId="49" applyNumberFormat="1"/><xf numFmtId="49" fontId="1" applyNumberFormat="1" applyFont="1"/>'
    '<xf numFmtId="49" fontId="2" fillId="2" applyNumberFormat="1" applyFont="1" applyFill="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0"/></cellStyles></styleSheet>',
}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
PLAIN, BOLD, WRONG = range(3)
Cell = tuple[str, int]


def write_refused(held: Import) -> bytes:
    """The refused rows of an import as an .xlsx workbook, in the reader's language."""
    wrong_fields = {fault[0] for row in queries.iterate_refused(held.import_id) for fault in row.faults}
    # A field that no column of the file holds has no cell: what is wrong with it stands beside the row.
    wrong_fields &= {name for name in held.fields if name}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in _PARTS.items():
            archive.writestr(name, _HEAD + part)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            for piece in _sheet(held, wrong_fields):
                sheet.write(piece.encode())
    return out.getvalue()


def _sheet(held: Import, wrong_fields: set[str]) -> Iterator[str]:
    yield _HEAD + '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews>'
    yield '<sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews>'
    yield '<sheetFormatPr defaultColWidth="18" defaultRowHeight="15"/><sheetData>'
    own = (gettext("Row in the file"), gettext("The row"))
    header = [(f"{REASON_MARK} {name}", BOLD) for name in own]
    for name, field in zip(held.header, held.fields, strict=True):
        header.append((name, BOLD))
        if field in wrong_fields:
            header.append((f"{REASON_MARK} {name}", BOLD))
    yield _row(1, header)
    for number, row in enumerate(queries.iterate_refused(held.import_id), start=2):
        yield _row(number, _cells(row, held.fields, wrong_fields))
    yield "</sheetData></worksheet>"


def _cells(row: ImportRow, fields: Sequence[str], wrong_fields: set[str]) -> Iterable[Cell]:
    said: dict[str, list[str]] = {}
    for field, code, params in row.faults:
        said.setdefault(field if field in wrong_fields else "", []).append(say_fault(code, params))
    yield str(row.number), PLAIN
    yield " ".join(said.get("", [])), WRONG if "" in said else PLAIN
    for field, text in zip(fields, row.cells, strict=True):
        is_wrong = bool(field) and field in said
        yield text, WRONG if is_wrong else PLAIN
        if field in wrong_fields:
            yield " ".join(said.get(field, [])), WRONG if is_wrong else PLAIN


def _row(number: int, cells: Iterable[Cell]) -> str:
    inside = "".join(
        f'<c s="{style}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
        for text, style in cells
    )
    return f'<row r="{number}">{inside}</row>'
