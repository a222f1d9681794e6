"""AB角: an account names who decides in its place for a time.

Invariant: a deputy is never given more than their own areas and the one who named them both cover, and names nobody further.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select

from fieldapp.core import audit, clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import LEADER, OFFICER, READERS
from fieldapp.users import queries
from fieldapp.users.models import Deputy, User

# Whose decisions somebody else may take.
DECIDERS = (LEADER, OFFICER)
# The longest time for which a deputy is named: then it is said again.
LONGEST = timedelta(days=366)


def list_candidates(user: User, now: datetime) -> list[User]:
    """Whom an account may name: who reads at the desk in all of its areas, by name."""
    codes = user.area_codes(now)
    found = queries.list_users_covering(codes[0], READERS, now) if codes else []
    return [
        one
        for one in found
        if one.id != user.id and all(scope.covers(one.area_codes(now), code) for code in codes)
    ]


def list_of(user: User) -> list[Deputy]:
    """The deputies an account has named, the latest first."""
    named = select(Deputy).where(Deputy.user_id == user.id)
    return list(db.session.scalars(named.order_by(Deputy.from_on.desc(), Deputy.id.desc())))


def list_represented(deputy: User, day: date) -> list[User]:
    """The accounts in whose place that one decides on that day, by number."""
    found = {one.user_id: one.user for one in deputy.deputised if one.from_on <= day <= one.until_on}
    return [user for _, user in sorted(found.items()) if user.is_active]


def list_deputies(users: Iterable[User], day: date) -> list[User]:
    """Who decides in the place of one of those accounts on that day."""
    rows = db.session.scalars(
        select(User)
        .join(Deputy, Deputy.deputy_id == User.id)
        .where(Deputy.user_id.in_([user.id for user in users]), User.ended_at.is_(None), *_holds_on(day))
    )
    return list(dict.fromkeys(rows))


def name_deputy(actor: User, deputy_id: int, from_on: date, until_on: date, now: datetime) -> Deputy:
    """Name who decides in the actor's place. Raises wrong_role, not_found, deputy_days_wrong, deputy_named."""
    if actor.role not in DECIDERS:
        raise AppError("wrong_role")
    if deputy_id not in {user.id for user in list_candidates(actor, now)}:
        raise AppError("not_found")
    if not clock.local_date(now) <= until_on or not timedelta() <= until_on - from_on <= LONGEST:
        raise AppError("deputy_days_wrong")
    # Locked, so that two pages do not name two.
    db.session.get_one(User, actor.id, with_for_update=True)
    taken = select(Deputy.id).where(
        Deputy.user_id == actor.id,
        Deputy.ended_at.is_(None),
        Deputy.from_on <= until_on,
        Deputy.until_on >= from_on,
    )
    if db.session.scalar(taken.limit(1)) is not None:
        raise AppError("deputy_named")
    deputy = Deputy(user_id=actor.id, deputy_id=deputy_id, from_on=from_on, until_on=until_on, named_at=now)
    db.session.add(deputy)
    db.session.flush()
    audit.record(
        actor,
        "deputy.name",
        "user",
        deputy_id,
        at=now,
        from_on=from_on.isoformat(),
        until_on=until_on.isoformat(),
    )
    return deputy


def end_deputy(actor: User, deputy_row_id: int, now: datetime) -> Deputy:
    """Take it back from now on. Raises not_found."""
    deputy = db.session.get(Deputy, deputy_row_id, with_for_update=True, populate_existing=True)
    if deputy is None or deputy.user_id != actor.id or deputy.ended_at is not None:
        raise AppError("not_found")
    deputy.ended_at = now
    audit.record(actor, "deputy.end", "user", deputy.deputy_id, at=now)
    return deputy


def _holds_on(day: date) -> list[ColumnElement[bool]]:
    return [Deputy.ended_at.is_(None), Deputy.from_on <= day, Deputy.until_on >= day]
