"""The map is redrawn while workers are out of reach: nothing is lost, and each phone is right after its next sync."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household
from fieldapp.reviews import area_actions as areas
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import PASSWORD
from tests.sync.servers import InProcess
from tests.sync.village import COUNTY
from tests.sync.world import World

PHONES = {"A": ("a", 0), "B": ("b", 0)}
NUMBERS = iter(range(400_000, 400_100))


@pytest.fixture
def world(shared_app) -> World:
    """A village whose two workers have synced and left for where there is no signal."""
    world = World(shared_app, InProcess(shared_app), next(NUMBERS), phones=PHONES)
    with shared_app.app_context(), transaction():
        name = world.username("county")
        world.users["county"] = add_user(
            name, PASSWORD, name, "officer", [COUNTY], actor=None, now=clock.now()
        ).id
    for phone in world.phones.values():
        assert phone.sync() is None
    return world


def redraw(world: World, deed, *arguments: object) -> None:
    with world.app.app_context(), transaction():
        deed(world.actor("county"), *arguments, now=clock.now())


def grids_of_visits(world: World, name: str) -> list[str]:
    """Where the visits of a phone count, in the order they were finished."""
    uuids = [one.op.sent["body"]["visit_uuid"] for one in world.finished if one.phone.name == name]
    with world.app.app_context():
        found = {visit.visit_uuid: visit.area_code for visit in db.session.scalars(select(Visit))}
    return [found.get(uuid, "") for uuid in uuids]


def held(world: World, name: str) -> dict[str, str]:
    """The households on a phone, with the grid it believes them in."""
    records = world.phones[name].list_records("household")
    return {uuid: record["grid_code"] for uuid, record in records.items()}


def test_village_is_split_while_its_worker_is_offline(world):
    mine, others = world.households[:2], world.households[2:4]
    world.finish_visit("A", 0, 0, [1])  # gas: a red flag, and a task
    world.begin_visit("A", 1)
    new_village = world.village[:9] + f"{int(world.village[9:]) + 300:03}"
    redraw(world, areas.split_village, world.village, new_village, "河东村", world.grids[:1])
    world.finish_draft("A", 1, [2])
    world.finish_visit("B", 0, 1, [])
    world.settle()
    world.check()
    successor = new_village + "001"
    assert {one.op.state for one in world.finished} == {"received"}
    assert grids_of_visits(world, "A") == [world.grids[0], successor]
    assert grids_of_visits(world, "B") == [world.grids[1]]
    assert held(world, "A") == dict.fromkeys(mine, successor)
    assert held(world, "B") == dict.fromkeys(others, world.grids[1])
    # The village's own checklist goes on in the new one.
    assert world.phones["A"].list_records("checklist")
    with world.app.app_context():
        tasks = db.session.scalars(select(Followup).where(Followup.household_uuid.in_(mine))).all()
        assert {task.area_code for task in tasks} <= {successor}
        marked = select(Visit).where(Visit.out_of_scope, Visit.household_uuid.in_(world.households))
        assert db.session.scalars(marked).all() == []


def test_grid_is_given_to_another_while_its_worker_is_offline(world):
    world.finish_visit("A", 0, 1, [1])
    redraw(world, areas.move_grid, world.grids[0], world.grids[1])
    world.finish_visit("A", 1, 2, [2])  # to a household that is no longer theirs
    world.settle()
    world.check()
    before, after = (one.op for one in world.finished)
    assert before.state == "received"
    assert grids_of_visits(world, "A") == [world.grids[0], ""]
    # What was seen since is kept for the desk, whole, and on the phone.
    assert (after.state, after.fault) == ("rejected", "not_yours")
    assert held(world, "A") == {}
    assert held(world, "B") == dict.fromkeys(world.households[:4], world.grids[1])


def test_grid_ends_while_its_worker_is_offline(world):
    world.finish_visit("A", 0, 1, [1])
    redraw(world, areas.end_grid, world.grids[0], world.grids[2])
    world.finish_visit("A", 1, 2, [])
    world.settle()
    world.check()
    assert {one.op.state for one in world.finished} == {"received"}
    assert grids_of_visits(world, "A") == [world.grids[0], world.grids[2]]
    with world.app.app_context():
        assert db.session.get_one(User, world.users["a"]).area_codes() == [world.grids[2]]
        there = select(Household.household_uuid).where(Household.grid_code == world.grids[2])
        assert set(held(world, "A")) == set(db.session.scalars(there))
