"""The one clock: every instant in the system is an aware UTC datetime that came from here or from a phone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def local_date(instant: datetime) -> date:
    """The calendar date of `instant` in Asia/Shanghai, the only zone the field work knows."""
    return instant.astimezone(LOCAL).date()


def midnight(day: date) -> datetime:
    """The instant at which that day begins in Asia/Shanghai."""
    return datetime.combine(day, time(), LOCAL)


def parse_instant(text: str) -> datetime:
    """An ISO 8601 text with an offset as aware UTC; raises ValueError for anything else, a missing offset included."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return instant.astimezone(UTC)


def iso(instant: datetime | None) -> str | None:
    """The instant as `2026-11-23T09:42:00Z` (seconds, UTC), or None."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant else None
