"""A county confirms, the city gives back, sends and corrects: by whom, when, and upon which figures."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.reports import actions, queries
from fieldapp.screenings.actions import keep_screening
from fieldapp.sweeps.lists import Row as ListRow
from tests.factories import Desk
from tests.reports.city import CITY, PROPER
from tests.reports.spring import ALL, W1, A, B, C, Spring, row_of, week_of


def test_what_is_seen_by_who_reports_is_what_is_confirmed(spring: Spring) -> None:
    city = spring.city
    spring.first_week()
    with city.app.app_context():
        area, week = db.session.get_one(Area, A), week_of(W1)
        seen = queries.digest(queries.read_live(area, week))
    city.void(spring.call)
    with city.app.app_context(), pytest.raises(AppError, match="report_changed"):
        spring.step("confirm", f"county_{A}", seen=seen)


def test_a_county_that_has_its_figures_back_records_and_confirms_anew(spring: Spring) -> None:
    city = spring.city
    spring.first_week()
    spring.confirm(A, W1)
    city.at("2026-04-10 16:00")
    with city.app.app_context(), transaction():
        areas = db.session.get_one(Area, CITY), db.session.get_one(Area, A)
        actions.return_county(city.user("city"), *areas, week_of(W1), reason="少了一户", now=clock.now())
    # It is open again: what was forgotten counts in its own week.
    city.visit(spring.h3, [spring.p4], at=datetime(2026, 4, 9, 9, tzinfo=clock.LOCAL))
    spring.confirm(A, W1)
    sent = spring.report(W1, (B, C, PROPER))
    assert row_of(sent, A).week["persons"] == 3
    with city.app.app_context():
        assert [sheet.number for sheet in queries.list_sheets(A, W1)] == [1, 0]


def test_a_county_that_went_as_not_reported_comes_in_with_a_correction(spring: Spring) -> None:
    spring.first_week()
    sent = spring.report(W1, (A, B, PROPER))
    assert not row_of(sent, C).is_reported
    spring.confirm(C, W1)
    assert spring.correct(W1, "方正补报") == 1
    assert row_of(spring.sheet(W1), C).week["attempts"] == 1


def test_somebody_screened_in_two_counties_counts_once_whoever_else_has_not_reported(spring: Spring) -> None:
    city = spring.city
    spring.first_week()
    with city.app.app_context(), transaction():
        keep_screening(
            city.user("city"),
            "00000000-0000-4000-8000-000000000002",
            CITY,
            "燃气",
            file_name="b.xlsx",
            rows=[ListRow(2, "某", None, None, None, person_uuid=spring.p4, grid_code=spring.grids[B])],
            screened_on=date(2026, 4, 9),
            now=clock.now(),
        )
    sent = spring.report(W1, (A, B, PROPER))
    assert [row_of(sent, code).week["screened"] for code in (A, B, CITY)] == [1, 1, 1]


# Who may do what, and to which area of whose.
TRIES = [
    (name, deed)
    for name in ("desk", f"county_{A}", f"county_{B}", "city", "province")
    for deed in ("confirm", "send", "return", "correct")
]
ALLOWED = {(f"county_{A}", "confirm"), ("city", "send"), ("city", "return"), ("city", "correct")}


@pytest.mark.parametrize(("name", "deed"), TRIES)
def test_each_step_is_taken_by_who_answers_for_it_and_nobody_else(
    spring: Spring, name: str, deed: str
) -> None:
    city = spring.city
    spring.first_week()
    if deed in ("return", "correct"):
        spring.confirm(A, W1)
    if deed == "correct":
        spring.send(W1)
        city.void(spring.plain)

    if (name, deed) in ALLOWED:
        spring.step(deed, name)
    else:
        with pytest.raises(AppError, match="wrong_role"):
            spring.step(deed, name)


@pytest.mark.parametrize(
    ("deed", "state", "code"),
    [
        ("confirm", "running", "week_not_over"),
        ("send", "running", "week_not_over"),
        ("confirm", "sent", "report_locked"),
        ("send", "sent", "report_locked"),
        ("return", "sent", "report_locked"),
        ("return", "open", "report_not_confirmed"),
        ("correct", "open", "report_not_sent"),
        ("correct", "sent", "nothing_to_correct"),
    ],
)
def test_a_step_out_of_turn_is_refused_in_words(spring: Spring, deed: str, state: str, code: str) -> None:
    city = spring.city
    spring.first_week()
    if state == "sent":
        spring.report(W1, ALL)
    if state == "running":
        city.at("2026-04-10 11:59")
    with pytest.raises(AppError, match=code):
        spring.step(deed, f"county_{A}" if deed == "confirm" else "city")


def test_what_was_sent_is_shown_and_what_stands_now_where_it_is_asked_for(spring: Spring) -> None:
    spring.first_week()
    spring.report(W1, ALL)
    spring.city.void(spring.plain)
    desk = Desk(spring.city.app, "city")
    sent, now = (desk.get(f"/reports/{CITY}-{W1}{view}").text for view in ("", "?view=live"))
    assert "（6 人次）" in sent
    assert "出更正表" in sent
    assert "（4 人次）" in now
    # Who confirms sees what is confirmed.
    assert 'name="seen"' not in now
