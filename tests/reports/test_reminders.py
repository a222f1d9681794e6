"""When the report is due, and who is reminded of it."""

from __future__ import annotations

from datetime import date

from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.notices.models import Notice
from fieldapp.reports import actions, rules
from fieldapp.reports.models import ReportSheet
from fieldapp.workdays.queries import get_calendar
from tests.reports.city import City
from tests.reports.spring import W1, W3, W4, A, B, Spring


def test_a_friday_that_is_a_holiday_moves_report_and_reminders(city: City) -> None:
    with city.app.app_context():
        calendar = get_calendar()
        assert rules.report_day(W3, calendar) == W3
        assert rules.report_day(W4, calendar) == date(2026, 5, 6)
        assert [(name, day, at.hour) for name, day, at in rules.list_reminders(W4, calendar)] == [
            ("before", date(2026, 4, 30), 15),
            ("today", date(2026, 5, 6), 12),
        ]


def test_who_has_not_confirmed_is_reminded_once_and_before_time(spring: Spring) -> None:
    city = spring.city
    spring.first_week()
    city.at("2026-04-09 14:59")
    with city.app.app_context():
        assert actions.remind(clock.now()) == 0
        city.at("2026-04-09 15:01")
        assert actions.remind(clock.now()) == 1
        assert actions.remind(clock.now()) == 0
    city.at("2026-04-10 12:30")
    spring.confirm(A, W1)
    with city.app.app_context():
        assert actions.remind(clock.now()) == 1

        told = {
            (notice.user_id, notice.cause)
            for notice in db.session.query(Notice).filter(Notice.cause == "report.today")
        }
        assert (city.users[f"county_{B}"], "report.today") in told
        assert (city.users[f"county_{A}"], "report.today") not in told
        assert db.session.query(ReportSheet).count() == 1
