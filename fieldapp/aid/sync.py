"""Which fields of aid a worker's phone sends, and which the phones of a grid get.

Invariant: a phone gets of its own grids what is still to be given and what was given lately, and nothing of who received it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy import select

from fieldapp.aid import rules
from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.bodies import YEARS, Body, UuidStr
from fieldapp.core.db import db
from fieldapp.core.forms import TEXT_LIMIT
from fieldapp.people import queries as people
from fieldapp.people.models import Household, Person
from fieldapp.visits.sync import AttachmentRef


def _check_year(day: date) -> date:
    if day.year not in YEARS:
        raise ValueError("the year is out of range")
    return day


Day = Annotated[date, AfterValidator(_check_year)]
Word = Annotated[str, Field(min_length=1, max_length=40)]
Text = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=TEXT_LIMIT)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True), Field(min_length=1, max_length=TEXT_LIMIT)]
Name = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=80)]
Receipts = Annotated[list[AttachmentRef], Field(max_length=5)]


class AidBody(Body):
    """The body of aid.record: what was given on a day, or is promised by a day (`is_given`)."""

    aid_uuid: UuidStr
    household_uuid: UuidStr
    person_uuid: UuidStr | None = None
    visit_uuid: UuidStr | None = None
    followup_id: UuidStr | None = None
    kind: Literal["cash", "goods", "service"]
    programme: Word
    source: Word
    item: Word | None = None
    amount_cents: Annotated[int, Field(gt=0, le=rules.MOST_CENTS)] | None = None
    quantity_milli: Annotated[int, Field(gt=0, le=rules.MOST_MILLI)] | None = None
    unit: Word | None = None
    note: Text | None = None
    is_given: bool
    on: Day
    received_by: Name | None = None
    attachments: Receipts = []


class GiveBody(Body):
    """The body of aid.give: what was due was given on that day."""

    aid_uuid: UuidStr
    household_uuid: UuidStr
    visit_uuid: UuidStr | None = None
    on: Day
    received_by: Name | None = None
    attachments: Receipts = []


class TakeBackBody(Body):
    """The body of aid.take_back: the worker's own entry was wrong."""

    aid_uuid: UuidStr
    household_uuid: UuidStr
    reason: Reason


def list_records(aid_uuids: Iterable[str], user_id: int, now: datetime) -> dict[str, dict[str, Any]]:
    """Those of the entries that phones hold, by their key; `own`: the account entered it, or gave it."""
    today = clock.local_date(now)
    rows = [
        aid
        for aid in db.session.scalars(select(Aid).where(Aid.aid_uuid.in_(list(aid_uuids))))
        if aid.household_uuid and rules.is_on_phones(aid.state, aid.given_on, today)
    ]
    # A phone holds only who stands for those it was given to.
    households = people.list_standing(Household, {aid.household_uuid for aid in rows if aid.household_uuid})
    persons = people.list_standing(Person, {aid.person_uuid for aid in rows if aid.person_uuid})
    return {
        aid.aid_uuid: {
            "aid_uuid": aid.aid_uuid,
            "household_uuid": households.get(aid.household_uuid or ""),
            "person_uuid": persons.get(aid.person_uuid or ""),
            "kind": aid.kind,
            "programme": aid.programme,
            "source": aid.source,
            "item": aid.item,
            "amount_cents": aid.amount_cents,
            "quantity_milli": aid.quantity_milli,
            "unit": aid.unit,
            "note": aid.note,
            "state": aid.state,
            "on": (aid.given_on or aid.due_on or today).isoformat(),
            "own": rules.is_own(aid.entered_by_id, aid.settled_by_id, user_id) and not aid.relief_case_id,
        }
        for aid in rows
    }
