"""People are found as one types, and met again before they are put on the list twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("words", ["zh"], indirect=True)
def test_found_as_one_types_and_hinted_at_in_the_form(desk):
    page = desk.page
    desk.link("People").click()
    looking = desk.field("Find somebody")
    looking.press_sequentially("wgl")
    found = page.locator("#found").get_by_role("link")
    expect(found.first).to_contain_text("王桂兰")
    assert "wgl" not in page.url
    looking.fill("没有这人")
    expect(desk.text("Nobody like that is on the list in your areas.")).to_be_visible()
    looking.fill("王桂兰")
    expect(found).to_have_count(1)
    found.click()
    page.locator("a[href$='/people/new']").click()
    name = page.locator("#name")
    expect(desk.text("Perhaps on the list already")).to_have_count(0)
    name.fill("李德福")
    expect(desk.text("Perhaps on the list already")).to_be_visible()
    expect(page.locator("#alike").get_by_role("link")).to_contain_text("李德福")
    page.locator("#birth_on").fill("2001-02-03")
    expect(desk.text("Perhaps on the list already")).to_have_count(0)
    expect(name).to_have_value("李德福")
