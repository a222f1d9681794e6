"""When weeks end: set for weeks to come, without a gap, and what was reported stays where it is."""

from __future__ import annotations

import itertools
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.weeks import SHIPPED, change_after, week_of
from fieldapp.reports import queries
from fieldapp.rollups import actions, queries as rollups
from fieldapp.rollups.models import WeekCut
from tests.factories import Desk
from tests.followups.test_pages import words_of
from tests.imports.rosters import find_user

# A Monday.
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=clock.LOCAL)


@pytest.mark.parametrize("weekday", range(7))
@pytest.mark.parametrize("at", [time(0), time(12), time(23, 30)])
def test_weeks_follow_each_other_without_a_gap_and_the_first_is_no_shorter_than_four_days(weekday, at):
    running = week_of(NOW)
    cuts = (*SHIPPED, change_after(running, weekday, at))
    weeks = [week_of(NOW - timedelta(days=21), cuts)]
    while len(weeks) < 10:
        weeks.append(week_of(weeks[-1].ends_at, cuts))
    for before, week in itertools.pairwise(weeks):
        assert week.begins_at == before.ends_at
    over = [week for week in weeks if week <= running]
    assert over == [week_of(week.begins_at) for week in over]
    changed = [week for week in weeks if week > running]
    assert {(week.ends_on.weekday(), week.ends_at.timetz().replace(tzinfo=None)) for week in changed} == {
        (weekday, at)
    }
    assert (
        timedelta(days=3, hours=12)
        <= changed[0].ends_at - changed[0].begins_at
        <= timedelta(days=10, hours=12)
    )
    assert all(week.ends_at - week.begins_at == timedelta(days=7) for week in changed[1:])


def set_cut(after: date, weekday: int, at: time, *, by: str = "admin", now: datetime = NOW) -> None:
    with transaction():
        actions.set_cut(find_user(by), after, weekday, at, now)


def ends(now: datetime = NOW) -> list[str]:
    return [f"{week.ends_at:%m-%d %H:%M}" for week in queries.list_weeks_ahead(now)][:4]


def test_a_change_holds_for_weeks_to_come_and_a_later_one_takes_its_place(app, county):
    with app.app_context():
        before = [week.ends_on for week in queries.list_weeks(NOW)]
        set_cut(date(2026, 12, 11), 3, time(17, 30))
        assert ends() == ["12-04 12:00", "12-11 12:00", "12-17 17:30", "12-24 17:30"]
        # The one that waits is given up.
        set_cut(date(2026, 12, 4), 2, time(10))
        assert ends() == ["12-04 12:00", "12-09 10:00", "12-16 10:00", "12-23 10:00"]
        assert [week.ends_on for week in queries.list_weeks(NOW)] == before
        # Once it is in force, what it has ended stays.
        later = NOW + timedelta(days=18)
        set_cut(date(2026, 12, 23), 4, time(12), now=later)
        assert ends(later) == ["12-23 10:00", "01-01 12:00", "01-08 12:00", "01-15 12:00"]
        assert rollups.find_week(date(2026, 12, 9)) is not None
        assert [cut.weekday for cut in db.session.scalars(select(WeekCut).order_by(WeekCut.from_on))] == [
            2,
            4,
        ]
        noted = select(AuditEntry.values).where(AuditEntry.action == "calendar.cut").order_by(AuditEntry.id)
        assert db.session.scalars(noted).first() == {"after": "2026-12-11", "weekday": 3, "time": "17:30"}


@pytest.mark.parametrize(
    ("after", "weekday", "at", "by", "code"),
    [
        (date(2026, 11, 27), 3, time(12), "admin", "cut_not_ahead"),  # is over
        (date(2026, 12, 5), 3, time(12), "admin", "cut_not_ahead"),  # no week ends then
        (date(2026, 12, 4), 4, time(12), "admin", "cut_same"),
        (date(2026, 12, 4), 3, time(12), "officer", "wrong_role"),
    ],
)
def test_what_is_over_never_moves(app, county, after, weekday, at, by, code):
    with app.app_context(), pytest.raises(AppError) as refused:
        set_cut(after, weekday, at, by=by)
    assert refused.value.code == code


def test_the_page_shows_and_sets_it(app, county):
    admin = Desk(app, "admin")
    page = words_of(admin.get("/calendar/weeks"))
    assert "最初：周五 12:00" in page
    with app.app_context():
        ahead = queries.list_weeks_ahead(clock.now())
    fields = {"weekday": "3", "at": "17:30", "after": ahead[1].ends_on.isoformat()}
    assert admin.post("/calendar/weeks", **{**fields, "at": ""}).status_code == 422
    assert admin.post("/calendar/weeks", **{**fields, "after": "2020-01-03"}).status_code == 422
    assert admin.post("/calendar/weeks", **fields).status_code == 303
    assert admin.post("/calendar/weeks", **fields).status_code == 303
    seen = words_of(Desk(app, "officer").get("/calendar/weeks"))
    assert "周四 17:30" in seen
    assert "自此周结束后起" not in seen
    assert 'href="/calendar/weeks"' in admin.get("/calendar").text
