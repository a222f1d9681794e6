"""Writes of follow-up tasks: every step of their life.

Invariant: each step is an event, an audit entry and a change in the grid's feed, in one transaction.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from fieldapp.checklists import queries as checklists, rules as checklist_rules
from fieldapp.checklists.models import ChecklistVersion
from fieldapp.core import audit, clock, scope, storage
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.followups import queries, rules
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.people import queries as people
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits.actions import Envelope
from fieldapp.visits.models import Visit

RESULT_CHECKLIST = "followup_result"


def open_for_flag(
    flag_id: int, type_: str, severity: str, visit: Visit, person_uuid: str | None, reason: Any, now: datetime
) -> Followup:
    """The task of a flag, made when it is not there yet; its severity follows the flag while it is open.

    Whom it goes to and when it is due come from the type's row in the code table.
    """
    task = db.session.scalar(select(Followup).where(Followup.flag_id == flag_id, Followup.type == type_))
    if task is not None:
        if task.state == "open" and task.severity != severity:
            task.severity, task.reason = severity, reason
            _publish(task)
        return task
    settings = queries.get_type_settings(type_)
    task = Followup(
        followup_id=str(uuid.uuid4()),
        flag_id=flag_id,
        type=type_,
        severity=severity,
        state="open",
        area_code=visit.area_code,
        household_uuid=visit.household_uuid,
        person_uuid=person_uuid,
        visit_uuid=visit.visit_uuid,
        reason=reason,
        checklist_key=settings.get("checklist_key", RESULT_CHECKLIST),
        assignee_id=_default_assignee(settings.get("assignee_role"), visit, now),
        due_at=now + timedelta(hours=settings.get("due_hours", {}).get(severity, 72)),
        created_at=now,
    )
    db.session.add(task)
    db.session.flush()
    audit.record(None, "followup.open", "followup", task.followup_id, at=now, type=type_, flag_id=flag_id)
    _publish(task)
    return task


def create_followup(
    actor: User,
    *,
    household_uuid: str,
    person_uuid: str | None,
    visit_uuid: str | None,
    type: str,
    severity: str,
    reason_text: str,
    assignee_id: int | None,
    due_at: datetime,
    instructions: str | None,
    now: datetime,
) -> Followup:
    """Make a task by hand; raises not_found, reason_needed, assignee_outside."""
    household = people.get_household(household_uuid, actor.area_codes(now))
    if not reason_text.strip():
        raise AppError("reason_needed")
    task = Followup(
        followup_id=str(uuid.uuid4()),
        type=type,
        severity=severity,
        state="open",
        area_code=household.grid_code,
        household_uuid=household_uuid,
        person_uuid=person_uuid,
        visit_uuid=visit_uuid,
        reason={"zh": reason_text, "en": reason_text},
        checklist_key=queries.get_type_settings(type).get("checklist_key", RESULT_CHECKLIST),
        due_at=due_at,
        created_at=now,
    )
    db.session.add(task)
    db.session.flush()
    audit.record(actor, "followup.open", "followup", task.followup_id, at=now, type=type)
    return hand_out_followup(
        actor, task.followup_id, assignee_id=assignee_id, due_at=due_at, instructions=instructions, now=now
    )


def hand_out_followup(
    actor: User,
    followup_id: str,
    *,
    assignee_id: int | None,
    due_at: datetime,
    instructions: str | None,
    now: datetime,
) -> Followup:
    """Give a task to somebody whose areas cover its household, or to somebody else.

    Raises not_found, state_wrong, assignee_outside.
    """
    task = _get_for_step(actor, followup_id, "handed_out", now)
    if assignee_id is not None:
        assignee = users.get_user(assignee_id)
        if not assignee.is_active or not scope.covers(assignee.area_codes(now), task.area_code):
            raise AppError("assignee_outside")
    task.assignee_id, task.assigned_by_id = assignee_id, actor.id
    task.due_at, task.instructions = due_at, instructions
    _step(task, "handed_out", actor, now, text=instructions)
    return task


def report_followup(actor: User, body: ReportBody, envelope: Envelope, now: datetime) -> Followup:
    """Store the assignee's result, word for word; raises not_yours, state_wrong, checklist_version_unknown."""
    task = _get_own(actor, body.followup_id)
    version = checklists.get_version(body.checklist.key, body.checklist.version)
    if not rules.can_step("reported", task.state):
        raise AppError("state_wrong", state=task.state)
    event = _step(task, "reported", actor, now)
    event.op_uuid, event.body = envelope.op_uuid, envelope.sent
    event.checklist_key, event.checklist_version = body.checklist.key, body.checklist.version
    event.problems = _problems_of(version, body, actor) or None
    db.session.flush()
    storage.name_attachments("followup", task.followup_id, event.id, task.area_code, body.attachments)
    return task


def record_result(actor: User, followup_id: str, *, text: str, now: datetime) -> Followup:
    """Write down at the desk what came of a task done without a phone; raises not_found, state_wrong, reason_needed."""
    task = _get_for_step(actor, followup_id, "reported", now)
    _step(task, "reported", actor, now, text=_reason(text))
    return task


def refuse_followup(actor: User, body: RefuseBody, envelope: Envelope, now: datetime) -> Followup:
    """Note that the assignee cannot do the task, and why; raises not_yours, state_wrong."""
    task = _get_own(actor, body.followup_id)
    if not rules.can_step("refused", task.state):
        raise AppError("state_wrong", state=task.state)
    event = _step(task, "refused", actor, now, text=body.reason)
    event.op_uuid, event.body = envelope.op_uuid, envelope.sent
    return task


def verify_followup(actor: User, followup_id: str, *, now: datetime) -> Followup:
    """Accept the result; raises not_found, state_wrong."""
    task = _get_for_step(actor, followup_id, "verified", now)
    _step(task, "verified", actor, now)
    return task


def reopen_followup(actor: User, followup_id: str, *, reason: str, now: datetime) -> Followup:
    """Send a task back to be done (again); raises not_found, state_wrong, reason_needed."""
    task = _get_for_step(actor, followup_id, "reopened", now)
    _step(task, "reopened", actor, now, text=_reason(reason))
    return task


def cancel_followup(actor: User, followup_id: str, *, reason: str, now: datetime) -> Followup:
    """Close a task that need not be done; raises not_found, state_wrong, reason_needed."""
    task = _get_for_step(actor, followup_id, "cancelled", now)
    _step(task, "cancelled", actor, now, text=_reason(reason))
    return task


def _step(task: Followup, step: str, actor: User, now: datetime, text: str | None = None) -> FollowupEvent:
    before, task.state = task.state, rules.TRANSITIONS[step][1]
    task.closed_at = now if task.state in rules.CLOSED else None
    event = FollowupEvent(followup_id=task.followup_id, at=now, actor_id=actor.id, step=step, text=text)
    db.session.add(event)
    audit.record(
        actor,
        f"followup.{step}",
        "followup",
        task.followup_id,
        at=now,
        before=before,
        after=task.state,
        text=text,
    )
    _publish(task)
    return event


def _get_for_step(actor: User, followup_id: str, step: str, now: datetime) -> Followup:
    # Locked, so that two supervisors' decisions come one after the other.
    task = db.session.get(Followup, followup_id, with_for_update=True, populate_existing=True)
    if task is None or not scope.covers(actor.area_codes(now), task.area_code):
        raise AppError("not_found")
    if not rules.can_step(step, task.state):
        raise AppError("state_wrong", state=task.state)
    return task


def _get_own(actor: User, followup_id: str) -> Followup:
    task = db.session.get(Followup, followup_id, with_for_update=True, populate_existing=True)
    if task is None or task.assignee_id != actor.id:
        raise AppError("not_yours")
    return task


def _problems_of(version: ChecklistVersion, body: ReportBody, actor: User) -> list[dict[str, str]]:
    context = {
        "today": clock.local_date(body.finished_at).isoformat(),
        "now": clock.iso(body.finished_at),
        "language": actor.language,
        "username": actor.username,
    }
    return list(checklist_rules.evaluate(version.document, body.answers, context).problems)


def _default_assignee(role: str | None, visit: Visit, now: datetime) -> int | None:
    covering = [user.id for user in users.list_users_covering(visit.area_code, [role] if role else [], now)]
    # Whoever saw the household first, where the task is a worker's and the grid is still theirs.
    return visit.worker_id if visit.worker_id in covering else next(iter(covering), None)


def _reason(text: str) -> str:
    if not text.strip():
        raise AppError("reason_needed")
    return text.strip()


def _publish(task: Followup) -> None:
    publish(task.area_code, "followup", task.followup_id)
