"""An installation of the first version, brought up to date, keeps what it had."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import reduce
from operator import xor
from pathlib import Path
from uuid import UUID

import flask_migrate
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from fieldapp import create_app
from fieldapp.checklists import queries
from fieldapp.core import clock
from fieldapp.core.crypto import keyring
from fieldapp.core.db import WRITES, db, transaction
from fieldapp.core.feeds import Feed, ServerState, entry_hash, list_changes
from fieldapp.core.storage import Attachment, AttachmentUpload, AttachmentUse
from fieldapp.people.models import Household, HouseholdGrid, Person
from fieldapp.people.tally_queries import list_wrong
from fieldapp.reviews.models import FlagRuleSetting
from fieldapp.settings import Settings
from fieldapp.sync.models import Operation
from fieldapp.upkeep.backup import make_backup
from fieldapp.upkeep.restore import restore
from fieldapp.upkeep.schema import MIGRATIONS, check_up_to_date
from tests import postgresql
from tests.conftest import DATABASE

BEFORE = "20261123_tables"
GRID = "230183100055001"
PHOTO = "ab" * 32
HOUSEHOLD, VISIT = str(UUID(int=1)), str(UUID(int=2))
# As SQLite keeps them; PostgreSQL reads them so, too.
SEEN, NEVER_SEEN = UUID(int=3).hex, UUID(int=4).hex


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
        _fill_a_visit(connection, tables.tables, instant)


def _fill_a_visit(connection: sa.Connection, tables: Mapping[str, sa.Table], instant: datetime) -> None:
    """A visit with its photo in the feed of its grid, as it was published there; and the areas above the grid."""
    digits = {2: "province", 4: "city", 6: "county", 9: "township", 12: "village", 15: "grid"}
    for count, level in digits.items():
        connection.execute(tables["areas"].insert().values(code=GRID[:count], name=level, level=level))
    note = keyring().seal(b"", "households.note")
    household = {"household_uuid": HOUSEHOLD, "grid_code": GRID, "name": "h", "address": "", "note": note}
    connection.execute(tables["households"].insert().values(household))
    visit = {
        "visit_uuid": VISIT,
        "household_uuid": HOUSEHOLD,
        "area_code": GRID,
        "worker_id": 1,
        "state": "submitted",
        "revision": 1,
        "outcome": "reached",
        "method": "phone",
        "finished_at": instant,
        "received_at": instant,
        "out_of_scope": False,
    }
    connection.execute(tables["visits"].insert().values(visit))
    for place, (uuid, last_at) in enumerate([(SEEN, instant), (NEVER_SEEN, None)]):
        person = {"person_uuid": uuid, "household_uuid": HOUSEHOLD, "position": place, "name": "p"}
        words = {"relation": "", "sex": "", "main_class": "none", "risk": "high"}
        dates = {"last_contact_at": last_at, "due_on": date(2026, 12, 1)}
        connection.execute(tables["people"].insert().values(**person, **words, **dates))
    seen = {"visit_uuid": VISIT, "person_uuid": SEEN, "position": 0}
    connection.execute(tables["visit_people"].insert().values(seen))
    use = {"sha256": PHOTO, "uuid": VISIT, "revision": 1, "question": "photo", "area_code": GRID}
    connection.execute(tables["attachment_uses"].insert().values(kind="visit", **use))
    connection.execute(tables["attachment_uses"].insert().values(kind="followup", **use))
    operation = {
        "op_uuid": VISIT,
        "user_id": 1,
        "body_hash": "0" * 64,
        "device_uuid": VISIT,
        "kind": "visit.submit",
        "received_at": instant,
        "clock_offset_s": 0,
        "state": "accepted",
        "record_uuid": VISIT,
        "feed": GRID,
    }
    connection.execute(tables["operations"].insert().values(operation))
    entries = [("area", GRID[:count], count) for count in digits]
    for kind, uuid, number in [*entries, ("household", HOUSEHOLD, 20), ("visit", VISIT, 21)]:
        row = {"feed": GRID, "kind": kind, "uuid": uuid, "number": number, "gone": False}
        connection.execute(tables["feed_entries"].insert().values(row))
    connection.execute(tables["feeds"].insert().values(code=GRID, number=21))


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
    new = next(entry for entry in list_changes("23", 0, 10) if entry.kind == "checklist")
    offer = queries.list_offers_in(GRID, date(2026, 11, 24))["routine"]
    assert (new.kind, new.uuid, new.gone) == ("checklist", str(offer.id), False)


def test_a_photo_stays_with_whoever_put_it(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    held = db.session.get_one(Attachment, PHOTO)
    assert (held.kind, held.media_type, held.width, held.height) == ("image", "image/jpeg", 3, 4)
    assert db.session.get(AttachmentUpload, (PHOTO, 1)) is not None


def test_visits_go_to_their_workers_feed_and_areas_to_their_own(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    left = {(entry.kind, entry.uuid) for entry in list_changes(GRID, 21, 100)}
    assert left == {("visit", VISIT), *(("area", GRID[:count]) for count in (2, 4, 6, 9, 12))}
    assert all(entry.gone for entry in list_changes(GRID, 21, 100))
    assert [entry.uuid for entry in list_changes(GRID, 0, 100) if not entry.gone] == [GRID, HOUSEHOLD]
    [visit] = list_changes("u1", 0, 10)
    assert (visit.kind, visit.uuid, visit.gone) == ("visit", VISIT, False)
    for code in (GRID[:12], "2301", "23"):
        assert [entry.uuid for entry in list_changes(code, 0, 10) if entry.kind == "area"] == [code]
    assert db.session.scalars(sa.select(Operation.feed)).one() == "u1"
    uses = db.session.execute(sa.select(AttachmentUse.kind, AttachmentUse.feed)).all()
    assert {tuple(row) for row in uses} == {("visit", "u1"), ("followup", GRID)}


def test_the_state_of_every_feed_is_that_of_its_entries(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    for feed in db.session.scalars(sa.select(Feed)):
        hashes = [
            entry_hash(entry.kind, entry.uuid, entry.number)
            for entry in list_changes(feed.code, 0, 1000)
            if not entry.gone
        ]
        assert feed.state == reduce(xor, hashes, 0), feed.code


def test_households_have_always_been_where_they_are(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    [row] = db.session.scalars(sa.select(HouseholdGrid))
    assert (row.household_uuid, row.grid_code, row.from_at) == (HOUSEHOLD, GRID, None)


def test_what_is_there_is_counted(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    assert list_wrong() == {}
    counted = db.session.scalars(sa.select(Household.counted)).one()
    assert counted == {
        "township": "230183100",
        "due_on": None,
        "people": [["none", "2026-12-01"], ["none", "2026-12-01"]],
        "is_tried": False,
    }


def test_contacts_that_count_are_read_from_the_visits_there_are(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    seen, never_seen = db.session.get_one(Person, SEEN), db.session.get_one(Person, NEVER_SEEN)
    # 18:00 in UTC is the next day in Shanghai.
    assert (seen.counted_on, seen.counted_remote, seen.remote_counts) == (date(2026, 11, 24), True, False)
    assert (never_seen.counted_on, never_seen.registered_on) == (None, date(2026, 12, 1))


def test_references_are_enforced_again_after_an_update(old_app):
    flask_migrate.upgrade(str(MIGRATIONS))
    with pytest.raises(IntegrityError), transaction():
        db.session.add(AttachmentUpload(sha256="cd" * 32, user_id=1))


def test_a_backup_made_before_an_update_is_restored_after_it(old_app, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backups")
    with transaction():
        db.session.add(ServerState(name="epoch", value="before the update"))
    assert make_backup(folder, 7, clock.now()).manifest.revision == BEFORE
    db.session.remove()
    db.engine.dispose()
    done = restore(old_app.config["FIELDAPP"], folder, None, clock.now(), replaces=True)
    assert (done.manifest.counts["checklists"], done.photos_missing) == (2, 1)
    check_up_to_date()
    assert queries.get_version("routine", "1").notices == []


def test_the_one_threshold_of_a_rule_is_kept_under_its_name(old_app):
    flask_migrate.upgrade(str(MIGRATIONS), revision="20261129_calendar")
    settings = sa.Table("flag_rule_settings", sa.MetaData(), autoload_with=db.engine)
    row = {
        "number": 1,
        "is_on": True,
        "severity": "yellow",
        "reason": b"",
        "set_by": 1,
        "set_at": datetime(2026, 11, 29, tzinfo=UTC),
    }
    with db.engine.begin() as connection:
        for rule, threshold in (("far_from_home", 900), ("clock_off", 15), ("out_of_scope", None)):
            connection.execute(
                settings.insert().values(county_code="230183", rule=rule, threshold=threshold, **row)
            )
    flask_migrate.upgrade(str(MIGRATIONS))
    kept = dict(db.session.execute(sa.select(FlagRuleSetting.rule, FlagRuleSetting.thresholds)).all())
    assert kept == {"far_from_home": {"distance_m": 900}, "clock_off": {"minutes": 15}, "out_of_scope": {}}
