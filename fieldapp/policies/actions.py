"""Writes of what counties set for themselves.

Invariant: a policy is never changed; a change is a new one with who set it, when and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from fieldapp.areas import queries as areas
from fieldapp.core import audit, scope
from fieldapp.core.db import db, insert_if_absent
from fieldapp.core.draws import make_seed
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER
from fieldapp.policies import queries
from fieldapp.policies.models import Policy
from fieldapp.users.models import User

P = TypeVar("P", bound=Policy)


def hold_policy(kind: type[P], area_code: str, first: Mapping[str, Any], now: datetime) -> P:
    """The policy that holds in an area; where there is none yet, the one every county begins with is made."""
    policy = queries.find_policy(kind, area_code)
    if policy is None:
        county = areas.county_of(area_code)
        insert_if_absent(
            kind, county_code=county, number=1, set_by=None, set_at=now, **_seed_of(kind), **first
        )
        policy = db.session.get_one(kind, (county, 1))
    return policy


def set_policy(
    actor: User,
    kind: type[P],
    county_code: str,
    terms: Mapping[str, Any],
    *,
    based_on: int,
    reason: str,
    step: str,
    now: datetime,
    **key: str,
) -> P:
    """Set what holds in a county from now on; `based_on` is the number of what the actor saw, 0 for none; `step` is what the
    audit trail calls it; `key` what else of its key there is.

    Raises wrong_role, not_found, reason_needed, policy_changed when somebody else has set one meanwhile.
    """
    if actor.role != OFFICER:
        raise AppError("wrong_role")
    if not scope.covers(actor.area_codes(now), county_code):
        raise AppError("not_found")
    if not reason.strip():
        raise AppError("reason_needed")
    # Locked, so that of two who set it at once the second is told.
    area = areas.lock_area(county_code)
    if area is None or area.level not in areas.WITH_POLICY:
        raise AppError("not_found")
    before = queries.find_policy(kind, county_code, **key)
    if based_on != (before.number if before else 0):
        raise AppError("policy_changed")
    policy = kind(
        county_code=county_code,
        number=based_on + 1,
        reason=reason.strip(),
        set_by=actor.id,
        set_at=now,
        **key,
        **_seed_of(kind),
        **terms,
    )
    db.session.add(policy)
    db.session.flush()
    audit.record(
        actor,
        step,
        "area",
        county_code,
        at=now,
        number=policy.number,
        reason=policy.reason,
        **key,
        **terms,
    )
    return policy


def _seed_of(kind: type[Policy]) -> dict[str, str]:
    """The key of a new draw, for a policy by which something is drawn."""
    return {"seed": make_seed()} if hasattr(kind, "seed") else {}
