"""Putting a backup where there is no database.

Invariant: until everything is there, nothing can be served: SQLite's file gets its name last, and a PostgreSQL database
has no epoch before. So a restore that was cut off is simply run again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError

from fieldapp import create_app
from fieldapp.core import durable, storage
from fieldapp.core.crypto import load_keyring
from fieldapp.core.db import db
from fieldapp.core.storage import Attachment
from fieldapp.settings import Settings
from fieldapp.upkeep import snapshots
from fieldapp.upkeep.backup import (
    DATABASES,
    PART,
    PHOTOS,
    BackupRefused,
    Manifest,
    count_rows,
    hash_of,
    is_whole,
    list_removed,
    list_snapshots,
    put_if_whole,
)
from fieldapp.upkeep.schema import bring_up_to_date, knows_revision


@dataclass(frozen=True)
class Restored:
    """What came of a restore."""

    snapshot: Path
    manifest: Manifest
    photos: int
    # Attachments that the database names and the backup does not hold, or only damaged.
    photos_missing: int
    # Where the database is now that was there before.
    kept_aside: str | None


def restore(settings: Settings, folder: Path, name: str | None, now: datetime, *, replaces: bool) -> Restored:
    """Restore the newest snapshot in `folder`, or the one named; with `replaces` also where there is a database
    already, which is then kept aside.

    Raises BackupRefused, KeyMissing, SnapshotFailed, OSError.
    """
    snapshot = _find_snapshot(folder, name)
    manifest = Manifest.read(snapshot)
    url = make_url(settings.resolved_database_url)
    _check_fits(settings, snapshot, manifest, url)
    place = _InPostgres(url, now) if manifest.engine == "postgresql" else _InSqlite(url, now)
    if place.is_in_use() and not replaces:
        raise BackupRefused(
            "There is a database here already. Stop fieldapp and run this again with --replace: it is then kept "
            "aside, and nothing of it is lost."
        )
    place.fill(snapshot / DATABASES[manifest.engine])
    app = create_app(replace(settings, database_url=place.url.render_as_string(hide_password=False)))
    with app.app_context():
        try:
            _check_counts(manifest)
            photos, missing = _bring_photos(folder / PHOTOS)
            bring_up_to_date()
        finally:
            db.engine.dispose()
    place.finish()
    return Restored(snapshot, manifest, photos, missing, place.kept_aside)


def _find_snapshot(folder: Path, name: str | None) -> Path:
    found = {path.name: path for path in (list_snapshots(folder) if folder.is_dir() else [])}
    if not found:
        raise BackupRefused(f"There is no complete backup in {folder}.")
    if name is not None and name not in found:
        raise BackupRefused(f"There is no snapshot {name} in {folder}; there are: {', '.join(found)}.")
    return found[name or max(found)]


def _check_fits(settings: Settings, snapshot: Path, manifest: Manifest, url: URL) -> None:
    """Everything that can be known before anything is touched."""
    keyring = load_keyring(settings.data_dir, create=False)
    if keyring.fingerprint != manifest.key_fingerprint:
        raise BackupRefused(
            f"The master key in {settings.data_dir} is not the one of this backup: with it nothing could be read. "
            "Put the right one there."
        )
    if url.get_backend_name() != manifest.engine:
        raise BackupRefused(
            f"This is a backup of {manifest.engine}, and FIELDAPP_DATABASE_URL is for {url.get_backend_name()}."
        )
    if not knows_revision(manifest.revision):
        raise BackupRefused("This backup was made by a newer version of fieldapp: install that first.")
    if hash_of(snapshot / DATABASES[manifest.engine]) != manifest.database_sha256:
        raise BackupRefused(f"{snapshot} is damaged. Choose another one with --snapshot.")


def _check_counts(manifest: Manifest) -> None:
    with db.engine.connect() as connection:
        if count_rows(connection) != manifest.counts:
            raise BackupRefused("The database does not hold as many rows as were backed up. Run this again.")


def _bring_photos(kept: Path) -> tuple[int, int]:
    """Bring the attachments that the database names; returns how many there are and how many are missing."""
    there = missing = 0
    with db.engine.connect() as connection:
        removed = list_removed(connection)
        for sha256 in connection.execution_options(yield_per=1000).scalars(select(Attachment.sha256)):
            if sha256 in removed:
                continue
            if is_whole(storage.path_of(sha256), sha256) or _bring_photo(kept / sha256[:2] / sha256, sha256):
                there += 1
            else:
                missing += 1
    return there, missing


def _bring_photo(source: Path, sha256: str) -> bool:
    part = storage.new_part(sha256)
    try:
        durable.copy(source, part)
    except FileNotFoundError:
        return False
    return put_if_whole(part, storage.path_of(sha256), sha256)


class _InSqlite:
    """A database file, filled beside the place that it takes at the end."""

    def __init__(self, url: URL, now: datetime) -> None:
        self._path = Path(url.database or "")
        self._part = self._path.with_name(self._path.name + PART)
        self._aside = self._path.with_name(snapshots.aside_name(now))
        self.url = url.set(database=str(self._part))
        self.kept_aside: str | None = None

    def is_in_use(self) -> bool:
        if not self._path.exists():
            return bool(self._list_files())
        try:
            with snapshots.connected(self.url.set(database=str(self._path))) as connection:
                return bool(inspect(connection).get_table_names())
        except DatabaseError:
            return True

    def fill(self, file: Path) -> None:
        snapshots.put_sqlite(file, self._part)

    def finish(self) -> None:
        durable.sync_file(self._part)
        was_here = self._list_files()
        if was_here:
            durable.make_folder(self._aside)
            for path in was_here:
                path.replace(self._aside / path.name)
            durable.sync_folder(self._aside)
            self.kept_aside = str(self._aside)
        durable.put_in_place(self._part, self._path)

    def _list_files(self) -> list[Path]:
        return [path for path in snapshots.files_of(self._path) if path.exists()]


class _InPostgres:
    """A database that has no epoch before all is there; what it held before goes into a schema of its own."""

    def __init__(self, url: URL, now: datetime) -> None:
        self.url = url
        self._aside = snapshots.aside_name(now)
        self.kept_aside: str | None = None

    def is_in_use(self) -> bool:
        with snapshots.connected(self.url) as connection:
            names = inspect(connection).get_table_names()
            # Without an epoch it was never served: a restore was cut off.
            return bool(names) and (
                "server_state" not in names
                or connection.scalar(text("SELECT count(*) FROM server_state WHERE name = 'epoch'")) != 0
            )

    def fill(self, file: Path) -> None:
        with snapshots.connected(self.url) as connection:
            found = inspect(connection)
            if found.get_table_names():
                aside, taken = self._aside, found.get_schema_names()
                while aside in taken:  # twice within a second
                    aside += "_"
                connection.execute(text(f"ALTER SCHEMA public RENAME TO {aside}"))
                connection.execute(text("CREATE SCHEMA public"))
                connection.commit()
                self.kept_aside = f"the schema {aside}"
        snapshots.put_postgres(file, self.url)

    def finish(self) -> None:
        """Nothing is left to do: the epoch it was given makes it whole."""
