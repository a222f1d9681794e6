"""Two entries become one and are parted again: nothing lost, nobody forgotten, whatever phones send meanwhile."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import Base, db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.tallies import fold_tallies
from fieldapp.followups import actions as followups
from fieldapp.people import actions, editing, pair_queries, queries as people, tally_queries
from fieldapp.people.actions import Origin
from fieldapp.people.models import Carer, Household, LikelyPair, Merge, Person, PersonTag
from fieldapp.people.relatives import declare_relative, is_declared_relative
from fieldapp.reviews import actions as reviews, merge_actions as merging, merge_queries
from fieldapp.sync.models import Operation
from fieldapp.users import actions as users
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests.factories import GRID, OTHER_GRID, TOWNSHIP, Desk, Phone, make_household, text_of

ID_NUMBER = "230183195005041249"
# What tells what happened is not what is restored; keys of carers are given out anew.
# What the report counts is compared in tests/reports.
UNCOUNTED = {
    *("registry_changes", "audit_entries", "feeds", "feed_entries", "merges", "operations"),
    "rollup_changes",
}


class Twice:
    """A household and a person that are there twice: `kept`, and what is to lose."""

    def __init__(self, app, county) -> None:
        self.app, self.county = app, county
        with app.app_context(), transaction():
            supervisor = db.session.get(User, county.users["supervisor"])
            origin = Origin(supervisor, "desk", clock.now() - timedelta(days=9))
            self.kept_home = self._add(GRID, "王桂兰", origin)
            later = Origin(supervisor, "phone", clock.now())
            other = make_household(GRID, "王桂兰家", ["王桂兰", "王小明"])
            other.people[0].tags = [PersonTag(tag="mental_disorder"), PersonTag(tag="living_alone")]
            other.people[0].risk, other.people[0].phone = "low", "13800001111"
            other.people[0].carers = [Carer(role="guardian", name="王大力", phone="13700001111")]
            other.people[1].birth_on = None
            actions.add_household(other, later.now, later)
            self.other_home = other.household_uuid
        with app.app_context():
            self.kept = self.person_in(self.kept_home)
            self.other = self.person_in(self.other_home)
            self.along = self.person_in(self.other_home, 1)

    def _add(self, grid: str, name: str, origin: Origin) -> str:
        household = make_household(grid, name, [name])
        household.people[0].id_number = ID_NUMBER
        return actions.add_household(household, origin.now, origin).household_uuid

    @staticmethod
    def person_in(household_uuid: str, place: int = 0) -> str:
        return db.session.get_one(Household, household_uuid).people[place].person_uuid

    @property
    def actor(self) -> User:
        return db.session.get_one(User, self.county.users["supervisor"])

    def merge(self, kind: str = "person", taken: tuple[str, ...] | None = None) -> int:
        winner, loser = (self.kept, self.other) if kind == "person" else (self.kept_home, self.other_home)
        with self.app.app_context(), transaction():
            kept, other = (merge_queries.get_entry(kind, one, [TOWNSHIP]) for one in (winner, loser))
            compared = merge_queries.compare(kind, kept, other)
            made = merging.merge(
                self.actor,
                kind,
                winner,
                loser,
                compared.taken if taken is None else taken,
                compared.seen,
                clock.now(),
            )
            return made.merge_id

    def merge_into(self, winner: str, loser: str) -> int:
        with self.app.app_context(), transaction():
            seen = (people.last_change(winner), people.last_change(loser))
            kept, other = (merge_queries.get_entry("person", one, [TOWNSHIP]) for one in (winner, loser))
            taken = merge_queries.compare("person", kept, other).taken
            made = merging.merge(self.actor, "person", winner, loser, taken, seen, clock.now())
            return made.merge_id

    def undo(self, merge_id: int) -> None:
        with self.app.app_context(), transaction():
            merging.undo_merge(self.actor, merge_id, "是两个人", clock.now())

    def visit(self, phone: Phone, household: str, who: list[str], days_ago: int) -> dict[str, Any]:
        at = clock.now() - timedelta(days=days_ago)
        return phone.visit(
            household_uuid=household,
            people=who,
            started_at=text_of(at - timedelta(minutes=5)),
            finished_at=text_of(at),
        )

    def facts(self, person_uuid: str) -> tuple[int | None, int | None]:
        """(days since they were last seen, days until they are due)."""
        with self.app.app_context():
            person = db.session.get_one(Person, person_uuid)
            today = clock.local_date(clock.now())
            seen = clock.local_date(person.last_contact_at) if person.last_contact_at else None
            return (today - seen).days if seen else None, (
                person.due_on - today
            ).days if person.due_on else None


@pytest.fixture
def twice(app, county) -> Twice:
    return Twice(app, county)


@pytest.fixture
def phone(app, county) -> Phone:
    return Phone(app, county)


def snapshot(app) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table that says what is so now."""
    with app.app_context():
        # What was counted and taken off again leaves nothing once it is added up.
        fold_tallies()
        return {
            table.name: sorted(
                (
                    tuple(
                        repr(value)
                        for column, value in zip(table.columns, row, strict=True)
                        if not (table.name == "carers" and column.name == "id")
                    )
                    for row in db.session.execute(select(table))
                ),
            )
            for table in Base.metadata.sorted_tables
            if table.name not in UNCOUNTED
        }


def send(phone: Phone, *ops: dict[str, Any]) -> None:
    """Push what the server must take in."""
    receipts = phone.push(*ops)
    assert {receipt["outcome"] for receipt in receipts} == {"accepted"}, receipts


def test_who_is_on_the_list_twice_is_found_with_why_and_not_again_once_told_apart(app, twice):
    with app.app_context():
        [pair], more = pair_queries.list_pairs([TOWNSHIP], 1)
        assert {pair.one.person_uuid, pair.other.person_uuid} == {twice.kept, twice.other}
        assert not more
        assert pair.one.person_uuid == twice.kept
        assert pair.why == ["birthday", "place"]
        assert pair_queries.list_pairs([OTHER_GRID], 1) == ([], False)
        with transaction():
            merging.rule_out(twice.actor, twice.kept, twice.other, clock.now())
        with transaction():
            person = people.get_person(twice.other, [TOWNSHIP])
            actions.change_person(person, {"id_number": ID_NUMBER}, Origin(None, "desk", clock.now()))
        assert pair_queries.list_pairs([TOWNSHIP], 1) == ([], False)
        row = db.session.scalars(select(LikelyPair)).one()
        assert row.ruled_out_by == twice.actor.id
        assert row.why == ["id", "birthday", "place"]
        [apart], _ = pair_queries.list_pairs([TOWNSHIP], 1, are_ruled_out=True)
        assert (apart.one.person_uuid, apart.ruled_out_by) == (twice.kept, twice.actor.id)
        assert db.session.scalar(select(AuditEntry.action).where(AuditEntry.action == "person.rule_out"))


def test_who_was_told_apart_is_listed_again_once_that_is_taken_back(app, twice):
    with app.app_context():
        with transaction():
            merging.rule_out(twice.actor, twice.kept, twice.other, clock.now())
        for _ in range(2):
            with transaction():
                merging.take_back_rule_out(twice.actor, twice.kept, twice.other, clock.now())
        [pair], _ = pair_queries.list_pairs([TOWNSHIP], 1)
        assert (pair.one.person_uuid, pair.ruled_out_by) == (twice.kept, None)
        assert pair_queries.list_pairs([TOWNSHIP], 1, are_ruled_out=True) == ([], False)
        # Told apart, and no longer alike when that is taken back: nothing is left to be listed.
        with transaction():
            merging.rule_out(twice.actor, twice.kept, twice.other, clock.now())
            person = people.get_person(twice.other, [TOWNSHIP])
            changes = {"name": "孙大海", "birth_on": None, "phone": None}
            actions.change_person(person, changes, Origin(None, "desk", clock.now()))
        with transaction():
            merging.take_back_rule_out(twice.actor, twice.kept, twice.other, clock.now())
        assert db.session.scalars(select(LikelyPair)).all() == []


def test_the_winner_has_the_filled_the_newer_and_all_tags_and_carers(app, twice):
    twice.merge()
    with app.app_context():
        person = db.session.get_one(Person, twice.kept)
        assert (person.phone, person.risk, person.id_number) == ("13800001111", "high", ID_NUMBER)
        assert {tag.tag for tag in person.tags} == {"living_alone", "mental_disorder"}
        assert [carer.name for carer in person.carers] == ["王大力"]
        loser = db.session.get_one(Person, twice.other)
        assert (loser.merged_into, loser.due_on, loser.phone_hash) == (twice.kept, None, None)
        assert people.get_person(twice.other, [TOWNSHIP]).person_uuid == twice.kept
        assert [p.name for p in people.get_household(twice.other_home, [TOWNSHIP]).people] == ["王小明"]
        assert pair_queries.list_pairs([TOWNSHIP], 1) == ([], False)
        assert {
            entry.uuid for entry in people.list_changes([twice.kept, twice.other]) if entry.deed == "merge"
        } == {
            twice.kept,
            twice.other,
        }


@pytest.mark.parametrize(("kind", "with_visits"), list(product(("person", "household"), (False, True))))
def test_undoing_restores_every_row(app, twice, phone, kind, with_visits):
    if with_visits:
        send(
            phone,
            phone.op("visit.submit", twice.visit(phone, twice.kept_home, [twice.kept], 8)),
            phone.op("visit.submit", twice.visit(phone, twice.other_home, [twice.other, twice.along], 3)),
        )
        with app.app_context(), transaction():
            declare_relative(twice.actor, twice.actor.id, twice.other, "侄女", clock.now())
    before = snapshot(app)
    merge_id = twice.merge(kind)
    assert snapshot(app) != before
    with app.app_context():
        household = db.session.get_one(Household, twice.kept_home)
        assert len(household.people) == (1 if kind == "person" else 3)
        if with_visits:
            assert is_declared_relative(twice.actor.id, twice.kept) == (kind == "person")
    if with_visits and kind == "person":
        assert twice.facts(twice.kept) == (3, 4)
    twice.undo(merge_id)
    after = snapshot(app)
    assert {name for name in before if before[name] != after[name]} == set()


def test_visits_sent_for_either_uuid_land_on_the_winner_and_go_home_when_it_is_undone(app, twice, phone):
    before_merge = twice.visit(phone, twice.other_home, [twice.other, twice.along], 5)
    send(phone, phone.op("visit.submit", before_merge))
    merge_id = twice.merge("household")
    person_merge = twice.merge("person")
    assert twice.facts(twice.kept) == (5, 2)
    late = twice.visit(phone, twice.other_home, [twice.other], 2)
    fresh = twice.visit(phone, twice.kept_home, [twice.kept, twice.along], 1)
    send(phone, phone.op("visit.submit", late))
    assert twice.facts(twice.kept) == (2, 5)
    send(phone, phone.op("visit.submit", fresh))
    assert twice.facts(twice.kept) == (1, 6)
    with app.app_context(), pytest.raises(AppError, match="merge_not_undone"), transaction():
        merging.undo_merge(twice.actor, merge_id, "错", clock.now())
    twice.undo(person_merge)
    twice.undo(merge_id)
    assert twice.facts(twice.kept) == (1, 6)
    assert twice.facts(twice.other)[0] == 2
    assert twice.facts(twice.along)[0] == 1
    # What was written while they were one comes after they were parted.
    last = twice.visit(phone, twice.kept_home, [twice.kept, twice.along], 0)
    corrected = {**fresh, "answers": {"reached": "reached", "food_days": "3"}}
    send(phone, phone.op("visit.submit", last), phone.op("visit.revise", corrected, base=1))
    assert twice.facts(twice.along)[0] == 0
    with app.app_context():
        assert db.session.scalars(select(Operation.state).distinct()).all() == ["accepted"]


def test_corrections_moves_and_newcomers_for_a_merged_uuid_reach_the_winner(app, twice, phone):
    twice.merge("household")
    twice.merge("person")
    update_person = {
        "person_uuid": twice.other,
        "household_uuid": twice.other_home,
        "fields": {"relation": {"from": "", "to": "户主"}},
        "reason": None,
    }
    update_home = {
        "household_uuid": twice.other_home,
        "fields": {"note": {"from": "", "to": "有狗"}},
        "reason": None,
    }
    newcomer = {
        "person_uuid": str(uuid.uuid4()),
        "household_uuid": twice.other_home,
        "name": "王小红",
        "found_at": text_of(clock.now()),
    }
    send(
        phone,
        phone.op("person.update", update_person),
        phone.op("household.update", update_home),
        phone.op("person.register", newcomer),
    )
    with app.app_context():
        home = db.session.get_one(Household, twice.kept_home)
        assert home.note == "有狗"
        assert home.people[0].relation == "户主"
        assert [person.name for person in home.people] == ["王桂兰", "王小明", "王小红"]
    # One that saw what is not so on the winner is kept for the desk, as always.
    [receipt] = phone.push(
        phone.op("person.update", {**update_person, "fields": {"name": {"from": "王桂英", "to": "王桂芳"}}})
    )
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "fields_changed")


def test_phones_are_told_who_left_and_who_stands(app, twice, phone):
    held = phone.pull()
    assert ("person", twice.other) in held
    assert ("household", twice.other_home) in held
    with app.app_context(), transaction():
        task = followups.create_followup(
            twice.actor,
            household_uuid=twice.other_home,
            person_uuid=twice.other,
            visit_uuid=None,
            type="medical",
            severity="orange",
            reason_text="复查",
            assignee_id=twice.county.users["worker"],
            due_at=clock.now() + timedelta(days=2),
            instructions=None,
            now=clock.now(),
        ).followup_id
    phone.pull()
    merge_id = twice.merge("household")
    person_merge = twice.merge("person")
    held = phone.pull()
    assert ("person", twice.other) not in held
    assert ("household", twice.other_home) not in held
    assert held["person", twice.along]["household_uuid"] == twice.kept_home
    assert held["followup", task]["household_uuid"] == twice.kept_home
    assert held["followup", task]["person_uuid"] == twice.kept
    assert held["person", twice.kept]["tags"] == ["living_alone", "visit_in_pairs"]
    twice.undo(person_merge)
    twice.undo(merge_id)
    held = phone.pull()
    assert held["person", twice.along]["household_uuid"] == twice.other_home
    assert held["person", twice.other]["name"] == "王桂兰"
    assert held["followup", task]["household_uuid"] == twice.other_home


def test_merging_twice_is_merging_once_and_two_editors_do_not_cross(app, twice):
    with app.app_context():
        seen = (people.last_change(twice.kept), people.last_change(twice.other))
    merge_id = twice.merge()
    with app.app_context():
        with transaction():
            again = merging.merge(twice.actor, "person", twice.kept, twice.other, (), seen, clock.now())
            assert again.merge_id == merge_id
        for winner, loser, code in (
            (twice.other, twice.kept, "merged_meanwhile"),
            (twice.other, twice.along, "merged_meanwhile"),
            (twice.kept, twice.kept, "merge_same"),
            (twice.kept, twice.along, "merge_outdated"),
        ):
            with pytest.raises(AppError, match=code), transaction():
                merging.merge(twice.actor, "person", winner, loser, (), (0, 0), clock.now())
    twice.merge("household")
    with app.app_context(), pytest.raises(AppError, match="merged_meanwhile"), transaction():
        editing.edit_household(twice.actor, twice.other_home, 0, {"note": "晚到"}, clock.now(), None)


def test_three_entries_of_one_person_become_one_and_each_old_uuid_still_works(app, twice, phone):
    with app.app_context(), transaction():
        third = actions.add_household(make_household(OTHER_GRID, "王桂兰", ["王桂兰"]), clock.now())
        third_home, last = third.household_uuid, third.people[0].person_uuid
    first = twice.merge()
    second = twice.merge_into(last, twice.kept)
    send(phone, phone.op("visit.submit", twice.visit(phone, twice.other_home, [twice.other], 2)))
    assert twice.facts(last) == (2, 5)
    with app.app_context():
        assert people.get_person(twice.other, [TOWNSHIP]).person_uuid == last
        home = db.session.get_one(Household, third_home)
        # In another grid, and yet due by the visit that went to the first home.
        assert home.due_on == home.people[0].due_on
        with pytest.raises(AppError, match="merge_not_undone"), transaction():
            merging.undo_merge(twice.actor, first, "错", clock.now())
    # What the phone knew of the first entry is set on the one that stands.
    correction = {"phone": {"from": "13800001111", "to": "13800002222"}}
    send(
        phone,
        phone.op(
            "person.update",
            {
                "person_uuid": twice.other,
                "household_uuid": twice.other_home,
                "fields": correction,
                "reason": None,
            },
        ),
    )
    with app.app_context():
        assert db.session.get_one(Person, last).phone == "13800002222"
        # Undoing would lose that: the page says so.
        [obstacle] = merge_queries.list_obstacles(db.session.get_one(Merge, second))
        assert obstacle.field == "phone"
        with transaction():
            person = people.get_person(last, [TOWNSHIP])
            actions.change_person(person, {"phone": "13800001111"}, Origin(None, "desk", clock.now()))
    twice.undo(second)
    assert twice.facts(last)[0] is None
    assert twice.facts(twice.kept)[0] == 2
    twice.undo(first)
    assert (twice.facts(twice.kept)[0], twice.facts(twice.other)[0]) == (None, 2)


def test_a_merged_household_moves_as_one_and_what_was_registered_comes_again_as_known(app, twice, phone):
    newcomer = {
        "person_uuid": str(uuid.uuid4()),
        "household_uuid": twice.other_home,
        "name": "王小红",
        "found_at": text_of(clock.now()),
    }
    send(phone, phone.op("person.register", newcomer))
    visit = twice.visit(phone, twice.other_home, [twice.other], 1)
    send(phone, phone.op("visit.submit", visit))
    household_merge = twice.merge("household")
    [again] = phone.push(phone.op("person.register", newcomer))
    assert again["outcome"] == "duplicate"
    move = {
        "household_uuid": twice.other_home,
        "from_grid": GRID,
        "to_grid": OTHER_GRID,
        "reason": "搬到女儿家",
    }
    with app.app_context(), transaction():
        # The worker has both grids.
        users.grant_area(
            db.session.get_one(User, twice.county.users["admin"]), phone.user_id, OTHER_GRID, clock.now()
        )
    send(phone, phone.op("household.move", move))
    late = twice.visit(phone, twice.other_home, [twice.along], 0)
    send(phone, phone.op("visit.submit", late))
    with app.app_context():
        home = db.session.get_one(Household, twice.kept_home)
        assert home.grid_code == OTHER_GRID
        assert [person.name for person in home.people] == ["王桂兰", "王桂兰", "王小明", "王小红"]
        with transaction():
            stored = db.session.get_one(Visit, late["visit_uuid"])
            reviews.void_visit(twice.actor, stored.visit_uuid, 1, reason="错户", now=clock.now())
    assert twice.facts(twice.along)[0] is None
    assert twice.facts(twice.other)[0] == 1
    twice.undo(household_merge)
    with app.app_context():
        assert db.session.get_one(Household, twice.other_home).grid_code == GRID
        assert not db.session.scalars(select(Operation).where(Operation.state != "accepted")).all()
        assert tally_queries.list_wrong() == {}


def test_two_editors_at_once_merge_once(app, twice):
    """Each way round, at the same moment: one of them is told."""
    with app.app_context():
        seen = (people.last_change(twice.kept), people.last_change(twice.other))

    def merge(turned: bool) -> str:
        pair, histories = (twice.kept, twice.other), seen
        if turned:
            pair, histories = pair[::-1], histories[::-1]
        with app.app_context():
            try:
                with transaction():
                    merging.merge(twice.actor, "person", *pair, (), histories, clock.now())
            except AppError as error:
                return error.code
            finally:
                db.session.remove()
        return "merged"

    with ThreadPoolExecutor(2) as both:
        outcomes = sorted(both.map(merge, (False, True)))
    assert outcomes == ["merged", "merged_meanwhile"]
    with app.app_context():
        assert len(db.session.scalars(select(Merge)).all()) == 1


def test_pages_hide_what_is_restricted_and_say_what_stands_in_the_way(app, twice):
    desk = Desk(app)
    assert "出生日期相同" in desk.get("/duplicates").text
    path = f"/duplicates/people/{twice.kept}/{twice.other}"
    page = desk.get(path).text
    assert "两人同行" in page
    assert "精神障碍" not in page
    assert desk.post(path, kept_seen=0, other_seen=0).status_code == 409
    with app.app_context():
        seen = {
            "kept_seen": people.last_change(twice.kept),
            "other_seen": people.last_change(twice.other),
            "stays-phone": "other",
        }
    first, again = desk.post(path, **seen), desk.post(path, **seen)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.location == again.location
    # The old address leads to who stands; what was open for it is refused.
    assert desk.get(f"/people/{twice.other}/edit").status_code == 200
    assert desk.get(path).status_code == 409
    assert "与另一条记录合并" in desk.get(f"/households/{twice.kept_home}/history").text
    undo = first.location + "/undo"
    assert desk.post(undo, reason=" ").status_code == 422
    with app.app_context(), transaction():
        person = people.get_person(twice.kept, [TOWNSHIP])
        actions.change_person(person, {"phone": "13800003333"}, Origin(twice.actor, "desk", clock.now()))
    refused = desk.post(undo, reason="是两个人")
    assert refused.status_code == 409
    assert "“电话”后来由测试supervisor改过" in refused.text
    assert Desk(app, "stranger").get(first.location).status_code == 404


def test_two_who_come_together_and_are_alike_are_one_pair(app, county):
    with app.app_context():
        with transaction():
            actions.add_household(make_household(GRID, "孙海", ["孙海", "孙海"]), clock.now())
        pairs, _ = pair_queries.list_pairs([GRID], 1)
        assert [(pair.one.name, pair.other.name) for pair in pairs] == [("孙海", "孙海")]
