"""What an address chooses."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from fieldapp.tables.files import harmless
from fieldapp.tables.rules import Choice, read_choice

COLUMNS = ("a", "b", "worker", "lat")


def read(given: dict[str, Any], level: str = "city", area: str = "2301") -> Choice:
    lists = {name: value if isinstance(value, list) else [value] for name, value in given.items()}
    return read_choice(lists, area, level, COLUMNS, ("a",))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"kind": "visits", "column": ["b", "worker"], "outcome": "reached", "flag": "red", "class": "none"},
        {"period": "chosen", "from": "2026-04-17", "until": "2026-04-10", "rows": "grid"},
        {"period": "total", "rows": "weeks", "column": ["a", "b"]},
    ],
)
def test_a_choice_is_read_from_its_own_address(given: dict[str, Any]) -> None:
    choice = read(given)
    assert read(choice.as_query()) == choice


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"column": ["none"]}, {"columns": ("a",)}),  # unknown: as if nothing were chosen
        ({"column": ["worker", "lat"]}, {"columns": ("lat",)}),  # a place and a name are a track
        ({"period": "year"}, {"period": "last"}),
        ({"period": "chosen", "from": "2026-04-10"}, {"period": "last"}),
        ({"period": "last4", "from": "2026-04-10", "until": "2026-04-10"}, {"first": None}),
        # Other weeks than the page showed are meant, whatever period it was of.
        (
            {
                "period": "last4",
                "from": "2026-04-10",
                "until": "2026-04-24",
                "shown": "2026-04-03/2026-04-24",
            },
            {"period": "chosen", "first": date(2026, 4, 10)},
        ),
        (
            {"period": "last", "from": "2026-04-03", "until": "2026-04-24", "shown": "2026-04-03/2026-04-24"},
            {"period": "last", "first": None},
        ),
        ({"rows": "city"}, {"rows": "county"}),  # not below a city
        ({"rows": "grid", "area": "230100", "level": "proper"}, {"rows": "grid"}),
        ({"rows": "village", "area": "230100", "level": "proper"}, {"rows": "grid"}),  # nothing between
        ({"area": "230183100055001", "level": "grid"}, {"rows": "weeks"}),
        ({"outcome": "reached"}, {"outcome": ""}),  # figures have no such filter
    ],
)
def test_what_cannot_be_chosen_is_not(given: dict[str, Any], expected: dict[str, object]) -> None:
    area, level = str(given.pop("area", "2301")), str(given.pop("level", "city"))
    choice = read(given, level, area)
    assert {name: getattr(choice, name) for name in expected} == expected


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_a_text_that_begins_like_a_formula_is_none(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(text[1:]) != f"'{text[1:]}" or text[1:].startswith("=")
    assert harmless(-1) == -1
