"""A county's own checklist, from the officer's workbook to the phones of one village, and away again."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.books import FIRST, STOVE, WINTER, winter_book
from tests.browser.desk import Desk
from tests.browser.phone import Phone

HOUSEHOLD = "王桂兰"
TOWNSHIP, VILLAGE = "达连河镇", "达连河村"


def other_forms(phone: Phone):
    """The list of forms beside the household visit."""
    return phone.page.get_by_role("button", name=re.compile("^" + WINTER))


def publish_in_the_village(desk, words):
    """Say who answers for the version on the page, and put it in force in one village."""
    desk.field("Who answers for it").fill("依兰县民政局")
    desk.field("Why it is needed, and on what basis").fill("冬季保暖排查")
    desk.button("Write down").click()
    expect(desk.field("Who answers for it")).to_have_count(0)
    desk.page.get_by_role("link", name=f"{words('parts')} {TOWNSHIP}").click()
    expect(desk.page).to_have_url(re.compile("within="))
    desk.publish(VILLAGE)


def test_a_checklist_goes_to_one_village_is_filled_in_there_and_retired(open_context, new_phone, live, words):
    phone: Phone = new_phone()
    phone.sign_in(live.password)
    desk = Desk(open_context("desk"), words)
    desk.sign_in(live.password, "officer")

    # Stored, looked at, and nobody has it yet.
    desk.upload("冬季.xlsx", winter_book())
    expect(desk.text(FIRST)).to_be_visible()
    desk.upload("冬季-改.xlsx", winter_book("烟道通不通，炉具安全吗"))
    expect(desk.page.get_by_role("main")).to_contain_text("烟道通不通")
    expect(desk.text("Compared with version %(version)s", version=1)).to_be_visible()
    desk.link("Preview").click()
    frame = desk.page.frame_locator("iframe")
    frame.get_by_role("button", name=words("Finish")).click()
    expect(frame.get_by_role("status")).to_contain_text("1")
    frame.get_by_role("radio", name="不安全").check()
    frame.get_by_role("button", name=words("Finish")).click()
    expect(frame.get_by_role("status")).to_contain_text(
        words("Everything is answered: a worker could finish here.")
    )

    # Published to one village.
    desk.page.goto("/checklists/winter_check/1")
    publish_in_the_village(desk, words)

    # The worker there has it beside the household visit, and fills it in.
    phone.refresh()
    phone.go_to("Today")
    phone.tap(phone.page.get_by_role("link", name=HOUSEHOLD).first)
    expect(other_forms(phone)).to_contain_text("冬季保暖排查")
    phone.tap(other_forms(phone))
    phone.tap(
        phone.page.get_by_role("group", name=re.compile("^" + STOVE)).get_by_role("radio", name="不安全")
    )

    # It is retired while the visit is open; the visit is finished and accepted all the same.
    desk.page.goto("/checklists/winter_check")
    desk.page.get_by_role("main").get_by_text(words("Retire…")).click()
    desk.button("Retire it here").click()
    expect(desk.message).to_contain_text(
        words("Retired. Visits already begun with it can still be handed in.")
    )
    phone.finish()
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    phone.refresh()
    phone.go_to("Today")
    phone.tap(phone.link("All households"))
    phone.tap(phone.page.get_by_role("link", name=HOUSEHOLD).first)
    expect(phone.button("Start visit")).to_be_visible()
    expect(other_forms(phone)).to_have_count(0)


def test_the_next_village_does_not_get_it(open_context, new_phone, live, words):
    desk = Desk(open_context("desk"), words)
    desk.sign_in(live.password, "officer")
    desk.upload("冬季.xlsx", winter_book())
    publish_in_the_village(desk, words)
    phone: Phone = new_phone()
    phone.sign_in(live.password, "worker2")
    phone.tap(phone.link("All households"))
    phone.tap(phone.page.get_by_role("main").get_by_role("listitem").first.get_by_role("link"))
    expect(phone.button("Start visit")).to_be_visible()
    expect(other_forms(phone)).to_have_count(0)
