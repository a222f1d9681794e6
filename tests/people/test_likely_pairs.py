"""Who could be on the list twice: what makes two entries alike, what keeps the list right, from which index it is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import insert, select, text

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people import actions, pair_queries
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, LikelyPair, Person
from fieldapp.people.rules import Entry, find_likeness
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, TOWNSHIP, make_household
from tests.people.test_search import plan_of, plan_of_union

ONE = Entry("王桂兰", "f", date(1950, 5, 4), "hash", "phone", "王桂兰", "幸福村3组", "230183100055")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({}, ["id", "birthday", "place", "phone"]),
        ({"id_hash": None, "phone_hash": None}, ["birthday", "place"]),
        # A slip of the tongue: the name sounds alike, the birthday is the same.
        (
            {
                "id_hash": None,
                "phone_hash": None,
                "name": "王贵兰",
                "address": "别处",
                "household_name": "李",
            },
            ["birthday"],
        ),
        # Same name and home, the birthday not known or the lunar one.
        ({"id_hash": None, "phone_hash": None, "birth_on": None}, ["place"]),
        ({"id_hash": None, "phone_hash": None, "birth_on": date(1950, 6, 19)}, ["place"]),
        ({"id_hash": None, "phone_hash": None, "birth_on": date(1972, 1, 1)}, []),
        # The same name in another home, of no known birthday, is common.
        (
            {
                "id_hash": None,
                "phone_hash": None,
                "birth_on": None,
                "address": "别处",
                "household_name": "李",
            },
            [],
        ),
        # A couple's phone; a mother's and daughter's; somebody without a name.
        ({"id_hash": None, "name": "赵国强", "sex": "m", "birth_on": None}, []),
        ({"id_hash": None, "birth_on": date(1975, 5, 4)}, []),
        ({"id_hash": None, "name": "", "birth_on": None}, ["phone"]),
    ],
)
def test_what_makes_two_entries_alike(other, why):
    assert find_likeness(ONE, replace(ONE, **other)) == why
    assert find_likeness(replace(ONE, **other), ONE) == why


def add(grid: str, called: str, **fields) -> Household:
    household = make_household(grid, called, [called])
    household.address = fields.pop("address", f"{called}家")
    for field, value in fields.items():
        setattr(household.people[0], field, value)
    return actions.add_household(household, clock.now())


def test_the_list_follows_every_change(app, county):
    origin = Origin(None, "desk", clock.now())
    with app.app_context():
        with transaction():
            one, other = add(GRID, "王桂兰"), add(OTHER_GRID, "王桂兰", address="河东")
        [pair], _ = pair_queries.list_pairs([TOWNSHIP], 1)
        assert pair.why == ["birthday"]
        # Who reads one of the two grids alone is not told of the other.
        assert pair_queries.list_pairs([GRID], 1)[0] == []
        with transaction():
            actions.move_household(
                db.session.get_one(User, county.users["supervisor"]),
                other.household_uuid,
                GRID,
                clock.now(),
            )
        assert len(pair_queries.list_pairs([GRID], 1)[0]) == 1
        with transaction():
            actions.change_person(other.people[0], {"birth_on": date(1981, 1, 1)}, origin)
        assert pair_queries.list_pairs([TOWNSHIP], 1)[0] == []
        with transaction():
            actions.change_person(other.people[0], {"birth_on": None}, origin)
            actions.change_household(other, {"address": one.address}, origin)
        assert [pair.why for pair in pair_queries.list_pairs([TOWNSHIP], 1)[0]] == [["place"]]
        with transaction():
            actions.remove_people([other.people[0]], origin)
        assert db.session.scalars(select(LikelyPair)).all() == []


def test_a_number_of_many_people_says_nothing(app, county):
    with app.app_context(), transaction():
        for number in range(12):
            add(GRID, f"无名{number}", phone="13800001111", birth_on=None, name="")
        nameless = db.session.scalars(select(Person).where(Person.name == "")).all()
        assert not any(pair_queries.find_likely(nameless).values())


def test_looking_again_finds_what_was_filled_past_the_program(app, county):
    with app.app_context():
        with transaction():
            add(GRID, "王桂兰"), add(GRID, "王桂兰")
            db.session.execute(text("DELETE FROM likely_pairs"))
        assert dict(actions.look_for_pairs_in([TOWNSHIP])) == {GRID: 4, OTHER_GRID: 1}
        assert len(pair_queries.list_pairs([TOWNSHIP], 1)[0]) == 1


def test_list_and_look_are_read_from_indexes_alone(app, county):
    with app.app_context():
        with transaction():
            uuids = [add(GRID, f"王{number}").people[0].person_uuid for number in range(3)]
            db.session.execute(
                insert(Person),
                [
                    {
                        "person_uuid": f"00000000-0000-4000-8000-{number:012}",
                        "household_uuid": county.household_uuid,
                        "name": f"人{number}",
                        "registered_on": date(2026, 1, 1),
                    }
                    for number in range(3000)
                ],
            )
            db.session.execute(
                insert(LikelyPair),
                [
                    {
                        "one_uuid": f"00000000-0000-4000-8000-{number:012}",
                        "other_uuid": max(uuids),
                        "one_grid": GRID,
                        "other_grid": GRID,
                        "why": ["place"],
                    }
                    for number in range(3000)
                ],
            )
            person = db.session.get_one(Person, uuids[0])
            actions.change_person(
                person,
                {"id_number": "230183195005041249", "phone": "13800001111"},
                Origin(None, "desk", clock.now()),
            )
        db.session.execute(text("ANALYZE"))
        listed = plan_of(pair_queries.open_pairs([TOWNSHIP], 1))
        looked = plan_of_union(lambda: pair_queries.find_likely([person]))
    assert "ix_likely_pairs_open" in listed
    for index in ("ix_people_id_hash", "ix_people_phone_hash", "search_words", "ix_people_household_uuid"):
        assert index in looked
    for plan in (listed, looked):
        assert "Seq Scan" not in plan
        assert "SCAN people" not in plan
        assert "SCAN search_words" not in plan
        assert "SCAN likely_pairs" not in plan
