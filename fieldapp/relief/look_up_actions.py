"""Looking somebody up beyond one's own areas.

Invariant: no look-up without an entry in the audit trail, whatever it finds; it tells the county and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, Area
from fieldapp.core import audit, clock
from fieldapp.core.db import db
from fieldapp.people import queries as people, search_queries
from fieldapp.people.models import Person
from fieldapp.relief import rules
from fieldapp.relief.models import ReliefCase
from fieldapp.users.models import User

# How far back relief is told of.
MONTHS = 12


@dataclass(frozen=True)
class Found:
    """The counties to call, by code: where somebody is on the list, and where they were given relief."""

    registered: list[Area]
    helped: list[Area]


def look_up(actor: User, id_number: str, reason: str, now: datetime) -> Found:
    """Where somebody with that whole ID number is on the list, or was given temporary relief within a year."""
    id_hash, _ = people.number_hashes(id_number, "id")
    homes = select(Person.household_uuid).where(Person.id_hash == id_hash)
    since = rules.months_before(clock.local_date(now), MONTHS)
    helped = select(ReliefCase.area_code).where(
        or_(ReliefCase.id_hash == id_hash, ReliefCase.household_uuid.in_(homes)),
        ReliefCase.approved_at >= clock.midnight(since),
        ReliefCase.state != "withdrawn",
    )
    found = Found(
        _list_counties(search_queries.list_grids_with(id_number)),
        _list_counties(list(db.session.scalars(helped))),
    )
    audit.record(
        actor,
        "person.look_up",
        "id_hash",
        id_hash,
        at=now,
        reason=reason,
        found=[county.code for county in found.registered],
        helped=[county.code for county in found.helped],
    )
    return found


def _list_counties(area_codes: list[str]) -> list[Area]:
    return areas.list_areas(code[: LEVELS["county"]] for code in area_codes)
