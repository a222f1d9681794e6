"""Who is on the list twice is compared, merged, and parted again, at the desk in Chinese."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("words", ["zh"], indirect=True)
def test_from_the_list_of_duplicates_to_merged_to_undone(desk, office):
    office.register_again("李德福")
    page = desk.page
    desk.link("People").click()
    desk.link("On the list twice?").click()
    pair = page.get_by_role("listitem").filter(has_text="李德福")
    expect(pair).to_contain_text(desk.words("same name and home"))
    desk.link("Compare").first.click()
    # What only one of them has stays; the whole household is here twice, so that comes first.
    expect(page.locator("input[name='stays-phone'][value='other']")).to_be_checked()
    desk.link("Compare the two households").click()
    expect(desk.text("One household, or two?")).to_be_visible()
    desk.button("Merge the two").click()
    expect(desk.text("These are still here twice")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="李德福 · 李德福").click()
    expect(desk.text("One person, or two?")).to_be_visible()
    desk.button("Merge the two").click()
    expect(desk.text("Merged. If that was wrong, it can be undone here.")).to_be_visible()
    of_people = page.url
    page.get_by_role("main").get_by_role("link", name="李德福", exact=True).click()
    expect(page.get_by_role("heading", level=3)).to_have_count(1)
    # The first merge waits for the second one to be undone.
    desk.link("See what, or undo it").last.click()
    expect(desk.text("It cannot be undone exactly any more")).to_be_visible()
    desk.link("Open that merge").click()
    expect(page).to_have_url(of_people)
    desk.field("Why are they two after all?").fill("父子同名")
    desk.button("Undo the merge").click()
    expect(desk.text("Parted again: both are on the list as they were.")).to_be_visible()
    page.goto("/duplicates")
    expect(page.get_by_role("listitem").filter(has_text="李德福").first).to_contain_text(
        desk.words("same name and home")
    )
    desk.button("Two different people").first.click()
    expect(desk.text("Nobody seems to be on the list twice")).to_be_visible()
