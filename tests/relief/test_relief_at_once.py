"""Fifty who grant from one reserve fund at the same moment: exact, and never below zero."""

from __future__ import annotations

import uuid
from threading import Barrier, Thread

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.relief import actions
from fieldapp.relief.models import ReliefCase, ReliefFund, ReliefFundEntry
from tests.factories import TOWNSHIP

WRITERS, GRANTED = 50, 20


def test_fifty_who_grant_at_once_spend_what_is_there_and_no_more(app, office):
    with app.app_context(), transaction():
        office.fill_fund(GRANTED * 500_00 + 499_99)
        cases = [office.open(registered=False) for _ in range(WRITERS)]
        for case_id in cases:
            office.take(case_id, "accept", "propose", funded_by="reserve_fund")
    start, outcomes = Barrier(WRITERS), []

    def grant(case_id: str) -> None:
        with app.app_context():
            start.wait()
            outcome = ""
            while not outcome:
                try:
                    with transaction():
                        actions.approve_relief(office["officer"], case_id, now=clock.now())
                    outcome = "granted"
                except AppError as error:
                    outcome = error.code
                except OperationalError:
                    pass  # SQLite lets nobody wait for ever: whoever is told so tries again
            outcomes.append(outcome)
            db.session.remove()

    threads = [Thread(target=grant, args=(case_id,)) for case_id in cases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["fund_too_small"] * (WRITERS - GRANTED) + ["granted"] * GRANTED
    with app.app_context():
        fund = db.session.get_one(ReliefFund, TOWNSHIP)
        assert (fund.balance_cents, fund.held_cents) == (499_99, GRANTED * 500_00)
        held = db.session.execute(
            select(
                func.count(), func.sum(ReliefFundEntry.cents), func.min(ReliefFundEntry.balance_cents)
            ).where(ReliefFundEntry.kind == "held")
        ).one()
        assert tuple(held) == (GRANTED, GRANTED * 500_00, 499_99)
        states = db.session.execute(select(ReliefCase.state, func.count()).group_by(ReliefCase.state))
        assert dict(states.all()) == {"approved": GRANTED, "proposed": WRITERS - GRANTED}


def test_two_who_pay_the_rest_of_a_case_at_once_pay_it_once(app, office, make_case):
    case_id = make_case("approved")
    start, outcomes = Barrier(2), []

    def pay() -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    office.pay(case_id, 500_00, aid_uuid=str(uuid.uuid4()))
                outcomes.append("paid")
            except AppError as error:
                outcomes.append(error.code)
            finally:
                db.session.remove()

    threads = [Thread(target=pay) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["paid", "state_wrong"]
    with app.app_context():
        assert db.session.get_one(ReliefCase, case_id).paid_cents == 500_00
