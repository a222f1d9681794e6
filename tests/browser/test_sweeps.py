"""A sweep from filter to close: the officer opens it, a phone without signal shows whom it has yet to reach, and it is closed."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from fieldapp.core import clock
from tests.browser.barriers import find_barriers
from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk

ELDER = "王桂兰"
NAME = "冬季独居老人大排查"


def test_sweep_from_filter_to_close(open_context, new_phone, words, live):
    today = clock.local_date(clock.now())
    desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
    main = desk.page.get_by_role("main")
    desk.sign_in(live.password, "officer")
    desk.menu.get_by_role("link", name=words("Sweeps")).click()
    desk.link("Prepare a sweep").click()
    desk.button("See who is on the list").click()
    expect(main).to_contain_text(words("Write what papers call it."))
    assert find_barriers(desk.page) == []
    desk.page.get_by_label("名称", exact=True).fill(NAME)
    desk.field("Last day").fill((today + timedelta(days=7)).isoformat())
    desk.page.get_by_label("独居老人", exact=True).check()
    desk.button("See who is on the list").click()

    expect(main.get_by_role("link", name=ELDER)).to_be_visible()
    people = int(re.findall(r"\d+", main.get_by_role("heading", level=2).first.inner_text())[0])
    desk.button("Open the sweep").click()
    expect(main).to_contain_text(words("%(reached)s of %(all)s reached", reached=0, all=people))
    expect(main).to_contain_text(words("Phones are told at their next sync."))
    assert find_barriers(desk.page) == []

    # No signal from here on: the phone knows what it has yet to do for the sweep.
    phone = new_phone()
    phone.sign_in(live.password)
    phone.context.set_offline(True)
    expect(phone.page.get_by_role("main")).to_contain_text(f"“{NAME}”：到")
    expect(phone.entry(ELDER)).to_contain_text(NAME)
    phone.make_visit(ELDER)
    phone.go_to("Today")
    expect(phone.entry(ELDER)).to_have_count(0)
    phone.context.set_offline(False)
    phone.go_to("To send")
    expect(phone.text("Received today · {n}", n=1)).to_be_visible()

    desk.page.reload()
    expect(main).to_contain_text(words("%(reached)s of %(all)s reached", reached=1, all=people))
    main.get_by_role("link", name=re.compile("^" + words("Reached"))).click()
    expect(main.get_by_role("list").get_by_role("link", name=ELDER)).to_be_visible()
    main.get_by_role("link", name=re.compile("^" + words("Not reached") + " ")).click()
    expect(main.get_by_role("list").get_by_role("link", name=ELDER)).to_have_count(0)
    main.get_by_text(words("Close the sweep…")).click()
    desk.button("Close it").click()
    expect(main.get_by_text(words("Over"), exact=True)).to_be_visible()
    expect(main).to_contain_text(words("The figures and lists are those of the closing."))
    expect(main.get_by_role("list").last.get_by_role("listitem")).to_have_count(min(people - 1, 50))
    expect(main.get_by_role("list").last).to_contain_text(words("Not tried yet"))
