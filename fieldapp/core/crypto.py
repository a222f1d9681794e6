"""The master key and what is derived from it: field encryption, keyed look-up hashes, the cookie secret, and the key
pair to which phones seal their own keys.

Invariant: the master key lives in the data folder only, never in the database nor in its backup.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import current_app

KEY_FILE = "master.key"
KEY_BYTES = 32
NONCE_BYTES = 12
# First byte of every sealed value: 1 = AES-256-GCM. Another cipher or key gets another number.
SCHEME = b"\x01"
CURVE = ec.SECP256R1()
# How many points P-256 has, and how many bytes one takes uncompressed.
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
POINT_BYTES = 65


class KeyMissing(Exception):
    """The data folder holds a database but no master key; nothing encrypted could be read."""


class PhoneKeyUnreadable(Exception):
    """What should be a phone's key, sealed, does not open here for this account."""


class Cipher:
    """Seals and opens under one key; phones write the same bytes (docs/sync.md, "Keys")."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

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


class Keyring(Cipher):
    """The keys of one installation, derived from its 32-byte master key; as a cipher, that of fields."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise KeyMissing(f"{KEY_FILE} must hold 64 hexadecimal digits")
        super().__init__(_derive(master, b"fields"))
        self._lookup = _derive(master, b"lookup")
        self._files = _derive(master, b"files")
        # By which a backup's key is known again; it tells nothing of the key.
        self.fingerprint = _derive(master, b"fingerprint")[:8].hex()
        self.cookie_secret = _derive(master, b"cookies").hex()
        number = int.from_bytes(_derive(master, b"phones"), "big")
        self._private_key = ec.derive_private_key(1 + number % (CURVE_ORDER - 1), CURVE)
        self._point = self._private_key.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        # To which phones seal their keys: the raw P-256 point in base64.
        self.public_key = base64.b64encode(self._point).decode()

    def file_cipher(self, salt: bytes, place: str) -> AESGCM:
        """The cipher of one sealed file: another salt or place, another key (`core.vault_files`)."""
        key = HKDF(algorithm=SHA256(), length=32, salt=salt, info=place.encode()).derive(self._files)
        return AESGCM(key)

    def lookup_hash(self, text: str, place: str) -> str:
        """A keyed hash (hex) under which `text` can be found without being readable."""
        return hmac.new(self._lookup, f"{place}\0{text}".encode(), hashlib.sha256).hexdigest()

    def open_phone_key(self, sealed: str, user_id: int) -> bytes:
        """The 32-byte data key that a phone of the account sealed to `public_key`; `sealed` is base64.

        Raises PhoneKeyUnreadable for another account, another installation, or damaged bytes.
        """
        try:
            raw = base64.b64decode(sealed, validate=True)
            point, value = raw[1 : 1 + POINT_BYTES], raw[:1] + raw[1 + POINT_BYTES :]
            theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
            shared = self._private_key.exchange(ec.ECDH(), theirs)
            data_key = Cipher(_derive(shared, b"phone-key", point + self._point)).open(value, str(user_id))
        except (ValueError, InvalidTag, KeyMissing) as error:
            raise PhoneKeyUnreadable from error
        if len(data_key) != KEY_BYTES:
            raise PhoneKeyUnreadable
        return data_key


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
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
    return Keyring(bytes.fromhex(path.read_text().strip()))


def keyring() -> Keyring:
    """The keyring of the running app."""
    return current_app.extensions["fieldapp.keyring"]


def _derive(secret: bytes, purpose: bytes, salt: bytes | None = None) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=b"fieldapp/" + purpose).derive(secret)
