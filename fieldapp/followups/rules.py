"""The life of a follow-up task.

Invariant: a task ends verified or cancelled; a refused one still waits for somebody to hand it out again.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from fieldapp.visits.rules import Body, ChecklistRef, Location, PhotoRef, UuidStr

# step: (states it starts from, state it leads to)
TRANSITIONS: dict[str, tuple[frozenset[str], str]] = {
    "handed_out": (frozenset({"open", "refused"}), "open"),
    "reported": (frozenset({"open"}), "done"),
    "refused": (frozenset({"open"}), "refused"),
    "verified": (frozenset({"done"}), "verified"),
    "reopened": (frozenset({"done", "verified", "refused", "cancelled"}), "open"),
    "cancelled": (frozenset({"open", "refused", "done"}), "cancelled"),
}
CLOSED = frozenset({"verified", "cancelled"})


def can_step(step: str, state: str) -> bool:
    """Whether `step` may be taken from `state`."""
    return state in TRANSITIONS[step][0]


class ReportBody(Body):
    """The body of followup.report."""

    followup_id: UuidStr
    checklist: ChecklistRef
    started_at: AwareDatetime
    finished_at: AwareDatetime
    answers: dict[str, Any]
    attachments: Annotated[list[PhotoRef], Field(max_length=100)] = []
    location: Location | None = None


class RefuseBody(Body):
    """The body of followup.refuse."""

    followup_id: UuidStr
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
