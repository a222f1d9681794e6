"""Numbers in addresses: pages of lists, keys of rows.

Invariant: a number no database could hold is not found, or the nearest page; never an error of ours.
"""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.routing import IntegerConverter

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
