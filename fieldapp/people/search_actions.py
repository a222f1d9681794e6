"""Looking somebody up beyond one's own areas.

Invariant: no look-up without an entry in the audit trail, whatever it finds; it tells the county and nothing else.
"""

from __future__ import annotations

from datetime import datetime

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, Area
from fieldapp.core import audit
from fieldapp.people import queries, search_queries
from fieldapp.users.models import User


def look_up(actor: User, id_number: str, reason: str, now: datetime) -> list[Area]:
    """The counties where somebody with that whole ID number is on the list, by code."""
    counties = areas.list_areas(
        grid_code[: LEVELS["county"]] for grid_code in search_queries.list_grids_with(id_number)
    )
    id_hash, _ = queries.number_hashes(id_number, "id")
    found = [county.code for county in counties]
    audit.record(actor, "person.look_up", "id_hash", id_hash, at=now, reason=reason, found=found)
    return counties
