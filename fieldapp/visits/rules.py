"""How places and clocks compare.

Invariant: pure; the same facts give the same answer.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from geopy.distance import geodesic

# A decision on these was made: a correction needs somebody who says why.
DECIDED = frozenset({"approved", "voided"})


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
