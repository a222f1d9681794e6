"""What is counted by township is what the records say, whoever has written what, in whatever order and side by side."""

from __future__ import annotations

import random
import threading
import uuid
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import OperationalError

from fieldapp.areas.actions import add_grid
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.tallies import Tally, fold_tallies
from fieldapp.people import actions, area_queries, due_queries, period_actions, queries, tally_queries
from fieldapp.people.actions import Origin
from fieldapp.people.due_queries import DueCount
from fieldapp.people.models import Household, LikelyPair, Person
from fieldapp.people.pair_actions import look_for_pairs_in
from fieldapp.people.tally_actions import put_right
from fieldapp.people.tally_queries import list_wrong
from fieldapp.reviews import area_actions
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Phone, make_household
from tests.imports.rosters import HEADER, apply, as_xlsx, make_row, stage, undo

CLASSES = ("dibao_rural", "dibao_urban", "destitute_scattered", "none")
LEVELS = ((["23"], 4), (["2301", "2302"], 6), (["230183"], 9), ([TOWNSHIP, "230183101"], 9))


@pytest.fixture
def two_townships(app, county):
    """The county with a grid in a second township."""
    with app.app_context(), transaction():
        village = db.session.scalars(select(Area.code).where(Area.parent_code == "230183101").limit(1)).one()
        add_grid(village + "001", "第1网格")
    return [GRID, OTHER_GRID, village + "001"]


def user_of(name: str) -> User:
    return db.session.scalars(select(User).where(User.username == name)).one()


def compare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tallies and records say the same, and so do the pages that read one or the other."""
    assert list_wrong() == {}
    db.session.remove()
    today = clock.local_date(clock.now())
    for area_codes, digits in LEVELS:
        counted = area_queries.count_by_area(area_codes, digits, today)
        due = {code: counts.due for code, counts in counted.items() if counts.due != DueCount()}
        assert due == due_queries.count_due(area_codes, digits, today)
        with monkeypatch.context() as patch:
            for module in (area_queries, due_queries):
                patch.setattr(module, "is_tallied", lambda *_: False)
            assert counted == area_queries.count_by_area(area_codes, digits, today)


class Doors:
    """Everything that changes people and households, drawn at random."""

    def __init__(self, app, county, grids: list[str], chance: random.Random) -> None:
        """`grids`: of two townships."""
        self.app, self.grids, self.chance = app, grids, chance
        self.phone = Phone(app, county)

    def do_something(self) -> None:
        """One change by any door."""
        deed = self.chance.choice(
            [
                *(self.add, self.add_person, self.change, self.leave, self.see, self.move, self.remove),
                *(self.send, self.trip, self.draw_again, self.switch_period),
            ]
        )
        with self.app.app_context():
            deed()

    def origin(self) -> Origin:
        return Origin(user_of("officer"), "desk", clock.now(), reason="核实", overrides_pause=True)

    def someone(self) -> Person | None:
        uuids = db.session.scalars(select(Person.person_uuid).order_by(Person.person_uuid)).all()
        if not uuids:
            return None
        person = db.session.get_one(Person, self.chance.choice(uuids))
        queries.lock_household(person.household_uuid)
        return person

    def add(self) -> None:
        with transaction():
            household = make_household(
                self.chance.choice(self.grids), "王", ["王", "李"][: self.chance.randint(1, 2)]
            )
            actions.add_household(household, clock.now() - timedelta(days=self.chance.randint(0, 9)))

    def add_person(self) -> None:
        with transaction():
            if other := self.someone():
                person = Person(person_uuid=str(uuid.uuid4()), name="孙", main_class="none", risk="middle")
                actions.add_person(other.household, person, self.origin())

    def change(self) -> None:
        with transaction():
            if person := self.someone():
                fields = {
                    "main_class": self.chance.choice(CLASSES),
                    "risk": self.chance.choice(["high", "low"]),
                }
                actions.change_person(person, fields, self.origin())

    def leave(self) -> None:
        field = self.chance.choice(["died_on", "moved_away_on"])
        day = self.chance.choice([None, clock.local_date(clock.now())])
        with transaction():
            if person := self.someone():
                actions.change_person(person, {field: day}, self.origin())

    def see(self) -> None:
        at = clock.now() - timedelta(days=self.chance.randint(0, 40))
        with transaction():
            if person := self.someone():
                actions.set_contacts(person.household, {person.person_uuid: [(at, False)]})

    def move(self) -> None:
        with transaction():
            if person := self.someone():
                grid = self.chance.choice(self.grids)
                actions.move_household(user_of("officer"), person.household_uuid, grid, clock.now())

    def remove(self) -> None:
        with transaction():
            if (person := self.someone()) and not person.last_contact_at:
                household = person.household
                actions.remove_people([person], self.origin())
                if not household.people:
                    actions.remove_households([household], self.origin())

    def trip(self) -> None:
        """A transaction that comes to nothing."""
        with suppress(ZeroDivisionError), transaction():
            if person := self.someone():
                actions.change_person(person, {"main_class": self.chance.choice(CLASSES)}, self.origin())
            raise ZeroDivisionError

    def send(self) -> None:
        """A push of a registration, and of a second one that is rolled back to its savepoint: its person is there."""
        head = str(uuid.uuid4())
        bodies = [
            {
                "household_uuid": str(uuid.uuid4()),
                "grid_code": GRID,
                "name": "赵",
                "address": "1组",
                "phone": "",
                "note": "",
                "people": [{"person_uuid": head, "name": "赵"}],
                "found_at": "2026-11-20T08:00:00Z",
                "location": None,
                "location_declined": "没有信号",
            }
            for _ in range(2)
        ]
        self.phone.push(*(self.phone.op("household.register", body) for body in bodies))

    def draw_again(self) -> None:
        """All households of a grid go to another one."""
        from_grid, to_grid = self.chance.sample(self.grids, 2)
        with transaction():
            area_actions.move_grid(user_of("officer"), from_grid, to_grid, now=clock.now())

    def switch_period(self) -> None:
        days = self.chance.randint(1, 9)
        with transaction():
            period = period_actions.start_period(
                user_of("officer"),
                self.chance.choice(["230183", TOWNSHIP]),
                "寒潮",
                from_on=clock.local_date(clock.now()) - timedelta(days=50),
                until_on=None,
                risk_days={"high": days, "middle": days, "low": days},
                tags=[],
                pauses_exit=False,
                relaxed_papers=False,
                now=clock.now(),
            )
        period_actions.work_out(period.id)


def test_after_random_changes_by_every_door_tallies_are_the_records(app, county, two_townships, monkeypatch):
    doors = Doors(app, county, two_townships, random.Random(5))
    for _ in range(40):
        doors.do_something()
    with app.app_context():
        compare(monkeypatch)


def test_an_import_is_counted_and_its_undoing_too(app, county, two_townships, monkeypatch):
    def tallies() -> list[tuple[Any, ...]]:
        with app.app_context():
            compare(monkeypatch)
            fold_tallies()
            columns = (Tally.kind, Tally.key, Tally.area_code, Tally.part, Tally.count)
            return sorted(tuple(row) for row in db.session.execute(select(*columns)))

    before = tallies()
    rows = [make_row(number, two_townships[number // 2 % 3]) for number in range(30)]
    import_id = stage(app, as_xlsx([HEADER, *rows]), "officer")
    apply(app, import_id, username="officer")
    assert sum(row[4] for row in tallies() if row[0] == "class") == 3 + 30
    undo(app, import_id, "officer")
    assert tallies() == before


def test_a_village_that_is_split_and_one_that_is_merged_are_counted_once(app, county, monkeypatch):
    with app.app_context():
        officer = user_of("officer")
        with transaction():
            new = TOWNSHIP + "900"
            area_actions.split_village(officer, VILLAGE, new, "河东村", [GRID], now=clock.now())
        compare(monkeypatch)
        officer = user_of("officer")
        with transaction():
            area_actions.merge_village(officer, new, OTHER_VILLAGE, now=clock.now())
        compare(monkeypatch)


def test_days_that_are_over_leave_nothing_behind(app, county):
    with app.app_context():
        for days_ago in range(9, 0, -1):
            with transaction():
                person = db.session.get_one(Person, county.other_person_uuid)
                at = clock.now() - timedelta(days=days_ago)
                actions.set_contacts(person.household, {person.person_uuid: [(at, False)]})
        fold_tallies()
        days = select(Tally.count).where(Tally.kind == tally_queries.DUE)
        assert sorted(db.session.scalars(days)) == [1, 1]


def test_what_a_server_counts_whose_clock_is_ahead_is_the_same_to_one_whose_clock_is_right(
    app, county, monkeypatch
):
    now = clock.now()
    with app.app_context():
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: now + timedelta(days=400))
            with transaction():
                person = db.session.get_one(Person, county.other_person_uuid)
                actions.set_contacts(person.household, {person.person_uuid: [(now, False)]})
            assert list_wrong() == {}
        assert person.due_on > clock.local_date(now)
        assert list_wrong() == {}


def test_who_reads_before_waiting_does_not_count_what_is_no_more(app, county):
    """A correction reads its person, waits for the household, and then counts the person as somebody else left them."""
    with app.app_context(), transaction():
        person = db.session.get_one(Person, county.person_uuids[0])
        assert len(person.household.people) == 2
        # As if another connection had committed this in between.
        db.session.execute(
            update(Person).where(Person.person_uuid == person.person_uuid).values(main_class="none"),
            execution_options={"synchronize_session": False},
        )
        [household] = queries.lock_and_list([person.household_uuid])
        actions.refresh_due(household)
        assert [one for one, _ in household.counted["people"]] == ["dibao_rural", "none"]


def test_writers_side_by_side_neither_deadlock_nor_miscount(app, county, two_townships, monkeypatch):
    """Three connections change the same households of two townships in opposite orders."""
    with app.app_context(), transaction():
        for number in range(6):
            actions.add_household(make_household(two_townships[number % 3], "王", ["王"]), clock.now())
        uuids = sorted(db.session.scalars(select(Household.household_uuid)))
        is_sqlite = db.engine.dialect.name == "sqlite"
    thrown: list[BaseException] = []

    def change(household_uuid: str, chance: random.Random) -> None:
        [household] = queries.lock_and_list([household_uuid])
        at = clock.now() - timedelta(days=chance.randint(0, 3))
        actions.set_contacts(household, {person.person_uuid: [(at, False)] for person in household.people})
        grid = chance.choice(two_townships)
        actions.move_household(user_of("officer"), household_uuid, grid, clock.now())

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(6):
            try:
                with app.app_context(), transaction():
                    for household_uuid in sorted(chance.sample(uuids, 3)):
                        change(household_uuid, chance)
            except (AppError, OperationalError) as error:
                # SQLite lets one write at a time; who has waited too long on a busy machine writes nothing.
                if not (is_sqlite and isinstance(error, OperationalError)):
                    thrown.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert thrown == []
    with app.app_context():
        compare(monkeypatch)
        pairs = select(LikelyPair.one_uuid, LikelyPair.other_uuid, LikelyPair.one_grid, LikelyPair.other_grid)
        kept = set(db.session.execute(pairs))
        with transaction():
            db.session.execute(delete(LikelyPair))
        list(look_for_pairs_in(["23"]))
        assert kept == set(db.session.execute(pairs)) != set()


def test_what_was_written_around_the_door_is_named_and_put_right(app, county):
    with app.app_context():
        assert list_wrong() == {}
        with transaction():
            db.session.execute(text("DELETE FROM tallies WHERE kind = 'class'"))
            db.session.execute(text("UPDATE people SET main_class = 'none' WHERE name = '陈立国'"))
            db.session.execute(
                text(
                    "INSERT INTO tallies (kind, key, area_code, count) VALUES ('due', '2020-01-01', '230183101', 4)"
                )
            )
        assert list_wrong() == {
            ("class", "dibao_rural", TOWNSHIP): (0, 2),
            ("class", "none", TOWNSHIP): (0, 1),
            # Of those who are to be seen, one is of another class now.
            **{
                (kind, day + one, TOWNSHIP): counts
                for kind, day in (("asked", ""), ("person", f"{clock.local_date(clock.now())} "))
                for one, counts in (("dibao_rural", (3, 2)), ("none", (0, 1)))
            },
            ("due", "2020-01-01", "230183101"): (4, 0),
        }
        # As the daily command does it: what households remember first.
        assert dict(actions.refresh_due_in(["23"])) == {GRID: 0, OTHER_GRID: 0}
        assert put_right() == 2
        assert list_wrong() == {}
        assert put_right() == 0
        person = db.session.get_one(Person, county.other_person_uuid)
        assert [one for one, _ in person.household.counted["people"]] == ["none"]


def test_more_wrong_counts_than_one_statement_may_name_are_put_right(app, county):
    with app.app_context():
        with transaction():
            days = (f"{date(1900, 1, 1) + timedelta(days=number)}" for number in range(22_000))
            db.session.execute(
                insert(Tally),
                [{"kind": "due", "key": day, "area_code": TOWNSHIP, "count": 1} for day in days],
            )
        assert put_right() == 22_000
        assert list_wrong() == {}
        kept = select(func.count()).select_from(Tally).where(Tally.key.between("1900", "1990"))
        assert db.session.scalar(kept) == 0
