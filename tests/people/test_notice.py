"""What people are told of what is written down of them, and the correction they may ask for."""

from __future__ import annotations

import html

from tests.factories import Desk
from tests.people.pages import fields_of, words_of


def test_notice_fits_a_page_in_both_languages(app, county):
    desk = Desk(app)
    assert "不会影响您享受救助" in words_of(desk.get("/people/notice"))
    assert "does not take any aid away" in words_of(desk.get("/people/notice?lang=en"))


def test_correction_that_somebody_asks_for_becomes_a_task(app, county):
    desk = Desk(app)
    page = desk.get(f"/households/{county.household_uuid}")
    link = f"/followups/new?household={county.household_uuid}&type=data_correction"
    assert link in html.unescape(page.text)
    assert fields_of(desk.get(link))["type"] == "data_correction"
