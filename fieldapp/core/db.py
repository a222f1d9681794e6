"""The database: the base of all models, the column types of the house, and the only door for writes.

Invariant: rows change only inside `transaction()`, which ends with a durable commit; a flush outside it raises.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, LargeBinary, MetaData, String, Uuid, event, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from fieldapp.core.crypto import keyring

BUSY_TIMEOUT_MS = 5000
WRITES = "fieldapp_writes"
_PENDING = "fieldapp_pending"
_LAST_STEPS = "last_steps"
_ANSWERS = "fieldapp_answers"

P = ParamSpec("P")
R = TypeVar("R")


class Base(DeclarativeBase):
    """The base of every table; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
migrate = Migrate(db=db, directory="migrations", render_as_batch=True, compare_type=True)

UuidText = Uuid(as_uuid=False)
AreaCode = String(15)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; kept naive by SQLite, which knows no zones, and given its zone again on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must know its zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EncryptedText(TypeDecorator[str]):
    """Text encrypted with the master key and bound to its place ("table.column")."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else keyring().seal(value.encode(), self.place)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else keyring().open(bytes(value), self.place).decode()


class EncryptedJson(TypeDecorator[Any]):
    """A JSON value encrypted with the master key and bound to its place ("table.column")."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, place: str) -> None:
        super().__init__()
        self.place = place

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        # Plain ASCII: a lone surrogate from a phone's keyboard has no UTF-8, yet must not be lost.
        return keyring().seal(json.dumps(value).encode(), self.place)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return json.loads(_mend(keyring().open(bytes(value), self.place).decode()))


# An escape in JSON that is all ASCII: a pair of surrogates, one alone, or any other.
_ESCAPE = re.compile(r"\\u(?:d[89ab]..)\\u(?:d[c-f]..)|(\\u(?:d[89a-f]..))|\\.")


def _mend(text: str) -> str:
    """Half an emoji, kept as it was sent, as the sign for what cannot be shown: no page could be written with it."""
    if r"\ud" not in text:
        return text
    return _ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], text)


class WriteOutsideTransaction(RuntimeError):
    """Rows were about to change outside `transaction()`."""


@contextmanager
def transaction() -> Iterator[Session]:
    """Run a write transaction: commits when the block ends, rolls back when it raises.

    On SQLite it starts with BEGIN IMMEDIATE, for a read that turns into a write fails at once when another
    writer came between. Its last steps number the changes phones are told about (see `core.feeds`), write what is
    counted (`core.tallies`), and do what was put off with `do_last`.
    """
    from fieldapp.core.feeds import number_changes
    from fieldapp.core.tallies import write_tallies

    session = db.session()
    if session.in_transaction() and WRITES in session.connection().get_execution_options():
        raise WriteOutsideTransaction("transactions do not nest")
    session.rollback()
    session.connection(execution_options={WRITES: True})
    try:
        yield session
        session.flush()
        number_changes(session)
        write_tallies(session)
        steps = pending(_LAST_STEPS)
        while steps:
            step = next(iter(steps))
            del steps[step]
            step()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        forget_pending(session)


def pending(name: str) -> dict[Any, Any]:
    """What has been collected under that name for the last steps of the transaction."""
    collected: dict[str, dict[Any, Any]] = db.session().info.setdefault(_PENDING, {})
    return collected.setdefault(name, {})


def remembered(name: str) -> dict[Any, Any]:
    """What was found out in the transaction and stays so to its end, for who asks again; of one that only reads nothing is
    kept here (see `once`).
    """
    return pending(name) if WRITES in db.session.connection().get_execution_options() else {}


def do_last(step: Callable[[], None]) -> None:
    """Do `step` once when the transaction is about to commit, after feeds and tallies: the feeds are locked by then.

    A step may put off another one.
    """
    pending(_LAST_STEPS)[step] = True


def keep_pending() -> dict[str, dict[Any, Any]]:
    """All that has been collected so far, to hand back to `restore_pending` when a savepoint is rolled back."""
    return {name: dict(held) for name, held in db.session().info.get(_PENDING, {}).items()}


def restore_pending(kept: dict[str, dict[Any, Any]]) -> None:
    """Forget what was collected since `keep_pending` returned `kept`."""
    db.session().info[_PENDING] = {name: dict(held) for name, held in kept.items()}


def forget_pending(session: Session) -> None:
    """Drop what has been collected, at the end of a transaction."""
    session.info.pop(_PENDING, None)


def begin_snapshot() -> None:
    """Start a transaction that reads the database as it is now, to its end, whoever writes meanwhile.

    What the session has read before is forgotten. SQLite's transactions are like that by themselves.
    """
    session = db.session()
    session.rollback()
    if session.get_bind().dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        session.connection(execution_options=options)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read in a transaction of its own the database as it is now; see `begin_snapshot`."""
    begin_snapshot()
    try:
        yield
    finally:
        db.session.rollback()


def watch_writes(session: Session, _context: object, _instances: object) -> None:
    """Refuse a flush that is not inside `transaction()`."""
    if WRITES not in session.connection().get_execution_options():
        raise WriteOutsideTransaction("wrap this write in core.db.transaction()")


@event.listens_for(Engine, "connect")
def _prepare_connection(connection: Any, _record: object) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    # The driver's own BEGIN is switched off: _begin below says which kind of transaction starts.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def once(ask: Callable[P, R]) -> Callable[P, R]:
    """Have `ask` send its statements once in a transaction that only reads, whoever calls it again with the same values."""

    @wraps(ask)
    def asked(*args: P.args, **values: P.kwargs) -> R:
        session = db.session()
        if WRITES in session.connection().get_execution_options():
            return ask(*args, **values)
        transaction_now, answers = session.info.get(_ANSWERS, (None, {}))
        if transaction_now is not session.get_transaction():
            answers = {}
            session.info[_ANSWERS] = (session.get_transaction(), answers)
        key = ask, args, *values.items()
        if key not in answers:
            answers[key] = ask(*args, **values)
        answer: R = answers[key]
        return answer

    return asked


def insert_into(model: type[Base]) -> Any:
    """An INSERT that can be told what to do on conflict; each database has its own, with the same methods."""
    dialect = db.session().get_bind().dialect.name
    return postgresql.insert(model) if dialect == "postgresql" else sqlite.insert(model)


def insert_if_absent(model: type[Base], **values: Any) -> bool:
    """Insert a row unless one with its key is there; True when it is new. Two callers at once do not fail."""
    statement = insert_into(model).values(**values).on_conflict_do_nothing()
    return db.session.execute(statement.returning(*inspect(model).primary_key)).first() is not None


def init_app(app: Any) -> None:
    """Bind the database and the migrations to `app`."""
    # An error in the log must not carry the values of the row it is about.
    options: dict[str, Any] = {"hide_parameters": True}
    if make_url(app.config["SQLALCHEMY_DATABASE_URI"]).get_backend_name() == "postgresql":
        # To compile a statement takes longer than any of a page takes to run. What a page reads lies in memory or on an
        # SSD, where a row found by an index costs little more than the next one; PostgreSQL supposes a turning disk. And
        # to have helpers for one page takes from the others: a list of tasks took a third more of the processors.
        settings = {"jit": "off", "random_page_cost": "1.1", "max_parallel_workers_per_gather": "0"}
        said = " ".join(f"-c {name}={value}" for name, value in settings.items())
        options["connect_args"] = {"options": said}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    migrate.init_app(app)
    event.listen(db.session, "before_flush", watch_writes)
