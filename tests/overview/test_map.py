"""The map: the same places as the lists, in cells, within the reader's areas."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.overview.map_queries import MOST_CELLS
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household
from tests.factories import GRID, HOME, OTHER_GRID, Desk, Phone, make_household
from tests.followups.test_actions import make_task
from tests.followups.test_pages import HUNGRY
from tests.followups.test_who_may_know import ABUSED, complaint_of, declare
from tests.statements import noted

PLACE = re.compile(r'<li class="task-row sev-(\w+)"><a href="/households/([0-9a-f-]{36})">')
NEAR = f"box={HOME[0] - 0.05},{HOME[1] - 0.05},{HOME[0] + 0.05},{HOME[1] + 0.05}"


def cells_of(desk: Desk, query: str = "") -> list[dict[str, Any]]:
    return desk.get(f"/map/points?{query}").json["cells"]


def places_of(desk: Desk, query: str = "") -> dict[str, str]:
    """{household: the worst there} of the list beside the map."""
    return {uuid: worst for worst, uuid in PLACE.findall(desk.get(f"/map?{query}").text)}


@pytest.fixture
def busy(app, county) -> None:
    """A hungry household with its flag and task, and an overdue one a kilometre further."""
    phone = Phone(app, county)
    assert phone.push(phone.op("visit.submit", phone.visit(HUNGRY)))[0]["outcome"] == "accepted"
    with app.app_context(), transaction():
        other = db.session.get_one(Household, county.other_household_uuid)
        other.due_on, other.lat = clock.local_date(clock.now()) - timedelta(days=3), HOME[0] + 0.01


def test_each_kind_is_shown_where_its_list_has_it(app, county, busy):
    desk = Desk(app)
    ours, other = county.household_uuid, county.other_household_uuid
    assert set(places_of(desk, "show=flags")) == set(places_of(desk, "show=tasks")) == {ours}
    assert places_of(desk, "show=overdue") == {other: "overdue"}
    assert set(places_of(desk)) == {ours, other}
    tasks = set(re.findall(r'href="/followups/([0-9a-f-]{36})"', desk.get("/followups").text))
    assert sum(cell["count"] for cell in cells_of(desk, "show=tasks")) == len(tasks) > 0


def test_far_away_they_are_one_cell_and_near_each_names_its_household(app, county, busy):
    desk = Desk(app)
    (far,) = cells_of(desk, "zoom=5")
    near = cells_of(desk, f"zoom=18&{NEAR}")
    assert far["link"] is None
    assert far["count"] == sum(cell["count"] for cell in near)
    assert {cell["link"]: cell["name"] for cell in near} == {
        f"/households/{county.household_uuid}": "刘玉珍",
        f"/households/{county.other_household_uuid}": "陈立国",
    }
    assert near[0]["worst"] in {"red", "orange"}
    assert near[1]["worst"] == "overdue"


def test_box_and_area_narrow_map_and_list_alike(app, county, busy):
    desk = Desk(app)
    assert cells_of(desk, "box=20,100,21,101") == []
    assert set(places_of(desk, f"area={OTHER_GRID}")) == {county.other_household_uuid}
    assert [cell["name"] for cell in cells_of(desk, f"area={OTHER_GRID}")] == ["陈立国"]
    assert cells_of(desk, "box=nan,1,2,3&zoom=many") != []


def test_nothing_outside_the_readers_areas_is_on_it(app, county, busy):
    stranger = Desk(app, "stranger")
    assert (cells_of(stranger), places_of(stranger)) == ([], {})
    assert cells_of(stranger, f"area={GRID}") == []


def test_abuse_is_hidden_from_relatives_and_complaints_from_the_township(app, county):
    phone = Phone(app, county)
    assert phone.push(phone.op("visit.submit", phone.visit(ABUSED)))[0]["outcome"] == "accepted"
    declare(app, county, "leader")
    assert (cells_of(Desk(app, "leader")), places_of(Desk(app, "leader"))) == ([], {})
    assert set(places_of(Desk(app, "officer"))) == {county.household_uuid}
    complaint = complaint_of(app, county)
    with app.app_context(), transaction():
        db.session.get_one(Followup, complaint).household_uuid = county.other_household_uuid
    assert places_of(Desk(app, "leader")) == {}
    assert county.other_household_uuid in places_of(Desk(app, "officer"))


def test_reply_is_bounded_and_costs_the_same_however_much_there_is(app, county):
    with app.app_context(), transaction():
        make_task(county)
    desk = Desk(app)
    cells_of(desk)
    with noted() as of_one:
        cells_of(desk, "zoom=18")
    with app.app_context(), transaction():
        for number in range(MOST_CELLS + 20):
            household = make_household(GRID, f"户{number}", ["某"])
            household.lat = HOME[0] + number * 0.002
            add_household(household, clock.now())
        db.session.execute(update(Household).values(due_on=clock.local_date(clock.now()) - timedelta(days=1)))
    with noted() as of_many:
        cells = cells_of(desk, "zoom=18")
    assert len(cells) == MOST_CELLS
    assert cells[0]["worst"] == "orange"
    assert len(of_many) == len(of_one)
