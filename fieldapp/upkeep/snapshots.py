"""Snapshots of the database: taken of a running one, and put where there is none.

Each engine does it with its own tool: SQLite copies itself, PostgreSQL has pg_dump and pg_restore.

Invariant: a snapshot holds one consistent state without the rows of `server_state`; so a database made from it has no
epoch, and phones are not served, until `schema.bring_up_to_date` has given it a new one.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import URL

from fieldapp.core import durable
from fieldapp.core.db import db

ASIDE = "before_restore_"
# Where Debian keeps the programs of each version of PostgreSQL.
DEBIAN = Path("/usr/lib/postgresql")


class SnapshotFailed(Exception):
    """A snapshot could not be taken or put; the message says what the engine said, or what to install."""


@contextmanager
def taken(file: Path) -> Iterator[Connection]:
    """A snapshot of the current app's database in `file`, and a connection that sees the very same state.

    Those who write are not held up. The file is on the disk when the block ends.
    """
    take = _take_postgres if db.engine.dialect.name == "postgresql" else _take_sqlite
    with take(file) as connection:
        yield connection
    durable.sync_file(file)


@contextmanager
def _take_sqlite(file: Path) -> Iterator[Connection]:
    source = db.engine.url.database
    assert source
    # All in one step, in one read transaction.
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(file)) as copy:
        live.backup(copy)
        copy.execute("DELETE FROM server_state")
        copy.commit()
        [(said,)] = copy.execute("PRAGMA integrity_check(1)")
        if said != "ok":
            raise SnapshotFailed(f"the database is damaged: {said}")
    with connected(URL.create("sqlite", database=str(file))) as connection:
        yield connection
    # One file, without a log beside it.
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _take_postgres(file: Path) -> Iterator[Connection]:
    program = _find_program("pg_dump")
    with db.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        _run(
            db.engine.url,
            program,
            "--format=custom",
            f"--snapshot={snapshot}",
            "--exclude-table-data=server_state",
            f"--exclude-schema={ASIDE}*",
            f"--file={file}",
        )
        yield connection


def put_postgres(file: Path, url: URL) -> None:
    """Fill an empty PostgreSQL database from a snapshot, as a whole or not at all."""
    _run(
        url,
        _find_program("pg_restore"),
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--single-transaction",
        str(file),
    )


def put_sqlite(file: Path, path: Path) -> None:
    """Make an SQLite database of a snapshot, in place of what a restore that was cut off left there."""
    for name in files_of(path):
        name.unlink(missing_ok=True)
    durable.copy(file, path)


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """A connection to a database that is not, or not yet, that of an app."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def aside_name(now: datetime) -> str:
    """The name (of a folder or a schema) under which a database is kept that a restored one takes the place of."""
    return f"{ASIDE}{now:%Y%m%d%H%M%S}"


def files_of(path: Path) -> list[Path]:
    """An SQLite database and what SQLite keeps beside it."""
    return [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]


def _run(url: URL, program: str, *arguments: str) -> None:
    # The password goes where other accounts of the machine cannot read it.
    environment = dict(os.environ)
    if url.password:
        environment["PGPASSWORD"] = str(url.password)
    target = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    done = subprocess.run(
        [program, f"--dbname={target}", *arguments], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise SnapshotFailed(f"{Path(program).name} failed: {done.stderr.strip()}")


def _find_program(name: str) -> str:
    """A program of PostgreSQL: on the path, else the newest in Debian's folders; raises SnapshotFailed."""
    found = shutil.which(name)
    if found:
        return found
    installed = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if not installed:
        raise SnapshotFailed(
            f"{name} is needed and not here: install PostgreSQL's client programs "
            "(on Debian: apt-get install postgresql-client)."
        )
    return str(installed[-1])
