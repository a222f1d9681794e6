"""Reads of who is seen within their interval and who is not, by area and class, down to names.

Invariant: a count and the list of the same area, class and set are narrowed by the same conditions; from the townships up
both go by the tallies, so that neither reads more of the registry than is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, case, func, select, union_all
from sqlalchemy.orm import contains_eager

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.tallies import Tally
from fieldapp.people.models import Household, Person
from fieldapp.people.tally_queries import (
    ASKED,
    BY_DAY,
    CLASS,
    DAY_LENGTH,
    PERSON,
    TOWNSHIP_DIGITS,
    TRIED,
    are_here,
    is_tallied,
)

PEOPLE_PER_PAGE = 50
# Who is to be seen at all; of those who was seen in time, who was not, and of these whom somebody tried to see in vain.
SETS = ("asked", "within", "overdue", "tried", "unasked")


@dataclass(frozen=True)
class Intervals:
    """Of some people on the list: how many are to be seen, are overdue, were tried in vain, and are asked for by nothing."""

    asked: int = 0
    overdue: int = 0
    tried: int = 0
    unasked: int = 0

    @property
    def within(self) -> int:
        """How many were seen within their interval."""
        return self.asked - self.overdue

    @property
    def within_percent(self) -> int | None:
        """The same in a hundred, never rounded up to all; None where nobody is to be seen."""
        return 100 * self.within // self.asked if self.asked else None

    def __add__(self, other: Intervals) -> Intervals:
        return Intervals(
            self.asked + other.asked,
            self.overdue + other.overdue,
            self.tried + other.tried,
            self.unasked + other.unasked,
        )


def count_intervals(area_codes: Sequence[str], digits: int, today: date) -> dict[tuple[str, str], Intervals]:
    """By the first `digits` of the grid's code and by main class."""
    if is_tallied(area_codes, digits):
        return _sum_intervals(area_codes, digits, today)
    area = func.substr(Household.grid_code, 1, digits)
    counted = [
        func.count().filter(_belongs(which, today)) for which in ("asked", "overdue", "tried", "unasked")
    ]
    rows = db.session.execute(
        select(area, Person.main_class, *counted)
        .join(Person.household)
        .where(scope.within(Household.grid_code, area_codes), are_here())
        .group_by(area, Person.main_class)
    )
    return {(code, main_class): Intervals(*counts) for code, main_class, *counts in rows}


def _sum_intervals(area_codes: Sequence[str], digits: int, today: date) -> dict[tuple[str, str], Intervals]:
    area = func.substr(Tally.area_code, 1, digits).label("area")
    here = scope.within(Tally.area_code, area_codes)
    main_class = func.substr(Tally.key, DAY_LENGTH + 2)
    both = union_all(
        select(area, Tally.kind, Tally.key.label("main_class"), Tally.count).where(
            Tally.kind.in_((ASKED, CLASS)), here
        ),
        select(area, Tally.kind, main_class.label("main_class"), Tally.count).where(
            Tally.kind.in_(BY_DAY), Tally.key < today.isoformat(), here
        ),
    ).subquery()
    of_kind = (
        func.coalesce(func.sum(case((both.c.kind == kind, both.c.count))), 0)
        for kind in (ASKED, PERSON, TRIED, CLASS)
    )
    rows = db.session.execute(
        select(both.c.area, both.c.main_class, *of_kind)
        .group_by(both.c.area, both.c.main_class)
        # Rows of a class may come to nothing.
        .having(func.sum(case((both.c.kind.in_((ASKED, CLASS)), both.c.count), else_=0)) != 0)
    )
    return {
        (code, name): Intervals(int(asked), int(overdue), int(tried), int(known) - int(asked))
        for code, name, asked, overdue, tried, known in rows
    }


def list_people(
    area_codes: Sequence[str], which: str, main_class: str, today: date, page: int = 1
) -> tuple[list[Person], bool]:
    """A page of the people of one of SETS in those areas, of a class or (empty) of all, township by township, the longest
    overdue first; each with their household; and whether there is more.
    """
    skip = (page - 1) * PEOPLE_PER_PAGE
    codes: Sequence[str] = area_codes
    if is_tallied(area_codes, TOWNSHIP_DIGITS):
        codes, skip = _list_townships(area_codes, which, main_class, today, skip)
    wanted = [scope.within(Household.grid_code, codes), are_here(), _belongs(which, today)]
    if main_class:
        wanted.append(Person.main_class == main_class)
    found = list(
        db.session.scalars(
            select(Person)
            .join(Person.household)
            .options(contains_eager(Person.household))
            .where(*wanted)
            .order_by(
                func.substr(Household.grid_code, 1, TOWNSHIP_DIGITS),
                Person.due_on,
                Household.grid_code,
                Household.household_uuid,
                Person.position,
                Person.person_uuid,
            )
            .offset(skip)
            .limit(PEOPLE_PER_PAGE + 1)
        )
    )
    return found[:PEOPLE_PER_PAGE], len(found) > PEOPLE_PER_PAGE


def _list_townships(
    area_codes: Sequence[str], which: str, main_class: str, today: date, skip: int
) -> tuple[list[str], int]:
    """The townships in which the people of a page and the one after them live, and how many of theirs come before."""
    in_township: dict[str, int] = {}
    for (code, name), counts in _sum_intervals(area_codes, TOWNSHIP_DIGITS, today).items():
        if not main_class or name == main_class:
            in_township[code] = in_township.get(code, 0) + getattr(counts, which)
    taken: list[str] = []
    room = PEOPLE_PER_PAGE + 1
    for code, number in sorted(in_township.items()):
        if not taken and number <= skip:
            skip -= number
            continue
        if number > 0:
            room -= number - (0 if taken else skip)
            taken.append(code)
        if room <= 0:
            break
    return taken, skip


def _belongs(which: str, today: date) -> ColumnElement[bool]:
    if which == "unasked":
        return Person.due_on.is_(None)
    if which == "asked":
        return Person.due_on.is_not(None)
    if which == "within":
        return Person.due_on >= today
    # A household's own day is the earliest of its people's, and stands in the index of its grid.
    is_overdue = (Person.due_on < today) & (Household.due_on < today)
    return is_overdue & Household.tried_on.is_not(None) if which == "tried" else is_overdue
