"""Backups and what is made of them: everything is in one, once, and phones give again what came later."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import stat
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from fieldapp.core import clock, durable, storage
from fieldapp.core.crypto import KEY_FILE, KeyMissing
from fieldapp.core.db import db
from fieldapp.sync.models import Operation
from fieldapp.upkeep import backup as backups, restore as restoring, snapshots
from fieldapp.upkeep.backup import KNOWN, LOST, NEW, ONLY_HERE, BackupRefused, list_snapshots, make_backup
from fieldapp.upkeep.restore import restore
from fieldapp.upkeep.snapshots import SnapshotFailed
from fieldapp.visits.models import Visit
from tests.factories import Phone, draw_photo
from tests.upkeep.conftest import app_on


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backups"


# Snapshots are named by the second, and tests make several in one.
seconds = itertools.count()


def back_up(app, folder, keep=7):
    with app.app_context():
        return make_backup(folder, keep, clock.now() + timedelta(seconds=next(seconds)))


def send_visit(phone, seed):
    """A visit with a photo, and the photo; returns the operation and the photo."""
    photo = draw_photo(seed)
    named = {"sha256": hashlib.sha256(photo).hexdigest(), "question": "photo", "size": len(photo)}
    op = phone.op("visit.submit", phone.visit(attachments=[named]))
    assert phone.push(op)[0]["outcome"] == "accepted"
    assert phone.put_photo(photo).status_code == 201
    return op, photo


def path_of(app, photo):
    with app.app_context():
        return storage.path_of(hashlib.sha256(photo).hexdigest())


def kept_in(folder, photo):
    sha256 = hashlib.sha256(photo).hexdigest()
    return folder / "photos" / sha256[:2] / sha256


def visits_in(app):
    with app.app_context():
        return sorted(db.session.scalars(select(Visit.visit_uuid)))


def test_everything_is_there_again_on_another_machine(app, phone, folder, elsewhere, settings):
    sent = [send_visit(phone, seed) for seed in range(3)]
    done = back_up(app, folder)
    assert (done.photos, done.lets_phones_forget) == ({NEW: 3}, True)
    assert len(list(done.snapshot.iterdir())) == 2
    assert not list(settings.data_dir.glob("*.part"))
    restored = restore(elsewhere, folder, None, clock.now(), replaces=False)
    assert (restored.photos, restored.photos_missing, restored.kept_aside) == (3, 0, None)
    with app_on(elsewhere) as other:
        assert visits_in(other) == visits_in(app)
        again = Phone(other, phone.county)
        for op, photo in sent:
            answer = again.client.get(f"/api/attachments/{hashlib.sha256(photo).hexdigest()}")
            assert answer.data == photo
            assert again.push(op)[0]["outcome"] == "duplicate"


def test_phones_see_another_epoch_and_what_came_after_the_backup_is_taken_once(app, phone, folder, elsewhere):
    before = [send_visit(phone, seed) for seed in range(2)]
    back_up(app, folder)
    after = [send_visit(phone, seed) for seed in range(2, 4)]
    everything = visits_in(app)
    epoch = phone.push_raw().json["epoch"]
    restore(elsewhere, folder, None, clock.now(), replaces=False)
    with app_on(elsewhere) as other:
        again = Phone(other, phone.county)
        answer = again.push_raw().json
        assert answer["epoch"] != epoch
        # Phones keep what they have until this machine has a backup of its own.
        assert answer["backed_up_to"] is None
        outcomes = [receipt["outcome"] for receipt in again.push(*(op for op, _ in before + after))]
        assert outcomes == ["duplicate"] * 2 + ["accepted"] * 2
        assert [again.put_photo(photo).status_code for _, photo in before + after] == [200, 200, 201, 201]
        assert visits_in(other) == everything


def test_the_instant_phones_are_told_lies_before_the_snapshot(app, phone, folder):
    assert phone.push_raw().json["backed_up_to"] is None
    began = clock.now()
    with app.app_context():
        done = make_backup(folder, 7, began)
    told = clock.parse_instant(phone.push_raw().json["backed_up_to"])
    assert told == clock.parse_instant(done.manifest.backed_up_to)
    assert told <= began - timedelta(minutes=1)


def test_a_second_backup_takes_only_what_is_new(app, phone, folder):
    _, first = send_visit(phone, 1)
    back_up(app, folder)
    was = kept_in(folder, first).stat()
    _, second = send_visit(phone, 2)
    done = back_up(app, folder)
    assert done.photos == {NEW: 1, KNOWN: 1}
    assert kept_in(folder, first).stat().st_ino == was.st_ino
    assert kept_in(folder, second).exists()
    assert len(list_snapshots(folder)) == 2


def test_photos_are_copied_where_they_cannot_be_linked(app, phone, folder, monkeypatch):
    def refuse(*_):
        raise OSError("another disk")

    _, photo = send_visit(phone, 1)
    monkeypatch.setattr(os, "link", refuse)
    assert back_up(app, folder).photos == {NEW: 1}
    assert kept_in(folder, photo).stat().st_ino != path_of(app, photo).stat().st_ino
    assert kept_in(folder, photo).read_bytes() == path_of(app, photo).read_bytes()


def test_a_backup_is_for_this_account_alone_and_never_holds_the_key(app, phone, folder, settings):
    send_visit(phone, 1)
    back_up(app, folder)
    key = (settings.data_dir / KEY_FILE).read_text().strip()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        if path.is_dir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
        else:
            content = path.read_bytes()
            assert key.encode() not in content
            assert bytes.fromhex(key) not in content


def test_only_the_newest_snapshots_are_kept(app, folder):
    names = [back_up(app, folder, keep=2).snapshot.name for _ in range(4)]
    assert [snapshot.name for snapshot in list_snapshots(folder)] == names[2:]
    assert sorted(path.name for path in folder.iterdir()) == [*names[2:], "photos"]


def test_a_backup_that_failed_is_none_and_counts_for_nothing(app, phone, folder, settings, monkeypatch):
    def fail(*_):
        raise OSError("no room")

    send_visit(phone, 1)
    for module, step in (
        (backups, "_take_photo"),
        (backups, "count_rows"),
        (backups.Manifest, "write"),
        (durable, "put_in_place"),
        (durable, "sync_folder"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, step, fail)
            with pytest.raises(OSError, match="no room"):
                back_up(app, folder)
        assert not folder.exists() or not list_snapshots(folder)
        assert not [*folder.glob("*.part"), *settings.data_dir.glob("*.part")]
        assert phone.push_raw().json["backed_up_to"] is None


def test_a_backup_that_was_killed_is_none_and_is_cleared_away_a_day_later(app, folder, elsewhere):
    half = folder / "2026-11-27T010000Z.part"
    half.mkdir(parents=True)
    (half / "manifest.json").write_text("{}")
    with pytest.raises(BackupRefused, match="no complete backup"):
        restore(elsewhere, folder, None, clock.now(), replaces=False)
    back_up(app, folder)
    assert half.exists()
    yesterday = (clock.now() - timedelta(hours=25)).timestamp()
    os.utime(half, (yesterday, yesterday))
    back_up(app, folder)
    assert not half.exists()


def test_a_folder_within_the_data_folder_or_around_it_is_refused(app, settings):
    for wrong in (settings.data_dir, settings.data_dir / "backups", settings.data_dir.parent):
        with pytest.raises(BackupRefused, match="outside"):
            back_up(app, wrong)


def test_without_the_right_key_there_is_no_backup(app, phone, folder, settings):
    send_visit(phone, 1)
    (settings.data_dir / KEY_FILE).write_text("ab" * 32)
    with app_on(settings) as other, pytest.raises(BackupRefused, match="master key"):
        back_up(other, folder)
    assert not folder.exists()


# --- photos that are not as they should be ---


def test_a_photo_that_is_gone_here_is_in_the_earlier_backup(app, phone, folder, elsewhere):
    _, photo = send_visit(phone, 1)
    back_up(app, folder)
    path_of(app, photo).unlink()
    done = back_up(app, folder)
    assert (done.photos, done.lets_phones_forget) == ({ONLY_HERE: 1}, True)
    assert restore(elsewhere, folder, None, clock.now(), replaces=False).photos == 1


def test_a_photo_that_is_damaged_here_does_not_take_the_place_of_the_good_one(
    app, phone, folder, monkeypatch
):
    _, photo = send_visit(phone, 1)
    monkeypatch.setattr(backups, "_link_or_copy", durable.copy)
    back_up(app, folder)
    good = kept_in(folder, photo).read_bytes()
    path_of(app, photo).write_bytes(good[:-1])
    assert back_up(app, folder).photos == {ONLY_HERE: 1}
    assert kept_in(folder, photo).read_bytes() == good


@pytest.mark.parametrize("fault", ["gone", "damaged"])
def test_phones_keep_what_no_backup_has(app, phone, folder, elsewhere, fault):
    _, photo = send_visit(phone, 1)
    path = path_of(app, photo)
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    done = back_up(app, folder)
    assert (done.photos, done.lets_phones_forget) == ({LOST: 1}, False)
    assert phone.push_raw().json["backed_up_to"] is None
    # The way out: the phone, told of another epoch, gives it again.
    assert restore(elsewhere, folder, None, clock.now(), replaces=False).photos_missing == 1
    with app_on(elsewhere) as other:
        again = Phone(other, phone.county)
        assert again.put_photo(photo).status_code == 200
        done = back_up(other, folder)
        assert (done.photos, done.lets_phones_forget) == ({NEW: 1}, True)


def test_what_was_lost_long_ago_does_not_keep_phones_from_forgetting_for_ever(
    app, phone, folder, monkeypatch
):
    _, photo = send_visit(phone, 1)
    monkeypatch.setattr(backups, "CLOCKS_APART", timedelta(seconds=-5))
    back_up(app, folder)
    kept_in(folder, photo).unlink()
    path_of(app, photo).unlink()
    done = back_up(app, folder)
    assert (done.photos, done.lets_phones_forget) == ({LOST: 1}, True)


# --- what a restore refuses ---


def test_a_restore_refuses_without_the_key_and_with_another_one(app, folder, elsewhere):
    back_up(app, folder)
    (elsewhere.data_dir / KEY_FILE).unlink()
    with pytest.raises(KeyMissing):
        restore(elsewhere, folder, None, clock.now(), replaces=False)
    (elsewhere.data_dir / KEY_FILE).write_text("ab" * 32)
    with pytest.raises(BackupRefused, match="not the one of this backup"):
        restore(elsewhere, folder, None, clock.now(), replaces=False)
    assert not snapshots_used(elsewhere)


def snapshots_used(settings):
    """Whether anything was made of a database there."""
    return any(path.name != KEY_FILE for path in settings.data_dir.iterdir())


def test_a_snapshot_that_is_damaged_is_refused_and_an_older_one_can_be_named(app, phone, folder, elsewhere):
    send_visit(phone, 1)
    older = back_up(app, folder).snapshot
    send_visit(phone, 2)
    newest = back_up(app, folder).snapshot
    [database] = newest.glob("database.*")
    content = bytearray(database.read_bytes())
    content[len(content) // 2] ^= 1
    database.write_bytes(content)
    with pytest.raises(BackupRefused, match="damaged"):
        restore(elsewhere, folder, None, clock.now(), replaces=False)
    with pytest.raises(BackupRefused, match="no snapshot 2020"):
        restore(elsewhere, folder, "2020", clock.now(), replaces=False)
    assert not snapshots_used(elsewhere)
    restore(elsewhere, folder, older.name, clock.now(), replaces=False)
    with app_on(elsewhere) as other:
        assert len(visits_in(other)) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"engine": "another"}, "is for"),
        ({"revision": "20990101_unheard_of"}, "newer version"),
        ({"format": 99}, "newer version"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(app, folder, elsewhere, change, words):
    manifest = back_up(app, folder).snapshot / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **change}))
    with pytest.raises(BackupRefused, match=words):
        restore(elsewhere, folder, None, clock.now(), replaces=False)
    assert not snapshots_used(elsewhere)


def test_a_database_with_fewer_rows_than_were_backed_up_is_refused(app, folder, elsewhere):
    manifest = back_up(app, folder).snapshot / "manifest.json"
    values = json.loads(manifest.read_text())
    values["counts"]["users"] += 1
    manifest.write_text(json.dumps(values))
    with pytest.raises(BackupRefused, match="as many rows"):
        restore(elsewhere, folder, None, clock.now(), replaces=False)


def test_what_is_here_already_is_not_touched_unless_told_and_then_kept_aside(app, phone, folder, settings):
    send_visit(phone, 1)
    back_up(app, folder)
    send_visit(phone, 2)
    with app.app_context():
        db.engine.dispose()
    with pytest.raises(BackupRefused, match="--replace"):
        restore(settings, folder, None, clock.now(), replaces=False)
    assert len(visits_in(app)) == 2
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    done = restore(settings, folder, None, clock.now(), replaces=True)
    assert len(visits_in(app)) == 1
    assert done.kept_aside
    if settings.database_url:
        aside = done.kept_aside.split()[-1]
        with app.app_context():
            assert db.session.scalar(text(f"SELECT count(*) FROM {aside}.visits")) == 2
        # Nor is it part of the next backup.
        assert aside.encode() not in (back_up(app, folder).snapshot / "database.dump").read_bytes()
    else:
        shutil.copytree(done.kept_aside, settings.data_dir / "old")
        with app_on(
            type(settings)(
                data_dir=settings.data_dir, database_url=f"sqlite:///{done.kept_aside}/fieldapp.db"
            )
        ) as old:
            assert len(visits_in(old)) == 2


@pytest.mark.parametrize("step", ["_check_counts", "_bring_photos", "bring_up_to_date"])
def test_a_restore_that_was_cut_off_cannot_be_served_and_is_run_again(
    app, phone, folder, elsewhere, monkeypatch, step
):
    send_visit(phone, 1)
    back_up(app, folder)

    def fail(*_):
        raise OSError("the power failed")

    with monkeypatch.context() as patch:
        patch.setattr(restoring, step, fail)
        with pytest.raises(OSError, match="power"):
            restore(elsewhere, folder, None, clock.now(), replaces=False)
    with app_on(elsewhere) as half:
        assert half.test_client().get("/readyz").status_code == 503
    restore(elsewhere, folder, None, clock.now(), replaces=False)
    with app_on(elsewhere) as other:
        assert visits_in(other) == visits_in(app)
        assert other.test_client().get("/readyz").status_code == 200


def test_without_the_programs_of_postgresql_the_words_say_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setattr(snapshots, "DEBIAN", tmp_path)
    with pytest.raises(SnapshotFailed, match="postgresql-client"):
        snapshots._find_program("pg_dump")
    for version in ("9.6", "15", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "pg_dump").touch()
    assert snapshots._find_program("pg_dump") == str(tmp_path / "17" / "bin" / "pg_dump")


def test_operations_and_their_quarantine_come_along(app, phone, folder, elsewhere):
    wrong = phone.op("visit.submit", {"visit_uuid": "nonsense"})
    assert phone.push(wrong)[0]["outcome"] == "rejected"
    back_up(app, folder)
    restore(elsewhere, folder, None, clock.now(), replaces=False)
    with app_on(elsewhere) as other, other.app_context():
        [operation] = db.session.scalars(select(Operation))
        assert operation.quarantine == wrong
