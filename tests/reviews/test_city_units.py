"""市本级 and the units directly under a city: whom they look after counts there and in no county, for whoever reads or syncs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.areas.actions import UnitFacts, load_areas
from fieldapp.areas.models import Area, Unit
from fieldapp.areas.queries import list_grids
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.imports.judging import get_places
from fieldapp.people import area_queries, due_queries, period_queries, tally_queries
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews, area_actions as actions
from fieldapp.sweeps import actions as sweeps
from fieldapp.sweeps.sync import list_marks
from fieldapp.users.actions import add_user, grant_area
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import GRID, PASSWORD, Desk, Phone, make_household, text_of
from tests.followups.test_incidents import alarmed, put_on_duty
from tests.followups.test_pages import HUNGRY

PROPER = "230100"
STATION, INSTITUTE = PROPER + "000000001", PROPER + "000000002"
ACCOUNTS = {
    "province": ("officer", ["23"]),
    "city": ("officer", ["2301"]),
    "proper": ("officer", [PROPER]),
    "head": ("supervisor", [STATION]),
    "keeper": ("worker", [STATION]),
    "other_head": ("supervisor", [INSTITUTE]),
    "other_keeper": ("worker", [INSTITUTE]),
    "county": ("officer", ["230183"]),
}
SEES = {"province", "city", "proper", "head"}


@pytest.fixture
def city(app, county):
    """The county with an aid station and a welfare institute of its city; who is looked after in the station."""
    since = clock.now() - timedelta(days=30)
    with app.app_context():
        with transaction():
            load_areas([PROPER])
            for username, (role, areas) in ACCOUNTS.items():
                user = add_user(username, PASSWORD, f"测试{username}", role, areas, actor=None, now=since)
                county.users[username] = user.id
            officer = db.session.get_one(User, county.users["city"])
            for name, kind in (
                ("哈尔滨市救助管理站", "aid_station"),
                ("哈尔滨市福利院", "welfare_institute"),
            ):
                actions.draw_unit(officer, PROPER, name, UnitFacts(kind), now=since)
            guest = make_household(STATION, "常永顺", ["常永顺"])
            add_household(guest, since)
        return guest.household_uuid, guest.people[0].person_uuid


def user_of(county, name: str) -> User:
    return db.session.get_one(User, county.users[name])


NAME, FACTS = "哈尔滨市儿童福利院", UnitFacts("child_welfare", phone="045100002300")


# --- drawing one up ------------------------------------------------------------------------------------------------


def test_a_unit_is_drawn_up_changed_and_ended(app, county, city):
    household_uuid, _ = city
    with app.app_context():
        with transaction():
            unit = actions.draw_unit(user_of(county, "city"), PROPER, NAME, FACTS, now=clock.now())
            assert (unit.code, unit.level, unit.parent_code) == (PROPER + "000000003", "unit", PROPER)
            changed = UnitFacts("welfare_institute", contact="值班室")
            actions.change_unit(user_of(county, "proper"), unit.code, "第二福利院", changed, now=clock.now())
        kept = db.session.get_one(Unit, unit.code)
        assert (unit.name, kept.kind, kept.contact, kept.phone) == (
            *("第二福利院", "welfare_institute", "值班室", None),
        )
        with pytest.raises(AppError, match="successor_needed"), transaction():
            actions.end_grid(user_of(county, "city"), STATION, None, now=clock.now())
        with transaction():
            actions.end_grid(user_of(county, "city"), STATION, unit.code, now=clock.now())
        assert db.session.get_one(Household, household_uuid).grid_code == unit.code
        assert user_of(county, "keeper").area_codes() == [unit.code]
        said = list(db.session.scalars(select(AuditEntry.action)))
        assert {"area.add", "area.change", "area.end"} <= set(said)
        # A number is never given twice.
        with transaction():
            again = actions.draw_unit(user_of(county, "city"), PROPER, NAME, FACTS, now=clock.now())
        assert again.code == PROPER + "000000004"


@pytest.mark.parametrize(
    ("who", "where", "kind"),
    [
        ("county", PROPER, "aid_station"),
        ("head", PROPER, "aid_station"),
        ("city", "230183", "aid_station"),
        ("city", "2301", "aid_station"),
        ("city", STATION, "aid_station"),
        ("city", PROPER, "palace"),
    ],
)
def test_a_unit_that_cannot_be(app, county, city, who, where, kind):
    with app.app_context(), pytest.raises(AppError, match="not_found"), transaction():
        actions.draw_unit(user_of(county, who), where, NAME, UnitFacts(kind), now=clock.now())


def test_no_village_is_redrawn_out_of_units(app, county, city):
    with app.app_context():
        for code in (PROPER, STATION):
            with pytest.raises(AppError, match="not_found"), transaction():
                actions.draw_grid(user_of(county, "city"), code, "网格", now=clock.now())
        with pytest.raises(AppError, match="not_found"), transaction():
            actions.rename_grid(user_of(county, "city"), STATION, "网格", now=clock.now())


def test_officer_of_the_city_draws_up_and_changes_a_unit_on_the_pages(app, county, city):
    desk = Desk(app, "city")
    assert desk.post(f"/areas/{PROPER}/units", name="", kind="").status_code == 422
    answer = desk.post(f"/areas/{PROPER}/units", name="市三院", kind="other", phone="12ab")
    assert answer.status_code == 422
    assert 'value="12ab"' in answer.text
    unit = f"/areas/{PROPER}000000003"
    form = {"name": "哈尔滨市儿童福利院", "kind": "child_welfare", "phone": "0451 8888-6666"}
    assert desk.post(f"/areas/{PROPER}/units", **form).location == unit
    page = desk.get(unit).text
    assert "儿童福利院" in page
    assert "045188886666" in page
    assert desk.post(f"{unit}/unit", **form | {"contact": "王站长"}).location == unit
    assert "王站长" in desk.get(unit).text
    assert desk.post(f"{unit}/end", to="").location == f"/areas/{PROPER}"
    assert Desk(app, "county").post(f"/areas/{PROPER}/units", **form).status_code == 404


def test_nobody_is_shown_a_code_of_ours(app, county, city):
    desk, admin = Desk(app, "city"), Desk(app, "admin")
    pages = [desk.get(f"/areas/{code}").text for code in ("2301", PROPER, STATION)]
    account = f"/accounts/{county.users['keeper']}"
    pages += [admin.get(account).text, admin.get(f"{account}?code={PROPER}").text]
    for page in pages:
        assert "哈尔滨市" in page
        assert f">{PROPER}" not in page
        assert f'value="{PROPER}" inputmode' not in page
        assert f"{STATION}<" not in page


# --- who sees it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, (role, _) in ACCOUNTS.items() if role != "worker"])
def test_whom_a_unit_looks_after_is_seen_by_its_city_and_itself_alone(app, county, city, name):
    household_uuid, person_uuid = city
    phone = Phone(app, county, "keeper")
    visit = phone.visit(household_uuid=household_uuid, people=[person_uuid])
    assert phone.push(phone.op("visit.submit", visit))[0]["outcome"] == "accepted"
    desk, sees = Desk(app, name), name in SEES
    for path in (
        f"/areas/{STATION}",
        f"/areas/{STATION}/ledger",
        f"/areas/{STATION}/ledger.xlsx",
        f"/due?area={STATION}",
        f"/households/{household_uuid}",
        f"/households/{household_uuid}/history",
        f"/households/{household_uuid}/record",
        f"/people/{person_uuid}/relatives",
        f"/reviews/{visit['visit_uuid']}",
    ):
        answer = desk.get(path)
        answer.close()
        assert answer.status_code == (200 if sees else 404), path
    for path in ("/reviews?state=all", "/due?view=week", f"/areas/{ACCOUNTS[name][1][0]}"):
        if not sees:
            assert "常永顺" not in desk.get(path).text, path
    assert ("常永顺" in desk.get("/reviews?state=all").text) is sees
    assert ("哈尔滨市本级 哈尔滨市救助管理站" in desk.post("/people/search", words="常永顺").text) is sees


def test_the_tree_counts_a_unit_beside_the_counties(app, county, city):
    desk = Desk(app, "city")
    page = desk.get("/areas/2301").text
    assert page.index("哈尔滨市本级") < page.index("尚志市")
    assert f"/areas/{STATION}" in desk.get(f"/areas/{PROPER}").text
    assert "测试keeper" in desk.get(f"/areas/{PROPER}").text
    assert "/areas/230183" in page
    today = clock.local_date(clock.now())
    with app.app_context():
        assert tally_queries.list_wrong() == {}
        below = [area.code for area in db.session.scalars(select(Area).where(Area.parent_code == "2301"))]
        counts = area_queries.count_by_area(below, 6, today)
        assert {code: found.households for code, found in counts.items()} == {PROPER: 1, "230183": 2}
        assert area_queries.count_by_area(["23"], 4, today)["2301"].households == 3
        assert area_queries.count_by_area([STATION, INSTITUTE], 15, today)[STATION].households == 1
        due = due_queries.count_due(["2301"], 6, today)
        assert due.keys() == {PROPER, "230183"}
        assert due_queries.count_due([PROPER], 15, today) == {STATION: due[PROPER]}
        assert [one.name for one in due_queries.list_due([PROPER], today + timedelta(days=1))[0]] == [
            "常永顺"
        ]


def test_periods_sweeps_and_imports_reach_units(app, county, city):
    _, person_uuid = city
    now = clock.now()
    everybody = {"classes": [], "tags": [], "risks": [], "overdue": False}
    with app.app_context():
        assert (period_queries.count_grids(PROPER), period_queries.count_grids("2301")) == (2, 4)
        today = clock.local_date(now)
        plan = sweeps.Plan("救助站排查", PROPER, today, today, ["home"], None, everybody)
        with transaction():
            sweep = sweeps.make_sweep(user_of(county, "city"), str(uuid.uuid4()), plan, now)
            sweeps.open_sweep(user_of(county, "city"), sweep.sweep_id, now)
        assert list(list_marks([person_uuid])) == [person_uuid]
        assert list_marks(county.person_uuids) == {}
        written: Sequence[tuple[str, str, str]] = [
            ("", "", "哈尔滨市救助管理站"),
            ("哈尔滨市本级", "", "哈尔滨市救助管理站"),
        ]
        for place in written:
            assert get_places(["2301"]).find(*place) == (STATION, "")
            assert get_places(["230183"]).find(*place) == (None, "place_unknown")


# --- moving and syncing --------------------------------------------------------------------------------------------


def test_officer_of_the_city_moves_a_household_into_a_unit_and_back(app, county, city):
    worker, keeper = Phone(app, county), Phone(app, county, "keeper")
    path = f"/households/{county.household_uuid}"
    assert ("household", county.household_uuid) in worker.pull()
    desk = Desk(app, "city")
    assert f'<option value="{PROPER}">哈尔滨市本级' in desk.get(f"{path}/move").text
    assert f'<option value="{STATION}">哈尔滨市救助管理站' in desk.get(f"{path}/move?move_to={PROPER}").text
    assert "测试keeper" in desk.get(f"{path}/move?move_to={STATION}").text
    assert desk.post(f"{path}/move", grid=STATION).location == path
    assert ("household", county.household_uuid) not in worker.pull()
    assert keeper.pull()["household", county.household_uuid]["grid_code"] == STATION
    # In the county it is gone, for whoever might want it back as well.
    county_desk = Desk(app, "county")
    assert county_desk.get(path).status_code == 404
    assert county_desk.post(f"{path}/move", grid=GRID).status_code == 404
    assert "没有其他网格" in desk.get(f"{path}/move?move_to={STATION}").text
    assert f'value="{GRID}"' in desk.get(f"{path}/move?move_to={GRID[:9]}").text
    assert desk.post(f"{path}/move", grid=GRID).location == path
    with app.app_context():
        assert tally_queries.list_wrong() == {}


@pytest.mark.parametrize("where", [PROPER, STATION])
def test_officer_of_a_county_moves_nobody_into_a_unit(app, county, city, where):
    desk, path = Desk(app, "county"), f"/households/{county.household_uuid}"
    assert "本级" not in desk.get(f"{path}/move?move_to={where}").text
    assert desk.post(f"{path}/move", grid=where).status_code == 404


def test_a_visit_counts_where_the_household_was(app, county, city):
    hour = timedelta(hours=1)
    worker, keeper = Phone(app, county), Phone(app, county, "keeper")
    with app.app_context(), transaction():
        reviews.move_household(
            user_of(county, "city"), county.household_uuid, STATION, now=clock.now() - 5 * hour
        )
    bodies = []
    for phone, hours_ago in ((worker, 6), (keeper, 4)):
        at = clock.now() - hours_ago * hour
        bodies.append(phone.visit(started_at=text_of(at - hour / 12), finished_at=text_of(at)))
        assert phone.push(phone.op("visit.submit", bodies[-1]))[0]["outcome"] == "accepted"
    with app.app_context():
        counted = [db.session.get_one(Visit, body["visit_uuid"]).area_code for body in bodies]
    assert counted == [GRID, STATION]


def test_a_worker_of_a_unit_syncs_as_one_of_a_grid(app, county, city):
    household_uuid, person_uuid = city
    keeper = Phone(app, county, "keeper")
    held = keeper.pull()
    assert {key for kind, key in held if kind == "area"} == {"23", "2301", PROPER, STATION}
    assert {key for kind, key in held if kind == "household"} == {household_uuid}
    assert [grid["name"] for grid in keeper.sign_in().json["user"]["grids"]] == ["哈尔滨市救助管理站"]
    found = {
        "household_uuid": str(uuid.uuid4()),
        "grid_code": STATION,
        "name": "无名氏",
        "address": "火车站广场",
        "found_at": text_of(clock.now()),
        "people": [{"person_uuid": str(uuid.uuid4()), "name": "", "tags": ["vagrant"]}],
    }
    visit = keeper.visit(
        household_uuid=found["household_uuid"], people=[found["people"][0]["person_uuid"]], method="patrol"
    )
    ops = [keeper.op("household.register", found), keeper.op("visit.submit", visit)]
    assert [receipt["outcome"] for receipt in keeper.push(*ops)] == ["accepted", "accepted"]
    with app.app_context():
        assert db.session.get_one(Visit, visit["visit_uuid"]).area_code == STATION
    # Neither another unit nor a grid of a county learns of it, or is reached from here.
    for other in ("other_keeper", "worker"):
        phone = Phone(app, county, other)
        assert ("household", found["household_uuid"]) not in phone.pull()
        body = phone.visit(household_uuid=household_uuid, people=[person_uuid])
        assert phone.push(phone.op("visit.submit", body))[0]["code"] == "not_yours"
    for grid in (INSTITUTE, GRID):
        stray = found | {
            "household_uuid": str(uuid.uuid4()),
            "grid_code": grid,
            "people": [{"person_uuid": str(uuid.uuid4()), "name": ""}],
        }
        assert keeper.push(keeper.op("household.register", stray))[0]["code"] == "not_yours"


def test_a_red_answer_in_a_unit_is_told_to_it_and_to_whoever_is_on_duty_for_the_city(app, county, city):
    household_uuid, person_uuid = city
    keeper = Phone(app, county, "keeper")
    body = keeper.visit(HUNGRY, household_uuid=household_uuid, people=[person_uuid])
    assert keeper.push(keeper.op("visit.submit", body))[0]["outcome"] == "accepted"
    with app.app_context():
        assert alarmed(county) == {"head", "proper"}
        put_on_duty(county, "city", PROPER)
        assert alarmed(county) == {"head", "city"}
    assert "哈尔滨市本级" in Desk(app, "city").get("/duty").text


def test_an_administrator_gives_and_takes_a_unit_as_any_area(app, county, city):
    phone = Phone(app, county)
    phone.pull()
    account = f"/accounts/{county.users['worker']}"
    admin = Desk(app, "admin")
    assert f"code={STATION}" in admin.get(f"{account}?code={PROPER}").text
    assert admin.post(f"{account}/grant-area", code=STATION).status_code == 303
    assert ("household", city[0]) in phone.pull()
    assert admin.post(f"{account}/withdraw-area", code=STATION).status_code == 303
    assert ("household", city[0]) not in phone.pull()


def test_who_has_a_whole_city_has_its_units(app, county, city):
    with app.app_context():
        with transaction():
            grant_area(user_of(county, "admin"), county.users["other_keeper"], PROPER, clock.now())
        codes = user_of(county, "other_keeper").area_codes()
        assert [grid.code for grid in list_grids(codes)] == [STATION, INSTITUTE]
        assert STATION in [grid.code for grid in list_grids(["2301"])]
        assert STATION not in [grid.code for grid in list_grids(["230183"])]
