"""The life of a follow-up task: every step from every state, by those who may take it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.followups import actions
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.users.models import User
from tests.factories import Phone, text_of

STATES = ("open", "done", "verified", "refused", "cancelled")
# step: {state it may be taken from: state it leads to}
STEPS = {
    "hand_out": {"open": "open", "refused": "open"},
    "report": {"open": "done"},
    "refuse": {"open": "refused"},
    "record": {"open": "done"},
    "verify": {"done": "verified"},
    "reopen": {"done": "open", "verified": "open", "refused": "open", "cancelled": "open"},
    "cancel": {"open": "cancelled", "done": "cancelled", "refused": "cancelled"},
}


@pytest.fixture
def followup_id(app, county) -> str:
    """An open task of the worker."""
    with app.app_context(), transaction():
        return make_task(county).followup_id


def actor(county, name="supervisor") -> User:
    return db.session.get_one(User, county.users[name])


def make_task(county, **more) -> Followup:
    now = clock.now()
    values = {
        "household_uuid": county.household_uuid,
        "person_uuid": None,
        "visit_uuid": None,
        "type": "heating",
        "severity": "orange",
        "reason_text": "取暖煤送到没有?",
        "assignee_id": county.users["worker"],
        "due_at": now + timedelta(days=1),
        "instructions": "到家看一看",
    }
    return actions.create_followup(actor(county), **{**values, **more}, now=now)


def report(phone, followup_id, **more):
    now = text_of(clock.now())
    body = {
        "followup_id": followup_id,
        "checklist": {"key": "followup_result", "version": "1"},
        "started_at": now,
        "finished_at": now,
        "answers": {"done": "visited", "outcome": {"result": "solved"}},
        "attachments": [],
        "location": None,
    }
    return phone.push(phone.op("followup.report", {**body, **more}))[0]


def take(step, county, phone, followup_id, who="supervisor") -> str | None:
    """Take the step; the error's code, or None."""
    if step == "report":
        return report(phone, followup_id)["code"]
    if step == "refuse":
        op = phone.op("followup.refuse", {"followup_id": followup_id, "reason": "路不通"})
        return phone.push(op)[0]["code"]
    now = clock.now()
    try:
        with transaction():
            user = actor(county, who)
            if step == "hand_out":
                actions.hand_out_followup(
                    user,
                    followup_id,
                    assignee_id=county.users["worker"],
                    due_at=now,
                    instructions=None,
                    now=now,
                )
            elif step == "record":
                actions.record_result(user, followup_id, text="已送到", now=now)
            elif step == "verify":
                actions.verify_followup(user, followup_id, now=now)
            elif step == "reopen":
                actions.reopen_followup(user, followup_id, reason="还没送到", now=now)
            else:
                actions.cancel_followup(user, followup_id, reason="重复", now=now)
    except AppError as error:
        return error.code
    return None


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", STEPS)
def test_step_from_each_state(app, county, phone, followup_id, step, state):
    with app.app_context():
        with transaction():
            db.session.get_one(Followup, followup_id).state = state
        code = take(step, county, phone, followup_id)
        db.session.rollback()
        task = db.session.get_one(Followup, followup_id, populate_existing=True)
        if state in STEPS[step]:
            assert code is None
            assert task.state == STEPS[step][state]
            assert (task.closed_at is not None) == (task.state in {"verified", "cancelled"})
        else:
            assert code == "state_wrong"
            assert task.state == state


@pytest.mark.parametrize("step", ["hand_out", "record", "verify", "reopen", "cancel"])
def test_task_outside_ones_area_is_not_found(app, county, phone, followup_id, step):
    with app.app_context():
        assert take(step, county, phone, followup_id, who="stranger") == "not_found"


@pytest.mark.parametrize("step", ["report", "refuse"])
def test_task_of_somebody_else_looks_like_no_task(app, county, followup_id, step):
    other = Phone(app, county, "worker2")
    assert take(step, county, other, followup_id) == "not_yours"


def test_report_keeps_the_answers_and_tells_who(app, county, phone, followup_id):
    assert report(phone, followup_id)["outcome"] == "accepted"
    with app.app_context():
        event = db.session.scalars(select(FollowupEvent).where(FollowupEvent.step == "reported")).one()
        assert event.answers["outcome"] == {"result": "solved"}
        assert event.actor_id == county.users["worker"]


def test_report_sent_twice_is_stored_once(app, phone, followup_id):
    now = text_of(clock.now())
    op = phone.op(
        "followup.report",
        {
            "followup_id": followup_id,
            "checklist": {"key": "followup_result", "version": "1"},
            "started_at": now,
            "finished_at": now,
            "answers": {},
        },
    )
    assert [phone.push(op)[0]["outcome"] for _ in range(2)] == ["accepted", "duplicate"]


def test_report_with_an_unknown_checklist_is_quarantined(phone, followup_id):
    receipt = report(phone, followup_id, checklist={"key": "followup_result", "version": "77"})
    assert (receipt["outcome"], receipt["code"]) == ("rejected", "checklist_version_unknown")


def test_task_sent_back_tells_the_worker_why(app, county, phone, followup_id):
    report(phone, followup_id)
    assert phone.pull()["followup", followup_id]["state"] == "done"
    with app.app_context():
        assert take("reopen", county, phone, followup_id) is None
    record = phone.pull()["followup", followup_id]
    assert record["state"] == "open"
    assert record["sent_back"]["reason"] == "还没送到"


def test_verified_task_leaves_the_phone(app, county, phone, followup_id):
    report(phone, followup_id)
    phone.pull()
    with app.app_context():
        assert take("verify", county, phone, followup_id) is None
    assert ("followup", followup_id) not in phone.pull()


def test_assignee_must_work_in_the_area(app, county):
    with app.app_context(), pytest.raises(AppError, match="assignee_outside"), transaction():
        make_task(county, assignee_id=county.users["worker2"])


def test_task_made_by_hand_needs_a_reason(app, county):
    with app.app_context(), pytest.raises(AppError, match="reason_needed"), transaction():
        make_task(county, reason_text=" ")


def test_task_for_a_household_outside_ones_area_is_not_found(app, county):
    with app.app_context(), pytest.raises(AppError, match="not_found"), transaction():
        actions.create_followup(
            actor(county, "stranger"),
            household_uuid=county.household_uuid,
            person_uuid=None,
            visit_uuid=None,
            type="heating",
            severity="red",
            reason_text="x",
            assignee_id=None,
            due_at=clock.now(),
            instructions=None,
            now=clock.now(),
        )
