"""The inbox: who is told of what, who is not, and what is read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups import actions as followups, incident_actions as incidents
from fieldapp.followups.models import Incident
from fieldapp.notices import queries
from fieldapp.notices.models import Notice
from fieldapp.people.relatives import declare_relative
from fieldapp.reviews import actions as reviews
from fieldapp.users.models import User, UserSession
from tests.factories import Desk
from tests.followups.test_actions import make_task
from tests.followups.test_incidents import put_on_duty
from tests.followups.test_pages import HUNGRY, words_of

NAMES = ("worker", "worker2", "supervisor", "leader", "officer", "stranger", "stranger_officer")


def user_of(county, name) -> User:
    return db.session.get_one(User, county.users[name])


def told(county, cause) -> list[str]:
    """Who has notices of that cause, by name, once for each."""
    names = {user_id: name for name, user_id in county.users.items()}
    rows = db.session.scalars(select(Notice.user_id).where(Notice.cause == cause))
    return sorted(names[user_id] for user_id in rows)


def send_red_visit(phone) -> str:
    body = phone.visit(HUNGRY)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


def test_red_answer_is_told_to_the_desks_of_township_and_county_and_to_nobody_else(app, county, phone):
    send_red_visit(phone)
    with app.app_context():
        assert told(county, "incident.raised") == ["leader", "officer", "supervisor"]


def test_whoever_is_on_duty_is_told_in_place_of_the_others(app, county, phone):
    with app.app_context():
        put_on_duty(county, "leader")
    send_red_visit(phone)
    with app.app_context():
        assert told(county, "incident.raised") == ["leader", "officer"]


def test_red_that_nobody_answers_is_told_again_and_answered_it_is_read_by_all(app, county, phone):
    send_red_visit(phone)
    with app.app_context():
        incident = db.session.scalars(select(Incident)).one()
        assert incident.climbs_at
        incidents.climb(incident.climbs_at)
        assert told(county, "incident.climbed") == ["leader", "officer", "supervisor"]
        with transaction():
            incidents.acknowledge_incident(
                user_of(county, "officer"), incident.id, text="已派人上门", now=clock.now()
            )
        unread = select(Notice.cause).where(Notice.read_at.is_(None)).order_by(Notice.id)
        # The task that the answer made is still to be done.
        assert db.session.scalars(unread).all() == ["followup.given"]


def test_task_is_told_to_whoever_gets_it_and_not_to_whoever_gave_it(app, county):
    with app.app_context():
        now = clock.now()
        with transaction():
            task = make_task(county)
        assert told(county, "followup.given") == ["worker"]
        with transaction():
            followups.hand_out_followup(
                user_of(county, "supervisor"),
                task.followup_id,
                assignee_id=county.users["supervisor"],
                due_at=now + timedelta(days=1),
                instructions=None,
                now=now,
            )
        assert told(county, "followup.given") == ["worker"]


def test_task_reopened_and_overdue_is_told_to_whoever_has_it_and_to_the_level_it_climbs_to(app, county):
    with app.app_context():
        now = clock.now()
        supervisor = user_of(county, "supervisor")
        with transaction():
            task = make_task(county)
        with transaction():
            followups.record_result(supervisor, task.followup_id, text="办了", now=now)
            followups.reopen_followup(supervisor, task.followup_id, reason="没办", now=now)
        assert told(county, "followup.reopened") == ["worker"]
        at = task.climbs_at
        assert at
        for _ in range(3):
            followups.climb(at)
            at += timedelta(days=3)
        assert told(county, "followup.overdue") == ["worker"]
        # The supervisor first; then the leader and the county; nobody has the city's desk here.
        assert told(county, "followup.climbed") == ["leader", "officer", "supervisor"]


def test_complaint_is_told_to_officers_only(app, county):
    with app.app_context():
        now = clock.now()
        with transaction():
            task = followups.take_in(
                user_of(county, "officer"),
                source="letter",
                area_code=user_of(county, "worker").area_codes(now)[0],
                household_uuid=None,
                type="complaint",
                severity="orange",
                reason_text="来信反映",
                caller=None,
                now=now,
            )
        assert task.is_restricted
        at = task.climbs_at
        assert at
        for _ in range(3):
            followups.climb(at)
            at += timedelta(days=3)
        assert {name for cause in ("given", "climbed") for name in told(county, f"followup.{cause}")} == {
            "officer"
        }


def test_suspected_abuse_is_not_told_to_a_declared_relative(app, county):
    with app.app_context():
        now = clock.now()
        with transaction():
            declare_relative(
                user_of(county, "leader"), county.users["leader"], county.person_uuids[0], "sibling", now
            )
        with transaction():
            task = make_task(county, severity="red", type="child_protection")
        assert task.is_abuse
        assert told(county, "incident.raised") == ["officer", "supervisor"]


def test_returned_visit_is_told_to_its_worker(app, county, phone):
    visit_uuid = send_red_visit(phone)
    with app.app_context():
        with transaction():
            reviews.return_visit(
                user_of(county, "supervisor"), visit_uuid, 1, reason="请补", notes={}, now=clock.now()
            )
        assert told(county, "visit.returned") == ["worker"]


def test_notice_opened_is_read_and_leads_to_what_it_is_about(app, county, phone):
    send_red_visit(phone)
    desk = Desk(app, "officer")
    page = desk.get("/notices")
    assert "有红色情况等待回应" in words_of(page)
    assert '<b class="count">1' in page.text
    with app.app_context():
        notice = db.session.scalars(select(Notice).where(Notice.user_id == county.users["officer"])).one()
        incident_id = db.session.scalars(select(Incident.id)).one()
    answer = desk.get(f"/notices/{notice.id}")
    assert (answer.status_code, answer.location) == (303, f"/incidents/{incident_id}")
    assert '<b class="count">1<span class="unseen"> 未读' not in desk.get("/notices").text
    # Nobody opens another's.
    assert Desk(app, "leader").get(f"/notices/{notice.id}").status_code == 404


def test_all_are_marked_as_read_at_once_and_only_ones_own(app, county, phone):
    send_red_visit(phone)
    assert Desk(app, "officer").post("/notices/read").status_code == 303
    with app.app_context():
        unread = {name: queries.count_unread(county.users[name]) for name in ("officer", "leader")}
    assert unread == {"officer": 0, "leader": 1}


def test_no_notice_names_anybody(app, county, phone):
    send_red_visit(phone)
    text = Desk(app, "supervisor").get("/notices").text
    for secret in ("刘玉珍", "刘小宝", "19900001234", "幸福村2组"):
        assert secret not in text


def test_open_page_asks_for_little_and_learns_of_red(app, county, phone):
    desk = Desk(app, "officer")
    before = desk.get("/incidents/alarm")
    assert (before.status_code, before.data) == (204, b"")
    send_red_visit(phone)
    after = desk.get("/incidents/alarm")
    assert "1 起红色事件等您回应" in words_of(after)
    assert len(after.data) < 300


@pytest.mark.parametrize(("path", "is_kept"), [("/incidents/alarm", False), ("/people", True)])
def test_open_page_alone_does_not_keep_a_session(app, county, path, is_kept):
    desk = Desk(app, "officer")
    with app.app_context():
        session = db.session.scalars(select(UserSession).where(UserSession.face == "desk")).one()
        before = clock.now() - timedelta(minutes=10)
        with transaction():
            session.used_at = before
            db.session.add(session)
    assert desk.get(path).status_code in {200, 204}
    with app.app_context():
        used_at = db.session.scalars(select(UserSession.used_at).where(UserSession.face == "desk")).one()
        assert (used_at > before) is is_kept
