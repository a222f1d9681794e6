"""Importing a hundred thousand people from Excel: how much memory it takes, and how long.

Why it counts: a county runs on one small machine, and its first day begins with the rosters. Invariant: the command that
an administrator would run does it, in a process of its own, whose peak memory the system tells (Linux).
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import openpyxl

from benchmarks.filling import Promise
from fieldapp import create_app
from fieldapp.areas.actions import add_grid, load_areas
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.demo import county
from fieldapp.settings import Settings
from fieldapp.users.actions import add_user
from tests.imports.rosters import HEADER, make_row
from tests.live import ROOT, environment, run_command

ROWS = 100_000
PEOPLE_OF_GRID = 200
# One row of a hundred is refused: its risk is no word of ours.
REFUSED_EVERY = 100
LIMIT_MB = 300
SOURCE, USERNAME, PASSWORD = "bench", "supervisor", "Spring-2026-thaw"
RISK = HEADER.index("风险等级")


@dataclass(frozen=True)
class Imported:
    """What an import of so many rows took, and what became of them."""

    rows: int
    seconds: float
    peak_mb: float
    added: int
    refused: int


def measure(folder: Path, rows: int = ROWS) -> Imported:
    """On SQLite, in an installation made in `folder`."""
    data_dir, book = folder / "data", folder / "roster.xlsx"
    grids = _install(data_dir, rows)
    _write_book(book, grids, rows)
    command = ["import", str(book), "--by", USERNAME, "--source", SOURCE, "--write", "good"]
    started = time.monotonic()
    with (folder / "printed").open("w+") as printed:
        child = subprocess.Popen(
            [sys.executable, "-m", "fieldapp", *command],
            cwd=ROOT,
            env=environment(data_dir=data_dir),
            stdout=printed,
        )
        peak_kb = 0
        while child.poll() is None:
            # What the system says of an ended process counts the memory of the one it was started from.
            status = Path(f"/proc/{child.pid}/status").read_text()
            peak_kb = max([peak_kb, *map(int, re.findall(r"VmHWM:\s+(\d+)", status))])
            time.sleep(0.2)
        seconds = time.monotonic() - started
        printed.seek(0)
        counts = {word: int(number) for number, word in re.findall(r"^  (\d+) (\w+)$", printed.read(), re.M)}
    return Imported(rows, seconds, peak_kb / 1000, counts["add"], counts["refused"])


def _install(data_dir: Path, rows: int) -> list[str]:
    """An installation with an account and as many grids as those people need; gives their codes."""
    run_command("init", data_dir=data_dir)
    app = create_app(Settings(data_dir=data_dir))
    with app.app_context():
        with transaction():
            load_areas([county.TOWNSHIP])
            codes = [f"{county.TOWNSHIP}209{number:03d}" for number in range(1, rows // PEOPLE_OF_GRID + 2)]
            for number, code in enumerate(codes, start=1):
                add_grid(code, f"第{number}网格")
            since = clock.now() - timedelta(days=1)
            add_user(USERNAME, PASSWORD, "付雅琴", "supervisor", [county.TOWNSHIP], actor=None, now=since)
        db.engine.dispose()
    return codes


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


def table(imported: Imported) -> str:
    """The figures as a plain table."""
    return (
        f"Import of {imported.rows} people from Excel (SQLite; read, checked, written)\n"
        f"  peak memory  {imported.peak_mb:7.0f} MB (limit {LIMIT_MB})\n"
        f"  time         {imported.seconds:7.0f} s\n"
        f"  added {imported.added}, refused {imported.refused}"
    )


def promises(imported: Imported) -> list[Promise]:
    """What must hold."""
    missing = imported.rows - imported.added - imported.refused
    return [
        Promise("peak memory of an import, MB", imported.peak_mb, LIMIT_MB, 0),
        Promise("rows of an import that nothing became of", missing, 0, 0),
    ]


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        print(table(measure(Path(temporary), int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)))
