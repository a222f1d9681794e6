"""Writes of households and people.

Invariant: every change of a household or a person is published to its grid's feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.core.feeds import publish
from fieldapp.people import queries, rules
from fieldapp.people.models import Household


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
    refresh_due(household, now)
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


def publish_household(household: Household) -> None:
    """Tell the phones of its grid about a household and its people."""
    publish(household.grid_code, "household", household.household_uuid)
    for person in household.people:
        publish(household.grid_code, "person", person.person_uuid)
