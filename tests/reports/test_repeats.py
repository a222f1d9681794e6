"""What a city, and the province, comes to counts everybody once who is in the sheets that are shown, and nobody else."""

from __future__ import annotations

import os
import random
import re
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import flask_migrate
import pytest
from sqlalchemy import delete, event, select

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.reports import queries
from fieldapp.reports.recount import list_wrong, put_right
from fieldapp.reports.rules import Report
from fieldapp.rollups.models import Repeated
from fieldapp.rollups.rules import PERSON
from fieldapp.screenings import counting as screening_counting
from fieldapp.upkeep.schema import MIGRATIONS
from fieldapp.visits import counting as visit_counting, repeats as visit_repeats
from fieldapp.visits.models import Visit
from tests import statements
from tests.factories import Desk
from tests.reports.city import CITY, City
from tests.reports.province import COUNTIES_OF, OTHER_CITY, PROVINCE, A, B, C, D, Province
from tests.reports.test_other_goods import goods

W1, W2 = date(2026, 3, 6), date(2026, 3, 13)
FRIDAY = "2026-03-06 15:00"
MOST = 15
STEPS = 90
STORIES = int(os.environ.get("REPORT_STORIES", "3"))


@pytest.fixture
def province(city: City) -> Province:
    """Two cities; it is the morning of Monday, 2 March 2026."""
    return Province(city)


def visit_in(province: Province, home: tuple[str, list[str]], county: str, **more: Any) -> str:
    """A visit there, where the household lives from now on."""
    province.city.move(home[0], province.grids[county])
    return province.city.visit(*home, **more)


def persons(report: Report) -> tuple[int, int]:
    return report.sum.week["persons"], report.sum.total["persons"]


def test_who_was_seen_in_a_county_that_went_as_not_reported_takes_nobody_off(province: Province) -> None:
    city = province.city
    home = city.add_household(province.grids[A], ("dibao_rural", ("disabled",)))
    for at, county in (("2026-03-02 10:00", A), ("2026-03-03 10:00", B), ("2026-03-04 10:00", D)):
        city.at(at)
        visit_in(province, home, county)
    city.at(FRIDAY)
    province.report(OTHER_CITY, W1)
    # Only in the county that did not report was the person seen in this city.
    whole = province.report(CITY, W1, (C,))
    assert persons(whole) == (1, 1)
    assert whole.repeated == (0, 0)
    # It comes in with a correction: now two cities count them.
    province.confirm(A, W1)
    province.correct(CITY, W1)
    whole = province.gather(PROVINCE, W1)
    assert persons(whole) == (1, 1)
    assert whole.repeated == (1, 1)
    province.check(W1)


def test_who_was_seen_before_a_city_s_special_period_began_counts_where_they_count(
    province: Province,
) -> None:
    city = province.city
    home = city.add_household(province.grids[A], ("none", ()))
    city.at("2026-03-03 10:00")
    visit_in(province, home, A)
    city.at("2026-03-10 10:00")
    visit_in(province, home, D)
    province.begin_period(CITY, date(2026, 3, 9))
    city.at("2026-03-13 15:00")
    province.report(OTHER_CITY, W2)
    # The running figures of the first city begin after it saw them.
    whole = province.report(CITY, W2)
    assert persons(whole) == (1, 1)
    assert whole.repeated == (0, 0)
    province.check(W2)


@pytest.mark.parametrize("when", ["both have sent", "one has sent"])
def test_a_visit_voided_after_its_city_has_sent_is_counted_there_and_once_in_all(
    province: Province, when: str
) -> None:
    city = province.city
    home = city.add_household(province.grids[A], ("none", ()))
    city.at("2026-03-03 10:00")
    visit = visit_in(province, home, A)
    city.at("2026-03-04 10:00")
    visit_in(province, home, D)
    city.at(FRIDAY)
    province.report(CITY, W1)
    if when == "both have sent":
        province.report(OTHER_CITY, W1)
    city.void(visit)
    if when == "one has sent":
        province.report(OTHER_CITY, W1)
    whole = province.gather(PROVINCE, W1)
    assert persons(whole) == (1, 1)
    assert whole.repeated == (1, 1)
    province.check(W1)
    # A correction says that they were never there.
    province.correct(CITY, W1)
    whole = province.gather(PROVINCE, W1)
    assert persons(whole) == (1, 1)
    assert whole.repeated == (0, 0)
    province.check(W1)


def test_where_all_have_sent_what_stands_now_is_asked_and_only_of_the_amended_each_contact(
    province: Province,
) -> None:
    city = province.city
    homes = [city.add_household(province.grids[A], ("none", ())) for _ in range(2)]
    city.at("2026-03-03 10:00")
    again = [visit_in(province, home, A) for home in homes for _ in range(2)]
    for home in homes:
        visit_in(province, home, D)
    city.at(FRIDAY)
    for code in (CITY, OTHER_CITY):
        province.report(code, W1)

    def count_read() -> int:
        """How many statements of the province's report read contacts."""
        with statements.noted() as sent:
            whole = province.gather(PROVINCE, W1)
        assert persons(whole) == whole.repeated == (2, 2)
        province.check(W1)
        return sum("visit_people" in one for one in sent)

    assert count_read() == 0
    # Still seen in both: it stands now as it did.
    city.void(again[0])
    assert count_read() == 1
    province.correct(CITY, W1)
    assert count_read() == 0


@pytest.mark.parametrize(
    ("reported", "counted", "read"),
    [
        pytest.param((A, C), 1, 1, id="of one that several shown parts count"),
        pytest.param((A, B), 3, 1, id="of one whom a part counts that is not shown"),
        pytest.param((A, B, C), 4, 0, id="of nobody"),
    ],
)
def test_contacts_are_read_of_as_few_as_possible(
    province: Province,
    monkeypatch: pytest.MonkeyPatch,
    reported: tuple[str, ...],
    counted: int,
    read: int,
) -> None:
    city = province.city
    city.at("2026-03-03 10:00")
    for others in ((B,), (B,), (B,), (C,)):
        home = city.add_household(province.grids[A], ("none", ()))
        for county in (A, *others):
            visit_in(province, home, county)
    city.at(FRIDAY)
    for county in reported:
        province.confirm(county, W1)
    asked: set[Any] = set()
    select_traces = visit_repeats.select_traces

    def note_asked(entries: Any, *weeks: date) -> Any:
        asked.update(key for kind, key in entries if kind == PERSON)
        return select_traces(entries, *weeks)

    monkeypatch.setattr(visit_repeats, "select_traces", note_asked)
    assert province.gather(CITY, W1).repeated == (counted, counted)
    assert len(asked) == read
    province.check(W1)


def test_whoever_is_seen_elsewhere_after_their_visit_was_voided_counts_once(province: Province) -> None:
    city = province.city
    home = city.add_household(province.grids[A], ("none", ()))
    city.at("2026-03-03 10:00")
    visit = visit_in(province, home, A)
    city.move(home[0], province.grids[D])
    city.at(FRIDAY)
    province.report(CITY, W1)
    city.void(visit)
    # It ended before the cut and comes in now: their county has not confirmed.
    city.at("2026-03-06 16:00")
    city.visit(*home, at=datetime(2026, 3, 5, 11, tzinfo=clock.LOCAL))
    whole = province.report(OTHER_CITY, W1)
    assert persons(whole) == (1, 1)
    assert whole.repeated == (1, 1)
    province.check(W1)


def test_a_visit_voided_after_its_county_confirmed_is_counted_once_in_the_city(province: Province) -> None:
    city = province.city
    home = city.add_household(province.grids[A], ("none", ("disabled",)))
    city.at("2026-03-03 10:00")
    visit = visit_in(province, home, A)
    city.at("2026-03-04 10:00")
    visit_in(province, home, B)
    city.at(FRIDAY)
    province.confirm(A, W1)
    city.void(visit)
    province.confirm(B, W1)
    gathered = province.gather(CITY, W1)
    assert persons(gathered) == (1, 1)
    assert gathered.repeated == (1, 1)
    province.check(W1)


def test_two_entries_of_somebody_count_once_as_soon_as_they_are_known_to_be_one(province: Province) -> None:
    city = province.city
    here, there = (
        city.add_household(province.grids[county], ("none", ()), name="同一人") for county in (A, D)
    )
    city.at("2026-03-03 10:00")
    for home in (here, there):
        city.visit(*home)
    city.at(FRIDAY)
    province.report(CITY, W1)
    assert persons(province.report(OTHER_CITY, W1)) == (2, 2)
    merge = city.merge("person", here[1][0], there[1][0])
    whole = province.gather(PROVINCE, W1)
    assert persons(whole) == (1, 1)
    assert whole.sum.week["households"] == 2
    city.part(merge)
    assert persons(province.gather(PROVINCE, W1)) == (2, 2)


class Story:
    """A random sequence of what counts, what changes it, and who reports it, in two cities."""

    def __init__(self, province: Province, seed: int) -> None:
        self.province, self.city, self.draw = province, province.city, random.Random(seed)
        self.now = datetime(2026, 3, 2, 9, tzinfo=clock.LOCAL)
        grids = list(province.grids.values())
        self.homes = [
            self.city.add_household(
                self.draw.choice(grids),
                *[(self.draw.choice(["none", "dibao_rural"]), ("disabled",)) for _ in range(number % 2 + 1)],
                name=f"家{number}",
            )
            for number in range(3)
        ]
        self.visits: list[tuple[str, list[str]]] = []
        self.screenings: list[int] = []

    def go(self) -> None:
        deeds = [self.visit, self.visit, self.move] * 5 + [self.void, self.revise] * 2
        deeds += [self.screen, self.discard, self.change_class, self.report, self.report, self.confirm]
        deeds += [self.correct, self.give_back]
        period_at = self.draw.randrange(STEPS // 2, STEPS)
        for step in range(STEPS):
            self.now += timedelta(hours=self.draw.randint(1, 9))
            self.city.at(f"{self.now:%Y-%m-%d %H:%M}")
            if step == period_at:
                self.province.begin_period(self.draw.choice([CITY, OTHER_CITY]), self.now.date())
            # Not everything may be done at any time; what is refused changes nothing.
            with suppress(AppError, IndexError, KeyError):
                self.draw.choice(deeds)()
            for week_on in self.weeks() if step % 3 == 0 else ():
                self.province.check(week_on)

    def weeks(self) -> list[date]:
        """Those that are over, and have been reported of."""
        with self.city.app.app_context():
            weeks = [week.ends_on for week in queries.list_weeks(self.now)[1:4]]
        begun = {week_on for _, week_on in self.province.confirmed}
        return [week_on for week_on in weeks if week_on in begun]

    def week(self) -> date:
        with self.city.app.app_context():
            return self.draw.choice(queries.list_weeks(self.now)[1:3]).ends_on

    def county(self) -> str:
        return self.draw.choice([county for counties in COUNTIES_OF.values() for county in counties])

    def visit(self) -> None:
        home, members = self.draw.choice(self.homes)
        seen = self.draw.sample(members, self.draw.randint(1, len(members)))
        at = self.now - timedelta(hours=self.draw.choice([0, 0, 30, 200]))
        made = self.city.visit(home, seen, by=self.draw.choice(["w1", "w2"]), at=at)
        self.visits.append((made, members))

    def revise(self) -> None:
        visit_uuid, members = self.draw.choice(self.visits)
        with self.city.app.app_context():
            ended = db.session.scalar(select(Visit.finished_at).where(Visit.visit_uuid == visit_uuid))
        assert ended
        at = self.draw.choice([ended, ended - timedelta(hours=100)])
        self.city.revise(visit_uuid, self.draw.sample(members, self.draw.randint(1, len(members))), at)

    def void(self) -> None:
        self.city.void(self.draw.choice(self.visits)[0])

    def move(self) -> None:
        self.city.move(self.draw.choice(self.homes)[0], self.province.grids[self.county()])

    def change_class(self) -> None:
        _, members = self.draw.choice(self.homes)
        self.city.set_person(self.draw.choice(members), main_class=self.draw.choice(["none", "dibao_urban"]))

    def screen(self) -> None:
        _, members = self.draw.choice(self.homes)
        self.screenings.append(self.province.screen(members, self.province.grids[self.county()]))

    def discard(self) -> None:
        self.province.discard(self.draw.choice(self.screenings))

    def confirm(self) -> None:
        self.province.confirm(self.county(), self.week())

    def report(self) -> None:
        """Most counties of a city confirm, and it may send."""
        city, week_on = self.draw.choice([CITY, OTHER_CITY]), self.week()
        for county in COUNTIES_OF[city]:
            if self.draw.random() < 0.7:
                with suppress(AppError):
                    self.province.confirm(county, week_on)
        if self.draw.random() < 0.5:
            self.province.send(city, week_on)

    def correct(self) -> None:
        self.province.correct(self.draw.choice([CITY, OTHER_CITY]), self.week())

    def give_back(self) -> None:
        self.province.give_back(self.county(), self.week())


@pytest.mark.parametrize("seed", range(STORIES))
def test_everybody_in_the_sheets_that_are_shown_counts_once_after_any_story(
    province: Province, seed: int
) -> None:
    story = Story(province, seed)
    story.go()
    assert province.sent
    with province.city.app.app_context():
        assert list_wrong() == {}


@pytest.mark.parametrize("number", [2, 12])
def test_a_report_in_which_parts_are_missing_asks_no_more_the_more_count_in_several(
    province: Province, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (visit_counting, screening_counting):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    city = province.city
    make_repeats(province, number)
    # With all that a page of it may have to say.
    province.begin_period(CITY, date(2026, 3, 2))
    for county in (A, B):
        province.confirm(county, W1)
    for code, name in ((CITY, "city"), (PROVINCE, "province")):
        desk = Desk(city.app, name)
        if code == PROVINCE:
            province.send(CITY, W1)
        with statements.noted() as sent:
            page = desk.get(f"/reports/{code}-{W1}")
        assert f"跨地区重复：本周 {number} 人，累计 {number} 人。" in page.text
        assert "其他物品（合计）" in page.text
        assert sum(one.startswith(("SELECT", "WITH")) for one in sent) <= MOST, code


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)
def test_who_counts_in_several_parts_is_found_without_going_through_the_visits_of_the_year(
    province: Province,
) -> None:
    city = province.city
    make_repeats(province, 3)
    province.send(CITY, W1)
    plans: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if "visits" in statement or "screening_rows" in statement:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append("\n".join(str(row[3]) for row in cursor.fetchall()))

    with city.app.app_context():
        event.listen(db.engine, "before_cursor_execute", explain)
        try:
            for code in (CITY, PROVINCE):
                queries.gather(db.session.get_one(Area, code), province.week(W1))
        finally:
            event.remove(db.engine, "before_cursor_execute", explain)
    assert plans
    assert [plan for plan in plans if re.search("ix_visits_week|SCAN (visit|screening)", plan)] == []


def test_the_update_finds_whom_several_parts_count_already(province: Province) -> None:
    city = province.city
    make_repeats(province, 3)
    here, there = (
        city.add_household(province.grids[county], ("none", ()), name="同一人") for county in (A, D)
    )
    for home in (here, there):
        city.visit(*home)
    city.merge("person", here[1][0], there[1][0])
    with city.app.app_context():
        before = read_repeated()
        assert {kind for _, kind, *_ in before} == {"household", "person", "worker", "screened"}
        db.session.rollback()
        flask_migrate.downgrade(str(MIGRATIONS), "20261130_sheets_and_months")
        flask_migrate.upgrade(str(MIGRATIONS))
        assert read_repeated() == before


def test_counting_anew_notes_whom_several_parts_count(province: Province) -> None:
    make_repeats(province, 3)
    with province.city.app.app_context():
        before = read_repeated()
        with transaction():
            db.session.execute(delete(Repeated))
        assert put_right() == 0
        assert read_repeated() == before


def read_repeated() -> set[tuple[Any, ...]]:
    return {
        (row.area_code, row.kind, row.key, row.part, row.week_on)
        for row in db.session.scalars(select(Repeated))
    }


def make_repeats(province: Province, number: int) -> None:
    """So many people, households and screened, and two workers, count in two counties of a city and in another city, of whom
    one county has not reported.
    """
    city = province.city
    homes = [city.add_household(province.grids[A], ("none", ())) for _ in range(number)]
    city.at("2026-03-03 10:00")
    for hour, county in enumerate((A, B, D), start=11):
        for place, home in enumerate(homes):
            visit_in(province, home, county, by=("w1", "w2")[place % 2])
        province.screen([members[0] for _, members in homes], province.grids[county])
        city.give(homes[0][0], goods("other", 1, "piece"))
        city.at(f"2026-03-03 {hour}:00")
    city.at(FRIDAY)
    province.report(OTHER_CITY, W1, (D,))
    for county in (A, B):
        province.confirm(county, W1)
