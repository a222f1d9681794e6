"""The installation's key pair opens what the phone's own code sealed to it, and nothing else."""

from __future__ import annotations

import base64
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fieldapp.core.crypto import Keyring, PhoneKeyUnreadable
from tests.phone_key import DATA_KEY, seal_key

MASTER = bytes(range(1, 33))
# Of that master key: a later version that made another pair could open no phone there is.
PUBLIC_KEY = "BJpvIq672b+2T28kpMAD2RhDCpro1pHG8iky/8JHT1jG+Bj9cXP94MCdBUQGH9xy8jr4x1Q+cV4Ue0IzdjwhRq8="
# Sealed by the phone's code for account 7.
SEALED = (
    "AQQObHcnfyTeXfL2b+ogomVy7k3k5CROfuqYwl5H5y3IkV7qpaxoKv0Zx4Tb1uM340rT5LD9ag59Ah3tcBuSwnp5"
    "ll2vHQKAb7WRkvLhiVcgkga+gsPvIFa8kA4sv4dIiOxzgvQu2VAQsD/W1e+BwlfSDTWBUC35iDifb8B6"
)


@pytest.fixture(scope="module")
def keys() -> Keyring:
    return Keyring(MASTER)


def test_key_pair_of_a_master_key_never_changes(keys):
    assert keys.public_key == PUBLIC_KEY
    assert keys.open_phone_key(SEALED, 7) == DATA_KEY


def test_public_key_is_a_point_as_browsers_import_it(keys):
    raw = base64.b64decode(keys.public_key)
    assert (len(raw), raw[:1]) == (65, b"\x04")
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def test_what_the_phone_seals_now_opens(keys):
    first, second = seal_key(keys.public_key, 12), seal_key(keys.public_key, 12)
    assert first != second
    assert keys.open_phone_key(first, 12) == keys.open_phone_key(second, 12) == DATA_KEY


def test_session_tells_everyone_the_public_key(app, client):
    public_key = client.get("/api/session").json["public_key"]
    sealed = seal_key(public_key, 3)
    assert app.extensions["fieldapp.keyring"].open_phone_key(sealed, 3) == DATA_KEY


def test_another_account_or_installation_opens_nothing(keys):
    with pytest.raises(PhoneKeyUnreadable):
        keys.open_phone_key(SEALED, 8)
    with pytest.raises(PhoneKeyUnreadable):
        Keyring(bytes(32)).open_phone_key(SEALED, 7)


@pytest.mark.parametrize("place", [0, 1, 2, 65, 66, 77, 78, 109, 110, -1])
def test_one_damaged_byte_anywhere_opens_nothing(keys, place):
    raw = bytearray(base64.b64decode(SEALED))
    raw[place] ^= 0x01
    with pytest.raises(PhoneKeyUnreadable):
        keys.open_phone_key(base64.b64encode(raw).decode(), 7)


@pytest.mark.parametrize("size", [0, 1, 34, 65, 66, 70, 78, 94, 125])
def test_truncated_opens_nothing(keys, size):
    with pytest.raises(PhoneKeyUnreadable):
        keys.open_phone_key(base64.b64encode(base64.b64decode(SEALED)[:size]).decode(), 7)


@pytest.mark.parametrize("point", [b"\x04" + bytes(64), b"\x04" + b"\xff" * 64, b"\x00" + bytes(64)])
def test_point_that_is_not_on_the_curve_opens_nothing(keys, point):
    raw = base64.b64decode(SEALED)
    with pytest.raises(PhoneKeyUnreadable):
        keys.open_phone_key(base64.b64encode(raw[:1] + point + raw[66:]).decode(), 7)


def test_another_phones_point_opens_nothing(keys):
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = base64.b64decode(SEALED)
    swapped = raw[:1] + other.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) + raw[66:]
    with pytest.raises(PhoneKeyUnreadable):
        keys.open_phone_key(base64.b64encode(swapped).decode(), 7)


@pytest.mark.parametrize("text", ["", "not base64!", "密钥", SEALED[:-1], SEALED + "\n", " " + SEALED])
def test_what_is_no_base64_opens_nothing(keys, text):
    with pytest.raises(PhoneKeyUnreadable):
        keys.open_phone_key(text, 7)


@pytest.mark.parametrize("size", [16, 31, 33])
def test_key_of_another_length_is_refused(keys, size):
    with pytest.raises(PhoneKeyUnreadable):
        keys.open_phone_key(seal_key(keys.public_key, 7, bytes(size)), 7)


def test_phone_refuses_a_public_key_that_is_none(keys):
    with pytest.raises(subprocess.CalledProcessError):
        seal_key(base64.b64encode(b"\x04" + bytes(64)).decode(), 7)
