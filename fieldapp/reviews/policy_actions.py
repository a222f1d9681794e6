"""How counties deal with clean visits: the policy every one begins with, and changes of it.

Invariant: a policy is never changed; a change is a new one with a seed of its own, who set it, when and why.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fieldapp.areas import queries as areas
from fieldapp.core import audit, scope
from fieldapp.core.db import db, insert_if_absent
from fieldapp.core.errors import AppError
from fieldapp.reviews import policy_queries as queries
from fieldapp.reviews.models import ReviewPolicy
from fieldapp.users.models import User

# What every county begins with (DESIGN section 6).
FIRST: dict[str, Any] = {"accepts": True, "share_percent": 5, "checklists": [], "classes": []}


def hold_policy(area_code: str, now: datetime) -> ReviewPolicy:
    """The policy that holds in an area; where there is none yet, the one every county begins with is made."""
    policy = queries.find_policy(area_code)
    if policy is None:
        county = queries.county_of(area_code)
        insert_if_absent(
            ReviewPolicy, county_code=county, number=1, seed=_make_seed(), set_by=None, set_at=now, **FIRST
        )
        policy = db.session.get_one(ReviewPolicy, (county, 1))
    return policy


def set_policy(
    actor: User,
    county_code: str,
    *,
    based_on: int,
    accepts: bool,
    share_percent: int,
    checklists: Sequence[str],
    classes: Sequence[str],
    reason: str,
    now: datetime,
) -> ReviewPolicy:
    """Set a county's policy from now on; `based_on` is the number of the one the actor saw, 0 for none.

    Raises not_found, reason_needed, policy_changed when somebody else has set one meanwhile.
    """
    if not scope.covers(actor.area_codes(now), county_code):
        raise AppError("not_found")
    if not reason.strip():
        raise AppError("reason_needed")
    # Locked, so that of two who set it at once the second is told.
    area = areas.lock_area(county_code)
    if area is None or area.level not in queries.WITH_POLICY:
        raise AppError("not_found")
    before = queries.find_policy(county_code)
    if based_on != (before.number if before else 0):
        raise AppError("policy_changed")
    policy = ReviewPolicy(
        county_code=county_code,
        number=based_on + 1,
        accepts=accepts,
        share_percent=share_percent,
        seed=_make_seed(),
        checklists=list(checklists),
        classes=list(classes),
        reason=reason.strip(),
        set_by=actor.id,
        set_at=now,
    )
    db.session.add(policy)
    audit.record(
        actor,
        "review_policy.set",
        "area",
        county_code,
        at=now,
        number=policy.number,
        accepts=accepts,
        share_percent=share_percent,
        checklists=policy.checklists,
        classes=policy.classes,
        reason=policy.reason,
    )
    return policy


def _make_seed() -> str:
    return secrets.token_hex(16)
