"""Reads of where counties ask for a receipt of what is given on a visit.

Invariant: of a county's policies the last one holds; where there is none, no receipt is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import func, select, tuple_

from fieldapp.aid.models import AidPolicy
from fieldapp.core.db import db
from fieldapp.policies.queries import find_policy

# What every county begins with: no photo and no signature is forced on anybody.
FIRST: dict[str, Any] = {"cash_from_cents": None, "goods_from_cents": None}


def get_receipt_limits(area_code: str) -> Mapping[str, int | None]:
    """By kind of aid, from how many cents on an area's county asks for a receipt; None: never."""
    policy = find_policy(AidPolicy, area_code)
    return limits_of(policy) if policy else {"cash": None, "goods": None}


def list_receipt_limits(county_codes: Iterable[str]) -> dict[str, Mapping[str, int | None]]:
    """The same of those counties that have set something, by code."""
    newest = (
        select(AidPolicy.county_code, func.max(AidPolicy.number))
        .where(AidPolicy.county_code.in_(list(county_codes)))
        .group_by(AidPolicy.county_code)
    )
    rows = db.session.scalars(
        select(AidPolicy).where(tuple_(AidPolicy.county_code, AidPolicy.number).in_(newest))
    )
    return {policy.county_code: limits_of(policy) for policy in rows}


def limits_of(policy: AidPolicy) -> Mapping[str, int | None]:
    """What a policy says, by kind of aid."""
    return {"cash": policy.cash_from_cents, "goods": policy.goods_from_cents}
