"""Reads of what is counted of households and people, by township.

Invariant: who has died or moved away is no longer counted by class; tallies and records say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, func, select

from fieldapp.areas.models import LEVELS
from fieldapp.core import clock
from fieldapp.core.db import db, snapshot
from fieldapp.core.tallies import Counted, Tally
from fieldapp.people.models import Household, Person

HOUSEHOLD, DUE, CLASS = "household", "due", "class"
# Of people: those who are to be seen at all; by the day they are due; of those, whom somebody tried to see in vain.
ASKED, PERSON, TRIED = "asked", "person", "tried"
KINDS = (HOUSEHOLD, DUE, CLASS, ASKED, PERSON, TRIED)
# Counted by day and class: days that are over are counted together, for what was missed is read and not when.
BY_DAY = (PERSON, TRIED)
OVER = "0000-00-00"
DAY_LENGTH = len(OVER)
# Below it so few live in an area that they are counted one by one.
TOWNSHIP_DIGITS = LEVELS["township"]


def day_key(day: str, main_class: str) -> str:
    """The key of a day and class; all classes of the days before a day are a range."""
    return f"{day} {main_class}"


def gather(kind: str, key: str, today: date) -> str:
    """The key under which something is counted: of what is by day and class and is over, that of all days that are."""
    is_over = kind in BY_DAY and key < today.isoformat()
    return day_key(OVER, key[DAY_LENGTH + 1 :]) if is_over else key


def is_here(person: Person) -> bool:
    """Whether somebody counts: has neither died nor moved away, nor does anybody stand for them."""
    return person.died_on is None and person.moved_away_on is None and person.merged_into is None


def are_here() -> ColumnElement[bool]:
    """The same of a row."""
    return Person.died_on.is_(None) & Person.moved_away_on.is_(None) & Person.merged_into.is_(None)


def stands() -> ColumnElement[bool]:
    """Whether a household counts: no other stands for it."""
    return Household.merged_into.is_(None)


def is_tallied(area_codes: Sequence[str], digits: int) -> bool:
    """Whether the tallies know what lies in those areas, by areas of so many digits."""
    return max(digits, *map(len, area_codes), 0) <= TOWNSHIP_DIGITS


def list_wrong() -> dict[Counted, tuple[int, int]]:
    """The tallies that are not those of the records, at one instant: (what is kept, what is there)."""
    with snapshot():
        return compare()


def compare() -> dict[Counted, tuple[int, int]]:
    """The same within the caller's transaction."""
    today = clock.local_date(clock.now())
    kept, there = Counter[Counted](), Counter[Counted]()
    of = (Tally.kind, Tally.key, Tally.area_code)
    mine = select(*of, func.sum(Tally.count)).where(Tally.kind.in_(KINDS)).group_by(*of)
    for kind, key, code, count in db.session.execute(mine):
        kept[kind, gather(kind, key, today), code] += count
    for (kind, key, code), count in _count_records().items():
        there[kind, gather(kind, key, today), code] += count
    return {
        counted: (kept[counted], there[counted])
        for counted in sorted(kept.keys() | there.keys())
        if kept[counted] != there[counted]
    }


def _count_records() -> Counter[Counted]:
    township = func.substr(Household.grid_code, 1, TOWNSHIP_DIGITS)
    counts = Counter[Counted]()
    by_day = (
        select(township, Household.due_on, func.count()).where(stands()).group_by(township, Household.due_on)
    )
    for code, due_on, households in db.session.execute(by_day):
        counts[HOUSEHOLD, "", code] += households
        if due_on is not None:
            counts[DUE, due_on.isoformat(), code] = households
    keys = township, Person.main_class, Person.due_on, Household.tried_on.is_not(None)
    by_class = select(*keys, func.count()).join(Household).where(are_here())
    for code, main_class, due_on, is_tried, people in db.session.execute(by_class.group_by(*keys)):
        counts[CLASS, main_class, code] += people
        if due_on is not None:
            counts[ASKED, main_class, code] += people
            counts[PERSON, day_key(due_on.isoformat(), main_class), code] += people
            if is_tried:
                counts[TRIED, day_key(due_on.isoformat(), main_class), code] += people
    return counts
