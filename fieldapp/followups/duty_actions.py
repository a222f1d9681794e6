"""Writes of the duty roster: entering a shift and withdrawing one.

Invariant: every change is in the audit trail, and phones below the area learn which number they call.
"""

from __future__ import annotations

from datetime import datetime

from fieldapp.core import audit, clock
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.followups import duty_queries as queries
from fieldapp.followups.models import DutyShift
from fieldapp.users.models import User


def add_shift(
    actor: User,
    area_code: str,
    user_id: int,
    phone: str,
    *,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> DutyShift:
    """Put somebody on duty for an area of the actor's; raises not_found, also for an account that cannot be."""
    area = queries.get_area(area_code, actor.area_codes(now))
    if user_id not in {user.id for user in queries.list_candidates(area.code, now)}:
        raise AppError("not_found")
    shift = DutyShift(
        area_code=area.code,
        user_id=user_id,
        phone=phone,
        starts_at=starts_at,
        ends_at=ends_at,
        made_by_id=actor.id,
        made_at=now,
    )
    db.session.add(shift)
    db.session.flush()
    _record(actor, "duty.add", shift, now)
    return shift


def withdraw_shift(actor: User, shift_id: int, now: datetime) -> DutyShift:
    """Take a shift out of the roster, from now on; raises not_found, shift_over."""
    shift = db.session.get(DutyShift, shift_id, with_for_update=True, populate_existing=True)
    if shift is None:
        raise AppError("not_found")
    queries.get_area(shift.area_code, actor.area_codes(now))
    if shift.withdrawn_at is not None or shift.ends_at <= now:
        raise AppError("shift_over")
    shift.withdrawn_by_id, shift.withdrawn_at = actor.id, now
    _record(actor, "duty.withdraw", shift, now)
    return shift


def _record(actor: User, action: str, shift: DutyShift, now: datetime) -> None:
    audit.record(
        actor,
        action,
        "duty_shift",
        shift.id,
        at=now,
        area=shift.area_code,
        user_id=shift.user_id,
        starts_at=clock.iso(shift.starts_at),
        ends_at=clock.iso(shift.ends_at),
    )
    publish(shift.area_code, "area", shift.area_code)
