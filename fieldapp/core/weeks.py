"""The weeks of the report: contiguous, each ending with a cut, on the clock of Asia/Shanghai.

Invariant: pure. Every instant lies in exactly one week; the cut itself is the first instant of the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from fieldapp.core import clock

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Cut:
    """From a day on, when weeks end: on `weekday` (Monday is 0), at `at`."""

    from_on: date
    weekday: int
    at: time


# A week in which the cut changes is not shorter than this, nor longer than a week more.
SHORTEST_DAYS = 4
# Friday noon, so that a county confirms in the afternoon what no longer moves.
SHIPPED = (Cut(date.min, 4, time(12)),)


@dataclass(frozen=True, order=True)
class Week:
    """A week by the day it ends on, which is also how it is called, with its first instant and the one after its last."""

    ends_on: date
    begins_at: datetime
    ends_at: datetime

    @property
    def begins_on(self) -> date:
        """The day it begins on."""
        return clock.local_date(self.begins_at)


def week_of(instant: datetime, cuts: Sequence[Cut] = SHIPPED) -> Week:
    """The week in which an instant lies; `cuts` are those of all times, the first from ever."""
    day = clock.local_date(instant)
    ends_at = _cut_on(day, cuts)
    while ends_at is None or ends_at <= instant:
        day += DAY
        ends_at = _cut_on(day, cuts)
    return _ending(day, ends_at, tuple(cuts))


def week_ending(ends_on: date, cuts: Sequence[Cut] = SHIPPED) -> Week | None:
    """The week that ends on that day, or None when none does."""
    ends_at = _cut_on(ends_on, cuts)
    return _ending(ends_on, ends_at, tuple(cuts)) if ends_at else None


def week_of_day(day: date, cuts: Sequence[Cut] = SHIPPED) -> Week:
    """The week in which something counts of which only the day is known: the one that has begun when the day begins."""
    return week_of(clock.midnight(day), cuts)


def first_of_year(week: Week, cuts: Sequence[Cut] = SHIPPED) -> date:
    """The first week of a week's year, by the day it ends on: a week belongs to the year in which it ends."""
    return week_of(clock.midnight(date(week.ends_on.year, 1, 1)), cuts).ends_on


def change_after(week: Week, weekday: int, at: time) -> Cut:
    """The cut with which weeks end on another weekday (Monday is 0) or time from the one after `week` on: contiguous, and the
    first of them with 4 to 10 days.
    """
    return Cut(week.ends_on + SHORTEST_DAYS * DAY, weekday, at)


@lru_cache(maxsize=1024)
def _ending(day: date, ends_at: datetime, cuts: tuple[Cut, ...]) -> Week:
    before = day - DAY
    while (begins_at := _cut_on(before, cuts)) is None:
        before -= DAY
    return Week(day, begins_at, ends_at)


def _cut_on(day: date, cuts: Sequence[Cut]) -> datetime | None:
    cut = max((cut for cut in cuts if cut.from_on <= day), key=lambda cut: cut.from_on)
    return datetime.combine(day, cut.at, clock.LOCAL) if day.weekday() == cut.weekday else None
