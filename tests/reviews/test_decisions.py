"""Deciding on visits and flags: every step from every state, allowed and refused."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import delete, select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household
from fieldapp.reviews import actions
from fieldapp.reviews.models import Flag, Review
from fieldapp.users.actions import add_user
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit
from tests.factories import GRID, HOME, PASSWORD, Desk, text_of

RED_ANSWERS = {"reached": "reached", "home": {"who_answered": "self", "food_days": "lt3"}}


def submit(phone, answers=None, **more) -> str:
    body = phone.visit(answers, **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


def actor(county, name="supervisor") -> User:
    return db.session.get_one(User, county.users[name])


def decide(county, step, visit_uuid, revision=1, who="supervisor", **more):
    now = clock.now()
    with transaction():
        if step == "approve":
            return actions.approve_visit(actor(county, who), visit_uuid, revision, now=now)
        if step == "reopen":
            return actions.reopen_visit(actor(county, who), visit_uuid, revision, now=now)
        if step == "return":
            words = {"reason": "请补充", "notes": {}} | more
            return actions.return_visit(actor(county, who), visit_uuid, revision, now=now, **words)
        return actions.void_visit(
            actor(county, who), visit_uuid, revision, now=now, **({"reason": "重复"} | more)
        )


# What a supervisor may do from which state, and where it leads; everything else is refused to everybody.
ALLOWED = {
    ("submitted", "approve"): "approved",
    ("submitted", "return"): "returned",
    ("submitted", "void"): "voided",
    ("approved", "void"): "voided",
    ("returned", "void"): "voided",
    # Accepted by the policy, not by a person.
    ("accepted", "void"): "voided",
    ("accepted", "reopen"): "submitted",
}
STATES = ("submitted", "approved", "accepted", "returned", "voided")
DECISIONS = {"approve": "approved", "return": "returned", "void": "voided", "reopen": "reopened"}


def put_into(county, visit_uuid, state) -> None:
    """The visit in that state, with the decision that brought it there where the state depends on it."""
    with transaction():
        db.session.execute(delete(Review))
        visit = db.session.get_one(Visit, visit_uuid)
        visit.state = "approved" if state == "accepted" else state
        if state in {"approved", "accepted"}:
            who = {"reviewer_id": county.users["supervisor"]} if state == "approved" else {}
            by = {"policy_county": "230183", "policy_number": 1} if state == "accepted" else {}
            db.session.add(
                Review(
                    visit_uuid=visit_uuid,
                    revision=1,
                    decision="approved",
                    decided_at=clock.now(),
                    **who,
                    **by,
                )
            )


@pytest.mark.parametrize("step", DECISIONS)
def test_decision_from_each_state_by_each_role(app, county, phone, step):
    visit_uuid = submit(phone)
    with app.app_context():
        for state in STATES:
            for name in county.users:
                put_into(county, visit_uuid, state)
                before = db.session.get_one(Visit, visit_uuid).state
                decisions = len(db.session.scalars(select(Review)).all())
                after = ALLOWED.get((state, step))
                if name == "supervisor" and after:
                    assert decide(county, step, visit_uuid, who=name).state == after
                    taken = db.session.scalars(select(Review).order_by(Review.id.desc())).first()
                    assert taken.decision == DECISIONS[step]
                    assert taken.reviewer_id == county.users[name]
                    continue
                with pytest.raises(AppError) as refused:
                    decide(county, step, visit_uuid, who=name)
                role = db.session.get_one(User, county.users[name]).role
                in_scope = name in {"worker", "supervisor", "leader", "officer"}
                expected = (
                    "not_found" if not in_scope else "state_wrong" if role == "supervisor" else "wrong_role"
                )
                assert refused.value.code == expected, (state, name)
                assert db.session.get_one(Visit, visit_uuid).state == before
                assert len(db.session.scalars(select(Review)).all()) == decisions


@pytest.mark.parametrize("state", ["submitted", "returned", "approved", "voided"])
def test_correction_from_each_state(app, phone, state):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    with app.app_context(), transaction():
        db.session.get_one(Visit, body["visit_uuid"]).state = state
    [receipt] = phone.push(phone.op("visit.revise", {**body, "method": "phone"}, base=1))
    if state in {"submitted", "returned"}:
        assert receipt["outcome"] == "accepted"
    else:
        assert (receipt["outcome"], receipt["code"]) == ("conflict", "state_wrong")


def test_revision_a_reviewer_did_not_see_cannot_be_decided(app, county, phone):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    phone.push(phone.op("visit.revise", {**body, "method": "phone"}, base=1))
    with app.app_context():
        with pytest.raises(AppError, match="state_wrong"):
            decide(county, "approve", body["visit_uuid"], revision=1)
        assert decide(county, "approve", body["visit_uuid"], revision=2).state == "approved"


def test_correction_of_an_outdated_revision_is_kept_as_a_conflict(phone):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    phone.push(phone.op("visit.revise", {**body, "method": "phone"}, base=1))
    [receipt] = phone.push(phone.op("visit.revise", {**body, "method": "video"}, base=1))
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "base_outdated")


@pytest.mark.parametrize("step", ["return", "void"])
@pytest.mark.parametrize("reason", ["", "   "])
def test_returning_and_voiding_need_a_reason(app, county, phone, step, reason):
    visit_uuid = submit(phone)
    with app.app_context(), pytest.raises(AppError, match="reason_needed"):
        decide(county, step, visit_uuid, reason=reason)


@pytest.mark.parametrize("step", ["approve", "return", "void"])
def test_visit_outside_the_reviewers_area_is_not_found(app, county, phone, step):
    visit_uuid = submit(phone)
    with app.app_context(), pytest.raises(AppError, match="not_found"):
        decide(county, step, visit_uuid, who="stranger")


def test_decision_is_audited_with_its_reason(app, county, phone):
    visit_uuid = submit(phone)
    with app.app_context():
        decide(county, "return", visit_uuid, reason="燃气情况请补拍一张")
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "visit.returned")).one()
        assert (entry.actor_name, entry.subject_id) == ("supervisor", visit_uuid)
        assert entry.values["reason"] == "燃气情况请补拍一张"


def test_red_answer_makes_a_red_flag_and_its_task_at_once(app, county, phone):
    visit_uuid = submit(phone, RED_ANSWERS)
    with app.app_context():
        flag = db.session.scalars(select(Flag).where(Flag.rule == "answer")).one()
        assert (flag.severity, flag.question, flag.state) == ("red", "home/food_days", "open")
        assert set(flag.text) == {"zh", "en"}
        task = db.session.scalars(select(Followup)).one()
        assert (task.flag_id, task.type, task.severity, task.state) == (
            flag.id,
            "temporary_relief",
            "red",
            "open",
        )
        assert task.reason == flag.text
        assert task.assignee_id == county.users["supervisor"]
        assert db.session.get_one(Visit, visit_uuid).severity == "red"


def test_same_flag_raised_by_a_correction_makes_no_second_task(app, phone):
    body = phone.visit(RED_ANSWERS)
    phone.push(phone.op("visit.submit", body))
    phone.push(phone.op("visit.revise", {**body, "method": "phone"}, base=1))
    with app.app_context():
        assert len(db.session.scalars(select(Followup)).all()) == 1
        assert db.session.scalars(select(Flag).where(Flag.rule == "answer")).one().revision == 2


def test_red_flag_stays_when_a_correction_no_longer_raises_it(app, phone):
    body = phone.visit(RED_ANSWERS)
    phone.push(phone.op("visit.submit", body))
    phone.push(phone.op("visit.revise", {**body, "answers": {"reached": "reached"}}, base=1))
    with app.app_context():
        flag = db.session.scalars(select(Flag).where(Flag.rule == "answer")).one()
        assert (flag.state, flag.revision) == ("open", 1)
        assert db.session.get_one(Visit, body["visit_uuid"]).severity == "red"


FLAG_STEPS = {"confirm": ("confirmed", {}), "dismiss": ("dismissed", {"reason": "已送粮油"})}
# In whose areas the visit is not.
OUTSIDE = {"stranger": 404, "stranger_officer": 404}


@pytest.mark.parametrize("step", FLAG_STEPS)
def test_flag_is_decided_once_and_by_the_supervisor_alone(app, county, phone, step):
    """At the desk, from every state by every account; what is refused changes nothing."""
    submit(phone, RED_ANSWERS)
    leads_to, fields = FLAG_STEPS[step]
    with app.app_context():
        flag_id = db.session.scalars(select(Flag.id).where(Flag.rule == "answer")).one()
    for name in county.users:
        desk = Desk(app, name)
        for state in ("open", "confirmed", "dismissed"):
            with app.app_context(), transaction():
                db.session.get_one(Flag, flag_id).state = state
            status = desk.post(f"/reviews/flags/{flag_id}/{step}", **fields).status_code
            with app.app_context():
                flag = db.session.get_one(Flag, flag_id)
                severity = db.session.get_one(Visit, flag.visit_uuid).severity
                if name == "supervisor" and state == "open":
                    assert (status, flag.state) == (303, leads_to)
                    assert severity == ("red" if step == "confirm" else None)
                else:
                    expected = 409 if name == "supervisor" else OUTSIDE.get(name, 403)
                    assert (status, flag.state) == (expected, state), (name, state)


@pytest.mark.parametrize("step", ["approve", "return", "void", "reopen"])
def test_decision_at_the_desk_from_each_state_by_each_account(app, county, phone, step):
    visit_uuid = submit(phone)
    fields = {"revision": 1, "reason": "请核实"}
    for name in county.users:
        desk = Desk(app, name)
        for state in STATES:
            with app.app_context():
                put_into(county, visit_uuid, state)
                before = db.session.get_one(Visit, visit_uuid).state
            status = desk.post(f"/reviews/{visit_uuid}/{step}", **fields).status_code
            with app.app_context():
                after = db.session.get_one(Visit, visit_uuid).state
            if name == "supervisor" and (state, step) in ALLOWED:
                assert (status, after) == (303, ALLOWED[state, step]), state
            else:
                expected = {"supervisor": 409, "stranger": 404, "stranger_officer": 404}.get(name, 403)
                assert (status, after) == (expected, before), (name, state)


def test_dismissing_needs_a_reason_and_leaves_the_task(app, county, phone):
    submit(phone, RED_ANSWERS)
    with app.app_context():
        flag_id = db.session.scalars(select(Flag.id).where(Flag.rule == "answer")).one()
        with pytest.raises(AppError, match="reason_needed"), transaction():
            actions.dismiss_flag(actor(county), flag_id, reason=" ", now=clock.now())
        with transaction():
            actions.dismiss_flag(actor(county), flag_id, reason="已送粮油", now=clock.now())
        assert db.session.scalars(select(Followup)).one().state == "open"


def test_visit_far_from_home_says_how_far(app, phone):
    location = {
        "lat": HOME[0] + 0.0162,
        "lon": HOME[1],
        "accuracy_m": 10,
        "datum": "WGS84",
        "at": text_of(clock.now()),
    }
    submit(phone, location=location)
    with app.app_context():
        flag = db.session.scalars(select(Flag)).one()
        assert flag.rule == "far_from_home"
        assert flag.evidence["distance_m"] == pytest.approx(1800, abs=5)
        assert "1.8" in flag.text["zh"]


def test_two_attempts_that_reached_nobody_make_a_revisit_task(app, county, phone):
    for _ in range(2):
        submit(phone, {"reached": "not_reached"}, outcome="not_reached")
    with app.app_context():
        flag = db.session.scalars(select(Flag)).one()
        assert (flag.rule, flag.evidence["attempts"]) == ("failed_contacts", 2)
        task = db.session.scalars(select(Followup)).one()
        assert (task.type, task.assignee_id) == ("revisit", county.users["worker"])


def test_voided_visit_no_longer_counts_as_contact(app, county, phone):
    visit_uuid = submit(phone)
    with app.app_context():
        household = db.session.get_one(Household, county.household_uuid)
        assert household.people[0].due_on > clock.local_date(clock.now())
        decide(county, "void", visit_uuid, reason="走错了人家")
        household = db.session.get_one(Household, county.household_uuid, populate_existing=True)
        assert household.people[0].due_on == clock.local_date(clock.now())
        assert (household.last_visit_on, household.carry) == (None, None)


def test_same_answer_about_another_person_is_another_flag_with_its_own_task(app, county, phone):
    answers = {"reached": "reached", "people": [{"tags": "living_alone", "elder": {"abuse": "neglect"}}]}
    first, second = county.person_uuids
    body = phone.visit(answers, people=[first])
    phone.push(phone.op("visit.submit", body))
    with app.app_context():
        flag = db.session.scalars(select(Flag).where(Flag.question.like("people%"))).one()
        with transaction():
            actions.dismiss_flag(actor(county), flag.id, reason="问清楚了", now=clock.now())
    phone.push(phone.op("visit.revise", {**body, "people": [second]}, base=1))
    with app.app_context():
        flags = db.session.scalars(select(Flag).where(Flag.question.like("people%"))).all()
        assert {(flag.person_uuid, flag.state) for flag in flags} == {(first, "dismissed"), (second, "open")}
        tasks = db.session.scalars(select(Followup)).all()
        assert {task.person_uuid for task in tasks} == {first, second}
        assert db.session.get_one(Visit, body["visit_uuid"]).severity == "red"


def test_flag_follows_its_person_to_another_place_in_the_list(app, county, phone):
    neglected = {"tags": "living_alone", "elder": {"abuse": "neglect"}}
    first, second = county.person_uuids
    body = phone.visit({"reached": "reached", "people": [neglected]}, people=[first])
    phone.push(phone.op("visit.submit", body))
    moved = {"reached": "reached", "people": [{"condition": "no_change"}, neglected]}
    phone.push(phone.op("visit.revise", {**body, "people": [second, first], "answers": moved}, base=1))
    with app.app_context():
        flag = db.session.scalars(select(Flag).where(Flag.question.like("people%"))).one()
        assert (flag.person_uuid, flag.question, flag.revision) == (first, "people[2]/elder/abuse", 2)
        assert len(db.session.scalars(select(Followup)).all()) == 1


def test_correction_and_approval_at_the_same_time_come_one_after_the_other(app, county, phone):
    """Whoever comes second is told: an approval never covers a correction nobody saw."""
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    op = phone.op("visit.revise", {**body, "method": "phone"}, base=1)
    gate, ends = threading.Barrier(2), {}

    def correct() -> None:
        gate.wait()
        ends["revise"] = phone.push(op)[0]["outcome"]

    def approve() -> None:
        with app.app_context():
            gate.wait()
            try:
                decide(county, "approve", body["visit_uuid"], revision=1)
                ends["approve"] = "approved"
            except AppError as error:
                ends["approve"] = error.code

    threads = [threading.Thread(target=correct), threading.Thread(target=approve)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends in (
        {"revise": "accepted", "approve": "state_wrong"},
        {"revise": "conflict", "approve": "approved"},
    )
    with app.app_context():
        visit = db.session.get_one(Visit, body["visit_uuid"])
        assert (visit.state, visit.revision) in {("submitted", 2), ("approved", 1)}


def test_task_of_a_visit_by_a_worker_who_left_goes_to_one_who_is_there(app, county, phone):
    bodies = [phone.visit({"reached": "not_reached"}, outcome="not_reached") for _ in range(2)]
    with app.app_context(), transaction():
        add_user("worker3", PASSWORD, "新网格员", "worker", [GRID], actor=None, now=clock.now())
        left = db.session.scalars(select(UserScope).where(UserScope.user_id == phone.user_id)).one()
        left.ends_at = clock.now()
    phone.push(*(phone.op("visit.submit", body) for body in bodies))
    with app.app_context():
        task = db.session.scalars(select(Followup)).one()
        assert db.session.get_one(User, task.assignee_id).username == "worker3"


def test_flag_in_a_persons_part_names_that_person(app, county, phone):
    answers = {"reached": "reached", "people": [{"condition": "same"}, {"elder": {"abuse": "fraud"}}]}
    body = phone.visit(
        answers,
        people=list(reversed(county.person_uuids)),
    )
    phone.push(phone.op("visit.submit", body))
    with app.app_context():
        flags = db.session.scalars(select(Flag).where(Flag.question.like("people[2]%"))).all()
        assert {flag.person_uuid for flag in flags} == {county.person_uuids[0]}
