"""How a county sets what its relief goes by. Cases keep the deadlines they have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fieldapp.policies import actions as policies
from fieldapp.relief.models import ReliefPolicy
from fieldapp.users.models import User


def set_policy(
    actor: User,
    county_code: str,
    *,
    based_on: int,
    terms: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> ReliefPolicy:
    """Set a county's terms (names of policy_queries.FIRST) from now on; raises as policies.set_policy."""
    return policies.set_policy(
        actor,
        ReliefPolicy,
        county_code,
        terms,
        based_on=based_on,
        reason=reason,
        step="relief_policy.set",
        now=now,
    )
