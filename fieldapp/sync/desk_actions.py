"""Settling quarantined operations at the desk: taking them in, as they are or repaired, or refusing them.

Invariant: the operation stays whole as it was sent; its state, who settled it and why stand beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from fieldapp.aid import phone_actions as aid
from fieldapp.aid.models import Aid
from fieldapp.aid.phone_actions import Written
from fieldapp.aid.queries import can_read, find_aid
from fieldapp.core import audit, clock
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import own_feed
from fieldapp.followups import actions as followups
from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.people import queries as people
from fieldapp.people.phone_actions import Reach
from fieldapp.relief import actions as relief
from fieldapp.relief.sync import ReliefBody
from fieldapp.reviews import actions as reviews
from fieldapp.revisits import actions as revisits
from fieldapp.sync import actions, desk_queries, registry, repairs, rules
from fieldapp.sync.envelopes import BODIES
from fieldapp.sync.models import Operation
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.actions import Envelope, TakenIn
from fieldapp.visits.rules import DECIDED, corrected
from fieldapp.visits.sync import VisitBody


@dataclass(frozen=True)
class Corrections:
    """What a person chose where what was sent cannot be used; None: as it was sent."""

    household_uuid: str | None = None
    # Who each part of the answers is about, in their order; None: that part is left out.
    people: tuple[str | None, ...] | None = None
    checklist: tuple[str, str] | None = None
    outcome: str | None = None
    method: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    # Of fields that were changed meanwhile: whether what was sent takes the place of what is here.
    fields: Mapping[str, bool] = field(default_factory=dict)


def take_in(
    reader: User,
    operation: Operation,
    corrections: Corrections,
    *,
    revision: int | None,
    reason: str,
    now: datetime,
) -> Operation:
    """Apply a quarantined operation for its worker, corrected where needed: a visit that is here already (in
    `revision`, as the reader saw it) gets it as its next revision.

    Raises operation_settled, body_invalid naming what is still wrong, reason_needed, outside_own_area, base_outdated,
    state_wrong, people_to_choose, fields_to_choose, record_exists, checklist_version_unknown.
    """
    operation = desk_queries.lock_operation(operation)
    worker = db.session.get_one(User, operation.user_id)
    sent = operation.quarantine.get("body")
    if operation.kind not in BODIES or not isinstance(sent, dict) or not repairs.is_shallow(sent):
        raise AppError("body_invalid")
    taken_in = TakenIn(reader, reason or None, operation.received_at)
    try:
        mended = _APPLY[operation.kind](operation, worker, sent, corrections, revision, taken_in, now)
    except AppError as error:
        raise AppError("outside_own_area") if error.code == "not_yours" else error from None
    _settle(operation, reader, "accepted", reason, now)
    audit.record(
        reader,
        "operation.take_in",
        "operation",
        operation.op_uuid,
        at=now,
        worker_id=worker.id,
        kind=operation.kind,
        record_uuid=operation.record_uuid,
        code=operation.code,
        left_out=[fault.name for fault in mended.left_out],
        corrected=[name for name, value in mended.body.items() if sent.get(name) != value],
        reason=reason,
    )
    actions.apply_waiting(worker, operation, mended.body, rules.order_of(operation.quarantine), now)
    return operation


def refuse(reader: User, operation: Operation, *, reason: str, now: datetime) -> Operation:
    """Say for good that an operation is not applied, and why: its worker reads it; raises operation_settled, reason_needed."""
    if not reason.strip():
        raise AppError("reason_needed")
    operation = desk_queries.lock_operation(operation)
    _settle(operation, reader, "refused", reason.strip(), now)
    audit.record(
        reader,
        "operation.refuse",
        "operation",
        operation.op_uuid,
        at=now,
        worker_id=operation.user_id,
        kind=operation.kind,
        record_uuid=operation.record_uuid,
        code=operation.code,
        reason=reason,
    )
    return operation


def _settle(operation: Operation, reader: User, state: str, reason: str, now: datetime) -> None:
    operation.state = state
    operation.settled_by, operation.settled_at, operation.settled_reason = reader.id, now, reason or None


def _take_in_visit(
    operation: Operation,
    worker: User,
    sent: dict[str, Any],
    corrections: Corrections,
    revision: int | None,
    taken_in: TakenIn,
    now: datetime,
) -> repairs.Repair:
    here = desk_queries.find_visit_here(worker.id, sent)
    if here is not None and here.state in DECIDED and not taken_in.reason:
        raise AppError("reason_needed")
    changed = _as_body(operation, corrections, sent)
    if here is not None:
        changed["household_uuid"] = here.household_uuid
    elif (visit_uuid := rules.uuid_in(sent, "visit_uuid")) is None or visits.find_visit(visit_uuid):
        # None that can be read, or somebody else's: it is a visit of its own all the same.
        changed["visit_uuid"] = str(uuid4())
    mended = _mend(VisitBody, sent, changed)
    body = VisitBody.model_validate(mended.body)
    envelope = _wrap(operation, mended, taken_in)
    if here is not None:
        reviews.receive_revision(worker, body, revision, envelope, now)
    else:
        reviews.receive_visit(worker, body, envelope, now)
    operation.record_uuid, operation.feed = body.visit_uuid, own_feed(worker.id)
    return mended


def _take_in_task(
    operation: Operation,
    worker: User,
    sent: dict[str, Any],
    corrections: Corrections,
    _revision: int | None,
    taken_in: TakenIn,
    now: datetime,
) -> repairs.Repair:
    is_report = operation.kind == "followup.report"
    mended = _mend(BODIES[operation.kind], sent, _as_body(operation, corrections, sent) if is_report else {})
    envelope = _wrap(operation, mended, taken_in)
    if is_report:
        task = revisits.report_followup(worker, ReportBody.model_validate(mended.body), envelope, now)
    else:
        task = followups.refuse_followup(worker, RefuseBody.model_validate(mended.body), envelope, now)
    operation.record_uuid, operation.feed = task.followup_id, followups.feed_of(task)
    return mended


def _take_in_registry(
    operation: Operation,
    worker: User,
    sent: dict[str, Any],
    corrections: Corrections,
    _revision: int | None,
    taken_in: TakenIn,
    now: datetime,
) -> repairs.Repair:
    mended = _mend(BODIES[operation.kind], sent, {})
    if operation.kind in rules.REGISTERS and people.find_registered(
        rules.RECORDS[operation.kind][1], operation.record_uuid
    ):
        raise AppError("record_exists")
    insist = [name for name, is_wanted in corrections.fields.items() if is_wanted]
    reach = Reach(taken_in.by.area_codes(now), None)
    applied = registry.apply(
        operation.kind,
        mended.body,
        registry.Source(worker, taken_in.by, reach, operation.op_uuid, now, insist),
    )
    if set(applied.contested) - corrections.fields.keys():
        raise AppError("fields_to_choose")
    operation.feed = applied.feed
    return mended


def _take_in_relief(
    operation: Operation,
    worker: User,
    sent: dict[str, Any],
    _corrections: Corrections,
    _revision: int | None,
    taken_in: TakenIn,
    now: datetime,
) -> repairs.Repair:
    mended = _mend(BODIES[operation.kind], sent, {})
    reach = Reach(taken_in.by.area_codes(now), None)
    written_at = min(taken_in.arrived_at, now)
    relief.request_relief(worker, ReliefBody.model_validate(mended.body), written_at, reach, now)
    operation.feed = own_feed(worker.id)
    return mended


def _take_in_aid(
    operation: Operation,
    worker: User,
    sent: dict[str, Any],
    _corrections: Corrections,
    _revision: int | None,
    taken_in: TakenIn,
    now: datetime,
) -> repairs.Repair:
    mended = _mend(BODIES[operation.kind], sent, {})
    here = find_aid(mended.body["aid_uuid"])
    if here is not None and operation.kind == "aid.record":
        raise AppError("record_exists")
    if here is not None and not can_read(here, taken_in.by):
        raise AppError("not_yours")
    reach = Reach(taken_in.by.area_codes(now), None)
    by_phone_at = desk_queries.when_written(operation)
    at = min(corrected(by_phone_at, operation.clock_offset_s), now)
    written = Written(operation.op_uuid, by_phone_at, at, reach, is_taken_in=True)
    body = BODIES[operation.kind].model_validate(mended.body)
    entry = _AID[operation.kind](worker, body, written, now)
    operation.record_uuid, operation.feed = entry.aid_uuid, entry.feed or entry.area_code
    return mended


_AID: dict[str, Callable[..., Aid]] = {
    "aid.record": aid.record_aid,
    "aid.give": aid.give_aid,
    "aid.take_back": aid.take_back_aid,
}
_APPLY: dict[str, Callable[..., repairs.Repair]] = {
    **dict.fromkeys(_AID, _take_in_aid),
    "relief.request": _take_in_relief,
    "visit.submit": _take_in_visit,
    "visit.revise": _take_in_visit,
    "followup.report": _take_in_task,
    "followup.refuse": _take_in_task,
    **dict.fromkeys(registry.KINDS, _take_in_registry),
}


def _mend(model: type[Any], sent: dict[str, Any], changed: dict[str, Any]) -> repairs.Repair:
    mended = repairs.repair(model, sent, changed)
    if mended.faults:
        raise AppError("body_invalid", fields={fault.name: fault.code for fault in mended.faults})
    return mended


def _wrap(operation: Operation, mended: repairs.Repair, taken_in: TakenIn) -> Envelope:
    # The hash stays that of what was sent: the same under another number is known then.
    return Envelope(operation.op_uuid, mended.body, operation.body_hash, operation.clock_offset_s, taken_in)


def _as_body(operation: Operation, corrections: Corrections, sent: dict[str, Any]) -> dict[str, Any]:
    """The corrections as fields of the body."""
    changed: dict[str, Any] = {
        name: value
        for name in ("household_uuid", "outcome", "method")
        if (value := getattr(corrections, name)) is not None
    }
    for name in ("started_at", "finished_at"):
        if (at := getattr(corrections, name)) is not None:
            # As the phone's clock would have shown it: it is corrected by that clock's offset afterwards.
            changed[name] = clock.iso(at - timedelta(seconds=operation.clock_offset_s))
    if corrections.checklist is not None:
        changed["checklist"] = dict(zip(("key", "version"), corrections.checklist, strict=True))
    answers = sent.get("answers")
    if not isinstance(answers, dict):
        changed["answers"] = answers = {}
    if corrections.people is not None:
        chosen = [person for person in corrections.people if person is not None]
        if len(corrections.people) != len(repairs.list_parts(sent)):
            raise AppError("people_to_choose")
        if "" in chosen or len(set(chosen)) < len(chosen):
            raise AppError("people_to_choose")
        changed["people"] = chosen
        parts = answers.get("people")
        if isinstance(parts, list):
            kept = [
                part for part, person in zip(parts, corrections.people, strict=False) if person is not None
            ]
            changed["answers"] = {**answers, "people": kept}
    return changed
