"""Due dates in the registry: what visits, tags and moves make of them, in whatever order they come."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.codes import Code
from fieldapp.core.db import db, transaction
from fieldapp.people import actions
from fieldapp.people.actions import Origin
from fieldapp.people.models import Person
from fieldapp.reviews.actions import void_visit
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, Phone, make_household, text_of


@pytest.fixture
def phone(app, county) -> Phone:
    return Phone(app, county)


def add_people(names: list[str]) -> list[str]:
    """Households of one person each in the worker's grid; returns the people's uuids."""
    with transaction():
        return [
            actions.add_household(make_household(GRID, name, [name]), clock.now()).people[0].person_uuid
            for name in names
        ]


def visit(phone: Phone, person: Person, days_ago: int, method="home", outcome="reached"):
    at = clock.now() - timedelta(days=days_ago)
    return phone.visit(
        {"reached": outcome},
        household_uuid=person.household_uuid,
        people=[person.person_uuid],
        method=method,
        outcome=outcome,
        started_at=text_of(at - timedelta(minutes=5)),
        finished_at=text_of(at),
    )


def facts_of(person_uuid: str) -> tuple[object, ...]:
    db.session.expire_all()
    person = db.session.get_one(Person, person_uuid)
    today = clock.local_date(clock.now())
    seen = person.last_contact_at and (today - clock.local_date(person.last_contact_at)).days
    return seen, (person.due_on - today).days, person.remote_counts


def test_visits_make_the_same_due_date_in_whatever_order_they_arrive_and_however_they_are_voided(app, phone):
    made = [(12, "home"), (8, "phone"), (5, "wechat"), (2, "phone")]
    with app.app_context():
        orders = list(permutations(range(len(made))))
        people = add_people([f"人{number}" for number in range(len(orders))])
        supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
        for person_uuid, order in zip(people, orders, strict=True):
            person = db.session.get_one(Person, person_uuid)
            bodies = [visit(phone, person, *made[place]) for place in order]
            assert {
                r["outcome"] for r in phone.push(*(phone.op("visit.submit", body) for body in bodies))
            } == {"accepted"}
            # At home 12 days ago, by phone 8 days ago; of the calls after that none counts.
            assert facts_of(person_uuid) == (2, -1, False), order
            by_days = {made[place]: body["visit_uuid"] for place, body in zip(order, bodies, strict=True)}
            with transaction():
                void_visit(supervisor, by_days[8, "phone"], 1, reason="打错了", now=clock.now())
            assert facts_of(person_uuid) == (2, 2, False), order
            with transaction():
                void_visit(supervisor, by_days[2, "phone"], 1, reason="打错了", now=clock.now())
                void_visit(supervisor, by_days[5, "wechat"], 1, reason="打错了", now=clock.now())
            assert facts_of(person_uuid) == (12, -5, True), order
            with transaction():
                void_visit(supervisor, by_days[12, "home"], 1, reason="没去", now=clock.now())
            assert facts_of(person_uuid) == (None, 0, True), order


def test_a_refusal_and_an_attempt_that_reached_nobody_reset_nothing(app, phone):
    with app.app_context():
        [person_uuid] = add_people(["王桂兰"])
        person = db.session.get_one(Person, person_uuid)
        phone.push(phone.op("visit.submit", visit(phone, person, 5)))
        assert facts_of(person_uuid) == (5, 2, True)
        for days_ago, outcome in ((3, "refused"), (1, "not_reached")):
            body = visit(phone, person, days_ago, outcome=outcome)
            assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
        assert facts_of(person_uuid) == (5, 2, True)


def test_a_patrol_counts_as_being_there_and_at_low_risk_every_call_counts(app, phone):
    with app.app_context():
        [person_uuid] = add_people(["王桂兰"])
        person = db.session.get_one(Person, person_uuid)
        for days_ago, method in ((9, "phone"), (6, "patrol"), (4, "video"), (1, "phone")):
            phone.push(phone.op("visit.submit", visit(phone, person, days_ago, method)))
        assert facts_of(person_uuid) == (1, 3, False)
        actor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
        for risk, facts in (("low", (1, 89, True)), ("high", (1, 3, False))):
            with transaction():
                person = db.session.get_one(Person, person_uuid)
                actions.change_person(person, {"risk": risk}, Origin(actor, "desk", clock.now()))
            assert facts_of(person_uuid) == facts


def test_tags_classes_and_the_code_tables_change_the_due_date(app, phone):
    today = clock.local_date(clock.now())
    with app.app_context():
        [person_uuid] = add_people(["王桂兰"])
        phone.push(phone.op("visit.submit", visit(phone, db.session.get_one(Person, person_uuid), 0)))
        actor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
        with transaction():
            tag = db.session.get_one(Code, ("tag", "care_missing"))
            tag.extra = {**tag.extra, "interval_days": 2}
            row = db.session.get_one(Code, ("class", "dibao_rural"))
            row.extra = {**row.extra, "interval_days": 5}
        soon = today + timedelta(days=1)
        for tags, days in (
            ([], 5),
            ([("care_missing", None, None)], 2),
            ([("care_missing", today - timedelta(days=9), soon)], 5),
            ([("care_missing", today + timedelta(days=4), None)], 4),
        ):
            with transaction():
                person = db.session.get_one(Person, person_uuid)
                actions.change_person(person, {"tags": tags}, Origin(actor, "desk", clock.now()))
                actions.refresh_due(person.household)
            assert facts_of(person_uuid)[1] == days, tags


def test_who_died_or_moved_away_is_not_due_and_is_again_when_that_was_an_error(app, county):
    with app.app_context():
        [person_uuid] = add_people(["王桂兰"])
        actor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
        registered_on = db.session.get_one(Person, person_uuid).registered_on
        for field in ("died_on", "moved_away_on"):
            for value, due_on in ((date(2026, 11, 1), None), (None, registered_on)):
                with transaction():
                    person = db.session.get_one(Person, person_uuid)
                    actions.change_person(person, {field: value}, Origin(actor, "desk", clock.now()))
                db.session.expire_all()
                person = db.session.get_one(Person, person_uuid)
                assert (person.due_on, person.household.due_on) == (due_on, due_on)


def test_phones_are_told_whether_a_call_would_count(app, phone):
    with app.app_context():
        [person_uuid] = add_people(["王桂兰"])
        person = db.session.get_one(Person, person_uuid)
        phone.push(phone.op("visit.submit", visit(phone, person, 3)))
        assert phone.pull()["person", person_uuid]["remote_counts"] is True
        phone.push(phone.op("visit.submit", visit(phone, person, 1, "wechat")))
        record = phone.pull()["person", person_uuid]
        due_on = clock.local_date(clock.now()) + timedelta(days=6)
        assert (record["remote_counts"], record["due_on"]) == (False, due_on.isoformat())


def test_the_command_works_out_again_what_the_code_tables_changed_and_tells_phones_of_that_only(app, phone):
    with app.app_context():
        [near, _far] = add_people(["王桂兰", "李德福"])
        phone.push(phone.op("visit.submit", visit(phone, db.session.get_one(Person, near), 2)))
        phone.pull()
        with transaction():
            row = db.session.get_one(Code, ("risk", "high"))
            row.extra = {**row.extra, "interval_days": 10}
        assert dict(actions.refresh_due_in(["23"])) == {GRID: 1, OTHER_GRID: 0}
        assert facts_of(near) == (2, 8, True)
        told = [(change["kind"], change["uuid"]) for change in phone.pull_page()["changes"]]
        household_uuid = db.session.get_one(Person, near).household_uuid
        assert sorted(told) == [("household", household_uuid), ("person", near)]
        assert dict(actions.refresh_due_in([GRID])) == {GRID: 0}
        assert dict(actions.refresh_due_in(["23"], after=GRID)) == {OTHER_GRID: 0}
