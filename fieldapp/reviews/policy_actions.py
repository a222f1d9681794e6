"""How counties deal with clean visits: the policy every one begins with, and changes of it.

Invariant: as `policies.actions`; every policy has a seed of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fieldapp.policies import actions as policies
from fieldapp.reviews.models import ReviewPolicy
from fieldapp.users.models import User

# What every county begins with (DESIGN section 6).
FIRST: dict[str, Any] = {"accepts": True, "share_percent": 5, "checklists": [], "classes": []}


def hold_policy(area_code: str, now: datetime) -> ReviewPolicy:
    """The policy that holds in an area; where there is none yet, the one every county begins with is made."""
    return policies.hold_policy(ReviewPolicy, area_code, FIRST, now)


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

    Raises as policies.set_policy.
    """
    terms = {
        "accepts": accepts,
        "share_percent": share_percent,
        "checklists": list(checklists),
        "classes": list(classes),
    }
    return policies.set_policy(
        actor,
        ReviewPolicy,
        county_code,
        terms,
        based_on=based_on,
        reason=reason,
        step="review_policy.set",
        now=now,
    )
