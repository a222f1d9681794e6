"""Behind every number stand its records, and nobody reads what is not theirs to read."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.reports import records, routes
from fieldapp.reports.layout import COLUMNS
from fieldapp.reports.queries import read_live
from fieldapp.rollups.queries import get_week
from fieldapp.visits.models import Visit
from tests.factories import Desk
from tests.reports.city import City
from tests.reports.spring import ALL, W1, W2, W3, A, B, Spring


def test_every_number_opens_its_records(spring: Spring) -> None:
    spring.first_week()
    spring.report(W1, ALL)
    spring.second_week()
    desk = Desk(spring.city.app, "city")
    for row, parts in spring.SECOND.items():
        for part, figures in parts.items():
            for column in figures.keys() & COLUMNS.keys():
                page = desk.get(f"/reports/{row}-{W2}/records/{part}/{column}")
                assert page.status_code == 200
                assert 'class="task-row"' in page.text, (row, part, column)
    # Outside their county nobody reads anything.
    other = Desk(spring.city.app, f"county_{B}")
    assert other.get(f"/reports/{A}-{W2}/records/week/persons").status_code == 404
    assert other.get(f"/reports/{A}-{W2}").status_code == 404


def test_what_is_opened_again_stands_in_one_state_alone(city: City) -> None:
    home, _ = city.add_household(city.grids[0], ("none", ()))
    county, later = city.grids[0][:6], "2026-03-13"
    kept, back, both = (city.make_task(home) for _ in range(3))
    for task in (kept, back):
        city.step(task, "result")
        city.step(task, "verify")
    city.step(both, "cancel")
    city.step(both, "reopen")
    city.at("2026-03-10 09:00")
    city.step(back, "reopen")
    desk = Desk(city.app, f"county_{county}")

    def behind(week: str, part: str, column: str) -> list[tuple[str, bool]]:
        page = desk.get(f"/reports/{county}-{week}/records/{part}/{column}").text
        rows = re.findall(r'<li class="task-row">.*?</li>', page, re.S)
        found = [(re.search(r"/followups/([0-9a-f-]{36})", row), "重新打开" in row) for row in rows]
        return sorted((link[1], is_back) for link, is_back in found if link)

    first = "2026-03-06"
    assert behind(first, "week", "solved") == sorted([(kept, False), (back, False)])
    assert behind(later, "week", "solved") == [(back, True)]
    assert behind(later, "total", "solved") == [(kept, False)]
    assert behind(first, "week", "unfounded") == behind(later, "total", "unfounded") == []
    assert behind(first, "total", "open") == [(both, False)]
    assert behind(later, "total", "open") == sorted([(back, False), (both, False)])
    assert behind(later, "total", "found") == sorted((task, False) for task in (kept, back, both))
    # The figures are those of the lists, what was opened again taken off.
    with city.app.app_context():
        now = clock.now()
        live = read_live(db.session.get_one(Area, county), get_week(now)).sum
        assert (live.week["solved"], live.total["solved"], live.total["open"]) == (-1, 1, 2)


def test_a_task_referred_twice_counts_twice_and_stands_twice_in_the_list(city: City) -> None:
    home, _ = city.add_household(city.grids[0], ("none", ()))
    county, later = city.grids[0][:6], "2026-03-13"
    task = city.make_task(home)
    for refused_at in ("2026-03-03 09:00", "2026-03-10 09:00"):
        referral = city.refer(task)
        city.at(refused_at)
        city.answer_referral(referral, "refused")
    city.refer(task)
    desk = Desk(city.app, f"county_{county}")

    def behind(week: str, part: str) -> list[str]:
        page = desk.get(f"/reports/{county}-{week}/records/{part}/referrals").text
        rows = re.findall(r'<li class="task-row">.*?</li>', page, re.S)
        assert all(task in row for row in rows)
        assert f"这个数字来自 {len(rows)} 次转介" in page
        return [re.findall(r"(\d+)日", row)[-1] for row in rows]

    assert behind("2026-03-06", "week") == ["3", "2"]
    assert behind(later, "week") == ["10"]
    assert behind(later, "total") == ["10", "3", "2"]
    with city.app.app_context():
        live = read_live(db.session.get_one(Area, county), get_week(clock.now())).sum
        assert (live.week["referrals"], live.total["referrals"]) == (1, 3)


def test_of_a_restricted_tag_the_number_is_known_and_not_who(spring: Spring) -> None:
    city = spring.city
    home, members = city.add_household(city.grids[0], ("none", ("mental_disorder",)))
    city.at("2026-04-07 10:00")
    city.visit(home, members)
    address = f"/reports/{A}-{W1}/records/week/tag_mental_disorder"
    desk = Desk(city.app, f"county_{A}")
    assert address not in desk.get(f"/reports/{A}-{W1}").text
    assert desk.get(address).status_code == 404
    with city.app.app_context(), transaction():
        city.user(f"county_{A}").sees_restricted = True
    assert address in desk.get(f"/reports/{A}-{W1}").text
    assert desk.get(address).status_code == 200


@pytest.mark.parametrize("few", [0, 500])
def test_records_of_a_year_are_found_in_the_weeks_that_counted_any(
    spring: Spring, monkeypatch, few: int
) -> None:
    """The newest weeks are looked through first, the others when there is too little in them; where few were counted, the
    counties in which they were.
    """
    monkeypatch.setattr(records, "_FEW", few)
    monkeypatch.setattr(records, "_RECENT", timedelta(weeks=1))
    for module in (records, routes):
        monkeypatch.setattr(module, "MOST_COUNTED", 1)
    monkeypatch.setattr(records, "PAGE_ROWS", 1)
    monkeypatch.setattr(records, "_AMPLE", 1)
    city = spring.city
    home, members = city.add_household(city.grids[0], ("dibao_rural", ()))
    for day in ("2026-04-07", "2026-04-14", "2026-04-21"):
        city.at(f"{day} 10:00")
        city.visit(home, members)
    with city.app.app_context():
        visits = list(db.session.scalars(select(Visit.visit_uuid).order_by(Visit.finished_at.desc())))
    desk = Desk(city.app, "city")
    address = f"/reports/{A}-{W3}/records/total/class_dibao_rural"
    pages = [desk.get(f"{address}?page={page}").text for page in (1, 2, 3)]
    assert [re.findall(r'href="/reviews/([0-9a-f-]{36})"', page) for page in pages] == [
        [one] for one in visits
    ]
    assert all("超过 1 条" in page for page in pages)
    # A column in which none of the weeks counted anything has no records, without a look at any visit.
    assert "task-row" not in desk.get(f"/reports/{A}-{W3}/records/total/class_dibao_urban").text
