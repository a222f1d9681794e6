"""The doctor: finds what is wrong with an installation, counts what waits, and changes nothing."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta

import pytest
from sqlalchemy import text

from fieldapp.core import clock, feeds, storage
from fieldapp.core.crypto import KEY_FILE
from fieldapp.core.db import WRITES, db, transaction
from fieldapp.upkeep import doctor
from fieldapp.upkeep.doctor import NOTE, RIGHT, WRONG, examine
from tests.factories import draw_photo
from tests.live import run_command
from tests.upkeep.conftest import app_on


def look(app):
    with app.app_context():
        return list(examine(clock.now()))


def wrong_in(app):
    return [finding.words for finding in look(app) if finding.verdict == WRONG]


def notes_in(app):
    return {finding.words: finding.names for finding in look(app) if finding.verdict == NOTE}


@pytest.fixture
def sound(app, settings, monkeypatch):
    """An installation with nothing wrong: for its account alone, the client built, backed up just now."""
    monkeypatch.setattr(doctor, "check_built", lambda: None)
    settings.data_dir.chmod(0o700)
    with app.app_context(), transaction():
        feeds.note_backup(clock.now())
    return app


def test_nothing_is_wrong_with_a_sound_installation(sound, phone):
    photo = draw_photo()
    named = {"sha256": hashlib.sha256(photo).hexdigest(), "question": "photo", "size": len(photo)}
    phone.push(phone.op("visit.submit", phone.visit(attachments=[named])))
    phone.put_photo(photo)
    assert wrong_in(sound) == []
    assert [words for words in notes_in(sound) if "photos" in words or "records" in words] == []
    assert any(finding.words == "1 photos and files are here" for finding in look(sound))


def test_a_photo_that_waits_one_that_nothing_names_and_one_without_a_row_are_told_apart(sound, phone):
    waiting = draw_photo(1)
    named = {"sha256": hashlib.sha256(waiting).hexdigest(), "question": "photo", "size": len(waiting)}
    phone.push(phone.op("visit.submit", phone.visit(attachments=[named])))
    orphan = phone.put_photo(draw_photo(2)).json["sha256"]
    with sound.app_context():
        unknown = storage.path_of("ab" * 32)
    unknown.parent.mkdir(exist_ok=True)
    unknown.write_bytes(b"an upload whose row was never committed")
    assert wrong_in(sound) == []
    found = {words.split(" ", 1)[1]: names for words, names in notes_in(sound).items()}
    assert found["photos or files are named by a record and still on a phone"] == [named["sha256"]]
    assert found["photos or files are named by no record; they are kept"] == [orphan]
    assert found["files in the photos' folder are of uploads that were cut off; they are kept"] == ["ab" * 32]


def test_a_photo_that_is_gone_and_one_that_is_damaged_are_wrong(sound, phone):
    gone, damaged = (phone.put_photo(draw_photo(seed)).json["sha256"] for seed in (1, 2))
    with sound.app_context():
        storage.path_of(gone).unlink()
        path = storage.path_of(damaged)
    path.write_bytes(path.read_bytes()[:-1])
    with sound.app_context():
        found = {f.words: f.names for f in examine(clock.now()) if f.verdict == WRONG}
    assert list(found.values()) == [[gone], [damaged]]


def test_what_waits_in_quarantine_is_counted(sound, phone):
    phone.push(phone.op("visit.submit", {}))
    assert any("1 records from phones wait" in words for words in notes_in(sound))


def test_no_backup_and_an_old_one_are_wrong(sound):
    with sound.app_context(), transaction():
        feeds.note_backup(clock.now() - timedelta(days=3))
    assert any("is backed up" in words for words in wrong_in(sound))
    with sound.app_context(), transaction():
        db.session.delete(db.session.get(feeds.ServerState, "backed_up_to"))
    assert any("no backup yet" in words for words in wrong_in(sound))


def test_another_key_is_wrong(sound, phone, settings):
    phone.push(phone.op("visit.submit", phone.visit()))
    (settings.data_dir / KEY_FILE).write_text("ab" * 32)
    with app_on(settings) as other:
        assert any("does not open" in words for words in wrong_in(other))


def test_files_that_others_may_read_are_wrong(sound, settings):
    settings.data_dir.chmod(0o755)
    (settings.data_dir / KEY_FILE).chmod(0o640)
    assert len([words for words in wrong_in(sound) if "chmod" in words]) == 2


def test_a_database_that_was_not_brought_up_to_date_is_wrong(sound):
    with sound.app_context(), db.engine.begin() as connection:
        connection.execution_options(**{WRITES: True}).execute(
            text("UPDATE alembic_version SET version_num = '20261123_tables'")
        )
    assert any("fieldapp init" in words for words in wrong_in(sound))


def test_a_disk_that_is_full_or_cannot_be_written_is_wrong(sound, monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 10**18)
    assert any("GB free" in words for words in wrong_in(sound))

    def fail():
        raise OSError("read-only file system")

    monkeypatch.setattr(storage, "check_storage", fail)
    assert "the photos' folder: read-only file system" in wrong_in(sound)


def test_counts_that_are_not_those_of_the_records_are_named(sound, county):
    with sound.app_context(), transaction():
        db.session.execute(text("UPDATE tallies SET count = 7 WHERE kind = 'class'"))
    with sound.app_context():
        [found] = [finding for finding in examine(clock.now()) if finding.verdict == WRONG]
    assert "run `python -m fieldapp due`" in found.words
    assert found.names == ["class dibao_rural 230183100: 7 are counted, 3 are there"]


def test_a_damaged_database_is_wrong_and_the_rest_is_still_looked_at(sound, settings, phone):
    if settings.database_url:
        pytest.skip("PostgreSQL looks after its own files")
    phone.put_photo(draw_photo())
    with sound.app_context():
        db.session.remove()
        db.engine.dispose()
    path = settings.data_dir / "fieldapp.db"
    content = bytearray(path.read_bytes())
    for start in range(4096 * 20, len(content), 4096 * 3):
        content[start : start + 512] = os.urandom(512)
    path.write_bytes(content)
    found = look(sound)
    assert any(finding.verdict == WRONG and "database" in finding.words for finding in found)
    assert any(finding.verdict == RIGHT and "GB free" in finding.words for finding in found)
    path.write_bytes(os.urandom(100_000))
    assert any("not a database" in words for words in wrong_in(sound))


def test_the_command_ends_with_0_only_when_nothing_is_wrong(settings, county, tmp_path):
    here = {"data_dir": settings.data_dir, "database_url": settings.database_url}
    settings.data_dir.chmod(0o700)
    with pytest.raises(RuntimeError, match="1 wrong"):
        run_command("doctor", **here)
    run_command("backup", tmp_path / "backups", **here)
    assert "Nothing is wrong." in run_command("doctor", "-v", **here)
