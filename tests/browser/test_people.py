"""A person is edited at the desk: a mistake is said beside its field, nothing typed is lost, what is kept is masked."""

from __future__ import annotations

import re

from playwright.sync_api import expect

NAME = "王桂兰"
# Its last digit would be 2.
MISTYPED, RIGHT = "230183195005041245", "230183195005041242"


def test_person_is_edited_with_a_mistake_and_nothing_typed_is_lost(desk, words):
    page = desk.page
    desk.menu.get_by_role("link", name=words("People")).click()
    page.get_by_role("searchbox").fill(NAME)
    page.get_by_role("main").get_by_role("link", name=re.compile(NAME)).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(NAME)
    page.get_by_role("link", name=f"{words('Edit')} {NAME}").click()
    desk.field("ID number").fill(MISTYPED)
    desk.field("Birthday").fill("1950-05-04")
    desk.field("Sex").select_option("f")
    desk.field("Phone").first.fill("138 1234 5678")
    page.get_by_label("因病", exact=True).check()
    page.get_by_role("button", name="保存", exact=True).click()

    wrong = desk.field("ID number")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_value(MISTYPED)
    expect(wrong).to_have_accessible_description(
        re.compile(words("The last digit does not fit the others: it would be %(digit)s.", digit="2"))
    )
    expect(desk.field("Phone").first).to_have_value("138 1234 5678")
    expect(page.get_by_label("因病", exact=True)).to_be_checked()
    wrong.fill(RIGHT)
    page.get_by_role("button", name="保存", exact=True).click()

    expect(desk.message).to_contain_text(words("Saved."))
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name=re.compile(NAME)))
    expect(card).to_contain_text("230***********1242")
    expect(card).to_contain_text("138****5678")
    expect(card).to_contain_text("因病")
    assert RIGHT not in page.content()

    desk.link("Show a number in full").click()
    desk.field("Which number").select_option(label=f"{NAME} · {words('ID number')} 230***********1242")
    desk.field("What do you need it for?").fill("核对社保卡")
    desk.button("Show it").click()
    expect(page.get_by_role("main")).to_contain_text(RIGHT)


def test_session_that_ends_while_somebody_types_costs_nothing(desk, words):
    page = desk.page
    page.goto("/people/new-household")
    desk.field("Grid").select_option(index=1)
    desk.field("Name of the household").fill("孙国强")
    desk.field("Address").fill("1组1号")
    page.context.clear_cookies(name="fieldapp")
    desk.button("Add, then its people").click()
    asked = page.get_by_role("dialog", name=words("You have been signed out"))
    with page.expect_popup() as opened:
        asked.get_by_role("link", name=words("Sign in")).click()
    other = opened.value
    other.get_by_label(words("Account"), exact=True).fill("supervisor")
    other.get_by_label(words("Password"), exact=True).fill(desk.password)
    other.get_by_role("button", name=words("Sign in")).click()
    expect(other.get_by_role("button", name=words("Sign out"))).to_be_visible()
    other.close()
    asked.get_by_role("button", name=words("Back to what I typed")).click()
    expect(desk.field("Name of the household")).to_have_value("孙国强")
    desk.button("Add, then its people").click()
    expect(desk.message).to_contain_text(
        words("%(name)s is on the list. Now add who lives there.", name="孙国强")
    )
