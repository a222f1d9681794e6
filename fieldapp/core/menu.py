"""What the menu of the desk counts: each feature says what waits there, and one statement asks for all of it.

Invariant: nothing is counted but what waits; what is settled costs a page nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, g
from sqlalchemy import Select, String, literal, select, union_all

from fieldapp.core.db import db

# For the reader of the page: (severity or "", how many); None when their menu does not count it.
Counting = Callable[[], Select[Any, int] | None]


# Of more the menu says no number: nobody works by it, and to count them would cost every page.
MOST_SAID = 1000


@dataclass
class Waiting:
    """How much waits, and how much of it is red."""

    total: int = 0
    red: int = 0

    @property
    def said(self) -> str:
        """The number as the menu has it."""
        return str(self.total) if self.total < MOST_SAID else f"{MOST_SAID - 1}+"


def count_in_menu(app: Flask, name: str, counting: Counting) -> None:
    """Have the menu count what `counting` selects, under `name`."""
    app.extensions["menu"][name] = counting


def _count() -> dict[str, Waiting]:
    """Asked for once, for a page that shows them itself as well."""
    if "menu" in g:
        kept: dict[str, Waiting] = g.menu
        return kept
    countings = {name: counting() for name, counting in current_app.extensions["menu"].items()}
    waits = {name: found.subquery() for name, found in countings.items() if found is not None}
    counts = {name: Waiting() for name in waits}
    for name, severity, number in db.session.execute(
        union_all(*(select(literal(name, String), *found.c) for name, found in waits.items()))
    ):
        counts[name].total += number
        counts[name].red += number if severity == "red" else 0
    g.menu = counts
    return counts


def init_app(app: Flask) -> None:
    """Offer the counts to the frame of a page, which asks for them once."""
    app.extensions["menu"] = {}
    app.jinja_env.globals["count_menu"] = _count
