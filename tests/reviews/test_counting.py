"""What waits for review is the same number whether it is added up from what is kept by township or counted."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.reviews import actions
from fieldapp.reviews.counting import count_by_area, count_waiting, list_wrong
from fieldapp.reviews.queries import list_flags
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import GRID, PASSWORD, County, Desk, Phone
from tests.followups.test_pages import HUNGRY, words_of
from tests.followups.test_who_may_know import ABUSED, declare

CITY_DIGITS, COUNTY_DIGITS = 4, 6
# The number beside the menu's entry of the queue.
IN_MENU = re.compile(r'href="/reviews"[^>]*>[^<]*<b class="count')


@pytest.fixture
def city(app: Flask, county: County) -> int:
    """An officer of the city: what waits there is added up, in a county it is counted."""
    with app.app_context(), transaction():
        user = add_user("city", PASSWORD, "市", "officer", [GRID[:CITY_DIGITS]], actor=None, now=clock.now())
        county.users["city"] = user.id
        return user.id


def test_every_step_of_a_visit_is_in_the_counts_of_wide_areas_as_in_those_of_narrow_ones(
    app: Flask, county: County, city: int
) -> None:
    phone = Phone(app, county)

    def waits() -> dict[str, int]:
        """How many wait, by severity; that all ways to count agree is seen on the way."""
        with app.app_context():
            assert list_wrong() == {}
            wide, narrow = (db.session.get_one(User, one) for one in (city, county.users["officer"]))
            added_up, counted = count_waiting(wide), count_waiting(narrow)
            assert added_up == counted
            total = added_up.total, added_up.by_severity.get("red", 0)
            assert sum(by_area[0] for by_area in count_by_area(wide, COUNTY_DIGITS).values()) == total[0]
            assert sum(by_area[1] for by_area in count_by_area(wide, COUNTY_DIGITS).values()) == total[1]
            assert count_by_area(wide, COUNTY_DIGITS) == count_by_area(narrow, COUNTY_DIGITS)
            return {severity: number for severity, number in added_up.by_severity.items() if number}

    def act(what: str, body: dict[str, Any], **more: object) -> None:
        with app.app_context(), transaction():
            supervisor = db.session.get_one(User, county.users["supervisor"])
            revision = db.session.get_one(Visit, body["visit_uuid"]).revision
            step = getattr(actions, f"{what}_visit")
            step(supervisor, body["visit_uuid"], revision, now=clock.now(), **more)

    def send(body: dict[str, Any], **more: object) -> None:
        kind = "visit.revise" if more else "visit.submit"
        assert phone.push(phone.op(kind, body, **more))[0]["outcome"] == "accepted"

    assert waits() == {}
    hungry, clean = phone.visit(HUNGRY), phone.visit()
    send(hungry)
    send(clean)
    assert waits() == {"red": 1, "": 1}
    act("return", clean, reason="照片看不清", notes={})
    assert waits() == {"red": 1}
    send(clean, base=1)
    assert waits() == {"red": 1, "": 1}
    with app.app_context():
        flags = [flag.id for flag in list_flags([hungry["visit_uuid"]])]
    for flag_id in flags:
        with app.app_context(), transaction():
            supervisor = db.session.get_one(User, county.users["supervisor"])
            actions.dismiss_flag(supervisor, flag_id, reason="已送粮油", now=clock.now())
    assert waits() == {"": 2}
    act("approve", clean)
    assert waits() == {"": 1}
    act("void", hungry, reason="错户")
    assert waits() == {}


def test_who_must_not_know_of_a_visit_finds_it_in_no_number(app: Flask, county: County, city: int) -> None:
    phone = Phone(app, county)
    assert phone.push(phone.op("visit.submit", phone.visit(ABUSED)))[0]["outcome"] == "accepted"
    for name in ("leader", "city"):
        page = Desk(app, name).get("/reviews")
        assert "有 1 条走访待审核" in words_of(page)
        assert IN_MENU.search(page.text)
        declare(app, county, name)
        page = Desk(app, name).get("/reviews")
        assert "条走访待审核" not in words_of(page)
        assert not IN_MENU.search(page.text)
    with app.app_context():
        reader = db.session.get_one(User, city)
        assert count_waiting(reader).oldest_at is None
        assert count_waiting(reader).total == 0
