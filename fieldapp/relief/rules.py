"""The life of a case of relief, who decides which amount, what is due when, and how names are made public.

Invariant: money is whole cents. Whoever handled a case never decides it; a rule warns or refuses, it never forgets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from fieldapp.core.guard import LEADER, OFFICER, SUPERVISOR
from fieldapp.people.rules import mask_name

STATES = (
    *("applied", "accepted", "investigated", "proposed", "approved", "paid"),
    *("closed", "refused", "withdrawn"),
)
FINAL = ("closed", "refused", "withdrawn")
OPEN = tuple(state for state in STATES if state not in FINAL)
_BEFORE = frozenset({"applied", "accepted", "investigated"})
_UNDECIDED = _BEFORE | {"proposed"}
# step: (states it starts from, state it leads to; "": the state stays, or follows from what was paid)
STEPS: dict[str, tuple[frozenset[str], str]] = {
    "changed": (_BEFORE | {"approved", "paid"}, ""),
    "accepted": (frozenset({"applied"}), "accepted"),
    "investigated": (frozenset({"accepted", "investigated"}), "investigated"),
    "proposed": (frozenset({"accepted", "investigated"}), "proposed"),
    "returned": (frozenset({"proposed"}), "accepted"),
    "approved": (frozenset({"proposed"}), "approved"),
    "paid": (frozenset({"approved"}), ""),
    "taken_back": (frozenset({"approved", "paid"}), "approved"),
    "papers": (frozenset({"approved", "paid"}), ""),
    "closed": (frozenset({"approved", "paid"}), "closed"),
    "refused": (_UNDECIDED, "refused"),
    "withdrawn": (_UNDECIDED | {"approved"}, "withdrawn"),
}
# 先行救助: aid first; whoever decides does so at once, and names the amount.
AT_ONCE = _UNDECIDED

# From which step on the time of a state runs: findings and parts of a payment give no more of it.
BEGINS = {
    "accepted": ("accepted", "returned"),
    "investigated": ("accepted", "returned"),
    "proposed": ("proposed",),
    "approved": ("approved", "taken_back"),
}

DECIDE = ("approved", "returned", "refused")
# Whoever took one of these steps handled the case: they do not decide it.
HANDLED = ("opened", "accepted", "investigated", "proposed")
HANDLERS = (SUPERVISOR, OFFICER)
TOWNSHIP, COUNTY = "township", "county"
CHANNELS = ("visit", "hotline", "agent", "appointment", "remote", "desk")
SOURCES = ("public", "reserve_fund")
RESERVE_FUND = "reserve_fund"
YUAN, STANDARD = "yuan", "standard"
# The most one case may be: more is a slip of the finger.
MOST_CENTS = 1_000_000_00
ADULT_YEARS = 18
LAST_MINUTE = timedelta(hours=23, minutes=59)
# Movements of a fund: (of the balance, of what is held) by one cent.
MOVES: dict[str, tuple[int, int]] = {
    "in": (1, 0),
    "reversal": (-1, 0),
    "held": (-1, 1),
    "freed": (1, -1),
    "paid": (0, -1),
    "taken_back": (0, 1),
}


class Terms(Protocol):
    """What a county's policy says of limits and days."""

    measure: Any
    standard_cents: Any
    township_limit: Any
    year_ceiling: Any
    accept_days: Any
    propose_days: Any
    decide_days: Any
    pay_days: Any
    papers_days: Any
    urgent_hours: Any
    repeat_months: Any


@dataclass(frozen=True)
class Standing:
    """What the clock of a case goes by."""

    state: str
    is_urgent: bool
    applied_at: datetime
    applied_on: date
    since: date  # day of the step that led here
    paid_on: date | None = None
    papers_on: date | None = None


def can_step(step: str, state: str, *, is_urgent: bool = False) -> bool:
    """Whether `step` may be taken from `state`; an urgent case is approved from wherever it stands undecided."""
    if step == "approved" and is_urgent:
        return state in AT_ONCE
    return state in STEPS[step][0]


def in_cents(number: int, terms: Terms) -> int:
    """A limit of the terms in cents."""
    return number if terms.measure == YUAN else number * int(terms.standard_cents) // 100


def tier_of(cents: int, people: int, terms: Terms, *, has_township: bool) -> str:
    """Who decides that amount. A multiple of the standard is counted for each person who is helped."""
    limit = in_cents(terms.township_limit, terms)
    if terms.measure == STANDARD:
        limit *= max(people, 1)
    return TOWNSHIP if has_township and cents <= limit else COUNTY


def may_decide(role: str, tier: str | None, *, covers_county: bool) -> bool:
    """Whether an account of that role decides in that tier: the township's leader up to its limit, above it the county."""
    if role == OFFICER:
        return covers_county
    return role == LEADER and tier in (TOWNSHIP, None)


def due_at(
    standing: Standing,
    terms: Terms,
    add_working_days: Callable[[date, int], date],
    midnight: Callable[[date], datetime],
) -> datetime | None:
    """By when the next step is due: the end of a working day, of an urgent case an hour of the clock; None when nothing is."""
    if standing.state in FINAL:
        return None
    if standing.is_urgent and standing.paid_on is None:
        return standing.applied_at + timedelta(hours=terms.urgent_hours)
    days = {
        "applied": (standing.applied_on, terms.accept_days),
        "accepted": (standing.since, terms.propose_days),
        "investigated": (standing.since, terms.propose_days),
        "proposed": (standing.since, terms.decide_days),
        "approved": (standing.since, terms.pay_days),
    }
    counted = days.get(standing.state)
    if standing.is_urgent and standing.paid_on is not None:
        counted = (standing.paid_on, terms.papers_days) if standing.papers_on is None else None
    # The last minute of the day: by midnight people read the day before.
    return midnight(add_working_days(*counted)) + LAST_MINUTE if counted else None


def months_before(day: date, months: int) -> date:
    """The same day so many months before; of a month that has no such day, its last."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def is_minor(birth_on: date, day: date) -> bool:
    """Whether somebody is under eighteen on that day."""
    years = day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))
    return years < ADULT_YEARS


def public_name(name: str, birth_on: date | None, day: date) -> str:
    """A name as the public list has it: 张*红; of a minor, and of whoever gave none, nothing of it: 某某.

    Of somebody whose age is not known no more than the first sign: 张某某.
    """
    name = name.strip()
    if not name or (birth_on is not None and is_minor(birth_on, day)):
        return "某某"
    if birth_on is None:
        return f"{name[0]}某某"
    return mask_name(name)
