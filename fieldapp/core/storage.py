"""Photos, recordings and files: found by the SHA-256 of what the phone sent, encrypted on disk, linked to the
records that name them.

Invariant: a file under its final name is whole and durable; it is written beside it, synced and renamed first.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from flask import current_app
from sqlalchemy import ForeignKey, Select, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core import durable, media, pictures, scope
from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant, db, insert_if_absent, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import FeedCode, publish
from fieldapp.core.vault_files import SealedWriter, open_sealed

CHUNK_BYTES = 64 * 1024
# The folder, beside those of the files themselves, of what is still arriving.
ARRIVING = "arriving"
# An upload that has not ended by then never will.
LEFT_OVER_AFTER = timedelta(days=1)


class Attachment(Base):
    """A photo, recording or file the server holds."""

    __tablename__ = "attachments"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, doc="Of the bytes as sent, hex.")
    size: Mapped[int] = mapped_column(doc="Bytes as sent.")
    kind: Mapped[str] = mapped_column(String(5), doc="image, audio, video or file, as found by its content.")
    media_type: Mapped[str] = mapped_column(String(80), doc="As found by its content.")
    width: Mapped[int | None] = mapped_column(doc="Of a picture: pixels, upright.")
    height: Mapped[int | None] = mapped_column(doc="Of a picture: pixels, upright.")
    fingerprint: Mapped[str | None] = mapped_column(
        String(16),
        doc="Of a picture that shows something: 64 bits that it shares with itself made smaller, hex.",
    )
    stored_at: Mapped[datetime] = mapped_column(Instant, doc="When it was first here whole.")
    removed_at: Mapped[datetime | None] = mapped_column(
        Instant,
        doc="When its file was removed, because attachments are kept no longer than that; empty: it is here.",
    )


class AttachmentUpload(Base):
    """An account that put an attachment; it may read it back."""

    __tablename__ = "attachment_uploads"

    sha256: Mapped[str] = mapped_column(
        ForeignKey(Attachment.sha256), primary_key=True, doc="The attachment."
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, doc="Who put it.")


class AttachmentUse(Base):
    """A record that names an attachment, before or after the attachment itself arrives."""

    __tablename__ = "attachment_uses"

    sha256: Mapped[str] = mapped_column(
        String(64), primary_key=True, doc="The attachment named; it may not be here yet."
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True, doc="visit, followup or aid.")
    uuid: Mapped[str] = mapped_column(String(36), primary_key=True, doc="The record's key.")
    revision: Mapped[int] = mapped_column(primary_key=True, doc="The record's revision that names it.")
    question: Mapped[str] = mapped_column(String(300), primary_key=True, doc="Path of the question.")
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Where the record counts; decides who sees it.")
    feed: Mapped[str] = mapped_column(
        FeedCode, doc="Where the record is published; empty text: no phone is told when it arrives."
    )
    taken_at: Mapped[datetime | None] = mapped_column(Instant, doc="From EXIF or the phone's clock.")
    size: Mapped[int | None] = mapped_column(doc="Bytes the phone will send.")
    name: Mapped[str | None] = mapped_column(
        EncryptedText("attachment_uses.name"), doc="The file's name on the phone, where it has one."
    )

    __table_args__ = (db.Index("ix_attachment_uses_record", "kind", "uuid", "revision"),)


def store_attachment(sha256: str, stream: IO[bytes], user_id: int, now: datetime) -> bool:
    """Read a file from `stream`, check it, keep it; True when it is new, False when it was there already.

    Call outside a transaction: the stream is as slow as the network. Raises too_large, attachment_empty,
    photo_hash_wrong, and of what begins like a photo photo_unreadable, photo_too_many_pixels.
    """
    # Who sends it was looked up already: no connection to the database waits for a slow network.
    db.session.rollback()
    part = new_part(sha256)
    with durable.written_beside(part) as file:
        size = _receive(sha256, stream, file)
        file.flush()
        with open_sealed(part, place_of(sha256)) as plain:
            found = _inspect(plain, size)
    # Before its file takes its place: what is marked as removed may be removed at any moment.
    with transaction():
        db.session.execute(
            update(Attachment)
            .where(Attachment.sha256 == sha256, Attachment.removed_at.is_not(None))
            .values(removed_at=None)
        )
    durable.put_in_place(part, path_of(sha256))
    with transaction():
        is_new = insert_if_absent(
            Attachment,
            sha256=sha256,
            size=size,
            kind=found.kind,
            media_type=found.media_type,
            width=found.width,
            height=found.height,
            fingerprint=found.fingerprint,
            stored_at=now,
        )
        insert_if_absent(AttachmentUpload, sha256=sha256, user_id=user_id)
    # Only now, when whoever names it from here on finds it: a record stored meanwhile would else not hear of it. Were
    # the server to die before this, the phone has no answer and puts it again.
    with transaction():
        touch_users_of(sha256)
    return is_new


class AttachmentName(Protocol):
    """How a record names an attachment."""

    @property
    def sha256(self) -> str: ...

    @property
    def question(self) -> str: ...

    @property
    def taken_at(self) -> datetime | None: ...

    @property
    def size(self) -> int | None: ...

    @property
    def name(self) -> str | None: ...


def name_attachments(
    kind: str, uuid: str, revision: int, area_code: str, feed: str, attachments: Iterable[AttachmentName]
) -> None:
    """Note which attachments a record's revision names, whether or not they are here yet."""
    for attachment in attachments:
        insert_if_absent(
            AttachmentUse,
            sha256=attachment.sha256,
            kind=kind,
            uuid=uuid,
            revision=revision,
            question=attachment.question,
            area_code=area_code,
            feed=feed,
            taken_at=attachment.taken_at,
            size=attachment.size,
            name=attachment.name,
        )


def move_uses(kind: str, uuid: str, area_code: str, feed: str) -> None:
    """Note that a record counts in another area from now on, and is published in another feed."""
    db.session.execute(
        update(AttachmentUse)
        .where(AttachmentUse.kind == kind, AttachmentUse.uuid == uuid)
        .values(area_code=area_code, feed=feed)
    )


def touch_users_of(sha256: str) -> None:
    """Tell phones that a record they hold has one attachment more on the server."""
    named = select(AttachmentUse).where(AttachmentUse.sha256 == sha256, AttachmentUse.feed != "")
    for use in db.session.scalars(named):
        publish(use.feed, use.kind, use.uuid)


@dataclass(frozen=True)
class Found:
    """What a file was found to be; width and height in pixels, upright, of pictures."""

    kind: str
    media_type: str
    width: int | None = None
    height: int | None = None
    fingerprint: str | None = None


def _receive(sha256: str, stream: IO[bytes], file: BinaryIO) -> int:
    """Seal the stream into `file`, given up as soon as it is longer than its kind may be; returns its length."""
    digest, head, size, kind = hashlib.sha256(), b"", 0, media.FILE
    writer = SealedWriter(file, place_of(sha256))
    while chunk := stream.read(CHUNK_BYTES):
        if len(head) < media.HEAD_BYTES:
            head += chunk[: media.HEAD_BYTES]
            kind = media.largest_kind(head)
        size += len(chunk)
        if size > _limit_of(kind):
            raise _too_large(kind)
        digest.update(chunk)
        writer.write(chunk)
    if digest.hexdigest() != sha256:
        raise AppError("photo_hash_wrong")
    if not size:
        raise AppError("attachment_empty")
    writer.finish()
    return size


def _inspect(file: BinaryIO, size: int) -> Found:
    found = media.recognise(file)
    if found.kind == media.IMAGE:
        return Found(found.kind, *pictures.inspect_photo(file))
    if size > _limit_of(found.kind):
        raise _too_large(found.kind)
    return Found(found.kind, found.media_type)


def open_attachment(sha256: str) -> BinaryIO:
    """The bytes as the phone sent them, as a file one can seek in; raises not_found, FileDamaged (also in reading)."""
    try:
        return open_sealed(path_of(sha256), place_of(sha256))
    except FileNotFoundError:
        raise AppError("not_found") from None


def get_attachment(sha256: str) -> Attachment:
    """What is known of an attachment that is here; raises not_found, attachment_removed."""
    held = db.session.get(Attachment, sha256)
    if held is None:
        raise AppError("not_found")
    if held.removed_at:
        raise AppError("attachment_removed")
    return held


def can_read_attachment(sha256: str, user_id: int, area_codes: Iterable[str]) -> bool:
    """Whether the account put this attachment, or a record in its areas names it."""
    if db.session.get(AttachmentUpload, (sha256, user_id)) is not None:
        return True
    named = select(AttachmentUse.sha256).where(
        AttachmentUse.sha256 == sha256, scope.within(AttachmentUse.area_code, area_codes)
    )
    return db.session.scalar(named.limit(1)) is not None


def list_uses(kind: str, uuid: str, revision: int) -> list[tuple[AttachmentUse, Attachment | None]]:
    """What a record's revision names, each with what is known of it once it has arrived."""
    rows = db.session.execute(_select_uses(kind, uuid).where(AttachmentUse.revision == revision))
    return [(use, held) for use, held in rows]


def list_uses_of(kind: str, uuid: str) -> dict[int, list[tuple[AttachmentUse, Attachment | None]]]:
    """The same of all its revisions, by revision."""
    uses: dict[int, list[tuple[AttachmentUse, Attachment | None]]] = {}
    for use, held in db.session.execute(_select_uses(kind, uuid)):
        uses.setdefault(use.revision, []).append((use, held))
    return uses


def _select_uses(kind: str, uuid: str) -> Select[AttachmentUse, Attachment]:
    return (
        select(AttachmentUse, Attachment)
        .outerjoin(Attachment, Attachment.sha256 == AttachmentUse.sha256)
        .where(AttachmentUse.kind == kind, AttachmentUse.uuid == uuid)
        .order_by(AttachmentUse.question, AttachmentUse.taken_at, AttachmentUse.sha256)
    )


def remove_attachment(sha256: str) -> None:
    """Remove the file of an attachment that is marked as removed; nothing to do when it has been sent once more."""
    with transaction():
        marked = select(Attachment).where(Attachment.sha256 == sha256, Attachment.removed_at.is_not(None))
        if db.session.scalar(marked.with_for_update()) is not None:
            path_of(sha256).unlink(missing_ok=True)


def check_storage() -> None:
    """Raise OSError when the attachments' folder cannot be written."""
    probe = photo_dir() / f".probe-{secrets.token_hex(4)}"
    probe.write_bytes(b"ok")
    probe.unlink()


def remove_left_over(now: datetime) -> int:
    """Remove what is left of uploads that were cut off more than a day ago; returns how many."""
    left_over = [
        part
        for part in _arriving_dir().iterdir()
        if datetime.fromtimestamp(part.stat().st_mtime, UTC) < now - LEFT_OVER_AFTER
    ]
    for part in left_over:
        part.unlink(missing_ok=True)
    return len(left_over)


def photo_dir() -> Path:
    """The folder of the attachments, made when missing."""
    path = current_app.config["FIELDAPP"].data_dir / "photos"
    durable.make_folder(path)
    return path


def new_part(sha256: str) -> Path:
    """Where an attachment may be written before it has its place; what stays there is removed some day."""
    return _arriving_dir() / f"{sha256}.{secrets.token_hex(4)}.part"


def _arriving_dir() -> Path:
    path = photo_dir() / ARRIVING
    durable.make_folder(path)
    return path


def path_of(sha256: str) -> Path:
    """Where an attachment lies, or would lie."""
    return photo_dir() / sha256[:2] / sha256


def place_of(sha256: str) -> str:
    """What an attachment's file is sealed to."""
    return f"photo/{sha256}"


def limits() -> dict[str, int]:
    """The largest attachment accepted, bytes by kind."""
    settings = current_app.config["FIELDAPP"]
    return {
        media.IMAGE: settings.photo_max_bytes,
        media.AUDIO: settings.audio_max_bytes,
        media.VIDEO: settings.video_max_bytes,
        media.FILE: settings.file_max_bytes,
    }


def _limit_of(kind: str) -> int:
    return limits()[kind]


def _too_large(kind: str) -> AppError:
    return AppError("too_large", limit=f"{_limit_of(kind) // 1_000_000} MB")
