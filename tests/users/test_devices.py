"""Phones of an account: registered at sign-in, revoked, erased; which may sign in once the account has ended."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.users import actions
from fieldapp.users.models import Device, SignInFailure, User, UserSession
from tests.factories import PASSWORD, Desk, Phone


def end_account(app, county, username="worker") -> None:
    with app.app_context(), transaction():
        admin = db.session.get_one(User, county.users["admin"])
        actions.end_account(admin, county.users[username], clock.now())


def revoke(app, county, phone, reason="手机丢了") -> None:
    with app.app_context(), transaction():
        security = db.session.get_one(User, county.users["security"])
        actions.revoke_device(security, phone.user_id, phone.device_uuid, reason, clock.now())


def devices(app) -> list[Device]:
    with app.app_context():
        return list(db.session.scalars(select(Device).order_by(Device.registered_at)))


def audited(app, prefix="") -> list[tuple[str, str]]:
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [(item.action, item.actor_name) for item in entries if item.action.startswith(prefix)]


def test_phone_is_registered_at_its_first_sign_in_and_stays_so(app, phone):
    [first] = devices(app)
    assert (first.device_uuid, first.user_id) == (phone.device_uuid, phone.user_id)
    assert phone.sign_in().status_code == 200
    [again] = devices(app)
    assert again.registered_at == first.registered_at
    assert again.revoked_at is again.erased_at is None


def test_phone_of_two_workers_is_registered_for_each(app, county):
    phone, other = Phone(app, county), Phone(app, county, "worker2")
    other.device_uuid = phone.device_uuid
    other.sign_in()
    assert {device.user_id for device in devices(app) if device.device_uuid == phone.device_uuid} == {
        phone.user_id,
        other.user_id,
    }
    revoke(app, county, phone)
    assert other.client.get("/api/session").json["hand_in"] is None
    assert other.sign_in().json["hand_in"] is None


def test_desk_registers_no_phone_nor_does_a_desk_account_that_tries_the_app(app, county):
    Desk(app, "supervisor")
    client = app.test_client()
    body = {"username": "supervisor", "password": PASSWORD, "device_uuid": str(uuid.uuid4())}
    token = client.get("/api/session").json["csrf_token"]
    assert client.post("/api/session", json=body, headers={"X-CSRFToken": token}).status_code == 403
    assert devices(app) == []


def test_session_in_good_standing_hands_in_nothing_in_particular(phone):
    assert phone.client.get("/api/session").json["hand_in"] is None
    assert phone.sign_in().json["hand_in"] is None


def test_ended_account_signs_in_on_its_phone_only(app, county, phone):
    stranger = Phone(app, county, "worker2")
    end_account(app, county)
    # The running session is over: the phone asks for the password in place.
    assert phone.client.get("/api/session").json["user"] is None
    assert phone.push_raw().status_code == 401
    answer = phone.sign_in()
    assert (answer.status_code, answer.json["hand_in"]) == (200, "account_ended")
    assert answer.json["user"]["grids"] == []
    assert phone.client.get("/api/session").json["hand_in"] == "account_ended"
    # A phone that was never theirs, though another worker's, is as good as none.
    stranger.username = "worker"
    refused = stranger.sign_in()
    assert (refused.status_code, refused.json["error"]["code"]) == (401, "sign_in_wrong")


def test_ended_account_on_an_unknown_phone_looks_counts_and_costs_like_a_wrong_password(
    app, county, monkeypatch
):
    known = Phone(app, county)
    end_account(app, county)
    tried: list[bool] = []
    fits = actions._password_fits

    def count(*given: str) -> bool:
        tried.append(fits(*given))
        return tried[-1]

    monkeypatch.setattr(actions, "_password_fits", count)
    unknown = Phone.__new__(Phone)
    unknown.__dict__.update(known.__dict__, device_uuid=str(uuid.uuid4()), client=app.test_client())
    answers = [unknown.sign_in() for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [423]
    assert answers[0].json["error"]["code"] == "sign_in_wrong"
    # One hash each, though the password was right, and none while locked.
    assert tried == [False] * 5
    # The lock holds on the known phone too, and ends as any other.
    assert known.sign_in().status_code == 423
    with app.app_context(), transaction():
        db.session.execute(update(SignInFailure).values(last_at=clock.now() - timedelta(minutes=16)))
    assert known.sign_in(password="wrong").status_code == 401
    assert known.sign_in().status_code == 200


def test_ended_account_does_not_get_in_at_the_desk(app, county):
    desk = Desk(app, "supervisor")
    end_account(app, county, "supervisor")
    # Even a session that slipped through while the account was ended.
    with app.app_context(), transaction():
        db.session.execute(update(UserSession).values(revoked_at=None))
    assert desk.get("/reviews").status_code == 302
    answer = desk.client.post(
        "/sign-in",
        data={
            "username": "supervisor",
            "password": PASSWORD,
            "csrf_token": desk.client.get("/api/session").json["csrf_token"],
        },
    )
    assert answer.status_code == 401


def test_revoked_phone_signs_in_to_hand_in_and_others_of_the_worker_go_on(app, county, phone):
    other = Phone(app, county)
    revoke(app, county, phone)
    assert phone.push_raw().status_code == 401
    assert phone.sign_in().json["hand_in"] == "device_revoked"
    assert phone.client.get("/api/session").json["hand_in"] == "device_revoked"
    assert other.client.get("/api/session").json["hand_in"] is None
    assert other.pull()


def test_session_that_slipped_past_a_revocation_may_still_only_hand_in(app, county, phone):
    revoke(app, county, phone)
    with app.app_context(), transaction():
        db.session.execute(update(UserSession).values(revoked_at=None))
    answer = phone.client.get("/api/sync/pull", headers=phone.headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "hand_in_only")


def test_revoking_again_keeps_the_first_date_and_is_audited_with_its_reason(app, county, phone):
    revoke(app, county, phone)
    [first] = devices(app)
    revoke(app, county, phone, "又丢了一次")
    [again] = devices(app)
    assert again.revoked_at == first.revoked_at
    with app.app_context():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "device.revoke").order_by(AuditEntry.id)
        ).all()
        assert [entry.values["reason"] for entry in entries] == ["手机丢了", "又丢了一次"]
        assert entries[0].values["device_uuid"] == phone.device_uuid
        assert (entries[0].actor_name, entries[0].subject_id) == ("security", str(phone.user_id))


def test_revoking_needs_a_reason_and_a_phone(app, county, phone):
    with app.app_context():
        security = db.session.get_one(User, county.users["security"])
        for device_uuid, reason, code in (
            (phone.device_uuid, " ", "reason_needed"),
            (str(uuid.uuid4()), "丢了", "not_found"),
        ):
            with pytest.raises(AppError) as raised, transaction():
                actions.revoke_device(security, phone.user_id, device_uuid, reason, clock.now())
            assert raised.value.code == code


def test_erased_phone_is_noted_until_it_holds_records_again(app, phone):
    phone.client.delete("/api/session", headers=phone.headers)
    assert devices(app)[0].erased_at is None
    phone.sign_in()
    assert phone.client.delete("/api/session?erased=true", headers=phone.headers).status_code == 204
    assert devices(app)[0].erased_at is not None
    assert ("device.erase", "worker") in audited(app)
    # Without a session nothing is noted, and nothing fails.
    phone.headers["X-CSRFToken"] = phone.client.get("/api/session").json["csrf_token"]
    assert phone.client.delete("/api/session?erased=true", headers=phone.headers).status_code == 204
    assert len(audited(app, "device.erase")) == 1
    phone.sign_in()
    assert devices(app)[0].erased_at is None


def test_erased_phone_that_may_only_hand_in_stays_erased(app, county, phone):
    revoke(app, county, phone)
    phone.sign_in()
    phone.client.delete("/api/session?erased=true", headers=phone.headers)
    assert phone.sign_in().json["hand_in"] == "device_revoked"
    assert devices(app)[0].erased_at is not None
