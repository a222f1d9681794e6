"""Writes of the calendar.

Invariant: a change is in the audit trail, with the days and who made it. Deadlines that were set stay as they were set.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from fieldapp.core import audit
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ADMIN
from fieldapp.users.models import User
from fieldapp.workdays import queries
from fieldapp.workdays.models import CalendarDay

# As the State Council has arranged them, or the law by itself.
SEED_FILE = Path(__file__).parent / "data" / "days.json"
# What the audit trail calls a day.
SUBJECT = "calendar_day"
# The longest run of days entered in one go: more is a slip of the finger.
MOST_DAYS = 31


def set_days(
    actor: User, first: date, last: date, *, is_working: bool, name: str, now: datetime
) -> list[CalendarDay]:
    """Say that the days from `first` to `last` are worked, or are not. Raises wrong_role, days_wrong, reason_needed."""
    if actor.role != ADMIN:
        raise AppError("wrong_role")
    if not 0 <= (last - first).days < MOST_DAYS:
        raise AppError("days_wrong", most=MOST_DAYS)
    if not name.strip():
        raise AppError("reason_needed")
    days = [
        db.session.merge(
            CalendarDay(day=first + timedelta(days=offset), is_working=is_working, name=name.strip())
        )
        for offset in range((last - first).days + 1)
    ]
    _note(actor, "set", first, now, until=last.isoformat(), is_working=is_working, name=name.strip())
    return days


def forget_day(actor: User, day: date, now: datetime) -> None:
    """Let a day be again what its weekday says. Raises wrong_role, not_found."""
    if actor.role != ADMIN:
        raise AppError("wrong_role")
    held = db.session.get(CalendarDay, day)
    if held is None:
        raise AppError("not_found")
    db.session.delete(held)
    _note(actor, "forget", day, now, is_working=held.is_working, name=held.name)


def seed_days() -> None:
    """Add the shipped days that are missing, but for years that somebody here has changed. Runs in the caller's transaction."""
    changed = select(audit.AuditEntry.subject_id).where(audit.AuditEntry.subject_kind == SUBJECT)
    years = {date.fromisoformat(day).year for day in db.session.scalars(changed)}
    known = set(queries.get_calendar())
    for row in json.loads(SEED_FILE.read_text(encoding="utf-8")):
        first, last = date.fromisoformat(row["from"]), date.fromisoformat(row.get("until", row["from"]))
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if day not in known and day.year not in years:
                db.session.add(CalendarDay(day=day, is_working=row.get("worked", False), name=row["name"]))


def _note(actor: User, deed: str, day: date, now: datetime, **values: object) -> None:
    audit.record(actor, f"calendar.{deed}", SUBJECT, day.isoformat(), at=now, **values)
