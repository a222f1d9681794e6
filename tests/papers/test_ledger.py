"""台账 of a grid: its rows, its totals, the visits behind each figure, and the same as a workbook."""

from __future__ import annotations

import html
import io
import re
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest
from sqlalchemy import select

from fieldapp.areas import queries as areas
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.papers.ledger import FIGURES, Month, make_ledger, read_month
from fieldapp.people import actions as people, queries as people_queries
from fieldapp.people.models import Household, Person
from fieldapp.reviews import merge_actions
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit
from tests.factories import GRID, OTHER_GRID, Desk, Phone, make_household, text_of

TODAY = clock.local_date(clock.now())
# The month before this one: all of it is over.
LAST = Month(TODAY.replace(day=1)).before
CALM = {"reached": "reached", "home": {"food_days": "ten_plus", "medicine": "enough"}}
HUNGRY = {"reached": "reached", "home": {"food_days": "lt3", "medicine": "enough"}}
NOBODY = {"reached": "not_reached"}
EVIL = '=HYPERLINK("http://evil.example","点我")'


def noon(day: date) -> str:
    return text_of(datetime.combine(day, time(12), clock.LOCAL))


@pytest.fixture
def phone(app, county) -> Phone:
    """A phone whose worker, and whose household, were there for half a year."""
    long_ago = clock.now() - timedelta(days=200)
    with app.app_context(), transaction():
        people.add_household(make_household(GRID, EVIL, ["无人走访"]), clock.now())
        db.session.flush()
        for held in db.session.scalars(select(UserScope)):
            held.starts_at = long_ago
        for person in db.session.scalars(select(Person)):
            person.registered_on = clock.local_date(long_ago)
    return Phone(app, county)


def submit(phone, day, answers=CALM, **more) -> str:
    body = phone.visit(answers, started_at=noon(day), finished_at=noon(day), **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return str(body["visit_uuid"])


@pytest.fixture
def month(phone) -> dict[str, str]:
    """A month with two visits, an attempt, a voided visit, and one of another month."""
    first = LAST.first
    return {
        "calm": submit(phone, first + timedelta(days=2)),
        "hungry": submit(phone, first + timedelta(days=4), HUNGRY, method="phone"),
        "nobody": submit(phone, first + timedelta(days=6), NOBODY, outcome="not_reached"),
        "before": submit(phone, first - timedelta(days=1)),
    }


def words_of(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_rows_tell_the_month_and_the_totals_are_their_sums(app, county, month):
    Desk(app).post(f"/reviews/{month['calm']}/void", revision=1, reason="记错了户")
    with app.test_request_context():
        ledger = make_ledger(areas.get_area(GRID), LAST, TODAY)
        row = next(row for row in ledger.rows if row.household.name == "刘玉珍")
        assert [entry.visit_uuid for entry in row.reached] == [month["hungry"]]
        assert [entry.visit_uuid for entry in row.tried] == [month["nobody"]]
        assert row.workers == ["测试worker"]
        assert row.problems
        assert (row.handled, len(row.open)) == ([], len(row.problems))
        for name in FIGURES:
            assert ledger.totals[name] == sum(len(getattr(each, name)) for each in ledger.rows)
        assert ledger.totals["reached"] == 1
        assert ledger.totals["tried"] == 1
        # A household of another grid is in another ledger.
        assert "陈立国" not in [each.household.name for each in ledger.rows]


def test_who_was_overdue_at_the_end_of_the_month_is_named(app, county, month):
    with app.test_request_context():
        missed = {name for row in make_ledger(areas.get_area(GRID), LAST, TODAY).rows for name in row.missed}
        # Seen on the 5th, every seven days; the other one was never seen.
        assert {"刘玉珍", "刘小宝"} <= missed
    with app.app_context(), transaction():
        for person in db.session.scalars(select(Person)):
            person.risk = "low"
            person.main_class = "none"
            person.tags.clear()
    with app.test_request_context():
        missed = {name for row in make_ledger(areas.get_area(GRID), LAST, TODAY).rows for name in row.missed}
        assert "刘玉珍" not in missed
        assert "刘小宝" in missed


def test_every_figure_opens_the_visits_behind_it(app, county, month):
    desk = Desk(app)
    page = f"/areas/{GRID}/ledger?month={LAST}"
    answer = desk.get(page)
    links = {
        html.unescape(address): int(count)
        for address, count in re.findall(r'<a href="([^"]*show=[^"]*)#behind">(\d+)</a>', answer.text)
    }
    assert links
    for address, count in links.items():
        behind = re.search(
            r'<section class="card no-print" id="behind">.*?</section>', desk.get(address).text, re.S
        )[0]
        assert behind.count("<li>") == count, address
    reached = re.search(r'id="behind".*?</section>', desk.get(f"{page}&show=reached").text, re.S)[0]
    assert month["calm"] in reached
    assert month["hungry"] in reached
    assert month["before"] not in reached


def test_problem_is_settled_once_its_task_is_closed(app, county, month):
    desk = Desk(app)
    with app.test_request_context():
        [problem] = [
            problem
            for row in make_ledger(areas.get_area(GRID), LAST, TODAY).rows
            for problem in row.problems
            if "粮油" in problem.text
        ]
        assert problem.is_open
    with app.app_context():
        task_id = db.session.scalars(select(Followup.followup_id)).first()
    assert desk.post(f"/followups/{task_id}/cancel", reason="已由亲属送来").status_code == 303
    with app.test_request_context():
        [problem] = [
            problem
            for row in make_ledger(areas.get_area(GRID), LAST, TODAY).rows
            for problem in row.problems
            if "粮油" in problem.text
        ]
        assert not problem.is_open


def test_household_that_moved_is_in_the_ledgers_of_both_grids(app, county, month):
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        people.move_household(supervisor, county.household_uuid, OTHER_GRID, clock.now())
    this = Month(TODAY.replace(day=1))
    with app.test_request_context():
        names = {
            grid: [row.household.name for row in make_ledger(areas.get_area(grid), this, TODAY).rows]
            for grid in (GRID, OTHER_GRID)
        }
        assert "刘玉珍" in names[GRID]
        assert "刘玉珍" in names[OTHER_GRID]
        # What was visited before counts where it was.
        then = make_ledger(areas.get_area(GRID), LAST, TODAY)
        assert then.totals["reached"] == 2
        assert "刘玉珍" not in [
            row.household.name for row in make_ledger(areas.get_area(OTHER_GRID), LAST, TODAY).rows
        ]


def test_workbook_holds_the_same_rows_and_totals_and_no_formula(app, county, month):
    answer = Desk(app).get(f"/areas/{GRID}/ledger.xlsx?month={LAST}")
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    header, body, total = rows[0], rows[1:-1], rows[-1]
    assert EVIL in [row[1] for row in body]
    assert all(cell.data_type in "sn" for row in sheet.iter_rows() for cell in row)
    for column, name in enumerate(header):
        if name in ("人数", "走访次数", "未见到次数", "问题数", "已办结", "在办", "到期未见到人数"):
            assert total[column] == sum(int(str(row[column])) for row in body), name
    assert total[1] == len(body)
    assert total[header.index("走访次数")] == 2
    with app.app_context():
        trace = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "ledger.export")).one()
        assert trace.values == {"month": str(LAST)}


def test_page_of_a_month_that_is_none_or_to_come_is_this_months(app, county):
    desk = Desk(app)
    this = str(Month(TODAY.replace(day=1)))
    for month in ("", "x", "2026-13", "9999-12", "0000-00"):
        assert f"· {this}" in words_of(desk.get(f"/areas/{GRID}/ledger?month={month}"))
    assert read_month("2024-02", date(2026, 11, 20)).last == date(2024, 2, 29)


def test_empty_grid_says_so_and_what_is_no_grid_has_no_ledger(app, county):
    desk = Desk(app)
    assert "那个月这个网格没有家庭" in words_of(desk.get(f"/areas/{GRID}/ledger?month=2001-01"))
    assert desk.get(f"/areas/{GRID[:12]}/ledger").status_code == 404
    assert Desk(app, "stranger").get(f"/areas/{GRID}/ledger").status_code == 404


def test_typed_visit_is_marked_in_the_ledger(app, county, month):
    with app.app_context(), transaction():
        db.session.get_one(Visit, month["calm"]).entered_by = county.users["supervisor"]
    assert "入户 (代录)" in words_of(Desk(app).get(f"/areas/{GRID}/ledger?month={LAST}"))


def test_household_whose_people_died_keeps_its_row_for_the_month(app, county, month):
    with app.app_context(), transaction():
        household = db.session.get_one(Household, county.household_uuid)
        for person in household.people:
            person.died_on = LAST.last
    with app.test_request_context():
        assert "刘玉珍" in [row.household.name for row in make_ledger(areas.get_area(GRID), LAST, TODAY).rows]
        after = make_ledger(areas.get_area(GRID), Month(TODAY.replace(day=1)), TODAY)
        assert "刘玉珍" not in [row.household.name for row in after.rows]


def test_visits_to_an_entry_that_was_merged_stand_with_the_household_that_is_left(app, county, month):
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        twin = make_household(GRID, "刘玉珍家", ["刘玉珍"])
        people.add_household(twin, clock.now())
        db.session.flush()
        pair = (twin.household_uuid, county.household_uuid)
        seen = (people_queries.last_change(pair[0]), people_queries.last_change(pair[1]))
        merge_actions.merge(supervisor, "household", *pair, (), seen, clock.now())
    with app.test_request_context():
        ledger = make_ledger(areas.get_area(GRID), LAST, TODAY)
        assert ledger.totals["reached"] == 2
        [row] = [row for row in ledger.rows if row.reached]
        assert row.household.name == "刘玉珍家"
