"""Photos, recordings and files: found by the SHA-256 of what the phone sent, encrypted on disk, linked to the
records that name them.

Invariant: a file under its final name is whole and durable; it is written beside it, synced and renamed first.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

import pillow_heif
from flask import current_app
from PIL import ExifTags, Image, UnidentifiedImageError
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core import media, scope
from fieldapp.core.crypto import keyring
from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant, db, insert_if_absent, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish

pillow_heif.register_heif_opener()

CHUNK_BYTES = 64 * 1024
# What the server keeps as it came, by Pillow's name of the format.
# A JPEG with a second picture behind it (depth, brightness), as newer phones write, is an MPO to Pillow.
FORMATS = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "HEIF": "image/heic",
}
SIZES = {"thumb": 320, "screen": 1600}
# What to do with a picture of each EXIF orientation (CIPA DC-008, tag 0x0112).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNS_SIDEWAYS = {TURNS[orientation] for orientation in (5, 6, 7, 8)}


class Attachment(Base):
    """A photo, recording or file the server holds."""

    __tablename__ = "attachments"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, doc="Of the bytes as sent, hex.")
    size: Mapped[int] = mapped_column(doc="Bytes as sent.")
    kind: Mapped[str] = mapped_column(String(5), doc="image, audio, video or file, as found by its content.")
    media_type: Mapped[str] = mapped_column(String(80), doc="As found by its content.")
    width: Mapped[int | None] = mapped_column(doc="Of a picture: pixels, upright.")
    height: Mapped[int | None] = mapped_column(doc="Of a picture: pixels, upright.")
    stored_at: Mapped[datetime] = mapped_column(Instant, doc="When it was first here whole.")


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
    kind: Mapped[str] = mapped_column(String(20), primary_key=True, doc="visit or followup.")
    uuid: Mapped[str] = mapped_column(String(36), primary_key=True, doc="The record's key.")
    revision: Mapped[int] = mapped_column(primary_key=True, doc="The record's revision that names it.")
    question: Mapped[str] = mapped_column(String(300), primary_key=True, doc="Path of the question.")
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Where the record counts; decides who sees it.")
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
    body = _read_checked(sha256, stream)
    found = _inspect(body)
    _write_durably(_path_of(sha256), keyring().seal(body, f"photo/{sha256}"))
    with transaction():
        is_new = insert_if_absent(
            Attachment,
            sha256=sha256,
            size=len(body),
            kind=found.kind,
            media_type=found.media_type,
            width=found.width,
            height=found.height,
            stored_at=now,
        )
        insert_if_absent(AttachmentUpload, sha256=sha256, user_id=user_id)
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
    kind: str, uuid: str, revision: int, area_code: str, attachments: Iterable[AttachmentName]
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
            taken_at=attachment.taken_at,
            size=attachment.size,
            name=attachment.name,
        )


def touch_users_of(sha256: str) -> None:
    """Tell phones that a record they hold has one attachment more on the server."""
    for use in db.session.scalars(select(AttachmentUse).where(AttachmentUse.sha256 == sha256)):
        publish(use.area_code, use.kind, use.uuid)


@dataclass(frozen=True)
class Found:
    """What a file was found to be; width and height in pixels, upright, of pictures."""

    kind: str
    media_type: str
    width: int | None = None
    height: int | None = None


def _inspect(body: bytes) -> Found:
    found = media.recognise(body)
    if found.kind == media.IMAGE:
        media_type, width, height = inspect_photo(body)
        return Found(found.kind, media_type, width, height)
    if len(body) > _limit_of(found.kind):
        raise _too_large(found.kind)
    return Found(found.kind, found.media_type)


def inspect_photo(body: bytes) -> tuple[str, int, int]:
    """(media type, width, height) of a whole, decodable photo; raises the photo_… errors."""
    try:
        with Image.open(io.BytesIO(body)) as image:
            if image.format not in FORMATS:
                raise AppError("photo_unreadable")
            if image.width * image.height > current_app.config["FIELDAPP"].photo_max_pixels:
                raise AppError("photo_too_many_pixels")
            # Decoded in full: a picture cut off halfway opens well and fails only here.
            image.load()
            width, height = image.size
            if _turn_of(image) in TURNS_SIDEWAYS:
                width, height = height, width
            return FORMATS[image.format], width, height
    except Image.DecompressionBombError:
        raise AppError("photo_too_many_pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        # What Pillow's decoders raise on damaged files; nothing else in this block can raise them.
        raise AppError("photo_unreadable") from None


def read_attachment(sha256: str) -> bytes:
    """The bytes as the phone sent them; raises not_found."""
    path = _path_of(sha256)
    if not path.exists():
        raise AppError("not_found")
    return keyring().open(path.read_bytes(), f"photo/{sha256}")


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright. Read here and not by Pillow's own helper, which rewrites all of the
    metadata on the way and fails on pictures whose metadata is odd.
    """
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (struct.error, SyntaxError, ValueError, TypeError, OSError):
        # Metadata that cannot be read says nothing; the picture itself is whole.
        return None


def get_attachment(sha256: str) -> Attachment:
    """What is known of an attachment that is here; raises not_found."""
    held = db.session.get(Attachment, sha256)
    if held is None:
        raise AppError("not_found")
    return held


def render_photo(sha256: str, size: str) -> bytes:
    """An upright JPEG without metadata, longest side as `SIZES[size]` pixels at most."""
    with Image.open(io.BytesIO(read_attachment(sha256))) as image:
        turn = _turn_of(image)
        upright = (image.transpose(turn) if turn is not None else image).convert("RGB")
        upright.thumbnail((SIZES[size], SIZES[size]))
        out = io.BytesIO()
        upright.save(out, "JPEG", quality=82)
        return out.getvalue()


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
    rows = db.session.execute(
        select(AttachmentUse, Attachment)
        .outerjoin(Attachment, Attachment.sha256 == AttachmentUse.sha256)
        .where(AttachmentUse.kind == kind, AttachmentUse.uuid == uuid, AttachmentUse.revision == revision)
        .order_by(AttachmentUse.question, AttachmentUse.taken_at, AttachmentUse.sha256)
    )
    return [(use, held) for use, held in rows]


def check_storage() -> None:
    """Raise OSError when the attachments' folder cannot be written."""
    probe = photo_dir() / f".probe-{secrets.token_hex(4)}"
    probe.write_bytes(b"ok")
    probe.unlink()


def photo_dir() -> Path:
    """The folder of the attachments, made when missing."""
    path = current_app.config["FIELDAPP"].data_dir / "photos"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _path_of(sha256: str) -> Path:
    return photo_dir() / sha256[:2] / sha256


def _read_checked(sha256: str, stream: IO[bytes]) -> bytes:
    """The whole stream; given up as soon as it is longer than its kind may be."""
    digest, body, kind = hashlib.sha256(), bytearray(), media.FILE
    while chunk := stream.read(CHUNK_BYTES):
        if len(body) < media.HEAD_BYTES:
            kind = media.largest_kind(bytes(body + chunk[: media.HEAD_BYTES]))
        body += chunk
        digest.update(chunk)
        if len(body) > _limit_of(kind):
            raise _too_large(kind)
    if digest.hexdigest() != sha256:
        raise AppError("photo_hash_wrong")
    if not body:
        raise AppError("attachment_empty")
    return bytes(body)


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


def _write_durably(path: Path, body: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    with part.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
