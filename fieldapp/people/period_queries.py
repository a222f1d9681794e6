"""Reads of special periods."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import func, or_, select

from fieldapp.areas.models import LEVELS, LOWEST, Area
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import rules
from fieldapp.people.models import SpecialPeriod


def get_period(period_id: int, area_codes: Sequence[str]) -> SpecialPeriod:
    """The period when its area is in scope; raises not_found."""
    period = db.session.get(SpecialPeriod, period_id)
    if period is None or not scope.covers(area_codes, period.area_code):
        raise AppError("not_found")
    return period


def list_periods(area_codes: Sequence[str]) -> list[SpecialPeriod]:
    """The periods in those areas, and those of areas above that hold there too; the latest first."""
    above = {code[:digits] for code in area_codes for digits in LEVELS.values()}
    return list(
        db.session.scalars(
            select(SpecialPeriod)
            .where(
                or_(
                    scope.within(SpecialPeriod.area_code, area_codes),
                    SpecialPeriod.area_code.in_(above),
                )
            )
            .order_by(SpecialPeriod.from_on.desc(), SpecialPeriod.id.desc())
        )
    )


def list_periods_over(grid_code: str) -> list[SpecialPeriod]:
    """The periods of the areas a grid lies in, ended ones too."""
    areas = {grid_code[:digits] for digits in LEVELS.values()}
    return list(
        db.session.scalars(
            select(SpecialPeriod).where(SpecialPeriod.area_code.in_(areas)).order_by(SpecialPeriod.id)
        )
    )


def list_periods_of(area_code: str) -> list[SpecialPeriod]:
    """The periods of that very area, ended ones too."""
    return list(
        db.session.scalars(
            select(SpecialPeriod).where(SpecialPeriod.area_code == area_code).order_by(SpecialPeriod.id)
        )
    )


def list_rules_over(grid_code: str) -> list[rules.Period]:
    """What the periods of the areas a grid lies in ask for."""
    return [
        rules.Period(period.from_on, period.until_on, period.risk_days)
        for period in list_periods_over(grid_code)
    ]


def find_pausing(grid_code: str, on: date) -> SpecialPeriod | None:
    """A period that on that day pauses reviews and exits of dibao and destitute support in a grid, or None."""
    over = list_periods_over(grid_code)
    return next((period for period in over if period.pauses_exit and holds_on(period, on)), None)


def list_offered_tags(grid_code: str, on: date) -> frozenset[str]:
    """The tags that the periods of that day offer in a grid."""
    over = list_periods_over(grid_code)
    return frozenset(tag for period in over if holds_on(period, on) for tag in period.tags)


def holds_on(period: SpecialPeriod, on: date) -> bool:
    """Whether that is one of its days."""
    return period.from_on <= on and (period.until_on is None or on <= period.until_on)


def list_by_ids(period_ids: Iterable[int]) -> list[SpecialPeriod]:
    """The periods of those numbers."""
    return list(db.session.scalars(select(SpecialPeriod).where(SpecialPeriod.id.in_(list(period_ids)))))


def list_unfinished() -> list[SpecialPeriod]:
    """The periods that not all due dates follow yet."""
    return list(
        db.session.scalars(
            select(SpecialPeriod).where(SpecialPeriod.worked_out_to.is_not(None)).order_by(SpecialPeriod.id)
        )
    )


def count_grids(area_code: str, up_to: str | None = None) -> int:
    """How many grids an area has; `up_to` a grid: only up to that one, in the order of their codes."""
    statement = select(func.count()).where(Area.level.in_(LOWEST), scope.within(Area.code, [area_code]))
    return db.session.scalar(statement if up_to is None else statement.where(Area.code <= up_to)) or 0
