"""Reads of the calendar."""

from __future__ import annotations

from datetime import date

from sqlalchemy import extract, select

from fieldapp.core.db import db, once
from fieldapp.workdays import rules
from fieldapp.workdays.models import CalendarDay


def is_working_day(day: date) -> bool:
    """Whether that day is worked."""
    return rules.is_working_day(day, get_calendar())


def add_working_days(day: date, number: int) -> date:
    """The last of so many working days after that day."""
    return rules.add_working_days(day, number, get_calendar())


@once
def get_calendar() -> dict[date, bool]:
    """Whether a day is worked, for the days that are not what their weekday says: some forty a year."""
    rows = db.session.execute(select(CalendarDay.day, CalendarDay.is_working))
    return {row[0]: row[1] for row in rows}


def list_days(year: int) -> list[CalendarDay]:
    """The days of a year that are not what their weekday says, in order."""
    within = CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
    return list(db.session.scalars(select(CalendarDay).where(within).order_by(CalendarDay.day)))


def list_years() -> set[int]:
    """The years of which the calendar says anything."""
    year = extract("year", CalendarDay.day)
    return {int(found) for found in db.session.scalars(select(year).group_by(year))}
