"""The demo county as `python -m fieldapp demo` builds it."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from fieldapp import create_app
from fieldapp.areas.models import Area
from fieldapp.areas.queries import list_grids
from fieldapp.checklists.actions import publish_library
from fieldapp.core import clock, feeds, pictures, storage
from fieldapp.core.db import db, transaction
from fieldapp.demo.build import LOGIN_FILE, build_demo
from fieldapp.demo.county import ACCOUNTS
from fieldapp.feedback.models import Feedback
from fieldapp.followups.models import Followup
from fieldapp.notices.models import NoticeChannel, NoticeDelivery
from fieldapp.people.models import Household, Person
from fieldapp.reviews.models import Flag
from fieldapp.revisits.models import Revisit
from fieldapp.settings import Settings
from fieldapp.users.actions import hasher, sign_in
from fieldapp.users.models import User
from fieldapp.users.queries import find_user_by_name
from fieldapp.visits.models import Visit, VisitRevision


@pytest.fixture
def county(demo_county: tuple[Path, str]) -> Iterator[Flask]:
    """The app on the demo county, only to be read."""
    folder, _ = demo_county
    app = create_app(Settings(data_dir=folder))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def count_rows() -> dict[str, int]:
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in db.metadata.sorted_tables
    }


def households_of(username: str) -> list[Household]:
    user = find_user_by_name(username)
    assert user is not None
    grids = [grid.code for grid in list_grids(user.area_codes())]
    return list(
        db.session.scalars(
            select(Household)
            .where(Household.grid_code.in_(grids))
            .order_by(Household.due_on, Household.household_uuid)
        )
    )


def test_building_again_changes_nothing_and_keeps_the_password(app):
    with app.app_context():
        with transaction():
            feeds.make_epoch()
        publish_library(clock.now())

        first = build_demo(clock.now())
        before = count_rows()
        second = build_demo(clock.now() + timedelta(days=3))

        assert second == first
        assert count_rows() == before
        assert before["households"] == 62
        assert before["people"] == 123

        path = app.config["FIELDAPP"].data_dir / LOGIN_FILE
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.unlink()
        renewed = build_demo(clock.now())
        assert renewed.password != first.password
        session, _ = sign_in("city", renewed.password, face="desk", device_uuid=None, now=clock.now())
        assert session.user.username == "city"


def test_the_accounts_sign_in_with_the_printed_password(county, demo_county):
    _, password = demo_county
    users = list(db.session.scalars(select(User)))
    roles = {user.username: user.role for user in users}

    assert roles == {account.username: account.role for account in ACCOUNTS}
    assert set(roles) == {
        *("worker", "worker2", "station", "supervisor", "leader", "officer", "city", "admin", "security")
    }
    assert len(password) >= 12
    assert all(hasher.verify(user.password_hash, password) for user in users)


def test_the_whole_county_is_there_and_nothing_beyond(county):
    by_level = Counter(db.session.scalars(select(Area.level)))

    assert by_level == {
        "province": 1,
        "city": 1,
        "proper": 1,
        "unit": 1,
        "county": 1,
        "township": 12,
        "village": 166,
        "grid": 10,
    }
    assert db.session.get_one(Area, "230123").duty_phone
    assert db.session.get_one(Area, "230123101").duty_phone


def test_the_worker_finds_elders_living_alone_overdue_at_the_top(county):
    today = clock.local_date(clock.now())
    households = households_of("worker")

    assert len(households) == 25
    days = [(household.due_on - today).days for household in households if household.due_on]
    overdue = households[: sum(day < 0 for day in days)]
    assert len(overdue) >= 8
    assert sum(0 <= day <= 3 for day in days) >= 3
    assert sum(day > 3 for day in days) >= 5
    tags = [{tag.tag for person in household.people for tag in person.tags} for household in overdue[:7]]
    assert sum(bool(found & {"living_alone", "lonely_elder"}) for found in tags) >= 5


def test_every_due_date_is_the_one_the_rule_gives(county):
    interval = {"high": 7, "middle": 30, "low": 90}

    for person in db.session.scalars(select(Person)):
        assert person.last_contact_at is not None
        last_on = clock.local_date(person.last_contact_at) if person.risk == "low" else person.counted_on
        expected = last_on + timedelta(days=interval[person.risk])
        assert person.due_on == expected, person.name


def test_most_households_of_the_workers_have_answers_from_last_time(county):
    households = households_of("worker") + households_of("worker2")

    assert sum(household.carry is not None for household in households) >= 40


def test_the_checklists_find_nothing_wrong_with_the_answers(county):
    assert [
        revision.problems for revision in db.session.scalars(select(VisitRevision)) if revision.problems
    ] == []


def test_the_desk_has_something_to_decide(county):
    visits = list(db.session.scalars(select(Visit)))
    waiting = Counter(visit.severity for visit in visits if visit.state == "submitted")

    assert waiting.total() >= 6
    assert waiting.keys() == {"red", "orange", "yellow", None}
    assert {visit.state for visit in visits} == {"submitted", "approved", "returned", "voided"}
    assert {visit.outcome for visit in visits} == {"reached", "not_reached", "refused"}
    assert {"home", "phone", "patrol"} <= {visit.method for visit in visits}
    assert Counter(db.session.scalars(select(Flag.state)))["open"] >= 6
    assert {"open", "done", "verified", "refused"} <= set(db.session.scalars(select(Followup.state)))


def test_coverage_rules_revisits_feedback_and_channels_have_something_to_show(county):
    now = clock.now()
    closed = [task for task in db.session.scalars(select(Followup)) if task.state == "verified"]
    weeks = {clock.local_date(task.created_at).isocalendar()[:2] for task in closed}
    assert len(weeks) >= 4
    assert len({task.area_code for task in closed}) >= 4
    states = Counter(
        db.session.scalars(select(Flag.state).where(Flag.rule == "far_from_home", Flag.raised_at < now))
    )
    assert states["confirmed"] >= 1
    assert states["dismissed"] >= 3
    assert states["open"] >= 1
    findings = {(revisit.finding, revisit.decision) for revisit in db.session.scalars(select(Revisit))}
    assert findings == {("agree", "fine"), ("differ", None)}
    assert set(db.session.scalars(select(Feedback.state))) == {"sent", "answered"}
    # Nothing of the demo ever goes outside.
    assert set(db.session.scalars(select(NoticeChannel.is_on))) == {False}
    assert set(db.session.scalars(select(NoticeDelivery.next_at))) == {None}


def test_photos_are_in_the_storage(county):
    named = [
        (use, held)
        for visit in db.session.scalars(select(Visit))
        for use, held in storage.list_uses("visit", visit.visit_uuid, visit.revision)
    ]

    assert len(named) >= 3
    for use, held in named:
        assert held
        assert pictures.inspect_photo(storage.open_attachment(use.sha256))[0] == "image/jpeg"


def test_nothing_in_the_demo_lies_in_the_future(county):
    now = clock.now()

    assert all(at <= now for at in db.session.scalars(select(Visit.received_at)))
    assert all(at <= now for at in db.session.scalars(select(Flag.raised_at)))
    assert all(at is not None and at <= now for at in db.session.scalars(select(Person.last_contact_at)))
