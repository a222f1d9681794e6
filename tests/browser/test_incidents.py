"""What is red and what is late, at the desks above: answered at the county, climbed, referred on paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.test_papers import print_page
from tests.factories import County, Phone as Caller
from tests.live import LiveClient

ELDER, STOVE = "王桂兰", "吴宝山"
ANSWER = "已请村医上门，镇里送米面"
BODY, KIND = "依兰县冬暖公益基金会", "养老、儿童福利机构"


@pytest.fixture
def desk_of(open_context: Callable[..., BrowserContext], words, live) -> Callable[[str], Desk]:
    """Opens a desk with that account signed in."""

    def open_desk(username: str) -> Desk:
        desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
        desk.sign_in(live.password, username)
        return desk

    return open_desk


def send_red_visit(live) -> None:
    """A visit to ELDER that found food for under three days comes in from the worker's phone."""
    caller = Caller(None, County(), "worker", live.password, LiveClient(live))
    records = caller.pull()
    [household] = [one for (kind, _), one in records.items() if kind == "household" and one["name"] == ELDER]
    caller.county.household_uuid = household["household_uuid"]
    caller.county.person_uuids = [
        uuid
        for (kind, uuid), one in records.items()
        if kind == "person" and one["household_uuid"] == household["household_uuid"]
    ]
    answers = {
        "reached": "reached",
        "home": {"who_answered": "self", "food_days": "lt3", "medicine": "enough"},
    }
    [receipt] = caller.push(caller.op("visit.submit", caller.visit(answers)))
    assert receipt["outcome"] == "accepted", receipt


def test_red_incident_is_answered_at_the_county(live, desk_of, words):
    officer, supervisor = desk_of("officer"), desk_of("supervisor")
    send_red_visit(live)
    for desk in (officer, supervisor):
        desk.page.goto("/people")
        expect(desk.page.get_by_role("alert")).to_contain_text(re.compile("1 "))
    officer.page.get_by_role("alert").get_by_role("link").click()
    expect(officer.page.get_by_role("heading", level=1)).to_contain_text(ELDER)
    expect(officer.text("Food for under 3 days").first).to_be_visible()
    officer.button("I answer for it").click()
    expect(officer.text("Write what you do, so that the others know.")).to_be_visible()
    officer.field("What you do about it").fill(ANSWER)
    officer.button("I answer for it").click()
    expect(officer.text("Everybody who was told sees that you answered.")).to_be_visible()
    expect(officer.page.get_by_role("alert")).to_have_count(0)
    supervisor.page.goto("/people")
    expect(supervisor.page.get_by_role("alert")).to_have_count(0)
    supervisor.link("Follow-ups").click()
    supervisor.link("Red incidents").click()
    expect(supervisor.page.get_by_role("heading", level=1)).to_have_text(words("Red incidents"))
    supervisor.page.get_by_role("main").get_by_role("link", name=re.compile(ELDER)).click()
    expect(supervisor.page.get_by_text(ANSWER)).to_be_visible()


def test_overdue_task_climbs_to_the_county(desk_of, office, words):
    officer = desk_of("officer")
    mine = officer.page.get_by_role("heading", name=re.compile(words("Overdue and climbed to you")))
    row = officer.page.get_by_role("listitem").filter(has_text=STOVE)
    for days, said in ((8, "climbed to the township"), (10, "climbed to the county")):
        office.let_pass(timedelta(days=days))
        officer.page.goto("/followups?type=service")
        expect(row).to_contain_text(words(said))
    expect(mine).to_be_visible()
    climbed = officer.page.get_by_role("combobox", name=words("Climbed"))
    climbed.select_option(label=words("climbed to the city"))
    expect(row).to_have_count(0)
    climbed.select_option(label=words("climbed to the county"))
    row.get_by_role("link").click()
    expect(
        officer.page.get_by_role("listitem").filter(has_text=words("climbed to the county")).first
    ).to_be_visible()


def test_slip_of_a_referral_is_printed_on_one_sheet(desk_of, words):
    officer = desk_of("officer")
    officer.page.goto("/providers")
    officer.text("Enter a body…").click()
    officer.field("Name of the body").fill(BODY)
    officer.field("Phone").fill("0451-57220001")
    officer.page.get_by_label(words("Temporary relief"), exact=True).check()
    officer.button("Enter").click()
    expect(officer.page.get_by_role("link", name=re.compile(BODY))).to_be_visible()
    desk = desk_of("supervisor")
    desk.page.goto("/followups?type=temporary_relief")
    desk.page.get_by_role("main").get_by_role("listitem").get_by_role("link").first.click()
    desk.link("Refer to an outside body…").click()
    desk.field("Referred to").select_option(label=f"{BODY} · {KIND}")
    desk.field("What they are asked for").fill("请资助冬季米面油")
    desk.button("Refer and show the slip").click()
    expect(desk.page.get_by_role("article")).to_contain_text(BODY)
    assert print_page(desk.page) == (1, (210, 297))
    desk.field("What came of it, or why it was refused").fill("已送米面油两份")
    desk.button("They have done it").click()
    expect(desk.page.get_by_text("已送米面油两份").first).to_be_visible()
    expect(desk.button("Settled, close it")).to_be_visible()
