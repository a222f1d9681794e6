"""A roster is imported at the desk: columns confirmed, refused rows downloaded, good ones written, and all taken back."""

from __future__ import annotations

import re
from pathlib import Path

import openpyxl
from playwright.sync_api import expect

from tests.imports.rosters import HEADER, as_xlsx, make_id, make_name, make_row

GRID = "达连河村第1网格"
PEOPLE = 130
TITLE = "2026年11月农村低保人员名册"


def roster() -> bytes:
    """A title above the columns, and three rows that cannot go in."""
    rows: list[list[object]] = [list(make_row(number, GRID)) for number in range(PEOPLE)]
    rows[11][1] = float(make_id(11)[:17])
    rows[21][4] = "没有这个网格"
    rows[31][9] = "外星人"
    return as_xlsx([[TITLE], list(HEADER), *rows])


def test_roster_with_errors_from_file_to_undo(desk, words, tmp_path):
    page, main = desk.page, desk.page.get_by_role("main")
    book = tmp_path / "roster.xlsx"
    book.write_bytes(roster())
    desk.menu.get_by_role("link", name=words("Import")).click()
    desk.button("Read the file").click()
    expect(main).to_contain_text(words("Choose the file."))
    desk.field("Excel workbook or CSV file").set_input_files(book)
    desk.field("Where is it from?").fill("县低保名册")
    desk.button("Read the file").click()

    expect(page.get_by_role("heading", level=1)).to_have_text(words("What the columns hold"))
    expect(page.get_by_label("家庭住址", exact=True)).to_have_value("address")
    # Nobody needs the accounts today.
    page.get_by_label("银行账号", exact=True).select_option("")
    desk.button("Check the rows").click()

    good = desk.button("Import the %(num)s good row only", num=PEOPLE - 3)
    expect(good).to_be_visible()
    outcomes = page.get_by_role("navigation", name=words("Rows by what becomes of them"))
    outcomes.get_by_role("link", name=re.compile(words("Cannot be imported"))).click()
    expect(main.get_by_role("list").get_by_role("listitem")).to_have_count(3)
    expect(main).to_contain_text("Excel 把它当成了数字，末尾几位已丢失。")
    expect(main).to_contain_text("没有“外星人”这个标签。")
    expect(main).not_to_contain_text(make_id(12))
    with page.expect_download() as downloading:
        desk.link("Download the refused rows").click()
    refused = tmp_path / "refused.xlsx"
    downloading.value.save_as(refused)
    # Below the title and the names of the columns, the first row is number 3.
    assert reasons_in(refused) == {
        ("14", "⚠ 身份证号"): "Excel 把它当成了数字，末尾几位已丢失。请把该列设为文本格式，重新填写。",
        ("24", "⚠ 所属网格"): "您的辖区内没有网格“没有这个网格”。请按系统里的名称填写，或填编码。",
        ("34", "⚠ 标签"): "没有“外星人”这个标签。请按标签表填写。",
    }

    good.click()
    expect(main).to_contain_text(words("Imported"), timeout=120_000)
    desk.menu.get_by_role("link", name=words("People")).click()
    page.get_by_role("searchbox").fill(make_name(40))
    expect(main.get_by_role("link", name=re.compile(make_name(40))).first).to_be_visible()

    page.goto("/imports")
    main.get_by_role("link", name=re.compile("县低保名册")).click()
    desk.text("Take this import back…").click()
    desk.button("Take it back").click()
    expect(main).to_contain_text(words("Taken back"), timeout=120_000)
    desk.menu.get_by_role("link", name=words("People")).click()
    page.get_by_role("searchbox").fill(make_name(40))
    expect(main.get_by_role("link", name=re.compile(make_name(40)))).to_have_count(0)


def reasons_in(book: Path) -> dict[tuple[str, str], str]:
    """What is wrong with each row of the workbook, by its number and the column beside the cell."""
    header, *rows = openpyxl.load_workbook(book).active.iter_rows(values_only=True)
    return {
        (str(row[0]), str(name)): str(text)
        for row in rows
        for name, text in zip(header[1:], row[1:], strict=True)
        if str(name).startswith("⚠") and text
    }
