"""Reads of what a county's relief goes by.

Invariant: of a county's policies the last one holds; where there is none, what every county begins with.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fieldapp.core.db import once
from fieldapp.policies.queries import find_policy
from fieldapp.relief.models import ReliefPolicy
from fieldapp.relief.rules import YUAN, Terms

# What every county begins with, until its officer sets what holds there.
FIRST: dict[str, Any] = {
    "measure": YUAN,
    "standard_cents": 700_00,
    "township_limit": 2_000_00,
    "year_ceiling": 20_000_00,
    "accept_days": 1,
    "propose_days": 5,
    "decide_days": 3,
    "pay_days": 3,
    "papers_days": 10,
    "urgent_hours": 24,
    "repeat_months": 12,
}


@once
def get_terms(area_code: str) -> Terms:
    """What holds in an area."""
    return find_policy(ReliefPolicy, area_code) or SimpleNamespace(**FIRST)
