"""An ended account, a replaced phone, another phone: what was recorded arrives all the same, and then nothing stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.office import StoredVisit
from tests.browser.phone import Phone
from tests.factories import draw_photo

FINISHED, BEGUN = "何有田", "王桂兰"
ERASED = "Everything is handed in, and erased from this phone"
STUCK = "Everything is with the server but attachments it cannot take. They are only on this phone."
TOO_LARGE = {"error": {"code": "too_large", "message": "—", "fields": {}}}
PHOTOS = "**/api/attachments/*"
DATABASES = "async () => (await indexedDB.databases()).map(({ name }) => name)"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of something."""
    path = tmp_path / "IMG_0001.jpg"
    path.write_bytes(draw_photo(1, (640, 480)))
    return path


def sign_in_again(phone: Phone, password: str) -> None:
    """Go on with a network; the session has ended, and is begun anew in place."""
    phone.context.set_offline(False)
    expect(phone.text("Sign in again to send.")).to_be_visible()
    phone.tap(phone.button("Sign in"))
    dialog = phone.page.get_by_role("dialog")
    dialog.get_by_label(phone.words("Password"), exact=True).fill(password)
    phone.tap(dialog.get_by_role("button", name=phone.words("Sign in")))


def expect_erased(phone: Phone) -> None:
    """The phone says so, shows the form to sign in, and has nothing more of the account."""
    expect(phone.page.get_by_role("status").filter(has_text=phone.words(ERASED))).to_be_visible()
    expect(phone.button("Sign in")).to_be_visible()
    assert phone.page.evaluate(DATABASES) == ["fieldapp-device"]


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_an_ended_account_hands_in_what_it_holds_and_the_phone_erases_itself(
    phone, live, office, words, photo
):
    phone.context.set_offline(True)
    phone.fill_visit(BEGUN)
    phone.tap(phone.button("Later"))
    phone.make_visit_with_photo(FINISHED, photo)
    office.end_account("worker")
    sign_in_again(phone, live.password)
    expect(phone.text("This account has ended")).to_be_visible()
    expect(phone.link("All households")).to_have_count(0)
    draft = phone.entry(BEGUN)
    expect(draft).to_contain_text(words("Finish it, or delete it"))
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(FINISHED, photos=1, held=1)]

    # Nothing is erased while a draft is only here. Finished now, it is after the end: the office keeps it.
    assert office.erased_at("worker") is None
    phone.page.goto("/app/#/today")
    phone.tap(draft.get_by_role("link"))
    phone.tap(phone.button("Finish visit"))
    expect_erased(phone)
    assert office.erased_at("worker") is not None
    assert office.quarantined() == [BEGUN]


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_a_replaced_phone_asks_before_a_photo_goes_that_is_only_there(phone, live, office, words, photo):
    phone.context.set_offline(True)
    phone.start_visit(BEGUN)
    phone.tap(phone.button("Later"))
    phone.make_visit_with_photo(FINISHED, photo)
    office.revoke_phone("worker")
    phone.page.route(PHOTOS, lambda route: route.fulfill(status=413, json=TOO_LARGE))
    sign_in_again(phone, live.password)
    expect(phone.text("This phone was replaced")).to_be_visible()
    phone.tap(phone.entry(BEGUN).get_by_role("link"))
    phone.tap(phone.button("Delete this"))
    phone.tap(phone.page.get_by_role("dialog").get_by_role("button", name=words("Delete"), exact=True))
    expect(phone.text(STUCK)).to_be_visible()
    assert office.visits() == [StoredVisit(FINISHED, photos=1, held=0)]

    phone.tap(phone.button("Erase this phone’s data"))
    dialog = phone.page.get_by_role("dialog")
    phone.tap(dialog.get_by_role("button", name=words("Cancel")))
    expect(phone.text(STUCK)).to_be_visible()
    phone.tap(phone.button("Erase this phone’s data"))
    phone.tap(dialog.get_by_role("button", name=words("Erase this phone’s data")))
    expect_erased(phone)
    assert office.erased_at("worker") is not None


def test_a_returned_visit_is_corrected_on_another_phone(phone, new_phone, live, office, words, photo):
    phone.make_visit_with_photo(FINISHED, photo)
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    phone.page.close()
    office.return_visit(FINISHED, "请再核对粮油")

    other: Phone = new_phone()
    other.sign_in(live.password)
    returned = other.entry(words("{name} · returned", name=FINISHED))
    expect(returned).to_contain_text("请再核对粮油")
    other.tap(returned.get_by_role("link"))
    expect(other.photo().locator("img")).to_have_js_property("complete", True)
    expect(other.photo().locator("img")).not_to_have_js_property("naturalWidth", 0)
    other.answer("How many days of food are left?", "3–9 days")
    other.tap(other.button("Submit again"))
    other.expect_saved()
    other.go_to("To send")
    expect(other.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(FINISHED, revisions=2, photos=0, held=0)]
