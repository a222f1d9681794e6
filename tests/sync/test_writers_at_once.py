"""Fifty workers of one township send at the same moment: none waits for a row that another one writes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from fieldapp.areas.actions import add_grid
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people.actions import add_household
from fieldapp.people.tally_queries import list_wrong
from fieldapp.users.actions import add_user
from fieldapp.visits.models import Visit
from tests.factories import PASSWORD, VILLAGE, County, Phone, make_household

WRITERS = 50
# Far longer than all of them need one after the other on a slow machine.
PATIENCE_S = 200


def make_neighbours(app, county: County) -> list[Phone]:
    """A grid, a household and a worker each, all in the county's one township."""
    now = clock.now()
    neighbours = []
    with app.app_context(), transaction():
        for number in range(WRITERS):
            grid, name = f"{VILLAGE}{number + 100}", f"neighbour{number}"
            add_grid(grid, f"第{number}网格")
            household = make_household(grid, f"户主{number}", ["村民"])
            add_household(household, now)
            add_user(name, PASSWORD, name, "worker", [grid], actor=None, now=now - timedelta(days=1))
            own = copy(county)
            own.household_uuid = household.household_uuid
            own.person_uuids = [household.people[0].person_uuid]
            neighbours.append((own, name))
    return [Phone(app, own, name) for own, name in neighbours]


@pytest.mark.timeout(2 * PATIENCE_S)
@pytest.mark.parametrize("installation", ["postgres"], indirect=True)
def test_none_of_fifty_in_different_grids_of_a_township_waits_for_another(app, county, monkeypatch):
    phones = make_neighbours(app, county)
    all_have_written = threading.Barrier(WRITERS)

    def hold(session: Session) -> None:
        """Keep what a visit wrote uncommitted, and all its locks, until every one has written as much."""
        if any(isinstance(row, Visit) for row in session.identity_map.values()):
            all_have_written.wait(PATIENCE_S)

    def send(phone: Phone) -> list[dict[str, Any]]:
        return phone.push(phone.op("visit.submit", phone.visit()))

    with app.app_context():
        # A server has fewer connections than there are writers here.
        monkeypatch.setattr(db.engine.pool, "_max_overflow", WRITERS)
    event.listen(db.session, "before_commit", hold)
    try:
        with ThreadPoolExecutor(WRITERS) as writers:
            receipts = [receipt for sent in writers.map(send, phones) for receipt in sent]
    finally:
        event.remove(db.session, "before_commit", hold)
    assert [receipt["outcome"] for receipt in receipts] == ["accepted"] * WRITERS
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Visit)) == WRITERS
        assert list_wrong() == {}
