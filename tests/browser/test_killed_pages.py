"""The page is killed at every step of finishing a visit and of sending it: it is a draft, or it arrives, once."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from tests.browser.office import StoredVisit
from tests.browser.phone import Phone
from tests.browser.steps import Steps
from tests.factories import draw_photo

# Routine visits to one person each, overdue.
FIRST, SECOND = "何有田", "王桂兰"
FINISHED = "kept put meta seq, put outbox, put photos, delete drafts"
RECEIVED = "kept put outbox"
PHOTO_RECEIVED = "kept put photos"


@pytest.fixture
def photos(tmp_path):
    """Two photos."""
    paths = [tmp_path / f"IMG_{number}.jpg" for number in range(2)]
    for number, path in enumerate(paths):
        path.write_bytes(draw_photo(number, (640, 480)))
    return paths


def is_of_visits(step: str) -> bool:
    """Whether a step is about what was recorded, and not about the cache."""
    return "seq" in step or not any(word in step for word in ("records", "meta"))


def find_draft(phone: Phone) -> None:
    """The draft is on Today, and holds everything that was filled in."""
    phone.tap(phone.link("{name} · visit unfinished", name=SECOND))
    expect(phone.choice("How many days of food are left?", "Under 3 days")).to_be_checked()
    expect(phone.choice("Any sign of fraud, abuse or neglect?", "None")).to_be_checked()
    expect(phone.photo().locator("img")).to_have_js_property("naturalWidth", 640)


def find_finished(phone: Phone, said: str, **values: object) -> None:
    """The visit is finished, and this is said of it; there is no draft of it any more."""
    expect(phone.link("{name} · visit unfinished", name=SECOND)).to_have_count(0)
    phone.go_to("To send")
    entry = phone.entry(phone.words("{name} · visit", name=SECOND))
    expect(entry).to_have_count(1)
    expect(entry).to_contain_text(phone.words(said, **values))


# The same visit once more for every step: minutes on a busy machine.
@pytest.mark.timeout(1200)
@pytest.mark.skipif("LONG_BROWSER_TESTS" not in os.environ, reason="runs in make test-long")
def test_a_visit_outlives_its_page_at_every_step_until_it_is_received(phone, office, photos):
    steps = Steps(phone)
    # Once without a fault, to learn the steps.
    steps.cut_off()
    phone.fill_visit(FIRST, "Under 3 days", photo=photos[0])
    steps.take()
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    phone.go_to("To send")
    expect(phone.entry(FIRST)).to_contain_text(phone.words("Waiting for network"))
    finishing = [step for step in steps.take() if "/api/" not in step]
    steps.reconnect()
    expect(phone.text("Everything is sent")).to_be_visible()
    sending = list(filter(is_of_visits, steps.take()))

    steps.cut_off()
    phone.go_to("Today")
    phone.fill_visit(SECOND, "Under 3 days", photo=photos[1])
    for step in finishing:
        steps.kill_at(step, lambda: phone.tap(phone.button("Finish visit")))
        if step == FINISHED:
            find_finished(phone, "Waiting for network")
        else:
            find_draft(phone)
    for step in sending:
        steps.kill_at(step, steps.reconnect)
        if sending.index(step) < sending.index(RECEIVED):
            find_finished(phone, "Waiting for network")
        elif sending.index(step) < sending.index(PHOTO_RECEIVED):
            find_finished(phone, "Photos {done}/{total}", done=0, total=1)
        else:
            find_finished(phone, "Received")
    steps.reconnect()
    expect(phone.text("Everything is sent")).to_be_visible()
    assert office.visits() == [StoredVisit(name, photos=1, held=1) for name in sorted([FIRST, SECOND])]
