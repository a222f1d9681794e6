"""Every cell of four weeks' reports is as it was worked out by hand (spring.py)."""

from __future__ import annotations

from datetime import datetime

from fieldapp.core import clock
from fieldapp.reports import rules
from fieldapp.reports.recount import list_wrong
from tests.reports.city import PROPER
from tests.reports.spring import ALL, W1, W2, W3, W4, A, B, Spring, check, row_of


def test_every_cell_of_four_weeks_is_as_worked_out_by_hand(spring: Spring) -> None:
    city = spring.city
    spring.first_week()
    first = spring.report(W1, ALL)
    # Nothing was before: what is so in this week is so in all.
    check(first, {code: {**parts, "total": parts["week"]} for code, parts in spring.FIRST.items()})
    assert first.repeated == (0, 0)

    spring.second_week()
    second = spring.report(W2, (A, B, PROPER))
    check(second, spring.SECOND)
    assert second.repeated == (1, 1)

    # After that the first week is corrected: one of its calls was never made. Nothing changes silently.
    city.void(spring.call)
    check(spring.sheet(W1), {code: {**parts, "total": parts["week"]} for code, parts in spring.FIRST.items()})
    assert spring.correct(W1, "电话没有打通") == 1
    corrected = spring.sheet(W1)
    for row in (corrected.sum, row_of(corrected, A)):
        before = row_of(first, row.code)
        changed = {name: value for _, name, _, value in rules.list_changes(before, row)}
        assert changed == {"contacts": before.week["contacts"] - 1, "by_phone": 0}
    check(
        spring.sheet(W1, 0), {code: {**parts, "total": parts["week"]} for code, parts in spring.FIRST.items()}
    )
    city.visit(spring.h1, [spring.p1], method="phone", at=datetime(2026, 4, 17, 11, tzinfo=clock.LOCAL))

    with city.app.app_context():
        assert list_wrong() == {}


def test_a_week_without_anything_and_a_week_after_an_unreported_one(spring: Spring) -> None:
    spring.first_week()
    spring.report(W1, ALL)
    spring.second_week()
    spring.report(W2, (A, B, PROPER))
    spring.third_week()
    check(spring.report(W3, ALL), spring.THIRD)
    # A holiday week: the first of May is a Friday. The report goes out on the next working day.
    spring.city.at("2026-05-06 09:00")
    fourth = spring.report(W4, ALL)
    assert not any(fourth.sum.week.values())
    assert fourth.sum.total == spring.sheet(W3).sum.total
    with spring.city.app.app_context():
        assert list_wrong() == {}
