"""The life of a follow-up task, and how far up goes what nobody answers.

Invariant: a task ends verified or cancelled; a refused one still waits for somebody to hand it out again.
"""

from __future__ import annotations

from collections.abc import Iterable

from fieldapp.areas.models import LEVELS as DIGITS
from fieldapp.core.guard import LEADER, OFFICER, SUPERVISOR

# step: (states it starts from, state it leads to)
TRANSITIONS: dict[str, tuple[frozenset[str], str]] = {
    "handed_out": (frozenset({"open", "refused"}), "open"),
    "referred": (frozenset({"open", "refused"}), "open"),
    "reported": (frozenset({"open"}), "done"),
    "refused": (frozenset({"open"}), "refused"),
    "verified": (frozenset({"done"}), "verified"),
    "reopened": (frozenset({"done", "verified", "refused", "cancelled"}), "open"),
    "cancelled": (frozenset({"open", "refused", "done"}), "cancelled"),
}
# The source of a task that looks at a visit again: somebody else does it, who need not work in that grid.
REVISIT = "revisit"
REVISIT_TYPE = "random_revisit"
CLOSED = frozenset({"verified", "cancelled"})
ACTIVE = frozenset({"open", "done", "refused"})
# In which somebody is to do something about it, and can be late.
WAITING = frozenset({"open", "refused"})


def may_take(step: str, role: str, *, is_restricted: bool, is_own: bool, is_revisit: bool = False) -> bool:
    """Whether somebody at the desk may take a step of a task they may know of.

    The township's supervisor takes them all. Of a complaint, which may be about the township, an officer does, and a
    supervisor who was given it writes down the result. A re-visit, which may be about the township's own work, is also an
    officer's to settle.
    """
    if is_revisit:
        return role in (SUPERVISOR, OFFICER)
    if is_restricted:
        return role == OFFICER or (role == SUPERVISOR and is_own and step == "reported")
    return role == SUPERVISOR


def may_revisit(area_codes: Iterable[str], grid_code: str) -> bool:
    """Whether somebody with those areas works in the township of a grid, and so may look at its visits again."""
    township = grid_code[: DIGITS["township"]]
    return any(code.startswith(township) or township.startswith(code) for code in area_codes)


def can_step(step: str, state: str) -> bool:
    """Whether `step` may be taken from `state`."""
    return state in TRANSITIONS[step][0]


# Of a referral to a body outside, step (and the state it leads to): the states it starts from.
REFERRAL_STEPS: dict[str, frozenset[str]] = {
    "accepted": frozenset({"referred"}),
    "done": frozenset({"referred", "accepted"}),
    "refused": frozenset({"referred", "accepted"}),
}
# In which its outcome is waited for.
REFERRAL_WAITS = frozenset({"referred", "accepted"})

# How far up an incident goes that nobody answers; the township is told together with the county.
INCIDENT_LEVELS = ("county", "city", "province")


def list_told(grid_code: str, level: str) -> list[str]:
    """The areas whose duty is told of an incident in a grid that has gone up to `level`, the nearest first."""
    reached = INCIDENT_LEVELS[: INCIDENT_LEVELS.index(level) + 1]
    return [grid_code[: DIGITS[name]] for name in ("township", *reached)]


def duty_of(area_code: str, grid_code: str) -> str:
    """The area to whose duty somebody with `area_code`, which covers the grid, belongs: of a village, its township."""
    levels = list_told(grid_code, INCIDENT_LEVELS[-1])
    return next(told for told in levels if len(told) <= len(area_code))


def next_level(level: str) -> str | None:
    """The level above, or None at the top."""
    above = INCIDENT_LEVELS[INCIDENT_LEVELS.index(level) + 1 :]
    return above[0] if above else None


# Where an overdue task goes, one level per missed step: the worker's supervisor; the township's leader and the county's
# officers; the city's officers.
OVERDUE_LEVELS = ("township", "county", "city")


def climb(climbed_to: str | None, assignee_role: str | None) -> str | None:
    """The level an overdue task goes up to next, or None at the top. A supervisor's own goes past the supervisor."""
    done = OVERDUE_LEVELS.index(climbed_to) + 1 if climbed_to else 0
    if assignee_role == SUPERVISOR:
        done = max(done, 1)
    return OVERDUE_LEVELS[done] if done < len(OVERDUE_LEVELS) else None


def first_level(assignee_role: str | None) -> str | None:
    """Where an overdue task goes first."""
    return climb(None, assignee_role)


def is_told(role: str, area_codes: Iterable[str], level: str) -> bool:
    """Whether a task that goes up to `level` comes up to somebody of that role and areas."""
    first = OVERDUE_LEVELS[0] if role == SUPERVISOR else next(iter(list_levels_of(role, area_codes)), None)
    return first == level


def list_levels_of(role: str, area_codes: Iterable[str]) -> tuple[str, ...]:
    """The levels up to which a task must have gone to be the business of a reader who hands none out."""
    if role == LEADER:
        return OVERDUE_LEVELS[1:]
    if role == OFFICER:
        is_county = any(len(code) >= DIGITS["county"] for code in area_codes)
        return OVERDUE_LEVELS[1:] if is_county else OVERDUE_LEVELS[2:]
    return ()
