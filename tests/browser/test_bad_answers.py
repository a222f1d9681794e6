"""Whatever comes back in place of an answer, to any request: nothing is lost, nothing is called received, words say why."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.office import StoredVisit
from tests.browser.phone import Phone
from tests.factories import draw_photo

NAME = "何有田"
SESSION, PUSH, PULL, PHOTO = "**/api/session", "**/api/sync/push", "**/api/sync/pull*", "**/api/attachments/*"


def say(status: int, body: str) -> Callable[[Route], None]:
    """Answer with a page of that kind, as a server in trouble does, a proxy, or a network that wants a sign-in."""
    page = f"<!doctype html><title>{body}</title><h1>{body}</h1>"
    return lambda route: route.fulfill(status=status, content_type="text/html", body=page)


def cut_off(route: Route) -> None:
    """Let the server answer, and pass on the first half of it."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.body()[: len(answer.body()) // 2])


ANSWERS: dict[str, Callable[[Route], None]] = {
    "500": say(500, "Internal Server Error"),
    "502": say(502, "Bad Gateway"),
    "429": say(429, "Too Many Requests"),
    "413": say(413, "Request Entity Too Large"),
    "half": cut_off,
    "portal": say(200, "Wi-Fi"),
}
NO_NETWORK = "No network now. Everything is kept on the phone and goes up by itself."
SIGN_IN_FIRST = (
    "This network wants a sign-in first (public Wi-Fi, for example). Sign in to it, or use mobile data."
)
BUSY = "The server is busy. It will be tried again by itself."
LATER = "Trying again"
TOO_LONG = "This record is too long for the server. Tap “Correct”, shorten the text and submit again."
TOO_LARGE = (
    "This photo is too large for the server. It is still on the phone; ask your supervisor to return the visit, "
    "then take it again."
)
LATER_PLEASE = "The server is busy. Please try again in a while."
DID_NOT_WORK = "That step did not work. Everything you filled in is still here; please try again."
SAID = {
    SESSION: {
        "500": LATER_PLEASE,
        "502": LATER_PLEASE,
        "429": "Too many attempts. Wait a minute and try again.",
        "413": DID_NOT_WORK,
        "half": NO_NETWORK,
        "portal": SIGN_IN_FIRST,
    },
    PUSH: {
        "500": LATER,
        "502": LATER,
        "429": LATER,
        "413": TOO_LONG,
        "half": NO_NETWORK,
        "portal": SIGN_IN_FIRST,
    },
    PULL: {"500": BUSY, "502": BUSY, "429": BUSY, "413": BUSY, "half": NO_NETWORK, "portal": SIGN_IN_FIRST},
    PHOTO: {
        "500": "Content received, 1 photo to go",
        "502": "Content received, 1 photo to go",
        "429": "Content received, 1 photo to go",
        "413": TOO_LARGE,
        "half": NO_NETWORK,
        "portal": SIGN_IN_FIRST,
    },
}


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_no_answer_but_the_right_one_counts(new_phone, live, office, words, tmp_path):
    phone: Phone = new_phone()
    page = phone.page
    picture = tmp_path / "IMG_0001.jpg"
    picture.write_bytes(draw_photo(1, (640, 480)))

    def try_all(address: str, act: Callable[[], None], check: Callable[[str], None]) -> None:
        for name, answer in ANSWERS.items():
            page.route(address, answer)  # the latest one counts: no right answer slips in between
            with page.expect_response(address):
                act()
            check(words(SAID[address][name]))
        page.unroute(address)

    def try_sign_in() -> None:
        phone.type_sign_in("worker", live.password)

    def expect_refused(why: str) -> None:
        expect(phone.button("Sign in")).to_be_enabled()
        expect(page.get_by_role("alert")).to_have_text(why)

    phone.choose_language()
    try_all(SESSION, try_sign_in, expect_refused)
    phone.sign_in(live.password)

    def send_now() -> None:
        phone.tap(phone.button("Send now"))

    def expect_waiting(why: str) -> None:
        expect(phone.button("Send now")).to_be_enabled()
        expect(page.get_by_role("main")).to_contain_text(why)
        expect(page.get_by_role("heading", name=words("Received today · {n}", n=1))).to_have_count(0)
        expect(phone.text("Everything is sent")).to_have_count(0)
        expect(phone.entry(words("{name} · visit", name=NAME))).to_have_count(1)

    phone.context.set_offline(True)
    phone.make_visit_with_photo(NAME, picture)
    phone.go_to("To send")
    for address in (PUSH, PHOTO):
        page.route(address, ANSWERS["500"])
    phone.context.set_offline(False)
    expect(phone.entry(NAME)).to_contain_text(words(LATER))
    try_all(PUSH, send_now, expect_waiting)
    send_now()
    expect(phone.entry(NAME)).to_contain_text(words("Content received, 1 photo to go"))

    def send_photo() -> None:
        # What the server will never take waits for a person.
        again = phone.button("Send again")
        phone.tap(again if again.is_visible() else phone.button("Send now"))

    try_all(PHOTO, send_photo, expect_waiting)
    phone.go_to("Me")
    phone.tap(phone.button("Update now"))
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(NAME, photos=1, held=1)]

    def update_now() -> None:
        phone.tap(phone.button("Update now"))

    def expect_said(why: str) -> None:
        expect(page.get_by_role("status").filter(has_text=why)).to_be_visible()

    phone.go_to("Me")
    try_all(PULL, update_now, expect_said)
    phone.go_to("Today")
    phone.start_visit("王桂兰")
