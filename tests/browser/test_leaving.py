"""A page of the desk that is being left: what is pressed on it while the next one comes would be lost, or come second."""

from __future__ import annotations

import re

from playwright.sync_api import Route, expect

from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk

NEXT = "**/followups"


def test_page_that_is_being_left_takes_no_second_press(open_context, words, live):
    desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
    desk.sign_in(live.password)
    page = desk.page
    other = desk.menu.get_by_role("link", name=re.compile("^" + words("Review")))
    place = other.bounding_box()
    assert place
    held: list[Route] = []
    page.route(NEXT, lambda route: held.append(route))
    with page.expect_request(NEXT):
        desk.menu.get_by_role("link", name=re.compile("^" + words("Follow-ups"))).click()
    expect(page.locator("body[inert]")).to_have_count(1)

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    held[0].continue_()
    expect(page.get_by_role("main").get_by_role("heading", level=1)).to_have_text(words("Follow-ups"))
    expect(page.locator("body[inert]")).to_have_count(0)
    assert not [url for url in asked if url.endswith("/reviews")]

    # The new page is used as any other.
    other.click()
    expect(desk.queue).to_be_visible()
