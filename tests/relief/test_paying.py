"""Payments of a case are entries of aid, in parts, and are taken back with the case alone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldapp.aid import actions as aid
from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.relief.models import ReliefCase
from tests.factories import Desk
from tests.followups.test_pages import words_of
from tests.relief.desk import state_of, typed


def test_case_is_paid_in_parts_and_each_is_an_entry_of_aid(app, office, make_case):
    case_id = make_case("approved", cents=800_00)
    desk = Desk(app)
    fields = typed(amount="300")
    for _ in range(2):  # sent twice it is paid once
        assert desk.post(f"/relief/{case_id}/pay", **fields).status_code == 303
    assert state_of(app, case_id) == "approved"
    assert desk.post(f"/relief/{case_id}/pay", **typed(amount="500.01")).status_code == 422
    assert desk.post(f"/relief/{case_id}/pay", **typed(amount="500")).status_code == 303
    assert state_of(app, case_id) == "paid"
    with app.app_context():
        entries = db.session.scalars(select(Aid).order_by(Aid.amount_cents)).all()
        assert [(one.amount_cents, one.programme, one.source, one.state) for one in entries] == [
            (300_00, "temporary_relief", "public", "given"),
            (500_00, "temporary_relief", "public", "given"),
        ]
        assert {one.relief_case_id for one in entries} == {case_id}
    page = desk.get(f"/aid/{fields['aid_uuid']}")
    assert f"/relief/{case_id}" in page.text


def test_payment_is_taken_back_with_its_case_and_nowhere_else(app, office, make_case):
    case_id = make_case("approved")
    desk, fields = Desk(app), typed(amount="500")
    desk.post(f"/relief/{case_id}/pay", **fields)
    answer = desk.post(f"/aid/{fields['aid_uuid']}/reverse", reason="付错人")
    assert answer.status_code == 409
    assert "该案" in words_of(answer)
    assert desk.post(f"/relief/{case_id}/take-back", **fields).status_code == 303
    assert desk.post(f"/relief/{case_id}/take-back", **fields).status_code == 409
    with app.app_context():
        case = db.session.get_one(ReliefCase, case_id)
        assert (case.state, case.paid_cents, case.paid_on) == ("approved", 0, None)
        assert sorted(one.state for one in db.session.scalars(select(Aid))) == ["reversal", "reversed"]


def test_somebody_who_is_on_no_list_is_paid(app, make_case):
    case_id = make_case("approved", registered=False, applicant_name="孙路过")
    desk, fields = Desk(app), typed()
    assert desk.post(f"/relief/{case_id}/pay", **fields).status_code == 303
    assert "孙路过" in words_of(desk.get(f"/aid/{fields['aid_uuid']}"))
    assert "本地未登记人员" in words_of(desk.get("/aid?view=given"))
    assert Desk(app, "stranger").get(f"/aid/{fields['aid_uuid']}").status_code == 404


def test_less_is_paid_than_granted_only_with_a_reason(app, make_case):
    case_id = make_case("approved", cents=800_00)
    desk = Desk(app)
    desk.post(f"/relief/{case_id}/pay", **typed(amount="300"))
    assert desk.post(f"/relief/{case_id}/close", text="").status_code == 422
    assert desk.post(f"/relief/{case_id}/close", text="其余由慈善解决").status_code == 303


def test_payment_of_relief_is_reversed_by_no_other_door(app, office, make_case):
    case_id = make_case("approved")
    with app.app_context(), transaction():
        aid_uuid = office.pay(case_id, 500_00)
    with app.app_context(), transaction(), pytest.raises(AppError, match="aid_of_case"):
        aid.reverse_aid(office["officer"], aid_uuid, reason="不对", now=clock.now())


def test_relief_was_not_paid_in_the_year_1026(app, make_case):
    case_id = make_case("approved")
    assert Desk(app).post(f"/relief/{case_id}/pay", **typed(amount="500", on="1026-11-05")).status_code == 422
    assert state_of(app, case_id) == "approved"
