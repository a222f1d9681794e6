"""A registry of a whole province, as the desk reads it: finding somebody by ID, name, initials and address, who is overdue.

Why it counts: the search answers as one types. Invariant: the rows are those the app itself would keep (sealed numbers,
hashes, words); the app's own queries are timed, and every plan they lead to reads an index and no whole table of people.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import event, select, text
from sqlalchemy.engine import Engine, make_url

from benchmarks.filling import Promise
from fieldapp import create_app
from fieldapp.areas.actions import load_areas
from fieldapp.areas.models import Area
from fieldapp.core.crypto import keyring
from fieldapp.core.db import WRITES, db
from fieldapp.people import queries, rules
from fieldapp.people.area_queries import count_by_area
from fieldapp.people.due_queries import count_due, list_due
from fieldapp.people.models import Household, Person
from fieldapp.people.pair_queries import find_likely, list_pairs
from fieldapp.people.search_queries import find_by_number, find_by_words
from fieldapp.people.tally_actions import put_right
from fieldapp.settings import Settings
from tests import postgresql
from tests.live import run_command

SMALL, FULL = 20_000, 2_000_000
# Where the full registry is kept between runs.
FOLDER_VARIABLE = "FIELDAPP_BENCH_DIR"
LIMIT_MS = 50
RUNS = 40
PEOPLE_OF_GRID, PEOPLE_OF_HOUSEHOLD = 144, 2
FOUND = 21
TODAY = date(2026, 11, 28)
# The most frequent surnames, with how many of a hundred people have them; others have the rest.
_SURNAMES = {
    "王": 8,
    "李": 8,
    "张": 7,
    "刘": 6,
    "陈": 4,
    "杨": 3,
    "赵": 3,
    "孙": 3,
    "于": 2,
    "单": 1,
    "曾": 1,
    "翟": 1,
}
_OTHERS = (
    "马周吴徐胡朱高林何郭罗宋郑谢韩唐冯董萧程曹袁邓许傅沈彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚"
)
_GIVEN = "英华文明秀兰玉桂芳春梅国建军平海福德才宝山林树凤琴霞红丽娟敏静涛强伟杰志勇永成长生"
_COLUMNS = {
    "households": "household_uuid, grid_code, name, address, phone, phone_hash, phone_tail_hash, note, due_on, counted",
    "people": "person_uuid, household_uuid, position, name, relation, sex, birth_on, id_number, id_hash, id_tail_hash, "
    "phone, phone_hash, phone_tail_hash, bank_name, main_class, causes, risk, due_on, registered_on",
    "search_words": "household_uuid, kind, word, grid_code",
    "likely_pairs": "one_uuid, other_uuid, one_grid, other_grid, why",
}
# One household in so many has two entries that could be one person.
_LIKELY = 50
# None of them may be read as a whole, once it has more than a few pages: those are read faster than an index.
_READ = (*_COLUMNS, "tallies")
_FEW_PAGES, FEW = 128, "(a few pages)"


@dataclass(frozen=True)
class Searched:
    """One kind of search: the median and the longest of its runs, and the plans of what it asked the database."""

    words: str
    median_ms: float
    longest_ms: float
    plans: list[str]


def measure_small(folder: Path) -> list[Searched]:
    """In a registry of `SMALL` people made in `folder`."""
    with postgresql.server_url() as server, _registry(folder, server, SMALL):
        return _measure()


def measure_full(folder: Path) -> list[Searched]:
    """In the registry of `FULL` people kept in `folder`, made when it is not there yet."""
    with postgresql.kept_server_url(folder / "postgres") as server, _registry(folder, server, FULL):
        return _measure()


# --- a registry ----------------------------------------------------------------------------------------------------


@contextmanager
def installation(
    folder: Path, server: str, kind: str, size: int, fill: Callable[[str], None]
) -> Iterator[Flask]:
    """The app in `folder` on a database of `kind` and `size`, which `fill` fills when it is not there yet."""
    data_dir, made = folder / kind, folder / f"{kind}-of-{size}"
    database = f"fieldapp_{kind}"
    url = make_url(server).set(database=database).render_as_string(hide_password=False)
    if not made.exists():
        postgresql.create_database(server, database)
    # One kept from an earlier version is brought up to date.
    run_command("init", data_dir=data_dir, database_url=url)
    app = create_app(Settings(data_dir=data_dir, database_url=url))
    if not made.exists():
        with app.app_context():
            fill(url)
        made.touch()
    yield app
    with app.app_context():
        db.engine.dispose()


@contextmanager
def _registry(folder: Path, server: str, people: int) -> Iterator[None]:
    with (
        installation(folder, server, "registry", people, lambda url: _fill(url, people)) as app,
        app.app_context(),
    ):
        yield


def add_grids(wanted: int) -> list[Any]:
    """Areas of the whole province, and a grid in as many villages: (code and name of its village), by code."""
    connection = db.session.connection(execution_options={WRITES: True})
    load_areas(["23"])
    villages = connection.execute(
        text("SELECT code, name FROM areas WHERE level = 'village' ORDER BY code")
    ).all()
    chosen = villages[:: max(len(villages) // wanted, 1)]
    connection.execute(
        Area.__table__.insert(),  # type: ignore[attr-defined]
        [
            {"code": code + "001", "name": name + "第1网格", "level": "grid", "parent_code": code}
            for code, name in chosen
        ],
    )
    db.session.commit()
    return list(chosen)


@contextmanager
def put_aside(raw: psycopg.Connection[Any], tables: Sequence[str]) -> Iterator[None]:
    """The tables without their indexes, but those of primary keys: from whole tables they are made faster."""
    raw.execute("SET maintenance_work_mem = '512MB'")
    indexes = raw.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
        " AND indexname NOT LIKE 'pk_%%' AND indexname NOT LIKE 'uq_%%'",
        [list(tables)],
    ).fetchall()
    for name, _ in indexes:
        raw.execute(f"DROP INDEX {name}".encode())
    raw.commit()
    yield
    for _, made in indexes:
        raw.execute(made.encode())
    raw.commit()


def _fill(url: str, people: int) -> None:
    """Areas of the whole province, a grid for as many villages as the people need, and the people."""
    begun = time.perf_counter()
    chosen = add_grids(people // PEOPLE_OF_GRID)
    with psycopg.connect(url) as raw, put_aside(raw, list(_COLUMNS)):
        _copy(url, chosen, people)
    put_right()
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("VACUUM ANALYZE")
    print(f"Made a registry of {people:,} people in {time.perf_counter() - begun:.0f} s", flush=True)


def _copy(url: str, villages: Sequence[Any], people: int) -> None:
    """Write households, people and words side by side, each table by a connection of its own."""
    with ExitStack() as stack:
        copies = []
        for table, columns in _COLUMNS.items():
            raw = stack.enter_context(psycopg.connect(url))
            # A row may be there before the one it points to.
            raw.execute("SET session_replication_role = replica")
            statement = f"COPY {table} ({columns}) FROM STDIN".encode()
            copies.append(stack.enter_context(raw.cursor().copy(statement)))
        chance = random.Random(5)
        for number in range(people // PEOPLE_OF_HOUSEHOLD):
            place = number * PEOPLE_OF_HOUSEHOLD // PEOPLE_OF_GRID
            for copy, rows in zip(
                copies, _rows(number, villages[place % len(villages)], chance), strict=True
            ):
                for row in rows:
                    copy.write_row(row)


def _rows(number: int, village: Any, chance: random.Random) -> tuple[list[Any], ...]:
    """One household's rows of each table."""
    grid, household_uuid = village.code + "001", str(uuid.UUID(int=chance.getrandbits(128)))
    address = f"{village.name}{chance.randint(1, 9)}组{chance.randint(1, 99)}号"
    names = [_draw_name(chance) for _ in range(PEOPLE_OF_HOUSEHOLD)]
    phone = f"199{number % 100_000_000:08}"
    hashes = queries.number_hashes(phone, "phone")
    due_on = TODAY + timedelta(days=chance.randint(-5, 60))
    note = _seal("", "households.note")
    classes = [chance.choice(_CLASSES) for _ in names]
    counted = {"township": grid[:9], "due_on": due_on.isoformat(), "people": [], "is_tried": False}
    counted["people"] = sorted([one, due_on.isoformat()] for one in classes)
    household = (
        household_uuid,
        grid,
        names[0],
        address,
        _seal(phone, "households.phone"),
        *hashes,
        note,
        due_on,
        json.dumps(counted),
    )
    members = []
    for place, name in enumerate(names):
        born_on = date(1930 + chance.randint(0, 80), 1, 1) + timedelta(days=chance.randint(0, 364))
        first17 = f"{village.code[:6]}{born_on:%Y%m%d}{(number * PEOPLE_OF_HOUSEHOLD + place) % 1000:03}"
        id_number = first17 + rules.id_check_digit(first17)
        members.append(
            (
                *(str(uuid.UUID(int=chance.getrandbits(128))), household_uuid, place, name, "", "f", born_on),
                *(
                    _seal(id_number, "people.id_number"),
                    *queries.number_hashes(id_number, "id"),
                ),
                *((_seal(phone, "people.phone"), *hashes) if place == 0 else (None, None, None)),
                *("", classes[place], "[]", "low", due_on, TODAY),
            )
        )
    words = [("name", word) for word in set().union(*map(_name_words, names))]
    words += [("address", word) for word in rules.address_words(address)]
    one, other = sorted(member[0] for member in members)
    pairs = [(one, other, grid, grid, '["place"]')] if number % _LIKELY == 0 else []
    return [household], members, [(household_uuid, kind, word, grid) for kind, word in words], pairs


_CLASSES = ("dibao_rural", "dibao_urban", "destitute_scattered", "dibao_margin", "none")
_name_words = lru_cache(maxsize=None)(rules.name_words)


def _seal(text: str, place: str) -> bytes:
    return keyring().seal(text.encode(), place)


def _draw_name(chance: random.Random) -> str:
    [surname] = chance.choices([*_SURNAMES, ""], [*_SURNAMES.values(), 100 - sum(_SURNAMES.values())])
    given = chance.choice(_GIVEN) + (chance.choice(_GIVEN) if chance.random() < 0.8 else "")
    return (surname or chance.choice(_OTHERS)) + given


# --- searches ------------------------------------------------------------------------------------------------------


def _measure() -> list[Searched]:
    chance = random.Random(7)
    people = db.session.execute(
        select(Person.person_uuid, Person.id_number, Person.name, Household.grid_code, Household.address)
        .join(Household)
        .order_by(Person.person_uuid)
        .limit(5000)
    ).all()
    drawn = [chance.choice(people) for _ in range(RUNS)]
    found = [
        _time("who is overdue, in a township", _list_overdue, [(one, [one.grid_code[:9]]) for one in drawn]),
        _time("who else it could be", _find_likely, [(one, []) for one in drawn]),
        _time("likely pairs, of a township", _list_pairs, [(one, [one.grid_code[:9]]) for one in drawn]),
        _time("likely pairs, of the province", _list_pairs, [(one, [one.grid_code[:2]]) for one in drawn]),
        _time("coverage, of the province", _count_due, [(one, [one.grid_code[:2]]) for one in drawn]),
        _time("tree of areas, of the province", _count_all, [(one, [one.grid_code[:2]]) for one in drawn]),
    ]
    for area, digits in (("province", 2), ("county", 6), ("township", 9)):
        inside = [(one, [one.grid_code[:digits]]) for one in drawn]
        found += [_time(f"{words}, in a {area}", search, inside) for words, search in _SEARCHES.items()]
    return found


def _list_overdue(_one: Any, codes: list[str]) -> object:
    return list_due(codes, TODAY)


def _find_likely(one: Any, _codes: list[str]) -> object:
    return find_likely([one.person_uuid])


def _list_pairs(_one: Any, codes: list[str]) -> object:
    return list_pairs(codes, 1)


def _count_due(_one: Any, codes: list[str]) -> object:
    return count_due(codes, 4, TODAY)


def _count_all(_one: Any, codes: list[str]) -> object:
    return count_by_area(codes, 4, TODAY)


# By what is looked for, of a person drawn, in those areas.
_SEARCHES: dict[str, Callable[[Any, list[str]], object]] = {
    "ID number": lambda one, codes: find_by_number(one.id_number, codes, FOUND),
    "last four": lambda one, codes: find_by_number(one.id_number[-4:], codes, FOUND),
    "surname": lambda one, codes: find_by_words(one.name[0], codes, FOUND),
    "whole name": lambda one, codes: find_by_words(one.name, codes, FOUND),
    "first initial": lambda one, codes: find_by_words(rules.initials(one.name)[0], codes, FOUND),
    "initials": lambda one, codes: find_by_words(rules.initials(one.name), codes, FOUND),
    "address": lambda one, codes: find_by_words(one.address[-5:], codes, FOUND),
}


def _time(words: str, search: Callable[[Any, list[str]], object], drawn: list[Any]) -> Searched:
    times = []
    for one, codes in drawn:
        db.session.remove()
        begun = time.perf_counter()
        search(one, codes)
        times.append((time.perf_counter() - begun) * 1000)
    db.session.remove()
    _, plans = plans_of(db.engine, lambda: search(*drawn[0]), _READ)
    return Searched(words, statistics.median(times), max(times), plans)


def plans_of(engine: Engine, ask: Callable[[], object], tables: Sequence[str]) -> tuple[int, list[str]]:
    """How many statements `ask` sends, and how PostgreSQL reads those tables for them, one line a table: "Index Scan
    using …".

    To the whole reading of a small table `FEW` is added.
    """
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    lines: dict[str, None] = {}
    with engine.raw_connection().cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND relpages <= %s",
            (list(tables), _FEW_PAGES),
        )
        small = {name for (name,) in cursor.fetchall()}
        for statement, parameters in asked:
            cursor.execute("EXPLAIN (COSTS OFF) " + statement, parameters)
            for (line,) in cursor.fetchall():
                step = line.strip().removeprefix("->").strip()
                if "Scan" in step and any(f" {table}" in step or f"_{table}" in step for table in tables):
                    is_few = any(step.startswith(f"Seq Scan on {table}") for table in small)
                    lines[f"{step} {FEW}" if is_few else step] = None
    return len(asked), list(lines)


# --- what is said --------------------------------------------------------------------------------------------------


def promises(found: list[Searched]) -> list[Promise]:
    """What is promised, and what was measured."""
    whole = [line for one in found for line in one.plans if "Seq Scan" in line and FEW not in line]
    slowest = max(found, key=lambda one: one.median_ms)
    return [
        Promise(f"the slowest ({slowest.words}): ms, median", slowest.median_ms, LIMIT_MS, 1),
        Promise("of them, that read a whole table", len(whole), 0, 0),
    ]


def table(found: list[Searched], people: int) -> str:
    """Every search, the plans of all of them, and whether what is promised holds."""
    lines = [
        f"Among {people:,} people, PostgreSQL, {RUNS} runs each",
        f"{'':<28} {'median':>9} {'longest':>9}",
    ]
    lines += [f"{one.words:<28} {one.median_ms:>6.1f} ms {one.longest_ms:>6.1f} ms" for one in found]
    plans = dict.fromkeys(line for one in found for line in one.plans)
    return "\n".join([*lines, *(f"  reads: {line}" for line in plans), *map(str, promises(found))])


def main() -> int:
    """`make bench-full`: measure in the kept registry; gives the exit status."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        print(
            f"Set {FOLDER_VARIABLE} to a folder outside the checkout: some 6 GB are kept there",
            file=sys.stderr,
        )
        return 1
    Path(folder).mkdir(parents=True, exist_ok=True)
    found = measure_full(Path(folder))
    print(table(found, FULL))
    return 0 if all(promise.holds for promise in promises(found)) else 1


if __name__ == "__main__":
    sys.exit(main())
