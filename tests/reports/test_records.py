"""Behind every number stand its records, and nobody reads what is not theirs to read."""

from __future__ import annotations

from fieldapp.core.db import transaction
from fieldapp.reports.layout import COLUMNS
from tests.factories import Desk
from tests.reports.spring import ALL, W1, W2, A, B, Spring


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
