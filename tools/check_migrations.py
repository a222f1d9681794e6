"""The migrations make exactly the tables that the models describe.

Invariant: works on a new database in a temporary folder; ends with 1 and Alembic's words when they differ.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import flask_migrate
from alembic.util import CommandError

from fieldapp import create_app
from fieldapp.core.db import db
from fieldapp.settings import Settings


def main() -> int:
    """Migrate a new database from nothing, then compare it with the models."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(data_dir=Path(folder)), create_key=True)
        with app.app_context():
            try:
                flask_migrate.upgrade()
                flask_migrate.check()
            except (CommandError, SystemExit) as difference:
                print(f"migrations and models differ: {difference}", file=sys.stderr)
                return 1
            finally:
                db.engine.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
