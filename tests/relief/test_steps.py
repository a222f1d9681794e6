"""The life of a case of relief: from which state by whom each step is taken, and what a refusal says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.guard import ROLES
from fieldapp.relief import actions, rules
from fieldapp.relief.actions import Details
from fieldapp.relief.models import ReliefCase
from tests.factories import GRID, OTHER_GRID, Desk
from tests.followups.test_pages import words_of
from tests.relief.desk import state_of, typed

PATHS = {
    "accepted": "accept",
    "investigated": "findings",
    "proposed": "propose",
    "returned": "return",
    "approved": "approve",
    "paid": "pay",
    "papers": "papers",
    "closed": "close",
    "refused": "refuse",
    "withdrawn": "withdraw",
}


# From where each step is taken of a case that is not urgent.
ALLOWED = {
    "accepted": {"applied"},
    "investigated": {"accepted", "investigated"},
    "proposed": {"accepted", "investigated"},
    "returned": {"proposed"},
    "approved": {"proposed"},
    "paid": {"approved"},
    "papers": set(),  # of urgent aid only
    "closed": {"paid"},
    "refused": {"applied", "accepted", "investigated", "proposed"},
    "withdrawn": {"applied", "accepted", "investigated", "proposed", "approved"},
}


DECISIONS = {"approved", "returned", "refused"}


@pytest.mark.parametrize("state", rules.STATES)
def test_steps_from_each_state(app, make_case, state):
    supervisor, officer = Desk(app), Desk(app, "officer")
    for step, path in PATHS.items():
        case_id = make_case(state)
        desk = officer if step in DECISIONS else supervisor
        answer = desk.post(f"/relief/{case_id}/{path}", **typed())
        allowed = state in ALLOWED[step]
        assert answer.status_code == (303 if allowed else 409), (step, words_of(answer))
        leads_to = {"returned": "accepted", "paid": "paid"}.get(step, step)
        assert state_of(app, case_id) == (leads_to if allowed else state), step


@pytest.mark.parametrize("role", [*ROLES, "stranger", "stranger_officer"])
def test_steps_by_each_role(app, make_case, role):
    desk = Desk(app, role)
    for step, path in PATHS.items():
        state = next(iter(sorted(ALLOWED[step])), "approved")
        case_id = make_case(state, is_urgent=step == "papers")
        answer = desk.post(f"/relief/{case_id}/{path}", **typed())
        if role in {"stranger", "stranger_officer"}:
            expected = 404
        elif step in DECISIONS:
            expected = 303 if role in {"leader", "officer"} else 403
        elif role == "officer" and step == "paid":
            expected = 403  # whoever granted it does not pay it
        else:
            expected = 303 if role in {"supervisor", "officer"} else 403
        assert answer.status_code == expected, (step, words_of(answer))


def test_urgent_case_is_granted_at_once_from_wherever_it_stands_undecided(app, make_case):
    leader = Desk(app, "leader")
    for state in ("applied", "accepted", "investigated", "proposed"):
        case_id = make_case(state, is_urgent=True)
        assert leader.post(f"/relief/{case_id}/approve", **typed()).status_code == 303
        assert state_of(app, case_id) == "approved"
    # One that is not urgent waits for its proposal.
    assert leader.post(f"/relief/{make_case('accepted')}/approve", **typed()).status_code == 409


def test_aid_comes_first_and_the_case_is_closed_when_its_papers_are_complete(app, office, make_case):
    case_id = make_case("applied", is_urgent=True)
    with app.app_context():
        case = db.session.get_one(ReliefCase, case_id)
        assert case.due_at == case.applied_at + timedelta(hours=24)
    Desk(app, "leader").post(f"/relief/{case_id}/approve", **typed())
    desk = Desk(app)
    desk.post(f"/relief/{case_id}/pay", **typed())
    assert "手续" in words_of(desk.get(f"/relief/{case_id}"))
    assert desk.post(f"/relief/{case_id}/close", **typed()).status_code == 409
    # Three weeks later it is late, and the list of those without papers has it.
    with app.app_context(), transaction():
        case = db.session.get_one(ReliefCase, case_id)
        case.paid_on = clock.local_date(clock.now()) - timedelta(days=21)
        case.due_at = actions._due_at(case, clock.now())
    assert "超期" in words_of(desk.get("/relief?view=papers"))
    assert desk.post(f"/relief/{case_id}/papers", **typed()).status_code == 303
    assert "没有符合条件" in words_of(desk.get("/relief?view=papers"))
    assert desk.post(f"/relief/{case_id}/close", **typed()).status_code == 303
    assert state_of(app, case_id) == "closed"


@pytest.mark.parametrize("path", ["refuse", "withdraw", "return"])
def test_without_a_written_reason_nothing_is_refused_withdrawn_or_sent_back(app, make_case, path):
    case_id = make_case("proposed")
    answer = Desk(app, "officer").post(f"/relief/{case_id}/{path}", reason="  ")
    assert answer.status_code == 422
    assert state_of(app, case_id) == "proposed"


def test_refusal_is_audited_with_its_reason(app, make_case):
    case_id = make_case("proposed")
    Desk(app, "officer").post(f"/relief/{case_id}/refuse", reason="同一事由已由教育救助解决")
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "relief.refused")).one()
        assert entry.values["text"] == "同一事由已由教育救助解决"
        assert entry.subject_id == case_id
    assert "同一事由已由教育救助解决" in words_of(Desk(app).get(f"/relief/{case_id}"))


def test_details_of_a_decided_case_change_nothing_that_was_decided_by(app, office, make_case):
    case_id = make_case("approved", people_count=1)
    with app.app_context(), transaction():
        case = db.session.get_one(ReliefCase, case_id)
        due = case.due_at
        details = Details(area_code=OTHER_GRID, people_count=9, is_urgent=True, cause="disaster")
        actions.change_case(office["supervisor"], case_id, replace(details), clock.now())
        assert (case.area_code, case.people_count, case.is_urgent, case.cause) == (GRID, 1, False, "disaster")
        assert case.due_at == due
