"""Backups: a snapshot of the database and the attachments it names, in a folder outside the data folder.

    FOLDER/photos/ab/<sha256>                      sealed as in the data folder; they never change, so each is taken once
    FOLDER/<when>/database.sqlite (or .dump)       see `snapshots`
    FOLDER/<when>/manifest.json                    see `Manifest`

Invariant: a snapshot under its final name is complete and on the disk; the master key is in none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import Connection, func, inspect, select, table, text

from fieldapp.core import clock, durable, feeds, storage
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db, transaction
from fieldapp.core.storage import Attachment
from fieldapp.core.vault_files import FileDamaged, open_sealed
from fieldapp.upkeep import samples, snapshots

FORMAT = 1
MANIFEST = "manifest.json"
PHOTOS = "photos"
DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.dump"}
# A snapshot is named by the instant it began.
NAME_FORMAT = "%Y-%m-%dT%H%M%SZ"
PART = ".part"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z")
# Receipts are dated by the clocks of several servers.
CLOCKS_APART = timedelta(minutes=1)
# What became of an attachment: this backup took it; an earlier one had; only an earlier one has it any more; none has.
NEW, KNOWN, ONLY_HERE, LOST = "new", "known", "only_here", "lost"


class BackupRefused(Exception):
    """There can be no backup there, or there is none; the message says what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself."""

    made_at: str
    backed_up_to: str
    epoch: str
    revision: str  # of the migrations
    engine: str
    database_sha256: str
    key_fingerprint: str
    counts: dict[str, int]  # rows by table
    format: int = FORMAT

    @classmethod
    def read(cls, snapshot: Path) -> Manifest:
        """The manifest of a complete snapshot; raises BackupRefused when another version of the program made it."""
        values = json.loads((snapshot / MANIFEST).read_text())
        if values.get("format") != FORMAT:
            raise BackupRefused(
                f"{snapshot} was made by a newer version of fieldapp: install that, then restore."
            )
        return cls(**values)

    def write(self, snapshot: Path) -> None:
        """Keep it with its snapshot."""
        with durable.written_beside(snapshot / MANIFEST) as file:
            file.write(json.dumps(asdict(self), indent=1).encode())


@dataclass(frozen=True)
class Backup:
    """What came of a backup."""

    snapshot: Path
    manifest: Manifest
    photos: Counter[str]  # by what became of them
    lets_phones_forget: bool
    is_on_same_disk: bool


def make_backup(folder: Path, keep: int, now: datetime) -> Backup:
    """Back up the current app's installation while it runs, and let go of all but the newest `keep` snapshots.

    Raises BackupRefused, SnapshotFailed, OSError; then nothing more counts as backed up than before.
    """
    data_dir: Path = current_app.config["FIELDAPP"].data_dir.resolve()
    folder = folder.resolve()
    _check(folder, data_dir)
    # What was looked at is no reason to keep a transaction open for as long as this takes.
    db.session.rollback()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.make_folder(folder / PHOTOS)
    # Read before the snapshot begins.
    up_to = now - CLOCKS_APART
    snapshot = folder / now.strftime(NAME_FORMAT)
    part = snapshot.with_name(f"{snapshot.name}{PART}")
    # A backup may lie on another machine, where databases cannot be worked with.
    here = data_dir / part.name
    for made in (part, here):
        made.mkdir(mode=0o700)
    try:
        database = DATABASES[db.engine.dialect.name]
        with snapshots.taken(here / database) as connection:
            removed = list_removed(connection)
            photos, newest_lost = _take_photos(connection, folder, part, removed)
            counts, revision = count_rows(connection), read_revision(connection)
        durable.copy(here / database, part / database)
        manifest = Manifest(
            made_at=str(clock.iso(now)),
            backed_up_to=str(clock.iso(up_to)),
            epoch=feeds.epoch(),
            revision=revision,
            engine=db.engine.dialect.name,
            database_sha256=hash_of(here / database),
            key_fingerprint=keyring().fingerprint,
            counts=counts,
        )
        manifest.write(part)
        durable.sync_folder(part)
        durable.put_in_place(part, snapshot)
    finally:
        for made in (part, here):
            shutil.rmtree(made, ignore_errors=True)
    # An attachment that is lost here may still be on its phone, which must not let go of it.
    lets_forget = newest_lost is None or newest_lost <= _said_before()
    if lets_forget:
        with transaction():
            feeds.note_backup(up_to)
    _remove_older(folder, data_dir, keep, now)
    _remove_photos(folder, removed)
    return Backup(snapshot, manifest, photos, lets_forget, folder.stat().st_dev == data_dir.stat().st_dev)


def list_snapshots(folder: Path) -> list[Path]:
    """The complete snapshots in a backup's folder, oldest first."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def count_rows(connection: Connection) -> dict[str, int]:
    """Rows by table, of the tables a snapshot holds."""
    names = set(inspect(connection).get_table_names()) - {"server_state"}
    return {
        name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in sorted(names)
    }


def read_revision(connection: Connection) -> str:
    """The migration a database is at."""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


def hash_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_whole(path: Path, sha256: str) -> bool:
    """Whether a sealed attachment is there, opens, and is what its name says."""
    try:
        with open_sealed(path, storage.place_of(sha256)) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except (FileNotFoundError, FileDamaged):
        return False


def put_if_whole(part: Path, path: Path, sha256: str) -> bool:
    """Give a copy of a sealed attachment its place, or remove it when it is damaged; returns which."""
    if not is_whole(part, sha256):
        part.unlink()
        return False
    durable.put_in_place(part, path)
    return True


def _check(folder: Path, data_dir: Path) -> None:
    if folder.is_relative_to(data_dir) or data_dir.is_relative_to(folder):
        raise BackupRefused(
            f"{folder} is not outside the data folder {data_dir}: choose one on another disk or machine."
        )
    unreadable = samples.list_unreadable()
    if unreadable:
        raise BackupRefused(
            "The master key is not the one this database was written with, or the database is damaged: what is in "
            f"{', '.join(unreadable)} cannot be read. See `python -m fieldapp doctor`."
        )


def list_removed(connection: Connection) -> dict[str, datetime]:
    """When attachments were removed that are kept no longer. A backup before an update meets a database without them."""
    if "removed_at" not in {column["name"] for column in inspect(connection).get_columns("attachments")}:
        return {}
    removed = select(Attachment.sha256, Attachment.removed_at).where(Attachment.removed_at.is_not(None))
    return {sha256: at for sha256, at in connection.execute(removed) if at}


def _take_photos(
    connection: Connection, folder: Path, part: Path, removed: Container[str]
) -> tuple[Counter[str], datetime | None]:
    """Take the attachments that the snapshot names; returns what became of them and when the newest lost one came."""
    photos: Counter[str] = Counter()
    newest_lost = None
    named = select(Attachment.sha256, Attachment.stored_at)
    with connection.execution_options(yield_per=1000).execute(named) as rows:
        for sha256, stored_at in rows:
            if sha256 in removed:
                continue
            became = _take_photo(sha256, folder / PHOTOS / sha256[:2] / sha256, part / sha256)
            photos[became] += 1
            if became == LOST:
                newest_lost = max(stored_at, newest_lost or stored_at)
    return photos, newest_lost


def _take_photo(sha256: str, kept: Path, part: Path) -> str:
    here = storage.path_of(sha256)
    if kept.exists() and (not here.exists() or here.stat().st_size == kept.stat().st_size):
        return KNOWN if here.exists() else ONLY_HERE
    if here.exists():
        _link_or_copy(here, part)
        if put_if_whole(part, kept, sha256):
            return NEW
    return ONLY_HERE if is_whole(kept, sha256) else LOST


def _link_or_copy(source: Path, part: Path) -> None:
    """The file under another name: on the same disk that takes no room."""
    try:
        os.link(source, part)
    except OSError:
        durable.copy(source, part)


def _remove_photos(folder: Path, removed: Mapping[str, datetime]) -> None:
    """Let go of the attachments that were removed here before the oldest snapshot was made: none needs them."""
    oldest = datetime.strptime(list_snapshots(folder)[0].name, NAME_FORMAT).replace(tzinfo=UTC)
    for sha256, at in removed.items():
        if at < oldest:
            (folder / PHOTOS / sha256[:2] / sha256).unlink(missing_ok=True)


def _said_before() -> datetime:
    """Up to when phones were already told that they may forget."""
    said = feeds.backed_up_to()
    return clock.parse_instant(said) if said else datetime.min.replace(tzinfo=UTC)


def _remove_older(folder: Path, data_dir: Path, keep: int, now: datetime) -> None:
    """Let go of all snapshots but the newest, and of what backups that were cut off left."""
    for snapshot in list_snapshots(folder)[:-keep]:
        # Not a snapshot any more from the first moment on.
        part = snapshot.with_name(snapshot.name + PART)
        snapshot.replace(part)
        shutil.rmtree(part)
    yesterday = (now - timedelta(days=1)).timestamp()
    for part in [*folder.glob(f"*Z{PART}"), *data_dir.glob(f"*Z{PART}")]:
        if part.stat().st_mtime < yesterday:
            shutil.rmtree(part)
