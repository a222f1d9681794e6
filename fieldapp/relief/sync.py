"""Which fields of relief a worker's phone sends, and which it gets back.

Invariant: a case goes to the phones of whoever asked for it, and to no other.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.bodies import Body, UuidStr
from fieldapp.core.db import db
from fieldapp.core.forms import TEXT_LIMIT
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.relief.models import ReliefCase

Text = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=TEXT_LIMIT)]


class ReliefBody(Body):
    """The body of relief.request."""

    case_id: UuidStr
    household_uuid: UuidStr
    visit_uuid: UuidStr | None = None
    what_happened: Annotated[Text, Field(min_length=1)]
    asked_for: Text = ""
    is_urgent: bool = False


def list_records(case_ids: list[str], user_id: int) -> dict[str, dict[str, Any]]:
    """Those of the cases that the account asked for, by their key."""
    rows = db.session.scalars(
        select(ReliefCase).where(ReliefCase.case_id.in_(case_ids), ReliefCase.entered_by_id == user_id)
    ).all()
    # A phone holds only who stands for those a case was made for.
    households = people.list_standing(
        Household, {case.household_uuid for case in rows if case.household_uuid}
    )
    return {
        case.case_id: {
            "case_id": case.case_id,
            "household_uuid": households.get(case.household_uuid or ""),
            "visit_uuid": case.visit_uuid,
            "what_happened": case.what_happened,
            "asked_for": case.asked_for,
            "is_urgent": case.is_urgent,
            "state": case.state,
            "reason": case.reason,
            "at": clock.iso(case.applied_at),
        }
        for case in rows
    }
