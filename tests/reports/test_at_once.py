"""Who confirms a week, or begins a running count, while somebody else is just counting in it.

SQLite lets only one write at a time: there is nothing to be tried there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import event, text

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.people.period_actions import start_period
from fieldapp.reports import queries
from fieldapp.reports.actions import start_running_counts
from fieldapp.reports.recount import list_wrong
from fieldapp.rollups.queries import read_running
from fieldapp.visits import counting
from tests.reports.city import CITY, City
from tests.reports.spring import W1, A, Spring, week_of

PATIENCE_S = 60
pytestmark = pytest.mark.parametrize("installation", ["postgres"], indirect=True)


class Held:
    """The first to come is held until somebody waits for it, or has gone past."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._has_come, self._may_go = threading.Event(), threading.Event()

    def hold(self, *_: object) -> None:
        """In the thread of whoever is held."""
        if not self._has_come.is_set():
            self._has_come.set()
            assert self._may_go.wait(PATIENCE_S)

    def pass_by(self, held: Callable[[], Any], other: Callable[[], Any]) -> tuple[Any, Any]:
        """Both at the same moment: what each of them returns."""
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(held)
            assert self._has_come.wait(PATIENCE_S)
            second = threads.submit(other)
            while not (second.done() or self._is_anybody_waiting()):
                pass
            self._may_go.set()
            return _outcome_of(first), _outcome_of(second)

    def _is_anybody_waiting(self) -> bool:
        with self._city.app.app_context():
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            with db.engine.connect() as connection:
                return bool(connection.scalar(waiting))


def _outcome_of(future: Future[Any]) -> Any:
    error = future.exception(PATIENCE_S)
    if isinstance(error, AppError):
        return error.code
    return future.result()


def confirm_while(spring: Spring, deed: Callable[[], Any]) -> Any:
    """What comes of confirming a county's week, as it was seen before, while somebody is just doing something in it."""
    with spring.city.app.app_context():
        area = queries.get_report_area(A, [A])
        seen = queries.digest(queries.read_live(area, week_of(W1)))
    held = Held(spring.city)
    event.listen(db.session, "before_commit", held.hold)
    try:
        _, confirmed = held.pass_by(deed, lambda: spring.step("confirm", f"county_{A}", seen=seen))
    finally:
        event.remove(db.session, "before_commit", held.hold)
    return confirmed


def test_a_visit_just_counted_in_a_week_is_not_left_out_of_what_is_confirmed(spring: Spring) -> None:
    city = spring.city
    spring.first_week()
    confirmed = confirm_while(
        spring, lambda: city.visit(spring.h3, [spring.p4], at=datetime(2026, 4, 9, 9, tzinfo=clock.LOCAL))
    )
    assert confirmed == "report_changed"


def test_a_visit_just_voided_is_not_in_what_is_confirmed(spring: Spring) -> None:
    city = spring.city
    spring.first_week()
    confirmed = confirm_while(spring, lambda: city.void(spring.plain))
    assert confirmed == "report_changed"


def test_a_visit_just_counted_is_in_a_running_count_that_begins_meanwhile(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = city.add_household(city.grids[0], ("dibao_rural", ()))
    now = city.at("2026-03-12 09:00")
    with city.app.app_context(), transaction():
        start_period(
            city.user("city"),
            CITY,
            "寒潮",
            from_on=date(2026, 3, 9),
            until_on=None,
            risk_days={"high": 3, "middle": 15, "low": 45},
            tags=[],
            pauses_exit=False,
            relaxed_papers=False,
            now=now,
        )
    held = Held(city)

    def read_and_wait() -> Any:
        running = read_running()
        held.hold()
        return running

    def begin() -> int:
        with city.app.app_context():
            return start_running_counts(now)

    monkeypatch.setattr(counting, "read_running", read_and_wait)
    _, begun = held.pass_by(lambda: city.visit(*home), begin)
    assert begun == 1
    with city.app.app_context():
        assert list_wrong() == {}
