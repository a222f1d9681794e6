"""Two servers on one PostgreSQL: whatever commits first, no phone ever misses a change."""

from __future__ import annotations

import functools
import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from fieldapp import create_app
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import FeedEntry
from fieldapp.settings import Settings
from tests import postgresql
from tests.conftest import DATABASE, Installation
from tests.live import Live
from tests.sync.network import Answer, Request
from tests.sync.servers import Pair, Process
from tests.sync.sim_phone import SimPhone
from tests.sync.village import GRIDS
from tests.sync.world import World, claims_of

SECONDS = float(os.environ.get("SYNC_SECONDS", "10"))
PHONES = 32


@pytest.fixture
def pair(postgres: Installation, postgres_server: str, tmp_path: Path) -> Iterator[tuple[Flask, Pair]]:
    """Two server processes on a database and a folder of their own, and an app on the same for the desk."""
    folder = tmp_path / "data"
    shutil.copytree(postgres.folder, folder)
    url = postgresql.create_database(postgres_server, DATABASE, postgres.database)
    app = create_app(Settings(data_dir=folder, database_url=url))
    lives = [Live(folder, database_url=url) for _ in range(2)]
    try:
        for live in lives:
            live.start()
        yield app, Pair([Process(live) for live in lives])
    finally:
        for live in lives:
            live.stop()
        with app.app_context():
            db.engine.dispose()
        postgresql.drop_database(postgres_server, DATABASE)


@pytest.mark.timeout(300 + 3 * SECONDS)
def test_no_puller_ever_misses_a_change(pair: tuple[Flask, Pair]) -> None:
    app, servers = pair
    workers = {f"w{place}": place % GRIDS for place in range(PHONES)}
    phones = {f"P{place}": (f"w{place}", 0) for place in range(PHONES)}
    world = World(app, servers, 0, workers=workers, phones=phones)
    answers = Counter[str]()

    def observe(request: Request, answer: Answer) -> None:
        answers[f"{request.method} {request.path.partition('?')[0][:16]} {answer.status}"] += 1
        world.claims += claims_of(request, answer)

    def work(name: str) -> None:
        for _ in range(random.randrange(3)):
            photos = random.sample(range(6), random.randrange(2))
            world.finish_visit(name, random.randrange(6), random.randrange(6), photos)
        sync(name)

    def sync(name: str) -> None:
        fault = world.phones[name].sync()
        # A lock waited for too long, or a deadlock: to be tried again, and nothing else.
        assert fault is None or fault.code == "not_ready", fault

    def decide() -> None:
        with suppress(AppError, OperationalError):
            world.review(random.randrange(1000), random.choice(["return", "approve", "void"]))
        with suppress(AppError, OperationalError):
            world.move(random.randrange(6), random.randrange(GRIDS))
        time.sleep(0.05)

    world.network.observe = observe
    side_by_side([functools.partial(sync, name) for name in phones])
    side_by_side([functools.partial(work, name) for name in phones] + [decide] * 2, SECONDS)
    with app.app_context():
        deadlocks = db.session.scalar(
            text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        )
    print(dict(answers))
    assert deadlocks == 0
    world.settle()
    world.check()
    with app.app_context():
        for phone in world.phones.values():
            compare_with_feeds(phone)


def side_by_side(deeds: list[Callable[[], None]], seconds: float = 0) -> None:
    """Do each in a thread of its own, over and over for as long (once at least); raises what any of them raised."""
    ends_at, thrown = time.monotonic() + seconds, list[BaseException]()

    def run(deed: Callable[[], None]) -> None:
        try:
            deed()
            while time.monotonic() < ends_at and not thrown:
                deed()
        except BaseException as error:
            thrown.append(error)

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if thrown:
        raise thrown[0]


def compare_with_feeds(phone: SimPhone) -> None:
    """The phone read on from its cursor and never from the start again, and holds every entry there is."""
    assert phone.reading <= 1
    feeds = {feed for feed, _, _ in phone.rows}
    entries = db.session.scalars(select(FeedEntry).where(FeedEntry.feed.in_(feeds), ~FeedEntry.gone))
    there = {(entry.feed, entry.kind, entry.uuid): entry.number for entry in entries}
    assert {key: row.rev for key, row in phone.rows.items()} == there
