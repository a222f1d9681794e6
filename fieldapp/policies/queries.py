"""Reads of what counties have set for themselves.

Invariant: of a county's rows the last one holds; the earlier ones are its history.
"""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import select

from fieldapp.areas import queries as areas
from fieldapp.core.db import db
from fieldapp.policies.models import Policy

P = TypeVar("P", bound=Policy)


def find_policy(kind: type[P], area_code: str, **key: str) -> P | None:
    """The policy that holds in an area, or None where none was ever set; `key`: what else of its key there is."""
    return db.session.scalars(
        select(kind)
        .filter_by(county_code=areas.county_of(area_code), **key)
        .order_by(kind.number.desc())
        .limit(1)
    ).first()


def list_policies(kind: type[P], county_code: str, **key: str) -> list[P]:
    """The policies a county has had, the one that holds first."""
    return list(
        db.session.scalars(
            select(kind).filter_by(county_code=county_code, **key).order_by(kind.number.desc())
        )
    )
