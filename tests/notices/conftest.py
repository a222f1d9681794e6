"""A robot of a group to send to, and a channel that leads there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import time

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.notices import channel_actions as channels
from fieldapp.users.models import User
from tests.notices.receiver import Receiver

NEVER = {"quiet_from": time(0), "quiet_to": time(0)}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    robot = Receiver()
    yield robot
    robot.stop()


def add_channel(url: str, **more: object) -> int:
    values = {
        "name": "值班群",
        "area_code": None,
        "url": url,
        "roles": ["supervisor", "leader", "officer"],
        "severities": ["red", "orange", "yellow", "plain"],
        **NEVER,
        "is_on": True,
    }
    admin = db.session.scalars(select(User).where(User.username == "admin")).one()
    with transaction():
        return channels.add_channel(admin, {**values, **more}, clock.now()).id


@pytest.fixture
def channel(app, county, receiver) -> Callable[..., int]:
    """Sets up a channel to the receiver: `channel(area_code=…)`."""

    def add(**more: object) -> int:
        with app.app_context():
            return add_channel(receiver.url, **more)

    return add
