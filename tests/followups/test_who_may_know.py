"""Suspected abuse, complaints, calls and walk-ins, two who go together, and tasks of those who left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ROLES
from fieldapp.followups import actions, incident_queries, queries
from fieldapp.followups.models import Followup, FollowupEvent, Incident
from fieldapp.people import relatives
from fieldapp.rollups.queries import get_week
from fieldapp.users.actions import end_account, withdraw_area
from tests.factories import GRID, TOWNSHIP, Desk, Phone
from tests.followups.test_actions import STATES, STEPS, actor, make_task, report
from tests.followups.test_pages import tasks_by_section, words_of

ABUSED = {"reached": "family", "people": [{"elder": {"abuse": "neglect"}}]}
FIELDS = {"source": "hotline", "severity": "orange", "area": TOWNSHIP, "reason": "邻居来电：老人几天没出门"}


@pytest.fixture
def abuse_visit(app, county, phone) -> str:
    """A visit whose answer says that an elder is neglected; the leader is a declared relative of theirs."""
    body = phone.visit(ABUSED)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    declare(app, county, "leader")
    return body["visit_uuid"]


def declare(app, county, name) -> None:
    with app.app_context(), transaction():
        relatives.declare_relative(
            actor(county), county.users[name], county.person_uuids[0], "侄子", clock.now()
        )


def task_of_flag() -> Followup:
    return db.session.scalars(select(Followup)).one()


def complaint_of(app, county, name="supervisor") -> str:
    """A complaint entered by that account."""
    with app.app_context(), transaction():
        task = actions.take_in(
            actor(county, name),
            source="letter",
            area_code=TOWNSHIP,
            household_uuid=None,
            type="complaint",
            severity="red",
            reason_text="反映救助不公",
            caller={"name": "某某", "phone": "19900000000"},
            now=clock.now(),
        )
        return task.followup_id


def test_suspected_abuse_asks_for_the_report_and_is_hidden_from_near_relatives(app, county, abuse_visit):
    with app.app_context():
        task, incident = task_of_flag(), db.session.scalars(select(Incident)).one()
        assert task.is_abuse
        assert incident.is_abuse
    pages = (
        f"/followups/{task.followup_id}",
        f"/incidents/{incident.id}",
        f"/reviews/{abuse_visit}",
    )
    supervisor, leader = Desk(app), Desk(app, "leader")
    for path in pages[:2]:
        assert "依法强制报告" in words_of(supervisor.get(path))
    for path in pages:
        assert supervisor.get(path).status_code == 200, path
        assert leader.get(path).status_code == 404, path
    household = f"/households/{county.household_uuid}/story"
    for path in ("/followups?view=all", "/incidents", "/reviews?queue=all", household):
        assert task.reason["zh"] in words_of(supervisor.get(path)), path
        assert task.reason["zh"] not in words_of(leader.get(path)), path
    assert leader.post(f"/incidents/{incident.id}/acknowledge", text="我来").status_code == 404
    with app.app_context():
        assert incident_queries.list_alarms(actor(county, "leader"), clock.now()) == []
        assert len(incident_queries.list_alarms(actor(county), clock.now())) == 1


def test_a_near_relative_finds_no_visit_of_suspected_abuse_behind_a_number_of_the_report(
    app, county, abuse_visit
):
    with app.app_context():
        week_on = get_week(clock.now()).ends_on
    behind = f"/reports/{TOWNSHIP}-{week_on}/records/week/persons"
    assert f"/reviews/{abuse_visit}" in Desk(app, "officer").get(behind).text
    page = Desk(app, "leader").get(behind)
    assert page.status_code == 200
    assert abuse_visit not in page.text


def test_near_relative_cannot_be_given_a_task_of_suspected_abuse(app, county, phone):
    declare(app, county, "worker")
    with app.app_context():
        with pytest.raises(AppError, match="assignee_relative"), transaction():
            make_task(county, type="child_protection")
        with transaction():
            task = make_task(county, type="child_protection", assignee_id=county.users["supervisor"])
        assert task.is_abuse


def test_task_of_suspected_abuse_leaves_whoever_declares_a_relative(app, county, phone):
    with app.app_context(), transaction():
        followup_id = make_task(county, type="child_protection").followup_id
    assert ("followup", followup_id) in phone.pull()
    declare(app, county, "worker")
    with app.app_context():
        assert [actions.pass_on(clock.now()), actions.pass_on(clock.now())] == [1, 0]
        assert db.session.get_one(Followup, followup_id, populate_existing=True).assignee_id is None
    assert ("followup", followup_id) not in phone.pull()


@pytest.mark.parametrize("how", ["account", "area"])
def test_task_of_whoever_left_goes_to_who_works_there_or_waits(app, county, phone, how):
    with app.app_context():
        with transaction():
            followup_id = make_task(county).followup_id
        assert actions.pass_on(clock.now()) == 0
        admin, now = actor(county, "admin"), clock.now()
        with transaction():
            if how == "account":
                end_account(admin, county.users["worker"], now)
            else:
                withdraw_area(admin, county.users["worker"], GRID, now)
        assert [actions.pass_on(clock.now()), actions.pass_on(clock.now())] == [1, 0]
        assert db.session.get_one(Followup, followup_id, populate_existing=True).assignee_id is None
        event = db.session.scalars(select(FollowupEvent).where(FollowupEvent.step == "passed_on")).one()
        assert event.actor_id == county.users["worker"]
    assert tasks_by_section(Desk(app).get("/followups")) == {"待您处理：核实、交办": [followup_id]}
    # What was done before is still taken from the phone it was done on, which may have to sign in to hand it in.
    phone.sign_in()
    assert report(phone, followup_id)["outcome"] == "accepted"


def test_call_becomes_a_task_with_a_clock(app, county):
    answer = Desk(app).post("/followups/take-in", **FIELDS, type="temporary_care", caller_phone="19900001111")
    assert answer.status_code == 303
    with app.app_context():
        task = task_of_flag()
        assert (task.source, task.area_code, task.assignee_id) == (
            "hotline",
            TOWNSHIP,
            county.users["supervisor"],
        )
        assert task.due_at - task.created_at == timedelta(hours=48)
        assert task.climbs_at == task.due_at
        assert task.caller == {"name": "", "phone": "19900001111"}
    page = words_of(Desk(app).get(f"/followups/{task.followup_id}"))
    assert "热线电话" in page
    assert "老人几天没出门" in page


def test_call_about_a_household_stands_on_its_record(app, county):
    desk = Desk(app)
    address = f"/followups/take-in?household={county.household_uuid}"
    assert "刘玉珍" in words_of(desk.get(address))
    assert desk.post(address, **FIELDS | {"area": ""}, type="heating").status_code == 303
    with app.app_context():
        assert task_of_flag().area_code == GRID
    assert "老人几天没出门" in words_of(desk.get(f"/households/{county.household_uuid}/story"))


@pytest.mark.parametrize("more", [{"type": ""}, {"reason": " "}, {"area": "230183101"}, {"source": "pigeon"}])
def test_call_is_not_taken_in_without_what_it_needs(app, county, more):
    fields = FIELDS | {"type": "heating"} | more
    assert Desk(app).post("/followups/take-in", **fields).status_code == 422


def test_complaint_is_read_by_officers_and_whoever_entered_or_has_it(app, county):
    followup_id = complaint_of(app, county, "officer")
    readers = {}
    for name in ("supervisor", "leader", "officer", "stranger"):
        desk = Desk(app, name)
        readers[name] = desk.get(f"/followups/{followup_id}").status_code
        listed = [found for found in tasks_by_section(desk.get("/followups?view=all")).values() if found]
        assert bool(listed) == (name == "officer"), name
    assert readers == {"supervisor": 404, "leader": 404, "officer": 200, "stranger": 404}
    with app.app_context():
        # However red: it goes up to nobody's alarm.
        assert db.session.query(Incident).count() == 0
        now = clock.now()
        with transaction():
            actions.hand_out_followup(
                actor(county, "officer"),
                followup_id,
                assignee_id=county.users["supervisor"],
                due_at=now + timedelta(days=1),
                instructions=None,
                now=now,
            )
    assert Desk(app).get(f"/followups/{followup_id}").status_code == 200
    assert Desk(app, "leader").get(f"/followups/{followup_id}").status_code == 404


def test_complaint_entered_by_the_township_stays_readable_to_whoever_entered_it(app, county):
    followup_id = complaint_of(app, county)
    assert Desk(app).get(f"/followups/{followup_id}").status_code == 200
    assert Desk(app).post(f"/followups/{followup_id}/cancel", reason="不实").status_code == 403
    assert Desk(app, "officer").post(f"/followups/{followup_id}/cancel", reason="不实").status_code == 303


# What each step is called in the address, and what it is sent with.
PATHS = {
    "hand_out": ("hand-out", {}),
    "record": ("result", {"reason": "已办"}),
    "verify": ("verify", {}),
    "reopen": ("reopen", {"reason": "没办好"}),
    "cancel": ("cancel", {"reason": "重复"}),
}


@pytest.mark.parametrize("is_complaint", [False, True], ids=["task", "complaint"])
@pytest.mark.parametrize("role", [*ROLES, "stranger"])
def test_every_step_from_every_state_by_every_role(app, county, role, is_complaint):
    """At the desk: who may take it, and from which states; everything else is refused and changes nothing."""
    desk, due = Desk(app, role), clock.now().astimezone(clock.LOCAL) + timedelta(days=1)
    followup_id = complaint_of(app, county, "officer") if is_complaint else None
    if followup_id is None:
        with app.app_context(), transaction():
            followup_id = make_task(county).followup_id
    allowed = "officer" if is_complaint else "supervisor"
    for step, (path, fields) in PATHS.items():
        if step == "hand_out":
            fields = {"assignee": county.users["supervisor"], "partner": "", "due": f"{due:%Y-%m-%dT%H:%M}"}
        for state in STATES:
            with app.app_context(), transaction():
                db.session.get_one(Followup, followup_id).state = state
            status = desk.post(f"/followups/{followup_id}/{path}", **fields).status_code
            with app.app_context():
                after = db.session.get_one(Followup, followup_id).state
            leads_to = STEPS[step].get(state) if role == allowed else None
            assert after == (leads_to or state), (step, state)
            assert (status == 303) == (leads_to is not None), (step, state, status)
            assert status in {303, 403, 404, 409}, (step, state, status)


def test_two_go_together_where_they_have_to(app, county, phone):
    with app.app_context():
        worker, supervisor = county.users["worker"], county.users["supervisor"]
        for partner_id in (None, worker):
            with pytest.raises(AppError, match="partner_needed"), transaction():
                make_task(county, type="joint_visit", partner_id=partner_id)
        with transaction():
            followup_id = make_task(county, type="joint_visit", partner_id=supervisor).followup_id
    assert phone.pull()["followup", followup_id]["partner"] == "测试supervisor"
    assert "测试worker + 测试supervisor" in words_of(Desk(app).get(f"/followups/{followup_id}"))


def test_partner_works_in_the_area_too(app, county):
    with app.app_context(), pytest.raises(AppError, match="assignee_outside"), transaction():
        make_task(county, type="joint_visit", partner_id=county.users["worker2"])


def test_report_of_somebody_who_never_had_the_task_is_not_taken(app, county):
    with app.app_context(), transaction():
        followup_id = make_task(county).followup_id
    assert report(Phone(app, county, "worker2"), followup_id)["code"] == "not_yours"
    with app.app_context():
        assert not queries.was_passed_on_by(followup_id, county.users["worker2"])
