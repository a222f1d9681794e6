"""Reads of the duty roster: who is on duty where, and which number phones call.

Invariant: whoever cannot use the desk for the area any more is not on duty, whatever the roster says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import joinedload

from fieldapp.areas import queries as areas
from fieldapp.areas.models import PROPER, Area
from fieldapp.core import clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS
from fieldapp.followups.models import DutyShift
from fieldapp.users import queries as users
from fieldapp.users.models import User

# Which areas have a roster.
LEVELS_ON_DUTY = ("province", "city", PROPER, "county", "township")
HISTORY_ROWS = 50
_WITH_USER = joinedload(DutyShift.user).joinedload(User.scopes)


def list_areas(area_codes: Iterable[str]) -> list[Area]:
    """The areas with a roster that a reader of `area_codes` sees: their own and those directly below."""
    codes = list(area_codes)
    seen = {area.code: area for area in [*areas.list_areas(codes), *areas.list_children(codes)]}
    return [area for _, area in sorted(seen.items()) if area.level in LEVELS_ON_DUTY and not area.is_ended]


def get_area(code: str, area_codes: Sequence[str]) -> Area:
    """The area, when it is in scope and has a roster; raises not_found."""
    area = areas.get_area(code)
    if not scope.covers(area_codes, code) or area.level not in LEVELS_ON_DUTY:
        raise AppError("not_found")
    return area


def list_candidates(area_code: str, now: datetime) -> list[User]:
    """Who can be on duty for an area: whoever reads at the desk and has all of it, the nearest first."""
    covering = users.list_users_covering(area_code, READERS, now)
    return sorted(covering, key=lambda user: -_nearest(user.area_codes(now), area_code))


def list_shifts(area_code: str, now: datetime) -> list[DutyShift]:
    """The shifts of an area that go on or are to come, in order."""
    counts = DutyShift.area_code == area_code, DutyShift.withdrawn_at.is_(None), DutyShift.ends_at > now
    return list(
        db.session.scalars(
            select(DutyShift).where(*counts).options(_WITH_USER).order_by(DutyShift.starts_at, DutyShift.id)
        ).unique()
    )


def list_former(area_code: str, now: datetime) -> list[DutyShift]:
    """The last shifts of an area that are over or were withdrawn, the latest first."""
    former = DutyShift.withdrawn_at.is_not(None) | (DutyShift.ends_at <= now)
    return list(
        db.session.scalars(
            select(DutyShift)
            .where(DutyShift.area_code == area_code, former)
            .options(_WITH_USER)
            .order_by(DutyShift.ends_at.desc(), DutyShift.id.desc())
            .limit(HISTORY_ROWS)
        ).unique()
    )


def list_on_duty(area_codes: Iterable[str], now: datetime) -> dict[str, list[DutyShift]]:
    """The shifts that go on now, by area, of those who can use the desk for it; an area with nobody is not there."""
    rows = db.session.scalars(
        select(DutyShift)
        .where(DutyShift.area_code.in_(set(area_codes)), *goes_on(now))
        .options(_WITH_USER)
        .order_by(DutyShift.starts_at, DutyShift.id)
    )
    return by_area(rows.unique(), now)


def goes_on(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """What is true of a shift that goes on now."""
    return DutyShift.withdrawn_at.is_(None), DutyShift.starts_at <= now, DutyShift.ends_at > now


def by_area(shifts: Iterable[DutyShift], now: datetime) -> dict[str, list[DutyShift]]:
    """Of shifts that go on, by area, those of people who can use the desk for it."""
    on_duty: dict[str, list[DutyShift]] = {}
    for shift in shifts:
        if shift.user.role in READERS and scope.covers(shift.user.area_codes(now), shift.area_code):
            on_duty.setdefault(shift.area_code, []).append(shift)
    return on_duty


def list_numbers(area_codes: Iterable[str], now: datetime) -> dict[str, list[dict[str, Any]]]:
    """By area, what a phone keeps of the roster: which number is called from when to when."""
    numbers: dict[str, list[dict[str, Any]]] = {}
    counts = DutyShift.withdrawn_at.is_(None), DutyShift.ends_at > now
    for shift in db.session.scalars(
        select(DutyShift)
        .where(DutyShift.area_code.in_(set(area_codes)), *counts)
        .order_by(DutyShift.starts_at, DutyShift.id)
    ):
        times = {"starts_at": clock.iso(shift.starts_at), "ends_at": clock.iso(shift.ends_at)}
        numbers.setdefault(shift.area_code, []).append({"phone": shift.phone, **times})
    return numbers


def _nearest(area_codes: Iterable[str], code: str) -> int:
    return max((len(held) for held in area_codes if code.startswith(held)), default=0)
