"""Aid on phones: held by those of its grid, while it is due or was given lately."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from fieldapp.aid import actions, queries
from fieldapp.aid.models import Aid
from fieldapp.aid.rules import ON_PHONES
from fieldapp.core import clock, feeds
from fieldapp.core.db import db, transaction
from fieldapp.people import queries as people
from fieldapp.people.actions import add_household
from fieldapp.reviews import merge_actions as merging
from fieldapp.users.models import User
from tests.aid.phone_aid import cash, enter, give, push, today
from tests.factories import GRID, OTHER_GRID, Desk, Phone, make_household

pytestmark = pytest.mark.usefixtures("recounted")


def held(phone: Phone) -> dict[str, Any]:
    return {key: record for (kind, key), record in phone.pull().items() if kind == "aid"}


def test_phones_of_the_grid_hold_what_is_due_and_what_was_given_lately(app, county, phone, due):
    lately = enter(app, county, is_given=True, on=today() - timedelta(days=59))
    long_ago = enter(app, county, is_given=True, on=today() - ON_PHONES)
    records = held(phone)
    assert set(records) == {due, lately}
    assert records[due] == {
        "aid_uuid": due,
        "household_uuid": county.household_uuid,
        "person_uuid": None,
        "kind": "cash",
        "programme": "heating",
        "source": "public",
        "item": None,
        "amount_cents": 500_00,
        "quantity_milli": None,
        "unit": None,
        "note": None,
        "state": "due",
        "on": today().isoformat(),
        "own": False,
    }
    assert long_ago not in records
    assert held(Phone(app, county, "worker2")) == {}
    Desk(app).post(f"/aid/{due}/give", on=today().isoformat())
    assert held(phone)[due]["state"] == "given"
    Desk(app).post(f"/aid/{due}/reverse", reason="重复登记")
    assert set(held(phone)) == {lately}


def test_own_entry_is_told_from_others(app, county, phone, due):
    body = cash(county)
    push(phone, "aid.record", body)
    colleague = Phone(app, county, "worker2")
    with app.app_context(), transaction():
        db.session.get_one(User, county.users["worker2"])
    assert {key: record["own"] for key, record in held(phone).items()} == {due: False, body["aid_uuid"]: True}
    assert held(colleague) == {}
    push(phone, "aid.give", give(county, due))
    assert held(phone)[due]["own"] is True


def test_aid_goes_along_when_its_household_moves_or_is_merged(app, county, phone, due):
    colleague = Phone(app, county, "worker2")
    given = enter(app, county, is_given=True)
    assert set(held(phone)) == {due, given}
    desk = Desk(app)
    desk.post(f"/households/{county.household_uuid}/move", grid=OTHER_GRID)
    assert held(phone) == {}
    assert set(held(colleague)) == {due, given}
    desk.post(f"/households/{county.household_uuid}/move", grid=GRID)
    assert set(held(phone)) == {due, given}
    assert held(colleague) == {}
    with app.app_context(), transaction():
        other = add_household(make_household(GRID, "刘玉珍", ["刘玉珍"]), clock.now())
        other_uuid = other.household_uuid
    with app.app_context(), transaction():
        by = db.session.get_one(User, county.users["supervisor"])
        seen = people.last_changes((other_uuid, county.household_uuid))
        assert len(seen) == 2
        made = merging.merge(by, "household", other_uuid, county.household_uuid, (), seen, clock.now())
        merge_id = made.merge_id
    assert {record["household_uuid"] for record in held(phone).values()} == {other_uuid}
    # What is still sent for the entry that was merged is its household's.
    assert push(phone, "aid.give", give(county, due)) == ("accepted", None)
    with app.app_context(), transaction():
        by = db.session.get_one(User, county.users["supervisor"])
        merging.undo_merge(by, merge_id, "不是一户", clock.now())
    assert {record["household_uuid"] for record in held(phone).values()} == {county.household_uuid}


def test_what_was_given_long_ago_leaves_the_phones_and_what_they_lack_comes(app, county, phone, due):
    given = enter(app, county, is_given=True)
    assert set(held(phone)) == {due, given}
    later = clock.now() + ON_PHONES
    with app.app_context():
        assert actions.refresh_phones(later) == 1
        assert actions.refresh_phones(later) == 0
    assert set(held(phone)) == {due}
    with app.app_context(), transaction():
        # As after an update from a version whose phones held none.
        db.session.execute(update(Aid).values(feed=None))
        db.session.execute(delete(feeds.FeedEntry).where(feeds.FeedEntry.kind == "aid"))
    with app.app_context():
        assert actions.refresh_phones(clock.now()) == 2
        assert [aid.feed for aid in queries.list_of_household(county.household_uuid)] == [GRID, GRID]
