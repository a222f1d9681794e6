"""Loading the areas an installation serves, and the grids it makes itself."""

from collections import Counter

import pytest
from sqlalchemy import select

from fieldapp.areas.actions import UnknownArea, add_grid, load_areas, set_duty_phone
from fieldapp.areas.models import LEVELS, PROPER, Area
from fieldapp.areas.queries import feeds_above
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import list_changes, rev_of

COUNTY, TOWNSHIP, VILLAGE = "230123", "230123101", "230123101209"


@pytest.fixture(autouse=True)
def context(app):
    with app.app_context():
        yield


@pytest.fixture
def yilan():
    with transaction():
        load_areas([COUNTY])


def published_areas(feed: str) -> list[str]:
    return [entry.uuid for entry in list_changes(feed, 0, 100) if entry.kind == "area"]


def test_a_county_comes_with_what_lies_above_and_below_and_nothing_beside():
    with transaction():
        added = load_areas([COUNTY])

    areas = list(db.session.scalars(select(Area)))
    assert added == len(areas)
    assert Counter(area.level for area in areas) == {
        "province": 1,
        "city": 1,
        "county": 1,
        "township": 12,
        "village": 166,
    }
    assert all(area.code.startswith(area.parent_code) for area in areas if area.parent_code)
    assert all(len(area.code) == LEVELS[area.level] for area in areas)


def test_the_whole_province_can_be_loaded():
    with transaction():
        assert load_areas(["23"]) == 1 + 13 + 13 + 126 + 1703 + 13877


@pytest.mark.parametrize(
    ("prefixes", "proper"),
    [
        (["2301"], {"230100": "哈尔滨市本级"}),
        ([COUNTY], {}),
        ([COUNTY, "230100"], {"230100": "哈尔滨市本级"}),
        (["2327"], {"232700": "大兴安岭地区本级"}),
    ],
)
def test_a_city_comes_with_its_own_row_beside_the_counties(prefixes, proper):
    with transaction():
        load_areas(prefixes)

    found = db.session.scalars(select(Area).where(Area.level == PROPER)).all()
    assert {area.code: area.name for area in found} == proper
    assert all(area.code[:4] == area.parent_code for area in found)


def test_loading_again_adds_only_what_is_missing_and_keeps_what_was_changed(yilan):
    with transaction():
        db.session.get_one(Area, VILLAGE).name = "达连河新村"

    with transaction():
        assert load_areas([COUNTY]) == 0
        assert load_areas([COUNTY, "230183"]) > 200

    assert db.session.get_one(Area, VILLAGE).name == "达连河新村"


def test_a_code_that_is_no_area_is_refused_and_nothing_is_loaded():
    with pytest.raises(UnknownArea, match="239999"), transaction():
        load_areas([COUNTY, "239999"])

    assert db.session.scalar(select(Area).limit(1)) is None


def test_a_new_grid_tells_its_phones_all_areas_above_it_each_in_its_own_feed(yilan):
    with transaction():
        grid = add_grid(f"{VILLAGE}001", "达连河村第1网格")

    assert grid.parent_code == VILLAGE
    for code in ("23", "2301", COUNTY, TOWNSHIP, VILLAGE, grid.code):
        assert published_areas(code) == [code]


def test_a_second_grid_tells_nothing_anew_of_the_areas_above_it(yilan):
    with transaction():
        add_grid(f"{VILLAGE}001", "第1网格")
    read_to = rev_of(VILLAGE, "area", VILLAGE)

    with transaction():
        add_grid(f"{VILLAGE}002", "第2网格")

    assert rev_of(VILLAGE, "area", VILLAGE) == read_to


def test_adding_a_grid_twice_keeps_the_first(yilan):
    with transaction():
        first = add_grid(f"{VILLAGE}001", "第1网格")
        again = add_grid(f"{VILLAGE}001", "another name")

    assert again is first
    assert first.name == "第1网格"


@pytest.mark.parametrize(
    "code", ["2301231012090011", "23012310120900", "23012310120900x", "２３０１２３１０１２０９００１"]
)
def test_a_grid_has_fifteen_digits(yilan, code):
    with pytest.raises(ValueError, match="15 digits"), transaction():
        add_grid(code, "grid")


def test_a_grid_needs_its_village(yilan):
    with pytest.raises(AppError, match="not_found"), transaction():
        add_grid("230123101999001", "grid")


def test_a_new_duty_phone_reaches_every_phone_below(yilan):
    with transaction():
        grids = [
            add_grid(code, "grid").code for code in (f"{VILLAGE}001", "230123101210001", "230123200211001")
        ]
    before = rev_of(TOWNSHIP, "area", TOWNSHIP)

    with transaction():
        set_duty_phone(TOWNSHIP, "0451-00001010")

    assert rev_of(TOWNSHIP, "area", TOWNSHIP) > before
    assert TOWNSHIP in feeds_above(grids[:1])
    assert TOWNSHIP in feeds_above(grids[1:2])
    assert TOWNSHIP not in feeds_above(grids[2:])
