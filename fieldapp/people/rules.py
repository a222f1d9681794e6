"""When a person must next be seen, and how personal numbers are shown.

Invariant: the one place that decides a due date; phone and desk show what it said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

# An attempt that reached nobody never resets a due date (DOMAIN 4).
COUNTS_AS_CONTACT = frozenset({"reached"})


def next_due_on(
    risk: str,
    last_contact_on: date | None,
    died_on: date | None,
    interval_days: Mapping[str, int],
    first_on: date,
) -> date | None:
    """The day a person is due: last contact plus the interval of the risk; `first_on` while never seen; None when dead."""
    if died_on is not None:
        return None
    if last_contact_on is None:
        return first_on
    return last_contact_on + timedelta(days=interval_days[risk])


def earliest(days: Iterable[date | None]) -> date | None:
    """The earliest of the days there are, or None."""
    return min((day for day in days if day is not None), default=None)


def mask_phone(phone: str | None) -> str | None:
    """`13812341234` as `138****1234`; a shorter number keeps its last two."""
    if not phone:
        return None
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else "****" + phone[-2:]


def mask_id(id_number: str | None) -> str | None:
    """The first three and the last four of an ID number."""
    return f"{id_number[:3]}{'*' * 11}{id_number[-4:]}" if id_number else None


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def id_check_digit(first17: str) -> str:
    """The check digit of GB 11643 for the first 17 digits."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]
