"""Applying what phones push: each operation once, in its own savepoint, with a receipt that tells the truth.

Invariant: a receipt other than `retry` is given only after what it speaks of is durably committed.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from fieldapp.core import feeds
from fieldapp.core.bodies import read_body
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError, message_of
from fieldapp.core.feeds import own_feed
from fieldapp.followups import actions as followups
from fieldapp.followups.models import Followup
from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.people import queries as people
from fieldapp.reviews import actions as reviews
from fieldapp.sync import envelopes, rules
from fieldapp.sync.envelopes import Op, Push
from fieldapp.sync.models import Operation
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.actions import Envelope
from fieldapp.visits.sync import VisitBody

log = logging.getLogger(__name__)

Receipt = dict[str, Any]
# A deadlock or a lost race is run again as a whole; after that the phone is asked to.
TRIES = 3


@dataclass(frozen=True)
class Taken:
    """An operation as it stands, and whether it (or its record, with the same content) was there before."""

    operation: Operation
    known_before: bool


def push(actor_id: int, request: Push, now: datetime, *, brought_by: int | None = None) -> list[Receipt]:
    """Apply the operations in the phone's order; returns one receipt each, in the order they came.

    `brought_by` is who brought them in at the desk, from the phone's file.
    Runs its own transaction. Raises nothing for a bad operation: that one is quarantined.
    """
    raws = sorted(request.ops, key=rules.order_of)
    households = {uuid for raw in raws if (uuid := rules.uuid_in(raw.get("body"), "household_uuid"))}
    for attempt in range(1, TRIES + 1):
        try:
            with transaction():
                actor = db.session.get_one(User, actor_id)
                people.lock_households(households)
                taken = {id(raw): _take(actor, raw, request, now, brought_by) for raw in raws}
            return [_receipt(taken[id(raw)]) for raw in request.ops]
        except OperationalError:
            log.warning("push of %s: database busy, attempt %s", request.device_uuid, attempt, exc_info=True)
    return [_retry(raw, "server_busy") for raw in request.ops]


def _take(
    actor: User, raw: dict[str, Any], request: Push, now: datetime, brought_by: int | None
) -> Taken | Receipt:
    """The operation as it stands now, known before, applied or quarantined; a `retry` receipt after a server fault."""
    op_uuid = envelopes.OpName.model_validate(raw).op_uuid
    body_hash = rules.body_hash(raw.get("body"))
    known = db.session.get(Operation, (op_uuid, actor.id, body_hash))
    if known is not None:
        return Taken(known, known_before=True)
    operation = Operation(
        op_uuid=op_uuid,
        user_id=actor.id,
        body_hash=body_hash,
        device_uuid=request.device_uuid,
        kind=rules.kind_of(raw),
        received_at=now,
        clock_offset_s=round((now - request.sent_at).total_seconds()),
        record_uuid=rules.record_of(raw),
        state="accepted",
        brought_by=brought_by,
    )
    published = feeds.pending_changes()
    try:
        with db.session.begin_nested():
            # Claimed first: a second push of the same operation waits here until this one is decided.
            db.session.add(operation)
            db.session.flush()
            op = envelopes.read_op(raw)
            operation.feed, was_there = _apply(actor, op, operation, now)
            db.session.flush()
        if op.kind == "visit.submit" and not was_there:
            apply_waiting(actor, operation.record_uuid, op.seq, now)
        return Taken(operation, known_before=was_there)
    except AppError as error:
        feeds.restore_changes(published)
        return _quarantine(operation, raw, error)
    except IntegrityError:
        feeds.restore_changes(published)
        known = db.session.get(Operation, (op_uuid, actor.id, body_hash), populate_existing=True)
        return Taken(known, known_before=True) if known is not None else _retry(raw, "server_busy")
    except OperationalError:
        raise
    except DataError:
        # A value the database cannot hold will never fit: kept for the office, not sent for ever.
        feeds.restore_changes(published)
        return _quarantine(operation, raw, AppError("body_invalid"))
    except Exception as error:  # one operation that trips over a fault of ours must not hold up the others
        feeds.restore_changes(published)
        error_id = secrets.token_hex(4)
        log.exception("error %s: operation %s of kind %s", error_id, op_uuid, raw.get("kind"), exc_info=error)
        return _retry(raw, "unexpected", error_id=error_id)


def _apply(actor: User, op: Op, operation: Operation, now: datetime) -> tuple[str, bool]:
    """Apply an operation; returns the feed of its record and whether the same record was there already.

    Raises AppError when it cannot be applied.
    """
    others = db.session.scalar(
        select(Operation.op_uuid)
        .where(
            Operation.op_uuid == op.op_uuid,
            Operation.user_id == actor.id,
            Operation.body_hash != operation.body_hash,
        )
        .limit(1)
    )
    if others is not None:
        raise AppError("op_changed")
    envelope = Envelope(op.op_uuid, op.body, operation.body_hash, operation.clock_offset_s)
    if op.kind == "visit.submit" and _is_same_visit(actor, op, envelope):
        return own_feed(actor.id), True
    feed = _APPLY[op.kind](actor, op, envelope, now)
    if op.replaces:
        for replaced in _list_quarantined(actor, Operation.op_uuid == op.replaces):
            replaced.state = "replaced"
    return feed, False


def _is_same_visit(actor: User, op: Op, envelope: Envelope) -> bool:
    """Whether the actor's visit is there already, brought with the same content by another operation.

    Raises visit_exists when the content differs, not_yours when it is somebody else's.
    """
    known = visits.find_visit(read_body(VisitBody, op.body).visit_uuid)
    if known is None:
        return False
    if known.worker_id != actor.id:
        raise AppError("not_yours")
    if not visits.has_content(known, envelope.body_hash):
        raise AppError("visit_exists")
    return True


def _submit_visit(actor: User, op: Op, envelope: Envelope, now: datetime) -> str:
    reviews.receive_visit(actor, read_body(VisitBody, op.body), envelope, now)
    return own_feed(actor.id)


def _revise_visit(actor: User, op: Op, envelope: Envelope, now: datetime) -> str:
    reviews.receive_revision(actor, read_body(VisitBody, op.body), op.base, envelope, now)
    return own_feed(actor.id)


def _report_followup(actor: User, op: Op, envelope: Envelope, now: datetime) -> str:
    return followups.report_followup(actor, read_body(ReportBody, op.body), envelope, now).area_code


def _refuse_followup(actor: User, op: Op, envelope: Envelope, now: datetime) -> str:
    return followups.refuse_followup(actor, read_body(RefuseBody, op.body), envelope, now).area_code


_APPLY: dict[str, Callable[[User, Op, Envelope, datetime], str]] = {
    "visit.submit": _submit_visit,
    "visit.revise": _revise_visit,
    "followup.report": _report_followup,
    "followup.refuse": _refuse_followup,
}


def apply_waiting(actor: User, visit_uuid: str | None, seq: float, now: datetime) -> None:
    """Apply the corrections that waited for a visit which is there now; `seq`: of the operation that brought it.

    One made before that operation is older than what is there: it stays for the desk to look at.
    """
    waiting = _list_quarantined(
        actor, (Operation.record_uuid == visit_uuid) & (Operation.code == "prerequisite_waiting")
    )
    for operation in sorted(waiting, key=lambda operation: rules.order_of(operation.quarantine)):
        if rules.order_of(operation.quarantine) <= seq:
            continue
        published = feeds.pending_changes()
        try:
            with db.session.begin_nested():
                op = envelopes.read_op(operation.quarantine)
                operation.feed, _ = _apply(actor, op, operation, now)
                operation.state = "accepted"
                db.session.flush()
        except AppError as error:
            feeds.restore_changes(published)
            operation.state, operation.code, operation.fields = _say(error)
        except OperationalError:
            raise
        except Exception:  # a fault of ours in it must not hold up the visit it waited for
            feeds.restore_changes(published)
            log.exception("operation %s, that waited, could not be applied", operation.op_uuid)


def _list_quarantined(actor: User, condition: Any) -> list[Operation]:
    return list(
        db.session.scalars(
            select(Operation).where(
                condition, Operation.user_id == actor.id, Operation.state.in_(["rejected", "conflict"])
            )
        )
    )


def _quarantine(operation: Operation, raw: dict[str, Any], error: AppError) -> Taken:
    """Keep the whole operation, encrypted, with the reason."""
    state, code, fields = _say(error)
    kept = Operation(
        op_uuid=operation.op_uuid,
        user_id=operation.user_id,
        body_hash=operation.body_hash,
        device_uuid=operation.device_uuid,
        kind=operation.kind,
        received_at=operation.received_at,
        clock_offset_s=operation.clock_offset_s,
        record_uuid=operation.record_uuid,
        brought_by=operation.brought_by,
        state=state,
        code=code,
        fields=fields,
        quarantine=raw,
        severity=_foresee_severity(raw.get("body")),
        household_uuid=_household_of(raw),
    )
    try:
        with db.session.begin_nested():
            db.session.add(kept)
            db.session.flush()
    except IntegrityError:
        # Another push of the same operation was quicker between our giving it up and keeping it.
        key = (operation.op_uuid, operation.user_id, operation.body_hash)
        return Taken(db.session.get_one(Operation, key, populate_existing=True), known_before=True)
    return Taken(kept, known_before=False)


def _foresee_severity(body: Any) -> str | None:
    """How urgent a quarantined operation looks; whatever trips over its content must not keep it from being kept."""
    try:
        with db.session.begin_nested():
            return reviews.foresee_severity(body)
    except OperationalError:
        raise
    except Exception:
        log.exception("the severity of a quarantined operation could not be told")
        return None


def _say(error: AppError) -> tuple[str, str, dict[str, str] | None]:
    """(state, code, fields) of an operation that could not be applied."""
    fields = {**error.fields, **{name: str(value) for name, value in error.params.items()}}
    return "conflict" if error.code in rules.CONFLICTS else "rejected", error.code, fields or None


def _household_of(raw: dict[str, Any]) -> str | None:
    _, kind = rules.RECORDS.get(rules.kind_of(raw), ("", ""))
    if kind == "followup" and (followup_id := rules.record_of(raw)):
        task = db.session.get(Followup, followup_id)
        return task.household_uuid if task else None
    return rules.uuid_in(raw.get("body"), "household_uuid")


def _receipt(taken: Taken | Receipt) -> Receipt:
    """The receipt for an operation as it stands; one known before reads `duplicate` once it is accepted."""
    if isinstance(taken, dict):
        return taken
    operation = taken.operation
    if operation.state in {"accepted", "replaced"}:
        _, kind = rules.RECORDS.get(operation.kind, ("", ""))
        rev = None
        if operation.feed and operation.record_uuid:
            rev = feeds.rev_of(operation.feed, kind, operation.record_uuid)
        outcome = "duplicate" if taken.known_before else "accepted"
        return _write(operation.op_uuid, outcome, rev=rev)
    if operation.state == "refused":
        return _write(
            operation.op_uuid, "rejected", "refused_by_office", {"reason": operation.settled_reason or ""}
        )
    return _write(operation.op_uuid, operation.state, operation.code or "body_invalid", operation.fields)


def _retry(raw: dict[str, Any], code: str, **params: object) -> Receipt:
    return {**_write(raw["op_uuid"], "retry"), "code": code, "message": message_of(code, **params)}


def _write(
    op_uuid: str,
    outcome: str,
    code: str | None = None,
    fields: dict[str, str] | None = None,
    rev: int | None = None,
) -> Receipt:
    return {
        "op_uuid": op_uuid,
        "outcome": outcome,
        "code": code,
        "message": message_of(code, **(fields or {})) if code else None,
        "fields": fields or {},
        "rev": rev,
    }
