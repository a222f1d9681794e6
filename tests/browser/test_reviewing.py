"""Reviewing by the keyboard alone: clean visits one key each, and one that goes back and comes again from another phone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.factories import County, Phone as Caller
from tests.live import LiveClient

CLEAN = 20
# Waits for review in the demo county, with nothing to object to.
HOUSEHOLD = "林巧云"
FOOD = "How many days of food are left?"
MEDICINE = "Is there enough regular medicine?"


def send_clean_visits(live) -> None:
    """Twenty visits as a worker's phone sends them, in which nothing stands out."""
    caller = Caller(None, County(), "worker", live.password, LiveClient(live))
    records = caller.pull()
    people = [record for (kind, _), record in records.items() if kind == "person"]
    households = [uuid for kind, uuid in records if kind == "household"]
    ops = [
        caller.op(
            "visit.submit",
            caller.visit(
                {"reached": "refused"},
                outcome="refused",
                household_uuid=uuid,
                people=[one["person_uuid"] for one in people if one["household_uuid"] == uuid][:1],
                location=None,
            ),
        )
        for uuid in households[:CLEAN]
    ]
    receipts = caller.push(*ops)
    assert [receipt["outcome"] for receipt in receipts] == ["accepted"] * CLEAN


def test_twenty_clean_visits_are_cleared_by_one_key_each(desk, live, words):
    send_clean_visits(live)
    page = desk.page
    page.goto("/reviews?look=clean")
    waiting = desk.queue.get_by_role("heading", name=re.compile(r"^待审核 \d+ 条$"))
    total = int(re.findall(r"\d+", waiting.inner_text())[0])
    assert total >= CLEAN
    page.keyboard.press("j")
    expect(desk.button("Approve")).to_be_visible()
    for left in range(total - 1, 0, -1):
        page.keyboard.press("a")
        expect(desk.queue.get_by_role("heading", name=f"待审核 {left} 条")).to_be_visible()
    page.keyboard.press("a")
    expect(desk.queue).to_contain_text(words("Nothing here with this choice."))


def test_the_next_visit_is_there_before_it_is_asked_for_and_never_an_old_one(desk, open_context, live, words):
    send_clean_visits(live)
    page = desk.page
    sent = []
    page.on("request", lambda request: sent.append((request.method, urlsplit(request.url).path)))
    page.goto("/reviews?look=clean")
    first, second, third, fourth = list_beside(desk)[:4]
    with page.expect_response(is_fetched_ahead(second)):
        page.keyboard.press("j")
    expect(desk.button("Approve")).to_be_visible()
    assert ("POST", f"{second}/claim") not in sent
    sent.clear()
    with page.expect_response(is_fetched_ahead(third)):
        page.keyboard.press("a")
    expect(desk.message).to_contain_text(words("Approved."))
    expect(page).to_have_url(re.compile(re.escape(second)))
    # It was shown as it had been fetched, and is claimed like any other.
    assert ("GET", second) not in sent
    assert ("POST", f"{second}/claim") in sent
    expect(desk.queue.locator(f'a[href^="{first}"]')).to_have_count(0)

    # Meanwhile the third one is decided on elsewhere.
    other = Desk(open_context("desk"), words)
    other.sign_in(live.password)
    other.page.goto(f"{third}?look=clean")
    other.page.keyboard.press("a")
    expect(other.message).to_contain_text(words("Approved."))
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile(re.escape(fourth)))
    expect(desk.message).to_contain_text(words("Approved."))


def list_beside(desk) -> list[str]:
    """The addresses of the visits in the queue, in order."""
    links = desk.queue.get_by_role("listitem").get_by_role("link")
    expect(links.first).to_be_visible()
    # All at once: the list may be another one from one link to the next.
    return links.evaluate_all("links => links.map(link => new URL(link.href).pathname)")


def is_fetched_ahead(path: str):
    return lambda answer: urlsplit(answer.url).path == path and "x-after" in answer.request.headers


def test_a_visit_goes_back_with_two_notes_and_comes_again_from_another_phone(desk, new_phone, live, words):
    page = desk.page
    desk.open_visit(HOUSEHOLD)
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name=words("Keys"))
    expect(keys).to_contain_text(words("Return with a reason"))
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("r")
    expect(desk.field("What should the worker add or check?")).to_be_focused()
    page.keyboard.type("请再核对两处。")
    desk.note(FOOD, "是按人口算的吗？")
    desk.note(MEDICINE, "药盒看到了吗？")
    page.keyboard.press("Control+Enter")
    expect(desk.message).to_contain_text(
        words("Returned. The worker finds it on the Today page at the next sync.")
    )

    phone = new_phone()
    phone.sign_in(live.password)
    phone.tap(phone.entry(words("{name} · returned", name=HOUSEHOLD)).get_by_role("link"))
    expect(phone.page.get_by_role("main")).to_contain_text("请再核对两处。")
    expect(phone.question(FOOD)).to_contain_text("是按人口算的吗？")
    expect(phone.question(MEDICINE)).to_contain_text("药盒看到了吗？")
    phone.answer(FOOD, "10 days or more")
    phone.tap(phone.button("Submit again"))
    phone.expect_saved()
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()

    desk.open_visit(HOUSEHOLD)
    answered = page.locator(".answered")
    expect(answered).to_contain_text("请再核对两处。")
    food = answered.get_by_role("listitem").filter(has_text="是按人口算的吗？")
    expect(food).to_contain_text(f"→ {words('10 days or more')}")
    medicine = answered.get_by_role("listitem").filter(has_text="药盒看到了吗？")
    expect(medicine).to_contain_text(words("unchanged"))
    page.keyboard.press("a")
    expect(desk.message).to_contain_text(words("Approved."))


def test_flags_are_decided_on_by_keys(desk, words):
    page = desk.page
    desk.open_visit("孙万才")
    page.keyboard.press("d")
    expect(desk.field("Why does this flag need nothing?")).to_be_focused()
    page.keyboard.type("在路口遇见的，人认得准。")
    page.keyboard.press("Control+Enter")
    expect(desk.flags).to_contain_text("在路口遇见的，人认得准。")
    desk.open_visit("宋玉珍")
    buttons = desk.flags.get_by_role("button", name=words("Confirm"))
    expect(buttons).to_have_count(2)
    page.keyboard.press("c")
    expect(buttons).to_have_count(1)
    page.keyboard.press("c")
    expect(buttons).to_have_count(0)
    expect(desk.flags).to_contain_text(words("decided by %(name)s", name="付雅琴"))
