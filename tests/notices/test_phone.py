"""Notices on a worker's phone: in the own feed, read there, read everywhere."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.notices import queries
from fieldapp.notices.channel_actions import forget_old
from fieldapp.notices.models import Notice
from tests.factories import Phone
from tests.followups.test_actions import make_task


@pytest.fixture
def notice_id(app, county) -> int:
    """That of a task handed out to the worker."""
    with app.app_context():
        with transaction():
            make_task(county)
        return db.session.scalars(select(Notice.id).where(Notice.user_id == county.users["worker"])).one()


def read(phone, up_to):
    return phone.client.post("/api/sync/notices-read", json={"up_to": up_to}, headers=phone.headers)


def test_notice_is_on_its_workers_phone_and_on_no_other(app, county, phone, notice_id):
    record = phone.pull()["notice", str(notice_id)]
    assert record["words"]["zh"] == "给您派了一项后续任务"
    assert (record["subject"], record["type"], record["read"]) == ("followup", "heating", False)
    assert "刘玉珍" not in str(record)
    assert not any(kind == "notice" for kind, _ in Phone(app, county, "worker2").pull())


def test_read_on_one_phone_it_is_read_on_the_other_and_at_the_office(app, county, phone, notice_id):
    other = Phone(app, county)
    other.pull()
    assert read(phone, notice_id).status_code == 200
    assert other.pull()["notice", str(notice_id)]["read"] is True
    with app.app_context():
        assert queries.count_unread(county.users["worker"]) == 0
    # Said again it changes nothing.
    cursor = other.cursor
    assert read(phone, notice_id).status_code == 200
    other.pull()
    assert other.cursor == cursor


def test_what_one_worker_has_read_is_not_read_by_another(app, county, phone, notice_id):
    assert read(Phone(app, county, "worker2"), notice_id).status_code == 200
    assert phone.pull()["notice", str(notice_id)]["read"] is False


@pytest.mark.parametrize("up_to", [None, "1", -1, 2**40, 1.5])
def test_nonsense_is_refused(phone, up_to):
    assert read(phone, up_to).status_code == 422


def test_read_long_ago_it_leaves_the_phone(app, phone, notice_id):
    phone.pull()
    read(phone, notice_id)
    with app.app_context():
        assert forget_old(clock.now() + timedelta(days=89)) == 0
        assert forget_old(clock.now() + timedelta(days=91)) == 1
    assert ("notice", str(notice_id)) not in phone.pull()
