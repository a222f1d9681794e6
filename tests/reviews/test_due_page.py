"""Who is due, at the desk: figures from area to area, the people by name, what was tried, nobody's sums."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from fieldapp.areas.actions import add_grid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people import actions, area_queries, due_queries
from fieldapp.people.models import Person
from fieldapp.users.actions import add_user
from tests.factories import GRID, HOME, OTHER_GRID, PASSWORD, TOWNSHIP, VILLAGE, Desk, Phone, make_household


def see(person_uuid: str, days_ago: int) -> None:
    with transaction():
        person = db.session.get_one(Person, person_uuid)
        at = clock.now() - timedelta(days=days_ago)
        actions.set_contacts(person.household, {person_uuid: [(at, False)]})


def add(grid: str, name: str, days_ago: int, north: float = 0) -> str:
    """A household of one person at high risk, last seen so many days ago."""
    household = make_household(grid, name, [name])
    household.lat = HOME[0] + north
    with transaction():
        actions.add_household(household, clock.now())
    see(household.people[0].person_uuid, days_ago)
    return household.household_uuid


@pytest.fixture
def overdue(app, county):
    """Three weeks, ten days and one day ago in the first grid; another one in the second."""
    with app.app_context():
        for person_uuid in county.person_uuids:
            see(person_uuid, 1)
        see(county.other_person_uuid, 10)
        add(GRID, "王桂兰", 10)
        add(GRID, "李德福", 21)
    return county


def rows_of(page: str) -> dict[str, tuple[int, int]]:
    found = re.findall(
        r'<th scope="row"><a[^>]*>([^<]+)</a></th>\s*<td[^>]*>(\d+)</td>\s*<td[^>]*>(\d+)', page
    )
    return {name: (int(late), int(soon)) for name, late, soon in found}


def test_figures_lead_from_the_county_to_the_grid_and_there_to_the_names(app, overdue):
    desk = Desk(app, "officer")
    page = desk.get("/due").text
    assert (2 + 1, 1) in rows_of(page).values()
    assert "李德福" not in page
    page = desk.get(f"/due?area={TOWNSHIP}").text
    assert sorted(row for row in rows_of(page).values() if row != (0, 0)) == [(1, 0), (2, 1)]
    page = desk.get(f"/due?area={VILLAGE}").text
    assert rows_of(page) == {"第1网格": (2, 1)}
    page = desk.get(f"/due?area={GRID}").text
    # The longest overdue first.
    assert page.index("李德福") < page.index("王桂兰")
    assert "14 天" in page
    assert "测试worker" in page
    assert "陈立国" not in page
    assert "刘玉珍" not in page
    assert "刘玉珍" in desk.get(f"/due?area={GRID}&view=week").text


def test_who_is_overdue_in_a_household_stands_by_name(app, overdue):
    with app.app_context():
        see(overdue.person_uuids[1], 9)
    page = Desk(app).get(f"/due?area={GRID}").text
    assert "刘小宝" in page
    assert "刘玉珍" not in page


def test_what_was_tried_since_stands_beside_the_name_until_somebody_is_reached(app, overdue):
    phone = Phone(app, overdue)
    with app.app_context():
        for person_uuid in overdue.person_uuids:
            see(person_uuid, 20)
    for outcome in ("refused", "not_reached"):
        body = phone.visit({"reached": outcome}, outcome=outcome)
        assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    page = Desk(app).get(f"/due?area={GRID}").text
    assert "未联系上" in page
    assert "2 次" in page
    body = phone.visit(people=overdue.person_uuids)
    phone.push(phone.op("visit.submit", body))
    page = Desk(app).get(f"/due?area={GRID}").text
    assert "未联系上" not in page


def test_nothing_due_is_good_news_and_elsewhere_is_nothing(app, county):
    with app.app_context():
        for person_uuid in (*county.person_uuids, county.other_person_uuid):
            see(person_uuid, 0)
    desk = Desk(app)
    assert "没有超期的家庭" in desk.get(f"/due?area={TOWNSHIP}").text
    assert desk.get("/due?area=230183101").status_code == 404
    assert desk.get("/due?area=99").status_code == 404
    assert desk.get("/due?area=%27").status_code == 404


def test_grids_of_a_village_could_help_each_other(app, county):
    with app.app_context():
        with transaction():
            add_grid(VILLAGE + "002", "第9网格")
        for number in range(12):
            add(GRID, f"户{number}", 6, north=number / 1000)
        add(VILLAGE + "002", "远", 0, north=0.012)

    def read(area: str) -> str:
        """The page itself: its menu has the same word for something else."""
        return Desk(app).get(f"/due/suggestions?area={area}").text.partition("<main")[2]

    # Nobody works there who could help.
    assert "建议" not in read(VILLAGE)
    with app.app_context(), transaction():
        add_user("helper", PASSWORD, "帮手", "worker", [VILLAGE + "002"], actor=None, now=clock.now())
    page = read(VILLAGE)
    assert "第1网格" in page
    assert "第9网格" in page
    assert "建议" in page
    assert "户11" in page
    assert "建议" in read(TOWNSHIP)
    assert "建议" not in read(GRID)


def test_long_lists_come_in_pages_and_miss_nobody(app, county):
    with app.app_context(), transaction():
        for number in range(60):
            household = make_household(OTHER_GRID, f"户{number:02}", [f"户{number:02}"])
            actions.add_household(household, clock.now() - timedelta(days=30))
    desk = Desk(app)
    names: list[str] = []
    for page in (1, 2):
        names += re.findall(r"户\d\d", desk.get(f"/due?area={OTHER_GRID}&page={page}").text)
    assert len(set(names)) == 60


def test_figures_and_names_are_read_from_an_index(app, county):
    with app.app_context():
        today = clock.local_date(clock.now())
        is_postgres = db.engine.dialect.name == "postgresql"
        said: list[str] = []

        def explain(_connection, cursor, statement, parameters, *_more) -> None:
            if "FROM households" in statement or "FROM tallies" in statement:
                cursor.execute(("EXPLAIN " if is_postgres else "EXPLAIN QUERY PLAN ") + statement, parameters)
                said.append(" ".join(str(row) for row in cursor.fetchall()))

        if is_postgres:
            # A table of two rows is read whole; at two million that is not the question.
            db.session.execute(text("SET enable_seqscan = off"))
        event.listen(db.engine, "before_cursor_execute", explain)
        try:
            due_queries.count_due(["23"], 4, today)
            area_queries.count_by_area(["2301"], 9, today)
            due_queries.count_due([TOWNSHIP], 12, today)
            due_queries.list_due([TOWNSHIP], today)
        finally:
            event.remove(db.engine, "before_cursor_execute", explain)
        assert len(said) == 5
        assert all("tallies" in plan for plan in said[:3]), said
        assert all("ix_households_grid_due" in plan for plan in said[3:]), said
        assert not any("Seq Scan" in plan or re.search("SCAN (?!.*USING)", plan) for plan in said), said
