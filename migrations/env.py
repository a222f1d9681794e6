"""Runs migrations on the app's database: inside Flask-Migrate's app context, in one transaction.

Invariant: SQLite changes a column by making the table anew, so references are not enforced meanwhile; they are checked
as a whole before the commit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from fieldapp.core.db import WRITES, db


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write the plain type a column is stored as: a migration must not change when the app's types do."""
    return f"sa.{item.impl_instance!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


@contextmanager
def without_references(connection: Connection) -> Iterator[None]:
    """Let tables that others point to be dropped and made anew; SQLite takes this only outside a transaction."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def check_references(connection: Connection) -> None:
    """Raise RuntimeError when a row points to one that is not there: the migration is then undone."""
    if connection.dialect.name == "sqlite":
        astray = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if astray:
            raise RuntimeError(
                f"rows point to what is not there (table, row, table pointed to): {astray[:5]}"
            )


def run() -> None:
    """Bring the database to the revision asked for."""
    configure = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection, without_references(connection):
        connection = connection.execution_options(**{WRITES: True})
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_item=render_item,
            # SQLite's too: `core.db` begins transactions itself, and they hold changes of tables.
            transactional_ddl=True,
            **configure,
        )
        with context.begin_transaction():
            context.run_migrations()
            check_references(connection)


run()
