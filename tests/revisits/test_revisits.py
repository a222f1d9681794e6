"""Visits looked at again by somebody else: drawn, given to whom, compared, decided on."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.draws import is_drawn
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ROLES
from fieldapp.followups import actions as followups
from fieldapp.followups.models import Followup
from fieldapp.people import relatives
from fieldapp.people.period_actions import start_period
from fieldapp.policies.queries import find_policy, list_policies
from fieldapp.revisits import actions, rules
from fieldapp.revisits.models import Revisit, RevisitPolicy
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import TOWNSHIP, Desk, Phone, set_revisit_policy, text_of
from tests.followups.test_pages import words_of

FULL: dict[str, Any] = {
    "reached": "self",
    "home": {"food_days": "ten_plus", "medicine": "enough", "heating": "ok", "urgent": "none"},
}
SAME: dict[str, Any] = {
    "reached": "self",
    "last": {
        "came": "yes",
        "match": "yes",
        "helped": "none",
        "received": "yes",
        "favour": "no",
        "satisfied": "yes",
    },
    "home": {"food_days": "ten_plus", "medicine": "unsure", "heating": "ok", "urgent": "none"},
    "today": {"need": "none"},
}


@pytest.fixture
def every_visit_is_drawn(app, county) -> None:
    """A county that draws them all."""
    with app.app_context(), transaction():
        set_revisit_policy(clock.now(), share_percent=100, quiet_days=30)


def submit(app, phone, answers=None, **more) -> str:
    """A visit, approved at the desk."""
    body = phone.visit(answers or FULL, **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    assert Desk(app).post(f"/reviews/{body['visit_uuid']}/approve", revision=1).status_code == 303
    return body["visit_uuid"]


def revisit_of(app, visit_uuid) -> Any:
    with app.app_context():
        return db.session.scalar(select(Revisit.followup_id).where(Revisit.visit_uuid == visit_uuid))


def report(phone, followup_id, answers):
    now = text_of(clock.now())
    body = {
        "followup_id": followup_id,
        "checklist": {"key": "revisit", "version": "1"},
        "started_at": now,
        "finished_at": now,
        "answers": answers,
        "attachments": [],
        "location": None,
    }
    return phone.push(phone.op("followup.report", body))[0]


def finding_of(app, followup_id) -> str | None:
    with app.app_context():
        return db.session.get_one(Revisit, followup_id).finding


@pytest.mark.parametrize(
    ("then", "again", "expected"),
    [
        ({"home/food": "lt3"}, {"home/food": "lt3"}, [False]),
        ({"home/food": "lt3"}, {"home/food": "ten_plus"}, [True]),
        ({"home/food": "lt3"}, {"home/food": "unsure"}, [False]),
        ({"home/urgent": "illness no_care"}, {"home/urgent": "no_care illness"}, [False]),
        ({"home/urgent": "illness"}, {"home/urgent": "none"}, [True]),
        # Asked in one of them only; and whom one met is no contradiction.
        ({"home/food": "lt3"}, {"today/need": "food"}, []),
        ({"reached": "self"}, {"reached": "family"}, []),
    ],
)
def test_same_question_is_compared_and_not_remembering_contradicts_nobody(then, again, expected):
    def answers(given):
        return [rules.Answer(key, key, raw, raw) for key, raw in given.items()]

    assert [pair.differs for pair in rules.pair_answers(answers(then), answers(again))] == expected


def test_drawn_visit_goes_to_another_worker_of_the_township_who_gets_the_home_with_it(
    app, county, phone, every_visit_is_drawn
):
    followup_id = revisit_of(app, submit(app, phone))
    other = Phone(app, county, "worker2")
    record = other.pull()["followup", followup_id]
    assert record["checklist_key"] == "revisit"
    assert record["household"]["name"] == "刘玉珍"
    assert ("household", county.household_uuid) not in other.records
    # Whoever made the visit is told nothing.
    assert not any(kind == "followup" for kind, _ in phone.pull())
    assert not any(kind == "followup" for kind, _ in phone.records)


def test_draw_can_be_done_again_and_leaves_out_what_it_must(app, county, phone, every_visit_is_drawn):
    first = submit(app, phone)
    with app.app_context():
        policy = find_policy(RevisitPolicy, TOWNSHIP)
        assert is_drawn(policy.seed, first, policy.share_percent)
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "revisit.drawn")).one()
        assert (entry.actor_id, entry.subject_id, entry.values["policy_number"]) == (None, first, 2)
    assert revisit_of(app, first)
    # The household is left in peace; a call and a red visit are not drawn.
    assert revisit_of(app, submit(app, phone)) is None
    with app.app_context(), transaction():
        db.session.delete(db.session.scalars(select(Revisit)).one())
    assert revisit_of(app, submit(app, phone, method="phone")) is None
    red = {**FULL, "home": {**FULL["home"], "food_days": "lt3"}}
    assert revisit_of(app, submit(app, phone, red)) is None
    with app.app_context(), transaction():
        officer = db.session.get_one(User, county.users["officer"])
        today = clock.local_date(clock.now())
        start_period(
            officer,
            "230183",
            name="寒潮",
            from_on=today,
            until_on=None,
            risk_days={},
            tags=[],
            pauses_exit=True,
            relaxed_papers=False,
            now=clock.now(),
        )
    assert revisit_of(app, submit(app, phone)) is None


def test_visit_accepted_twice_is_drawn_once(app, county, phone, every_visit_is_drawn):
    visit_uuid = submit(app, phone)
    with app.app_context():
        gate, ends = threading.Barrier(2), []

        def consider() -> None:
            with app.app_context():
                gate.wait()
                with transaction():
                    visit = db.session.get_one(Visit, visit_uuid, with_for_update=True)
                    ends.append(actions.consider(visit, clock.now()))

        threads = [threading.Thread(target=consider) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ends == [None, None]
        assert len(db.session.scalars(select(Followup)).all()) == 1


def test_near_relatives_and_whoever_was_there_do_not_get_it(app, county, phone, every_visit_is_drawn):
    with app.app_context(), transaction():
        worker2 = db.session.get_one(User, county.users["worker2"])
        supervisor = db.session.get_one(User, county.users["supervisor"])
        relatives.declare_relative(supervisor, worker2.id, county.person_uuids[0], "sibling", clock.now())
    followup_id = revisit_of(app, submit(app, phone))
    with app.app_context():
        task = db.session.get_one(Followup, followup_id)
        assert task.assignee_id == county.users["supervisor"]
        for name in ("worker", "worker2"):
            with pytest.raises(AppError, match="assignee_kept_out"), transaction():
                followups.hand_out_followup(
                    db.session.get_one(User, county.users["supervisor"]),
                    followup_id,
                    assignee_id=county.users[name],
                    due_at=task.due_at,
                    instructions=None,
                    now=clock.now(),
                )


def test_minute_leaves_it_with_the_worker_of_another_grid(app, county, phone, every_visit_is_drawn):
    followup_id = revisit_of(app, submit(app, phone))
    with app.app_context():
        assert followups.pass_on(clock.now()) == 0
        assert db.session.get_one(Followup, followup_id).assignee_id == county.users["worker2"]


@pytest.mark.parametrize(
    ("change", "finding", "said"),
    [
        ({}, "agree", "两次说的一致"),
        ({"home": {**SAME["home"], "food_days": "lt3"}}, "differ", "不足3天"),
        ({"last": {**SAME["last"], "came": "no"}, "home": {}}, "differ", "没有人来走访"),
        ({"reached": "not_reached", "last": {}, "home": {}, "today": {}}, "not_done", "没见到人"),
    ],
)
def test_difference_is_shown_with_the_visit_and_decided_on(
    app, county, phone, every_visit_is_drawn, change, finding, said
):
    visit_uuid = submit(app, phone)
    followup_id = revisit_of(app, visit_uuid)
    other = Phone(app, county, "worker2")
    assert report(other, followup_id, {**SAME, **change})["outcome"] == "accepted"
    assert finding_of(app, followup_id) == finding
    desk = Desk(app)
    desk.client.post("/language", data={"csrf_token": desk.token, "language": "zh", "next": "/"})
    for path in (f"/revisits/{followup_id}", f"/reviews/{visit_uuid}", f"/revisits?finding={finding}"):
        assert ("刘玉珍" if "?" in path else said) in words_of(desk.get(path)), path
    # Not closed as other tasks are.
    assert desk.post(f"/followups/{followup_id}/verify").status_code == 409
    assert desk.post(f"/revisits/{followup_id}/close").status_code == 422
    if finding == "differ":
        assert desk.post(f"/revisits/{followup_id}/close", decision="talked").status_code == 422
    closed = desk.post(f"/revisits/{followup_id}/close", decision="talked", words="问过了，是另一天")
    assert closed.status_code == 303
    assert "问过了，是另一天" in words_of(desk.get(f"/reviews/{visit_uuid}"))
    assert desk.post(f"/revisits/{followup_id}/close", decision="fine", words="x").status_code == 409


def test_whoever_reported_it_does_not_decide_but_the_officer_does(app, county, phone, every_visit_is_drawn):
    followup_id = revisit_of(app, submit(app, phone))
    desk = Desk(app)
    assert desk.post(f"/followups/{followup_id}/result", reason="电话里问过，一切正常").status_code == 303
    fields = {"decision": "fine", "words": "一致"}
    assert desk.post(f"/revisits/{followup_id}/close", **fields).status_code == 403
    assert Desk(app, "officer").post(f"/revisits/{followup_id}/close", **fields).status_code == 303


@pytest.mark.parametrize("state", ["open", "done", "verified", "refused", "cancelled"])
def test_closing_by_every_role_from_every_state(app, county, phone, every_visit_is_drawn, state):
    followup_id = revisit_of(app, submit(app, phone))
    report(Phone(app, county, "worker2"), followup_id, SAME)
    for role in [*ROLES, "stranger"]:
        with app.app_context(), transaction():
            db.session.get_one(Followup, followup_id).state = state
        answer = Desk(app, role).post(f"/revisits/{followup_id}/close", decision="fine", words="")
        may = 303 if state == "done" else 409
        refused = {"supervisor": may, "officer": may, "stranger": 404}
        assert answer.status_code == refused.get(role, 403), role


def test_visit_is_looked_at_again_because_somebody_asks(app, county, phone):
    visit_uuid = submit(app, phone)
    assert revisit_of(app, visit_uuid) is None
    officer, path = Desk(app, "officer"), f"/reviews/{visit_uuid}/revisit"
    assert officer.post(path, reason=" ").status_code == 422
    assert Desk(app, "leader").post(path, reason="家属来电").status_code == 403
    assert Desk(app, "stranger").post(path, reason="家属来电").status_code == 404
    assert officer.post(path, reason="家属来电说没人来过").status_code == 303
    assert officer.post(path, reason="再问一次").status_code == 409
    followup_id = revisit_of(app, visit_uuid)
    assert "家属来电说没人来过" in words_of(officer.get(f"/revisits/{followup_id}"))


def test_policy_has_a_history_and_only_the_officer_changes_it(app, county):
    fields = {"based_on": 1, "share_percent": 3, "more_percent": 8, "quiet_days": 90, "reason": "冬季加强"}
    assert Desk(app).post("/revisits/policy/230183", **fields).status_code == 403
    officer = Desk(app, "officer")
    assert officer.post("/revisits/policy/230183", **{**fields, "quiet_days": 1}).status_code == 422
    assert officer.post("/revisits/policy/230183", **fields).status_code == 303
    assert officer.post("/revisits/policy/230183", **fields).status_code == 409
    page = words_of(officer.get("/revisits/policy"))
    assert "冬季加强" in page
    with app.app_context():
        assert [policy.number for policy in list_policies(RevisitPolicy, "230183")] == [2, 1]
        assert find_policy(RevisitPolicy, "230183").seed in page
        seed = find_policy(RevisitPolicy, "230183").seed
    assert seed not in words_of(Desk(app).get("/revisits/policy"))
