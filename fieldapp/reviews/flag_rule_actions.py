"""Writes of the rules that raise flags, as a county sets them.

Invariant: a setting is never changed; a change is a new one with who set it, when and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fieldapp.core.errors import AppError
from fieldapp.core.severity import SEVERITIES
from fieldapp.policies import actions as policies
from fieldapp.reviews.models import FlagRuleSetting
from fieldapp.reviews.rules import THRESHOLDS
from fieldapp.users.models import User


def set_rule(
    actor: User,
    county_code: str,
    rule: str,
    *,
    based_on: int,
    is_on: bool,
    severity: str,
    thresholds: Mapping[str, int],
    reason: str,
    now: datetime,
) -> FlagRuleSetting:
    """Set how a rule works in a county from now on; `based_on` is the number of the setting the actor saw, 0 for none.

    Flags that were raised stay. Raises body_invalid, threshold_wrong, and as policies.set_policy.
    """
    if rule not in THRESHOLDS:
        raise AppError("not_found")
    limits = THRESHOLDS[rule]
    if severity not in SEVERITIES or thresholds.keys() != {limit.name for limit in limits}:
        raise AppError("body_invalid")
    for limit in limits:
        if not limit.least <= thresholds[limit.name] <= limit.most:
            raise AppError("threshold_wrong", least=limit.least, most=limit.most)
    terms = {"is_on": is_on, "severity": severity, "thresholds": dict(thresholds)}
    return policies.set_policy(
        actor,
        FlagRuleSetting,
        county_code,
        terms,
        based_on=based_on,
        reason=reason,
        step="flag_rule.set",
        now=now,
        rule=rule,
    )
