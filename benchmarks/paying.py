"""A payment list of five thousand rows: how long each step of comparing, taking in and taking back holds the database.

Why it counts: on SQLite whoever writes waits for a step to end, and so do the phones that send meanwhile. Invariant: steps are
those that the open page asks for, each measured by itself; by the clock, which whatever else the machine does makes longer, and
of the processor, which on SQLite does all the work.
"""

from __future__ import annotations

import io
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import event, func, insert, select

from benchmarks.filling import Promise
from fieldapp import create_app
from fieldapp.aid.models import Aid
from fieldapp.areas.actions import add_grid, load_areas
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.demo import county
from fieldapp.payments import actions
from fieldapp.payments.models import RUNNING
from fieldapp.payments.rules import Whole
from fieldapp.people.actions import add_households
from fieldapp.people.models import Household, Person
from fieldapp.settings import Settings
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from tests import postgresql
from tests.imports.rosters import LIMITS, as_csv, find_user, make_id, make_name
from tests.live import run_command

ROWS, PEOPLE_OF_GRID, ADDED_AT_ONCE = 5_000, 200, 500
# Of ten payments eight are due, one is new, one is of somebody whom nobody knows.
EACH, NEW, UNKNOWN = 10, 8, 9
CENTS = 500_00
LIMIT_S, LIMIT_STATEMENTS = 0.5, 10
DATABASE = "fieldapp_bench_payments"
USERNAME, PASSWORD = "supervisor", "Spring-2026-thaw"


@dataclass(frozen=True)
class Work:
    """What comparing, taking in or taking back took: seconds in all and of the longest step, by the clock and of the processor;
    statements for a row.
    """

    database: str
    name: str
    seconds: float
    longest: float
    longest_worked: float
    statements: float


@dataclass(frozen=True)
class Paid:
    """The works of both databases, and how many rows less were in the books in between than there should have been."""

    works: list[Work]
    missing: int


def measure(folder: Path) -> Paid:
    """On SQLite and on PostgreSQL, in installations made in `folder`."""
    with postgresql.server_url() as server:
        url = postgresql.create_database(server, DATABASE)
        found = [_measure("SQLite", folder / "sqlite", ""), _measure("PostgreSQL", folder / "postgres", url)]
        postgresql.drop_database(server, DATABASE)
    return Paid([work for paid in found for work in paid.works], sum(paid.missing for paid in found))


def _measure(database: str, data_dir: Path, database_url: str) -> Paid:
    run_command("init", data_dir=data_dir, database_url=database_url)
    app = create_app(Settings(data_dir=data_dir, database_url=database_url))
    with app.app_context():
        actor = _fill()
        file = io.BytesIO(as_csv([("姓名", "身份证号", "金额"), *_rows()]))
        held = actions.stage(actor, "发放明细.csv", file, LIMITS, clock.now())
        with transaction():
            terms = Whole("dibao", "public", _month(), clock.local_date(clock.now()))
            actions.choose_columns(actor, held, held.fields, terms, clock.now())
        works = [_run(app, database, "compare", held.list_id)]
        with transaction():
            actions.start_taking(actor, held, reason="bench", now=clock.now())
        works.append(_run(app, database, "take in", held.list_id))
        in_books = select(func.count()).where(Aid.payment_list_id == held.list_id, Aid.state == "given")
        missing = ROWS - ROWS // EACH - (db.session.scalar(in_books) or 0)
        with transaction():
            actions.start_undoing(actor, held, reason="bench", with_reversed=False, now=clock.now())
        works.append(_run(app, database, "take back", held.list_id))
        db.session.remove()
        db.engine.dispose()
    return Paid(works, missing)


def _run(app: Flask, database: str, name: str, list_id: int) -> Work:
    """Step by step, as the page asks for them."""
    times: list[float] = []
    worked: list[float] = []
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(db.engine, "before_cursor_execute", count)
    is_left = True
    while is_left:
        # Each request has a session of its own.
        with app.app_context():
            started, began = time.perf_counter(), time.process_time()
            is_left = actions.go_on(list_id, clock.now(), 0).state in RUNNING
            times.append(time.perf_counter() - started)
            worked.append(time.process_time() - began)
    event.remove(db.engine, "before_cursor_execute", count)
    return Work(database, name, sum(times), max(times), max(worked), statements / ROWS)


def _fill() -> User:
    """A supervisor, and grids of people to whom money is due or not."""
    codes = [f"{county.TOWNSHIP}209{number:03d}" for number in range(1, ROWS // PEOPLE_OF_GRID + 1)]
    with transaction():
        load_areas([county.TOWNSHIP])
        for number, code in enumerate(codes, start=1):
            add_grid(code, f"第{number}网格")
        since = clock.now() - timedelta(days=1)
        add_user(USERNAME, PASSWORD, "付雅琴", "supervisor", [county.TOWNSHIP], actor=None, now=since)
    actor = find_user(USERNAME)
    for start in range(0, ROWS, ADDED_AT_ONCE):
        with transaction() as session:
            numbers = range(start, start + ADDED_AT_ONCE)
            households = [_make_household(number, codes[number // PEOPLE_OF_GRID]) for number in numbers]
            add_households(households, clock.now())
            due = [
                _make_due(household, actor)
                for number, household in zip(numbers, households, strict=True)
                if number % EACH < NEW
            ]
            session.execute(insert(Aid), due)
    return actor


def _make_household(number: int, grid: str) -> Household:
    # Nobody has the number of a payment of somebody unknown.
    id_number = make_id(number + (ROWS if number % EACH == UNKNOWN else 0))
    person = Person(
        person_uuid=str(uuid.uuid4()),
        name=make_name(number),
        sex="f",
        birth_on=date.fromisoformat(id_number[6:14]),
        main_class="dibao_rural",
        risk="low",
        id_number=id_number,
    )
    return Household(
        household_uuid=str(uuid.uuid4()), grid_code=grid, name=person.name, address="2组", people=[person]
    )


def _make_due(household: Household, actor: User) -> dict[str, object]:
    return {
        "aid_uuid": str(uuid.uuid4()),
        "household_uuid": household.household_uuid,
        "person_uuid": household.people[0].person_uuid,
        "area_code": household.grid_code,
        "kind": "cash",
        "programme": "dibao",
        "source": "public",
        "amount_cents": CENTS,
        "period": _month(),
        "state": "due",
        "due_on": clock.local_date(clock.now()),
        "entered_by_id": actor.id,
        "entered_at": clock.now(),
        # As entered at the desk: phones hold it.
        "feed": household.grid_code,
    }


def _rows() -> Iterator[tuple[str, str, str]]:
    return ((make_name(number), make_id(number), str(CENTS // 100)) for number in range(ROWS))


def _month() -> str:
    return f"{clock.local_date(clock.now()):%Y-%m}"


def table(paid: Paid) -> str:
    """The figures as a plain table."""
    lines = [f"A payment list of {ROWS} rows, step by step"]
    lines.append(f"{'':24}{'in all':>9}{'longest step':>15}{'of the processor':>19}{'statements a row':>19}")
    lines += [
        f"  {one.database:10}  {one.name:10}{one.seconds:7.1f} s{one.longest:13.2f} s"
        f"{one.longest_worked:17.2f} s{one.statements:19.1f}"
        for one in paid.works
    ]
    return "\n".join([*lines, *map(str, promises(paid))])


def promises(paid: Paid) -> list[Promise]:
    """What must hold."""
    longest = max(one.longest_worked for one in paid.works if one.database == "SQLite")
    return [
        Promise("SQLite: longest step of a payment list, s of the processor", longest, LIMIT_S, 2),
        Promise(
            "statements for a row of a payment list",
            max(one.statements for one in paid.works),
            LIMIT_STATEMENTS,
            1,
        ),
        Promise("payments that were not taken in", paid.missing, 0, 0),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(table(measure(Path(temporary))))
