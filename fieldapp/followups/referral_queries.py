"""Reads of outside bodies that help (institutions, stations, charities, hospitals), and of what was referred to them.

Invariant: a body is offered only where it helps, and only while it takes referrals.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import joinedload

from fieldapp.areas.models import LEVELS
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups import queries as followups, rules
from fieldapp.followups.models import Followup, Provider, Referral
from fieldapp.users.models import User


def get_provider(provider_id: int, area_codes: Sequence[str]) -> Provider:
    """The body, when it helps somewhere in those areas; raises not_found."""
    provider = db.session.get(Provider, provider_id)
    if provider is None or not (
        scope.covers(area_codes, provider.area_code)
        or any(scope.covers([provider.area_code], code) for code in area_codes)
    ):
        raise AppError("not_found")
    return provider


def list_providers(area_codes: Sequence[str]) -> list[Provider]:
    """The bodies that help somewhere in those areas, those that take referrals first, by kind and name."""
    return list(
        db.session.scalars(
            select(Provider)
            .where(or_(scope.within(Provider.area_code, area_codes), _helps_in(area_codes)))
            .order_by(Provider.takes_referrals.desc(), Provider.kind, Provider.name, Provider.id)
        )
    )


# A referral with whom it went to and what came of it.
_WHOLE = (joinedload(Referral.provider), joinedload(Referral.events))


def list_offered(task: Followup) -> list[Provider]:
    """The bodies a task can be referred to, those that do its kind of help first, then the nearest."""
    offered = db.session.scalars(
        select(Provider).where(Provider.takes_referrals, _helps_in([task.area_code])).order_by(Provider.name)
    )
    return sorted(offered, key=lambda one: (task.type not in one.services, -len(one.area_code)))


def list_referrals(followup_id: str) -> list[Referral]:
    """What became of a task's referrals, the latest first."""
    of_task = select(Referral).where(Referral.followup_id == followup_id).options(*_WHOLE)
    return list(db.session.scalars(of_task.order_by(Referral.id.desc())).unique())


def get_referral(referral_id: int, reader: User, now: datetime) -> tuple[Referral, Followup]:
    """The referral and its task, when the task is in scope; raises not_found."""
    referral = db.session.get(Referral, referral_id, options=_WHOLE)
    if referral is None:
        raise AppError("not_found")
    return referral, followups.get_followup(referral.followup_id, reader, now)


def is_under_way(followup_id: str) -> bool:
    """Whether a referral of the task waits for its outcome."""
    waiting = select(Referral.id).where(
        Referral.followup_id == followup_id, Referral.state.in_(rules.REFERRAL_WAITS)
    )
    return db.session.scalar(waiting.limit(1)) is not None


def _helps_in(area_codes: Sequence[str]) -> ColumnElement[bool]:
    above = {code[:digits] for code in area_codes for digits in LEVELS.values() if digits <= len(code)}
    return Provider.area_code.in_(above)
