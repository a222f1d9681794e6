"""Another machine, to restore on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from fieldapp import create_app
from fieldapp.core.crypto import KEY_FILE
from fieldapp.core.db import db
from fieldapp.settings import Settings
from tests import postgresql
from tests.conftest import DATABASE


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a machine with the same engine and the master key, and with nothing else."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shutil.copy(settings.data_dir / KEY_FILE, folder)
    if not settings.database_url:
        yield Settings(data_dir=folder)
        return
    server, name = request.getfixturevalue("postgres_server"), DATABASE + "_elsewhere"
    yield Settings(data_dir=folder, database_url=postgresql.create_database(server, name))
    postgresql.drop_database(server, name)


@contextmanager
def app_on(settings: Settings) -> Iterator[Flask]:
    """An app there, for the length of a block."""
    app = create_app(settings)
    app.testing = True
    try:
        yield app
    finally:
        with app.app_context():
            db.engine.dispose()
