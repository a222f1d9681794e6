"""The envelopes of a push: the request, its operations.

Invariant: operations are read one by one, so that one that cannot be read spoils no other.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fieldapp.aid.sync import AidBody, GiveBody, TakeBackBody
from fieldapp.core.bodies import Body, PhoneInstant, UuidStr
from fieldapp.core.errors import AppError
from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.people.sync import (
    HouseholdMoveBody,
    HouseholdRegisterBody,
    HouseholdUpdateBody,
    PersonRegisterBody,
    PersonUpdateBody,
)
from fieldapp.relief.sync import ReliefBody
from fieldapp.sync import rules
from fieldapp.visits.sync import VisitBody

# Far above any checklist, far below what would hurt the server.
MAX_OP_CHARACTERS = 1_000_000


# The body of each kind of operation that the desk can mend. What somebody wrote to the county alone is shown on no page of
# uploads: of feedback that cannot be taken in the desk knows only that it came.
BODIES: dict[str, type[Body]] = {
    "visit.submit": VisitBody,
    "visit.revise": VisitBody,
    "followup.report": ReportBody,
    "followup.refuse": RefuseBody,
    "aid.record": AidBody,
    "aid.give": GiveBody,
    "aid.take_back": TakeBackBody,
    "relief.request": ReliefBody,
    "household.register": HouseholdRegisterBody,
    "household.update": HouseholdUpdateBody,
    "household.move": HouseholdMoveBody,
    "person.register": PersonRegisterBody,
    "person.update": PersonUpdateBody,
}


class Push(BaseModel):
    """A push as a whole; its operations are read one by one, so that a bad one spoils nothing."""

    model_config = ConfigDict(frozen=True)

    device_uuid: UuidStr
    sent_at: PhoneInstant
    ops: list[dict[str, Any]]


class Op(BaseModel):
    """An operation's envelope."""

    model_config = ConfigDict(frozen=True)

    op_uuid: UuidStr
    kind: Annotated[str, Field(max_length=30)]
    schema_: Annotated[int, Field(alias="schema")]
    seq: int
    at: PhoneInstant
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
            rules.body_hash(op.get("body"))
    except (ValidationError, RecursionError):
        raise AppError("bad_request") from None
    if len(push.ops) > rules.MAX_OPS:
        raise AppError("too_large", limit=str(rules.MAX_OPS))
    return push


def read_op(raw: dict[str, Any]) -> Op:
    """An operation's envelope; raises body_invalid naming the fields, answers_too_large, kind_unknown, schema_unknown."""
    text = json.dumps(raw)
    if len(text) > MAX_OP_CHARACTERS:
        raise AppError("answers_too_large")
    # No keyboard writes it, and PostgreSQL's text cannot hold it.
    if r"\u0000" in text:
        raise AppError("body_invalid", fields={"": "nul_character"})
    try:
        op = Op.model_validate(raw)
    except ValidationError as error:
        raise AppError(
            "body_invalid", fields={".".join(map(str, item["loc"])): item["type"] for item in error.errors()}
        ) from None
    if op.kind not in rules.RECORDS:
        raise AppError("kind_unknown")
    if op.schema_ not in rules.SCHEMAS:
        raise AppError("schema_unknown")
    return op
