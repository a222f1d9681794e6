"""A restricted tag reaches a phone only as 两人同行, and counts there as nothing more."""

from __future__ import annotations

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people.actions import publish_household
from fieldapp.people.models import Household, PersonTag
from tests.factories import Phone


def test_phone_is_told_to_go_in_pairs_and_not_why(app, county):
    with app.app_context(), transaction():
        household = db.session.get_one(Household, county.household_uuid)
        household.people[0].tags.append(
            PersonTag(tag="mental_disorder", from_on=clock.local_date(clock.now()))
        )
        publish_household(household)
    phone = Phone(app, county)
    person = phone.pull()["person", county.person_uuids[0]]
    assert person["tags"] == ["living_alone", "visit_in_pairs"]
    # Codes and checklists are the same for everybody; they say nothing of anyone.
    assert "mental_disorder" not in str(
        [record for (kind, _), record in phone.records.items() if kind not in {"code", "checklist"}]
    )
