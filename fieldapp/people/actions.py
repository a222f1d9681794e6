"""Writes of households and people.

Invariant: every change of a household or a person is published to its grid's feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from fieldapp.areas import queries as areas
from fieldapp.core import audit, clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.people import queries, rules
from fieldapp.people.models import Household, HouseholdGrid
from fieldapp.users.models import User


def add_household(household: Household, now: datetime) -> Household:
    """Store a new household with its people, their look-up hashes and due dates."""
    for position, person in enumerate(household.people):
        person.position = position
        if person.id_number:
            person.id_hash, person.id_tail_hash = queries.id_hashes(person.id_number)
        if person.phone:
            person.phone_hash, person.phone_tail_hash = queries.phone_hashes(person.phone)
    db.session.add(household)
    db.session.flush()
    db.session.add(HouseholdGrid(household_uuid=household.household_uuid, grid_code=household.grid_code))
    refresh_due(household, now)
    return household


def move_household(actor: User, household_uuid: str, grid_code: str, now: datetime) -> Household:
    """Put a household into another grid from `now` on: gone in the old grid's feed, there in the new one's.

    Visits that ended before still count in the old grid. Raises not_found when household or grid lie outside the
    actor's areas.
    """
    area_codes = actor.area_codes(now)
    household = queries.lock_household(household_uuid)
    if household is None or not scope.covers(area_codes, household.grid_code):
        raise AppError("not_found")
    grid = areas.get_area(grid_code)
    if grid.level != "grid" or not scope.covers(area_codes, grid.code):
        raise AppError("not_found")
    before = household.grid_code
    if grid.code != before:
        publish_household(household, gone=True)
        household.grid_code = grid.code
        db.session.add(HouseholdGrid(household_uuid=household_uuid, grid_code=grid.code, from_at=now))
        audit.record(
            actor, "household.move", "household", household_uuid, at=now, before=before, after=grid.code
        )
        publish_household(household)
    return household


def set_contacts(household: Household, last_contacts: Mapping[str, datetime | None], now: datetime) -> None:
    """Keep when people of the household were last seen (by uuid), and what follows for their due dates."""
    for person in household.people:
        if person.person_uuid in last_contacts:
            person.last_contact_at = last_contacts[person.person_uuid]
    refresh_due(household, now)


def set_last_visit(household: Household, on: date | None, carried: dict[str, Any] | None) -> None:
    """Keep the day of the last visit that reached somebody, and the answers the next one is offered."""
    household.last_visit_on = on
    household.carry = {"on": on.isoformat(), "answers": carried} if on is not None else None
    publish_household(household)


def refresh_due(household: Household, now: datetime) -> None:
    """Work out the due dates of a household and its people again."""
    intervals = queries.get_interval_days()
    today = clock.local_date(now)
    for person in household.people:
        last_on = clock.local_date(person.last_contact_at) if person.last_contact_at else None
        person.due_on = rules.next_due_on(
            person.risk, last_on, person.died_on, intervals, min(person.due_on or today, today)
        )
    household.due_on = rules.earliest(person.due_on for person in household.people)
    publish_household(household)


def publish_household(household: Household, *, gone: bool = False) -> None:
    """Tell the phones of its grid about a household and its people, or that they are `gone` from it."""
    publish(household.grid_code, "household", household.household_uuid, gone=gone)
    for person in household.people:
        publish(household.grid_code, "person", person.person_uuid, gone=gone)
