"""The shape of a push, its operations and receipts, and of the pull cursor.

Invariant: the canonical form of a body decides whether two operations say the same.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from fieldapp.core.errors import AppError
from fieldapp.visits.rules import UuidStr

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


class Push(BaseModel):
    """A push as a whole; its operations are read one by one, so that a bad one spoils nothing."""

    model_config = ConfigDict(frozen=True)

    device_uuid: UuidStr
    sent_at: AwareDatetime
    ops: list[dict[str, Any]]


class Op(BaseModel):
    """An operation's envelope."""

    model_config = ConfigDict(frozen=True)

    op_uuid: UuidStr
    kind: Annotated[str, Field(max_length=30)]
    schema_: Annotated[int, Field(alias="schema")]
    seq: int
    at: AwareDatetime
    base: int | None = None
    replaces: UuidStr | None = None
    body: dict[str, Any]


class OpName(BaseModel):
    """The least an operation must have to be given a receipt."""

    op_uuid: UuidStr


def read_push(body: Any) -> Push:
    """A request body as a push; raises bad_request when it cannot be read, too_large above MAX_OPS operations."""
    try:
        push = Push.model_validate(body)
        for op in push.ops:
            OpName.model_validate(op)
    except ValidationError:
        raise AppError("bad_request") from None
    if len(push.ops) > MAX_OPS:
        raise AppError("too_large", limit=f"{MAX_OPS}")
    return push


def read_op(raw: dict[str, Any]) -> Op:
    """An operation's envelope; raises body_invalid naming the fields, kind_unknown, schema_unknown."""
    try:
        op = Op.model_validate(raw)
    except ValidationError as error:
        raise AppError(
            "body_invalid", fields={".".join(map(str, item["loc"])): item["type"] for item in error.errors()}
        ) from None
    if op.kind not in RECORDS:
        raise AppError("kind_unknown")
    if op.schema_ not in SCHEMAS:
        raise AppError("schema_unknown")
    return op


def order_of(raw: dict[str, Any]) -> float:
    """Where an operation stands on its phone; one that does not say comes last."""
    seq = raw.get("seq")
    return seq if isinstance(seq, int) else float("inf")


def record_of(raw: dict[str, Any]) -> str | None:
    """The uuid of the record an operation is about, as far as it says."""
    field, _ = RECORDS.get(str(raw.get("kind")), ("", ""))
    body = raw.get("body")
    value = body.get(field) if isinstance(body, dict) else None
    return value if isinstance(value, str) and len(value) <= 64 else None


def body_hash(body: Any) -> str:
    """SHA-256 (hex) of the canonical body: JSON with sorted keys and no spaces, UTF-8."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
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
        return {str(feed): int(number) for feed, number in held["f"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
