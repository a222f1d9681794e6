"""A PostgreSQL server of the tests' own, in a temporary folder, reached through a socket in that folder.

Invariant: it ends with the `with` block, and with it every trace: nothing of the machine's own PostgreSQL is touched.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from sqlalchemy import NullPool, create_engine, inspect, make_url


class PostgresMissing(Exception):
    """PostgreSQL is not on this machine; the message says what to install."""


@contextmanager
def server_url() -> Iterator[str]:
    """URL of a server, reached as its superuser: FIELDAPP_TEST_POSTGRES_URL's, or one started for the block.

    Raises PostgresMissing.
    """
    given = os.environ.get("FIELDAPP_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="fieldapp-postgres-"))
    try:
        with _running(folder):
            yield f"postgresql://fieldapp@/postgres?host={quote(str(folder), safe='')}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_server_url(folder: Path) -> Iterator[str]:
    """URL of a server whose databases are kept in `folder`; it runs for the block. Raises PostgresMissing."""
    folder.mkdir(parents=True, exist_ok=True)
    with _running(folder):
        yield f"postgresql://fieldapp@/postgres?host={quote(str(folder), safe='')}"


def create_database(server: str, name: str, template: str = "template1") -> str:
    """Make the database `name` on `server` anew, as a copy of `template`; gives its URL."""
    drop_database(server, name)
    _administer(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def renew_database(server: str, name: str, template: str) -> str:
    """As `create_database`, in a tenth of the time where all that changed since the last time is in the rows.

    `server` is reached as its superuser.
    """
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    kept = _read(server, template)
    try:
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            if _shape(connection) == kept.shape:
                _filled[url] = _fill(connection, kept, _filled.get(url, {}))
                return url
    except psycopg.OperationalError:
        pass  # there is none yet
    _filled.pop(url, None)
    return create_database(server, name, template)


@dataclass(frozen=True)
class _Kept:
    """What a database holds: names of tables and columns, rows by table."""

    shape: str
    rows: dict[str, bytes]
    sequences: dict[str, int | None]


@dataclass(frozen=True)
class _Filled:
    """What a table was filled with, and the marks its rows then had."""

    rows: bytes
    marks: str | None


# By URL and table.
_filled: dict[str, dict[str, _Filled]] = {}


@functools.cache
def _read(server: str, name: str) -> _Kept:
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    tables = inspect(create_engine(url, poolclass=NullPool)).get_table_names()
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        rows = {}
        for table in tables:
            with cursor.copy(f'COPY "{table}" TO STDOUT'.encode()) as copy:
                rows[table] = b"".join(copy)
        sequences = cursor.execute("SELECT sequencename, last_value FROM pg_sequences").fetchall()
        return _Kept(_shape(connection), rows, dict(sequences))


def _shape(connection: psycopg.Connection[Any]) -> str:
    found = connection.execute(
        "SELECT string_agg(concat_ws(' ', nspname, relname, relkind, relnatts), ',' ORDER BY nspname, relname)"
        " FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
        " WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
    ).fetchone()
    return str(found)


def _fill(connection: psycopg.Connection[Any], kept: _Kept, filled: dict[str, _Filled]) -> dict[str, _Filled]:
    """Fill anew the tables that do not hold what they are to hold; gives what all are filled with then.

    Most tests change few tables, and the largest, the checklists, hardly ever.
    """
    marks = _marks(connection, kept.rows)
    held = {table: _Filled(rows, marks[table]) for table, rows in kept.rows.items()}
    changed = [table for table in held if filled.get(table) != held[table]]
    if changed:
        # In the end all tables fit each other as they did when they were read: no key need be looked up meanwhile.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("; ".join(f'DELETE FROM "{table}"' for table in changed).encode())
        for table in changed:
            if kept.rows[table]:
                with connection.cursor().copy(f'COPY "{table}" FROM STDIN'.encode()) as copy:
                    copy.write(kept.rows[table])
        marks = _marks(connection, changed)
        held |= {table: _Filled(kept.rows[table], marks[table]) for table in changed}
    setting = (
        f"setval('\"{name}\"', {last or 1}, {last is not None})" for name, last in kept.sequences.items()
    )
    connection.execute(f"SELECT {', '.join(setting)}".encode())
    return held


def _marks(connection: psycopg.Connection[Any], tables: Iterable[str]) -> dict[str, str | None]:
    """Of each table the place of every row and the transaction that wrote it: whatever changes a row changes these."""
    asking = " UNION ALL ".join(
        f"SELECT '{table}', string_agg(concat_ws(' ', ctid, xmin), ',') FROM \"{table}\"" for table in tables
    )
    return dict(connection.execute(asking.encode()).fetchall())


def drop_database(server: str, name: str) -> None:
    """Remove the database `name`, and whoever is still connected to it."""
    _administer(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _administer(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def _running(folder: Path) -> Iterator[None]:
    programs, cluster, log = _programs(), folder / "cluster", folder / "log"
    # initdb and postgres refuse root, so root lends the folder to the user that Debian's package made.
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        # Not every root has the system's programs on its path.
        runuser = shutil.which("runuser") or "/usr/sbin/runuser"
        as_user = [runuser, "-u", "postgres", "--"]

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*as_user, str(programs / program), "--pgdata", str(cluster), *arguments],
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        if done.returncode:
            said = log.read_text(errors="replace") if log.exists() else ""
            raise RuntimeError(f"PostgreSQL: {program} {arguments[-1]} failed\n{said}")

    # Nothing here outlives the tests: durability would only cost time.
    options = (
        f"-k {folder} -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    )
    if not cluster.exists():
        run("initdb", "--username=fieldapp", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
    run("pg_ctl", f"--log={log}", f"--options={options}", "--wait", "start")
    try:
        yield
    finally:
        run("pg_ctl", "--mode=fast", "--wait", "stop")


def _programs() -> Path:
    """The newest folder with initdb and postgres in it."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not installed:
        raise PostgresMissing(
            "PostgreSQL is needed: sudo apt-get install --no-install-recommends postgresql, "
            "or set FIELDAPP_TEST_POSTGRES_URL to a server, as its superuser"
        )
    return installed[-1].parent
