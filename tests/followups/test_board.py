"""The board: the list of follow-ups by when they are due, with the same tasks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups import queries, referral_actions as referrals
from fieldapp.followups.models import Followup
from fieldapp.followups.queries import BOARD_ROWS, DUES, FollowupFilter
from tests.factories import TOWNSHIP, Desk
from tests.followups.test_actions import actor, make_task
from tests.followups.test_referrals import PROVIDER
from tests.followups.test_who_may_know import complaint_of, declare
from tests.statements import noted

COLUMN = re.compile(r'<section class="board-column due-(\w+)".*?</section>', re.DOTALL)
TASK = re.compile(r'href="/followups/([0-9a-f-]{36})"')
# Ten in the morning at Beijing, a Wednesday.
NOW = datetime(2026, 12, 2, 2, tzinfo=UTC)


def columns_of(desk: Desk, query: str = "") -> dict[str, list[str]]:
    """The tasks of each column by the keys in its links."""
    page = desk.get(f"/followups/board{query}").text
    return {found[1]: TASK.findall(found[0]) for found in COLUMN.finditer(page)}


def make_due(county, due_at: datetime, **values) -> str:
    task = make_task(county, **values)
    task.due_at = due_at
    return task.followup_id


@pytest.mark.parametrize(
    ("due_at", "column"),
    [
        (NOW - timedelta(seconds=1), "late"),
        (NOW, "today"),
        (datetime(2026, 12, 2, 15, 59, 59, tzinfo=UTC), "today"),
        (datetime(2026, 12, 2, 16, tzinfo=UTC), "week"),
        (datetime(2026, 12, 8, 15, 59, 59, tzinfo=UTC), "week"),
        (datetime(2026, 12, 8, 16, tzinfo=UTC), "later"),
    ],
)
def test_column_goes_by_the_day_at_beijing(app, county, due_at, column):
    with app.app_context(), transaction():
        make_due(county, due_at)
        board = queries.list_board(actor(county), FollowupFilter(), NOW)
    assert [one.due for one in board if one.count] == [column]


def test_task_at_an_outside_body_stands_there_however_late_and_a_done_one_nowhere(app, county):
    now = clock.now()
    with app.app_context(), transaction():
        provider = referrals.add_provider(actor(county, "officer"), TOWNSHIP, PROVIDER, now)
        referred = make_due(county, now + timedelta(days=1), type="temporary_care")
        referrals.refer_followup(actor(county), referred, provider.id, text="请安排", now=now)
        db.session.execute(update(Followup).values(due_at=now - timedelta(days=3)))
        late = make_due(county, now - timedelta(hours=1))
        done = make_due(county, now - timedelta(hours=1))
        db.session.execute(update(Followup).where(Followup.followup_id == done).values(state="done"))
    columns = columns_of(Desk(app))
    assert tuple(columns) == DUES
    assert {column: ids for column, ids in columns.items() if ids} == {"late": [late], "outside": [referred]}


def test_column_shows_its_first_and_links_to_the_list_of_all(app, county):
    now = clock.now()
    with app.app_context(), transaction():
        many = {make_due(county, now - timedelta(hours=hour)) for hour in range(1, BOARD_ROWS + 3)}
        red = make_due(county, now - timedelta(minutes=1), severity="red")
        make_due(county, now + timedelta(days=30))
    desk = Desk(app)
    with noted() as of_list:
        desk.get("/followups")
    with noted() as of_board:
        columns = columns_of(desk)
    assert len(of_board) <= len(of_list)
    assert columns["late"][0] == red
    assert len(columns["late"]) == BOARD_ROWS
    assert f"<small>{BOARD_ROWS + 3}</small>" in desk.get("/followups/board").text
    assert set(TASK.findall(desk.get("/followups?due=late").text)) == many | {red}
    assert columns_of(desk, "?severity=red")["late"] == [red]


def test_board_shows_nobody_what_the_list_hides(app, county):
    now = clock.now()
    with app.app_context(), transaction():
        hidden = make_due(county, now - timedelta(hours=1))
        db.session.execute(update(Followup).values(is_abuse=True))
    declare(app, county, "leader")
    complaint = complaint_of(app, county)
    for name in ("supervisor", "leader", "officer", "stranger"):
        desk = Desk(app, name)
        on_board = {id_ for ids in columns_of(desk).values() for id_ in ids}
        assert on_board == set(TASK.findall(desk.get("/followups").text)), name
        assert (hidden in on_board, complaint in on_board) == {
            "supervisor": (True, True),
            "leader": (False, False),
            "officer": (True, True),
            "stranger": (False, False),
        }[name]
