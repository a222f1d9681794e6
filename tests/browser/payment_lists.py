"""A payment list of the demo county's people, and a walk through its pages.

Invariant: a walk stops only where the page has finished drawing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import expect

from fieldapp.core import clock
from fieldapp.demo.county import read_roster
from tests.browser.desk import Desk
from tests.imports.rosters import as_xlsx, make_id

HEADER = ["序号", "姓名", "身份证号", "发放金额（元）", "账户尾号"]
# People of the demo county, by name: paid as expected, another name, a number that ends wrong.
PAID, RENAMED, MISTYPED, NOBODY = "王桂兰", "李德富", "张秀芝", "无此人"
CENTS_EACH = 300_00


def make_list() -> bytes:
    """The workbook: a title, four payments and their sum."""
    today = clock.local_date(clock.now())
    numbers = {person.name: person.id_number(today) or "" for home in read_roster() for person in home.people}
    wrong = numbers[MISTYPED][:17] + ("1" if numbers[MISTYPED][17] != "1" else "2")
    rows: list[list[object]] = [
        ["1", PAID, numbers[PAID], 300, "1234"],
        ["2", RENAMED, numbers["李德福"], 300, ""],
        ["3", MISTYPED, wrong, "300.00", ""],
        ["4", NOBODY, make_id(7), 300, ""],
        ["", "合计", "", 1200, ""],
    ]
    return as_xlsx([["2026年农村低保金发放明细"], [*HEADER], *rows])


def month_before(day: date) -> str:
    """The month before a day's, as its field has it."""
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"


def bring_list(desk: Desk, file: Path) -> None:
    """Bring the list in, and say what it is."""
    today = clock.local_date(clock.now())
    desk.menu.get_by_role("link", name=desk.words("Payment lists")).click()
    # A page that asks for the file once more has the same field, and would take it along when it is left.
    expect(desk.text("Choose the file.")).to_have_count(0)
    desk.field("Excel workbook or CSV file").set_input_files(file)
    desk.button("Read the file").click()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text(desk.words("What the columns hold"))
    desk.page.get_by_label(desk.words("Programme"), exact=True).select_option("dibao")
    desk.field("Month it is for").fill(month_before(today))
    desk.field("Day it was paid").fill((today - timedelta(days=1)).isoformat())


def walk_payments(desk: Desk, password: str, file: Path) -> Iterator[str]:
    """A payment list from file to undo, and when weeks end; gives the name of each page it stops at."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    desk.sign_in(password)
    desk.menu.get_by_role("link", name=words("Payment lists")).click()
    desk.button("Read the file").click()
    expect(desk.text("Choose the file.")).to_be_visible()
    yield "payment lists, without a file"
    bring_list(desk, file)
    yield "a payment list's columns"
    desk.button("Compare with the books").click()
    expect(desk.button("Take these payments in")).to_be_visible()
    yield "a payment list compared"
    desk.button("Take these payments in").click()
    expect(main).to_contain_text(words("Write a reason; it is kept in the audit trail."))
    yield "a payment list without a reason"
    kinds = page.get_by_role("navigation", name=words("Rows by what they are"))
    kinds.get_by_role("link", name=re.compile("^" + words("To be looked at"))).click()
    expect(main.get_by_role("list").get_by_role("listitem")).to_have_count(2)
    yield "a payment list's rows to be looked at"
    main.get_by_role("list").get_by_role("link", name=words("Decide on row %(number)s", number=4)).click()
    expect(desk.button("Save the decision")).to_be_visible()
    yield "a row of a payment list"
    desk.button("Save the decision").click()
    expect(main.locator(".wrong-text").first).to_be_visible()
    yield "a row of a payment list, decided without a reason"
    page.goto("/payments")
    main.get_by_role("list").get_by_role("link").first.click()
    desk.field("Why?").first.fill("财政局明细")
    desk.button("Take these payments in").click()
    expect(main).to_contain_text(words("In the books"), timeout=60_000)
    desk.text("Take this list back…").click()
    desk.text("Download what did not match…").click()
    yield "a payment list taken in"
    page.goto("/payments")
    expect(main.get_by_role("list").get_by_role("link").first).to_be_visible()
    yield "payment lists"
    desk.button("Sign out").click()
    desk.type_sign_in("admin", password)
    expect(desk.button("Sign out")).to_be_visible()
    page.goto("/calendar/weeks")
    expect(desk.text("Changes so far")).to_be_visible()
    yield "when weeks end"
