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
from fieldapp.people.models import Household
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits.actions import Envelope
from fieldapp.visits.models import Visit

RESULT_CHECKLIST = "followup_result"


def open_for_flag(
    flag_id: int,
    type_: str,
    severity: str,
    visit: Visit,
    grid_code: str,
    person_uuid: str | None,
    reason: Any,
    now: datetime,
) -> Followup:
    """The task of a flag, made when it is not there yet; its severity follows the flag while it is open.

    It is a task of `grid_code`, where the household is now. Whom it goes to and when it is due come from the type's row
    in the code table.
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
        area_code=grid_code,
        household_uuid=visit.household_uuid,
        person_uuid=person_uuid,
        visit_uuid=visit.visit_uuid,
        reason=reason,
        checklist_key=settings.get("checklist_key", RESULT_CHECKLIST),
        assignee_id=_default_assignee(settings.get("assignee_role"), grid_code, visit.worker_id, now),
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
        household_uuid=household.household_uuid,
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
    if assignee_id is not None and not _works_in(assignee_id, task.area_code, now):
        raise AppError("assignee_outside")
    task.assignee_id, task.assigned_by_id = assignee_id, actor.id
    task.due_at, task.instructions = due_at, instructions
    _step(task, "handed_out", actor, now, text=instructions)
    return task


def report_followup(actor: User, body: ReportBody, envelope: Envelope, now: datetime) -> Followup:
    """Store the assignee's result, word for word; raises not_yours, state_wrong, checklist_version_unknown."""
    task = _get_own(actor, body.followup_id, envelope, now)
    version = checklists.get_version(body.checklist.key, body.checklist.version)
    if not rules.can_step("reported", task.state):
        raise AppError("state_wrong", state=task.state)
    event = _step(task, "reported", actor, now)
    _note_envelope(event, envelope)
    event.checklist_key, event.checklist_version = body.checklist.key, body.checklist.version
    event.problems = _problems_of(version, body, actor) or None
    db.session.flush()
    storage.name_attachments(
        "followup", task.followup_id, event.id, task.area_code, task.area_code, body.attachments
    )
    return task


def record_result(actor: User, followup_id: str, *, text: str, now: datetime) -> Followup:
    """Write down at the desk what came of a task done without a phone; raises not_found, state_wrong, reason_needed."""
    task = _get_for_step(actor, followup_id, "reported", now)
    _step(task, "reported", actor, now, text=_reason(text))
    return task


def refuse_followup(actor: User, body: RefuseBody, envelope: Envelope, now: datetime) -> Followup:
    """Note that the assignee cannot do the task, and why; raises not_yours, state_wrong."""
    task = _get_own(actor, body.followup_id, envelope, now)
    if not rules.can_step("refused", task.state):
        raise AppError("state_wrong", state=task.state)
    _note_envelope(_step(task, "refused", actor, now, text=body.reason), envelope)
    return task


def verify_followup(actor: User, followup_id: str, *, now: datetime) -> Followup:
    """Accept the result; raises not_found, state_wrong."""
    task = _get_for_step(actor, followup_id, "verified", now)
    _step(task, "verified", actor, now)
    return task


def reopen_followup(actor: User, followup_id: str, *, reason: str, now: datetime) -> Followup:
    """Send a task back to be done (again), to whoever had it while they still work there.

    Raises not_found, state_wrong, reason_needed.
    """
    task = _get_for_step(actor, followup_id, "reopened", now)
    _keep_in_hands(task, now)
    _step(task, "reopened", actor, now, text=_reason(reason))
    return task


def cancel_followup(actor: User, followup_id: str, *, reason: str, now: datetime) -> Followup:
    """Close a task that need not be done; raises not_found, state_wrong, reason_needed."""
    task = _get_for_step(actor, followup_id, "cancelled", now)
    _step(task, "cancelled", actor, now, text=_reason(reason))
    return task


def move_followups(actor: User, household: Household, now: datetime) -> None:
    """Let the unsettled tasks about a moved household follow it into its new grid.

    An open one goes to somebody who works there, or waits for the supervisor where there is nobody: it is never left
    with a worker who does not have the household any more.
    """
    tasks = db.session.scalars(
        select(Followup)
        .where(
            Followup.household_uuid.in_(people.list_same(household.household_uuid)),
            Followup.area_code != household.grid_code,
            Followup.state.not_in(rules.CLOSED),
        )
        .order_by(Followup.followup_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for task in tasks:
        before = task.area_code
        publish(before, "followup", task.followup_id, gone=True)
        task.area_code = household.grid_code
        storage.move_uses("followup", task.followup_id, task.area_code, task.area_code)
        if task.state == "open":
            _keep_in_hands(task, now)
        db.session.add(FollowupEvent(followup_id=task.followup_id, at=now, actor_id=actor.id, step="moved"))
        audit.record(
            actor,
            "followup.moved",
            "followup",
            task.followup_id,
            at=now,
            before=before,
            after=task.area_code,
            assignee_id=task.assignee_id,
        )
        _publish(task)


def tell_whom(household: Household) -> None:
    """Publish the unsettled tasks about a household and its people again: whom they are about is told otherwise now."""
    for task in queries.list_followups_of_household(household.household_uuid):
        if task.state not in rules.CLOSED:
            _publish(task)


def _keep_in_hands(task: Followup, now: datetime) -> None:
    """Leave the task with its assignee while they work in its grid; else give it to their like who does, if anybody."""
    if task.assignee_id is not None and not _works_in(task.assignee_id, task.area_code, now):
        role = users.get_user(task.assignee_id).role
        task.assignee_id = _default_assignee(role, task.area_code, None, now)


def _works_in(user_id: int, area_code: str, now: datetime) -> bool:
    user = users.get_user(user_id)
    return user.is_active and scope.covers(user.area_codes(now), area_code)


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


def _get_own(actor: User, followup_id: str, envelope: Envelope, now: datetime) -> Followup:
    """The actor's task, locked; what the desk takes in may be about any task in the areas of whoever takes it in."""
    task = db.session.get(Followup, followup_id, with_for_update=True, populate_existing=True)
    if task is None:
        raise AppError("not_yours")
    if envelope.taken_in:
        is_in_reach = scope.covers(envelope.taken_in.by.area_codes(now), task.area_code)
    else:
        is_in_reach = task.assignee_id == actor.id
    if not is_in_reach:
        raise AppError("not_yours")
    return task


def _note_envelope(event: FollowupEvent, envelope: Envelope) -> None:
    event.op_uuid, event.body = envelope.op_uuid, envelope.sent
    event.taken_in_by = envelope.taken_in.by.id if envelope.taken_in else None


def _problems_of(version: ChecklistVersion, body: ReportBody, actor: User) -> list[dict[str, str]]:
    context = {
        "today": clock.local_date(body.finished_at).isoformat(),
        "now": clock.iso(body.finished_at),
        "language": actor.language,
        "username": actor.username,
    }
    return list(checklist_rules.evaluate(version.document, body.answers, context).problems)


def _default_assignee(
    role: str | None, area_code: str, preferred_id: int | None, now: datetime
) -> int | None:
    covering = [user.id for user in users.list_users_covering(area_code, [role] if role else [], now)]
    # Whoever saw the household first, where the task is a worker's and the grid is still theirs.
    return preferred_id if preferred_id in covering else next(iter(covering), None)


def _reason(text: str) -> str:
    if not text.strip():
        raise AppError("reason_needed")
    return text.strip()


def _publish(task: Followup) -> None:
    publish(task.area_code, "followup", task.followup_id, gone=task.state in rules.CLOSED)
