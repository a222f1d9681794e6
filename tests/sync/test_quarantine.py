"""The quarantine at the desk: who sees what waits, what is said of it, and what taking in and refusing do."""

from __future__ import annotations

import os
import random
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.followups import actions as followups
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews
from fieldapp.reviews.models import Flag
from fieldapp.sync.models import Operation
from fieldapp.sync.rules import body_hash
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit, VisitRevision
from tests.factories import GRID, OTHER_GRID, Desk, Phone, draw_photo, text_of


def address_of(phone: Phone, op: dict[str, Any]) -> str:
    return f"/quarantine/{phone.user_id}/{op['op_uuid']}/{body_hash(op['body'])}"


def quarantine(phone: Phone, op: dict[str, Any], outcome: str = "rejected") -> str:
    """Push an operation that cannot be applied; returns its address at the desk."""
    assert phone.push(op)[0]["outcome"] == outcome
    return address_of(phone, op)


def elsewhere(phone: Phone, **more: Any) -> dict[str, Any]:
    """A visit to the household of the other grid, which is not this worker's."""
    county = phone.county
    return phone.visit(
        **{"household_uuid": county.other_household_uuid, "people": [county.other_person_uuid], **more}
    )


def decide(app, county, visit_uuid: str, decision: str) -> None:
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        now = clock.now()
        if decision == "approved":
            reviews.approve_visit(supervisor, visit_uuid, 1, now=now)
        elif decision == "voided":
            reviews.void_visit(supervisor, visit_uuid, 1, reason="误记", now=now)
        else:
            reviews.return_visit(supervisor, visit_uuid, 1, reason="请补充", notes={}, now=now)


def count(app, model) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


# --- who sees what -------------------------------------------------------------------------------------------------


def test_what_waits_is_listed_the_worst_first_then_the_oldest(app, phone, county):
    plain = quarantine(phone, phone.op("visit.submit", elsewhere(phone)))
    red = quarantine(
        phone,
        phone.op(
            "visit.submit", elsewhere(phone, answers={"reached": "reached", "home": {"food_days": "lt3"}})
        ),
    )
    called = quarantine(
        phone,
        phone.op("visit.submit", elsewhere(phone, urgent_calls=[{"to": "110", "at": text_of(clock.now())}])),
    )
    later = quarantine(phone, phone.op("visit.submit", elsewhere(phone)))
    for role in ("supervisor", "officer"):
        desk = Desk(app, role)
        page = desk.get("/quarantine").text
        places = [page.index(address) for address in (red, called, plain, later)]
        assert places[2:] == sorted(places[2:])
        assert max(places[:2]) < min(places[2:])
        assert '<b class="count red">4<' in desk.get("/reviews").text
    for role in ("leader", "stranger"):
        assert '<b class="count red">4<' not in Desk(app, role).get("/reviews").text


def test_an_empty_quarantine_says_so(app, county):
    desk = Desk(app)
    for view in ("", "?view=settled", "?view=nonsense", "?page=99"):
        assert desk.get(f"/quarantine{view}").status_code == 200


def test_of_a_worker_who_also_worked_elsewhere_only_what_is_about_ones_own_households(app, phone, county):
    with app.app_context(), transaction():
        since = clock.now() - timedelta(days=90)
        ended = clock.now() - timedelta(days=60)
        db.session.add(
            UserScope(user_id=phone.user_id, area_code="230183101", starts_at=since, ends_at=ended)
        )
    ours = quarantine(phone, phone.op("visit.submit", elsewhere(phone)))
    whose = quarantine(phone, phone.op("visit.submit", elsewhere(phone, household_uuid=str(uuid.uuid4()))))
    supervisor, officer, stranger = (Desk(app, name) for name in ("supervisor", "officer", "stranger"))
    assert [desk.get(ours).status_code for desk in (supervisor, officer, stranger)] == [200, 200, 404]
    # Nobody but whoever has all of the worker's areas: it may be about a household of any of them.
    assert [desk.get(whose).status_code for desk in (supervisor, officer, stranger)] == [404, 200, 404]
    assert whose not in supervisor.get("/quarantine").text
    assert whose in officer.get("/quarantine").text
    assert supervisor.post(f"{whose}/refuse", reason="不是我们的").status_code == 404


def test_the_page_says_why_in_words_and_masks_numbers(app, phone, county):
    address = quarantine(
        phone,
        phone.op(
            "visit.submit",
            elsewhere(phone, answers={"reached": "reached", "note": "打 13812341234 找他"}),
        ),
    )
    page = Desk(app).get(address).text
    assert "陈立国" in page
    assert "第2网格" in page
    assert "13812341234" not in page
    assert "138****1234" in page


def test_answers_to_a_version_nobody_knows_are_read_with_the_newest(app, phone, county):
    answers = {"reached": "reached", "home": {"food_days": "lt3"}}
    unknown = {"key": "routine", "version": "99"}
    address = quarantine(phone, phone.op("visit.submit", phone.visit(answers, checklist=unknown)))
    assert "不足3天" in Desk(app).get(address).text


def test_a_household_out_of_ones_areas_is_not_named(app, county):
    other = Phone(app, county, "worker2")
    with app.app_context(), transaction():
        scope = db.session.scalars(select(UserScope).where(UserScope.user_id == other.user_id)).one()
        db.session.add(
            UserScope(user_id=county.users["stranger"], area_code=OTHER_GRID, starts_at=scope.starts_at)
        )
    address = quarantine(other, other.op("visit.submit", other.visit()))
    page = Desk(app, "stranger").get(address).text
    assert "刘玉珍" not in page


@pytest.mark.parametrize("role", ["supervisor", "officer"])
def test_photos_of_what_waits_can_be_seen_by_whoever_settles_it(app, phone, county, role):
    photo = draw_photo()
    sha256 = phone.put_photo(photo).json["sha256"]
    other = phone.put_photo(draw_photo(2)).json["sha256"]
    address = quarantine(
        phone,
        phone.op("visit.submit", elsewhere(phone, attachments=[{"sha256": sha256, "question": "photo"}])),
    )
    desk = Desk(app, role)
    assert f"/api/attachments/{sha256}" in desk.get(address).text
    assert desk.get(f"/api/attachments/{sha256}").data == photo
    assert desk.get(f"/api/attachments/{other}").status_code == 404
    for stranger in ("stranger", "leader", "stranger_officer"):
        assert Desk(app, stranger).get(f"/api/attachments/{sha256}").status_code == 404


def test_somebody_elses_photo_is_not_opened_by_naming_it(app, phone, county):
    other = Phone(app, county, "worker2")
    sha256 = other.put_photo(draw_photo()).json["sha256"]
    address = quarantine(
        phone,
        phone.op("visit.submit", elsewhere(phone, attachments=[{"sha256": sha256, "question": "photo"}])),
    )
    desk = Desk(app)
    assert f"/api/attachments/{sha256}" not in desk.get(address).text
    assert desk.get(f"/api/attachments/{sha256}").status_code == 404


# --- taking in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["supervisor", "officer"])
def test_a_visit_is_taken_in_as_it_is(app, phone, county, role):
    op = phone.op("visit.submit", elsewhere(phone))
    address = quarantine(phone, op)
    answer = Desk(app, role).post(f"{address}/take-in", reason="确实去了")
    assert (answer.status_code, answer.location) == (303, "/quarantine")
    [receipt] = phone.push(op)
    assert (receipt["outcome"], receipt["code"], receipt["fields"]) == ("duplicate", None, {})
    assert receipt["rev"] > 0
    record = phone.pull()["visit", op["body"]["visit_uuid"]]
    assert record["state"] == "submitted"
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert (visit.worker_id, visit.area_code, visit.out_of_scope) == (phone.user_id, OTHER_GRID, False)
        revision = visit.revisions[0]
        assert (revision.taken_in_by, revision.taken_in_reason) == (county.users[role], "确实去了")
        assert revision.body == op["body"]
        assert db.session.get_one(Household, county.other_household_uuid).last_visit_on is not None
        assert "out_of_scope" not in set(db.session.scalars(select(Flag.rule)))
        kept = db.session.scalars(select(Operation)).one()
        assert (kept.state, kept.quarantine, kept.settled_by) == ("accepted", op, county.users[role])
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "operation.take_in")).one()
        assert (entry.actor_id, entry.values["worker_id"]) == (county.users[role], phone.user_id)
    page = Desk(app).get(f"/reviews/{op['body']['visit_uuid']}").text
    assert f"测试{role}" in page
    assert "确实去了" in page
    assert "确实去了" in Desk(app).get("/quarantine?view=settled").text
    assert Desk(app).get(address).status_code == 200


def test_a_visit_taken_in_later_counts_from_when_it_came(app, phone, county):
    address = quarantine(phone, phone.op("visit.submit", elsewhere(phone)))
    with app.app_context(), transaction():
        operation = db.session.scalars(select(Operation)).one()
        operation.received_at = clock.now() - timedelta(days=3)
    Desk(app).post(f"{address}/take-in")
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert clock.now() - visit.received_at > timedelta(days=2)
        assert visit.finished_at <= visit.received_at


def test_what_was_sent_wrong_is_chosen_and_the_rest_left_out(app, phone, county):
    sent = elsewhere(
        phone,
        outcome="seen",
        finished_at="昨天",
        checklist={"key": "routine", "version": "99"},
        surprise={"a": 1},
        location={"lat": 200, "lon": 0, "accuracy_m": 5, "datum": "WGS84", "at": "2026-11-23T00:00:00Z"},
        attachments=[
            {"sha256": "1" * 64, "question": "photo"},
            {"sha256": "../../etc", "question": "photo"},
            {"sha256": "2" * 64, "question": "photo"},
        ],
    )
    op = phone.op("visit.submit", sent)
    address = quarantine(phone, op)
    desk = Desk(app)
    page = desk.get(address).text
    assert "surprise" in page
    incomplete = desk.post(f"{address}/take-in", outcome="reached")
    assert incomplete.status_code == 422
    assert count(app, Visit) == 0
    at = (clock.now() - timedelta(hours=1)).astimezone(clock.LOCAL)
    answer = desk.post(
        f"{address}/take-in",
        outcome="reached",
        checklist="routine/1",
        finished_at=at.strftime("%Y-%m-%dT%H:%M"),
    )
    assert answer.status_code == 303
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        body = visit.revisions[0].body
        assert (body["outcome"], body["checklist"]) == ("reached", {"key": "routine", "version": "1"})
        assert [item["sha256"] for item in body["attachments"]] == ["1" * 64, "2" * 64]
        assert not {"surprise", "location"} & set(body)
        assert abs(visit.finished_at - at) < timedelta(minutes=1)
        assert db.session.scalars(select(Operation)).one().quarantine == op
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "operation.take_in")).one()
        assert set(entry.values["left_out"]) == {"surprise", "location", "attachments.1"}
        assert {"outcome", "checklist", "finished_at"} <= set(entry.values["corrected"])
    assert phone.push(op)[0]["outcome"] == "duplicate"


def test_a_time_typed_at_the_desk_is_a_time_and_not_the_phones(app, phone, county):
    ahead = timedelta(days=2)
    op = phone.op("visit.submit", elsewhere(phone, finished_at=None))
    assert phone.push(op, sent_at=text_of(clock.now() + ahead))[0]["outcome"] == "rejected"
    at = (clock.now() - timedelta(hours=5)).astimezone(clock.LOCAL)
    Desk(app).post(f"{address_of(phone, op)}/take-in", finished_at=at.strftime("%Y-%m-%dT%H:%M"))
    with app.app_context():
        assert abs(db.session.scalars(select(Visit)).one().finished_at - at) < timedelta(minutes=1)


def test_household_and_people_are_chosen_where_there_are_none_like_those(app, phone, county):
    sent = phone.visit(
        {"reached": "reached", "people": [{"condition": "same"}, {"condition": "worse"}]},
        household_uuid=str(uuid.uuid4()),
        people=[str(uuid.uuid4()), "nobody"],
    )
    op = phone.op("visit.submit", sent)
    address = quarantine(phone, op)
    desk = Desk(app)
    assert "<select" not in desk.get(address).text
    found = desk.get(f"{address}?find=玉珍").text
    assert f"household={county.household_uuid}" in found
    assert "陈立国" not in found
    assert desk.get(f"{address}?household={county.household_uuid}").text.count('name="person"') == 2
    first, second = county.person_uuids
    household = {"household": county.household_uuid}
    for wrong in ([], [first], [first, ""], [first, first], [first, county.other_person_uuid]):
        assert desk.post(f"{address}/take-in", person=wrong, **household).status_code in {403, 422}
    assert desk.post(f"{address}/take-in", person=["none", second], **household).status_code == 303
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert visit.household_uuid == county.household_uuid
        assert visit.revisions[0].body["people"] == [second]
        assert visit.revisions[0].answers["people"] == [{"condition": "worse"}]


def test_more_parts_than_people_are_no_reason_to_ask(app, phone, county):
    answers = {"reached": "reached", "people": [{"condition": "same"}, {"condition": "same"}]}
    address = quarantine(phone, phone.op("visit.submit", elsewhere(phone, answers=answers)))
    assert "<select" not in Desk(app).get(address).text
    assert Desk(app).post(f"{address}/take-in").status_code == 303


def test_a_household_out_of_ones_areas_cannot_be_chosen(app, phone, county):
    address = quarantine(phone, phone.op("visit.submit", phone.visit(household_uuid=None, people=[])))
    with app.app_context(), transaction():
        scope = db.session.scalars(
            select(UserScope).where(UserScope.user_id == county.users["supervisor"])
        ).one()
        scope.area_code = GRID
    desk = Desk(app)
    assert "陈立国" not in desk.get(f"{address}?find=陈").text
    assert desk.post(f"{address}/take-in", household=county.other_household_uuid).status_code == 403
    assert count(app, Visit) == 0


def test_a_household_that_was_in_anothers_grid_then_is_theirs_to_settle(app, phone, county):
    body = elsewhere(phone)
    address = quarantine(phone, phone.op("visit.submit", body))
    with app.app_context(), transaction():
        officer = db.session.get_one(User, county.users["officer"])
        reviews.move_household(officer, county.other_household_uuid, GRID, now=clock.now())
        scope = db.session.scalars(
            select(UserScope).where(UserScope.user_id == county.users["supervisor"])
        ).one()
        scope.area_code = GRID
    answer = Desk(app).post(f"{address}/take-in")
    assert answer.status_code == 403
    assert Desk(app, "officer").post(f"{address}/take-in").status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().area_code == OTHER_GRID


def test_the_same_content_under_another_number_is_known_once_it_was_taken_in(app, phone, county):
    body = elsewhere(phone, outcome="seen")
    address = quarantine(phone, phone.op("visit.submit", body))
    Desk(app).post(f"{address}/take-in", outcome="reached")
    # Not readable as it is, so it waits; the first one is what the phone has and asks about.
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "rejected"
    readable = elsewhere(phone)
    address = quarantine(phone, phone.op("visit.submit", readable))
    Desk(app).post(f"{address}/take-in")
    assert phone.push(phone.op("visit.submit", readable))[0]["outcome"] == "duplicate"


def test_the_number_of_somebody_elses_visit_is_given_another(app, phone, county):
    theirs = phone.visit()
    phone.push(phone.op("visit.submit", theirs))
    other = Phone(app, county, "worker2")
    op = other.op("visit.submit", elsewhere(other, visit_uuid=theirs["visit_uuid"]))
    address = quarantine(other, op)
    assert "入户" not in Desk(app).get(address).text.partition("<h2>")[0]
    assert Desk(app).post(f"{address}/take-in").status_code == 303
    with app.app_context():
        workers = set(db.session.scalars(select(Visit.worker_id)))
        assert workers == {phone.user_id, other.user_id}
    assert other.push(op)[0]["outcome"] == "duplicate"
    assert len([key for key in other.pull() if key[0] == "visit"]) == 1


# --- conflicts -----------------------------------------------------------------------------------------------------


def test_a_conflict_shows_both_sides_and_becomes_the_next_version(app, phone, county):
    body = phone.visit({"reached": "reached", "basics": {"utilities": "ok"}})
    phone.push(phone.op("visit.submit", body))
    changed = {
        **body,
        "method": "phone",
        "answers": {"reached": "reached", "basics": {"utilities": "no_water"}},
    }
    op = phone.op("visit.submit", changed)
    address = quarantine(phone, op, "conflict")
    desk = Desk(app)
    page = desk.get(address).text
    assert page.count('class="differs"') == 2
    assert desk.post(f"{address}/take-in", revision=1).status_code == 303
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert (visit.revision, visit.state, visit.method) == (2, "submitted", "phone")
        assert [revision.taken_in_by for revision in visit.revisions] == [None, county.users["supervisor"]]
    assert phone.push(op)[0]["outcome"] == "duplicate"
    # The same words under yet another number are here already.
    assert phone.push(phone.op("visit.submit", changed))[0]["outcome"] == "duplicate"


@pytest.mark.parametrize("decision", ["approved", "voided"])
def test_going_beyond_a_decision_needs_words(app, phone, county, decision):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    decide(app, county, body["visit_uuid"], decision)
    op = phone.op("visit.revise", {**body, "method": "phone"}, base=1)
    address = quarantine(phone, op, "conflict")
    desk = Desk(app)
    assert desk.post(f"{address}/take-in", revision=1).status_code == 422
    assert desk.post(f"{address}/take-in", revision=1, reason="  ").status_code == 422
    assert desk.post(f"{address}/take-in", revision=1, reason="电话核实过,确有此事").status_code == 303
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert (visit.state, visit.revision) == ("submitted", 2)
        assert db.session.get_one(Household, county.household_uuid).last_visit_on is not None


def test_a_returned_visit_takes_the_late_correction_without_words(app, phone, county):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    decide(app, county, body["visit_uuid"], "returned")
    address = quarantine(phone, phone.op("visit.revise", {**body, "method": "phone"}, base=7), "conflict")
    assert Desk(app).post(f"{address}/take-in", revision=1).status_code == 303


def test_what_changed_meanwhile_is_shown_before_it_is_decided_on(app, phone, county):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    address = quarantine(phone, phone.op("visit.submit", {**body, "method": "wechat"}), "conflict")
    phone.push(phone.op("visit.revise", {**body, "method": "video"}, base=1))
    desk = Desk(app)
    assert desk.post(f"{address}/take-in", revision=1).status_code == 409
    assert desk.post(f"{address}/take-in", revision=2).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().method == "wechat"


def test_the_household_of_a_visit_that_is_here_stays(app, phone, county):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    moved = elsewhere(phone, visit_uuid=body["visit_uuid"])
    address = quarantine(phone, phone.op("visit.submit", moved), "conflict")
    person = county.person_uuids[0]
    assert Desk(app).post(f"{address}/take-in", revision=1, person=[person]).status_code == 303
    with app.app_context():
        revision = db.session.scalars(select(VisitRevision).where(VisitRevision.revision == 2)).one()
        assert revision.body["household_uuid"] == county.household_uuid


# --- what waits for something else ---------------------------------------------------------------------------------


def test_a_correction_follows_when_its_visit_is_taken_in(app, phone, county):
    body = elsewhere(phone)
    submit = phone.op("visit.submit", body)
    revise = phone.op("visit.revise", {**body, "method": "phone"}, base=1)
    again = phone.op("visit.revise", {**body, "method": "video"}, base=2)
    assert [receipt["outcome"] for receipt in phone.push(submit, again, revise)] == ["rejected"] * 3
    desk = Desk(app)
    waits = address_of(phone, revise)
    assert address_of(phone, submit) in desk.get(waits).text
    assert "take-in" not in desk.get(waits).text
    assert desk.post(f"{address_of(phone, submit)}/take-in").status_code == 303
    assert [receipt["outcome"] for receipt in phone.push(submit, revise, again)] == ["duplicate"] * 3
    with app.app_context():
        visit = db.session.scalars(select(Visit)).one()
        assert (visit.revision, visit.method) == (3, "video")
        assert [revision.taken_in_by is None for revision in visit.revisions] == [False, True, True]
    assert "take-in" not in desk.get(waits).text


def test_a_correction_that_came_before_its_visit_is_applied_with_it(app, phone, county):
    body = phone.visit()
    submit = phone.op("visit.submit", body)
    revise = phone.op("visit.revise", {**body, "method": "phone"}, base=1)
    [receipt] = phone.push(revise)
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "prerequisite_waiting")
    assert phone.push(submit)[0]["outcome"] == "accepted"
    assert phone.push(revise)[0]["outcome"] == "duplicate"
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().method == "phone"


def test_a_correction_that_does_not_fit_its_visit_waits_with_a_new_reason(app, phone, county):
    body = phone.visit()
    submit = phone.op("visit.submit", body)
    revise = phone.op("visit.revise", {**body, "method": "phone"}, base=5)
    phone.push(revise)
    assert phone.push(submit)[0]["outcome"] == "accepted"
    [receipt] = phone.push(revise)
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "base_outdated")


def test_a_correction_older_than_the_visit_that_came_waits_for_the_desk(app, phone, county):
    body = phone.visit(checklist={"key": "routine", "version": "never"})
    submit = phone.op("visit.submit", body)
    revise = phone.op("visit.revise", {**phone.visit(), "visit_uuid": body["visit_uuid"]}, base=1)
    phone.push(submit, revise)
    edited = phone.op(
        "visit.submit", {**body, "checklist": {"key": "routine", "version": "1"}}, replaces=submit["op_uuid"]
    )
    assert phone.push(edited)[0]["outcome"] == "accepted"
    assert phone.push(revise)[0]["code"] == "prerequisite_waiting"
    desk = Desk(app)
    assert desk.post(f"{address_of(phone, revise)}/take-in", revision=1).status_code == 303
    assert phone.push(revise)[0]["outcome"] == "duplicate"


def test_a_correction_whose_visit_was_refused_can_be_taken_in_as_the_visit(app, phone, county):
    body = elsewhere(phone)
    submit = phone.op("visit.submit", body)
    revise = phone.op("visit.revise", {**body, "method": "phone"}, base=1)
    phone.push(submit, revise)
    desk = Desk(app)
    desk.post(f"{address_of(phone, submit)}/refuse", reason="记错了,以更正为准")
    assert desk.post(f"{address_of(phone, revise)}/take-in").status_code == 303
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().method == "phone"


def test_a_correction_of_somebody_elses_visit_reads_like_one_of_none(app, phone, county):
    theirs = phone.visit()
    phone.push(phone.op("visit.submit", theirs))
    other = Phone(app, county, "worker2")
    first, second = other.push(
        other.op("visit.revise", theirs, base=1), other.op("visit.revise", other.visit(), base=1)
    )
    assert {**first, "op_uuid": None} == {**second, "op_uuid": None}


# --- refusing ------------------------------------------------------------------------------------------------------


def test_the_worker_reads_why_it_was_refused_as_often_as_they_ask(app, phone, county):
    op = phone.op("visit.submit", elsewhere(phone))
    address = quarantine(phone, op)
    desk = Desk(app)
    assert desk.post(f"{address}/refuse", reason=" ").status_code == 422
    assert desk.post(f"{address}/refuse", reason="同事已上报").status_code == 303
    for _ in range(2):
        [receipt] = phone.push(op)
        assert (receipt["outcome"], receipt["code"]) == ("rejected", "refused_by_office")
        assert "同事已上报" in receipt["message"]
    with app.app_context():
        kept = db.session.scalars(select(Operation)).one()
        assert (kept.state, kept.quarantine) == ("refused", op)
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "operation.refuse")).one()
        assert entry.values["reason"] == "同事已上报"
    assert "同事已上报" in desk.get(address).text
    # What the worker makes of it anew is looked at anew.
    edited = phone.op("visit.submit", phone.visit(), replaces=op["op_uuid"])
    assert phone.push(edited)[0]["outcome"] == "accepted"
    assert phone.push(op)[0]["code"] == "refused_by_office"


def test_what_is_settled_is_settled_once(app, phone, county):
    address = quarantine(phone, phone.op("visit.submit", elsewhere(phone)))
    desk = Desk(app)
    assert desk.post(f"{address}/refuse", reason="重复").status_code == 303
    assert desk.post(f"{address}/take-in").status_code == 409
    assert desk.post(f"{address}/refuse", reason="再来").status_code == 409
    assert count(app, Visit) == 0


def test_two_at_the_desk_at_once_take_in_once(app, phone, county):
    address = quarantine(phone, phone.op("visit.submit", elsewhere(phone)))
    desks = [Desk(app, "supervisor"), Desk(app, "officer")]
    gate, statuses = threading.Barrier(2), []

    def settle(desk: Desk) -> None:
        gate.wait()
        statuses.append(desk.post(f"{address}/take-in").status_code)

    threads = [threading.Thread(target=settle, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [303, 409]
    assert count(app, VisitRevision) == 1


def test_what_its_worker_corrected_meanwhile_no_longer_waits(app, phone, county):
    body = phone.visit(outcome="seen")
    op = phone.op("visit.submit", body)
    address = quarantine(phone, op)
    phone.push(phone.op("visit.submit", {**body, "outcome": "reached"}, replaces=op["op_uuid"]))
    desk = Desk(app)
    assert address not in desk.get("/quarantine").text
    assert desk.post(f"{address}/take-in", outcome="reached").status_code == 409


# --- follow-ups ----------------------------------------------------------------------------------------------------


def hand_out(app, county, assignee: str) -> str:
    with app.app_context(), transaction():
        return followups.create_followup(
            db.session.get_one(User, county.users["supervisor"]),
            household_uuid=county.household_uuid,
            person_uuid=None,
            visit_uuid=None,
            type="heating",
            severity="orange",
            reason_text="取暖煤送到没有?",
            assignee_id=county.users[assignee],
            due_at=clock.now() + timedelta(hours=1),
            instructions=None,
            now=clock.now(),
        ).followup_id


def report(phone: Phone, followup_id: str, **more: Any) -> dict[str, Any]:
    now = text_of(clock.now())
    return phone.op(
        "followup.report",
        {
            "followup_id": followup_id,
            "checklist": {"key": "followup_result", "version": "1"},
            "started_at": now,
            "finished_at": now,
            "answers": {"done": "yes"},
            **more,
        },
    )


def test_a_report_of_whoever_no_longer_had_the_task_is_taken_in(app, phone, county):
    followup_id = hand_out(app, county, "worker")
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        reviews.move_household(supervisor, county.household_uuid, OTHER_GRID, now=clock.now())
    op = report(phone, followup_id, surprise=1)
    address = quarantine(phone, op)
    desk = Desk(app)
    assert "刘玉珍" in desk.get(address).text
    assert desk.post(f"{address}/take-in").status_code == 303
    assert phone.push(op)[0]["outcome"] == "duplicate"
    with app.app_context():
        assert db.session.get_one(Followup, followup_id).state == "done"
        event = db.session.scalars(select(FollowupEvent).where(FollowupEvent.step == "reported")).one()
        assert (event.actor_id, event.taken_in_by) == (phone.user_id, county.users["supervisor"])
    assert "测试supervisor" in desk.get(f"/followups/{followup_id}").text


def test_a_second_report_is_shown_beside_the_first_and_waits_until_the_task_is_open(app, phone, county):
    followup_id = hand_out(app, county, "worker")
    phone.push(report(phone, followup_id))
    second = report(phone, followup_id, answers={"done": "no"})
    address = quarantine(phone, second, "conflict")
    desk = Desk(app)
    assert f"/followups/{followup_id}" in desk.get(address).text
    assert "take-in" not in desk.get(address).text
    assert desk.post(f"{address}/take-in").status_code == 409
    desk.post(f"/followups/{followup_id}/reopen", reason="以第二次为准")
    assert desk.post(f"{address}/take-in").status_code == 303


def test_a_report_with_an_unknown_checklist_is_taken_in_with_another(app, phone, county):
    followup_id = hand_out(app, county, "worker")
    op = report(phone, followup_id, checklist={"key": "followup_result", "version": "99"}, finished_at=1)
    address = quarantine(phone, op)
    desk = Desk(app)
    assert desk.post(f"{address}/take-in").status_code == 422
    assert desk.post(f"{address}/take-in", checklist="followup_result/1").status_code == 303


def test_a_refusal_is_taken_in(app, phone, county):
    followup_id = hand_out(app, county, "worker")
    other = Phone(app, county, "worker2")
    op = other.op("followup.refuse", {"followup_id": followup_id, "reason": "够不着" * 400})
    address = quarantine(other, op)
    assert Desk(app).post(f"{address}/take-in").status_code == 303
    with app.app_context():
        assert db.session.get_one(Followup, followup_id).state == "refused"


def test_a_report_about_no_task_can_only_be_refused(app, phone, county):
    address = quarantine(phone, report(phone, str(uuid.uuid4())))
    desk = Desk(app)
    assert "take-in" not in desk.get(address).text
    assert desk.post(f"{address}/take-in").status_code == 403
    assert desk.post(f"{address}/refuse", reason="没有这件任务").status_code == 303


# --- odd content ---------------------------------------------------------------------------------------------------


def nested(depth: int) -> Any:
    value: Any = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


ODD: list[Any] = [
    None,
    True,
    -1,
    10**300,
    1.5,
    float("inf"),
    "",
    "\ud83d",
    "a\u0000b",
    "x" * 5000,
    "<script>alert(1)</script>",
    "9999-12-31T23:59:59+23:59",
    "0001-01-01T00:00:00-23:59",
    [],
    {},
    [None, [], {}],
    {"\ud83d": "\udc00", "": {}},
    [{"sha256": "0" * 64}, {"sha256": "0" * 64, "question": "\ud83d"}, 3],
    {"key": "routine", "version": "1"},
    {"key": "\u0000", "version": ["1"]},
    {"key": "rou\ud83dtine", "version": "1"},
    nested(40),
    nested(200),
]
# How many bodies of each kind are made of them.
ODD_BODIES = int(os.environ.get("ODD_BODIES", "15"))
FIELDS = [
    *(
        "visit_uuid",
        "household_uuid",
        "people",
        "outcome",
        "checklist",
        "method",
        "started_at",
        "finished_at",
    ),
    *("location", "location_declined", "answers", "attachments", "urgent_calls", "followup_id", "reason"),
    "strange",
]


@pytest.mark.parametrize(
    "kind", ["visit.submit", "visit.revise", "followup.report", "followup.refuse", "odd"]
)
def test_whatever_a_phone_sends_has_a_page_and_can_be_refused(app, phone, county, kind):
    chance = random.Random(kind)
    ops = [phone.op(kind, body) for body in ODD if not isinstance(body, int) or body is True or body < 0]
    base = report(phone, str(uuid.uuid4()))["body"] if "report" in kind else phone.visit()
    for place in range(ODD_BODIES):
        body = {**base, **{name: chance.choice(ODD) for name in chance.sample(FIELDS, 1 + place % 5)}}
        if place % 3 == 0:
            body["answers"] = {"people": chance.choice(ODD), "home": chance.choice(ODD), "reached": "reached"}
        ops.append(phone.op(kind, {**body, "visit_uuid": str(uuid.uuid4())} if place % 2 else body))
    receipts = [
        receipt for start in range(0, len(ops), 40) for receipt in phone.push(*ops[start : start + 40])
    ]
    assert {receipt["outcome"] for receipt in receipts} <= {"rejected", "conflict", "accepted", "duplicate"}
    desk = Desk(app)
    assert desk.get("/quarantine").status_code == 200
    for op, receipt in zip(ops, receipts, strict=True):
        if receipt["outcome"] not in {"rejected", "conflict"}:
            continue
        address = address_of(phone, op)
        page = desk.get(address)
        assert page.status_code == 200, op
        assert "<script>alert" not in page.text
        assert desk.get(f"{address}?find=%25&household=x").status_code == 200
        assert desk.post(f"{address}/take-in").status_code in {303, 403, 409, 422}, op
        assert desk.post(f"{address}/refuse", reason="看不懂").status_code in {303, 409}, op
    assert desk.get("/quarantine?view=settled").status_code == 200


@pytest.mark.parametrize("hash_", ["0" * 64, "x", "%00", "é"])
def test_an_address_of_nothing_is_not_found(app, phone, county, hash_):
    desk = Desk(app)
    assert desk.get(f"/quarantine/{phone.user_id}/{uuid.uuid4()}/{hash_}").status_code == 404
