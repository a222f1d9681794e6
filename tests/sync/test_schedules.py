"""Nothing is lost, stored twice, promised too early or shown to the wrong phone, in whatever order things happen."""

from __future__ import annotations

import itertools
import logging
import os
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import HealthCheck, seed, settings as hypothesis_settings
from hypothesis.stateful import run_state_machine_as_test

from fieldapp.core import clock
from tests.conftest import ENGINES
from tests.live import Live
from tests.sync.schedules import InProcessSchedule, KilledSchedule, RestoredSchedule, Schedule
from tests.sync.servers import MORTAL_SERVER, InProcess, Mortal
from tests.sync.world import World

# All schedules of one run, on both databases together. In one of twenty a real server process is killed, in another
# one the server is lost and restored from a backup.
SCHEDULES = int(os.environ.get("SYNC_SCHEDULES", "100"))
KILLED = RESTORED = ceil(SCHEDULES / 20 / len(ENGINES))
# The rest is told in so many parts a database, to run side by side.
PARTS = 4
TOLD = ceil(SCHEDULES * 18 / 20 / len(ENGINES) / PARTS)
STEPS, STEPS_KILLED, STEPS_RESTORED = 25, 12, 12
# Making a failing schedule small takes five minutes.
TIMEOUT_S = 1200 + 3 * SCHEDULES
# Villages of each test, by number.
ROOM = 50_000


def run(machine: type[Schedule], schedules: int, steps: int) -> None:
    """Run as many schedules; a failure prints its steps, and the seed with which they come again."""
    number = int(os.environ.get("SYNC_SEED", random.randrange(2**32)))
    print(f"SYNC_SEED={number}")
    run_state_machine_as_test(
        seed(number)(machine),
        settings=hypothesis_settings(
            max_examples=schedules,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What built-in faults make the server log is no news."""
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self._start, self._passed = clock.now(), timedelta()

    def now(self) -> datetime:
        """In place of `clock.now`."""
        return self._start + self._passed

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self._passed += by

    def reset(self) -> None:
        """Each schedule begins today: nobody's month is another one's."""
        self._passed = timedelta()


@pytest.fixture
def told_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the server and the phones take for the time."""
    told = Clock()
    monkeypatch.setattr(clock, "now", told.now)
    return told


# Before the others: every backup holds what the schedules before it have left in the installation.
@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.usefixtures("quiet")
def test_nothing_is_lost_when_the_server_is_lost(
    shared_app: Flask, told_clock: Clock, tmp_path: Path
) -> None:
    numbers = itertools.count((PARTS + 1) * ROOM)

    class Told(RestoredSchedule):
        @staticmethod
        def make_world() -> World:
            told_clock.reset()
            return World(shared_app, InProcess(shared_app), next(numbers), told_clock.advance)

        def choose_folder(self) -> Path:
            return tmp_path / str(self.world.number)

    run(Told, RESTORED, STEPS_RESTORED)


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.usefixtures("quiet")
def test_nothing_is_lost(shared_app: Flask, part: int, told_clock: Clock) -> None:
    numbers = itertools.count(part * ROOM)

    class Told(InProcessSchedule):
        @staticmethod
        def make_world() -> World:
            told_clock.reset()
            return World(shared_app, InProcess(shared_app), next(numbers), told_clock.advance)

    run(Told, TOLD, STEPS)


@pytest.fixture(scope="module")
def mortal(shared_app: Flask) -> Iterator[Mortal]:
    """A server process on the shared installation that dies when it is told to."""
    settings = shared_app.config["FIELDAPP"]
    live = Live(settings.data_dir, database_url=settings.database_url)
    live.start(MORTAL_SERVER)
    yield Mortal(live)
    live.stop()


@pytest.mark.timeout(TIMEOUT_S)
@pytest.mark.usefixtures("quiet")
def test_nothing_is_lost_when_the_server_is_killed(shared_app: Flask, mortal: Mortal) -> None:
    numbers = itertools.count(PARTS * ROOM)

    class Told(KilledSchedule):
        server = mortal

        @staticmethod
        def make_world() -> World:
            return World(shared_app, mortal, next(numbers))

    run(Told, KILLED, STEPS_KILLED)
    print(f"the server was killed {mortal.deaths} times")
