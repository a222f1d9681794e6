"""The map: the same places as the lists, in cells, within the reader's areas."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.tallies import Tally
from fieldapp.followups.models import Followup
from fieldapp.overview.coverage_actions import note_weeks
from fieldapp.overview.map_queries import MOST_CELLS
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews
from fieldapp.reviews.counting import list_wrong, put_right
from fieldapp.reviews.models import Flag
from tests.factories import GRID, HOME, OTHER_GRID, Desk, Phone, make_household
from tests.followups.test_actions import make_task
from tests.followups.test_pages import HUNGRY
from tests.followups.test_who_may_know import ABUSED, complaint_of, declare
from tests.reports.city import COUNTIES, City
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


COUNTY_ROW = re.compile(r'<li class="task-row sev-(\w+)"><a href="/map\?area=(\d{6})[^"]*">(.*?)</li>', re.S)


def counties_of(desk: Desk, query: str = "") -> dict[str, tuple[str, int]]:
    """{county: (the worst there, how many)} of the list of a wide map."""
    return {
        code: (worst, sum(map(int, re.findall(r"\b\d+\b", re.sub(r"<[^>]*>", " ", row)))))
        for worst, code, row in COUNTY_ROW.findall(desk.get(f"/map?{query}").text)
    }


def test_of_several_counties_each_is_one_place_that_opens_its_own_map(city: City) -> None:
    first, second, third = COUNTIES
    homes = [
        city.add_household(grid, ("dibao_rural", ()), name=f"户{number}")
        for number, grid in enumerate((city.grids[0], city.grids[0], city.grids[2]))
    ]
    flagged = [city.visit(*homes[number], answers=HUNGRY) for number in (0, 2)]
    now = city.at("2026-03-03 09:00")
    with city.app.app_context(), transaction():
        for number, (uuid, _) in enumerate(homes[:2]):
            household = db.session.get_one(Household, uuid)
            household.lat, household.lon, household.datum = 45.0 + number, 127.0, "WGS84"
    with city.app.app_context():
        note_weeks(now)
        assert list_wrong() == {}
    desk = Desk(city.app, "city")
    # As many as on the counties' own maps, where everybody has a place.
    own = Desk(city.app, f"county_{first}")
    for show in ("flags", "tasks", "overdue"):
        assert counties_of(desk, f"show={show}")[first][1] == sum(
            cell["count"] for cell in cells_of(own, f"show={show}&zoom=18")
        )
    assert counties_of(desk, "show=overdue").keys() == {first}
    assert counties_of(desk).keys() == {first, second}
    [cell] = cells_of(desk)
    assert 45 < cell["lat"] < 46
    assert cell["link"] == f"/map?area={first}"
    assert "当地住户没有位置记录" in desk.get("/map").text
    assert set(places_of(desk, f"area={first}")) == {homes[0][0], homes[1][0]}
    # Nobody sees a county that is not theirs, and what does not count any more is counted no more.
    assert counties_of(desk, f"area={third}") == counties_of(own, f"area={second}") == {}
    city.void(flagged[1])
    with city.app.app_context():
        assert list_wrong() == {}
        flag = db.session.scalars(select(Flag).where(Flag.visit_uuid == flagged[0])).first()
        assert flag
        with transaction():
            reviews.dismiss_flag(city.user("desk"), flag.id, reason="已送去", now=now)
        assert list_wrong() == {}
        with transaction():
            db.session.add(Tally(kind="flag", key="red", area_code=f"{third}100", count=7))
        assert list_wrong() == {("flag", "red", f"{third}100"): (7, 0)}
        assert put_right() == 1
        assert list_wrong() == {}
    assert second not in counties_of(desk, "show=flags")
    with noted() as asked:
        desk.get("/map")
    assert not any("FROM flags" in one or "households.lat" in one for one in asked)
    assert len(asked) <= 15
