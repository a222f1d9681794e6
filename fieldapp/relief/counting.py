"""What cases of relief add to the counts of the place of the emergency.

Invariant: a case counts once as relief, while anything of it is paid: from its first payment until the last is taken back.
"""

from __future__ import annotations

from fieldapp.relief import rules
from fieldapp.relief.models import ReliefCase
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.queries import get_week

# How it came: the column it counts in when it comes.
CHANNEL_COLUMNS = {"agent": "by_agent", "appointment": "by_appointment", "remote": "remotely"}


def count_ways(case: ReliefCase, by: int = 1) -> None:
    """Count how a case came, and where; `by` -1 takes it off before that is written otherwise."""
    if counts := list_ways(case):
        rollups.count(case.area_code, get_week(case.received_at).ends_on, counts, by)


def list_ways(case: ReliefCase) -> dict[str, int]:
    """What a case adds to the columns of ways of applying."""
    column = CHANNEL_COLUMNS.get(case.channel)
    return {column: 1} if column else {}


def list_measures(case: ReliefCase, cents: int) -> dict[str, int]:
    """What a payment is as a measure, besides what else is paid of its case (`paid_cents`): where nothing is, the case."""
    measures = {"money_relief_urgent": cents} if case.is_urgent else {}
    if case.paid_cents == 0:
        measures |= {"relief_cases": 1, "relief_persons": max(case.people_count, 1)}
        measures |= {"relief_urgent": 1} if case.is_urgent else {}
        measures |= {"relief_reserve": 1} if case.funded_by == rules.RESERVE_FUND else {}
        measures |= {} if case.is_local else {"relief_nonlocal": 1}
    return measures
