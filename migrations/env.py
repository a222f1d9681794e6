"""Runs migrations on the app's database: inside Flask-Migrate's app context, in one transaction."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from flask import current_app
from sqlalchemy.types import TypeDecorator

from fieldapp.core.db import WRITES, db


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write the plain type a column is stored as: a migration must not change when the app's types do."""
    return f"sa.{item.impl_instance!r}" if kind == "type" and isinstance(item, TypeDecorator) else False


def run() -> None:
    """Bring the database to the revision asked for."""
    configure = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        connection = connection.execution_options(**{WRITES: True})
        context.configure(
            connection=connection, target_metadata=db.metadata, render_item=render_item, **configure
        )
        with context.begin_transaction():
            context.run_migrations()


run()
