"""The desk and the phone by the keyboard alone: jobs from beginning to end, the menu, sheets that give the focus back."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk
from tests.browser.phone import PIN, Phone

# More than any page has to go through.
MOST_TABS = 150
ELDER = "王桂兰"
OVERDUE = "何有田"


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(MOST_TABS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key does not lead to {target}")


def press(page: Page, target: Locator, key: str = "Enter") -> None:
    """Go to the target by Tab, and press a key there."""
    tab_to(page, target)
    page.keyboard.press(key)


def test_at_the_desk_a_call_is_taken_in_and_found_again_by_keyboard(open_context, live, words):
    desk = Desk(open_context("desk"), words)
    page = desk.page
    main = page.get_by_role("main")
    desk.open_sign_in()
    tab_to(page, desk.field("Account"))
    page.keyboard.type("supervisor")
    tab_to(page, desk.field("Password"))
    page.keyboard.type(live.password)
    page.keyboard.press("Enter")
    expect(desk.text("What needs you now")).to_be_visible()
    # A word of the menu, a link of the page, a form with a mistake in it, the same form without.
    press(
        page, page.get_by_role("navigation").get_by_role("link", name=re.compile("^" + words("Follow-ups")))
    )
    press(page, desk.link("Hotline, walk-in or complaint…"))
    press(page, desk.button("Take it in"))
    expect(desk.field("What was said")).to_have_attribute("aria-invalid", "true")
    tab_to(page, desk.field("What it is about"))
    page.keyboard.press("ArrowDown")
    tab_to(page, desk.field("What was said"))
    page.keyboard.type("邻居来电：两天没见老人出门")
    press(page, desk.button("Take it in"))
    expect(main.get_by_text("邻居来电：两天没见老人出门").first).to_be_visible()


def test_seldom_used_pages_are_unfolded_and_the_map_is_read_as_a_list_by_keyboard(desk, words):
    page = desk.page
    main = page.get_by_role("main")
    press(page, page.get_by_role("navigation").locator("summary", has_text=words("Set up")))
    press(page, page.get_by_role("navigation").get_by_role("link", name=words("Checklists")))
    expect(main.get_by_role("heading", level=1, name=words("Checklists"))).to_be_visible()
    press(page, page.get_by_role("navigation").get_by_role("link", name=words("Map")))
    expect(main.get_by_role("heading", level=1)).to_be_visible()
    press(page, main.get_by_role("listitem").get_by_role("link").first)
    page.wait_for_url(re.compile("/households/"))


def test_dialog_of_the_desk_takes_the_focus_and_gives_it_back(desk, words):
    page = desk.page
    desk.open_visit("宋玉珍")
    keys = desk.button("Keys")
    press(page, keys)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(keys).to_be_focused()


def test_on_the_phone_a_visit_is_made_by_keyboard(new_phone, live, words):
    phone: Phone = new_phone()
    phone.sign_in(live.password)
    page = phone.page
    press(page, phone.button("Start visit to {name}", name=OVERDUE))
    expect(phone.question("Whom did you reach?")).to_be_visible()
    for question, answer in (
        ("Whom did you reach?", "The person"),
        ("How many days of food are left?", "10 days or more"),
        ("Is there enough regular medicine?", "Enough"),
        ("How is the home heated?", "Warm, enough fuel"),
        ("Is urgent help needed now?", "None"),
        ("Any sign of fraud, abuse or neglect?", "None"),
        ("Was care given this week?", "Came, and well done"),
    ):
        if phone.question(question).count():
            tab_to_choice(phone, question, answer)
    # What is missing is said in a sheet, which gives the focus back.
    finish = phone.button("Finish visit")
    press(page, finish)
    sheet = page.get_by_role("dialog")
    expect(sheet).to_be_visible()
    assert sheet.evaluate("sheet => sheet.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(finish).to_be_focused()
    press(page, page.get_by_role("button", name=words("Same as last time")).first)
    press(page, finish)
    phone.expect_saved()


def tab_to_choice(phone: Phone, question: str, answer: str) -> None:
    """Come to a question by Tab, and to its answer by the arrows or by Tab; choose it by the space bar."""
    page, choice = phone.page, phone.choice(question, answer)
    if choice.get_attribute("type") == "checkbox":
        press(page, choice, "Space")
    else:
        group = phone.question(question).get_by_role("radio")
        for _ in range(MOST_TABS):
            if group.evaluate_all("choices => choices.includes(document.activeElement)"):
                break
            page.keyboard.press("Tab")
        for _ in range(group.count()):
            if choice.evaluate("element => element === document.activeElement"):
                break
            page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
    expect(choice).to_be_checked()


def test_the_phone_is_unlocked_by_keyboard(phone, words):
    page = phone.page
    phone.go_to("Me")
    press(page, phone.button("Lock now"))
    pad = page.get_by_role("group", name=words("Type your PIN"))
    for digit in PIN:
        press(page, pad.get_by_role("button", name=digit, exact=True))
    expect(pad).to_have_count(0)
