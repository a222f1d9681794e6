"""Bringing a database to what this version of the program needs.

Invariant: it may be run at any time; what is up to date already is left as it is.
"""

from __future__ import annotations

import logging
from pathlib import Path

import flask_migrate
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from fieldapp.checklists import actions as checklists
from fieldapp.core import clock, codes, feeds
from fieldapp.core.db import db, transaction
from fieldapp.core.feeds import ServerState
from fieldapp.reports import recount
from fieldapp.workdays import actions as workdays

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


def bring_up_to_date() -> None:
    """Migrate the current app's database and add what every installation has: epoch, code tables, checklists."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    flask_migrate.upgrade(str(MIGRATIONS))
    with transaction():
        feeds.make_epoch()
        codes.seed_codes()
        workdays.seed_days()
        checklists.publish_library(clock.now())
        # Asked in here: a reading that is left open would hold a file that a restore is about to move.
        is_to_be_counted = recount.is_nothing_counted() or recount.is_no_help_counted()
    if is_to_be_counted:
        recount.put_right()


class NotSetUp(Exception):
    """The database is not what this version of the program needs; the message says what to run."""


def check_up_to_date() -> None:
    """Raise NotSetUp when the current app's database was not brought up to date, or not restored to the end."""
    revision = find_revision()
    if revision is not None and not knows_revision(revision):
        raise NotSetUp("The database was made by a newer version of fieldapp: install that one.")
    if revision != newest_revision() or db.session.get(ServerState, "epoch") is None:
        raise NotSetUp(
            "The database is not ready for this version of fieldapp: run `python -m fieldapp init`. "
            "If a restore was cut off, run that again first."
        )


def find_revision() -> str | None:
    """The migration the current app's database is at; None when there is nothing in it."""
    if not inspect(db.engine).has_table("alembic_version"):
        return None
    return str(db.session.scalar(text("SELECT version_num FROM alembic_version")))


def newest_revision() -> str:
    """The migration this version of the program ends with."""
    return str(_scripts().get_current_head())


def knows_revision(revision: str) -> bool:
    """Whether a database at that migration can be brought up to date by this version of the program."""
    return revision in {script.revision for script in _scripts().walk_revisions()}


def _scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config)
