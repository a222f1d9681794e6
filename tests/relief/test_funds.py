"""The reserve fund of a township: held, paid, given back, filled up by somebody else."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.relief import actions, fund_queries, rules
from fieldapp.relief.models import ReliefFundEntry
from tests.factories import TOWNSHIP, Desk
from tests.followups.test_pages import words_of
from tests.relief.desk import state_of, typed


def fund_of(app) -> tuple[int, int]:
    with app.app_context():
        fund = fund_queries.find_fund(TOWNSHIP)
        return (fund.balance_cents, fund.held_cents) if fund else (0, 0)


def test_fund_holds_what_is_granted_pays_it_and_gets_back_what_is_not_needed(app, office, make_case):
    officer = Desk(app, "officer")
    answer = officer.post(f"/relief/funds/{TOWNSHIP}/top-up", amount="1000", reason="县财政拨款")
    assert answer.status_code == 303
    case_id = make_case("approved", cents=800_00, funded_by="reserve_fund")
    assert fund_of(app) == (200_00, 800_00)
    with app.app_context(), transaction():
        aid_uuid = office.pay(case_id, 300_00)
    assert fund_of(app) == (200_00, 500_00)
    with app.app_context(), transaction():
        actions.take_back_payment(office["supervisor"], case_id, aid_uuid, reason="付错", now=clock.now())
    assert fund_of(app) == (200_00, 800_00)
    with app.app_context(), transaction():
        office.pay(case_id, 500_00)
        actions.close_case(office["supervisor"], case_id, text="其余不需要", now=clock.now())
    assert fund_of(app) == (500_00, 0)
    withdrawn = make_case("approved", cents=100_00, funded_by="reserve_fund")
    assert fund_of(app) == (400_00, 100_00)
    with app.app_context(), transaction():
        office.take(withdrawn, "withdraw")
    assert fund_of(app) == (500_00, 0)
    page = words_of(Desk(app).get(f"/relief/funds/{TOWNSHIP}"))
    assert "可用余额：500.00 元" in page
    assert "县财政拨款" in page
    with app.app_context():
        entries = db.session.scalars(select(ReliefFundEntry).order_by(ReliefFundEntry.id)).all()
        kinds = ["in", "held", "paid", "taken_back", "paid", "freed", "held", "freed"]
        assert [entry.kind for entry in entries] == kinds
        # Each entry says what the fund came to, and together they are what it holds.
        balance = held = 0
        for entry in entries:
            of_balance, of_held = rules.MOVES[entry.kind]
            balance, held = balance + of_balance * entry.cents, held + of_held * entry.cents
            assert (entry.balance_cents, entry.held_cents) == (balance, held)
        assert all(entry.case_id for entry in entries[1:])
        sources = db.session.scalars(select(Aid.source).distinct()).all()
        assert sources == ["reserve_fund"]


def test_fund_without_enough_grants_nothing(app, office, make_case):
    with app.app_context(), transaction():
        office.fill_fund(499_99)
    case_id = make_case("proposed", funded_by="reserve_fund")
    answer = Desk(app, "officer").post(f"/relief/{case_id}/approve", **typed(funded_by="reserve_fund"))
    assert answer.status_code == 409
    assert "备用金余额不足" in words_of(answer)
    assert state_of(app, case_id) == "proposed"
    assert fund_of(app) == (499_99, 0)


def test_money_entered_by_mistake_is_taken_back_once_and_never_below_zero(app, office, make_case):
    with app.app_context(), transaction():
        entry_id = office.fill_fund(600_00)
    officer = Desk(app, "officer")
    make_case("approved", funded_by="reserve_fund")
    path = f"/relief/fund-entries/{entry_id}/reverse"
    assert officer.post(path, reason="记错乡镇").status_code == 409
    assert fund_of(app) == (100_00, 500_00)
    with app.app_context(), transaction():
        office.fill_fund(500_00)
    assert officer.post(path, reason="记错乡镇").status_code == 303
    assert officer.post(path, reason="记错乡镇").status_code == 409
    assert fund_of(app) == (0, 500_00)


@pytest.mark.parametrize("role", ["supervisor", "leader"])
def test_whoever_spends_a_fund_does_not_fill_it(app, county, role):
    answer = Desk(app, role).post(f"/relief/funds/{TOWNSHIP}/top-up", amount="1000", reason="拨款")
    assert answer.status_code == 403
    assert fund_of(app) == (0, 0)
