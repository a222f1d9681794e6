"""How often those who were visited, or visited, count in each area: once.

Invariant: pure. The counts of an area and all within it add up to everybody once, with what is known of them at their last
contact in that area; of an area's parts that count somebody twice, the area's own row takes off what is too much.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fieldapp.areas.models import LEVELS

# Of counts of a week alone; else the first week of a running count, as YYYY-MM-DD.
WEEK = "week"
# What is counted where: (area_code, since, week_on, column).
Key = tuple[str, str, date, str]
# Gives, for a grid and a week, the first weeks of the running counts that the week is in there.
ListSince = Callable[[str, date], Iterable[date]]
DIGITS = sorted(LEVELS.values(), reverse=True)


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


def add_repeats(
    counts: Sequence[Counter[str]],
    contacts: Iterable[Contact],
    digits: int,
    among: Container[str],
    firsts: Sequence[date],
    last: date,
) -> None:
    """Add to `counts`, one for each of `firsts`, what `repeat_of` says of somebody's contacts: of those in the parts `among`,
    in the weeks from that one to `last`.
    """
    inside = [one for one in contacts if one.area_code[:digits] in among and one.week_on <= last]
    for first, count in zip(firsts, counts, strict=True):
        count.update(repeat_of((one for one in inside if one.week_on >= first), digits))
