"""Special periods: switching on, ending, and what follows for everybody in the area.

Invariant: who switched on or ended a period, and when, is in the audit trail; due dates that do not follow it yet are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import update

from fieldapp.areas import queries as areas
from fieldapp.core import audit, clock, scope
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.people import period_queries as queries
from fieldapp.people.actions import refresh_due_in
from fieldapp.people.models import SpecialPeriod
from fieldapp.users.models import User

# How many grids are done between two notes of how far it is.
NOTED_AFTER = 20
# What a period that goes on in another area keeps.
_CARRIED = (
    *("name", "from_on", "until_on", "risk_days", "tags", "pauses_exit", "relaxed_papers"),
    *("started_by", "started_at", "ended_by", "ended_at"),
)


def start_period(
    actor: User,
    area_code: str,
    name: str,
    *,
    from_on: date,
    until_on: date | None,
    risk_days: Mapping[str, int],
    tags: Sequence[str],
    pauses_exit: bool,
    relaxed_papers: bool,
    now: datetime,
) -> SpecialPeriod:
    """Switch on a period in an area of the actor's; `work_out` then makes due dates follow. Raises not_found."""
    if not scope.covers(actor.area_codes(now), area_code):
        raise AppError("not_found")
    areas.get_area(area_code)
    period = SpecialPeriod(
        area_code=area_code,
        name=name,
        from_on=from_on,
        until_on=until_on,
        risk_days=dict(risk_days),
        tags=list(tags),
        pauses_exit=pauses_exit,
        relaxed_papers=relaxed_papers,
        started_by=actor.id,
        started_at=now,
    )
    db.session.add(period)
    db.session.flush()
    audit.record(
        actor,
        "period.start",
        "period",
        period.id,
        at=now,
        area=area_code,
        name=name,
        from_on=from_on.isoformat(),
        until_on=until_on.isoformat() if until_on else None,
        risk_days=period.risk_days,
        pauses_exit=pauses_exit,
        relaxed_papers=relaxed_papers,
    )
    _publish(period)
    return period


def end_period(actor: User, period_id: int, now: datetime) -> SpecialPeriod:
    """End a period: yesterday was its last day, and one that began today or later never was.

    Raises not_found, state_wrong when it is over already.
    """
    period = queries.get_period(period_id, actor.area_codes(now))
    yesterday = clock.local_date(now) - timedelta(days=1)
    if period.ended_at is not None or (period.until_on is not None and period.until_on <= yesterday):
        raise AppError("period_over")
    period.until_on = yesterday
    period.ended_by, period.ended_at = actor.id, now
    period.worked_out_to = ""
    audit.record(actor, "period.end", "period", period.id, at=now, until_on=yesterday.isoformat())
    _publish(period)
    return period


def carry_periods(actor: User, area_code: str, to_code: str, now: datetime) -> None:
    """Let the periods of that very area hold in another one too, which goes on with a part of it, before its people go
    there: each move works out their due dates. Also those that are over: what fell due in one stays due.
    """
    for period in queries.list_periods_of(area_code):
        kept = {name: getattr(period, name) for name in _CARRIED}
        carried = SpecialPeriod(area_code=to_code, worked_out_to=None, **kept)
        db.session.add(carried)
        db.session.flush()
        audit.record(actor, "period.carry", "period", carried.id, at=now, of=period.id, area=to_code)
        _publish(carried)


def work_out(period_id: int) -> int:
    """Make the due dates in a period's area follow it, from where it was left; in how many households they changed.

    Runs its own transactions. To do it twice, or two at once, does no harm.
    """
    period = db.session.get_one(SpecialPeriod, period_id, populate_existing=True)
    # As it is now: when it is ended meanwhile, all is to be done again.
    ended_at = period.ended_at
    total = 0
    for number, (grid_code, changed) in enumerate(
        refresh_due_in([period.area_code], after=period.worked_out_to or ""), start=1
    ):
        total += changed
        if number % NOTED_AFTER == 0:
            _note(period_id, ended_at, grid_code)
    _note(period_id, ended_at, None)
    return total


def _note(period_id: int, ended_at: datetime | None, worked_out_to: str | None) -> None:
    with transaction():
        db.session.execute(
            update(SpecialPeriod)
            .where(SpecialPeriod.id == period_id, SpecialPeriod.ended_at.is_not_distinct_from(ended_at))
            .values(worked_out_to=worked_out_to),
            execution_options={"synchronize_session": False},
        )


def _publish(period: SpecialPeriod) -> None:
    publish(period.area_code, "period", str(period.id))
