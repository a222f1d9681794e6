"""Movements of the townships' reserve funds.

Invariant: whoever moves money holds the fund's row until the transaction ends, so that balance and entries agree and no two
approvals spend the same yuan.
"""

from __future__ import annotations

from datetime import datetime

from fieldapp.areas import queries as areas
from fieldapp.core import audit, scope
from fieldapp.core.db import db, insert_if_absent
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER
from fieldapp.relief import fund_queries as queries, rules
from fieldapp.relief.models import ReliefFund, ReliefFundEntry
from fieldapp.users.models import User


def top_up(actor: User, township_code: str, cents: int, *, reason: str, now: datetime) -> ReliefFundEntry:
    """Enter money that came into a township's fund. Raises wrong_role, not_found, reason_needed."""
    _check_keeper(actor, township_code, now)
    insert_if_absent(ReliefFund, township_code=township_code, balance_cents=0, held_cents=0)
    return move(actor, township_code, "in", cents, now, reason=_reason(reason))


def reverse_top_up(actor: User, entry_id: int, *, reason: str, now: datetime) -> ReliefFundEntry:
    """Take back money that was entered by mistake. Raises wrong_role, not_found, reason_needed, fund_too_small,
    entry_reversed.
    """
    entry = db.session.get(ReliefFundEntry, entry_id)
    if entry is None or entry.kind != "in":
        raise AppError("not_found")
    _check_keeper(actor, entry.township_code, now)
    # Locked before it is looked at: two who take the same back do it once.
    db.session.get_one(ReliefFund, entry.township_code, with_for_update=True, populate_existing=True)
    if queries.list_reversed([entry_id]):
        raise AppError("entry_reversed")
    return move(
        actor,
        entry.township_code,
        "reversal",
        entry.cents,
        now,
        reason=_reason(reason),
        reverses_id=entry_id,
    )


def move(
    actor: User,
    township_code: str,
    kind: str,
    cents: int,
    now: datetime,
    *,
    case_id: str | None = None,
    reason: str | None = None,
    reverses_id: int | None = None,
) -> ReliefFundEntry:
    """Move money of a fund, one of rules.MOVES. Raises fund_too_small, also where there is no fund."""
    fund = db.session.get(ReliefFund, township_code, with_for_update=True, populate_existing=True)
    of_balance, of_held = rules.MOVES[kind]
    if fund is None or fund.balance_cents + of_balance * cents < 0:
        raise AppError("fund_too_small")
    fund.balance_cents += of_balance * cents
    fund.held_cents += of_held * cents
    entry = ReliefFundEntry(
        township_code=township_code,
        kind=kind,
        cents=cents,
        balance_cents=fund.balance_cents,
        held_cents=fund.held_cents,
        case_id=case_id,
        reason=reason,
        reverses_id=reverses_id,
        entered_by_id=actor.id,
        entered_at=now,
    )
    db.session.add(entry)
    db.session.flush()
    audit.record(
        actor,
        f"relief_fund.{kind}",
        "relief_fund",
        township_code,
        at=now,
        cents=cents,
        balance_cents=fund.balance_cents,
        held_cents=fund.held_cents,
        case_id=case_id,
        reason=reason,
    )
    return entry


def _check_keeper(actor: User, township_code: str, now: datetime) -> None:
    """Only the county tops up: whoever spends a fund does not fill it."""
    if actor.role != OFFICER:
        raise AppError("wrong_role")
    codes = actor.area_codes(now)
    queries.get_township(township_code, codes)
    if not scope.covers(codes, areas.county_of(township_code)):
        raise AppError("wrong_role")


def _reason(text: str) -> str:
    if not text.strip():
        raise AppError("reason_needed")
    return text.strip()
