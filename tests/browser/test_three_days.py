"""Three days without a network: two hundred visits and three hundred photos, and then all of it arrives, once."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from fieldapp.core import clock
from tests.browser.many_visits import make_visits
from tests.browser.phone import Phone
from tests.browser.words import Words
from tests.factories import draw_photo

TAPPED, WITH_PHOTO = "何有田", "王桂兰"
DAYS = 3
# The server's days go by too.
SERVER_LATER = f"""
import sys
from datetime import timedelta
from fieldapp import cli
from fieldapp.core import clock
now = clock.now
clock.now = lambda: now() + timedelta(days={DAYS})
sys.argv = ["fieldapp", "serve"]
cli.main()
"""
# What came back from the server and what was said of it all, in the order of time.
NOTE_WORDS = """words => {
  const noted = window.noted = []
  const plain = window.fetch
  window.fetch = async (path, options) => {
    const answer = await plain(path, options)
    if (answer.ok && ['POST', 'PUT'].includes(options.method)) noted.push(options.method)
    return answer
  }
  const note = word => { if (noted.at(-1) !== word) noted.push(word) }
  new MutationObserver(() => {
    const text = document.getElementById('app').textContent
    if (text.includes(words.sent)) note('sent')
    const waiting = text.match(words.waiting)
    if (waiting) note(Number(waiting[1]))
  }).observe(document.getElementById('app'), { childList: true, subtree: true, characterData: true })
}"""


def come_back(phone: Phone, days: int) -> None:
    """The phone is taken out again so many days after it was signed in."""
    phone.context.clock.set_system_time(clock.now() + timedelta(days=days))
    phone.kill_page()


def watch(phone: Phone) -> None:
    """Note from now on what is said on this page, and what came before it."""
    words = Words("en")
    waiting = words("Waiting · {n}", n="~").replace("~", r"(\d+)")
    phone.page.evaluate(NOTE_WORDS, {"sent": words("Everything is sent"), "waiting": waiting})


# Two hundred visits with three hundred photos take a busy machine longer than any other test.
@pytest.mark.timeout(600)
def test_two_hundred_visits_of_three_days_arrive_once_in_their_order(phone, live, office, tmp_path):
    picture = tmp_path / "IMG_0001.jpg"
    picture.write_bytes(draw_photo(1, (640, 480)))
    phone.context.set_offline(True)
    phone.make_visit(TAPPED)
    phone.make_visit_with_photo(WITH_PHOTO, picture)
    make_visits(phone.page, visits=100, photos=150, longest_px=320)
    come_back(phone, 1)
    make_visits(phone.page, visits=100, photos=150, longest_px=320)
    come_back(phone, DAYS)

    # In words: how much waits, and for how long.
    phone.go_to("Me")
    phone.words.language = "en"
    phone.choose_language()
    expect(phone.text("▲ To send: {n} records, {photos} photos", n=202, photos=301)).to_be_visible()
    phone.go_to("To send")
    old = phone.text(
        "Something has waited for more than a day. Find a place with a network, open this page and tap “Send now”."
    )
    expect(old).to_be_visible()
    expect(phone.page.get_by_role("heading", name="Waiting · 202")).to_be_visible()

    sent = []
    phone.context.on("request", lambda asked: sent.append(asked) if "/sync/push" in asked.url else None)
    watch(phone)
    live.stop()
    live.start(SERVER_LATER)
    phone.context.set_offline(False)
    expect(phone.text("Everything is sent")).to_be_visible(timeout=300_000)

    ops = [op for request in sent for op in json.loads(request.post_data or "")["ops"]]
    seqs = [op["seq"] for op in ops]
    assert seqs == [2, 1, *range(3, 203)], "the red one first, then all in their order, each once"
    visits = office.visits()
    assert len(visits) == 202
    assert all(visit.revisions == 1 and visit.held == visit.photos for visit in visits)
    assert sum(visit.held for visit in visits) == 301
    noted = phone.page.evaluate("noted")
    assert noted.count("PUT") == 301
    assert noted.index("sent") > max(place for place, what in enumerate(noted) if what == "PUT")
    waiting = [what for what in noted if isinstance(what, int)]
    assert waiting == sorted(waiting, reverse=True)
    # The number falls while it is sent; read again once a second at most.
    assert len(set(waiting)) > 3
    expect(old).to_have_count(0)
    expect(phone.page.get_by_role("heading", name="Received today · 202")).to_be_visible()
