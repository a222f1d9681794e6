"""What a sync costs: one with nothing new, whatever else is stored, and a phone's first one.

Why it counts: a hundred thousand phones ask all day whether there is anything new, and a new phone fills itself over 2G.
Invariant: the server's own code answers in this process, on a database of its own; what it reads is counted by the
database (SQLite: instructions of its virtual machine; PostgreSQL: rows that its scans gave).
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine, delete, event, insert, text

from benchmarks.filling import Promise
from fieldapp import create_app
from fieldapp.areas.actions import add_grid, load_areas
from fieldapp.core import clock
from fieldapp.core.bodies import read_body
from fieldapp.core.db import db, transaction
from fieldapp.core.feeds import Feed, FeedEntry
from fieldapp.demo import county
from fieldapp.demo.stories import VisitStory, answer_checklist
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.reviews.actions import receive_visit
from fieldapp.settings import Settings
from fieldapp.sync.rules import body_hash
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from fieldapp.visits.actions import Envelope
from fieldapp.visits.sync import VisitBody
from tests import postgresql
from tests.live import run_command

OTHER_RECORDS = (1, 100, 100_000)
OTHER_FEEDS = 20_000
PEOPLE = 150
NOTHING_NEW_LIMIT_BYTES = 300
FIRST_LIMIT_BYTES, FIRST_LIMIT_REQUESTS = 60_000, 3
USERNAME, PASSWORD = "phone", "Spring-2026-thaw"
GRID = "230123101209001"
# Common, five areas above the grid and the grid itself, the account's own.
FEEDS = 8
VISITED_WITHIN_DAYS = 28


@dataclass(frozen=True)
class NothingNew:
    """A pull that brings nothing, with so many records in other feeds: what the database did, and the answer."""

    engine: str
    others: int
    statements: int
    # Instructions (SQLite) or rows (PostgreSQL).
    read: int
    # Rows of `feeds` and `feed_entries` (PostgreSQL); of SQLite, how often either was read as a whole.
    of_feeds: int
    answer_bytes: int


@dataclass(frozen=True)
class FirstSync:
    """From the password to a full cache: bytes of each answer as sent, and the records they brought."""

    answers_bytes: list[int]
    records: int


def measure_nothing_new(folder: Path) -> list[NothingNew]:
    """On SQLite and on PostgreSQL, in installations made in `folder`."""
    with _installed(folder / "sqlite", "") as app:
        found = _measure_nothing_new(app, "SQLite")
    with postgresql.server_url() as server:
        url = postgresql.create_database(server, "fieldapp_bench")
        with _installed(folder / "postgres", url) as app:
            found += _measure_nothing_new(app, "PostgreSQL")
        postgresql.drop_database(server, "fieldapp_bench")
    return found


def measure_first_sync(folder: Path) -> FirstSync:
    """In an installation made in `folder`."""
    with _installed(folder / "first", "") as app:
        phone = _Phone(app)
        while phone.pull():
            pass
        return FirstSync(phone.answers_bytes, phone.records)


# --- a worker's grid -----------------------------------------------------------------------------------------------


@contextmanager
def _installed(folder: Path, database_url: str) -> Iterator[Flask]:
    """An installation with a worker whose grid has 150 people, all visited in the last four weeks."""
    settings = {"data_dir": folder, "database_url": database_url}
    run_command("init", **{name: value for name, value in settings.items() if value})
    app = create_app(Settings(data_dir=folder, database_url=database_url))
    with app.app_context():
        _fill()
    yield app
    with app.app_context():
        db.engine.dispose()


def _fill() -> None:
    now = clock.now()
    with transaction():
        load_areas([county.TOWNSHIP])
        add_grid(GRID, "第1网格")
        worker = add_user(
            USERNAME, PASSWORD, "于晓梅", "worker", [GRID], actor=None, now=now - timedelta(days=60)
        )
    roster = county.read_roster()
    people = 0
    for number in range(2 * len(roster)):
        entry = roster[number % len(roster)]
        members = entry.people[: PEOPLE - people]
        if not members:
            return
        people += len(members)
        _add_visited(worker.id, entry, members, number)


def _add_visited(
    worker_id: int, entry: county.RosterHousehold, members: tuple[county.RosterPerson, ...], number: int
) -> None:
    """A household like that of the roster, and the last visit to it."""
    now = clock.now()
    at = now - timedelta(days=1 + number % VISITED_WITHIN_DAYS)
    lat, lon = entry.place or (None, None)
    household = Household(
        household_uuid=str(uuid.uuid4()),
        grid_code=GRID,
        name=entry.name,
        address="达连河村" + entry.address,
        phone=entry.phone,
        lat=lat,
        lon=lon,
        datum="WGS84" if entry.place else None,
        note=entry.note,
        people=[
            Person(
                person_uuid=str(uuid.uuid4()),
                name=member.name,
                relation=member.relation,
                sex=member.sex,
                birth_on=member.birth_on(clock.local_date(now)),
                id_number=member.id_number(clock.local_date(now)),
                phone=member.phone,
                main_class=member.main_class,
                risk=member.risk,
                tags=[PersonTag(tag=tag) for tag in member.tags],
            )
            for member in members
        ],
    )
    story = VisitStory(days_ago=1)
    answers = answer_checklist(entry, story, household.address, entry.place, at)
    body = {
        "visit_uuid": str(uuid.uuid4()),
        "household_uuid": household.household_uuid,
        "people": [person.person_uuid for person in household.people],
        "outcome": "reached",
        "checklist": {"key": "routine", "version": "1"},
        "method": "home",
        "started_at": clock.iso(at - timedelta(minutes=6)),
        "finished_at": clock.iso(at),
        "location": None,
        "location_declined": None,
        "answers": answers,
        "attachments": [],
    }
    with transaction():
        add_household(household, now)
    with transaction():
        worker = db.session.get_one(User, worker_id)
        envelope = Envelope(str(uuid.uuid4()), body, body_hash(body), 0)
        receive_visit(worker, read_body(VisitBody, body), envelope, at + timedelta(hours=2))


# --- a phone -------------------------------------------------------------------------------------------------------


class _Phone:
    """What a phone asks, from the password on."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()
        token = json.loads(self._client.get("/api/session").data)["csrf_token"]
        answer = self._client.post(
            "/api/session",
            json={"username": USERNAME, "password": PASSWORD, "device_uuid": str(uuid.uuid4())},
            headers={"X-CSRFToken": token},
        )
        self.answers_bytes = [len(answer.data)]
        user_id = json.loads(answer.data)["user"]["id"]
        self._headers = {"X-User-Id": str(user_id), "Accept-Encoding": "gzip"}
        self.cursor: str | None = None
        self.records = 0

    def pull(self) -> bool:
        """One page; whether there are more."""
        answer = self._client.get(
            "/api/sync/pull", query_string={"cursor": self.cursor or ""}, headers=self._headers
        )
        self.answers_bytes.append(len(answer.data))
        is_packed = answer.headers.get("Content-Encoding") == "gzip"
        page: dict[str, Any] = json.loads(gzip.decompress(answer.data) if is_packed else answer.data)
        self.cursor = page["cursor"]
        self.records += len(page["changes"])
        return bool(page["more"])


# --- nothing new ---------------------------------------------------------------------------------------------------


def _measure_nothing_new(app: Flask, name: str) -> list[NothingNew]:
    phone = _Phone(app)
    while phone.pull():
        pass
    found = []
    for others in OTHER_RECORDS:
        with app.app_context():
            _store_others(others)
            engine = db.engine
        # The first one after a change finds the server's own caches cold.
        phone.pull()
        with _counted(engine) as counted:
            phone.pull()
        found.append(
            NothingNew(
                name, others, counted.statements, counted.read, counted.of_feeds, phone.answers_bytes[-1]
            )
        )
    return found


def _store_others(records: int) -> None:
    """So many records in all of a thousand feeds of other grids, on either side of this worker's."""
    codes = [f"23{place:013d}" for place in range(OTHER_FEEDS // 2)]
    codes += [f"2399{place:011d}" for place in range(OTHER_FEEDS - len(codes))]
    with transaction() as session:
        session.execute(delete(FeedEntry).where(FeedEntry.feed.in_(codes)))
        session.execute(delete(Feed).where(Feed.code.in_(codes)))
        numbers = {code: len(range(place, records, len(codes))) for place, code in enumerate(codes)}
        session.execute(insert(Feed), [{"code": code, "number": number} for code, number in numbers.items()])
        entries = [
            {"feed": code, "kind": "person", "uuid": str(uuid.uuid4()), "number": number + 1}
            for code, count in numbers.items()
            for number in range(count)
        ]
        session.execute(insert(FeedEntry), entries)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if db.engine.dialect.name == "postgresql" else "ANALYZE"))


@dataclass
class _Count:
    statements: int = 0
    read: int = 0
    of_feeds: int = 0


@contextmanager
def _counted(engine: Engine) -> Iterator[_Count]:
    """What the database does meanwhile."""
    count = _Count()

    def count_statement(
        connection: Any, cursor: Any, statement: str, parameters: Any, _context: object, _many: bool
    ) -> None:
        count.statements += 1
        if connection.dialect.name == "sqlite" and "feed" in statement:
            raw = connection.connection.driver_connection
            raw.set_progress_handler(None, 1)
            plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            raw.set_progress_handler(count_step, 1)
            count.of_feeds += sum(step[-1].startswith("SCAN feed") for step in plan)

    def count_step() -> int:
        count.read += 1
        return 0

    def watch(connection: Any, _record: object, _proxy: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_progress_handler(count_step, 1)

    def count_rows(connection: Any) -> None:
        if connection.dialect.name != "postgresql":
            return
        # What this transaction's scans have given so far.
        with connection.connection.cursor() as cursor:
            cursor.execute(
                "SELECT relname, seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
            )
            for name, rows in cursor:
                count.read += rows
                count.of_feeds += rows if name.startswith("feed") else 0
            # Or the next transaction of this connection would have them among its own.
            cursor.execute("SELECT pg_stat_force_next_flush()")

    listeners: list[tuple[str, Callable[..., Any]]] = [
        ("before_cursor_execute", count_statement),
        ("checkout", watch),
        ("rollback", count_rows),
        ("commit", count_rows),
    ]
    # New connections: nothing done before is counted.
    engine.dispose()
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield count
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)
        engine.dispose()


# --- what is said --------------------------------------------------------------------------------------------------


def promises(nothing_new: list[NothingNew], first: FirstSync) -> list[Promise]:
    """What is promised, and what was measured."""
    kept = []
    for engine in ("SQLite", "PostgreSQL"):
        found = [one for one in nothing_new if one.engine == engine]
        reads = [one.read for one in found]
        kept.append(
            Promise(f"{engine}, nothing new: reads more for others' records", max(reads) - min(reads), 0, 0)
        )
    wholes = sum(one.of_feeds for one in nothing_new if one.engine == "SQLite")
    rows = max(one.of_feeds for one in nothing_new if one.engine == "PostgreSQL")
    answer = max(one.answer_bytes for one in nothing_new)
    return [
        *kept,
        Promise("SQLite, nothing new: feeds read as a whole", wholes, 0, 0),
        Promise("PostgreSQL, nothing new: rows of feeds, one for each", rows, FEEDS, 0),
        Promise("nothing new: bytes of the answer", answer, NOTHING_NEW_LIMIT_BYTES, 0),
        Promise(
            f"first sync, {PEOPLE} people: bytes, compressed",
            sum(first.answers_bytes),
            FIRST_LIMIT_BYTES,
            0,
        ),
        Promise("first sync: requests", len(first.answers_bytes), FIRST_LIMIT_REQUESTS, 0),
    ]


def table(nothing_new: list[NothingNew], first: FirstSync) -> str:
    """Every figure, and whether what is promised holds."""
    lines = [
        f"Sync with nothing new: a worker who reads {FEEDS} feeds, and {OTHER_FEEDS:,} other feeds with",
        f"{'records':>9}  {'':<11} {'statements':>10} {'read':>20} {'answer':>12}",
    ]
    for one in nothing_new:
        read = f"{one.read:,} {'instructions' if one.engine == 'SQLite' else 'rows'}"
        lines.append(
            f"{one.others:>9,}  {one.engine:<11} {one.statements:>10} {read:>20} {one.answer_bytes:>6} bytes"
        )
    answers = " + ".join(f"{size:,}" for size in first.answers_bytes)
    lines.append(
        f"First sync, {PEOPLE} people visited in four weeks: {first.records} records in {answers} bytes, compressed"
    )
    return "\n".join([*lines, *(str(promise) for promise in promises(nothing_new, first))])
