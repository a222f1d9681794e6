"""What operations are about, what makes two of them the same, and the pull cursor.

Invariant: the canonical form of a body decides whether two operations say the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from uuid import UUID

MAX_OPS = 100
# Body schemas the server accepts.
SCHEMAS = frozenset({1})
# The record an operation is about: (field of its body, kind of record in the feeds).
RECORDS = {
    "visit.submit": ("visit_uuid", "visit"),
    "visit.revise": ("visit_uuid", "visit"),
    "followup.report": ("followup_id", "followup"),
    "followup.refuse": ("followup_id", "followup"),
}
# While the one on the right is quarantined for the same record, the one on the left cannot be applied.
PREREQUISITES = {"visit.revise": "visit.submit"}
# Errors that say "there is something else here already" rather than "this is wrong".
CONFLICTS = frozenset({"op_changed", "visit_exists", "base_outdated", "state_wrong"})


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
    body = raw.get("body")
    try:
        return str(UUID(body[field])) if isinstance(body, dict) else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def body_hash(body: Any) -> str:
    """SHA-256 (hex) of the canonical body: JSON with sorted keys and no spaces, UTF-8."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # surrogatepass: what a keyboard cut in half is still the same text when it comes again.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def encode_cursor(epoch: str, numbers: dict[str, int]) -> str:
    """The opaque cursor for "read up to these numbers in this epoch"."""
    text = json.dumps({"e": epoch, "f": numbers}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, epoch: str) -> dict[str, int]:
    """The numbers a cursor stands for; none when it is missing, damaged or of another epoch: all is read again."""
    if not cursor:
        return {}
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        held = json.loads(base64.urlsafe_b64decode(padded))
        if held["e"] != epoch:
            return {}
        numbers = {str(feed): int(number) for feed, number in held["f"].items()}
        return numbers if all(0 <= number < 2**63 for number in numbers.values()) else {}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
