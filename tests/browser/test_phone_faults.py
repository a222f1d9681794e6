"""What goes wrong in the field: the phone says it in words, and keeps what was recorded."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.browser.office import StoredVisit
from tests.browser.phone import Phone
from tests.browser.photos import take_photo
from tests.factories import draw_photo

BOTH_LANGUAGES = pytest.mark.parametrize("words", ["zh", "en"], indirect=True)

# A routine visit to one person, overdue.
NAME = "何有田"
# Lives alone, overdue.
ELDER = "罗淑贤"
# In the other worker's grid, overdue.
OTHERS_NAME = "彭建国"
FOOD = "How many days of food are left?"
PHOTO = "Photo of the problem"
PLACE = "Where you are"
PUSH = "**/api/sync/push"
PHOTOS = "**/api/attachments/*"
BUSY = "The server is busy. It will be tried again by itself."
PORTAL = "<!doctype html><title>Wi-Fi</title><p>Please sign in to this network"
# What may come back in place of receipts, and what the phone says to it.
NO_RECEIPTS: list[tuple[dict[str, Any], str]] = [
    ({"status": 500, "content_type": "text/html", "body": "<h1>Internal Server Error</h1>"}, "Trying again"),
    ({"status": 503, "json": {"error": {"code": "server_busy", "message": BUSY, "fields": {}}}}, BUSY),
    (
        {"status": 200, "content_type": "text/html", "body": PORTAL},
        "This network wants a sign-in first (public Wi-Fi, for example). Sign in to it, or use mobile data.",
    ),
    ({"status": 200, "json": {"receipts": [], "server_time": "2026-11-23T00:00:00Z"}}, "Trying again"),
    (
        {"status": 200, "json": {"ok": True}},
        "This network wants a sign-in first (public Wi-Fi, for example). Sign in to it, or use mobile data.",
    ),
]


def expect_waiting(phone: Phone, name: str, why: str) -> None:
    """The visit waits, in words, and nothing claims that it was received."""
    words = phone.words
    phone.go_to("To send")
    expect(phone.page.get_by_role("heading", name=words("Waiting · {n}", n=1))).to_be_visible()
    entry = phone.entry(words("{name} · visit", name=name))
    expect(entry).to_be_visible()
    expect(phone.page.get_by_role("main")).to_contain_text(why if why == BUSY else words(why))
    expect(phone.page.get_by_text(words("Received"), exact=False)).to_have_count(0)
    expect(phone.text("Everything is sent")).to_have_count(0)


def expect_received(phone: Phone, name: str) -> None:
    """The visit has its receipt."""
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    expect(phone.entry(phone.words("{name} · visit", name=name))).to_contain_text(phone.words("Received"))


# --- signing in -----------------------------------------------------------------------------------------------------


def test_wrong_passwords_are_said_in_words_and_a_locked_account_for_how_long(new_phone, live):
    phone = new_phone()
    alert = phone.page.get_by_role("alert")
    phone.type_sign_in("worker", "")
    expect(alert).to_have_text(phone.words("Fill in account and password."))
    for attempt in range(5):
        phone.type_sign_in("worker", f"guess-{attempt}")
        expect(phone.button("Sign in")).to_be_enabled()
        expect(alert).to_have_text(phone.words("Account or password is not right. Check both and try again."))
    # The right password too: otherwise the answer would tell that it is right.
    phone.type_sign_in("worker", live.password)
    expect(alert).to_have_text(
        phone.words("Too many wrong attempts. Try again in %(minutes)s minutes.", minutes=15)
    )


def test_somebody_of_the_desk_is_told_where_to_go(new_phone, live):
    phone = new_phone()
    phone.type_sign_in("supervisor", live.password)
    expect(phone.page.get_by_role("alert")).to_have_text(
        phone.words("This app is for grid workers. Please use the desk on this site's home page.")
    )
    expect(phone.button("Sign in")).to_be_enabled()


def test_the_language_can_be_changed_and_stays(phone):
    phone.go_to("Me")
    phone.words.language = "en"
    phone.choose_language()
    for tab in ("Today", "To send", "Me"):
        phone.go_to(tab)
    phone.context.set_offline(True)
    phone.kill_page()
    expect(phone.link("All households")).to_be_visible()
    phone.start_visit(NAME)
    phone.answer("Whom did you reach?", "The person")


def sign_in_again(phone: Phone, password: str) -> None:
    """Tap the banner, and sign in without leaving the page."""
    phone.tap(phone.button("Sign in"))
    dialog = phone.page.get_by_role("dialog", name=phone.words("Please sign in again"))
    dialog.get_by_label(phone.words("Password"), exact=True).fill(password)
    phone.tap(dialog.get_by_role("button", name=phone.words("Sign in")))
    expect(dialog).to_be_hidden()


def test_a_session_that_ended_is_renewed_in_place_and_nothing_is_lost(phone, live):
    phone.start_visit(NAME)
    phone.answer("Whom did you reach?", "The person")
    phone.context.clear_cookies()
    phone.tap(phone.button("Later"))
    phone.context.set_offline(True)
    phone.make_visit(ELDER)
    phone.context.set_offline(False)
    expect(phone.text("Sign in again to send.")).to_be_visible()
    expect_waiting(phone, ELDER, "Sign in again to send.")
    sign_in_again(phone, live.password)
    expect_received(phone, ELDER)
    phone.go_to("Today")
    phone.tap(phone.link("{name} · visit unfinished", name=NAME))
    expect(phone.choice("Whom did you reach?", "The person")).to_be_checked()


@BOTH_LANGUAGES
def test_a_session_that_ends_between_a_visit_and_its_photo_is_renewed_in_place(
    phone, live, office, words, tmp_path
):
    def end_session(route: Route) -> None:
        phone.context.clear_cookies()
        route.continue_()
        phone.page.unroute(PHOTOS)

    picture = tmp_path / "IMG_0001.jpg"
    picture.write_bytes(draw_photo(1, (640, 480)))
    phone.page.route(PHOTOS, end_session)
    phone.make_visit_with_photo(NAME, picture)
    expect(phone.text("Sign in again to send.")).to_be_visible()
    phone.go_to("To send")
    entry = phone.entry(words("{name} · visit", name=NAME))
    expect(entry).to_contain_text(words("Photos {done}/{total}", done=0, total=1))
    expect(phone.text("Everything is sent")).to_have_count(0)
    sign_in_again(phone, live.password)
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(NAME, photos=1, held=1)]


@BOTH_LANGUAGES
def test_under_somebody_elses_session_nothing_is_sent_until_its_worker_signs_in(phone, live, office, words):
    # In another tab of the same browser, say.
    asking = phone.context.request
    token = asking.get("/api/session").json()["csrf_token"]
    who = {"username": "worker2", "password": live.password, "device_uuid": str(uuid.uuid4())}
    answer = asking.post("/api/session", data=who, headers={"X-CSRFToken": token, "Referer": live.url})
    assert answer.status == 200
    phone.make_visit(NAME)
    expect(phone.text("Another account is signed in on this phone.")).to_be_visible()
    expect_waiting(phone, NAME, "Another account is signed in on this phone.")
    assert office.visits() == []
    phone.tap(phone.button("Sign in"))
    dialog = phone.page.get_by_role("dialog")
    expect(dialog).to_contain_text(
        words("Another account is signed in on this phone now. Sign in with yours; your work is still here.")
    )
    phone.tap(dialog.get_by_role("button", name=words("Later")))
    sign_in_again(phone, live.password)
    expect_received(phone, NAME)
    assert office.visits() == [StoredVisit(NAME)]


def test_two_workers_share_a_phone_each_with_a_pin_and_neither_sends_the_others_work(phone, live, office):
    words = phone.words
    sent_by: list[str | None] = []
    phone.context.on(
        "request",
        lambda asked: sent_by.append(asked.headers.get("x-user-id")) if "/sync/push" in asked.url else None,
    )
    phone.context.set_offline(True)
    phone.make_visit(NAME)
    phone.sign_out()

    phone.context.set_offline(False)
    phone.type_sign_in("worker2", live.password)
    phone.choose_pin("370416")
    expect(phone.link("All households")).to_be_visible()
    expect(phone.entry(OTHERS_NAME)).to_be_visible()
    expect(phone.entry(NAME)).to_have_count(0)
    phone.refresh()
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    expect(phone.entry(words("{name} · visit", name=NAME))).to_have_count(0)
    sent_by.clear()
    phone.context.set_offline(True)
    phone.go_to("Today")
    phone.make_visit(OTHERS_NAME)
    phone.sign_out()
    assert office.visits() == []

    phone.context.set_offline(False)
    phone.type_sign_in("worker", live.password)
    phone.type_pin("Type your PIN", "370416")
    expect(phone.page.get_by_role("alert")).to_have_text(words("That PIN is not right. Try again."))
    phone.unlock()
    expect(phone.link("All households")).to_be_visible()
    expect_received(phone, NAME)
    expect(phone.entry(OTHERS_NAME)).to_have_count(0)
    assert office.visits() == [StoredVisit(NAME)]
    phone.sign_out()

    phone.type_sign_in("worker2", live.password)
    phone.unlock("370416")
    expect_received(phone, OTHERS_NAME)
    assert office.visits() == [StoredVisit(name) for name in sorted([NAME, OTHERS_NAME])]
    assert len(set(sent_by)) == 2


# --- a draft --------------------------------------------------------------------------------------------------------


def test_a_draft_outlives_its_page_at_any_moment(phone, tmp_path):
    words = phone.words
    phone.context.set_offline(True)

    def kill_and_come_back() -> None:
        expect(phone.text("Saved by itself · works offline")).to_be_visible()
        phone.kill_page()
        phone.tap(phone.link("{name} · visit unfinished", name=NAME))
        expect(phone.question("Whom did you reach?")).to_be_attached()

    phone.start_visit(NAME)
    kill_and_come_back()
    phone.answer("Whom did you reach?", "The person")
    kill_and_come_back()
    expect(phone.choice("Whom did you reach?", "The person")).to_be_checked()
    phone.answer(FOOD, "Under 3 days")
    phone.answer("Is urgent help needed now?", "No money for food or treatment")
    phone.field("What happened, and who should help?").press_sequentially("儿子住院")
    kill_and_come_back()
    expect(phone.field("What happened, and who should help?")).to_have_value("儿子住院")
    expect(phone.field("What happened, and who should help?")).to_be_in_viewport()
    phone.attach(PHOTO, take_photo(tmp_path / "IMG_0002.jpg"))
    expect(phone.photo()).to_be_visible()
    kill_and_come_back()
    expect(phone.photo()).to_be_visible()
    # While a sheet is open: what is missing is listed.
    phone.tap(phone.button("Finish visit"))
    expect(phone.page.get_by_role("dialog")).to_contain_text(words("This one needs an answer"))
    kill_and_come_back()
    expect(phone.page.get_by_role("dialog")).to_have_count(0)
    phone.answer("Is there enough regular medicine?", "Enough")
    phone.answer_heating()
    phone.answer_part("Was care given this week?", "Came, and well done")
    phone.same_as_last_time()
    kill_and_come_back()
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    phone.context.set_offline(False)
    expect_received(phone, NAME)


def test_a_damaged_photo_is_refused_in_words_and_the_answers_stay(phone, tmp_path):
    whole = take_photo(tmp_path / "whole.jpg")
    damaged = {
        "cut off.jpg": whole.read_bytes()[:300_000],
        "overwritten.jpg": whole.read_bytes()[:3] + bytes(2000) + whole.read_bytes()[2003:],
        "empty.jpg": b"",
        "notes.jpg": "这不是照片".encode(),
    }
    phone.start_visit(NAME)
    phone.answer_daily_life("Under 3 days")
    said = phone.question(PHOTO).get_by_role("alert")
    for name, content in damaged.items():
        path = tmp_path / name
        path.write_bytes(content)
        phone.attach(PHOTO, path)
        is_jpeg = content.startswith(b"\xff\xd8")
        expect(said).to_have_text(
            phone.words(
                "This photo is damaged and cannot be opened. Take it again, or choose another."
                if is_jpeg
                else "This file is not a photo. Please choose a photo."
            )
        )
        expect(phone.photo()).to_have_count(0)
        expect(phone.choice(FOOD, "Under 3 days")).to_be_checked()
        expect(phone.choice("Is urgent help needed now?", "None")).to_be_checked()
    phone.attach(PHOTO, whole)
    expect(phone.photo()).to_be_visible()
    expect(said).to_have_count(0)
    phone.answer_part("Was care given this week?", "Came, and well done")
    phone.same_as_last_time()
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    expect_received(phone, NAME)


def test_the_place_may_be_declined_with_a_reason(phone, desk):
    words = phone.words
    phone.start_visit(NAME)
    phone.answer_daily_life()
    phone.answer_part("Was care given this week?", "Came, and well done")
    phone.same_as_last_time()
    place = phone.question(PLACE)
    # The browser was not allowed to locate.
    phone.tap(place.get_by_role("button", name=words("Locate")))
    expect(place.get_by_role("alert")).to_be_visible()
    phone.tap(place.get_by_role("button", name=words("Not given")))
    dialog = phone.page.get_by_role("dialog")
    phone.tap(dialog.get_by_role("button", name=words("OK")))
    expect(dialog.get_by_role("alert")).to_have_text(words("Choose a reason, or write a few words."))
    phone.tap(dialog.get_by_role("radio", name=words("They do not agree")))
    phone.tap(dialog.get_by_role("button", name=words("OK")))
    reason = words("They do not agree")
    expect(place).to_contain_text(words("Not given: {reason}", reason=reason))
    phone.finish()
    expect_received(phone, NAME)
    desk.open_visit(NAME)
    expect(desk.page.get_by_role("main")).to_contain_text(words("Declined: %(reason)s", reason=reason))


# --- the way to the server ------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_waited_for(phone, live):
    live.stop()
    phone.make_visit(NAME)
    expect_waiting(phone, NAME, "No network now. Everything is kept on the phone and goes up by itself.")
    live.start()
    phone.tap(phone.button("Send now"))
    expect_received(phone, NAME)


def test_nothing_but_its_receipt_makes_a_visit_received(phone):
    def answer_with(answer: dict[str, Any]) -> None:
        phone.context.route(PUSH, lambda route: route.fulfill(**answer))  # the latest one counts

    answer_with(NO_RECEIPTS[0][0])
    phone.make_visit(NAME)
    phone.go_to("To send")
    for answer, said in NO_RECEIPTS:
        answer_with(answer)
        with phone.page.expect_response(PUSH):
            phone.tap(phone.button("Send now"))
        expect(phone.button("Send now")).to_be_enabled()
        expect_waiting(phone, NAME, said)
    phone.context.unroute(PUSH)
    phone.tap(phone.button("Send now"))
    expect_received(phone, NAME)


def test_a_rejected_visit_says_why_and_can_be_corrected_and_sent_again(phone, ask_server):
    words = phone.words

    def name_another_checklist(route):
        sent = route.request.post_data_json
        for op in sent["ops"]:
            op["body"]["checklist"]["version"] = "nobody-knows"
        route.continue_(post_data=json.dumps(sent))

    phone.context.route(PUSH, name_another_checklist)
    phone.make_visit(NAME)
    phone.go_to("To send")
    entry = phone.entry(words("{name} · visit", name=NAME))
    expect(entry).to_contain_text(words("Please check"))
    expect(entry).to_contain_text(
        words("This checklist is not known to the server. Open the record again with the current one.")
    )
    expect(entry).to_contain_text(words("It is all kept."))
    expect(phone.text("Everything is sent")).to_have_count(0)
    phone.context.unroute(PUSH)
    phone.tap(entry.get_by_role("button", name=words("Correct")))
    expect(phone.choice(FOOD, "10 days or more")).to_be_checked()
    phone.answer(FOOD, "3–9 days")
    phone.finish()
    expect_received(phone, NAME)
    expect(phone.text("Please check")).to_have_count(0)
    assert ask_server().count_waiting_visits(NAME) == 1
