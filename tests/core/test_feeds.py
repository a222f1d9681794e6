"""Feeds: numbers in commit order, the state kept with every write, and compaction."""

from __future__ import annotations

import random
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock, feeds
from fieldapp.core.db import db, forget_pending, transaction
from fieldapp.core.feeds import Feed, FeedEntry, entry_hash, publish

GRID = "230183100055001"


@pytest.fixture
def context(app):
    with app.app_context():
        yield


def write(*changes: tuple[str, bool], feed: str = GRID) -> None:
    with transaction():
        for uuid, gone in changes:
            publish(feed, "household", uuid, gone=gone)


def number_of(uuid: str) -> int | None:
    return feeds.rev_of(GRID, "household", uuid)


def state_of(feed: str) -> int:
    """Worked out from the entries there are."""
    state = 0
    for entry in db.session.scalars(select(FeedEntry).where(FeedEntry.feed == feed, ~FeedEntry.gone)):
        state ^= entry_hash(entry.kind, entry.uuid, entry.number)
    return state


def kept(feed: str = GRID) -> Feed:
    db.session.rollback()
    return db.session.get_one(Feed, feed)


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("seed", range(5))
def test_the_state_is_that_of_the_entries_whatever_came_and_went(seed):
    chance = random.Random(seed)
    for _ in range(25):
        write(*((str(chance.randrange(8)), chance.random() < 0.3) for _ in range(chance.randrange(1, 5))))
        assert kept().state == state_of(GRID)


@pytest.mark.usefixtures("context")
def test_many_records_at_once_are_numbered_and_counted():
    uuids = [str(number) for number in range(1000)]
    write(*((uuid, False) for uuid in uuids))
    write(*((uuid, False) for uuid in uuids))
    assert [number_of(uuid) for uuid in uuids] == list(range(1001, 2001))
    assert kept().state == state_of(GRID)


@pytest.mark.usefixtures("context")
def test_what_is_rolled_back_leaves_number_and_state_alone():
    write(("a", False))
    before = kept().number, kept().state

    def fail_halfway() -> None:
        with transaction() as session:
            publish(GRID, "household", "b")
            feeds.number_changes(session)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert (kept().number, kept().state) == before


def test_a_second_writer_waits_for_the_first_and_gets_the_next_number(app):
    """Two connections, one feed: what commits later has the larger number, and the state counts both."""
    with app.app_context():
        write(("a", False), ("b", False))
    is_numbered, may_commit = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        with app.app_context(), transaction() as session:
            publish(GRID, "household", "a")
            feeds.number_changes(session)
            forget_pending(session)
            is_numbered.set()
            may_commit.wait(3)
            done.append("first")

    def second() -> None:
        with app.app_context():
            write(("b", False), ("a", True))
            done.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert is_numbered.wait(3)
    threads[1].start()
    threads[1].join(0.5)
    assert threads[1].is_alive()
    with app.app_context():
        # Nobody reads a number whose transaction is still open.
        assert (number_of("a"), number_of("b")) == (1, 2)
    may_commit.set()
    for thread in threads:
        thread.join()
    assert done == ["first", "second"]
    with app.app_context():
        assert (number_of("b"), number_of("a"), kept().number) == (4, 5, 5)
        assert kept().state == state_of(GRID) == entry_hash("household", "b", 4)


def test_writers_of_the_same_feeds_in_any_order_neither_deadlock_nor_lose_the_state(app):
    codes = ["u1", "u2", GRID]

    def write_all(writer: int) -> None:
        chance = random.Random(writer)
        with app.app_context():
            for turn in range(10):
                with transaction():
                    for code in chance.sample(codes, len(codes)):
                        publish(code, "visit", f"{chance.randrange(3)}", gone=turn % 3 == 0)

    threads = [threading.Thread(target=write_all, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with app.app_context():
        for code in codes:
            assert kept(code).number == 40
            assert kept(code).state == state_of(code)


# --- compaction ----------------------------------------------------------------------------------------------------


def days_later(count: float) -> datetime:
    return clock.now() + timedelta(days=count)


@pytest.mark.usefixtures("context")
def test_what_is_gone_is_dropped_after_thirty_days_and_never_before():
    write(("stays", False), ("leaves", True))
    assert feeds.compact(days_later(0)) == 0
    write(("leaves_later", True))
    assert feeds.compact(days_later(29)) == 0
    before = kept().state
    assert feeds.compact(days_later(30)) == 1
    assert (number_of("stays"), number_of("leaves"), number_of("leaves_later")) == (1, None, 3)
    assert (kept().compacted_to, kept().number, kept().state) == (2, 3, before)
    assert feeds.compact(days_later(61)) == 1
    assert kept().compacted_to == 3


@pytest.mark.usefixtures("context")
def test_what_came_back_is_not_dropped():
    write(("a", True))
    feeds.compact(days_later(0))
    write(("a", False))
    assert feeds.compact(days_later(31)) == 0
    assert number_of("a") == 2
    assert kept().compacted_to == 0


@pytest.mark.usefixtures("context")
def test_what_was_dropped_may_come_again():
    write(("a", True))
    feeds.compact(days_later(0))
    feeds.compact(days_later(30))
    write(("a", False))
    assert number_of("a") == 2
    assert kept().state == state_of(GRID)


@pytest.mark.usefixtures("context")
def test_every_feed_has_its_own_mark():
    write(("a", True))
    feeds.compact(days_later(0))
    write(("b", True), feed="u1")
    assert feeds.compact(days_later(30)) == 1
    assert kept("u1").compacted_to == 0
    assert feeds.compact(days_later(60)) == 1
