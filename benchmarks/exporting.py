"""Visits taken along as files: how long it takes, and how much memory, for ten thousand and for four times as many.

Why it counts: a county takes its weeks along while everybody else works, on one small machine. Invariant: the file is asked
for as the page asks for it, in a process of its own; its memory is what the process had at most beyond what it had before.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks.filling import Promise
from fieldapp import create_app
from fieldapp.areas.actions import add_grid, load_areas
from fieldapp.core import clock
from fieldapp.core.db import Base, db, transaction
from fieldapp.demo import county
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household, Person
from fieldapp.reviews.models import Flag
from fieldapp.rollups.queries import get_week
from fieldapp.serving import spare_collector
from fieldapp.settings import Settings
from fieldapp.tables.files import CSV, GEOJSON, XLSX
from fieldapp.tables.rules import PLACE, WORKER
from fieldapp.tables.visit_fields import DEFAULT, FIELDS
from fieldapp.users.actions import add_user
from fieldapp.visits.models import Visit, VisitPerson, VisitRevision
from tests import postgresql
from tests.factories import PASSWORD, Desk
from tests.live import ROOT, environment, run_command

# So many visits, and how many times as many: what takes longer than in proportion is not read in one go.
VISITS, TIMES = 10_000, 4
# The fastest counts: what else the machine does only makes it longer.
RUNS = 3
GRIDS, WORKERS, VISITS_OF_HOUSEHOLD, WEEKS = 50, 50, 10, 4
DATABASE = "fieldapp_bench_export"
LIMITS_S = {CSV: 0.5, XLSX: 3.0}
LIMIT_MB, LIMIT_GROWTH = 20, 1.3
COLUMNS = {
    "default": DEFAULT,
    "all but places": tuple(name for name in FIELDS if name not in PLACE),
    "all but workers": tuple(name for name in FIELDS if name != WORKER),
}
TAKE = "from benchmarks.exporting import take; take()"


@dataclass(frozen=True)
class Taken:
    """A file: on which database, of how many visits, in which format with which columns; what it took."""

    database: str
    visits: int
    format: str
    columns: str
    seconds: float
    peak_mb: float
    size_mb: float


def measure(folder: Path) -> list[Taken]:
    """On SQLite and on PostgreSQL, in installations made in `folder`."""
    found = []
    with postgresql.server_url() as server:
        for number in (VISITS, VISITS * TIMES):
            url = postgresql.create_database(server, DATABASE)
            for database, database_url in (("SQLite", ""), ("PostgreSQL", url)):
                data_dir = folder / f"{database}-{number}"
                _install(data_dir, database_url, number)
                found += _take(database, number, data_dir, database_url)
            postgresql.drop_database(server, DATABASE)
    return found


def _take(database: str, number: int, data_dir: Path, database_url: str) -> list[Taken]:
    settings = environment(data_dir=data_dir, database_url=database_url)
    done = subprocess.run(
        [sys.executable, "-c", TAKE], cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True, check=True
    )
    return [Taken(database, number, **one) for one in json.loads(done.stdout)]


def take() -> None:
    """Take the visits along in every format, in the installation that the environment names; prints what it took as JSON."""
    app = create_app(Settings.from_environment())
    # As it is served.
    spare_collector()
    desk = Desk(app, "desk")
    files = [(format_, columns) for format_ in (CSV, XLSX) for columns in COLUMNS] + [(GEOJSON, "default")]
    found = []
    for format_, columns in files:
        query = "&".join(f"column={name}" for name in COLUMNS[columns])
        address = f"/tables/table/file?kind=visits&period=last12&{query}"
        # What is read once by a process that lives for long.
        _fetch(desk, f"{address}&method=patrol", format_)
        before = _reset_peak()
        size, seconds = 0, []
        for _ in range(RUNS):
            started = time.perf_counter()
            size = _fetch(desk, address, format_)
            seconds.append(time.perf_counter() - started)
        peak_mb = _read_memory("VmHWM") - before
        taken = {"format": format_, "columns": columns, "seconds": min(seconds)}
        found.append({**taken, "peak_mb": peak_mb, "size_mb": size / 1e6})
    print(json.dumps(found))


def _fetch(desk: Desk, address: str, format_: str) -> int:
    fields = {"csrf_token": desk.token, "reason": "bench", "format": format_}
    with desk.client.post(address, data=fields, buffered=False) as answer:
        assert answer.status_code == 200
        return sum(len(piece) for piece in answer.iter_encoded())


def _reset_peak() -> float:
    """Count the peak of the memory from now on; returns how much there is, MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _read_memory("VmRSS")


def _read_memory(name: str) -> float:
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1000


# --- the visits ----------------------------------------------------------------------------------------------------


def _install(data_dir: Path, database_url: str, visits: int) -> None:
    run_command("init", data_dir=data_dir, database_url=database_url)
    app = create_app(Settings(data_dir=data_dir, database_url=database_url))
    with app.app_context():
        since = clock.now() - timedelta(days=365)
        with transaction():
            load_areas([county.TOWNSHIP])
            grids = [f"{county.TOWNSHIP}209{number:03d}" for number in range(1, GRIDS + 1)]
            for number, code in enumerate(grids, start=1):
                add_grid(code, f"第{number}网格")
            add_user("desk", PASSWORD, "付雅琴", "supervisor", [county.TOWNSHIP], actor=None, now=since)
            workers = [
                add_user(f"w{n}", PASSWORD, f"网格员{n}", "worker", [grids[n]], actor=None, now=since).id
                for n in range(WORKERS)
            ]
        _fill(visits, grids, workers)
        if database_url:
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("ANALYZE")
        db.session.remove()
        db.engine.dispose()


def _fill(visits: int, grids: list[str], workers: list[int]) -> None:
    this_week = get_week(clock.now())
    homes = [str(uuid.uuid4()) for _ in range(visits // VISITS_OF_HOUSEHOLD)]
    people = [str(uuid.uuid4()) for _ in homes]
    keys = [str(uuid.uuid4()) for _ in range(visits)]

    def ended(number: int) -> datetime:
        back = timedelta(days=7 * (number % WEEKS), minutes=1 + number % 10_000)
        return this_week.begins_at - back

    def in_grid(number: int) -> str:
        return grids[number % len(homes) % GRIDS]

    tables: list[tuple[type[Base], Iterator[dict[str, Any]]]] = [
        (
            Household,
            (
                {"household_uuid": home, "grid_code": in_grid(n), "name": f"户主{n}", "address": f"{n}号", "note": ""}
                for n, home in enumerate(homes)
            ),
        ),
        (
            Person,
            (
                {
                    "person_uuid": person, "household_uuid": homes[n], "name": f"户主{n}",
                    "main_class": "dibao_rural", "risk": "low", "registered_on": date(2026, 1, 1),
                }
                for n, person in enumerate(people)
            ),
        ),
        (
            Visit,
            (
                {
                    "visit_uuid": key, "household_uuid": homes[n % len(homes)], "area_code": in_grid(n),
                    "worker_id": workers[n % len(homes) % WORKERS], "state": "approved", "outcome": "reached", "method": "home",
                    "finished_at": ended(n), "received_at": ended(n) + timedelta(minutes=5),
                    "week_on": get_week(ended(n)).ends_on,
                }
                for n, key in enumerate(keys)
            ),
        ),
        (
            VisitRevision,
            (
                {
                    "visit_uuid": key, "revision": 1, "op_uuid": key, "body_hash": "0" * 64, "checklist_key": "routine",
                    "checklist_version": "1", "started_at": ended(n), "finished_at": ended(n), "received_at": ended(n),
                    "clock_offset_s": 0, "body": _body(n, people[n % len(homes)]),
                }
                for n, key in enumerate(keys)
            ),
        ),
        (
            VisitPerson,
            (
                {
                    "visit_uuid": key, "person_uuid": people[n % len(homes)], "position": 0,
                    "counted_as": ["class_dibao_rural", "persons"],
                }
                for n, key in enumerate(keys)
            ),
        ),
        (
            Flag,
            (
                {
                    "visit_uuid": key, "revision": 1, "area_code": in_grid(n), "rule": "answer", "severity": "yellow",
                    "text": {"zh": "缺粮", "en": "Food"}, "raised_at": ended(n),
                }
                for n, key in enumerate(keys) if n % 4 == 0
            ),
        ),
        (
            Followup,
            (
                {
                    "followup_id": str(uuid.uuid4()), "type": "temporary_relief", "severity": "yellow", "state": "open",
                    "area_code": in_grid(n), "found_in": in_grid(n), "household_uuid": homes[n % len(homes)],
                    "visit_uuid": key, "reason": {"zh": "缺粮", "en": "Food"}, "checklist_key": "followup",
                    "due_at": ended(n), "created_at": ended(n),
                }
                for n, key in enumerate(keys) if n % 8 == 0
            ),
        ),
    ]  # fmt: skip
    for model, rows in tables:
        while some := list(islice(rows, 1000)):
            with transaction():
                db.session.execute(insert(model), some)


def _body(number: int, person_uuid: str) -> dict[str, Any]:
    """The content of a visit, of the size a routine one has; each with a place."""
    answers = {"reached": "reached", "home": {f"question_{n}": "enough" for n in range(25)}}
    place = {
        "lat": 45.2 + number % 1000 / 10_000,
        "lon": 129.5,
        "accuracy_m": 8.0,
        "datum": "WGS84",
        "at": "2026-11-01T02:00:00Z",
    }
    return {"answers": answers, "people": [person_uuid], "location": place}


# --- what it took --------------------------------------------------------------------------------------------------


def table(found: list[Taken]) -> str:
    """The figures as a plain table."""
    lines = ["Visits taken along as files: time, memory beyond what the process had, size"]
    lines += [
        f"{one.visits:>9,}  {one.database:<10} {one.format:<8} {one.columns:<16} {one.seconds:6.2f} s "
        f"{one.peak_mb:6.1f} MB {one.size_mb:6.1f} MB"
        for one in found
    ]
    return "\n".join([*lines, *map(str, promises(found))])


def promises(found: list[Taken]) -> list[Promise]:
    """What must hold."""
    made = []
    for database in ("SQLite", "PostgreSQL"):
        few, many = (
            {
                (one.format, one.columns): one
                for one in found
                if (one.database, one.visits) == (database, number)
            }
            for number in (VISITS, VISITS * TIMES)
        )
        for format_, limit in LIMITS_S.items():
            what = f"{database}: {VISITS:,} visits as {format_}, the columns a table begins with, s"
            made.append(Promise(what, few[format_, "default"].seconds, limit, 2))
        growth = max(many[key].seconds / few[key].seconds for key in few) / TIMES
        made.append(
            Promise(f"{database}: time for one of {TIMES} times as many visits", growth, LIMIT_GROWTH, 2)
        )
        peak = max(one.peak_mb for one in many.values())
        made.append(Promise(f"{database}: memory for {VISITS * TIMES:,} visits, MB", peak, LIMIT_MB, 0))
    return made


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(table(measure(Path(temporary))))
