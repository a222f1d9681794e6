"""The file a phone makes of what it could not send (docs/sync.md, "The file for the desk"): reading and opening it.

Invariant: it is read item by item, never as a whole; what is damaged or cut off is told and spoils nothing before it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO, Generic, Literal, TypeVar

from cryptography.exceptions import InvalidTag
from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from fieldapp.core.bodies import Body, Sha256, UuidStr
from fieldapp.core.crypto import Cipher, KeyMissing, PhoneKeyUnreadable, keyring
from fieldapp.core.errors import AppError
from fieldapp.sync import rules

NAME = b"fieldapp-handover "
VERSION = b"1"
# Far above what a phone writes there.
MAX_LINE_BYTES = 10_000
MAX_OP_BYTES = 8_000_000
# What sealing adds to the bytes of a photo: scheme, nonce, tag.
SEAL_BYTES = 29

# Of the bodies in a file of this version.
SCHEMA = 1

# How a file ends.
WHOLE, CUT_OFF, DAMAGED = "whole", "cut_off", "damaged"


class Head(Body):
    """Whose file it is."""

    user_id: int
    username: str
    device_uuid: UuidStr
    sealed: str
    exported_at: AwareDatetime


class OpRow(Body):
    """What a phone keeps of an operation in the clear."""

    seq: int
    at: str
    replaces: UuidStr | None


class OpHead(Body):
    """The line before an operation."""

    store: Literal["outbox"]
    key: UuidStr
    size: Annotated[int, Field(ge=0)]
    row: OpRow


class PhotoRow(Body):
    """What a phone keeps of a photo in the clear."""

    type: str


class PhotoHead(Body):
    """The line before the bytes of a photo, recording or file."""

    store: Literal["photo_bytes"]
    key: Sha256
    size: Annotated[int, Field(ge=0)]
    row: PhotoRow


class End(Body):
    """The last line."""

    end: Literal[True]
    items: int


H = TypeVar("H", OpHead, PhotoHead)
_LINE: TypeAdapter[OpHead | PhotoHead | End] = TypeAdapter(OpHead | PhotoHead | End)


class Unreadable(Exception):
    """An item that is not what its phone sealed."""


@dataclass(frozen=True)
class Item(Generic[H]):
    """An operation or a photo, still sealed."""

    head: H
    sealed: bytes

    def open(self, cipher: Cipher) -> bytes:
        """What the phone sealed; raises Unreadable."""
        try:
            return cipher.open(self.sealed, f"{self.head.store}/{self.head.key}")
        except (InvalidTag, KeyMissing, ValueError) as error:
            raise Unreadable from error


class Handover:
    """A phone's file, read from its beginning; `ending` tells how it ended once `items` is exhausted."""

    def __init__(self, file: BinaryIO) -> None:
        """Raises handover_unknown, handover_version, handover_damaged."""
        first = file.readline(MAX_LINE_BYTES)
        if not first.startswith(NAME):
            raise AppError("handover_unknown")
        if first != NAME + VERSION + b"\n":
            raise AppError("handover_version")
        try:
            self.head = Head.model_validate_json(file.readline(MAX_LINE_BYTES))
        except ValidationError:
            raise AppError("handover_damaged") from None
        self._file = file
        self._start = file.tell()
        self.ending = CUT_OFF

    def open_key(self) -> Cipher:
        """The key its phone sealed everything with; raises handover_elsewhere."""
        try:
            return Cipher(keyring().open_phone_key(self.head.sealed, self.head.user_id))
        except PhoneKeyUnreadable:
            raise AppError("handover_elsewhere") from None

    def items(self, kind: type[H], max_bytes: int) -> Iterator[Item[H]]:
        """The operations or the photos, one by one, up to where the file ends, was cut off, or is damaged beyond reading
        on. What is larger than `max_bytes` is not taken into memory, and does not open.
        """
        self._file.seek(self._start)
        count = 0
        while (line := self._file.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            try:
                head = _LINE.validate_json(line)
            except ValidationError:
                self.ending = DAMAGED
                return
            if isinstance(head, End):
                self.ending = WHOLE if head.items == count else DAMAGED
                return
            is_wanted = isinstance(head, kind) and head.size <= max_bytes
            sealed = self._file.read(head.size) if is_wanted else b""
            self._file.seek(head.size - len(sealed), os.SEEK_CUR)
            after = self._file.read(1)
            if after != b"\n":
                self.ending = DAMAGED if after else CUT_OFF
                return
            count += 1
            if isinstance(head, kind):
                yield Item(head, sealed)
        self.ending = CUT_OFF if len(line) < MAX_LINE_BYTES else DAMAGED


def read_op(plain: bytes, head: OpHead) -> tuple[dict[str, Any], str]:
    """An operation as its phone would have pushed it, and the title it had there; raises Unreadable."""
    try:
        value = json.loads(plain)
        raw = {
            "op_uuid": head.key,
            "kind": value["kind"],
            "schema": SCHEMA,
            "seq": head.row.seq,
            "at": head.row.at,
            "base": value["base"],
            "replaces": head.row.replaces,
            "body": value["body"],
        }
        rules.body_hash(raw["body"])
        return raw, str(value["title"])
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise Unreadable from error
