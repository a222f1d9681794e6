"""The areas of an account: granted and withdrawn from now on; a worker's phone follows with its next pull."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.users import actions
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import GRID, OTHER_GRID, OTHER_VILLAGE, TOWNSHIP, VILLAGE, text_of


def change(app, county, step, area_code, username="worker", now=None) -> None:
    """`step` is one of the two actions, done by the administrator."""
    with app.app_context(), transaction():
        admin = db.session.get_one(User, county.users["admin"])
        step(admin, county.users[username], area_code, now or clock.now())


def refusal(app, county, step, area_code, username="worker") -> str:
    with pytest.raises(AppError) as raised:
        change(app, county, step, area_code, username)
    return raised.value.code


def areas_of(app, county, username="worker", at=None) -> list[str]:
    with app.app_context():
        return sorted(db.session.get_one(User, county.users[username]).area_codes(at))


def left(phone) -> list[str]:
    answer = phone.client.get("/api/sync/pull", query_string={"cursor": phone.cursor}, headers=phone.headers)
    return answer.json["left"]


def test_granted_grid_comes_with_the_next_pull(app, county, phone):
    phone.pull()
    change(app, county, actions.grant_area, OTHER_GRID)
    assert areas_of(app, county) == [GRID, OTHER_GRID]
    assert ("household", county.other_household_uuid) in phone.pull()
    assert left(phone) == []


def test_withdrawn_grid_is_left_and_nothing_of_it_is_pulled(app, county, phone):
    change(app, county, actions.grant_area, OTHER_GRID)
    phone.pull()
    change(app, county, actions.withdraw_area, GRID)
    assert areas_of(app, county) == [OTHER_GRID]
    assert GRID in left(phone)
    assert OTHER_GRID not in left(phone)
    assert [grid["code"] for grid in phone.client.get("/api/session").json["user"]["grids"]] == [OTHER_GRID]


def test_last_area_may_be_withdrawn_and_the_phone_keeps_nothing(app, county, phone):
    phone.pull()
    change(app, county, actions.withdraw_area, GRID)
    assert areas_of(app, county) == []
    assert GRID in left(phone)
    assert phone.sign_in().json["user"]["grids"] == []
    assert phone.client.get("/api/session").json["hand_in"] is None


def test_visit_from_before_the_withdrawal_is_accepted_and_marked(app, county, phone):
    withdrawn_at = clock.now() - timedelta(hours=1)
    change(app, county, actions.withdraw_area, GRID, now=withdrawn_at)
    receipts = [
        phone.push(
            phone.op(
                "visit.submit",
                phone.visit(started_at=text_of(at - timedelta(minutes=5)), finished_at=text_of(at)),
            )
        )[0]
        for at in (withdrawn_at - timedelta(minutes=10), withdrawn_at + timedelta(minutes=10))
    ]
    assert [receipt["outcome"] for receipt in receipts] == ["accepted", "rejected"]
    with app.app_context():
        assert db.session.scalars(select(Visit)).one().out_of_scope


def test_area_granted_anew_counts_from_then_on(app, county):
    start = clock.now()
    change(app, county, actions.withdraw_area, GRID, now=start - timedelta(hours=2))
    change(app, county, actions.grant_area, GRID, now=start - timedelta(hours=1))
    assert areas_of(app, county, at=start - timedelta(hours=3)) == [GRID]
    assert areas_of(app, county, at=start - timedelta(minutes=90)) == []
    assert areas_of(app, county) == [GRID]


def test_area_of_a_larger_level_covers_what_is_below(app, county):
    change(app, county, actions.grant_area, OTHER_VILLAGE)
    assert refusal(app, county, actions.grant_area, OTHER_GRID) == "area_held"
    # A grid held singly stays beside the village that now covers it, and may be withdrawn by itself.
    change(app, county, actions.grant_area, VILLAGE)
    change(app, county, actions.withdraw_area, GRID)
    assert areas_of(app, county) == [VILLAGE, OTHER_VILLAGE]


@pytest.mark.parametrize("code", ["", "999999", "230183100055999", "23018", "网格", "%", "2" * 16])
def test_code_of_no_area_is_refused(app, county, code):
    assert refusal(app, county, actions.grant_area, code) == "area_unknown"
    assert areas_of(app, county) == [GRID]


def test_the_same_area_twice_is_refused_both_ways(app, county):
    assert refusal(app, county, actions.grant_area, GRID) == "area_held"
    assert refusal(app, county, actions.withdraw_area, OTHER_GRID) == "not_found"
    # What only lies within a larger one cannot be taken out of it.
    assert refusal(app, county, actions.withdraw_area, GRID, "supervisor") == "not_found"
    change(app, county, actions.withdraw_area, GRID)
    assert refusal(app, county, actions.withdraw_area, GRID) == "not_found"
    assert areas_of(app, county) == []


def test_ended_account_is_left_as_it_was(app, county):
    with app.app_context(), transaction():
        admin = db.session.get_one(User, county.users["admin"])
        actions.end_account(admin, county.users["worker"], clock.now())
    assert refusal(app, county, actions.grant_area, OTHER_GRID) == "account_ended"
    assert refusal(app, county, actions.withdraw_area, GRID) == "account_ended"
    with app.app_context():
        worker = db.session.get_one(User, county.users["worker"])
        assert worker.area_codes() == []
        assert worker.area_codes(clock.now() - timedelta(days=1)) == [GRID]
        assert worker.last_area_codes(clock.now()) == [GRID]


def test_account_that_is_none_is_not_found(app, county):
    county.users["nobody"] = 999_999
    assert refusal(app, county, actions.grant_area, GRID, "nobody") == "not_found"


def test_last_areas_are_those_held_until_last(app, county):
    now = clock.now()
    with app.app_context():
        worker = db.session.get_one(User, county.users["worker"])
        assert worker.last_area_codes(now) == [GRID]
    change(app, county, actions.grant_area, TOWNSHIP, now=now - timedelta(hours=3))
    change(app, county, actions.withdraw_area, GRID, now=now - timedelta(hours=2))
    change(app, county, actions.withdraw_area, TOWNSHIP, now=now - timedelta(hours=1))
    with app.app_context():
        worker = db.session.get_one(User, county.users["worker"])
        assert (worker.area_codes(now), worker.last_area_codes(now)) == ([], [TOWNSHIP])


def test_changes_are_in_the_audit_trail(app, county):
    change(app, county, actions.grant_area, OTHER_GRID)
    change(app, county, actions.withdraw_area, GRID)
    with app.app_context():
        entries = db.session.scalars(
            select(AuditEntry)
            .where(AuditEntry.action.in_(["account.grant_area", "account.withdraw_area"]))
            .order_by(AuditEntry.id)
        ).all()
        told = [(item.action, item.actor_name, item.subject_id, item.values["area"]) for item in entries]
    worker = str(county.users["worker"])
    assert told == [
        ("account.grant_area", "admin", worker, OTHER_GRID),
        ("account.withdraw_area", "admin", worker, GRID),
    ]
