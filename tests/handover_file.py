"""A phone's file of unsent work, as docs/sync.md describes it, put together in Python or by the phone's own code."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fieldapp.core.crypto import Cipher
from tests.phone_key import DATA_KEY, seal_key

PHONE = Path(__file__).parent / "js" / "make_handover.mjs"
_seal_key = functools.cache(seal_key)


def sealed_by(phone: Any, user_id: int) -> str:
    """The data key of all files made here, sealed to the phone's installation for that account."""
    return _seal_key(_public_key(phone), user_id)


def op_item(op: dict[str, Any], title: str = "刘玉珍") -> bytes:
    """An operation, as `Phone.op` makes it, as an item of a file."""
    value = {"kind": op["kind"], "base": op["base"], "body": op["body"], "draft": {}, "title": title}
    row = {"seq": op["seq"], "at": op["at"], "replaces": op["replaces"]}
    return item("outbox", op["op_uuid"], json.dumps(value).encode(), row)


def photo_item(photo: bytes) -> bytes:
    """A photo as an item of a file."""
    return item("photo_bytes", hashlib.sha256(photo).hexdigest(), photo, {"type": "image/jpeg"})


def item(store: str, key: str, plain: bytes, row: dict[str, Any]) -> bytes:
    """Anything as an item of a file."""
    sealed = Cipher(DATA_KEY).seal(plain, f"{store}/{key}")
    return _line({"store": store, "key": key, "size": len(sealed), "row": row}) + sealed + b"\n"


def make_file(phone: Any, items: Iterable[bytes], **head: Any) -> bytes:
    """The whole file of that phone; `head` changes what it says of itself."""
    items = list(items)
    about = {
        "user_id": phone.user_id,
        "username": "worker",
        "device_uuid": phone.device_uuid,
        "sealed": sealed_by(phone, phone.user_id),
        "exported_at": "2026-11-27T08:30:00.000Z",
    }
    end = _line({"end": True, "items": len(items)})
    return b"fieldapp-handover 1\n" + _line(about | head) + b"".join(items) + end


def make_file_on_phone(phone: Any, ops: list[dict[str, Any]], photos: list[bytes], folder: Path) -> bytes:
    """The file as the phone's own code makes it of that work."""
    paths = []
    for number, photo in enumerate(photos):
        paths.append(folder / f"photo-{number}")
        paths[-1].write_bytes(photo)
    work = {
        "user_id": phone.user_id,
        "username": "worker",
        "device_uuid": phone.device_uuid,
        "public_key": _public_key(phone),
        "ops": ops,
        "photos": [str(path) for path in paths],
    }
    out = folder / "made.fieldapp"
    subprocess.run(["node", str(PHONE), str(out)], input=json.dumps(work), text=True, check=True, timeout=60)
    return out.read_bytes()


def _public_key(phone: Any) -> str:
    return str(phone.client.get("/api/session").json["public_key"])


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"
