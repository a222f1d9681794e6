"""How often those who were visited, or visited, count in each area: once.

Invariant: pure. The counts of an area and all within it add up to everybody once, with what is known of them at their last
contact in that area; of an area's parts that count somebody twice, the area's own row takes off what is too much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fieldapp.areas.models import LEVELS

# Of counts of a week alone; else the first week of a running count, as YYYY-MM-DD.
WEEK = "week"
# What is counted where: (area_code, since, week_on, column).
Key = tuple[str, str, date, str]
# Who counts once in an area and a time: (kind, key). Whoever was screened counts apart from who was visited.
Subject = tuple[str, str]
HOUSEHOLD, PERSON, WORKER, SCREENED = "household", "person", "worker", "screened"
# Gives, for a grid and a week, the first weeks of the running counts that the week is in there.
ListSince = Callable[[str, date], Iterable[date]]
DIGITS = sorted(LEVELS.values(), reverse=True)
# Whose report is made of sheets, and whose these are.
_GATHERED = ((LEVELS["province"], LEVELS["city"]), (LEVELS["city"], LEVELS["county"]))


@dataclass(frozen=True, order=True)
class Contact:
    """Somebody's contact: when, in which grid, in which week it counts, and the columns they count in with it."""

    at: datetime
    area_code: str
    week_on: date
    columns: tuple[str, ...]


def tally(contacts: Sequence[Contact], list_since: ListSince, first_week: date) -> Counter[Key]:
    """What one person, household or worker with those contacts adds to the counts of weeks from `first_week` on."""
    counts: Counter[Key] = Counter()
    weeks = sorted({contact.week_on for contact in contacts if contact.week_on >= first_week})
    begun: dict[date, list[Contact]] = {}
    for contact in contacts:
        for since in list_since(contact.area_code, contact.week_on):
            begun.setdefault(since, []).append(contact)
    for week_on in weeks:
        _add(counts, [one for one in contacts if one.week_on == week_on], WEEK, week_on, 1)
        for since, counted in begun.items():
            if any(one.week_on == week_on for one in counted):
                _add(counts, [one for one in counted if one.week_on <= week_on], str(since), week_on, 1)
                _add(counts, [one for one in counted if one.week_on < week_on], str(since), week_on, -1)
    return counts


def _add(counts: Counter[Key], contacts: Iterable[Contact], since: str, week_on: date, by: int) -> None:
    """Count those contacts as one person in each area: once, as at the last of them in it."""
    last: dict[str, Contact] = {}
    for contact in sorted(contacts):
        for digits in DIGITS:
            last[contact.area_code[:digits]] = contact
    for area_code, contact in last.items():
        for column in contact.columns:
            counts[area_code, since, week_on, column] += by
            above = _above(area_code)
            if above:
                # Taken off where the area above adds its parts up, which then counts it once itself.
                counts[above, since, week_on, column] -= by


def _above(area_code: str) -> str:
    return next((area_code[:digits] for digits in DIGITS if digits < len(area_code)), "")


def repeat_of(contacts: Iterable[Contact], digits: int) -> Counter[str]:
    """What an area adds to the sum of its parts (codes of so many digits) for somebody with those contacts in it: what is
    counted twice is taken off, and what differs between the parts counts as at the last contact.
    """
    last: dict[str, Contact] = {}
    for contact in sorted(contacts):
        last[""] = last[contact.area_code[:digits]] = contact
    counts: Counter[str] = Counter()
    for part, contact in last.items():
        for column in contact.columns:
            counts[column] += 1 if part == "" else -1
    return counts


@dataclass(frozen=True)
class Basis:
    """Upon what the figures of a county stand: with which week its running figures begin, and up to which number they know of
    amended contacts; None: of all, they are as they stand now.
    """

    since: date
    known: int | None


# A contact, how often it counts now, and 0; or how often it counted more, and the number of what amended it.
Trace = tuple[Contact, int, int]


def list_counted(traces: Iterable[Trace], basis_of: Callable[[str], Basis | None]) -> list[Contact]:
    """Of somebody's contacts, those that figures count which stand upon the basis of each county; None: it has none."""
    counts: Counter[Contact] = Counter()
    for contact, by, number in traces:
        basis = basis_of(contact.area_code[: LEVELS["county"]])
        if basis is None or contact.week_on < basis.since:
            continue
        if number == 0 or (basis.known is not None and number > basis.known):
            counts[contact] += by
    return [contact for contact, number in counts.items() if number > 0]


def list_repeated(contacts: Iterable[Contact]) -> dict[tuple[str, str], date]:
    """By city or province and its part, the last week of those contacts there, where several parts count them."""
    last: dict[str, dict[str, date]] = {}
    for contact in contacts:
        for above, below in _GATHERED:
            weeks = last.setdefault(contact.area_code[:above], {})
            part = contact.area_code[:below]
            weeks[part] = max(contact.week_on, weeks.get(part, contact.week_on))
    return {
        (code, part): week_on
        for code, weeks in last.items()
        if len(weeks) > 1
        for part, week_on in weeks.items()
    }
