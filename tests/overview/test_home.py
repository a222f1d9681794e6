"""The first page: every figure is the length of the list it opens; areas below have their own."""

from __future__ import annotations

import re
import uuid
from datetime import time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fieldapp.aid import actions as aid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup, Incident
from fieldapp.notices import channel_actions
from fieldapp.people.actions import refresh_due
from fieldapp.people.models import DeclaredRelative, Household
from fieldapp.users.models import User
from tests.factories import Desk, Phone
from tests.followups.test_pages import HUNGRY, words_of

CARD = re.compile(r'<li class="figure-card[^"]*"><a href="([^"]+)"><b>(\d+)</b>')
CELL = re.compile(r'<td class="figure[^"]*"><a href="([^"]+)">(\d+)</a></td>')
# The keys of records in addresses: each entry of a list opens one.
KEY = re.compile(
    r'href="(/(?:incidents|reviews|followups|households|quarantine|aid|feedback|relief)/(?:[0-9a-f-]{36}|\d+))'
)


def figures_of(desk: Desk, shape: re.Pattern[str] = CARD) -> dict[str, int]:
    """{address: figure}"""
    return {address.replace("&amp;", "&"): int(count) for address, count in shape.findall(desk.get("/").text)}


def entries_of(desk: Desk, address: str) -> set[str]:
    """What the list at an address holds."""
    kind = "households" if address.startswith("/due") else re.split(r"[/?]", address)[1]
    return {key for key in KEY.findall(desk.get(address).text) if key.startswith(f"/{kind}/")}


@pytest.fixture
def busy(app, county) -> None:
    """Something of everything in the worker's grid, each once or twice."""
    phone = Phone(app, county)
    for answers in (HUNGRY, {"reached": "reached"}):
        assert phone.push(phone.op("visit.submit", phone.visit(answers)))[0]["outcome"] == "accepted"
    other = Phone(app, county, "worker2")
    assert other.push(other.op("visit.submit", other.visit()))[0]["outcome"] == "rejected"
    feedback = {"feedback_uuid": str(uuid.uuid4()), "topic": "workload", "text": "表太多"}
    assert phone.push(phone.op("feedback.send", feedback))[0]["outcome"] == "accepted"
    now = clock.now()
    with app.app_context(), transaction():
        db.session.execute(
            update(Followup).values(due_at=now - timedelta(hours=1), climbed_to="county", climbs_at=None)
        )
        household = db.session.get_one(Household, county.household_uuid)
        for person in household.people:
            person.last_contact_at, person.registered_on = None, clock.local_date(now) - timedelta(days=200)
            person.counted_on = None
        refresh_due(household)
        aid.enter_aid(
            db.session.scalars(select(User).where(User.username == "supervisor")).one(),
            str(uuid.uuid4()),
            aid.Subject(household=household),
            aid.Given(kind="cash", programme="heating", source="public", amount_cents=500_00),
            is_given=False,
            on=clock.local_date(now) - timedelta(days=1),
            received_by=None,
            now=now,
        )


@pytest.mark.parametrize("role", ["supervisor", "leader", "officer"])
def test_every_figure_is_the_length_of_the_list_it_opens(app, busy, role):
    desk = Desk(app, role)
    figures = figures_of(desk)
    assert len(figures) == (7 if role == "leader" else 9)
    for address, count in figures.items():
        if address != "/due" or role != "officer":
            assert len(entries_of(desk, address)) == count, address
    waiting = {"/incidents", "/reviews", "/followups?view=late", "/due"}
    assert all(figures[address] for address in waiting)


def test_figures_of_the_areas_below_open_the_lists_of_those_areas(app, busy):
    desk = Desk(app, "officer")
    cells = figures_of(desk, CELL)
    cards = figures_of(desk)
    for start in ("/reviews", "/followups", "/due"):
        of_areas = {address: count for address, count in cells.items() if address.startswith(start)}
        total = next(
            count for address, count in cards.items() if address.startswith(start) and "needs" not in address
        )
        assert sum(of_areas.values()) == total > 0
        for address, count in of_areas.items():
            assert len(entries_of(desk, address)) == count, address


@pytest.mark.parametrize("role", ["supervisor", "officer", "admin"])
def test_feedback_is_counted_for_whoever_answers_it(app, county, role):
    phone = Phone(app, county)
    for topic in ("app", "workload"):
        body = {"feedback_uuid": str(uuid.uuid4()), "topic": topic, "text": "表太多"}
        assert phone.push(phone.op("feedback.send", body))[0]["outcome"] == "accepted"
    desk = Desk(app, role)
    count = figures_of(desk)["/feedback"]
    # Administrators answer what is about the app.
    assert count == (1 if role == "admin" else 2)
    assert len(entries_of(desk, "/feedback")) == count


def test_administrator_begins_with_messages_that_did_not_get_through(app, county):
    with app.app_context(), transaction():
        admin = db.session.scalars(select(User).where(User.username == "admin")).one()
        values: dict[str, Any] = {
            "name": "值班群",
            "url": "json://127.0.0.1:9/",
            "area_code": None,
            "roles": ["supervisor"],
        }
        values |= {"severities": ["red"], "quiet_from": time(21), "quiet_to": time(7), "is_on": True}
        channel = channel_actions.add_channel(admin, values, clock.now())
        delivery = channel_actions.make_delivery(
            channel, clock.now(), cause="channel.test", subject="channel", subject_id=str(channel.id)
        )
        delivery.state, delivery.attempts, delivery.error = "failed", 1, "no_connection"
        db.session.add(delivery)
    desk = Desk(app, "admin")
    assert figures_of(desk)["/channels"] == 1
    assert "没有送到的 1" in words_of(desk.get("/channels"))


def test_where_nothing_waits_the_page_says_so(app, county):
    page = words_of(Desk(app, "stranger").get("/"))
    assert "没有待办" in page


def test_suspected_abuse_is_counted_for_everybody_but_near_relatives(app, county):
    phone = Phone(app, county)
    phone.push(phone.op("visit.submit", phone.visit(HUNGRY)))
    with app.app_context(), transaction():
        db.session.execute(update(Followup).values(is_abuse=True, type="child_protection"))
        db.session.execute(update(Incident).values(is_abuse=True))
        db.session.add(
            DeclaredRelative(
                user_id=county.users["supervisor"],
                person_uuid=county.person_uuids[0],
                relation="舅舅",
                declared_at=clock.now(),
            )
        )
    hers, theirs = figures_of(Desk(app)), figures_of(Desk(app, "officer"))
    assert (hers["/incidents"], theirs["/incidents"]) == (0, 1) if hers else theirs["/incidents"] == 1
