"""How places and clocks compare, and what of a visit's answers the next one is offered.

Invariant: pure; the same facts give the same answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from geopy.distance import geodesic


def distance_m(
    here: tuple[float, float],
    here_datum: str,
    home: tuple[float | None, float | None],
    home_datum: str | None,
) -> float | None:
    """Metres between two places (lat, lon in degrees); None without a home or when the datums differ."""
    if home[0] is None or home[1] is None or here_datum != home_datum:
        return None
    return float(round(geodesic(here, home).meters, 1))


def corrected(instant: datetime, offset_s: int) -> datetime:
    """A phone's instant by the server's clock."""
    return instant + timedelta(seconds=offset_s)


def carry_answers(nodes: list[dict[str, Any]], answers: dict[str, Any], people: list[str]) -> dict[str, Any]:
    """The part of `answers` that belongs to `carry` questions, in the same shape.

    `people` are the uuids of the repeat of that name, in its order; its items are given their `person_uuid`.
    """
    kept: dict[str, Any] = {}
    for node in nodes:
        value = answers.get(node["name"])
        if node["kind"] == "question" and node.get("carry") and isinstance(value, str) and value:
            kept[node["name"]] = value
        elif node["kind"] == "group" and isinstance(value, dict):
            if inner := carry_answers(node["children"], value, people):
                kept[node["name"]] = inner
        elif node["kind"] == "repeat" and node["name"] == "people" and isinstance(value, list):
            kept["people"] = [
                {"person_uuid": person_uuid, **carry_answers(node["children"], item, [])}
                for person_uuid, item in zip(people, value, strict=False)
                if isinstance(item, dict)
            ]
    return kept
