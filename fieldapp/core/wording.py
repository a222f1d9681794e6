"""How instants, distances and codes are said to a person: near by relative, further off absolute.

Invariant: everything here only words what it is given; it decides nothing and stores nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from flask_babel import format_date, get_locale, gettext, lazy_gettext, ngettext

from fieldapp.core import clock
from fieldapp.core.codes import list_all

VISIT_STATES: Mapping[str, Any] = {
    "submitted": lazy_gettext("Waiting for review"),
    "approved": lazy_gettext("Approved"),
    "returned": lazy_gettext("Returned"),
    "voided": lazy_gettext("Voided"),
}
FLAG_STATES: Mapping[str, Any] = {
    "open": lazy_gettext("Not decided yet"),
    "confirmed": lazy_gettext("Confirmed"),
    "dismissed": lazy_gettext("Dismissed"),
}
FOLLOWUP_STATES: Mapping[str, Any] = {
    "open": lazy_gettext("To do"),
    "done": lazy_gettext("Done, to be checked"),
    "verified": lazy_gettext("Checked and closed"),
    "refused": lazy_gettext("Cannot be done"),
    "cancelled": lazy_gettext("Cancelled"),
}
ROLES: Mapping[str, Any] = {
    "worker": lazy_gettext("Grid worker"),
    "supervisor": lazy_gettext("Civil affairs assistant"),
    "leader": lazy_gettext("Township leader"),
    "officer": lazy_gettext("Civil affairs officer"),
    "admin": lazy_gettext("System administrator"),
    "security": lazy_gettext("Security administrator"),
    "audit": lazy_gettext("Audit administrator"),
}

NEAR_DAYS = {0: lazy_gettext("today"), -1: lazy_gettext("yesterday"), 1: lazy_gettext("tomorrow")}


def say_state(code: str) -> str:
    """The word for a state of a visit, a flag or a follow-up."""
    words = {**VISIT_STATES, **FLAG_STATES, **FOLLOWUP_STATES}
    return str(words.get(code, code))


def is_chinese() -> bool:
    """Whether the reader reads Chinese."""
    return str(get_locale()).startswith("zh")


def get_words(*tables: str) -> dict[str, dict[str, str]]:
    """The words of code tables in the reader's language: {table: {code: word}}, in the tables' order."""
    is_zh = is_chinese()
    words: dict[str, dict[str, str]] = {table: {} for table in tables}
    for row in list_all():
        if row.table in words:
            words[row.table][row.code] = row.zh if is_zh else row.en
    return words


def say_day(day: date, today: date | None = None) -> str:
    """Today, yesterday, tomorrow; a month and a day; the year too when it is another."""
    today = today or clock.local_date(clock.now())
    near = NEAR_DAYS.get((day - today).days)
    if near:
        return str(near)
    if is_chinese():
        return (
            f"{day.month}月{day.day}日" if day.year == today.year else f"{day.year}年{day.month}月{day.day}日"
        )
    return format_date(day, "d MMM" if day.year == today.year else "d MMM y")


def say_date(day: date) -> str:
    """The full date, for papers and tooltips."""
    return f"{day.year}年{day.month}月{day.day}日" if is_chinese() else format_date(day, "d MMMM y")


def say_weekday(day: date) -> str:
    """周一, or Mon."""
    return str(format_date(day, "EEE"))


def say_time(instant: datetime) -> str:
    """09:42, in the zone of the field work."""
    return instant.astimezone(clock.LOCAL).strftime("%H:%M")


def say_instant(instant: datetime) -> str:
    """A day as people say it, and the time: yesterday 09:42."""
    return f"{say_day(clock.local_date(instant))} {say_time(instant)}"


def say_full(instant: datetime) -> str:
    """The full date and time, for papers and tooltips."""
    return f"{say_date(clock.local_date(instant))} {say_time(instant)}"


def say_ago(instant: datetime, now: datetime | None = None) -> str:
    """How long ago, up to yesterday; then the day."""
    now = now or clock.now()
    minutes = int((now - instant) / timedelta(minutes=1))
    today = clock.local_date(now)
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return ngettext("%(num)s minute ago", "%(num)s minutes ago", minutes)
    if clock.local_date(instant) == today:
        return ngettext("%(num)s hour ago", "%(num)s hours ago", minutes // 60)
    return say_day(clock.local_date(instant), today)


def say_due(instant: datetime, now: datetime | None = None) -> str:
    """By when something is due, or for how long it has been overdue."""
    now = now or clock.now()
    if instant >= now:
        return gettext("by %(when)s", when=say_instant(instant))
    late = now - instant
    if late < timedelta(hours=1):
        return gettext("overdue since %(when)s", when=say_instant(instant))
    if late < timedelta(days=1):
        return ngettext("%(num)s hour overdue", "%(num)s hours overdue", int(late / timedelta(hours=1)))
    return ngettext("%(num)s day overdue", "%(num)s days overdue", late.days)


def say_due_on(day: date | None, today: date | None = None) -> str:
    """When the next visit is due, by day."""
    today = today or clock.local_date(clock.now())
    if day is None:
        return gettext("no visit due")
    if day < today:
        return ngettext("%(num)s day overdue", "%(num)s days overdue", (today - day).days)
    return gettext("due %(day)s", day=say_day(day, today))


def say_distance(metres: float) -> str:
    """Metres up to a kilometre, then kilometres."""
    if metres < 1000:
        return gettext("%(n)s m", n=f"{metres:.0f}")
    return gettext("%(n)s km", n=f"{metres / 1000:.1f}" if metres < 100_000 else f"{metres / 1000:.0f}")


def age_on(birth_on: date | None, day: date) -> int | None:
    """Full years on that day, or None when the birthday is not known."""
    if birth_on is None:
        return None
    return day.year - birth_on.year - ((day.month, day.day) < (birth_on.month, birth_on.day))


def init_app(app: Flask) -> None:
    """Offer the wordings to templates as filters."""
    app.jinja_env.globals["is_chinese"] = is_chinese
    app.jinja_env.filters.update(
        day=say_day,
        date=say_date,
        weekday=say_weekday,
        time=say_time,
        instant=say_instant,
        full=say_full,
        ago=say_ago,
        due=say_due,
        due_on=say_due_on,
        distance=say_distance,
        day_of=clock.local_date,
    )
