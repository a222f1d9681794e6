"""What operations are about, what makes two of them the same, and the pull cursor.

Invariant: the canonical form of a body decides whether two operations say the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from functools import reduce
from operator import xor
from typing import Any
from uuid import UUID

from fieldapp.core.bodies import is_uuid

MAX_OPS = 100
# Body schemas the server accepts.
SCHEMAS = frozenset({1})
# The record an operation is about: (field of its body, kind of record in the feeds).
RECORDS = {
    "visit.submit": ("visit_uuid", "visit"),
    "visit.revise": ("visit_uuid", "visit"),
    "followup.report": ("followup_id", "followup"),
    "followup.refuse": ("followup_id", "followup"),
    "aid.record": ("aid_uuid", "aid"),
    "aid.give": ("aid_uuid", "aid"),
    "aid.take_back": ("aid_uuid", "aid"),
    "relief.request": ("case_id", "relief"),
    "feedback.send": ("feedback_uuid", "feedback"),
    "household.register": ("household_uuid", "household"),
    "household.update": ("household_uuid", "household"),
    "household.move": ("household_uuid", "household"),
    "person.register": ("person_uuid", "person"),
    "person.update": ("person_uuid", "person"),
}
# What puts a record on the list: the worker's records about that household which came first waited for it.
REGISTERS = frozenset({"household.register", "person.register"})
# Steps of aid: the same one with the same content under another number is the one that was taken.
OF_AID = frozenset({"aid.record", "aid.give", "aid.take_back"})
# What an operation cannot be applied without: the one that brings its record.
BUILDS_ON = {"visit.revise": "visit.submit", "aid.give": "aid.record", "aid.take_back": "aid.record"}
# Of an epoch's uuid, as many as tell it from the one before.
EPOCH_LETTERS = 8
# What a feed's counter can hold.
_NUMBER = re.compile(r"[0-9]{1,18}")
# Errors that say "there is something else here already" rather than "this is wrong".
CONFLICTS = frozenset(
    {
        *("op_changed", "visit_exists", "record_exists", "fields_changed", "base_outdated", "state_wrong"),
        "aid_settled",
    }
)


def order_of(raw: dict[str, Any]) -> float:
    """Where an operation stands on its phone; one that does not say comes last."""
    seq = raw.get("seq")
    return seq if isinstance(seq, int) else float("inf")


def kind_of(raw: dict[str, Any]) -> str:
    """The kind of an operation, "unknown" for one the server does not know."""
    kind = raw.get("kind")
    return kind if isinstance(kind, str) and kind in RECORDS else "unknown"


def record_of(raw: dict[str, Any]) -> str | None:
    """The uuid of the record an operation is about, as far as it says."""
    field, _ = RECORDS.get(kind_of(raw), ("", ""))
    return uuid_in(raw.get("body"), field)


def uuid_in(body: Any, field: str) -> str | None:
    """The uuid in a field of a body, or None when there is none that can be read."""
    value = body.get(field) if isinstance(body, dict) else None
    return str(UUID(value)) if is_uuid(value) else None


def body_hash(body: Any) -> str:
    """SHA-256 (hex) of the canonical body: JSON with sorted keys and no spaces, UTF-8."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # surrogatepass: what a keyboard cut in half is still the same text when it comes again.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def short_epoch(epoch: str) -> str:
    """As much of an epoch as phones need to tell it from the one before."""
    return epoch[:EPOCH_LETTERS]


def state_of(states: Iterable[int]) -> str:
    """What the feeds of an account come to together, as 12 hex digits: a phone compares its own rows with it."""
    return f"{reduce(xor, states, 0):012x}"


def encode_cursor(epoch: str, numbers: dict[str, int]) -> str:
    """The opaque cursor for "read up to these numbers in this epoch"; short, for it goes there and back each time."""
    return ".".join([short_epoch(epoch), *(f"{feed}.{number}" for feed, number in numbers.items())])


def decode_cursor(cursor: str | None, epoch: str) -> dict[str, int]:
    """The numbers a cursor stands for; none when it is missing, damaged or of another epoch: all is read again."""
    of_epoch, *parts = (cursor or "").split(".")
    if of_epoch != short_epoch(epoch) or len(parts) % 2:
        return {}
    feeds, numbers = parts[::2], parts[1::2]
    if not all(_NUMBER.fullmatch(number) for number in numbers):
        return {}
    return {feed: int(number) for feed, number in zip(feeds, numbers, strict=True)}
