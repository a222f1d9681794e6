"""What addresses say: pages of lists, keys of rows, days, areas.

Invariant: a number no database could hold is not found, or the nearest page; never an error of ours.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import request
from werkzeug.routing import IntegerConverter

from fieldapp.core.scope import CODE_DIGITS

LARGEST_KEY = 2**31 - 1
LAST_PAGE = 100_000


class KeyConverter(IntegerConverter):
    """`<int:…>` in a route: up to what an integer column holds; anything beyond is 404."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max": LARGEST_KEY, **options})


def read_page() -> int:
    """The page asked for in `?page=`, from 1."""
    return min(max(request.args.get("page", 1, type=int), 1), LAST_PAGE)


def read_key(name: str) -> int | None:
    """The row's key in `?name=`, or None when there is none that could exist."""
    key = request.args.get(name, type=int)
    return key if key is not None and 0 < key <= LARGEST_KEY else None


def read_day(name: str) -> date | None:
    """The day in `?name=` (2026-11-29), or None when there is none."""
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def read_uuid(name: str) -> str | None:
    """The uuid in `?name=`, or None when there is none that can be read."""
    return parse_uuid(request.args.get(name, ""))


def parse_uuid(text: str) -> str | None:
    """The uuid as our rows have it, or None when the text is none."""
    try:
        return str(UUID(text))
    except ValueError:
        return None


def read_area() -> str:
    """The code of an area in `?area=`, which need not exist; empty when there is none that could."""
    code = request.args.get("area", "")
    return code if code.isascii() and code.isdigit() and len(code) <= CODE_DIGITS else ""
