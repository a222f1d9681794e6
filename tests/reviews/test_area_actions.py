"""The map is redrawn: who and what goes along, what stays, and what is refused."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.people.models import Household, RegistryChange
from fieldapp.reviews import area_actions as actions
from fieldapp.users import queries as users
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, OTHER_VILLAGE, PASSWORD, TOWNSHIP, VILLAGE, Desk, Phone

NEW_VILLAGE = TOWNSHIP + "900"


def officer(county) -> User:
    return db.session.get_one(User, county.users["officer"])


def grid_of(county) -> str:
    return db.session.get_one(Household, county.household_uuid).grid_code


def worker_names(grid: str) -> list[str]:
    return [user.username for user in users.list_users_covering(grid, ["worker"], clock.now())]


def test_grid_is_drawn_under_the_next_number_and_renamed(app, county):
    with app.app_context(), transaction():
        grid = actions.draw_grid(officer(county), VILLAGE, "第9网格", now=clock.now())
        assert (grid.code, grid.level, grid.parent_code) == (VILLAGE + "002", "grid", VILLAGE)
        actions.end_grid(officer(county), grid.code, None, now=clock.now())
        # A number is never given twice: visits may hang on it.
        assert actions.draw_grid(officer(county), VILLAGE, "又一个", now=clock.now()).code == VILLAGE + "003"
        actions.rename_grid(officer(county), GRID, "河东网格", now=clock.now())
    assert Phone(app, county).pull()["area", GRID]["name"] == "河东网格"


def test_split_carries_grids_with_all_that_is_theirs(app, county):
    phone = Phone(app, county)
    phone.pull()
    with app.app_context(), transaction():
        whole = add_user("whole", PASSWORD, "整村", "worker", [VILLAGE], actor=None, now=clock.now())
        new = actions.split_village(officer(county), VILLAGE, NEW_VILLAGE, "河东村", [GRID], now=clock.now())
        assert (new.level, new.parent_code, new.valid_from) == (
            *("village", TOWNSHIP, clock.local_date(clock.now())),
        )
    successor = NEW_VILLAGE + "001"
    with app.app_context():
        assert grid_of(county) == successor
        old = db.session.get_one(Area, GRID)
        assert (old.valid_to, old.successor_code) == (clock.local_date(clock.now()), successor)
        assert not db.session.get_one(Area, VILLAGE).is_ended
        assert sorted(worker_names(successor)) == ["whole", "worker"]
        assert db.session.get_one(User, whole.id).area_codes() == [VILLAGE, successor]
        assert db.session.get_one(User, county.users["worker"]).area_codes() == [successor]
        changes = db.session.scalars(
            select(RegistryChange)
            .where(RegistryChange.uuid == county.household_uuid)
            .order_by(RegistryChange.id)
        ).all()
        assert changes[-1].values == {"grid_code": [GRID, successor]}
        said = set(db.session.scalars(select(AuditEntry.action)))
        assert {"area.split", "area.end", "household.move", "account.grant_area"} <= said
    assert phone.pull()["household", county.household_uuid]["grid_code"] == successor
    op = phone.op("visit.submit", phone.visit())
    assert phone.push(op)[0]["outcome"] == "accepted"


def test_merge_ends_the_village_and_keeps_its_grids_apart(app, county):
    with app.app_context(), transaction():
        assert actions.merge_village(officer(county), VILLAGE, OTHER_VILLAGE, now=clock.now()) == 1
    with app.app_context():
        assert grid_of(county) == OTHER_VILLAGE + "002"
        village = db.session.get_one(Area, VILLAGE)
        assert (village.is_ended, village.successor_code) == (True, OTHER_VILLAGE)
        assert worker_names(OTHER_VILLAGE + "002") == ["worker"]
        assert worker_names(OTHER_GRID) == ["worker2"]


def test_grid_with_households_ends_only_into_another_one(app, county):
    with app.app_context():
        with pytest.raises(AppError) as raised, transaction():
            actions.end_grid(officer(county), GRID, "", now=clock.now())
        assert raised.value.code == "successor_needed"
        with transaction():
            actions.end_grid(officer(county), GRID, OTHER_GRID, now=clock.now())
        assert grid_of(county) == OTHER_GRID
        assert sorted(worker_names(OTHER_GRID)) == ["worker", "worker2"]
        # Nothing goes into what has ended.
        with pytest.raises(AppError) as raised, transaction():
            actions.move_grid(officer(county), OTHER_GRID, GRID, now=clock.now())
        assert raised.value.code == "not_found"


@pytest.mark.parametrize(
    ("code", "grids", "error"),
    [
        (TOWNSHIP + "9", [GRID], "area_code_wrong"),
        ("230183101900", [GRID], "area_code_wrong"),
        (OTHER_VILLAGE, [GRID], "area_taken"),
        (NEW_VILLAGE, [], "grids_needed"),
        (NEW_VILLAGE, [OTHER_GRID], "grids_needed"),
    ],
)
def test_split_that_cannot_be(app, county, code, grids, error):
    with app.app_context():
        with pytest.raises(AppError) as raised, transaction():
            actions.split_village(officer(county), VILLAGE, code, "河东村", grids, now=clock.now())
        assert raised.value.code == error
        assert grid_of(county) == GRID


# --- pages ---------------------------------------------------------------------------------------------------------


def test_tree_counts_down_to_the_names_of_a_grid(app, county):
    desk = Desk(app, "officer")
    top = desk.get("/areas")
    assert top.location == "/areas/230183"
    assert f"/areas/{TOWNSHIP}" in desk.get("/areas/230183").text
    village = desk.get(f"/areas/{VILLAGE}").text
    assert "测试worker" in village
    assert 'data-label="户数">1</td>' in village
    assert 'data-label="人数">2</td>' in village
    grid = desk.get(f"/areas/{GRID}").text
    assert "刘玉珍" in grid
    assert f"/households/{county.household_uuid}" in grid


def test_officer_draws_renames_moves_and_ends_on_the_pages(app, county):
    desk = Desk(app, "officer")
    assert desk.post(f"/areas/{VILLAGE}/grids", name="  ").status_code == 422
    assert desk.post(f"/areas/{VILLAGE}/grids", name="第2网格").location == f"/areas/{VILLAGE}"
    assert desk.post(f"/areas/{VILLAGE}002/rename", name="河东").status_code == 303
    assert desk.post(f"/areas/{GRID}/move", to=VILLAGE + "002").location == f"/areas/{VILLAGE}002"
    assert "刘玉珍" in desk.get(f"/areas/{VILLAGE}002").text
    answer = desk.post(f"/areas/{VILLAGE}002/end", to="")
    assert answer.status_code == 422
    assert "先选择接收的网格" in answer.text
    assert desk.post(f"/areas/{VILLAGE}002/end", to=OTHER_GRID).location == f"/areas/{VILLAGE}"
    assert "已撤销" in desk.get(f"/areas/{VILLAGE}002").text


def test_officer_splits_and_merges_on_the_pages(app, county):
    desk = Desk(app, "officer")
    answer = desk.post(f"/areas/{VILLAGE}/split", code="12", name="河东村", grids=[GRID])
    assert answer.status_code == 422
    assert "12 位" in answer.text
    assert desk.post(f"/areas/{VILLAGE}/split", code=NEW_VILLAGE, name="河东村", grids=[GRID]).location == (
        f"/areas/{NEW_VILLAGE}"
    )
    assert desk.post(f"/areas/{NEW_VILLAGE}/merge", to=OTHER_VILLAGE).location == f"/areas/{OTHER_VILLAGE}"
    assert "刘玉珍" in desk.get(f"/areas/{OTHER_VILLAGE}002").text


def test_supervisor_reads_and_redraws_nothing(app, county):
    page = Desk(app).get(f"/areas/{VILLAGE}").text.partition("<main")[2]
    assert "测试worker" in page
    assert "<details" not in page
