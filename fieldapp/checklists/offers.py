"""Which version of each checklist is used in a place on a day.

Invariant: phone (`static/src/phone/offers.js`) and server decide alike; both answer tests/checklists/offers.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Offer:
    """A version in force in an area (and below) from one day to another, both included."""

    id: int
    key: str
    version: str
    area_code: str
    from_on: date
    until_on: date | None

    def is_in_force(self, area_code: str, day: date) -> bool:
        """Whether it counts in that area on that day."""
        return (
            area_code.startswith(self.area_code)
            and self.from_on <= day
            and (self.until_on is None or day <= self.until_on)
        )


def choose(offers: Iterable[Offer], area_code: str, day: date) -> dict[str, Offer]:
    """By key, the offer that counts in the area on that day.

    The most specific area wins, then the one that began last, then the higher version, then the later publication.
    """
    chosen: dict[str, Offer] = {}
    for offer in offers:
        if offer.is_in_force(area_code, day) and (
            offer.key not in chosen or _rank(offer) > _rank(chosen[offer.key])
        ):
            chosen[offer.key] = offer
    return chosen


def _rank(offer: Offer) -> tuple[int, date, int, int]:
    return len(offer.area_code), offer.from_on, int(offer.version), offer.id
