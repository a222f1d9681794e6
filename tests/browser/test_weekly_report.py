"""The Friday report: a county confirms, the city sends, a visit is voided, the city corrects; the workbook is fetched."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from tests.browser.desk import Desk

COUNTY = "依兰县"


@pytest.fixture
def sign_in(open_context, live, words):
    """Signs somebody in at a desk of their own."""

    def sign_in(username: str) -> Desk:
        desk = Desk(open_context("desk", accept_downloads=True), words)
        desk.sign_in(live.password, username)
        return desk

    return sign_in


def test_a_report_goes_from_draft_to_locked_to_corrected(sign_in, words):
    county = sign_in("officer")
    county.menu.get_by_role("link", name=words("Weekly report")).click()
    main = county.page.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_contain_text(COUNTY)
    expect(county.text("Not confirmed yet")).to_be_visible()
    contacts = (
        main.get_by_role("region", name=words("Visits")).locator("tbody.sum tr").first.get_by_role("link")
    )
    before = int(contacts.nth(2).inner_text())
    assert before > 1
    county.field("Head of the unit").fill("王主任")
    county.field("Checked by").fill("李科长")
    county.field("Phone").fill("0451-1234567")
    county.button("Confirm and send to the city").click()
    expect(county.message).to_contain_text(words("Confirmed and sent to the city."))
    expect(main.get_by_role("heading", name=words("Confirmed"), exact=True)).to_be_visible()

    city = sign_in("city")
    city.menu.get_by_role("link", name=words("Weekly report")).click()
    states = city.page.get_by_role("main").get_by_role("row")
    expect(states.filter(has_text=COUNTY).first).to_contain_text(words("confirmed"))
    expect(states.filter(has_text="市本级").first).to_contain_text(words("not reported"))
    city.button("Confirm and send to the province").click()
    expect(city.message).to_contain_text(words("Sent to the province."))

    # The county reads that it is locked; the number opens the visits behind it, and one of them was never made.
    county.page.reload()
    expect(county.button("Confirm and send to the city")).to_have_count(0)
    desk = sign_in("supervisor")
    desk.page.goto("/reports")
    main = desk.page.get_by_role("main")
    main.get_by_role("region", name=words("Visits")).locator("tbody.sum").get_by_role("link").nth(2).click()
    main.get_by_role("listitem").first.get_by_role("link").click()
    desk.link("Void").click()
    desk.field("Why does this visit not count?").fill("没有去")
    desk.button("Void this visit").click()
    expect(desk.message).to_contain_text(words("Voided. It no longer counts."))

    city.page.reload()
    changes = city.page.get_by_role("region", name=words("Changed since the last sheet")).first
    expect(changes).to_contain_text(str(before))
    city.field("Why the figures changed").fill("依兰县一次走访没有去")
    city.button("Issue the correction").click()
    expect(city.message).to_contain_text(
        words("Correction no. %(number)s was sent to the province.", number=1)
    )
    with city.page.expect_download() as fetched:
        city.link("Excel file (A3)").click()
    book = load_workbook(io.BytesIO(fetched.value.path().read_bytes()))
    assert "更正表第 1 号" in str(book.worksheets[0]["A1"].value)
    # What was sent first stays as it was.
    city.link("Sheet %(number)s", number=1).click()
    expect(city.page.get_by_role("main")).to_contain_text(f"{before}")
