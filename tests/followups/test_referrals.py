"""Tasks referred to outside bodies: every step from every state, by every role; the slip; the bodies themselves."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.guard import ROLES
from fieldapp.followups import referral_actions as actions
from fieldapp.followups.models import Followup, Provider, Referral, ReferralEvent
from tests.factories import TOWNSHIP, VILLAGE, Desk
from tests.followups.test_actions import STATES, actor, make_task
from tests.followups.test_pages import task_of, words_of

PROVIDER = {
    "name": "依兰县社会福利院",
    "kind": "institution",
    "services": ["temporary_care"],
    "address": "健康路1号",
    "contact": "张主任",
    "phone": "0451-57220001",
    "note": None,
    "takes_referrals": True,
}
REFERRAL_STATES = ("referred", "accepted", "done", "refused")
# step: the states it may be taken from; it leads to the state of its name
STEPS = {
    "accepted": {"referred"},
    "done": {"referred", "accepted"},
    "refused": {"referred", "accepted"},
}


@pytest.fixture
def provider_id(app, county) -> int:
    """A body that helps in the worker's township."""
    with app.app_context(), transaction():
        return actions.add_provider(actor(county, "officer"), TOWNSHIP, PROVIDER, clock.now()).id


@pytest.fixture
def task_id(app, county) -> str:
    """An open task of the worker."""
    with app.app_context(), transaction():
        return make_task(county, type="temporary_care").followup_id


@pytest.fixture
def referral_id(app, county, provider_id, task_id) -> int:
    """The task, referred."""
    with app.app_context(), transaction():
        referral = actions.refer_followup(
            actor(county), task_id, provider_id, text="请安排短期照护", now=clock.now()
        )
        return referral.id


def fields_of(**more) -> dict[str, object]:
    typed = {name: value for name, value in PROVIDER.items() if value is not None}
    return {**typed, "area": TOWNSHIP, "takes_referrals": "y", **more}


@pytest.mark.parametrize("step", STEPS)
def test_step_from_each_state_by_each_role(app, referral_id, step):
    """At the desk; what is refused changes nothing."""
    for role in [*ROLES, "stranger"]:
        desk = Desk(app, role)
        for state in REFERRAL_STATES:
            with app.app_context(), transaction():
                db.session.get_one(Referral, referral_id).state = state
            status = desk.post(f"/referrals/{referral_id}", step=step, text="办理情况").status_code
            with app.app_context():
                after = db.session.get_one(Referral, referral_id).state
            is_allowed = role == "supervisor" and state in STEPS[step]
            refused = {"supervisor": 409, "stranger": 404}.get(role, 403)
            assert status == (303 if is_allowed else refused), (role, state)
            assert after == (step if is_allowed else state), (role, state)


def test_task_is_referred_by_the_township_alone_while_it_is_to_be_done(app, provider_id, task_id):
    fields = {"provider": provider_id, "text": "请安排短期照护"}
    for role in [*ROLES, "stranger"]:
        desk = Desk(app, role)
        for state in STATES:
            with app.app_context(), transaction():
                db.session.execute(delete(ReferralEvent))
                db.session.execute(delete(Referral))
                db.session.get_one(Followup, task_id).state = state
            status = desk.post(f"/followups/{task_id}/refer", **fields).status_code
            is_allowed = role == "supervisor" and state in {"open", "refused"}
            refused = {"supervisor": 409, "stranger": 404}.get(role, 403)
            assert status == (303 if is_allowed else refused), (role, state)
            assert task_of(app, task_id).state == ("open" if is_allowed else state), (role, state)


def test_what_was_done_is_the_result_of_the_task_at_once(app, referral_id, task_id):
    desk = Desk(app)
    assert desk.post(f"/referrals/{referral_id}", step="done", text=" ").status_code == 422
    assert desk.post(f"/referrals/{referral_id}", step="done", text="已入住，照护一个月").status_code == 303
    assert task_of(app, task_id).state == "done"
    page = words_of(desk.get(f"/followups/{task_id}"))
    assert page.count("已入住，照护一个月") == 2


def test_refused_needs_a_reason_and_the_task_goes_on(app, county, referral_id, provider_id, task_id):
    desk = Desk(app)
    fields = {"provider": provider_id, "text": "再问一次"}
    assert desk.post(f"/followups/{task_id}/refer", **fields).status_code == 409
    assert desk.post(f"/referrals/{referral_id}", step="refused", text="").status_code == 422
    assert desk.post(f"/referrals/{referral_id}", step="refused", text="床位已满").status_code == 303
    assert task_of(app, task_id).state == "open"
    assert "床位已满" in words_of(desk.get(f"/followups/{task_id}"))
    assert desk.post(f"/followups/{task_id}/refer", **fields).status_code == 303
    with app.app_context():
        done = db.session.scalars(
            select(AuditEntry.action).where(AuditEntry.subject_kind == "referral").order_by(AuditEntry.id)
        )
        assert list(done) == ["referral.referred", "referral.refused", "referral.referred"]


def test_slip_says_who_whom_and_what_for_with_numbers_masked(app, referral_id):
    page = words_of(Desk(app, "leader").get(f"/referrals/{referral_id}"))
    for said in ("转介单", "依兰县社会福利院", "请安排短期照护", "刘玉珍", "199****1234"):
        assert said in page, said
    assert "19900001234" not in page


def test_body_is_offered_where_it_helps_and_while_it_takes_referrals(app, county, task_id):
    with app.app_context():
        officer = actor(county, "officer")
        with transaction():
            for name, area, more in (
                ("本县医院", TOWNSHIP[:6], {}),
                ("本村站", VILLAGE, {"services": []}),
                ("外镇站", "230183101", {}),
                ("停办的", TOWNSHIP, {"takes_referrals": False}),
            ):
                actions.add_provider(officer, area, {**PROVIDER, "name": name, **more}, clock.now())
    page = Desk(app).get(f"/followups/{task_id}/refer").text
    assert [name in page for name in ("本县医院", "本村站", "外镇站", "停办的")] == [True, True, False, False]
    assert page.index("本县医院") < page.index("本村站")
    with app.app_context():
        closed = db.session.scalars(select(Provider.id).where(Provider.name == "停办的")).one()
    assert Desk(app).post(f"/followups/{task_id}/refer", provider=closed, text="请").status_code == 422


def test_officer_keeps_the_bodies_of_the_county_and_no_others(app, county, provider_id):
    officer, stranger = Desk(app, "officer"), Desk(app, "stranger_officer")
    assert officer.post("/providers", **fields_of(name="县救助站", kind="station")).status_code == 303
    assert officer.post("/providers", **fields_of(name=" ")).status_code == 422
    assert officer.post("/providers", **fields_of(area="230104")).status_code == 422
    assert "县救助站" in words_of(Desk(app).get("/providers"))
    assert "县救助站" not in words_of(stranger.get("/providers"))
    assert stranger.post(f"/providers/{provider_id}", **fields_of()).status_code == 404
    assert officer.post(f"/providers/{provider_id}", **fields_of(phone="0451-1")).status_code == 303
    with app.app_context():
        assert db.session.get_one(Provider, provider_id).phone == "0451-1"
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "provider.change"))
        assert entry.values["before"] == {"phone": "0451-57220001"}
