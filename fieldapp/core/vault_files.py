"""Sealed files: how attachments lie on disk, written and read piece by piece.

    0x02 | salt (16 bytes) | piece 0 | piece 1 | …

Each piece is 64 KiB of the file (the last one what is left), encrypted with AES-256-GCM under a key of this file's own:
derived from the installation's key, the salt and the place the file belongs to. A piece's nonce is its number and
whether it is the last. Files of scheme 1 (one piece, as `Keyring.seal` makes it) are read as well.

Invariant: what is read is what was written for this place; pieces that are missing, changed, swapped, moved or of
another file raise FileDamaged, and a file whose end is missing does not even open.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag

from fieldapp.core.crypto import SCHEME as SCHEME_1, keyring

SCHEME = b"\x02"
SALT_BYTES = 16
HEAD_BYTES = len(SCHEME) + SALT_BYTES
PIECE_BYTES = 64 * 1024
TAG_BYTES = 16
_SEALED_BYTES = PIECE_BYTES + TAG_BYTES


class FileDamaged(Exception):
    """A sealed file is not what was written under its name, or this is not the key it was written with."""


class SealedWriter:
    """Seals what it is given into `file`, which can be read once `finish` was called."""

    def __init__(self, file: BinaryIO, place: str) -> None:
        salt = os.urandom(SALT_BYTES)
        self._file = file
        self._cipher = keyring().file_cipher(salt, place)
        self._number = 0
        self._waiting = bytearray()
        file.write(SCHEME + salt)

    def write(self, plain: bytes) -> None:
        """Add bytes."""
        self._waiting += plain
        # One piece is held back: only at the end is it known which is the last.
        while len(self._waiting) > PIECE_BYTES:
            self._seal(bytes(self._waiting[:PIECE_BYTES]), is_last=False)
            del self._waiting[:PIECE_BYTES]

    def finish(self) -> None:
        """Seal the last piece."""
        self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, plain: bytes, *, is_last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, is_last), plain, None))
        self._number += 1


class SealedReader(io.RawIOBase):
    """The plain bytes of a file of scheme 2, from anywhere in it; holds one piece at a time."""

    def __init__(self, file: BinaryIO, place: str) -> None:
        """Raises FileDamaged when the end of the file does not fit its beginning."""
        self._file = file
        head = file.read(HEAD_BYTES)
        body = file.seek(0, os.SEEK_END) - HEAD_BYTES
        self._last, rest = divmod(body - 1, _SEALED_BYTES)
        if head[:1] != SCHEME or body < TAG_BYTES or rest < TAG_BYTES - 1:
            raise FileDamaged("not a sealed file, or cut off")
        self._cipher = keyring().file_cipher(head[1:], place)
        self._at = 0
        # The last piece says that it is the last: only then is the length of the whole to be believed.
        self._number, self._piece = self._last, self._open(self._last)
        self.size = self._last * PIECE_BYTES + len(self._piece)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence])
        return self._at

    def readinto(self, buffer: Any) -> int:
        number, start = divmod(self._at, PIECE_BYTES)
        if self._at >= self.size:
            return 0
        if number != self._number:
            self._number, self._piece = number, self._open(number)
        found = self._piece[start : start + len(buffer)]
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _open(self, number: int) -> bytes:
        self._file.seek(HEAD_BYTES + number * _SEALED_BYTES)
        sealed = self._file.read(_SEALED_BYTES)
        try:
            return self._cipher.decrypt(_nonce(number, number == self._last), sealed, None)
        except InvalidTag:
            raise FileDamaged(f"piece {number} is damaged") from None


def open_sealed(path: Path, place: str) -> io.BufferedReader | io.BytesIO:
    """The plain bytes of a sealed file as a file one can seek in; raises FileDamaged, and so may reading from it."""
    file = path.open("rb")
    try:
        if file.peek(1)[:1] == SCHEME_1:
            with file:
                return io.BytesIO(keyring().open(file.read(), place))
        return io.BufferedReader(SealedReader(file, place), PIECE_BYTES)
    except InvalidTag:
        raise FileDamaged("damaged") from None
    except BaseException:
        file.close()
        raise


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
