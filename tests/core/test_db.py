"""The database: writes only inside a transaction, sensitive values unreadable at rest, instants with their zone."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import OperationalError, StatementError

from fieldapp.core import feeds
from fieldapp.core.crypto import KeyMissing, Keyring, load_keyring
from fieldapp.core.db import WriteOutsideTransaction, db, transaction
from fieldapp.core.feeds import FeedEntry, publish
from fieldapp.people.models import Household, Person
from fieldapp.users.models import User
from tests.factories import Phone


def test_write_outside_a_transaction_is_refused(app, county):
    with app.app_context():
        db.session.scalars(select(User)).first().display_name = "改名"
        with pytest.raises(WriteOutsideTransaction):
            db.session.flush()


def test_transactions_do_not_nest(app):
    with app.app_context(), transaction(), pytest.raises(WriteOutsideTransaction), transaction():
        pass


def test_transaction_that_raises_leaves_nothing(app, county):
    with app.app_context():

        def fail_halfway() -> None:
            with transaction():
                db.session.get_one(Household, county.household_uuid).note = "half"
                db.session.flush()
                publish("230183100055001", "household", county.household_uuid)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail_halfway()
        assert db.session.get_one(Household, county.household_uuid).note == ""
        with transaction():
            pass


def test_reading_while_another_writes_does_not_wait(app, county):
    with app.app_context(), transaction():
        db.session.get_one(Household, county.household_uuid).note = "being written"
        db.session.flush()
        read: list[str] = []

        def reader() -> None:
            with app.app_context():
                read.append(db.session.get_one(Household, county.household_uuid).note)

        thread = threading.Thread(target=reader)
        thread.start()
        thread.join(timeout=3)
        assert read == [""]


def note_contact(person_uuid: str, instant: datetime) -> None:
    with transaction():
        db.session.get_one(Person, person_uuid).last_contact_at = instant


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2026, 11, 24, 7, 0, tzinfo=timezone(timedelta(hours=8))),
    ],
)
def test_instant_comes_back_the_same_and_in_utc(app, instant, county):
    with app.app_context():
        note_contact(county.person_uuids[0], instant)
        db.session.expire_all()
        kept = db.session.get_one(Person, county.person_uuids[0]).last_contact_at
        assert kept == instant
        assert kept.tzinfo is UTC


def test_instant_without_zone_is_refused(app, county):
    with app.app_context(), pytest.raises(StatementError, match="zone"):
        note_contact(county.person_uuids[0], datetime(2026, 1, 1))  # noqa: DTZ001


def test_nothing_sensitive_is_readable_in_the_database(app, county):
    secrets = ["230183195005041249", "19911112222", "腿疼下不了楼", "到家看一看", "45.2143"]
    with app.app_context(), transaction():
        person = db.session.get_one(Person, county.person_uuids[0])
        person.id_number, person.phone = secrets[0], secrets[1]
    phone = Phone(app, county)
    good = phone.op("visit.submit", phone.visit({"reached": "reached", "home": {"urgent_note": secrets[2]}}))
    bad = phone.op(
        "visit.submit", phone.visit({"note": secrets[3]}, checklist={"key": "none", "version": "1"})
    )
    assert [receipt["outcome"] for receipt in phone.push(good, bad)] == ["accepted", "rejected"]
    with app.app_context():
        dump = b""
        for table in inspect(db.engine).get_table_names():
            if table in {"households", "checklist_versions"}:
                continue
            for row in db.session.execute(text(f'SELECT * FROM "{table}"')):
                dump += b"".join(
                    bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                    for value in row
                )
        for secret in secrets:
            assert secret.encode() not in dump
            assert secret.encode("unicode_escape") not in dump
        # The same search finds what is kept readable.
        assert "刘玉珍".encode() in dump


def test_sealed_value_opens_in_its_own_place_only():
    keyring = Keyring(bytes(32))
    sealed = keyring.seal(b"230183", "people.id_number")
    assert keyring.open(sealed, "people.id_number") == b"230183"
    assert keyring.seal(b"230183", "people.id_number") != sealed
    with pytest.raises(InvalidTag):
        keyring.open(sealed, "people.phone")
    with pytest.raises(InvalidTag):
        Keyring(bytes([1]) * 32).open(sealed, "people.id_number")


def test_key_file_is_made_once_and_readable_by_its_owner_only(tmp_path):
    with pytest.raises(KeyMissing):
        load_keyring(tmp_path, create=False)
    first = load_keyring(tmp_path, create=True)
    again = load_keyring(tmp_path, create=True)
    assert first.cookie_secret == again.cookie_secret
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


def test_feed_numbers_become_visible_in_order_under_concurrent_writers(app, county):
    """A reader that has seen number n never later sees a new number at or below n."""
    writers, rounds = 4, 12
    stop = threading.Event()
    missed: list[tuple[int, int]] = []
    feed = "230183100055001"

    def publish_both(key: str) -> bool:
        """False when the others held SQLite's only lock for too long: a slow disk; a push tries again as well."""
        try:
            with transaction():
                publish(feed, "visit", key)
                publish("common", "code", key)
        except OperationalError as error:
            if "database is locked" not in str(error):
                raise
            return False
        return True

    def write(writer: int) -> None:
        with app.app_context():
            for turn in range(rounds):
                while not publish_both(f"{writer}-{turn}"):
                    pass

    def watch() -> None:
        seen: set[int] = set()
        with app.app_context():
            while True:
                finished = stop.is_set()
                numbers = {entry.number for entry in feeds.list_changes(feed, 0, 10_000)}
                db.session.rollback()
                missed.extend(
                    (number, max(seen)) for number in numbers - seen if seen and number <= max(seen)
                )
                seen |= numbers
                if finished:
                    return

    watcher = threading.Thread(target=watch)
    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    watcher.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    watcher.join()
    assert missed == []
    with app.app_context():
        entries = db.session.scalars(select(FeedEntry.number).where(FeedEntry.feed == feed)).all()
        assert len(entries) == len(set(entries)) == writers * rounds + 3 + 1
