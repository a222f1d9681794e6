"""Writes of households and people.

Invariant: every change of a household or a person is published to its grid's feed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.core.feeds import publish
from fieldapp.people import queries, rules
from fieldapp.people.models import Household, Person


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


def note_contact(household: Household, people: Iterable[Person], at: datetime, now: datetime) -> None:
    """Record that `people` were seen or asked about at `at`; an older visit arriving late changes nothing."""
    for person in people:
        if person.last_contact_at is None or person.last_contact_at < at:
            person.last_contact_at = at
    day = clock.local_date(at)
    if household.last_visit_on is None or household.last_visit_on < day:
        household.last_visit_on = day
    refresh_due(household, now)


def keep_carry(household: Household, answers: dict[str, Any], at: datetime) -> None:
    """Keep the answers that the next visit is offered as 'last time', unless later ones are there."""
    day = clock.local_date(at).isoformat()
    if household.carry is None or household.carry["on"] <= day:
        household.carry = {"on": day, "answers": answers}
        publish_household(household)


def refresh_due(household: Household, now: datetime) -> None:
    """Work out the due dates of a household and its people again."""
    intervals = queries.get_interval_days()
    today = clock.local_date(now)
    for person in household.people:
        last_on = clock.local_date(person.last_contact_at) if person.last_contact_at else None
        person.due_on = rules.next_due_on(person.risk, last_on, person.died_on, intervals, today)
    household.due_on = rules.earliest(person.due_on for person in household.people)
    publish_household(household)


def publish_household(household: Household) -> None:
    """Tell the phones of its grid about a household and its people."""
    publish(household.grid_code, "household", household.household_uuid)
    for person in household.people:
        publish(household.grid_code, "person", person.person_uuid)
