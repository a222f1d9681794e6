"""Rosters as people save them are read; files that were made to do harm are refused, quickly."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from fieldapp.core.errors import AppError
from fieldapp.imports.tables import Limits, open_table
from tests.imports.rosters import HEADER, LIMITS, as_csv, as_xlsx

ROWS = (
    HEADER,
    ("王桂兰", "230123195003070028", "", "", "第1网格"),
    (),
    ("李强", "", "王桂兰", "子", "第1网格"),
)
ENTITIES = '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>'


def read(content, limits=LIMITS):
    table = open_table(io.BytesIO(content), limits)
    return table.header, list(table.rows)


def refusal(content, limits=LIMITS):
    with pytest.raises(AppError) as refused:
        read(content, limits)
    return refused.value.code


def with_part(content, name, change):
    """The workbook with one part changed by `change`, or added when there is none."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            part = old.read(entry)
            new.writestr(entry.filename, change(part) if entry.filename == name else part)
        if name not in old.namelist():
            new.writestr(name, change(b""))
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_as_programs_write_it(encoding, delimiter):
    header, rows = read(as_csv(ROWS, encoding, delimiter))
    assert header == list(HEADER)
    assert [(number, cells[:2]) for number, cells in rows] == [
        (2, ["王桂兰", "230123195003070028"]),
        (4, ["李强", ""]),
    ]


def test_excel_with_a_title_above_numbers_and_days():
    day = datetime(1950, 3, 7)  # noqa: DTZ001 - as Excel has it
    rows: list[list[object]] = [
        ["依兰县农村低保名册"],
        [None, "2026年11月"],
        ["姓名", "身份证号", "出生日期", "联系电话", "银行账号"],
        ["王桂兰", 230123195003070028, day, 13912345678, 6.228480012345679e18],
        ["李强", "'230123195003070028", date(1950, 3, 7), 13912345678.0, True],
    ]
    header, found = read(as_xlsx(rows))
    assert header == ["姓名", "身份证号", "出生日期", "联系电话", "银行账号"]
    assert found == [
        (4, ["王桂兰", "2.30123195003070E+17", "1950-03-07", "13912345678", "6.22848001234568E+18"]),
        (5, ["李强", "'230123195003070028", "1950-03-07", "13912345678", "TRUE"]),
    ]


def test_only_the_first_sheet_that_can_be_seen_is_read():
    book = openpyxl.Workbook()
    book.active.append(["字典"])
    book.active.sheet_state = "hidden"
    sheet = book.create_sheet("人员")
    for row in ROWS:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    assert len(read(out.getvalue())[1]) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "roster_empty"),
        (b"\n\n", "roster_empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "roster_unknown"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), "roster_old"),
        (b"PK\x03\x04" + bytes(200), "roster_unknown"),
        (as_xlsx(ROWS)[:-900], "roster_unknown"),
        (as_xlsx([]), "roster_empty"),
    ],
)
def test_what_is_no_roster_is_refused(content, code):
    assert refusal(content) == code


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("xl/vbaProject.bin", lambda _: b"x", "roster_macros"),
        ("xl/macrosheets/sheet1.xml", lambda _: b"<a/>", "roster_macros"),
        ("xl/worksheets/sheet1.xml", lambda part: ENTITIES.encode() + part, "roster_damaged"),
        (
            "xl/workbook.xml",
            lambda part: part.replace(b"<workbook", ENTITIES.encode() + b"<workbook"),
            "roster_damaged",
        ),
        ("docProps/core.xml", lambda _: ENTITIES.encode("utf-16"), "roster_damaged"),
        ("xl/worksheets/sheet1.xml", lambda part: part[:-200], "roster_damaged"),
        ("xl/media/image1.png", lambda _: bytes(200_000_000), "roster_too_large"),
        ("xl/worksheets/sheet1.xml", lambda part: part + b" " * 400_000_000, "roster_too_large"),
    ],
)
def test_workbooks_made_to_do_harm_are_refused(name, change, code):
    assert refusal(with_part(as_xlsx(ROWS), name, change)) == code


def test_a_declaration_across_two_pieces_is_found():
    def hide(part):
        return b" " * (256 * 1024 - 1) + b"<!DOCTYPE a>" + part

    assert refusal(with_part(as_xlsx(ROWS), "docProps/app.xml", hide)) == "roster_damaged"


def test_limits_hold():
    content = as_csv([HEADER, *([["王桂兰"]] * 11)])
    assert len(read(content, Limits(10_000, 11))[1]) == 11
    assert refusal(content, Limits(10_000, 10)) == "roster_too_many_rows"
    assert refusal(content, Limits(100, 100)) == "too_large"
    assert refusal(as_csv([["姓名"] * 201, ["x"]])) == "roster_too_large"


def test_a_sheet_that_says_it_is_huge_is_read_as_it_is():
    def boast(part):
        return part.replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')

    assert len(read(with_part(as_xlsx(ROWS), "xl/worksheets/sheet1.xml", boast))[1]) == 2
