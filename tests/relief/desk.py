"""What tests of relief type and look up at the desk."""

from __future__ import annotations

import uuid

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people.models import DeclaredRelative
from fieldapp.relief.models import ReliefCase


def typed(**more) -> dict[str, object]:
    return {
        "text": "情况属实",
        "reason": "材料不全",
        "amount": "500",
        "funded_by": "public",
        "aid_uuid": str(uuid.uuid4()),
        "on": clock.local_date(clock.now()).isoformat(),
        **more,
    }


def state_of(app, case_id: str) -> str:
    with app.app_context():
        return db.session.get_one(ReliefCase, case_id).state


def declare(app, county, username: str) -> None:
    with app.app_context(), transaction():
        db.session.add(
            DeclaredRelative(
                user_id=county.users[username],
                person_uuid=county.person_uuids[0],
                relation="舅舅",
                declared_at=clock.now(),
            )
        )
