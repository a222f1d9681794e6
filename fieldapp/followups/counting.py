"""What tasks add to the counts of the grid they were found in: problems found, solved or unfounded, and measures taken.

Invariant: a task's steps say all that it counts; what is reopened is taken off again in the week it is reopened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from fieldapp.followups import rules
from fieldapp.followups.models import Followup
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.queries import get_week

HOTLINE = "hotline"
TEMPORARY_CARE = "temporary_care"


def count_new(task: Followup) -> None:
    """Count a task that was just made."""
    _count(task, task.created_at, _of_new(task))


def count_step(task: Followup, step: str, before: str, at: datetime) -> None:
    """Count a step that was taken from the state `before`."""
    _count(task, at, _of_step(task, step, before))


def list_counts(
    task: Followup, steps: Iterable[tuple[str, datetime]]
) -> Iterator[tuple[datetime, dict[str, int]]]:
    """All that a task counts, and when: of itself and of its steps in their order."""
    yield task.created_at, _of_new(task)
    state = "open"
    for step, at in steps:
        if step in rules.TRANSITIONS:
            yield at, _of_step(task, step, state)
            state = rules.TRANSITIONS[step][1]


def _of_new(task: Followup) -> dict[str, int]:
    if task.type == rules.REVISIT_TYPE:
        return {}
    return {"found": 1, **({"hotline": 1} if task.source == HOTLINE else {})}


def _of_step(task: Followup, step: str, before: str) -> dict[str, int]:
    if task.type == rules.REVISIT_TYPE:
        return {}
    if step == "referred":
        return {"referrals": 1}
    if step == "reopened":
        return {name: -value for name, value in _of_end(task, before).items()}
    return _of_end(task, rules.TRANSITIONS[step][1])


def _of_end(task: Followup, state: str) -> dict[str, int]:
    """What a task counts because it has come to its end."""
    if state not in rules.CLOSED:
        return {}
    counts = {"solved" if state == "verified" else "unfounded": 1}
    if task.source == HOTLINE:
        counts["hotline_closed"] = 1
    if task.type == TEMPORARY_CARE and state == "verified":
        counts["temporary_care"] = 1
    return counts


def _count(task: Followup, at: datetime, counts: dict[str, int]) -> None:
    if counts:
        rollups.count(task.found_in, get_week(at).ends_on, counts)
