"""What is counted is what the records say, whatever happened to them, in whatever order."""

from __future__ import annotations

import os
import random
from collections import Counter
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from fieldapp.aid.actions import Given
from fieldapp.aid.models import Aid
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.people import queries as people, queries as people_queries
from fieldapp.people.models import Household, Person
from fieldapp.people.period_actions import start_period
from fieldapp.reports.actions import start_running_counts
from fieldapp.reports.queries import get_since, read_live
from fieldapp.reports.recount import list_wrong, put_right
from fieldapp.rollups import actions as rollups, queries
from fieldapp.rollups.columns import DISTINCT
from fieldapp.rollups.models import ClosedWeek, CountyRollup, Rollup, RollupChange
from fieldapp.rollups.rules import WEEK
from fieldapp.visits.models import Visit
from tests.reports.city import CITY, COUNTIES, City

CASH = Given(kind="cash", programme="temporary_relief", source="reserve_fund", amount_cents=500_00)
RICE = Given(
    kind="goods", programme="condolence", source="charity", item="rice", quantity_milli=20_000, unit="jin"
)
CLASSES = ("dibao_rural", "dibao_urban", "none", "destitute_scattered")
TAGS = (("lonely_elder",), ("disabled", "serious_illness"), (), ("vagrant",))
STEPS = 45
STORIES = int(os.environ.get("REPORT_STORIES", "3"))


class Story:
    """A random sequence of everything that changes what is counted."""

    def __init__(self, city: City, seed: int) -> None:
        self.city, self.draw = city, random.Random(seed)
        self.now = datetime(2026, 3, 2, 9, tzinfo=clock.LOCAL)
        self.homes = [
            city.add_household(
                self.draw.choice([*city.grids, city.unit]),
                *[
                    (self.draw.choice(CLASSES), self.draw.choice(TAGS))
                    for _ in range(self.draw.randint(1, 3))
                ],
                name=f"家{number}",
            )
            for number in range(7)
        ]
        self.visits: list[str] = []
        self.tasks: list[str] = []
        self.aid: list[str] = []
        self.merges: list[int] = []
        self.payments: list[tuple[str, str]] = []

    def go(self) -> None:
        deeds = [self.visit] * 8 + [
            self.revise,
            self.void,
            self.move,
            self.change_class,
            self.merge,
            self.part,
            self.task,
            self.task,
            self.give,
            self.reverse,
            self.relieve,
            self.take_back,
            self.close,
        ]
        for _ in range(STEPS):
            self.now += timedelta(hours=self.draw.randint(1, 40))
            self.city.at(f"{self.now:%Y-%m-%d %H:%M}")
            # Not everything may be done at any time, and there may be nothing to do it to; what is refused changes nothing.
            with suppress(AppError, IndexError):
                self.draw.choice(deeds)()
            if self.draw.random() < 0.1:
                with self.city.app.app_context():
                    rollups.fold()

    def visit(self) -> None:
        home, members = self.draw.choice(self.homes)
        self.visits.append(
            self.city.visit(
                home,
                self.draw.sample(members, self.draw.randint(1, len(members))),
                by=self.draw.choice(["w1", "w2"]),
                at=self.now - timedelta(hours=self.draw.choice([0, 0, 0, 30, 200])),
                outcome=self.draw.choice(["reached"] * 5 + ["not_reached", "refused"]),
                method=self.draw.choice(["home", "phone", "wechat", "video", "patrol"]),
            )
        )

    def revise(self) -> None:
        visit_uuid = self.draw.choice(self.visits)
        with self.city.app.app_context():
            home = db.session.get_one(Visit, visit_uuid).household_uuid
        members = next(members for key, members in self.homes if key == home)
        self.city.revise(visit_uuid, self.draw.sample(members, self.draw.randint(1, len(members))))

    def void(self) -> None:
        self.city.void(self.draw.choice(self.visits))

    def move(self) -> None:
        self.city.move(self.draw.choice(self.homes)[0], self.draw.choice(self.city.grids))

    def change_class(self) -> None:
        _, members = self.draw.choice(self.homes)
        self.city.set_person(self.draw.choice(members), main_class=self.draw.choice(CLASSES))

    def merge(self) -> None:
        one, other = self.draw.sample(self.homes, 2)
        if self.draw.random() < 0.5:
            self.merges.append(
                self.city.merge("person", self.draw.choice(one[1]), self.draw.choice(other[1]))
            )
        else:
            self.merges.append(self.city.merge("household", one[0], other[0]))

    def part(self) -> None:
        self.city.part(self.draw.choice(self.merges))

    def task(self) -> None:
        if self.tasks and self.draw.random() < 0.7:
            self.city.step(
                self.draw.choice(self.tasks), self.draw.choice(["result", "verify", "reopen", "cancel"])
            )
        else:
            self.tasks.append(self.city.make_task(self.draw.choice(self.homes)[0]))

    def give(self) -> None:
        self.aid.append(self.city.give(self.draw.choice(self.homes)[0], self.draw.choice([CASH, RICE])))

    def reverse(self) -> None:
        self.city.reverse(self.draw.choice(self.aid))

    def relieve(self) -> None:
        ways = {
            "channel": self.draw.choice(["agent", "remote", "desk"]),
            "is_local": self.draw.random() < 0.5,
        }
        case_id, payments = self.city.relieve(
            self.draw.choice(self.homes)[0], is_urgent=self.draw.random() < 0.5, **ways
        )
        self.payments += [(case_id, payment) for payment in payments]

    def take_back(self) -> None:
        self.city.take_back(*self.draw.choice(self.payments))

    def close(self) -> None:
        with self.city.app.app_context(), transaction():
            week = queries.get_week(self.now - timedelta(days=7))
            closed = ClosedWeek(county_code=self.draw.choice(COUNTIES), week_on=week.ends_on)
            db.session.merge(closed)


def count_by_hand(area: str, first: date, last: date) -> Counter[str]:
    """Everybody once, as at the last contact there, of the visits of those weeks in that area."""
    visits = db.session.scalars(
        select(Visit)
        .where(
            Visit.area_code.startswith(area),
            Visit.week_on.between(first, last),
            Visit.state != "voided",
            Visit.outcome == "reached",
        )
        .order_by(Visit.finished_at)
    ).all()
    seen: dict[str, list[str]] = {}
    for visit in visits:
        named = [person.person_uuid for person in visit.people]
        for uuid, stands in people.list_standing(Person, named).items():
            seen[stands] = next(p.counted_as for p in visit.people if p.person_uuid == uuid)
    counts = Counter(column for columns in seen.values() for column in columns)
    homes = people.list_standing(Household, {visit.household_uuid or "" for visit in visits})
    counts["households"] = len(set(homes.values()))
    counts["staff"] = len({visit.worker_id for visit in visits})
    return Counter({column: number for column, number in counts.items() if number})


def add_up(by_area: dict[str, dict[str, int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for found in by_area.values():
        counts.update({column: found[column] for column in DISTINCT})
    return Counter({column: number for column, number in counts.items() if number})


@pytest.mark.parametrize("seed", range(STORIES))
def test_counts_equal_a_full_recount_after_any_story(
    city: City, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(city, seed)
    story.go()
    # As many of a province are named a part at a time.
    monkeypatch.setattr(people_queries, "NAMED_AT_ONCE", 2)
    with city.app.app_context():
        assert story.visits
        assert list_wrong() == {}
        weeks = sorted(set(db.session.scalars(select(Visit.week_on))))
        year = queries.first_week_of_year(queries.get_week(clock.now()))
        grid = db.session.get_one(Visit, story.visits[0]).area_code
        for area in (grid, grid[:12], grid[:9], grid[:6], CITY, "23"):
            for digits in (6, 15):
                if len(area) > digits:
                    continue
                for week in weeks:
                    one, all_so_far, _ = queries.sum_to_week([area], digits, str(year), year, week)
                    assert add_up(one) == count_by_hand(area, week, week)
                    assert add_up(all_so_far) == count_by_hand(area, year, week)


def test_what_is_kept_wrongly_is_found_and_put_right(city: City) -> None:
    home, members = city.add_household(city.grids[0], ("dibao_rural", ()))
    city.visit(home, members)
    with city.app.app_context():
        rollups.fold()
        with transaction():
            row: Any = db.session.scalars(select(Rollup).where(Rollup.since == WEEK)).one()
            row.contacts += 3
            db.session.add(
                RollupChange(area_code=city.grids[1], since=WEEK, week_on=date(2026, 3, 6), persons=1)
            )
        wrong = list_wrong()
        # What a county keeps was right; its grids no longer add up to it.
        assert wrong.pop((COUNTIES[0], WEEK, date(2026, 3, 6), "contacts")) == (1, 4)
        assert {(key[0], key[3]) for key in wrong} == {
            (city.grids[0], "contacts"),
            (city.grids[1], "persons"),
        }
        assert put_right() == 3
        assert list_wrong() == {}
        read, *_ = queries.sum_to_week([CITY], 6, "2026-01-02", date(2026, 3, 6), date(2026, 3, 6))
        assert {code: counts["contacts"] for code, counts in read.items() if counts["contacts"]} == {
            COUNTIES[0]: 1
        }


def test_a_county_that_does_not_add_its_grids_up_is_found_and_put_right(city: City) -> None:
    home, members = city.add_household(city.grids[0], ("dibao_rural", ()))
    city.visit(home, members)
    with city.app.app_context():
        rollups.fold()
        with transaction():
            wrongly = update(CountyRollup).where(CountyRollup.since == WEEK)
            db.session.execute(wrongly.values({CountyRollup.__table__.c.contacts: 7}))
        assert list_wrong() == {(COUNTIES[0], WEEK, date(2026, 3, 6), "contacts"): (7, 1)}
        assert put_right() == 1
        assert list_wrong() == {}


def test_records_from_before_anything_was_counted_are_counted_once(city: City) -> None:
    home, members = city.add_household(city.grids[0], ("dibao_rural", ("disabled",)))
    visit = city.visit(home, members)
    entry = city.give(home, CASH)
    with city.app.app_context():
        before = queries.read_all()
        with transaction():
            db.session.execute(delete(RollupChange))
            db.session.get_one(Visit, visit).people[0].counted_as = []
            row = db.session.get_one(Aid, entry)
            row.week_on = row.counted = None
        put_right()
        assert queries.read_all() == before


def test_in_a_special_period_of_the_city_it_is_counted_since_that_began(city: City) -> None:
    grid = city.grids[0]
    before = city.add_household(grid, ("none", ()), name="前")
    both = city.add_household(grid, ("dibao_rural", ()), name="两次")
    for home, members in (before, both):
        city.visit(home, members)
    now = city.at("2026-03-12 09:00")
    with city.app.app_context(), transaction():
        start_period(
            city.user("city"),
            CITY,
            "寒潮",
            from_on=date(2026, 3, 9),
            until_on=None,
            risk_days={"high": 3, "middle": 15, "low": 45},
            tags=[],
            pauses_exit=False,
            relaxed_papers=False,
            now=now,
        )
    city.visit(*both)
    with city.app.app_context():
        assert start_running_counts(now) == 1
        assert start_running_counts(now) == 0
    after = city.add_household(grid, ("none", ()), name="后")
    city.visit(*after)
    with city.app.app_context():
        assert list_wrong() == {}
        area, week = db.session.get_one(Area, CITY), queries.get_week(now)
        assert get_since(CITY, week) == date(2026, 3, 13)
        assert read_live(area, week).sum.total["persons"] == 2
        earlier = queries.find_week(date(2026, 3, 6))
        assert earlier
        assert read_live(area, earlier).sum.total["persons"] == 2
        assert get_since(CITY, earlier) == date(2026, 1, 2)


def test_a_case_of_relief_counts_once_while_anything_of_it_is_paid(city: City) -> None:
    home, _ = city.add_household(city.grids[0], ("none", ()))
    case_id, payments = city.relieve(home, is_urgent=True, is_local=False)
    counts = []
    for payment in (None, *payments):
        if payment:
            city.take_back(case_id, payment)
        with city.app.app_context():
            kept = {key[3]: value for key, value in queries.read_all().items()}
        names = ("relief_cases", "relief_persons", "relief_urgent", "relief_nonlocal")
        money = ("money_relief", "money_relief_urgent")
        counts.append(([kept.get(name, 0) for name in names], [kept.get(name, 0) for name in money]))
    # The first payment is taken back first: the second one is still relief.
    assert counts == [
        ([1, 2, 1, 1], [600_00, 600_00]),
        ([1, 2, 1, 1], [300_00, 300_00]),
        ([0, 0, 0, 0], [0, 0]),
    ]
