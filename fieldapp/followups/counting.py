"""What tasks add to the counts of the grid they were found in: problems found, solved or unfounded, and measures taken.

Invariant: a task's steps say all that it counts. What is reopened is taken off again in the week it is reopened, as the
report has it; the time to help is taken off where it was counted, so that a week counts what is still solved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from fieldapp.followups import rules
from fieldapp.followups.models import Followup
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.queries import get_week

HOTLINE = "hotline"
TEMPORARY_CARE = "temporary_care"


def count_new(task: Followup) -> None:
    """Count a task that was just made."""
    _count(task, task.created_at, _of_new(task))


def count_step(
    task: Followup, step: str, before: str, at: datetime, closed_at_before: datetime | None
) -> None:
    """Count a step that was taken from the state `before`, in which the task was closed then, if it was."""
    _count(task, at, _of_step(task, step, before))
    for helped_at, counts in _of_help(task, step, before, at, closed_at_before):
        _count(task, helped_at, counts)


def list_counts(
    task: Followup, steps: Iterable[tuple[str, datetime]]
) -> Iterator[tuple[datetime, dict[str, int]]]:
    """All that a task counts, and when: of itself and of its steps in their order."""
    yield task.created_at, _of_new(task)
    state, closed_at = "open", None
    for step, at in steps:
        if step in rules.TRANSITIONS:
            yield at, _of_step(task, step, state)
            yield from _of_help(task, step, state, at, closed_at)
            state = rules.TRANSITIONS[step][1]
            closed_at = at if state in rules.CLOSED else None


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


def count_hours(found_at: datetime, helped_at: datetime) -> int:
    """Whole hours from finding to help."""
    return round((helped_at - found_at) / timedelta(hours=1))


def _of_help(
    task: Followup, step: str, before: str, at: datetime, closed_at: datetime | None
) -> Iterator[tuple[datetime, dict[str, int]]]:
    """The time to help that a step counts, or takes off when what was `closed_at` is reopened, each when it was closed."""
    if task.type == rules.REVISIT_TYPE:
        return
    if step == "reopened" and before == "verified" and closed_at is not None:
        yield closed_at, {"helped": -1, "help_hours": -count_hours(task.created_at, closed_at)}
    if rules.TRANSITIONS[step][1] == "verified":
        yield at, {"helped": 1, "help_hours": count_hours(task.created_at, at)}


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
