"""How a county sets where it wants a receipt of what is given on a visit. What was given before stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fieldapp.aid.models import AidPolicy
from fieldapp.core.feeds import publish
from fieldapp.policies import actions as policies
from fieldapp.users.models import User


def set_policy(
    actor: User,
    county_code: str,
    *,
    based_on: int,
    terms: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> AidPolicy:
    """Set a county's terms (names of policy_queries.FIRST) from now on, and tell its phones; raises as policies.set_policy."""
    policy = policies.set_policy(
        actor,
        AidPolicy,
        county_code,
        terms,
        based_on=based_on,
        reason=reason,
        step="aid_policy.set",
        now=now,
    )
    publish(county_code, "area", county_code)
    return policy
