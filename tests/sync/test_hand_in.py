"""A phone whose account ended or that was revoked hands in what it holds, and gets nothing more."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.reviews.models import Flag
from fieldapp.users import actions as users
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import draw_photo, text_of
from tests.phone_key import DATA_KEY, seal_key


@pytest.fixture(params=["account_ended", "device_revoked"])
def handing_in(request, app, county, phone):
    """The phone, signed in again after its account ended or it was revoked."""
    now = clock.now()
    with app.app_context(), transaction():
        if request.param == "account_ended":
            users.end_account(db.session.get_one(User, county.users["admin"]), phone.user_id, now)
        else:
            security = db.session.get_one(User, county.users["security"])
            users.revoke_device(security, phone.user_id, phone.device_uuid, "换了新手机", now)
    assert phone.sign_in().json["hand_in"] == request.param
    return phone


def test_visits_and_photos_made_before_are_taken(app, handing_in):
    photo = draw_photo()
    assert handing_in.put_photo(photo).status_code == 201
    sha256 = handing_in.put_photo(photo).json["sha256"]
    named = [{"sha256": sha256, "question": "photo", "taken_at": None, "size": len(photo)}]
    op = handing_in.op("visit.submit", handing_in.visit(attachments=named))
    [receipt] = handing_in.push(op)
    assert receipt["outcome"] == "accepted"
    assert handing_in.push(op)[0]["outcome"] == "duplicate"
    # The account's grids ended with it; the worker of a revoked phone still has theirs.
    has_ended = handing_in.client.get("/api/session").json["hand_in"] == "account_ended"
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().out_of_scope is has_ended
        assert ("out_of_scope" in set(db.session.scalars(select(Flag.rule)))) is has_ended


def test_nothing_is_given_out(handing_in):
    sha256 = handing_in.put_photo(draw_photo()).json["sha256"]
    for path in ("/api/sync/pull", f"/api/attachments/{sha256}"):
        answer = handing_in.client.get(path, headers=handing_in.headers)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "hand_in_only")
        assert answer.json["error"]["message"]


def test_start_page_leads_to_the_app(handing_in):
    assert handing_in.client.get("/").location == "/app/"


def test_forgotten_pin_does_not_keep_the_work_from_being_handed_in(app, county, handing_in):
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        code, _ = users.make_pin_code(supervisor, handing_in.user_id, clock.now())
    public_key = handing_in.client.get("/api/session").json["public_key"]
    answer = handing_in.client.post(
        "/api/session/key",
        json={"sealed": seal_key(public_key, handing_in.user_id), "code": code},
        headers=handing_in.headers,
    )
    assert (answer.status_code, base64.b64decode(answer.json["key"])) == (200, DATA_KEY)


def test_phone_that_has_handed_in_signs_out_as_erased(app, handing_in):
    answer = handing_in.client.delete("/api/session?erased=true", headers=handing_in.headers)
    assert answer.status_code == 204
    assert handing_in.client.get("/api/session").json["user"] is None


def test_visit_made_after_the_account_ended_is_kept_for_the_office(app, county, phone):
    ended_at = clock.now() - timedelta(hours=1)
    with app.app_context(), transaction():
        users.end_account(db.session.get_one(User, county.users["admin"]), phone.user_id, ended_at)
    phone.sign_in()
    before, after = ended_at - timedelta(minutes=10), ended_at + timedelta(minutes=10)
    receipts = phone.push(
        *(
            phone.op(
                "visit.submit",
                phone.visit(started_at=text_of(at - timedelta(minutes=5)), finished_at=text_of(at)),
            )
            for at in (before, after)
        )
    )
    assert [(receipt["outcome"], receipt["code"]) for receipt in receipts] == [
        ("accepted", None),
        ("rejected", "not_yours"),
    ]
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().out_of_scope
