"""Photos: found by the SHA-256 of what the phone sent, encrypted on disk, linked to the records that name them.

Invariant: a file under its final name is whole and durable; it is written beside it, synced and renamed first.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import struct
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

import pillow_heif
from flask import current_app
from PIL import ExifTags, Image, UnidentifiedImageError
from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core import scope
from fieldapp.core.crypto import keyring
from fieldapp.core.db import AreaCode, Base, Instant, db, insert_if_absent, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish

pillow_heif.register_heif_opener()

CHUNK_BYTES = 64 * 1024
# What the server keeps as it came, by Pillow's name of the format.
FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "HEIF": "image/heic"}
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
    """A photo the server holds."""

    __tablename__ = "attachments"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, doc="Of the bytes as sent, hex.")
    size: Mapped[int] = mapped_column(doc="Bytes as sent.")
    media_type: Mapped[str] = mapped_column(String(40), doc="As found by its content.")
    width: Mapped[int] = mapped_column(doc="Pixels, upright.")
    height: Mapped[int] = mapped_column(doc="Pixels, upright.")
    stored_at: Mapped[datetime] = mapped_column(Instant, doc="When it was first here whole.")


class AttachmentUpload(Base):
    """An account that put a photo; it may read it back."""

    __tablename__ = "attachment_uploads"

    sha256: Mapped[str] = mapped_column(ForeignKey(Attachment.sha256), primary_key=True, doc="The photo.")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, doc="Who put it.")


class AttachmentUse(Base):
    """A record that names a photo, before or after the photo itself arrives."""

    __tablename__ = "attachment_uses"

    sha256: Mapped[str] = mapped_column(
        String(64), primary_key=True, doc="The photo named; it may not be here yet."
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True, doc="visit or followup.")
    uuid: Mapped[str] = mapped_column(String(36), primary_key=True, doc="The record's key.")
    revision: Mapped[int] = mapped_column(primary_key=True, doc="The record's revision that names it.")
    question: Mapped[str] = mapped_column(String(300), primary_key=True, doc="Path of the question.")
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Where the record counts; decides who sees it.")
    taken_at: Mapped[datetime | None] = mapped_column(Instant, doc="From EXIF or the phone's clock.")
    size: Mapped[int | None] = mapped_column(doc="Bytes the phone will send.")

    __table_args__ = (db.Index("ix_attachment_uses_record", "kind", "uuid", "revision"),)


def store_photo(sha256: str, stream: IO[bytes], user_id: int, now: datetime) -> bool:
    """Read a photo from `stream`, check it, keep it; True when it is new, False when it was there already.

    Call outside a transaction: the stream is as slow as the network. The caller then writes the row with
    `note_photo`. Raises too_large, photo_hash_wrong, photo_type_unknown, photo_unreadable, photo_too_many_pixels.
    """
    body = _read_checked(sha256, stream)
    media_type, width, height = inspect_photo(body)
    _write_durably(_path_of(sha256), keyring().seal(body, f"photo/{sha256}"))
    with transaction():
        is_new = insert_if_absent(
            Attachment,
            sha256=sha256,
            size=len(body),
            media_type=media_type,
            width=width,
            height=height,
            stored_at=now,
        )
        insert_if_absent(AttachmentUpload, sha256=sha256, user_id=user_id)
        touch_users_of(sha256)
    return is_new


class PhotoName(Protocol):
    """How a record names a photo."""

    @property
    def sha256(self) -> str: ...

    @property
    def question(self) -> str: ...

    @property
    def taken_at(self) -> datetime | None: ...

    @property
    def size(self) -> int | None: ...


def name_photos(kind: str, uuid: str, revision: int, area_code: str, photos: Iterable[PhotoName]) -> None:
    """Note which photos a record's revision names, whether or not they are here yet."""
    for photo in photos:
        insert_if_absent(
            AttachmentUse,
            sha256=photo.sha256,
            kind=kind,
            uuid=uuid,
            revision=revision,
            question=photo.question,
            area_code=area_code,
            taken_at=photo.taken_at,
            size=photo.size,
        )


def touch_users_of(sha256: str) -> None:
    """Tell phones that a record they hold has one photo more on the server."""
    for use in db.session.scalars(select(AttachmentUse).where(AttachmentUse.sha256 == sha256)):
        publish(use.area_code, use.kind, use.uuid)


def inspect_photo(body: bytes) -> tuple[str, int, int]:
    """(media type, width, height) of a whole, decodable photo; raises the photo_… errors."""
    try:
        with Image.open(io.BytesIO(body)) as image:
            if image.format not in FORMATS:
                raise AppError("photo_type_unknown")
            if image.width * image.height > current_app.config["FIELDAPP"].photo_max_pixels:
                raise AppError("photo_too_many_pixels")
            # Decoded in full: a picture cut off halfway opens well and fails only here.
            image.load()
            width, height = image.size
            if _turn_of(image) in TURNS_SIDEWAYS:
                width, height = height, width
            return FORMATS[image.format], width, height
    except UnidentifiedImageError:
        # Looks like one of ours but cannot be opened: damaged. Anything else never was a photo.
        known = body[:3] == b"\xff\xd8\xff" or body[:8] == b"\x89PNG\r\n\x1a\n" or body[4:8] == b"ftyp"
        raise AppError("photo_unreadable" if known else "photo_type_unknown") from None
    except Image.DecompressionBombError:
        raise AppError("photo_too_many_pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError):
        # What Pillow's decoders raise on damaged files; nothing else in this block can raise them.
        raise AppError("photo_unreadable") from None


def read_photo(sha256: str) -> bytes:
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


def get_media_type(sha256: str) -> str:
    """The media type the photo was found to have; raises not_found."""
    held = db.session.get(Attachment, sha256)
    if held is None:
        raise AppError("not_found")
    return held.media_type


def render_photo(sha256: str, size: str) -> bytes:
    """An upright JPEG without metadata, longest side as `SIZES[size]` pixels at most."""
    with Image.open(io.BytesIO(read_photo(sha256))) as image:
        turn = _turn_of(image)
        upright = (image.transpose(turn) if turn is not None else image).convert("RGB")
        upright.thumbnail((SIZES[size], SIZES[size]))
        out = io.BytesIO()
        upright.save(out, "JPEG", quality=82)
        return out.getvalue()


def can_read_photo(sha256: str, user_id: int, area_codes: Iterable[str]) -> bool:
    """Whether the account put this photo, or a record in its areas names it."""
    if db.session.get(AttachmentUpload, (sha256, user_id)) is not None:
        return True
    named = select(AttachmentUse.sha256).where(
        AttachmentUse.sha256 == sha256, scope.within(AttachmentUse.area_code, area_codes)
    )
    return db.session.scalar(named.limit(1)) is not None


def list_uses(kind: str, uuid: str, revision: int) -> list[tuple[AttachmentUse, bool]]:
    """The photos a record's revision names, each with whether it has arrived."""
    rows = db.session.execute(
        select(AttachmentUse, Attachment.sha256)
        .outerjoin(Attachment, Attachment.sha256 == AttachmentUse.sha256)
        .where(AttachmentUse.kind == kind, AttachmentUse.uuid == uuid, AttachmentUse.revision == revision)
        .order_by(AttachmentUse.question, AttachmentUse.taken_at, AttachmentUse.sha256)
    )
    return [(use, held is not None) for use, held in rows]


def check_storage() -> None:
    """Raise OSError when the photo folder cannot be written."""
    probe = photo_dir() / f".probe-{secrets.token_hex(4)}"
    probe.write_bytes(b"ok")
    probe.unlink()


def photo_dir() -> Path:
    """The folder of the photos, made when missing."""
    path = current_app.config["FIELDAPP"].data_dir / "photos"
    path.mkdir(parents=True, exist_ok=True)
    return path


def count_photos() -> int:
    """How many photos the server holds."""
    return db.session.scalar(select(func.count()).select_from(Attachment)) or 0


def _path_of(sha256: str) -> Path:
    return photo_dir() / sha256[:2] / sha256


def _read_checked(sha256: str, stream: IO[bytes]) -> bytes:
    limit = current_app.config["FIELDAPP"].photo_max_bytes
    digest, body = hashlib.sha256(), bytearray()
    while chunk := stream.read(CHUNK_BYTES):
        body += chunk
        digest.update(chunk)
        if len(body) > limit:
            raise AppError("too_large", limit=f"{limit // 1_000_000} MB")
    if digest.hexdigest() != sha256:
        raise AppError("photo_hash_wrong")
    return bytes(body)


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
