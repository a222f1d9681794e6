"""What an account may see: a list of area codes, applied to every query by one function.

Invariant: a row is in scope when its area code starts with one of the account's codes; no codes, no rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, false, or_

CODE_DIGITS = 15


def covers(area_codes: Iterable[str], code: str) -> bool:
    """Whether `code` lies in one of `area_codes` or is one of them."""
    return any(code.startswith(area) for area in area_codes)


def within(column: Any, area_codes: Iterable[str]) -> ColumnElement[bool]:
    """The SQL condition that `column` (an area code of any level) lies in one of `area_codes`.

    A range rather than LIKE: codes are digits, so both databases answer it from a plain index in any collation.
    """
    ranges = [column.between(code, code + "9" * (CODE_DIGITS - len(code))) for code in area_codes]
    return or_(*ranges) if ranges else false()
