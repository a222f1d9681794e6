"""Coverage: every figure is the length of the list it opens, whoever reads it; weeks are noted once."""

from __future__ import annotations

import html
import re
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.tallies import Tally, fold_tallies
from fieldapp.followups.models import Followup
from fieldapp.overview.coverage_actions import note_weeks
from fieldapp.overview.models import CoverageWeek
from fieldapp.people.actions import add_household, refresh_due
from fieldapp.people.interval_queries import SETS, count_intervals, list_people
from fieldapp.people.models import Household, Person
from fieldapp.people.tally_actions import fold_days
from fieldapp.people.tally_queries import list_wrong
from fieldapp.reviews import actions as reviews
from fieldapp.rollups import actions as rollups
from tests.factories import GRID, OTHER_GRID, OTHER_VILLAGE, TOWNSHIP, VILLAGE, Desk, Phone, make_household
from tests.followups.test_actions import make_task
from tests.followups.test_who_may_know import complaint_of, declare
from tests.reports.city import COUNTIES, City

LINK = re.compile(r'<a href="(/coverage/(?:people|problems)[^"]*)"><?b?>?(\d+)<')
ENTRY = re.compile(r'<li class="task-row')
NEXT = re.compile(r'<a class="button" href="([^"]+)">下一页</a>')


def links_of(desk: Desk, address: str) -> list[tuple[str, int]]:
    """(list, figure) of a coverage page."""
    page = desk.get(address)
    assert page.status_code == 200, address
    return [(html.unescape(link), int(figure)) for link, figure in LINK.findall(page.text)]


def length_of(desk: Desk, address: str) -> int:
    """How long a list is, over all of its pages."""
    number, here = 0, address
    while here:
        page = desk.get(here).text
        number += len(ENTRY.findall(page))
        more = NEXT.search(page)
        here = html.unescape(more[1]) if more else ""
    return number


def check_figures(desk: Desk, address: str) -> dict[str, int]:
    """Each figure of a page is the length of its list; returns them."""
    found = links_of(desk, address)
    for link, figure in found:
        assert length_of(desk, link) == figure, link
    return dict(found)


@pytest.fixture
def busy(app, county) -> None:
    """People of three classes in two villages: seen in time, overdue, tried in vain, and one for whom nothing asks."""
    now = clock.now()
    today = clock.local_date(now)
    with app.app_context(), transaction():
        for number, (grid, days_ago, main_class) in enumerate(
            [
                (GRID, 400, "dibao_rural"),
                (GRID, 400, "destitute_scattered"),
                (GRID, 5, "dibao_rural"),
                (OTHER_GRID, 100, "dibao_rural"),
                (OTHER_GRID, 1, "none"),
            ]
        ):
            household = make_household(grid, f"户{number}", [f"人{number}"])
            household.people[0].main_class = main_class
            add_household(household, now)
            household.people[0].last_contact_at = now - timedelta(days=days_ago)
            household.people[0].counted_on = today - timedelta(days=days_ago)
            refresh_due(household)
    other = Phone(app, county, "worker2")
    tried = other.visit({"reached": "not_reached"}, household_uuid=county.other_household_uuid)
    tried |= {"people": [county.other_person_uuid], "outcome": "not_reached"}
    assert other.push(other.op("visit.submit", tried))[0]["outcome"] == "accepted"
    with app.app_context(), transaction():
        household = db.session.get_one(Household, county.other_household_uuid)
        household.people[0].registered_on = today - timedelta(days=9)
        refresh_due(household)


@pytest.mark.parametrize("role", ["supervisor", "leader", "officer"])
def test_every_figure_is_the_length_of_its_list_on_every_level(app, busy, role):
    desk = Desk(app, role)
    for chosen in ("", f"area={TOWNSHIP}&class=dibao_rural", f"area={VILLAGE}", f"area={GRID}&class=none"):
        assert check_figures(desk, f"/coverage?{chosen}")
    with app.app_context():
        overdue = db.session.scalar(select(func.count()).where(Person.due_on < clock.local_date(clock.now())))
    everybody = dict(links_of(desk, f"/coverage?area={TOWNSHIP}"))
    # The failure that matters: somebody overdue whom no figure shows.
    assert everybody[f"/coverage/people?of=overdue&area={TOWNSHIP}"] == overdue == 4
    assert everybody[f"/coverage/people?of=tried&area={TOWNSHIP}"] == 1


def test_nothing_outside_the_readers_areas_is_counted_or_opened(app, busy):
    stranger = Desk(app, "stranger")
    assert {figure for _, figure in links_of(stranger, "/coverage")} == {0}
    for address in ("/coverage", "/coverage/people?of=asked", "/coverage/problems?of=open"):
        joint = "&" if "?" in address else "?"
        assert stranger.get(f"{address}{joint}area={TOWNSHIP}").status_code == 404
    officer = Desk(app, "officer")
    for address in (
        "/coverage/people?of=all",
        "/coverage/problems?of=found&week=2020-01-01",
    ):
        assert officer.get(address).status_code == 404


def test_long_lists_go_township_by_township_without_a_gap(app, county):
    now = clock.now()
    with app.app_context():
        with transaction():
            for number in range(70):
                add_household(make_household(GRID, f"户{number}", ["甲", "乙"]), now)
        with transaction():
            for household in db.session.scalars(select(Household)):
                for person in household.people:
                    person.registered_on = clock.local_date(now) - timedelta(days=3)
                refresh_due(household)
        today = clock.local_date(now)
        for codes in (["23"], ["230183", "230123"], [TOWNSHIP], [VILLAGE, OTHER_VILLAGE]):
            for which in SETS:
                counted = sum(
                    getattr(one, which)
                    for length in {len(code) for code in codes}
                    for one in count_intervals(codes, length, today).values()
                )
                seen: list[str] = []
                for page in range(1, 6):
                    people, has_more = list_people(codes, which, "", today, page)
                    seen += [person.person_uuid for person in people]
                    if not has_more:
                        break
                assert len(seen) == len(set(seen)) == counted


def task_of(city: City, home: str, took_days: float | None) -> str:
    """A problem of that household, solved after so many days, or open."""
    at, task = clock.now(), city.make_task(home)
    if took_days is not None:
        city.at(f"{(at + timedelta(days=took_days)).astimezone(clock.LOCAL):%Y-%m-%d %H:%M}")
        city.step(task, "result")
        city.step(task, "verify")
        city.at(f"{at.astimezone(clock.LOCAL):%Y-%m-%d %H:%M}")
    return task


def test_problems_are_told_by_week_and_what_is_reopened_is_solved_no_more(city: City) -> None:
    home, _ = city.add_household(city.grids[0], ("dibao_rural", ()))
    far, _ = city.add_household(city.grids[2], ("none", ()))
    city.at("2026-03-02 09:00")
    task_of(city, home, 2)
    again = task_of(city, far, 1)
    task_of(city, far, None)
    cancelled = city.make_task(home)
    city.step(cancelled, "cancel")
    city.at("2026-03-11 09:00")
    task_of(city, home, 1.5)
    city.step(again, "reopen")
    moved, _ = city.add_household(city.grids[0], ("none", ()), name="搬")
    city.make_task(moved)
    with city.app.app_context(), transaction():
        reviews.move_household(city.user("desk"), moved, city.grids[4], now=clock.now())
    check_figures(Desk(city.app, "city"), "/coverage")
    with city.app.app_context():
        rollups.fold()
    for name, area in (
        ("province", "23"),
        ("city", COUNTIES[0]),
        (f"county_{COUNTIES[0]}", COUNTIES[0]),
        ("desk", city.grids[0]),
    ):
        check_figures(Desk(city.app, name), f"/coverage?area={area}")
    whole = dict(links_of(Desk(city.app, "city"), "/coverage"))
    assert whole["/coverage/problems?of=found&area=2301"] == 6
    assert whole["/coverage/problems?of=solved&area=2301"] == 2
    assert whole["/coverage/problems?of=open&area=2301"] == 3
    assert whole["/coverage/problems?of=solved&area=2301&week=2026-03-06"] == 1
    page = Desk(city.app, "city").get("/coverage").text
    # Two days and one and a half.
    assert "1.8" in page
    # The county the household moved out of does not read the task any more, and does not count it.
    county = dict(links_of(Desk(city.app, f"county_{COUNTIES[0]}"), "/coverage"))
    assert county[f"/coverage/problems?of=open&area={COUNTIES[0]}"] == 0
    assert county[f"/coverage/problems?of=found&area={COUNTIES[0]}"] == 3


def test_nobody_counts_what_they_may_not_know(app, county):
    now = clock.now()
    with app.app_context(), transaction():
        task = make_task(county)
        task.is_abuse, task.created_at = True, now
    declare(app, county, "leader")
    complaint = complaint_of(app, county)
    with app.app_context():
        assert db.session.get_one(Followup, complaint).is_restricted
    for name, number in (("officer", 2), ("leader", 0), ("stranger", 0)):
        desk = Desk(app, name)
        figures = check_figures(desk, "/coverage")
        assert {figure for link, figure in figures.items() if "of=open" in link} == (
            {number} if number else {0}
        ), name


def test_a_week_is_noted_once_and_missed_ones_are_noted_later(city: City) -> None:
    home, members = city.add_household(city.grids[0], ("dibao_rural", ()))
    city.add_household(city.grids[2], ("none", ()), ("none", ()))
    county = city.grids[2][:6]
    with city.app.app_context():
        assert note_weeks(clock.now()) == 1
        assert note_weeks(clock.now()) == 0
        [first] = db.session.scalars(select(CoverageWeek).where(CoverageWeek.area_code == county))
        # Added on Monday, due since then: on Friday before they were not overdue yet.
        assert (first.week_on, first.asked, first.overdue) == (date(2026, 2, 27), 2, 0)
    now = city.at("2026-03-13 12:01")
    with city.app.app_context():
        assert note_weeks(now) == 2
        assert note_weeks(now) == 0
        noted = db.session.execute(
            select(CoverageWeek.week_on, CoverageWeek.area_code, func.sum(CoverageWeek.overdue))
            .where(func.length(CoverageWeek.area_code) <= 4)
            .group_by(CoverageWeek.week_on, CoverageWeek.area_code)
            .order_by(CoverageWeek.week_on, CoverageWeek.area_code)
        ).all()
        assert [tuple(row) for row in noted if row[2]] == [
            (date(2026, 3, 6), "23", 3),
            (date(2026, 3, 6), "2301", 3),
            (date(2026, 3, 13), "23", 3),
            (date(2026, 3, 13), "2301", 3),
        ]
    city.visit(home, members)
    desk = Desk(city.app, "city")
    page = desk.get("/coverage").text
    assert "补记" in page  # of the week nobody was there to note
    check_figures(desk, "/coverage")


def test_days_that_are_over_are_folded_and_nothing_else_changes(app, busy):
    with app.app_context():
        tomorrow = clock.now() + timedelta(days=1)
        before = count_intervals(["23"], 6, clock.local_date(tomorrow))
        assert list_wrong() == {}
        assert fold_days(clock.local_date(tomorrow)) > 0
        assert fold_days(clock.local_date(tomorrow)) == 0
        assert count_intervals(["23"], 6, clock.local_date(tomorrow)) == before
        fold_tallies()
        assert count_intervals(["23"], 6, clock.local_date(tomorrow)) == before
        days = select(func.count()).where(
            Tally.kind == "person", Tally.key.between("1", str(clock.local_date(tomorrow)))
        )
        assert db.session.scalar(days) == 0
