"""Runs migrations on the app's database: inside Flask-Migrate's app context, in one transaction."""

from __future__ import annotations

from alembic import context
from flask import current_app

from fieldapp.core.db import WRITES, db


def run() -> None:
    """Bring the database to the revision asked for."""
    configure = current_app.extensions["migrate"].configure_args
    with db.engine.connect() as connection:
        connection = connection.execution_options(**{WRITES: True})
        context.configure(connection=connection, target_metadata=db.metadata, **configure)
        with context.begin_transaction():
            context.run_migrations()


run()
