"""The invented people of the demo county: numbers, spread, and nothing that could be a real person's."""

import json
import re
from collections import Counter
from datetime import date

import pytest

from fieldapp.areas.actions import AREAS_FILE
from fieldapp.core.codes import SEED_FILE
from fieldapp.demo import county

TODAY = date(2026, 11, 24)
# 依兰县, degrees north and east, rounded outwards.
SOUTH, NORTH, WEST, EAST = 45.8, 46.7, 129.1, 130.2

CODES = {
    table: {row["code"] for row in rows if not row.get("extra", {}).get("shown_only")}
    for table, rows in json.loads(SEED_FILE.read_text(encoding="utf-8")).items()
}


@pytest.fixture(scope="module")
def roster() -> list[county.RosterHousehold]:
    return county.read_roster()


@pytest.fixture(scope="module")
def people(roster) -> list[county.RosterPerson]:
    return [person for household in roster for person in household.people]


def test_62_households_hold_123_people(roster, people):
    assert len(roster) == 62
    assert len(people) == 123


def test_every_class_tag_and_risk_occurs_and_no_other(people):
    assert {person.main_class for person in people} == CODES["class"]
    assert {tag for person in people for tag in person.tags} == CODES["tag"]
    assert {person.risk for person in people} == CODES["risk"]


def test_all_ages_occur(people):
    ages = [person.age for person in people if person.age is not None]

    assert min(ages) < 3
    assert max(ages) >= 90
    assert Counter(age // 20 for age in ages).keys() == {0, 1, 2, 3, 4}


def test_everyone_is_as_old_as_the_roster_says(people):
    for person in people:
        born = person.birth_on(TODAY)
        if born is not None:
            had_birthday = (TODAY.month, TODAY.day) >= (born.month, born.day)
            assert TODAY.year - born.year - (not had_birthday) == person.age


def test_id_numbers_are_unique_with_right_check_digit_birthday_and_sex(people):
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    with_number = [(person, person.id_number(TODAY)) for person in people if person.id_number(TODAY)]
    numbers = [number for _, number in with_number]

    assert len(set(numbers)) == len(numbers) == 121
    for person, number in with_number:
        assert re.fullmatch(r"230123\d{11}[\dX]", number)
        assert number[6:14] == f"{person.birth_on(TODAY):%Y%m%d}"
        assert int(number[16]) % 2 == (person.sex == "m")
        assert (
            "10X98765432"[sum(int(n) * w for n, w in zip(number, weights, strict=False)) % 11] == number[17]
        )


def test_phones_are_unique_and_of_the_made_up_range(people):
    phones = [person.phone for person in people if person.phone]

    assert len(set(phones)) == len(phones) > 60
    assert all(re.fullmatch(r"1990000\d{4}", phone) for phone in phones)


def test_homes_lie_in_the_county_near_their_village_and_apart(roster):
    places = [household.place for household in roster if household.place]

    assert 50 <= len(places) < len(roster), "a few homes are not on the map yet"
    assert len(set(places)) == len(places)
    for household in roster:
        if household.place is None:
            continue
        lat, lon = household.place
        assert SOUTH < lat < NORTH
        assert WEST < lon < EAST
        village_lat, village_lon = county.VILLAGE_POINTS[household.grid_code[:12]]
        assert abs(lat - village_lat) < 0.02
        assert abs(lon - village_lon) < 0.03


def test_townships_and_villages_are_real(roster):
    shipped = {line.split("\t")[0] for line in AREAS_FILE.read_text(encoding="utf-8").splitlines()}

    assert {household.grid_code for household in roster} == {*county.GRIDS, county.STATION}
    assert {code[:12] for code in county.GRIDS} <= shipped
    assert set(county.DUTY_PHONES) <= shipped


def test_each_worker_has_several_grids_and_the_first_about_25_households(roster):
    by_grid = Counter(household.grid_code for household in roster)

    assert sum(by_grid[code] for code in county.WORKER_GRIDS) == 25
    assert sum(by_grid[code] for code in county.WORKER2_GRIDS) == 18
    assert not set(county.WORKER_GRIDS) & set(county.WORKER2_GRIDS)


def test_nobody_is_named_twice_and_one_person_has_no_name(people):
    names = Counter(person.name for person in people)

    assert names.pop("") == 1
    assert set(names.values()) == {1}
    assert max(map(len, names)) >= 10
