"""An installation that many schedules share, each with a village of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from fieldapp import create_app
from fieldapp.checklists.models import Publication
from fieldapp.checklists.sync import publish_offer
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.settings import Settings
from tests import postgresql
from tests.conftest import DATABASE, ENGINES, Installation


@pytest.fixture(scope="module", params=ENGINES)
def shared_app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An app on an installation that all schedules share."""
    installation: Installation = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("schedules") / "data"
    shutil.copytree(installation.folder, folder)
    settings, server = Settings(data_dir=folder), ""
    if installation.database:
        server = request.getfixturevalue("postgres_server")
        url = postgresql.create_database(server, DATABASE + "_schedules", installation.database)
        settings = Settings(data_dir=folder, database_url=url)
    app = create_app(settings)
    app.testing = True
    with app.app_context(), transaction():
        # Each world has a small checklist of its own; the library would only take time.
        for publication in db.session.scalars(select(Publication)):
            publication.retired_at = clock.now()
            publish_offer(publication)
    yield app
    with app.app_context():
        db.engine.dispose()
    if server:
        postgresql.drop_database(server, DATABASE + "_schedules")
