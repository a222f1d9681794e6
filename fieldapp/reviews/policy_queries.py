"""Reads of review policies.

Invariant: of a county's policies the last one holds; the earlier ones are its history.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from fieldapp.areas.models import LEVELS, PROPER, Area
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.reviews.models import ReviewPolicy

# 市本级 has its own, as a county has.
WITH_POLICY = ("county", PROPER)


def county_of(area_code: str) -> str:
    """The county (or 市本级) an area lies in, or is."""
    return area_code[: LEVELS["county"]]


def find_policy(area_code: str) -> ReviewPolicy | None:
    """The policy that holds in an area, or None where nobody has visited yet nor set one."""
    return db.session.scalar(
        select(ReviewPolicy)
        .where(ReviewPolicy.county_code == county_of(area_code))
        .order_by(ReviewPolicy.number.desc())
        .limit(1)
    )


def list_policies(county_code: str) -> list[ReviewPolicy]:
    """The policies a county has had, the one that holds first."""
    return list(
        db.session.scalars(
            select(ReviewPolicy)
            .where(ReviewPolicy.county_code == county_code)
            .order_by(ReviewPolicy.number.desc())
        )
    )


def list_counties(area_codes: Sequence[str]) -> list[Area]:
    """The counties (and 市本级) in those areas, and those the areas lie in, by code."""
    above = {county_of(code) for code in area_codes if len(code) > LEVELS["county"]}
    return list(
        db.session.scalars(
            select(Area)
            .where(Area.level.in_(WITH_POLICY), scope.within(Area.code, area_codes) | Area.code.in_(above))
            .order_by(Area.code)
        )
    )
