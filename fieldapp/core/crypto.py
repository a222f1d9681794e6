"""The master key and what is derived from it: field encryption, keyed look-up hashes, the cookie secret.

Invariant: the master key lives in the data folder only, never in the database nor in its backup.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import current_app

KEY_FILE = "master.key"
NONCE_BYTES = 12
# First byte of every sealed value: 1 = AES-256-GCM. Another cipher or key gets another number.
SCHEME = b"\x01"


class KeyMissing(Exception):
    """The data folder holds a database but no master key; nothing encrypted could be read."""


class Keyring:
    """The keys of one installation, derived from its 32-byte master key."""

    def __init__(self, master: bytes) -> None:
        if len(master) != 32:
            raise KeyMissing(f"{KEY_FILE} must hold 64 hexadecimal digits")
        self._cipher = AESGCM(_derive(master, b"fields"))
        self._lookup = _derive(master, b"lookup")
        self.cookie_secret = _derive(master, b"cookies").hex()

    def seal(self, plain: bytes, place: str) -> bytes:
        """`plain` encrypted and bound to `place` ("table.column" or the like), so that it opens nowhere else."""
        nonce = os.urandom(NONCE_BYTES)
        return SCHEME + nonce + self._cipher.encrypt(nonce, plain, place.encode())

    def open(self, sealed: bytes, place: str) -> bytes:
        """The plain bytes; raises cryptography's InvalidTag when key, place or bytes are not the ones sealed."""
        if sealed[:1] != SCHEME:
            raise KeyMissing("a value was sealed by a scheme this version does not know")
        nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        return self._cipher.decrypt(nonce, body, place.encode())

    def lookup_hash(self, text: str, place: str) -> str:
        """A keyed hash (hex) under which `text` can be found without being readable."""
        return hmac.new(self._lookup, f"{place}\0{text}".encode(), hashlib.sha256).hexdigest()


def load_keyring(data_dir: Path, *, create: bool) -> Keyring:
    """The keyring of `data_dir`, its key made first when `create`; raises KeyMissing without a key."""
    path = data_dir / KEY_FILE
    if not path.exists():
        if not create:
            raise KeyMissing(
                f"{path} is missing. A new installation runs `python -m fieldapp init` first; "
                "an existing one must be given its key back, for without it nothing sensitive can be read."
            )
        data_dir.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return Keyring(bytes.fromhex(path.read_text().strip()))


def keyring() -> Keyring:
    """The keyring of the running app."""
    return current_app.extensions["fieldapp.keyring"]


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"fieldapp/" + purpose).derive(master)
