"""Signing in: locked after wrong attempts, the same for names that do not exist; sessions the server can end."""

from __future__ import annotations

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.users.models import SignInFailure, User, UserSession
from tests.factories import PASSWORD, Desk, Phone


def try_api(app, username, password):
    client = app.test_client()
    token = client.get("/api/session").json["csrf_token"]
    return client.post(
        "/api/session",
        json={"username": username, "password": password, "device_uuid": str(uuid.uuid4())},
        headers={"X-CSRFToken": token},
    )


def test_password_is_kept_as_argon2_only(app, county):
    with app.app_context():
        hashes = db.session.scalars(select(User.password_hash)).all()
    assert hashes
    assert all(text.startswith("$argon2id$") for text in hashes)


def test_sign_in_tells_who_and_which_grids(app, county):
    answer = try_api(app, "worker", PASSWORD)
    assert answer.status_code == 200
    assert answer.json["user"]["display_name"] == "测试worker"
    assert [grid["name"] for grid in answer.json["user"]["grids"]] == ["第1网格"]
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_wrong_password_and_unknown_name_look_the_same_and_lock_the_same(app, county):
    for name in ("worker", "nobody-of-that-name"):
        answers = [try_api(app, name, "wrong") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [423], name
        assert answers[0].json["error"]["code"] == "sign_in_wrong"
        assert answers[5].json["error"]["code"] == "account_locked"
    # Locked means locked: the right password waits too.
    assert try_api(app, "worker", PASSWORD).status_code == 423


def test_guesses_at_the_same_time_are_counted_one_by_one(app, county):
    codes: list[int] = []
    gate = threading.Barrier(12)

    def guess() -> None:
        gate.wait()
        codes.append(try_api(app, "worker", "wrong").status_code)

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [401] * 5 + [423] * 7


def test_lock_ends_after_its_time(app, county):
    for _ in range(5):
        try_api(app, "worker", "wrong")
    assert try_api(app, "worker", PASSWORD).status_code == 423
    with app.app_context(), transaction():
        db.session.execute(update(SignInFailure).values(last_at=clock.now() - timedelta(minutes=16)))
    assert try_api(app, "worker", PASSWORD).status_code == 200


def test_admin_unlocks_an_account(app, county):
    for _ in range(5):
        try_api(app, "worker", "wrong")
    assert Desk(app, "admin").post(f"/accounts/{county.users['worker']}/unlock").status_code == 303
    assert try_api(app, "worker", PASSWORD).status_code == 200


def test_many_attempts_from_one_device_are_429(app, county):
    device = str(uuid.uuid4())
    client = app.test_client()
    token = client.get("/api/session").json["csrf_token"]
    codes = [
        client.post(
            "/api/session",
            json={"username": "nobody", "password": "x", "device_uuid": device},
            headers={"X-CSRFToken": token},
        ).status_code
        for _ in range(22)
    ]
    assert codes[-1] == 429


@pytest.mark.parametrize("body", [None, [], {}, {"username": "worker"}, {"username": 1, "password": 2}])
def test_sign_in_that_cannot_be_read_is_422(app, county, body):
    client = app.test_client()
    token = client.get("/api/session").json["csrf_token"]
    answer = client.post("/api/session", json=body, headers={"X-CSRFToken": token})
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")


def test_desk_roles_are_sent_from_the_phone_app_to_the_desk(app, county):
    answer = try_api(app, "supervisor", PASSWORD)
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "use_desk")
    with app.app_context():
        assert all(session.revoked_at for session in db.session.scalars(select(UserSession)))


def test_worker_signing_in_at_the_desk_is_sent_to_the_app(app, county):
    assert Desk(app, "worker").get("/").location == "/app/"


def test_stolen_cookie_is_worthless_after_signing_out(app, county):
    phone = Phone(app, county)
    cookie = phone.client.get_cookie("fieldapp").value
    assert phone.client.delete("/api/session", headers=phone.headers).status_code == 204
    thief = app.test_client()
    thief.set_cookie("fieldapp", cookie)
    assert thief.get("/api/sync/pull", headers=phone.headers).status_code == 401


def test_admin_ends_sessions_on_every_device_at_once(app, county):
    phones = [Phone(app, county), Phone(app, county)]
    assert Desk(app, "admin").post(f"/accounts/{county.users['worker']}/sign-out").status_code == 303
    for phone in phones:
        assert phone.client.get("/api/sync/pull", headers=phone.headers).status_code == 401
        assert phone.client.get("/api/session").json["user"] is None


def test_ended_account_cannot_sign_in_and_is_told_nothing_special(app, county):
    phone = Phone(app, county)
    Desk(app, "admin").post(f"/accounts/{county.users['worker']}/end")
    assert phone.client.get("/api/sync/pull", headers=phone.headers).status_code == 401
    assert try_api(app, "worker", PASSWORD).json["error"]["code"] == "sign_in_wrong"


def test_desk_session_ends_when_idle_and_phone_session_does_not(app, county):
    desk, phone = Desk(app, "supervisor"), Phone(app, county)
    with app.app_context(), transaction():
        db.session.execute(update(UserSession).values(used_at=clock.now() - timedelta(minutes=21)))
    assert desk.get("/reviews").status_code == 302
    assert phone.client.get("/api/sync/pull", headers=phone.headers).status_code == 200


def test_desk_session_in_use_goes_on(app, county):
    desk = Desk(app, "supervisor")
    for _ in range(3):
        with app.app_context(), transaction():
            sessions = db.session.scalars(select(UserSession)).all()
            for session in sessions:
                session.used_at -= timedelta(minutes=15)
        assert desk.get("/reviews").status_code == 200


@pytest.mark.parametrize("path", ["/imports/1/go-on", "/payments/1/go-on"])
def test_a_page_that_goes_on_by_itself_keeps_no_desk_session_from_ending(app, county, path):
    desk = Desk(app, "supervisor")
    # There is nothing that could go on; then nobody is there any more.
    for status in (404, 302):
        with app.app_context(), transaction():
            for session in db.session.scalars(select(UserSession)):
                session.used_at -= timedelta(minutes=15)
        assert desk.post(path).status_code == status


def test_phone_session_ends_after_its_days(app, county):
    phone = Phone(app, county)
    with app.app_context(), transaction():
        db.session.execute(update(UserSession).values(ends_at=clock.now()))
    assert phone.client.get("/api/sync/pull", headers=phone.headers).status_code == 401


def test_signing_in_and_failing_to_is_in_the_audit_trail(app, county):
    try_api(app, "worker", "wrong")
    try_api(app, "worker", PASSWORD)
    with app.app_context():
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        told = [(entry.action, entry.actor_name) for entry in entries if entry.action.startswith("session.")]
    assert told == [("session.refuse", "worker"), ("session.start", "worker")]


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_sign_in_never_leads_to_another_site(app, county, target):
    client = app.test_client()
    token = client.get("/api/session").json["csrf_token"]
    answer = client.post(
        "/sign-in", data={"username": "supervisor", "password": PASSWORD, "csrf_token": token, "next": target}
    )
    assert (answer.status_code, answer.location) == (303, "/")


def test_own_account_cannot_be_ended(app, county):
    answer = Desk(app, "admin").post(f"/accounts/{county.users['admin']}/end")
    assert answer.status_code == 409
    with app.app_context():
        assert db.session.get_one(User, county.users["admin"]).is_active
