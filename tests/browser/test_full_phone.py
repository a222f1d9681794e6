"""A phone short of room: attachments make way for answers, and words say what was not kept.

Chromium is given little room for this site, and a database beside the app's takes it up: what else is on a phone.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.office import StoredVisit
from tests.browser.phone import Phone
from tests.factories import draw_photo

NAME = "何有田"
OTHER = "王桂兰"
PHOTO = "Photo of the problem"
URGENT = "Is urgent help needed now?"
QUOTA = 20_000_000
SAVED = "Saved by itself · works offline"
NOT_SAVED = "Not saved: the phone may be full. Free some space, then change an answer again."
NO_PHOTO = "The phone is short of space; this was not kept. Your answers are. Free some space and try again."
NOT_FINISHED = (
    "Not saved; it is all still on this page. The phone may be full. Free some space and tap “Finish” again."
)
NO_ROOM = (
    "This phone has no room left to keep what is new. Delete some photos or videos from the phone, then try again. "
    "What you recorded is kept."
)
FILLER = """(() => {
  const opening = new Promise((done, fail) => {
    const request = indexedDB.open('something-else', 1)
    request.onupgradeneeded = () => request.result.createObjectStore('pieces', { autoIncrement: true })
    request.onsuccess = () => done(request.result)
    request.onerror = () => fail(request.error)
  })
  const write = async act => {
    const transaction = (await opening).transaction('pieces', 'readwrite')
    act(transaction.objectStore('pieces'))
    return new Promise(done => {
      transaction.oncomplete = () => done(true)
      transaction.onabort = () => done(false)
    })
  }
  // No browser presses these together.
  const noise = size => {
    const bytes = new Uint8Array(size)
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
    return bytes.buffer
  }
  const fill = async () => {
    for (const size of [1_000_000, 100_000, 10_000, 1_000, 100]) while (await write(pieces => pieces.put(noise(size))));
  }
  return { fill, free: () => write(pieces => pieces.clear()) }
})()"""


@pytest.fixture
def phone(open_context, live, words):
    """A phone with little room from the start (later the browser would go on believing for half a minute in more)."""
    context = open_context("phone")
    session = context.new_cdp_session(context.new_page())  # for as long as it lasts
    session.send("Storage.overrideQuotaForOrigin", {"origin": live.url, "quotaSize": QUOTA})
    phone = Phone(context, words)
    phone.sign_in(live.password)
    phone.context.set_offline(True)
    return phone


class Filler:
    """All that room, taken up and freed."""

    def __init__(self, phone: Phone) -> None:
        self._page = phone.context.new_page()
        self._page.goto("/app/")
        self._filler = self._page.evaluate_handle(FILLER)
        phone.page.bring_to_front()

    def fill(self):
        """Take up everything that is left."""
        self._filler.evaluate("filler => filler.fill()")

    def free(self):
        """Let go of it all."""
        assert self._filler.evaluate("filler => filler.free()")


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_a_full_phone_says_what_it_did_not_keep_and_loses_nothing(phone, office, words, tmp_path):
    picture = tmp_path / "IMG_0001.jpg"
    picture.write_bytes(draw_photo(1, (640, 480)))
    filler = Filler(phone)
    phone.start_visit(NAME)
    phone.answer_daily_life("Under 3 days")

    # Photos are refused while answers are still kept.
    filler.fill()
    phone.attach(PHOTO, picture)
    expect(phone.question(PHOTO).get_by_role("alert")).to_have_text(words(NO_PHOTO))
    expect(phone.photo()).to_have_count(0)
    phone.answer_part("Was care given this week?", "Came, and well done")
    phone.same_as_last_time()
    expect(phone.text(SAVED)).to_be_visible()

    # Nothing at all fits any more: it is said, and finishing leaves the draft.
    filler.fill()
    phone.tap(phone.button("Finish visit"))
    dialog = phone.page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_have_text(words(NOT_FINISHED))
    phone.tap(dialog.get_by_role("button", name=words("Close")))
    filler.fill()
    phone.answer(URGENT, "No money for food or treatment")
    expect(phone.page.get_by_role("alert").filter(has_text=words(NOT_SAVED))).to_be_visible()

    # The page ends: what was last saved is there, behind the PIN.
    phone.kill_page()
    phone.tap(phone.link("{name} · visit unfinished", name=NAME))
    expect(phone.choice("How many days of food are left?", "Under 3 days")).to_be_checked()
    expect(phone.choice("Was care given this week?", "Came, and well done")).to_be_checked()

    # There is room again: it goes on.
    filler.free()
    phone.attach(PHOTO, picture)
    expect(phone.photo()).to_be_visible()
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_have_count(0)

    # Full again: receipts have the room that was kept for answers. What is new from the server has not.
    filler.fill()
    phone.context.set_offline(False)
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(NAME, photos=1, held=1)]
    phone.go_to("Me")
    filler.fill()
    phone.tap(phone.button("Update now"))
    expect(phone.page.get_by_role("status").filter(has_text=words(NO_ROOM))).to_be_visible()
    filler.free()
    phone.tap(phone.button("Update now"))
    expect(phone.text(NO_ROOM)).to_have_count(0)
