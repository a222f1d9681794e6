"""An installation of the first version, brought up to date, keeps what it had."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from fieldapp import create_app
from fieldapp.checklists import queries
from fieldapp.core.db import WRITES, db, transaction
from fieldapp.core.feeds import list_changes
from fieldapp.core.storage import Attachment, AttachmentUpload
from fieldapp.settings import Settings
from fieldapp.upkeep.schema import MIGRATIONS
from tests import postgresql
from tests.conftest import DATABASE

BEFORE = "20261123_tables"
GRID = "230183100055001"
PHOTO = "ab" * 32


@pytest.fixture(params=["sqlite", "postgres"])
def old_app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """An app whose database is as it was: two versions of a checklist, the second one published, and a photo."""
    url = ""
    if request.param == "postgres":
        server = request.getfixturevalue("postgres_server")
        url = postgresql.create_database(server, DATABASE + "_old")
    app = create_app(Settings(data_dir=tmp_path, database_url=url), create_key=True)
    with app.app_context():
        flask_migrate.upgrade(str(MIGRATIONS), revision=BEFORE)
        _fill_as_before()
        yield app
        db.session.remove()
        db.engine.dispose()
    if url:
        postgresql.drop_database(server, DATABASE + "_old")


def _fill_as_before() -> None:
    at = datetime(2026, 11, 23, 18, tzinfo=UTC)
    with db.engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        tables = sa.MetaData()
        tables.reflect(connection)
        instant = at.replace(tzinfo=None) if connection.dialect.name == "sqlite" else at
        connection.execute(tables.tables["checklists"].insert().values(key="routine", published_version="2"))
        connection.execute(
            tables.tables["checklists"].insert().values(key="given_up", published_version=None)
        )
        for version in ("1", "2"):
            connection.execute(
                tables.tables["checklist_versions"]
                .insert()
                .values(
                    key="routine",
                    version=version,
                    document=json.loads(json.dumps({"key": "routine", "title": {"zh": "走访"}})),
                    xform="",
                    workbook=b"PK",
                    workbook_sha256="0" * 64,
                    filename="routine.xlsx",
                    created_at=instant,
                )
            )
        connection.execute(tables.tables["feeds"].insert().values(code="common", number=9))
        connection.execute(
            tables.tables["feed_entries"]
            .insert()
            .values(feed="common", kind="checklist", uuid="routine", number=4, gone=False)
        )
        user = {
            "id": 1,
            "username": "u",
            "password_hash": "",
            "display_name": "u",
            "role": "worker",
            "language": "zh",
        }
        photo = {
            "sha256": PHOTO,
            "size": 9,
            "media_type": "image/jpeg",
            "width": 3,
            "height": 4,
            "stored_at": instant,
        }
        connection.execute(tables.tables["users"].insert().values(user))
        connection.execute(tables.tables["attachments"].insert().values(photo))
        connection.execute(tables.tables["attachment_uploads"].insert().values(sha256=PHOTO, user_id=1))


def test_what_was_published_stays_in_force_everywhere(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    offer = queries.list_offers_in(GRID, date(2026, 11, 24))["routine"]
    assert (offer.version, offer.area_code, offer.from_on) == ("2", "23", date(2026, 11, 24))
    assert [row.area_code for row in queries.list_registrations(["23"], "routine")] == ["23"]


def test_an_old_version_is_still_accepted_and_not_offered(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    assert queries.get_version("routine", "1").notices == []


def test_phones_let_go_of_the_old_record_and_get_the_new_one(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    [old] = list_changes("common", 9, 10)
    assert (old.uuid, old.gone) == ("routine", True)
    [new] = list_changes("23", 0, 10)
    offer = queries.list_offers_in(GRID, date(2026, 11, 24))["routine"]
    assert (new.kind, new.uuid, new.gone) == ("checklist", str(offer.id), False)


def test_a_photo_stays_with_whoever_put_it(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    held = db.session.get_one(Attachment, PHOTO)
    assert (held.kind, held.media_type, held.width, held.height) == ("image", "image/jpeg", 3, 4)
    assert db.session.get(AttachmentUpload, (PHOTO, 1)) is not None


def test_references_are_enforced_again_after_an_update(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    with pytest.raises(IntegrityError), transaction():
        db.session.add(AttachmentUpload(sha256="cd" * 32, user_id=1))
