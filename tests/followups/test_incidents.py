"""Red incidents: who is told at once, who answers, and what happens when nobody does."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.codes import find_code
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, ROLES
from fieldapp.followups import duty_actions, incident_actions as actions, incident_queries as queries
from fieldapp.followups.models import Incident, IncidentEvent
from fieldapp.reviews import actions as reviews
from fieldapp.users.actions import add_user, end_account
from fieldapp.users.models import User
from tests.factories import PASSWORD, TOWNSHIP, Desk, text_of
from tests.followups.test_actions import make_task
from tests.followups.test_pages import HUNGRY, words_of

COUNTY_CODE, CITY_CODE = TOWNSHIP[:6], TOWNSHIP[:4]
EVERYBODY = {"supervisor", "leader", "officer"}


@pytest.fixture
def incident_id(app, phone) -> int:
    """The incident of a visit with a red answer."""
    body = phone.visit(HUNGRY)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    with app.app_context():
        return db.session.scalars(select(Incident.id)).one()


@pytest.fixture
def city(app, county) -> None:
    """An officer of the city above the county."""
    since = clock.now() - timedelta(days=1)
    with app.app_context(), transaction():
        user = add_user("city", PASSWORD, "测试city", "officer", [CITY_CODE], actor=None, now=since)
        county.users["city"] = user.id


def user_of(county, name) -> User:
    return db.session.get_one(User, county.users[name])


def put_on_duty(county, name, area=TOWNSHIP, hours=(-1, 1)) -> int:
    now = clock.now()
    starts_at, ends_at = (now + timedelta(hours=hour) for hour in hours)
    with transaction():
        user = user_of(county, name)
        shift = duty_actions.add_shift(
            user, area, user.id, "0451-00001010", starts_at=starts_at, ends_at=ends_at, now=now
        )
        return shift.id


def alarmed(county, now=None) -> set[str]:
    """Whose desk shows something to answer."""
    now = now or clock.now()
    readers = {name: user_of(county, name) for name in county.users}
    return {name for name, user in readers.items() if user.role in READERS and queries.list_alarms(user, now)}


def answer(county, incident_id, name="officer", now=None) -> None:
    with transaction():
        actions.acknowledge_incident(
            user_of(county, name), incident_id, text="已派人上门", now=now or clock.now()
        )


def steps_of(incident_id) -> list[tuple[str, str]]:
    return [(event.step, event.level) for event in queries.list_events([incident_id])]


def test_red_answer_is_on_every_desk_of_township_and_county_at_once(app, county, city, incident_id):
    with app.app_context():
        assert alarmed(county) == EVERYBODY
        assert steps_of(incident_id) == [("raised", "county")]
        assert db.session.query(AuditEntry).filter_by(action="incident.raised").count() == 1


def test_whoever_is_on_duty_is_told_and_nobody_else_of_that_area(app, county, incident_id):
    with app.app_context():
        put_on_duty(county, "leader")
        assert alarmed(county) == {"leader", "officer"}
        put_on_duty(county, "officer", COUNTY_CODE)
        assert alarmed(county) == {"leader", "officer"}


@pytest.mark.parametrize("hours", [(-2, -1), (1, 2)], ids=["over", "to come"])
def test_shift_counts_only_while_it_lasts(app, county, incident_id, hours):
    with app.app_context():
        put_on_duty(county, "leader", hours=hours)
        assert alarmed(county) == EVERYBODY


def test_whoever_lost_the_account_is_not_on_duty(app, county, incident_id):
    with app.app_context():
        put_on_duty(county, "leader")
        with transaction():
            end_account(user_of(county, "admin"), county.users["leader"], clock.now())
        assert alarmed(county) == {"supervisor", "officer"}


def test_shift_taken_out_does_not_count(app, county, incident_id):
    with app.app_context():
        shift_id = put_on_duty(county, "leader")
        with transaction():
            duty_actions.withdraw_shift(user_of(county, "supervisor"), shift_id, clock.now())
        assert alarmed(county) == EVERYBODY


def test_where_neither_township_nor_county_has_anybody_the_city_is_told(app, county, city, phone):
    with app.app_context(), transaction():
        for name in sorted(EVERYBODY):
            end_account(user_of(county, "admin"), county.users[name], clock.now())
    assert phone.push(phone.op("visit.submit", phone.visit(HUNGRY)))[0]["outcome"] == "accepted"
    with app.app_context():
        assert db.session.scalars(select(Incident.level)).one() == "city"
        assert alarmed(county) == {"city"}


def test_answer_ends_the_alarm_and_says_who_does_what(app, county, incident_id):
    with app.app_context():
        answer(county, incident_id)
        assert alarmed(county) == set()
        event = db.session.scalars(select(IncidentEvent).where(IncidentEvent.step == "acknowledged")).one()
        assert (event.actor_id, event.text) == (county.users["officer"], "已派人上门")
        with pytest.raises(AppError, match="incident_answered"):
            answer(county, incident_id, "leader")


def test_answer_needs_words(app, county, incident_id):
    with app.app_context(), pytest.raises(AppError, match="reason_needed"), transaction():
        actions.acknowledge_incident(user_of(county, "officer"), incident_id, text=" ", now=clock.now())


@pytest.mark.parametrize("is_answered", [False, True], ids=["waiting", "answered"])
@pytest.mark.parametrize("role", [*ROLES, "stranger", "stranger_officer"])
def test_every_role_answers_or_is_refused_from_every_state(app, county, incident_id, role, is_answered):
    """By the pages: those who read the area answer once; to others there is nothing, or no such page."""
    with app.app_context():
        if is_answered:
            answer(county, incident_id)
    got = Desk(app, role).post(f"/incidents/{incident_id}/acknowledge", text="去看")
    expected = {"worker": 403, "admin": 403, "security": 403, "audit": 403}
    expected |= {"stranger": 404, "stranger_officer": 404}
    assert got.status_code == expected.get(role, 409 if is_answered else 303)


def test_not_answered_in_time_it_climbs_to_the_city_once_and_no_hour_holds_it(app, county, city, incident_id):
    with app.app_context():
        raised_at = db.session.get_one(Incident, incident_id).raised_at
        assert actions.climb(raised_at + timedelta(minutes=29)) == 0
        late = raised_at + timedelta(minutes=30)
        assert [actions.climb(late), actions.climb(late)] == [1, 0]
        assert alarmed(county, late) == EVERYBODY | {"city"}
        later = late + timedelta(minutes=30)
        assert actions.climb(later) == 1
        assert actions.climb(later + timedelta(days=1)) == 0
        assert steps_of(incident_id) == [("raised", "county"), ("climbed", "city"), ("climbed", "province")]


def test_answered_in_time_it_does_not_climb(app, county, incident_id):
    with app.app_context():
        answer(county, incident_id)
        assert actions.climb(clock.now() + timedelta(days=1)) == 0


def test_time_to_answer_is_in_the_code_table(app, county, phone):
    with app.app_context(), transaction():
        row = find_code("severity", "red")
        row.extra = row.extra | {"acknowledge_minutes": 5}
    phone.push(phone.op("visit.submit", phone.visit(HUNGRY)))
    with app.app_context():
        incident = db.session.scalars(select(Incident)).one()
        assert incident.climbs_at - incident.raised_at == timedelta(minutes=5)


def test_two_servers_climb_it_once(app, county, incident_id):
    with app.app_context():
        late = db.session.get_one(Incident, incident_id).climbs_at
        assert late
    both, climbed = Barrier(2), []

    def climb() -> None:
        with app.app_context():
            both.wait()
            climbed.append(actions.climb(late))

    servers = [Thread(target=climb) for _ in range(2)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert sorted(climbed) == [0, 1]


def test_sent_twice_it_is_one_incident_and_another_red_flag_asks_again(app, county, phone):
    body = phone.visit(HUNGRY)
    op = phone.op("visit.submit", body)
    assert [phone.push(op)[0]["outcome"] for _ in range(2)] == ["accepted", "duplicate"]
    with app.app_context():
        incident = db.session.scalars(select(Incident)).one()
        answer(county, incident.id)
        with transaction():
            supervisor = user_of(county, "supervisor")
            reviews.return_visit(supervisor, body["visit_uuid"], 1, reason="请补", notes={}, now=clock.now())
    home = HUNGRY["home"]
    for changes, expected in (({}, 0), ({"heating": "none"}, 1)):
        with app.app_context():
            revision = phone.pull()["visit", body["visit_uuid"]]["revision"]
        corrected = {
            **body,
            "answers": HUNGRY | {"home": home | changes},
            "finished_at": text_of(clock.now()),
        }
        receipt = phone.push(phone.op("visit.revise", corrected, base=revision))[0]
        assert receipt["outcome"] == "accepted", receipt
        with app.app_context():
            assert len(queries.list_open(user_of(county, "officer"), clock.now())) == expected
            with transaction():
                reviews.return_visit(
                    user_of(county, "supervisor"),
                    body["visit_uuid"],
                    revision + 1,
                    reason="请补",
                    notes={},
                    now=clock.now(),
                )


@pytest.mark.parametrize(("severity", "expected"), [("red", EVERYBODY), ("orange", set())])
def test_red_task_made_at_the_desk_is_an_incident(app, county, severity, expected):
    with app.app_context():
        with transaction():
            make_task(county, severity=severity)
        assert alarmed(county) == expected


def test_line_on_every_page_leads_to_the_incident_and_goes_when_it_is_answered(app, county, incident_id):
    officer, supervisor = Desk(app, "officer"), Desk(app, "supervisor")
    for desk in (officer, supervisor):
        for path in ("/reviews", "/people", "/followups", "/sweeps"):
            page = desk.get(path)
            assert f'href="/incidents/{incident_id}"' in page.text
            assert "1 起红色事件等您回应" in words_of(page)
    page = officer.get(f"/incidents/{incident_id}")
    assert "粮油不足3天" in words_of(page)
    assert "刘玉珍" in words_of(page)
    assert officer.post(f"/incidents/{incident_id}/acknowledge", text=" ").status_code == 422
    assert officer.post(f"/incidents/{incident_id}/acknowledge", text="已派人上门").status_code == 303
    assert "等您回应" not in words_of(supervisor.get("/reviews"))
    assert "已派人上门" in words_of(supervisor.get(f"/incidents/{incident_id}"))
    late = supervisor.post(f"/incidents/{incident_id}/acknowledge", text="我也去")
    assert late.status_code == 409
    assert "我也去" not in words_of(supervisor.get(f"/incidents/{incident_id}"))
