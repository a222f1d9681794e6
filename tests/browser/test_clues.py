"""Somebody who is not on the list: found without a network, registered and visited, and seen at the desk."""

from __future__ import annotations

import re

from playwright.sync_api import expect

NAME, PLACE = "赵大爷", "村东头砖窑旁边"
KNOWN = "王桂兰"


def test_a_new_clue_is_registered_and_visited_offline_and_the_supervisor_sees_it(phone, desk, words):
    phone.context.set_offline(True)
    phone.tap(phone.link("New clue"))
    phone.field("Name").fill(NAME)
    phone.field("About how old").fill("70")
    phone.field("What was seen").fill("一个人住，屋里没有生火")
    # A form that the phone lost in the middle is still as it was.
    phone.kill_page()
    phone.tap(phone.entry(NAME).get_by_role("link"))
    expect(phone.field("What was seen")).to_have_value("一个人住，屋里没有生火")
    phone.field("Where they live").fill(PLACE)
    phone.tap(phone.button("Register and visit"))
    phone.answer("Whom did you reach?", "The person")
    phone.answer("How was this found?", "Seen on a round")
    phone.answer("What is the main difficulty?", "Nobody to give care")
    phone.answer("How many days of food are left?", "10 days or more")
    phone.answer("Is urgent help needed now?", "None")
    phone.answer("May we help to apply for aid?", "Yes")
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    phone.tap(phone.link("All households"))
    phone.tap(phone.page.get_by_role("link", name=re.compile("^" + NAME)))
    expect(phone.text("saved, waiting to be sent")).to_be_visible()
    expect(phone.page.get_by_text("约70岁，一个人住，屋里没有生火")).to_be_visible()

    phone.context.set_offline(False)
    phone.page.goto("/app/#/send")
    expect(phone.text("Everything is sent")).to_be_visible()
    desk.open_visit(NAME)
    expect(desk.page.get_by_role("main")).to_contain_text(PLACE)
    expect(desk.flags).to_contain_text("没人照护")
    # On the phone the server's record has taken the place of its own.
    phone.go_to("Today")
    phone.tap(phone.link("All households"))
    phone.tap(phone.page.get_by_role("link", name=re.compile("^" + NAME)))
    expect(phone.page.get_by_role("heading", name=NAME)).to_be_visible()
    expect(phone.text("saved, waiting to be sent")).to_have_count(0)


def test_a_correction_stands_beside_the_old_value_until_it_is_sent(phone, desk, words):
    phone.context.set_offline(True)
    phone.tap(phone.page.get_by_role("link", name=re.compile("^" + KNOWN)))
    phone.tap(phone.link("Correct address or phone"))
    phone.field("Address").fill("达连河村3组5号")
    # What was typed in outlives its page.
    phone.kill_page()
    phone.tap(phone.link("{name} · correction unfinished", name=KNOWN))
    expect(phone.field("Address")).to_have_value("达连河村3组5号")
    phone.tap(phone.button("Save"))
    old = phone.page.get_by_text("达连河村1组12号")
    new = phone.page.get_by_text("达连河村3组5号")
    expect(old).to_be_visible()
    expect(new).to_contain_text(words("saved, waiting to be sent"))
    phone.page.goto("/app/#/today")
    expect(phone.text("Somebody not on the list")).to_be_visible()
    expect(phone.link("{name} · correction unfinished", name=KNOWN)).to_have_count(0)
    phone.page.go_back()
    phone.context.set_offline(False)
    expect(old).to_have_count(0)
    expect(new).to_be_visible()
    expect(phone.text("saved, waiting to be sent")).to_have_count(0)
