"""Writes of outside bodies, and of tasks referred to them.

Invariant: a referral ends done or refused, in words, and every step of it is an event and an audit entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fieldapp.areas import queries as areas
from fieldapp.core import audit, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups import actions as followups, referral_queries as queries, rules
from fieldapp.followups.models import Followup, Provider, Referral, ReferralEvent
from fieldapp.users.models import User


def add_provider(actor: User, area_code: str, values: Mapping[str, Any], now: datetime) -> Provider:
    """Enter a body that helps in an area of the actor's; raises not_found."""
    _check_area(actor, area_code, now)
    provider = Provider(area_code=area_code, **values)
    db.session.add(provider)
    db.session.flush()
    audit.record(actor, "provider.add", "provider", provider.id, at=now, **{"area_code": area_code, **values})
    return provider


def change_provider(
    actor: User, provider_id: int, area_code: str, values: Mapping[str, Any], now: datetime
) -> Provider:
    """Say otherwise what a body is and does; what it was is in the audit trail. Raises not_found."""
    provider = db.session.get(Provider, provider_id, with_for_update=True, populate_existing=True)
    if provider is None:
        raise AppError("not_found")
    _check_area(actor, provider.area_code, now)
    _check_area(actor, area_code, now)
    wanted = {"area_code": area_code, **values}
    before = {name: getattr(provider, name) for name in wanted if getattr(provider, name) != wanted[name]}
    for name in before:
        setattr(provider, name, wanted[name])
    if before:
        after = {name: wanted[name] for name in before}
        audit.record(actor, "provider.change", "provider", provider.id, at=now, before=before, after=after)
    return provider


def refer_followup(actor: User, followup_id: str, provider_id: int, *, text: str, now: datetime) -> Referral:
    """Ask an outside body to do a task; whoever has the task goes on minding it.

    Raises not_found (also for a body that does not help there), state_wrong, referral_waits, reason_needed.
    """
    task = followups.get_for_step(actor, followup_id, "referred", now)
    if provider_id not in {provider.id for provider in queries.list_offered(task)}:
        raise AppError("not_found")
    if queries.is_under_way(followup_id):
        raise AppError("referral_waits")
    if not text.strip():
        raise AppError("reason_needed")
    referral = Referral(
        followup_id=followup_id, provider_id=provider_id, state="referred", text=text.strip(), made_at=now
    )
    referral.made_by_id = actor.id
    db.session.add(referral)
    db.session.flush()
    followups.take_step(task, "referred", actor, now, text=referral.provider.name)
    _note(referral, "referred", actor, None, now)
    return referral


def take_referral_step(actor: User, referral_id: int, step: str, *, text: str, now: datetime) -> Referral:
    """Note what the body answered: accepted, done with what came of it, or refused with why.

    What came of it is the task's result at the same time, where the task still waits for one.
    Raises not_found, referral_settled, reason_needed.
    """
    queries.get_referral(referral_id, actor, now)
    referral = db.session.get_one(Referral, referral_id, with_for_update=True, populate_existing=True)
    if referral.state not in rules.REFERRAL_STEPS[step]:
        raise AppError("referral_settled")
    if step != "accepted" and not text.strip():
        raise AppError("reason_needed")
    referral.state = step
    _note(referral, step, actor, text.strip() or None, now)
    task = db.session.get_one(Followup, referral.followup_id)
    waiting = {user_id for user_id in (task.assignee_id, referral.made_by_id) if user_id} - {actor.id}
    followups.tell_of_referral(task, step, waiting, now)
    if step == "done":
        followups.note_outcome(actor, referral.followup_id, text=text.strip(), now=now)
    return referral


def _check_area(actor: User, area_code: str, now: datetime) -> None:
    areas.get_area(area_code)
    if not scope.covers(actor.area_codes(now), area_code):
        raise AppError("not_found")


def _note(referral: Referral, step: str, actor: User, text: str | None, now: datetime) -> None:
    db.session.add(ReferralEvent(referral_id=referral.id, at=now, actor_id=actor.id, step=step, text=text))
    audit.record(
        actor,
        f"referral.{step}",
        "referral",
        referral.id,
        at=now,
        followup_id=referral.followup_id,
        text=text,
    )
