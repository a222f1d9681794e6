"""Counting in working days.

Invariant: what the calendar says of a day goes before its weekday.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

SATURDAY = 5


def is_working_day(day: date, calendar: Mapping[date, bool]) -> bool:
    """Whether that day is worked; `calendar`: the days that are not what their weekday says."""
    return calendar.get(day, day.weekday() < SATURDAY)


def add_working_days(day: date, number: int, calendar: Mapping[date, bool]) -> date:
    """The last of so many working days after that day; with none, the day itself."""
    while number > 0:
        day += timedelta(days=1)
        number -= is_working_day(day, calendar)
    return day
