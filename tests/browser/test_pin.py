"""The PIN: slips cost nothing, guesses have to wait, and a forgotten one loses nothing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.office import StoredVisit
from tests.browser.phone import PIN, Phone
from tests.factories import draw_photo

FINISHED, BEGUN = "何有田", "王桂兰"
WORKER = "于晓梅"
NEW_PIN = "370416"
WRONG_PIN = "602184"
NOT_RIGHT = "That PIN is not right. Try again."
CODE_WRONG = "This code is not right or no longer good. Ask your supervisor for a new one."


def lock(phone: Phone) -> None:
    """Lock the app, as when the phone is lent to somebody."""
    phone.go_to("Me")
    phone.tap(phone.button("Lock now"))
    expect(phone.page.get_by_role("group", name=phone.words("Type your PIN"))).to_be_visible()


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_two_slips_cost_nothing_and_a_third_has_to_wait_also_on_a_new_page(phone, words):
    lock(phone)
    waiting = re.compile(words("That PIN is not right. Next try in {s} s.", s="~").replace("~", r"\d+"))
    for _slip in range(2):
        phone.type_pin("Type your PIN", WRONG_PIN)
        expect(phone.page.get_by_role("alert")).to_have_text(words(NOT_RIGHT))
    phone.type_pin("Type your PIN", WRONG_PIN)
    expect(phone.page.get_by_role("alert")).to_have_text(waiting)
    phone.page.close()
    phone.open_app()
    expect(phone.page.get_by_role("alert")).to_have_text(waiting)
    expect(phone.page.get_by_role("button", name="1", exact=True)).to_be_disabled()
    phone.unlock()
    expect(phone.link("All households")).to_be_visible()


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_a_forgotten_pin_loses_nothing(phone, desk, office, words, tmp_path):
    picture = tmp_path / "IMG_0001.jpg"
    picture.write_bytes(draw_photo(1, (640, 480)))
    phone.context.set_offline(True)
    phone.start_visit(BEGUN)
    phone.answer("Whom did you reach?", "The person")
    phone.tap(phone.button("Later"))
    phone.make_visit_with_photo(FINISHED, picture)
    lock(phone)
    phone.tap(phone.button("Forgot the PIN"))
    phone.context.set_offline(False)

    def give_code(code: str, password: str) -> None:
        phone.field("Reset code").fill(code)
        phone.page.get_by_label(words("Password of {username}", username="worker")).fill(password)
        phone.tap(phone.button("Set a new PIN"))

    # Five wrong codes make the right one worth nothing.
    code = desk.make_reset_code(WORKER)
    for wrong in range(5):
        give_code(f"{(int(code) + 1 + wrong) % 10**8:08}", desk.password)
        expect(phone.button("Set a new PIN")).to_be_enabled()
        expect(phone.page.get_by_role("alert")).to_have_text(words(CODE_WRONG))
    give_code(code, desk.password)
    expect(phone.page.get_by_role("alert")).to_have_text(words(CODE_WRONG))
    give_code(desk.make_reset_code(WORKER), desk.password)
    phone.choose_pin(NEW_PIN)

    # All is there, and goes up.
    phone.go_to("Today")
    expect(phone.link("{name} · visit unfinished", name=BEGUN)).to_be_visible()
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(FINISHED, photos=1, held=1)]
    # From now on the new one counts, with no network too.
    phone.context.set_offline(True)
    phone.page.close()
    phone.open_app()
    phone.type_pin("Type your PIN", PIN)
    expect(phone.page.get_by_role("alert")).to_have_text(words(NOT_RIGHT))
    phone.unlock(NEW_PIN)
    phone.tap(phone.link("{name} · visit unfinished", name=BEGUN))
    expect(phone.choice("Whom did you reach?", "The person")).to_be_checked()
