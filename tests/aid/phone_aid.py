"""Aid as a phone sends it, and as the desk enters it."""

from __future__ import annotations

import hashlib
import uuid
from datetime import date
from typing import Any

from sqlalchemy import select

from fieldapp.aid import actions
from fieldapp.aid.actions import Given, Subject
from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people import queries as people
from fieldapp.users.models import User
from tests.factories import Phone, draw_photo

HEATING = Given(kind="cash", programme="heating", source="public", amount_cents=500_00)


SIGNED = draw_photo(3)


SIGNATURE = {
    "sha256": hashlib.sha256(SIGNED).hexdigest(),
    "question": "signature",
    "taken_at": None,
    "size": len(SIGNED),
}


def today() -> date:
    return clock.local_date(clock.now())


def cash(county, **more: Any) -> dict[str, Any]:
    return {
        "aid_uuid": str(uuid.uuid4()),
        "household_uuid": county.household_uuid,
        "person_uuid": None,
        "visit_uuid": None,
        "followup_id": None,
        "kind": "cash",
        "programme": "condolence",
        "source": "public",
        "item": None,
        "amount_cents": 500_00,
        "quantity_milli": None,
        "unit": None,
        "note": None,
        "is_given": True,
        "on": today().isoformat(),
        "received_by": None,
        "attachments": [],
        **more,
    }


def rice(county, **more: Any) -> dict[str, Any]:
    of_rice = {"kind": "goods", "amount_cents": None, "item": "rice", "quantity_milli": 2_000, "unit": "bag"}
    return cash(county, **of_rice | more)


def give(county, aid_uuid: str, **more: Any) -> dict[str, Any]:
    return {
        "aid_uuid": aid_uuid,
        "household_uuid": county.household_uuid,
        "visit_uuid": None,
        "on": today().isoformat(),
        "received_by": None,
        "attachments": [],
        **more,
    }


def take_back(county, aid_uuid: str, reason: str = "多记了一次") -> dict[str, Any]:
    return {"aid_uuid": aid_uuid, "household_uuid": county.household_uuid, "reason": reason}


def push(phone: Phone, kind: str, body: dict[str, Any], **more: Any) -> tuple[str, str | None]:
    receipt = phone.push(phone.op(kind, body, **more))[0]
    return receipt["outcome"], receipt["code"]


def entries(app) -> list[Aid]:
    with app.app_context():
        return list(db.session.scalars(select(Aid).order_by(Aid.entered_at, Aid.state)))


def enter(app, county, given: Given = HEATING, *, is_given: bool = False, on: date | None = None) -> str:
    """Aid that the desk enters."""
    with app.app_context(), transaction():
        by = db.session.get_one(User, county.users["supervisor"])
        household = people.get_household(county.household_uuid, by.area_codes())
        return actions.enter_aid(
            by,
            str(uuid.uuid4()),
            Subject(household=household),
            given,
            is_given=is_given,
            on=on or today(),
            received_by=None,
            now=clock.now(),
        ).aid_uuid
