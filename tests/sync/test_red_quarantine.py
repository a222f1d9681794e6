"""What is red and could not be taken in: somebody is told at once, and whoever takes it in is not told twice."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups import incident_queries as queries
from fieldapp.followups.models import Incident, IncidentEvent
from fieldapp.people.relatives import declare_relative
from tests.factories import GRID, OTHER_GRID, Desk, Phone, text_of
from tests.followups.test_incidents import alarmed, answer, put_on_duty, steps_of, user_of
from tests.followups.test_pages import HUNGRY, words_of
from tests.notices.test_inbox import told
from tests.sync.test_quarantine import elsewhere, quarantine

EVERYBODY = {"supervisor", "leader", "officer"}


def send_red(phone, **more) -> tuple[dict[str, Any], str]:
    """A red visit that cannot be applied as it comes, and its address at the desk."""
    op = phone.op("visit.submit", elsewhere(phone, answers=HUNGRY, **more))
    return op, quarantine(phone, op)


def the_incident() -> Incident:
    return db.session.scalars(select(Incident)).one()


def test_red_visit_in_quarantine_is_on_every_desk_of_the_workers_area_at_once(app, county, phone):
    _, address = send_red(phone)
    with app.app_context():
        assert alarmed(county) == EVERYBODY
        assert told(county, "incident.raised") == sorted(EVERYBODY)
        assert steps_of(the_incident().id) == [("raised", "county")]
        assert (the_incident().area_code, the_incident().household_uuid) == (GRID, None)
        incident_id = the_incident().id
    page = Desk(app).get(f"/incidents/{incident_id}")
    assert f'href="{address}"' in page.text
    assert "没能入库" in words_of(page)
    # The household is not the worker's: nothing is said of it.
    assert "陈立国" not in page.text
    assert address not in Desk(app, "leader").get(f"/incidents/{incident_id}").text
    assert Desk(app, "stranger").get(f"/incidents/{incident_id}").status_code == 404


def test_whoever_is_on_duty_is_told_of_the_quarantine(app, county, phone):
    with app.app_context():
        put_on_duty(county, "leader")
    send_red(phone)
    with app.app_context():
        assert alarmed(county) == {"leader", "officer"}


@pytest.mark.parametrize(
    "more",
    [
        {"answers": {"reached": "reached"}, "urgent_calls": [{"to": "110", "at": text_of(clock.now())}]},
        {"answers": HUNGRY, "started_at": "never"},
        {"answers": HUNGRY, "visit_uuid": "nonsense"},
        {"answers": HUNGRY, "household_uuid": None},
    ],
    ids=["call", "broken time", "broken number", "no household"],
)
def test_whatever_is_wrong_with_it_red_is_told(app, county, phone, more):
    receipt = phone.push(phone.op("visit.submit", elsewhere(phone) | more))[0]
    assert receipt["outcome"] == "rejected", receipt
    with app.app_context():
        assert alarmed(county) == EVERYBODY


def test_what_is_not_red_raises_nothing_and_what_comes_again_raises_no_more(app, county, phone):
    quarantine(phone, phone.op("visit.submit", elsewhere(phone)))
    with app.app_context():
        assert alarmed(county) == set()
    op, _ = send_red(phone)
    phone.push(op)
    with app.app_context():
        assert steps_of(the_incident().id) == [("raised", "county")]


def test_answered_in_quarantine_it_is_not_asked_again_when_the_phone_sends_it_right(app, county, phone):
    answers = HUNGRY | {"home": HUNGRY["home"] | {"heating": "none"}}
    wrong = phone.op("visit.submit", phone.visit(answers, started_at="never"))
    quarantine(phone, wrong)
    with app.app_context():
        answer(county, the_incident().id)
    body = wrong["body"] | {"started_at": text_of(clock.now())}
    [receipt] = phone.push(phone.op("visit.submit", body, replaces=wrong["op_uuid"]))
    assert receipt["outcome"] == "accepted", receipt
    with app.app_context():
        incident = the_incident()
        assert (incident.visit_uuid, incident.quarantine_key) == (body["visit_uuid"], None)
        assert alarmed(county) == set()
        # Once in quarantine; then what its two answers say, for the record.
        assert [step for step, _ in steps_of(incident.id)] == ["raised", "acknowledged", "raised", "raised"]
        assert told(county, "incident.raised") == sorted(EVERYBODY)


def test_two_workers_who_name_the_same_visit_are_two_incidents(app, county, phone):
    other = Phone(app, county, "worker2")
    op, _ = send_red(phone)
    same = other.visit(HUNGRY, visit_uuid=op["body"]["visit_uuid"])
    quarantine(other, other.op("visit.submit", same))
    with app.app_context():
        areas = db.session.scalars(select(Incident.area_code).order_by(Incident.id)).all()
        assert areas == [GRID, OTHER_GRID]


def test_taken_in_elsewhere_it_asks_those_who_have_the_household(app, county, phone):
    op, address = send_red(phone)
    with app.app_context():
        answer(county, the_incident().id)
        assert alarmed(county) == set()
    assert Desk(app).post(f"{address}/take-in", reason="确实去了").status_code == 303
    with app.app_context():
        incident = the_incident()
        assert (incident.visit_uuid, incident.quarantine_key) == (op["body"]["visit_uuid"], None)
        assert (incident.area_code, incident.household_uuid) == (OTHER_GRID, county.other_household_uuid)
        assert alarmed(county) == EVERYBODY


def test_nobody_has_looked_whether_it_is_abuse_so_a_declared_relative_is_not_told(app, county, phone):
    with app.app_context(), transaction():
        leader = user_of(county, "leader")
        declare_relative(leader, leader.id, county.person_uuids[0], "sibling", clock.now())
    # About the worker's own household, and wrong for another reason.
    op = phone.op("visit.submit", phone.visit(HUNGRY, finished_at="never"))
    quarantine(phone, op)
    with app.app_context():
        assert the_incident().household_uuid == county.household_uuid
        assert alarmed(county) == {"supervisor", "officer"}
        assert told(county, "incident.raised") == ["officer", "supervisor"]
        assert queries.list_open(user_of(county, "leader"), clock.now()) == []
    with app.app_context():
        reasons = db.session.scalars(select(IncidentEvent.reason)).all()
    assert all("刘玉珍" not in reason["zh"] for reason in reasons)


def test_somebody_elses_visit_named_by_it_is_left_alone(app, county, phone):
    body = phone.visit(HUNGRY)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    with app.app_context():
        answer(county, the_incident().id)
    other = Phone(app, county, "worker2")
    copied = other.op("visit.submit", other.visit(HUNGRY, visit_uuid=body["visit_uuid"]))
    assert other.push(copied)[0]["outcome"] == "rejected"
    with app.app_context():
        incidents = db.session.scalars(select(Incident).order_by(Incident.id)).all()
        assert [one.visit_uuid for one in incidents] == [body["visit_uuid"], None]
        assert [one.area_code for one in incidents] == [GRID, OTHER_GRID]
        assert [one.acknowledged_at is None for one in incidents] == [False, True]
