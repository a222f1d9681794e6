"""Who could be on the list twice: what makes two entries alike, what keeps the list right, from which index it is read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import insert, select, text

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people import actions, pair_actions, pair_queries
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


def test_a_pair_that_is_ruled_out_goes_along_with_its_people(app, county):
    """It is listed by where they are, whether they are still alike or not; and it goes with whoever is taken out."""
    origin = Origin(None, "desk", clock.now())
    with app.app_context():
        officer = db.session.get_one(User, county.users["officer"])
        with transaction():
            one, other = add(GRID, "王桂兰"), add(GRID, "王桂兰")
        with transaction():
            pair = pair_queries.find_pair([one.people[0].person_uuid, other.people[0].person_uuid])
            assert pair
            pair_actions.rule_out(pair, officer, clock.now())
        with transaction():
            actions.change_person(other.people[0], {"name": "赵一"}, origin)
            actions.move_household(officer, other.household_uuid, OTHER_GRID, clock.now())
        row = db.session.scalars(select(LikelyPair).execution_options(populate_existing=True)).one()
        assert {row.one_grid, row.other_grid} == {GRID, OTHER_GRID}
        with transaction():
            actions.remove_people([other.people[0]], origin)
        assert keys_of_pairs() == set()


def test_a_number_of_many_people_says_nothing(app, county):
    with app.app_context(), transaction():
        for number in range(12):
            add(GRID, f"无名{number}", phone="13800001111", birth_on=None, name="")
        nameless = db.session.scalars(select(Person.person_uuid).where(Person.name == "")).all()
        assert pair_queries.find_likely(nameless) == {}


def test_looking_again_finds_what_was_filled_past_the_program(app, county):
    with app.app_context():
        with transaction():
            add(GRID, "王桂兰"), add(GRID, "王桂兰")
            db.session.execute(text("DELETE FROM likely_pairs"))
        assert dict(pair_actions.look_for_pairs_in([TOWNSHIP])) == {GRID: 4, OTHER_GRID: 1}
        assert len(pair_queries.list_pairs([TOWNSHIP], 1)[0]) == 1


Steps = Sequence[Callable[[], object]]


def side_by_side(app: Flask, *works: Steps) -> None:
    """Each work in a transaction of its own: all take their first step, then their second, and then all commit."""
    barrier = threading.Barrier(len(works), timeout=30)
    thrown: list[BaseException] = []

    def do(steps: Steps) -> None:
        try:
            with app.app_context(), transaction():
                for step in steps:
                    step()
                    barrier.wait()
        except BaseException as error:
            barrier.abort()
            thrown.append(error)

    threads = [threading.Thread(target=do, args=(steps,)) for steps in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert thrown == []


def keys_of_pairs() -> set[tuple[str, str]]:
    db.session.remove()
    return {(row.one_uuid, row.other_uuid) for row in db.session.scalars(select(LikelyPair))}


on_postgres = pytest.mark.parametrize("installation", ["postgres"], indirect=True)


@on_postgres
class TestSideBySide:
    """Real connections; SQLite lets one write at a time."""

    @pytest.fixture
    def people(self, app, county) -> list[str]:
        """Two who are alike, two others who are alike."""
        with app.app_context(), transaction():
            return [
                add(GRID, name).people[0].person_uuid for name in ("王桂兰", "王桂兰", "李德福", "李德福")
            ]

    @staticmethod
    def change(person_uuid: str, **fields: object) -> Callable[[], object]:
        def step() -> object:
            person = db.session.get_one(Person, person_uuid)
            return actions.change_person(person, fields, Origin(None, "desk", clock.now()))

        return step

    def test_pairs_that_end_in_opposite_orders_make_no_deadlock(self, app, people):
        one, other, third, fourth = people
        side_by_side(
            app,
            [self.change(one, name="赵一"), self.change(third, name="钱二")],
            [self.change(fourth, name="孙三"), self.change(other, name="吴四")],
        )
        with app.app_context():
            assert keys_of_pairs() == set()

    def test_a_pair_that_two_find_is_written_once(self, app, people):
        with app.app_context(), transaction():
            db.session.execute(text("DELETE FROM likely_pairs"))
        side_by_side(app, [self.change(people[0], sex="m")], [self.change(people[1], sex="m")])
        with app.app_context():
            assert keys_of_pairs() == {tuple(sorted(people[:2]))}

    def test_who_comes_on_the_list_at_the_same_time_is_found(self, app, people):
        added: list[str] = []

        def register() -> None:
            added.append(add(OTHER_GRID, "孙海").people[0].person_uuid)

        side_by_side(app, [register], [register])
        with app.app_context():
            assert tuple(sorted(added)) in keys_of_pairs()

    def test_who_is_taken_out_is_in_no_pair(self, app, people):
        def take_out() -> None:
            actions.remove_people([db.session.get_one(Person, people[0])], Origin(None, "desk", clock.now()))

        side_by_side(app, [take_out], [self.change(people[1], sex="m")])
        with app.app_context():
            assert keys_of_pairs() == {tuple(sorted(people[2:]))}

    def test_what_is_ruled_out_meanwhile_stays_ruled_out(self, app, people):
        def rule_out() -> None:
            pair = pair_queries.find_pair(people[:2])
            assert pair
            pair_actions.rule_out(pair, db.session.scalars(select(User).limit(1)).one(), clock.now())

        side_by_side(app, [rule_out], [self.change(people[0], name="赵一")])
        with app.app_context():
            assert keys_of_pairs() >= {tuple(sorted(people[:2]))}


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
        apart = plan_of(pair_queries.open_pairs([TOWNSHIP], 1, are_ruled_out=True))
        looked = plan_of_union(lambda: pair_queries.find_likely([uuids[0]]))
    assert "ix_likely_pairs_open" in listed
    assert "ix_likely_pairs_ruled_out" in apart
    for index in ("ix_people_id_hash", "ix_people_phone_hash", "search_words", "ix_people_household_uuid"):
        assert index in looked
    for plan in (listed, looked):
        assert "Seq Scan" not in plan
        assert "SCAN people" not in plan
        assert "SCAN search_words" not in plan
        assert "SCAN likely_pairs" not in plan
