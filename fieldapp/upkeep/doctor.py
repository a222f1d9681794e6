"""What is right and what is wrong with an installation, in plain lines.

Invariant: looking changes nothing; what cannot be looked at is wrong.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from fieldapp.core import clock, feeds, storage
from fieldapp.core.assets import ClientNotBuilt, check_built
from fieldapp.core.crypto import KEY_FILE
from fieldapp.core.db import db
from fieldapp.core.storage import Attachment, AttachmentUse
from fieldapp.notices.queries import count_stuck
from fieldapp.people.tally_queries import list_wrong
from fieldapp.reports import recount
from fieldapp.reviews.counting import list_wrong as list_wrong_of_reviews
from fieldapp.sync.models import Operation
from fieldapp.upkeep import samples
from fieldapp.upkeep.backup import is_whole
from fieldapp.upkeep.schema import NotSetUp, check_up_to_date

RIGHT, NOTE, WRONG = "ok", "note", "WRONG"
# Below it uploads soon fail: some twenty videos, or a day of photos.
LEAST_FREE_BYTES = 1_000_000_000
# A night was missed, and the next as well.
BACKUP_AFTER = timedelta(days=2)
SAMPLE = 20


@dataclass(frozen=True)
class Finding:
    """One line, and what it is about one by one."""

    verdict: str  # RIGHT, NOTE or WRONG
    words: str
    names: list[str] = field(default_factory=list)


def examine(now: datetime) -> Iterator[Finding]:
    """Look at everything in the current app's installation; one finding at a time, for some take long."""
    for name, check in _CHECKS.items():
        try:
            yield from check(now)
        except (SQLAlchemyError, OSError) as error:
            db.session.rollback()
            yield Finding(WRONG, f"{name}: {str(getattr(error, 'orig', error)).strip()}")


def _check_settings(_now: datetime) -> Iterator[Finding]:
    settings = current_app.config["FIELDAPP"]
    engine = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[db.engine.dialect.name]
    yield Finding(RIGHT, f"settings: data in {settings.data_dir.resolve()}, database on {engine}")
    if not settings.tls_cert and not settings.behind_proxy:
        yield Finding(
            NOTE,
            "neither FIELDAPP_TLS_CERT nor FIELDAPP_BEHIND_PROXY is set: phones need https to work offline",
        )
    try:
        check_built()
    except ClientNotBuilt as error:
        yield Finding(WRONG, str(error))


def _check_key(_now: datetime) -> Iterator[Finding]:
    data_dir: Path = current_app.config["FIELDAPP"].data_dir
    for path in (data_dir, data_dir / KEY_FILE):
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Finding(WRONG, f"{path} can be read by other accounts of this machine: chmod go= {path}")
    unreadable = samples.list_unreadable()
    if unreadable:
        yield Finding(
            WRONG, "the master key does not open what is in the database: is it the right one?", unreadable
        )
    else:
        yield Finding(RIGHT, "the master key is there and opens what is in the database")


def _check_database(_now: datetime) -> Iterator[Finding]:
    try:
        check_up_to_date()
        yield Finding(RIGHT, "the database is up to date with this version")
    except NotSetUp as error:
        yield Finding(WRONG, str(error))
    if db.engine.dialect.name == "sqlite":
        said = db.session.scalars(text("PRAGMA integrity_check(5)")).all()
        astray = db.session.execute(text("PRAGMA foreign_key_check")).all()
        if said != ["ok"]:
            yield Finding(WRONG, "the database is damaged: restore the last backup", list(said))
        elif astray:
            yield Finding(
                WRONG, f"{len(astray)} rows point to what is not there", [str(row) for row in astray]
            )
        else:
            yield Finding(RIGHT, "the database is whole")


def _check_storage(_now: datetime) -> Iterator[Finding]:
    storage.check_storage()
    free = shutil.disk_usage(storage.photo_dir()).free
    words = f"the photos' folder can be written, {free / 1e9:.1f} GB free"
    yield Finding(RIGHT if free >= LEAST_FREE_BYTES else WRONG, words)


def _check_photos(_now: datetime) -> Iterator[Finding]:
    missing: list[str] = []
    unknown: list[str] = []
    count = 0
    for prefix in (f"{number:02x}" for number in range(256)):
        named = Attachment.sha256.between(prefix + "0" * 62, prefix + "f" * 62)
        known = set(
            db.session.scalars(select(Attachment.sha256).where(named, Attachment.removed_at.is_(None)))
        )
        folder = storage.photo_dir() / prefix
        there = set(os.listdir(folder)) if folder.is_dir() else set()
        count += len(known & there)
        missing += sorted(known - there)
        unknown += sorted(there - known)
    yield Finding(RIGHT, f"{count} photos and files are here")
    if missing:
        words = f"{len(missing)} photos or files are missing: look in the backup's folder of photos"
        yield Finding(WRONG, words, missing)
    kept = select(Attachment.sha256).where(Attachment.removed_at.is_(None))
    sample = db.session.scalars(kept.order_by(func.random()).limit(SAMPLE)).all()
    damaged = [
        sha256 for sha256 in sample if sha256 not in missing and not is_whole(storage.path_of(sha256), sha256)
    ]
    if damaged:
        words = f"{len(damaged)} of {len(sample)} photos or files looked at are damaged: look in the backup's folder"
        yield Finding(WRONG, words, damaged)
    here = select(Attachment).where(Attachment.sha256 == AttachmentUse.sha256).exists()
    waiting = db.session.scalars(select(AttachmentUse.sha256).where(~here).distinct()).all()
    if waiting:
        yield Finding(
            NOTE, f"{len(waiting)} photos or files are named by a record and still on a phone", list(waiting)
        )
    used = select(AttachmentUse).where(Attachment.sha256 == AttachmentUse.sha256).exists()
    orphans = db.session.scalars(kept.where(~used)).all()
    if orphans:
        yield Finding(
            NOTE, f"{len(orphans)} photos or files are named by no record; they are kept", list(orphans)
        )
    if unknown:
        words = f"{len(unknown)} files in the photos' folder are of uploads that were cut off; they are kept"
        yield Finding(NOTE, words, unknown)


def _check_tallies(_now: datetime) -> Iterator[Finding]:
    wrong = {**list_wrong(), **list_wrong_of_reviews()}
    if wrong:
        yield Finding(
            WRONG,
            f"{len(wrong)} counts of townships are not those of the records: run `python -m fieldapp due`",
            [
                f"{' '.join(filter(None, counted))}: {kept} are counted, {there} are there"
                for counted, (kept, there) in wrong.items()
            ],
        )
    else:
        yield Finding(RIGHT, "what is counted by township is what the records say")


def _check_report(_now: datetime) -> Iterator[Finding]:
    wrong = recount.list_wrong()
    if wrong:
        yield Finding(
            WRONG,
            f"{len(wrong)} figures of the weekly report are not those of the records: run `python -m fieldapp recount`",
            [
                f"{key[0]} {key[2]} {key[3]}: {kept} kept, {there} there"
                for key, (kept, there) in wrong.items()
            ],
        )
    else:
        yield Finding(RIGHT, "what the weekly report shows is what the records say")


def _check_operations(_now: datetime) -> Iterator[Finding]:
    waiting = db.session.scalar(
        select(func.count()).select_from(Operation).where(Operation.state.in_(["rejected", "conflict"]))
    )
    if waiting:
        yield Finding(NOTE, f"{waiting} records from phones wait for somebody at the desk")


def _check_notices(now: datetime) -> Iterator[Finding]:
    red, others, given_up = count_stuck(now)
    if red:
        yield Finding(WRONG, f"{red} red messages do not get out: look at Channels at the desk")
    if others or given_up:
        words = f"{others} messages are still being tried, {given_up} were given up this week: see Channels at the desk"
        yield Finding(NOTE, words)


def _check_backup(now: datetime) -> Iterator[Finding]:
    said = feeds.backed_up_to()
    if said is None:
        yield Finding(WRONG, "there is no backup yet: run `python -m fieldapp backup FOLDER`")
        return
    up_to = clock.parse_instant(said)
    is_late = now - up_to > BACKUP_AFTER
    yield Finding(WRONG if is_late else RIGHT, f"everything received up to {said} is backed up")


_CHECKS: dict[str, Callable[[datetime], Iterator[Finding]]] = {
    "settings": _check_settings,
    "the master key": _check_key,
    "the database": _check_database,
    "the photos' folder": _check_storage,
    "photos and files": _check_photos,
    "what is counted": _check_tallies,
    "the weekly report": _check_report,
    "records from phones": _check_operations,
    "notices": _check_notices,
    "the backup": _check_backup,
}
