"""The calendar: which days are worked, how deadlines count them, and who may change it."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.workdays import queries
from fieldapp.workdays.actions import seed_days
from fieldapp.workdays.models import CalendarDay
from tests.factories import Desk
from tests.followups.test_pages import words_of


@pytest.mark.parametrize(
    ("day", "is_working"),
    [
        ("2026-11-27", True),  # a Friday
        ("2026-11-28", False),  # a Saturday
        ("2026-10-01", False),  # National Day, a Thursday
        ("2026-10-10", True),  # a Saturday worked for it
        ("2026-02-23", False),  # the last Monday of the Spring Festival
        ("2026-02-24", True),
        ("2026-01-04", True),  # a Sunday worked for New Year
        ("2027-02-08", False),
    ],
)
def test_day_is_worked_as_the_state_council_arranged_it(app, day, is_working):
    with app.app_context():
        assert queries.is_working_day(date.fromisoformat(day)) is is_working


@pytest.mark.parametrize(
    ("day", "number", "last"),
    [
        ("2026-11-27", 0, "2026-11-27"),
        ("2026-11-27", 1, "2026-11-30"),  # over a weekend
        ("2026-11-28", 1, "2026-11-30"),  # from a weekend
        ("2026-11-23", 10, "2026-12-07"),
        ("2026-09-30", 1, "2026-10-08"),  # over National Day
        ("2026-09-30", 3, "2026-10-10"),  # the Saturday worked for it counts
        ("2026-02-13", 1, "2026-02-14"),  # a Saturday worked before the Spring Festival
        ("2026-02-14", 1, "2026-02-24"),
        ("2026-12-31", 1, "2027-01-04"),
    ],
)
def test_deadline_counts_worked_days_only(app, day, number, last):
    with app.app_context():
        assert queries.add_working_days(date.fromisoformat(day), number) == date.fromisoformat(last)


def test_administrator_moves_days_and_everybody_at_the_desk_reads_them(app, county):
    admin = Desk(app, "admin")
    fields = {"first": "2027-02-13", "last": "2027-02-14", "is_working": "yes", "name": "春节"}
    assert admin.post("/calendar", **fields).status_code == 303
    page = words_of(Desk(app).get("/calendar?year=2027"))
    assert "2027年2月14日 周日 春节 上班" in page
    with app.app_context():
        assert queries.is_working_day(date(2027, 2, 14))
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "calendar.set")).one()
        assert entry.values == {"until": "2027-02-14", "is_working": True, "name": "春节"}
    assert admin.post("/calendar/forget", day="2027-02-14").status_code == 303
    assert admin.post("/calendar/forget", day="2027-02-14").status_code == 404
    with app.app_context():
        assert not queries.is_working_day(date(2027, 2, 14))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"last": "2026-12-31"}, "最后一天不能早于第一天"),
        ({"last": "2027-12-31"}, "最多填 31 天"),
        ({"first": ""}, "请选择日期"),
        ({"first": "0027-01-01", "last": ""}, "请核对年份"),
        ({"name": " "}, "请填写"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(app, county, wrong, said):
    fields = {"first": "2027-01-02", "last": "2027-01-03", "is_working": "no", "name": "元旦"}
    answer = Desk(app, "admin").post("/calendar", **{**fields, **wrong})
    assert answer.status_code == 422
    assert said in words_of(answer)
    with app.app_context():
        assert db.session.get(CalendarDay, date(2027, 1, 2)) is None


def test_new_version_brings_days_of_years_that_nobody_has_changed(app, county):
    admin = Desk(app, "admin")
    admin.post("/calendar/forget", day="2026-10-10")
    with app.app_context(), transaction():
        db.session.delete(db.session.get_one(CalendarDay, date(2027, 5, 1)))
    with app.app_context(), transaction():
        seed_days()
    with app.app_context():
        assert db.session.get(CalendarDay, date(2026, 10, 10)) is None
        assert db.session.get_one(CalendarDay, date(2027, 5, 1)).name == "劳动节"
