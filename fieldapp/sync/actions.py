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

from fieldapp.aid import phone_actions as aid
from fieldapp.aid.models import Aid
from fieldapp.aid.phone_actions import Written
from fieldapp.aid.sync import AidBody, GiveBody, TakeBackBody
from fieldapp.core import feeds
from fieldapp.core.bodies import is_uuid, read_body
from fieldapp.core.db import db, keep_pending, restore_pending, transaction
from fieldapp.core.errors import AppError, message_of
from fieldapp.core.feeds import own_feed
from fieldapp.core.severity import SEVERITIES
from fieldapp.feedback.actions import send_feedback
from fieldapp.feedback.sync import FeedbackBody
from fieldapp.followups import actions as followups
from fieldapp.followups.incident_actions import raise_for_quarantined
from fieldapp.followups.models import Followup
from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.people import queries as people
from fieldapp.people.phone_actions import Reach
from fieldapp.relief import actions as relief
from fieldapp.relief.sync import ReliefBody
from fieldapp.reviews import actions as reviews
from fieldapp.revisits import actions as revisits
from fieldapp.sync import envelopes, registry, rules
from fieldapp.sync.envelopes import Op, Push
from fieldapp.sync.models import Operation
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.actions import Envelope
from fieldapp.visits.rules import corrected
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
    collected = keep_pending()
    try:
        with db.session.begin_nested():
            # Claimed first: a second push of the same operation waits here until this one is decided.
            db.session.add(operation)
            db.session.flush()
            op = envelopes.read_op(raw)
            operation.feed, was_there = _apply(actor, op, operation, now)
            if operation.state == "conflict":
                operation.quarantine, operation.household_uuid = raw, _household_of(raw)
            db.session.flush()
        if not was_there:
            apply_waiting(actor, operation, op.body, op.seq, now)
        return Taken(operation, known_before=was_there)
    except AppError as error:
        restore_pending(collected)
        return _quarantine(actor, operation, raw, error)
    except IntegrityError:
        restore_pending(collected)
        known = db.session.get(Operation, (op_uuid, actor.id, body_hash), populate_existing=True)
        return Taken(known, known_before=True) if known is not None else _retry(raw, "server_busy")
    except OperationalError:
        raise
    except DataError:
        # A value the database cannot hold will never fit: kept for the office, not sent for ever.
        restore_pending(collected)
        return _quarantine(actor, operation, raw, AppError("body_invalid"))
    except Exception as error:  # one operation that trips over a fault of ours must not hold up the others
        restore_pending(collected)
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
    if op.kind == "visit.submit" and _is_same_visit(actor, op, operation):
        return own_feed(actor.id), True
    if op.kind in rules.REGISTERS and (feed := _find_registered(actor, op, operation)):
        return feed, True
    if op.kind in rules.OF_AID and (feed := _find_step_of_aid(actor, op, operation)):
        return feed, True
    feed = _APPLY[op.kind](actor, op, operation, now)
    if op.replaces:
        for replaced in _list_quarantined(actor, Operation.op_uuid == op.replaces):
            replaced.state = "replaced"
    return feed, False


def _is_same_visit(actor: User, op: Op, operation: Operation) -> bool:
    """Whether the actor's visit is there already, brought with the same content by another operation.

    Raises visit_exists when the content differs, not_yours when it is somebody else's.
    """
    known = visits.find_visit(read_body(VisitBody, op.body).visit_uuid)
    if known is None:
        return False
    if known.worker_id != actor.id:
        raise AppError("not_yours")
    if not visits.has_content(known, operation.body_hash):
        raise AppError("visit_exists")
    return True


def _find_registered(actor: User, op: Op, operation: Operation) -> str | None:
    """The feed of what the actor put on the list with the same content by another operation, or None when it is not there.

    Raises record_exists when the content differs, not_yours when somebody else put it there.
    """
    known = people.find_registered(rules.RECORDS[op.kind][1], operation.record_uuid)
    if known is None:
        return None
    _check_same(_list_accepted(actor, op, operation), operation)
    return known.grid_code


def _find_step_of_aid(actor: User, op: Op, operation: Operation) -> str | None:
    """The feed of the aid of which the actor took this step already with the same content, or None.

    Raises record_exists for an entry under a known key that says something else, not_yours when it is somebody else's.
    """
    known = db.session.get(Aid, operation.record_uuid) if operation.record_uuid else None
    if known is None:
        return None
    hashes = _list_accepted(actor, op, operation)
    if op.kind == "aid.record":
        _check_same(hashes, operation)
    return _feed_of_aid(known) if operation.body_hash in hashes else None


def _list_accepted(actor: User, op: Op, operation: Operation) -> list[str]:
    """The bodies (by hash) under which the actor had the same kind of operation on the same record accepted before."""
    return list(
        db.session.scalars(
            select(Operation.body_hash).where(
                Operation.user_id == actor.id,
                Operation.record_uuid == operation.record_uuid,
                Operation.kind == op.kind,
                Operation.state == "accepted",
                Operation.op_uuid != op.op_uuid,
            )
        )
    )


def _check_same(hashes: list[str], operation: Operation) -> None:
    if not hashes:
        raise AppError("not_yours")
    if operation.body_hash not in hashes:
        raise AppError("record_exists")


def _change_registry(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    """Apply what a worker registered or corrected, in the areas that were theirs when they wrote it.

    What was changed meanwhile keeps both values: the operation waits for the desk to choose.
    """
    written_at = min(corrected(op.at, operation.clock_offset_s), now)
    reach = Reach(actor.area_codes(written_at), written_at)
    applied = registry.apply(op.kind, op.body, registry.Source(actor, actor, reach, op.op_uuid, now))
    if applied.contested:
        operation.state, operation.code = "conflict", "fields_changed"
        operation.fields = dict.fromkeys(applied.contested, "changed")
    return applied.feed


def _submit_visit(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    reviews.receive_visit(actor, read_body(VisitBody, op.body), _wrap(op, operation), now)
    return own_feed(actor.id)


def _revise_visit(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    reviews.receive_revision(actor, read_body(VisitBody, op.body), op.base, _wrap(op, operation), now)
    return own_feed(actor.id)


def _report_followup(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    body = read_body(ReportBody, op.body)
    return followups.feed_of(revisits.report_followup(actor, body, _wrap(op, operation), now))


def _refuse_followup(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    body = read_body(RefuseBody, op.body)
    return followups.feed_of(followups.refuse_followup(actor, body, _wrap(op, operation), now))


def _request_relief(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    written_at = min(corrected(op.at, operation.clock_offset_s), now)
    reach = Reach(actor.area_codes(written_at), written_at)
    relief.request_relief(actor, read_body(ReliefBody, op.body), written_at, reach, now)
    return own_feed(actor.id)


def _record_aid(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    return _feed_of_aid(
        aid.record_aid(actor, read_body(AidBody, op.body), _when(actor, op, operation, now), now)
    )


def _give_aid(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    return _feed_of_aid(
        aid.give_aid(actor, read_body(GiveBody, op.body), _when(actor, op, operation, now), now)
    )


def _take_back_aid(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    body = read_body(TakeBackBody, op.body)
    return _feed_of_aid(aid.take_back_aid(actor, body, _when(actor, op, operation, now), now))


def _when(actor: User, op: Op, operation: Operation, now: datetime) -> Written:
    written_at = min(corrected(op.at, operation.clock_offset_s), now)
    return Written(op.op_uuid, op.at, written_at, Reach(actor.area_codes(written_at), written_at))


def _feed_of_aid(entry: Aid) -> str:
    return entry.feed or entry.area_code


def _send_feedback(actor: User, op: Op, operation: Operation, now: datetime) -> str:
    written_at = min(corrected(op.at, operation.clock_offset_s), now)
    send_feedback(actor, read_body(FeedbackBody, op.body), written_at, now)
    return own_feed(actor.id)


def _wrap(op: Op, operation: Operation) -> Envelope:
    return Envelope(op.op_uuid, op.body, operation.body_hash, operation.clock_offset_s)


_APPLY: dict[str, Callable[[User, Op, Operation, datetime], str]] = {
    "visit.submit": _submit_visit,
    "visit.revise": _revise_visit,
    "followup.report": _report_followup,
    "followup.refuse": _refuse_followup,
    "aid.record": _record_aid,
    "aid.give": _give_aid,
    "aid.take_back": _take_back_aid,
    "relief.request": _request_relief,
    "feedback.send": _send_feedback,
    **dict.fromkeys(registry.KINDS, _change_registry),
}


def apply_waiting(actor: User, brought: Operation, body: dict[str, Any], seq: float, now: datetime) -> None:
    """Apply what waited for the record that is there now: the corrections of a visit, the later steps of aid, and what had
    come of a household or of people before they were registered. `body`, `seq`: of the operation that brought it.

    A correction made before the visit's operation is older than what is there: it stays for the desk to look at.
    """
    if brought.kind in rules.REGISTERS:
        of_household = Operation.household_uuid == rules.uuid_in(body, "household_uuid")
        waiting = _list_quarantined(
            actor, of_household & Operation.code.in_(["not_yours", "prerequisite_waiting"])
        )
    elif brought.kind in {"visit.submit", "aid.record"}:
        of_record = Operation.record_uuid == brought.record_uuid
        waiting = [
            operation
            for operation in _list_quarantined(actor, of_record & (Operation.code == "prerequisite_waiting"))
            # Aid has no versions: whatever is to become of it comes after it, on whichever phone it was written.
            if brought.kind == "aid.record" or rules.order_of(operation.quarantine) > seq
        ]
    else:
        return
    for operation in sorted(waiting, key=lambda operation: rules.order_of(operation.quarantine)):
        if operation.state == "accepted":  # another one that waited brought it along
            continue
        collected = keep_pending()
        try:
            with db.session.begin_nested():
                op = envelopes.read_op(operation.quarantine)
                operation.state = "accepted"
                operation.feed, _ = _apply(actor, op, operation, now)
                db.session.flush()
            apply_waiting(actor, operation, op.body, op.seq, now)
        except AppError as error:
            restore_pending(collected)
            operation.state, operation.code, operation.fields = _say(error)
        except OperationalError:
            raise
        except Exception:  # a fault of ours in it must not hold up the record it waited for
            restore_pending(collected)
            log.exception("operation %s, that waited, could not be applied", operation.op_uuid)


def _list_quarantined(actor: User, condition: Any) -> list[Operation]:
    return list(
        db.session.scalars(
            select(Operation).where(
                condition, Operation.user_id == actor.id, Operation.state.in_(["rejected", "conflict"])
            )
        )
    )


def _quarantine(actor: User, operation: Operation, raw: dict[str, Any], error: AppError) -> Taken:
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
    if kept.severity == SEVERITIES[0]:
        _raise_alarm(actor, kept)
    return Taken(kept, known_before=False)


def _raise_alarm(actor: User, kept: Operation) -> None:
    """Tell those on duty of a red operation in quarantine; that it cannot be told must not keep it from being kept."""
    collected = keep_pending()
    visit_uuid = kept.record_uuid if kept.kind in {"visit.submit", "visit.revise"} else None
    try:
        with db.session.begin_nested():
            raise_for_quarantined(
                f"{kept.user_id}/{kept.op_uuid}/{kept.body_hash}",
                actor,
                visit_uuid if is_uuid(visit_uuid) else None,
                kept.household_uuid,
                kept.received_at,
            )
    except OperationalError:
        raise
    except Exception:
        restore_pending(collected)
        log.exception("nobody could be told of red operation %s in quarantine", kept.op_uuid)


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
