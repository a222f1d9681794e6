"""The life of a follow-up task.

Invariant: a task ends verified or cancelled; a refused one still waits for somebody to hand it out again.
"""

from __future__ import annotations

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
