"""Importing people from Excel by the hundred thousand: how much memory it takes, and how long.

Why it counts: a county runs on one small machine, and its first day begins with the rosters. Invariant: the command that
an administrator would run does it, in a process of its own, whose peak memory the system tells (Linux).
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import openpyxl
from flask import Flask
from sqlalchemy import func, select

from benchmarks.filling import Promise
from fieldapp import create_app
from fieldapp.areas.actions import add_grid, load_areas
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.tallies import Tally
from fieldapp.demo import county
from fieldapp.imports.models import Import
from fieldapp.people.models import Household, HouseholdGrid, LikelyPair, Person, PersonTag, SearchWord
from fieldapp.settings import Settings
from fieldapp.users.actions import add_user
from tests import postgresql
from tests.imports.rosters import HEADER, make_row, undo
from tests.live import ROOT, environment, run_command

# `make bench` brings in so many; `make bench-full` as many as a county has.
SMALL, FULL = 10_000, 100_000
PEOPLE_OF_GRID = 200
# One row of a hundred is refused: its risk is no word of ours.
REFUSED_EVERY = 100
LIMIT_MB = 300
DATABASE = "fieldapp_bench_import"
SOURCE, USERNAME, PASSWORD = "bench", "supervisor", "Spring-2026-thaw"
RISK = HEADER.index("风险等级")


# Before the import there is nobody: taken back, nothing of these is there.
REGISTRY = (Household, HouseholdGrid, Person, PersonTag, SearchWord, LikelyPair, Tally)
# As the page of the import takes it back, in a process of its own as well.
UNDO = "from benchmarks.importing import take_back; take_back()"


@dataclass(frozen=True)
class Run:
    """How long a process took, how much memory it had at most, what it printed."""

    seconds: float
    peak_mb: float
    printed: str


@dataclass(frozen=True)
class Imported:
    """What an import of so many rows took and its undoing, what became of the rows, and how many of the registry are left."""

    database: str
    rows: int
    brought: Run
    undone: Run
    added: int
    refused: int
    left_behind: int


def measure(folder: Path, rows: int) -> list[Imported]:
    """On SQLite and on PostgreSQL, in installations made in `folder`."""
    with postgresql.server_url() as server:
        url = postgresql.create_database(server, DATABASE)
        found = [
            _measure("SQLite", folder / "sqlite", "", rows),
            _measure("PostgreSQL", folder / "postgres", url, rows),
        ]
        postgresql.drop_database(server, DATABASE)
    return found


def _measure(database: str, folder: Path, database_url: str, rows: int) -> Imported:
    data_dir, book = folder / "data", folder / "roster.xlsx"
    settings = {"data_dir": data_dir, "database_url": database_url}
    app, grids = _install(data_dir, database_url, rows)
    _write_book(book, grids, rows)
    command = ["import", str(book), "--by", USERNAME, "--source", SOURCE, "--write", "good"]
    brought = _run(["-m", "fieldapp", *command], settings)
    counts = {word: int(number) for number, word in re.findall(r"^  (\d+) (\w+)$", brought.printed, re.M)}
    undone = _run(["-c", UNDO], settings)
    with app.app_context():
        counts_left = [db.session.scalar(select(func.count()).select_from(kind)) or 0 for kind in REGISTRY]
        db.session.remove()
        db.engine.dispose()
    return Imported(database, rows, brought, undone, counts["add"], counts["refused"], sum(counts_left))


def _run(arguments: list[str], settings: dict[str, object]) -> Run:
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as printed:
        child = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, env=environment(**settings), stdout=printed
        )
        peak_kb = 0
        while child.poll() is None:
            # What the system says of an ended process counts the memory of the one it was started from.
            status = Path(f"/proc/{child.pid}/status").read_text()
            peak_kb = max([peak_kb, *map(int, re.findall(r"VmHWM:\s+(\d+)", status))])
            time.sleep(0.2)
        printed.seek(0)
        return Run(time.monotonic() - started, peak_kb / 1000, printed.read())


def take_back() -> None:
    """Take the one import back, in the installation that the environment names."""
    app = create_app(Settings.from_environment())
    with app.app_context():
        import_id = db.session.scalars(select(Import.import_id)).one()
    undo(app, import_id, USERNAME)


def _install(data_dir: Path, database_url: str, rows: int) -> tuple[Flask, list[str]]:
    """An installation with an account and as many grids as those people need; gives it and their codes."""
    run_command("init", data_dir=data_dir, database_url=database_url)
    app = create_app(Settings(data_dir=data_dir, database_url=database_url))
    with app.app_context():
        with transaction():
            load_areas([county.TOWNSHIP])
            codes = [f"{county.TOWNSHIP}209{number:03d}" for number in range(1, rows // PEOPLE_OF_GRID + 2)]
            for number, code in enumerate(codes, start=1):
                add_grid(code, f"第{number}网格")
            since = clock.now() - timedelta(days=1)
            add_user(USERNAME, PASSWORD, "付雅琴", "supervisor", [county.TOWNSHIP], actor=None, now=since)
        db.engine.dispose()
    return app, codes


def _write_book(path: Path, grids: list[str], rows: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for row in _rows(grids, rows):
        sheet.append(row)
    book.save(path)


def _rows(grids: list[str], rows: int) -> Iterator[list[str]]:
    for number in range(rows):
        row = make_row(number, grids[number // PEOPLE_OF_GRID])
        if number % REFUSED_EVERY == 0:
            row[RISK] = "很高"
        yield row


def table(found: list[Imported]) -> str:
    """The figures as a plain table."""
    lines = [f"Import of {found[0].rows} people from Excel (read, checked, written), and its undoing"]
    lines += ["              peak memory     time", f"  limit            {LIMIT_MB:4} MB"]
    for one in found:
        for words, run in (("import", one.brought), ("undo", one.undone)):
            lines.append(f"  {one.database:10} {words:6} {run.peak_mb:4.0f} MB   {run.seconds:6.0f} s")
        lines.append(
            f"    added {one.added}, refused {one.refused}, rows of the registry left by undoing {one.left_behind}"
        )
    return "\n".join([*lines, *map(str, promises(found))])


def promises(found: list[Imported]) -> list[Promise]:
    """What must hold."""
    return [
        promise
        for one in found
        for promise in (
            Promise(f"{one.database}: memory of an import, MB", one.brought.peak_mb, LIMIT_MB, 0),
            Promise(f"{one.database}: memory of its undoing, MB", one.undone.peak_mb, LIMIT_MB, 0),
            Promise(f"{one.database}: rows that nothing became of", one.rows - one.added - one.refused, 0, 0),
            Promise(f"{one.database}: rows of the registry left by undoing", one.left_behind, 0, 0),
        )
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        print(table(measure(Path(temporary), FULL)))
