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
from fieldapp.core.codes import find_code
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import own_feed, publish
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, WORKER
from fieldapp.followups import counting, queries, rules
from fieldapp.followups.incident_actions import RED, raise_for_task
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.notices.actions import COUNTY, EVERYTHING, NOTHING, Matter, tell
from fieldapp.people import queries as people, relatives
from fieldapp.people.models import Household
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits.actions import Envelope
from fieldapp.visits.models import Visit

RESULT_CHECKLIST = "followup_result"
# Between two levels, where the code table says nothing of it.
CLIMB_HOURS = 24


def open_for_flag(
    flag_id: int,
    type_: str,
    severity: str,
    visit: Visit,
    grid_code: str,
    person_uuid: str | None,
    reason: Any,
    now: datetime,
    *,
    is_abuse: bool = False,
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
    task = _add_task(
        None,
        type_,
        severity,
        reason,
        grid_code,
        now,
        flag_id=flag_id,
        household_uuid=visit.household_uuid,
        person_uuid=person_uuid,
        visit_uuid=visit.visit_uuid,
        source="flag",
        is_abuse=is_abuse,
    )
    task.assignee_id = _default_assignee(task, visit.worker_id, now)
    _tell_assignee("given", task, now, but=visit.worker_id)
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
    partner_id: int | None = None,
) -> Followup:
    """Make a task by hand; raises as `hand_out_followup`, and reason_needed."""
    household = people.get_household(household_uuid, actor.area_codes(now))
    if not reason_text.strip():
        raise AppError("reason_needed")
    task = _add_task(
        actor,
        type,
        severity,
        {"zh": reason_text, "en": reason_text},
        household.grid_code,
        now,
        due_at=due_at,
        household_uuid=household.household_uuid,
        person_uuid=person_uuid,
        visit_uuid=visit_uuid,
        is_abuse=queries.is_abuse(type),
    )
    _raise_if_red(task, now)
    return hand_out_followup(
        actor,
        task.followup_id,
        assignee_id=assignee_id,
        partner_id=partner_id,
        due_at=due_at,
        instructions=instructions,
        now=now,
    )


def open_revisit(
    actor: User | None,
    visit: Visit,
    reason: Any,
    now: datetime,
    *,
    grid_code: str,
    lot: int,
    is_abuse: bool,
) -> Followup:
    """A task to look at a visit again, given by lot to a worker of the township who has not been there; where there is
    none to its supervisor, else to nobody yet.
    """
    task = _add_task(
        actor,
        rules.REVISIT_TYPE,
        "yellow",
        reason,
        grid_code,
        now,
        household_uuid=visit.household_uuid,
        visit_uuid=visit.visit_uuid,
        source=rules.REVISIT,
        is_abuse=is_abuse,
    )
    found = queries.list_candidates(task, now)
    workers = [user for user in found if user.role == WORKER] or found
    task.assignee_id = workers[lot % len(workers)].id if workers else None
    _tell_assignee("given", task, now)
    _publish(task)
    return task


def take_in(
    actor: User,
    *,
    source: str,
    area_code: str,
    household_uuid: str | None,
    type: str,
    severity: str,
    reason_text: str,
    caller: dict[str, str] | None,
    now: datetime,
) -> Followup:
    """Make a task of a call, of somebody who came, or of a letter: due by its kind, of those who do that kind.

    A complaint has nobody until an officer hands it out. Raises not_found, reason_needed.
    """
    codes = actor.area_codes(now)
    household = people.get_household(household_uuid, codes) if household_uuid else None
    area_code = household.grid_code if household else area_code
    if not scope.covers(codes, area_code):
        raise AppError("not_found")
    task = _add_task(
        actor,
        type,
        severity,
        {"zh": _reason(reason_text), "en": _reason(reason_text)},
        area_code,
        now,
        household_uuid=household.household_uuid if household else None,
        source=source,
        caller=caller,
        is_abuse=queries.is_abuse(type),
    )
    if not task.is_restricted:
        task.assignee_id = _default_assignee(task, None, now)
        _tell_assignee("given", task, now, but=actor.id)
    _raise_if_red(task, now)
    _publish(task)
    return task


def hand_out_followup(
    actor: User,
    followup_id: str,
    *,
    assignee_id: int | None,
    due_at: datetime,
    instructions: str | None,
    now: datetime,
    partner_id: int | None = None,
) -> Followup:
    """Give a task to somebody whose areas cover its household, or to somebody else; where two go together, to two.

    Raises not_found, wrong_role, state_wrong, assignee_outside, assignee_relative, partner_needed.
    """
    task = get_for_step(actor, followup_id, "handed_out", now)
    for user_id in (assignee_id, partner_id):
        if user_id is not None and not _works_in(user_id, task, now):
            raise AppError("assignee_outside")
    if {assignee_id, partner_id} & queries.list_kept_out(task):
        raise AppError("assignee_kept_out" if task.source == rules.REVISIT else "assignee_relative")
    if queries.get_type_settings(task.type).get("pair") and partner_id in (None, assignee_id):
        raise AppError("partner_needed")
    _give(task, assignee_id)
    task.assigned_by_id, task.partner_id = actor.id, partner_id
    task.due_at, task.instructions = due_at, instructions
    task.climbs_at = due_at
    take_step(task, "handed_out", actor, now, text=instructions)
    _tell_assignee("given", task, now, but=actor.id)
    return task


def report_followup(actor: User, body: ReportBody, envelope: Envelope, now: datetime) -> Followup:
    """Store the assignee's result, word for word; raises not_yours, state_wrong, checklist_version_unknown."""
    task = _get_own(actor, body.followup_id, envelope, now)
    version = checklists.get_version(body.checklist.key, body.checklist.version)
    if not rules.can_step("reported", task.state):
        raise AppError("state_wrong", state=task.state)
    event = take_step(task, "reported", actor, now)
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
    task = get_for_step(actor, followup_id, "reported", now)
    take_step(task, "reported", actor, now, text=_reason(text))
    return task


def note_outcome(actor: User, followup_id: str, *, text: str, now: datetime) -> None:
    """Take what a body outside has done for the task's result, where the task still waits for one."""
    task = db.session.get_one(Followup, followup_id, with_for_update=True, populate_existing=True)
    if rules.can_step("reported", task.state):
        take_step(task, "reported", actor, now, text=text)


def refuse_followup(actor: User, body: RefuseBody, envelope: Envelope, now: datetime) -> Followup:
    """Note that the assignee cannot do the task, and why; raises not_yours, state_wrong."""
    task = _get_own(actor, body.followup_id, envelope, now)
    if not rules.can_step("refused", task.state):
        raise AppError("state_wrong", state=task.state)
    _note_envelope(take_step(task, "refused", actor, now, text=body.reason), envelope)
    return task


def verify_followup(actor: User, followup_id: str, *, now: datetime) -> Followup:
    """Accept the result.

    Raises not_found, state_wrong, somebody_else_decides, revisit_open (which is closed where both visits stand).
    """
    task = get_for_step(actor, followup_id, "verified", now)
    if task.source == rules.REVISIT:
        raise AppError("revisit_open")
    _leave_to_others(actor, task, now)
    take_step(task, "verified", actor, now)
    return task


def reopen_followup(actor: User, followup_id: str, *, reason: str, now: datetime) -> Followup:
    """Send a task back to be done (again), to whoever had it while they still work there.

    Raises not_found, state_wrong, reason_needed.
    """
    task = get_for_step(actor, followup_id, "reopened", now)
    _keep_in_hands(task, now)
    take_step(task, "reopened", actor, now, text=_reason(reason))
    task.climbs_at = max(task.due_at, now + _time_to_climb(task.severity))
    _tell_assignee("reopened", task, now, but=actor.id)
    return task


def cancel_followup(actor: User, followup_id: str, *, reason: str, now: datetime) -> Followup:
    """Close a task that need not be done; raises not_found, state_wrong, reason_needed."""
    task = get_for_step(actor, followup_id, "cancelled", now)
    take_step(task, "cancelled", actor, now, text=_reason(reason))
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
        if feed_of(task) == before:
            publish(before, "followup", task.followup_id, gone=True)
        task.area_code = household.grid_code
        storage.move_uses("followup", task.followup_id, task.area_code, task.area_code)
        had = task.assignee_id
        if task.state == "open":
            _keep_in_hands(task, now)
        if task.assignee_id != had:
            _tell_assignee("given", task, now)
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


def pass_on(now: datetime) -> int:
    """Give the tasks of those who do not work there any more, or must not have them, to their like; how many.

    An account that ended, an area that was withdrawn, a near relative declared where abuse is suspected: where nobody
    else is there, the task waits for the supervisor. Runs transactions of its own; two servers at once do it once.
    """
    passed = 0
    for followup_id in queries.list_misplaced(now):
        with transaction():
            task = db.session.get_one(Followup, followup_id, with_for_update=True, populate_existing=True)
            before = task.assignee_id
            if task.state == "open":
                _keep_in_hands(task, now)
            if task.assignee_id == before:
                continue
            # Of whoever had it: what they did before they knew may still come from their phone.
            db.session.add(FollowupEvent(followup_id=followup_id, at=now, step="passed_on", actor_id=before))
            audit.record(
                None,
                "followup.passed_on",
                "followup",
                followup_id,
                at=now,
                before=before,
                after=task.assignee_id,
            )
            _tell_assignee("given", task, now)
            _publish(task)
            passed += 1
    return passed


def climb(now: datetime) -> int:
    """Take every task that is late one level up, as an event of its own; how many. Two servers at once do it once.

    Runs transactions of its own.
    """
    late = Followup.state.in_(rules.WAITING), Followup.climbs_at <= now
    climbed = 0
    for followup_id in db.session.scalars(select(Followup.followup_id).where(*late)).all():
        with transaction():
            mine = select(Followup).where(Followup.followup_id == followup_id, *late).with_for_update()
            task = db.session.scalar(mine.execution_options(populate_existing=True))
            if task is not None:
                _climb(task, now)
                climbed += 1
    return climbed


def _climb(task: Followup, now: datetime) -> None:
    role = users.get_user(task.assignee_id).role if task.assignee_id is not None else None
    level = rules.climb(task.climbed_to, role)
    task.climbs_at = now + _time_to_climb(task.severity) if level else None
    if level is None:
        return
    task.climbed_to = level
    db.session.add(FollowupEvent(followup_id=task.followup_id, at=now, step="climbed", level=level))
    audit.record(None, "followup.climbed", "followup", task.followup_id, at=now, level=level)
    if level == rules.first_level(role):
        _tell_assignee("overdue", task, now)
    above = users.list_users_covering(task.area_code, READERS, now)
    told = [user for user in above if rules.is_told(user.role, user.area_codes(now), level)]
    _tell("climbed", task, [user for user in told if user.id != task.assignee_id], now)


def tell_of_referral(task: Followup, step: str, user_ids: set[int], now: datetime) -> None:
    """Tell those who wait for a referral of `task` what came of it."""
    matter = _matter_of(task, f"referral.{step}")
    tell(_list_knowing(task, [users.get_user(user_id) for user_id in user_ids], now), matter, now)


def _tell_assignee(step: str, task: Followup, now: datetime, but: int | None = None) -> None:
    """Tell whoever has a task, and who goes along, unless it is `but`, whose doing it is."""
    wanted = {task.assignee_id, task.partner_id} - {but, None}
    _tell(step, task, [users.get_user(user_id) for user_id in wanted if user_id], now)


def _tell(step: str, task: Followup, recipients: list[User], now: datetime) -> None:
    tell(_list_knowing(task, recipients, now), _matter_of(task, f"followup.{step}"), now)


def _list_knowing(task: Followup, recipients: list[User], now: datetime) -> list[User]:
    return [user for user in recipients if queries.may_read(task, user, now)]


def _matter_of(task: Followup, cause: str) -> Matter:
    # A group outside may have members who must not know: of a complaint it hears nothing, of suspected abuse no more
    # than that something is to be done in the county.
    outside = NOTHING if task.is_restricted else COUNTY if task.is_abuse else EVERYTHING
    return Matter(
        cause,
        "followup",
        task.followup_id,
        task.area_code,
        task.severity,
        task.type,
        due_at=task.due_at,
        outside=outside,
    )


def _time_to_climb(severity: str) -> timedelta:
    row = find_code("severity", severity)
    return timedelta(hours=(row.extra if row else {}).get("climb_hours", CLIMB_HOURS))


def take_step(
    task: Followup, step: str, actor: User, now: datetime, text: str | None = None
) -> FollowupEvent:
    """Take a step that was found possible: the task's state, its event, its audit entry, and what phones are told."""
    before, task.state = task.state, rules.TRANSITIONS[step][1]
    closed_at_before = task.closed_at
    task.closed_at = now if task.state in rules.CLOSED else None
    if task.state not in rules.WAITING:
        task.climbs_at = None
    event = FollowupEvent(followup_id=task.followup_id, at=now, actor_id=actor.id, step=step, text=text)
    db.session.add(event)
    counting.count_step(task, step, before, now, closed_at_before)
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


def get_for_step(actor: User, followup_id: str, step: str, now: datetime) -> Followup:
    """The task, locked, when the actor may know of it and take that step now; raises not_found, wrong_role, state_wrong."""
    # Locked, so that two supervisors' decisions come one after the other.
    task = db.session.get(Followup, followup_id, with_for_update=True, populate_existing=True)
    if task is None or not queries.may_read(task, actor, now):
        raise AppError("not_found")
    if not queries.may_take(step, task, actor):
        raise AppError("wrong_role")
    if not rules.can_step(step, task.state):
        raise AppError("state_wrong", state=task.state)
    return task


def _leave_to_others(actor: User, task: Followup, now: datetime) -> None:
    """Raise somebody_else_decides for who did the task or has a near relative there, while anybody else may close it."""
    kept_out = relatives.list_declarer_ids(task.household_uuid) if task.household_uuid else set()
    report = queries.find_report(task.followup_id)
    # What somebody else did, and the desk wrote down, is theirs.
    if report is not None and report.actor_id == task.assignee_id and report.actor_id is not None:
        kept_out.add(report.actor_id)
    if actor.id not in kept_out:
        return
    role = OFFICER if task.is_restricted else SUPERVISOR
    covering = users.list_users_covering(task.area_code, [role], now)
    others = [user.display_name for user in covering if user.id not in kept_out]
    if others:
        raise AppError("somebody_else_decides", names="、".join(others))


def _keep_in_hands(task: Followup, now: datetime) -> None:
    """Leave the task with its assignee while they work in its grid; else give it to their like who does, if anybody."""
    if task.assignee_id is not None and not _may_have(task, task.assignee_id, now):
        role = users.get_user(task.assignee_id).role
        _give(task, _default_assignee(task, None, now, role))


def _may_have(task: Followup, user_id: int, now: datetime) -> bool:
    return _works_in(user_id, task, now) and user_id not in queries.list_kept_out(task)


def _works_in(user_id: int, task: Followup, now: datetime) -> bool:
    user = users.get_user(user_id)
    codes = user.area_codes(now)
    is_there = scope.covers(codes, task.area_code)
    if task.source == rules.REVISIT:
        is_there = is_there or rules.may_revisit(codes, task.area_code)
    return user.is_active and is_there


def _give(task: Followup, assignee_id: int | None) -> None:
    """Let somebody have the task; where it stood in the feed of whoever had it, it goes from there."""
    if feed_of(task) != task.area_code and assignee_id != task.assignee_id:
        publish(feed_of(task), "followup", task.followup_id, gone=True)
    task.assignee_id = assignee_id


def feed_of(task: Followup) -> str:
    """The feed a task stands in: its grid's; of a re-visit its assignee's own, who may have no other of that grid, so
    that whoever made the visit is not told.
    """
    is_own = task.source == rules.REVISIT and task.assignee_id is not None
    return own_feed(task.assignee_id) if is_own and task.assignee_id is not None else task.area_code


def _get_own(actor: User, followup_id: str, envelope: Envelope, now: datetime) -> Followup:
    """The actor's task, locked; what the desk takes in may be about any task in the areas of whoever takes it in."""
    task = db.session.get(Followup, followup_id, with_for_update=True, populate_existing=True)
    if task is None:
        raise AppError("not_yours")
    if envelope.taken_in:
        is_in_reach = scope.covers(envelope.taken_in.by.area_codes(now), task.area_code)
    else:
        is_in_reach = task.assignee_id == actor.id or queries.was_passed_on_by(followup_id, actor.id)
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
    task: Followup, preferred_id: int | None, now: datetime, role: str | None = None
) -> int | None:
    role = role or queries.get_type_settings(task.type).get("assignee_role")
    if task.source == rules.REVISIT:
        return next((user.id for user in queries.list_candidates(task, now)), None)
    kept_out = queries.list_kept_out(task)
    covering = [
        user.id
        for user in users.list_users_covering(task.area_code, [role] if role else [], now)
        if user.id not in kept_out
    ]
    # Whoever saw the household first, where the task is a worker's and the grid is still theirs.
    return preferred_id if preferred_id in covering else next(iter(covering), None)


def _add_task(
    actor: User | None,
    type_: str,
    severity: str,
    reason: Any,
    area_code: str,
    now: datetime,
    *,
    due_at: datetime | None = None,
    flag_id: int | None = None,
    **about: Any,
) -> Followup:
    settings = queries.get_type_settings(type_)
    due_at = due_at or now + timedelta(hours=settings.get("due_hours", {}).get(severity, 72))
    task = Followup(
        followup_id=str(uuid.uuid4()),
        flag_id=flag_id,
        type=type_,
        severity=severity,
        state="open",
        area_code=area_code,
        found_in=area_code,
        reason=reason,
        checklist_key=settings.get("checklist_key", RESULT_CHECKLIST),
        due_at=due_at,
        climbs_at=due_at,
        created_at=now,
        entered_by_id=actor.id if actor else None,
        is_restricted=bool(settings.get("restricted")),
        **about,
    )
    db.session.add(task)
    db.session.flush()
    counting.count_new(task)
    audit.record(actor, "followup.open", "followup", task.followup_id, at=now, type=type_, flag_id=flag_id)
    return task


def _raise_if_red(task: Followup, now: datetime) -> None:
    """Raise the incident of a task made at the desk. A complaint is told to officers only, who have it on their board."""
    if task.severity == RED and not task.is_restricted:
        raise_for_task(task, now)


def _reason(text: str) -> str:
    if not text.strip():
        raise AppError("reason_needed")
    return text.strip()


def _publish(task: Followup) -> None:
    publish(feed_of(task), "followup", task.followup_id, gone=task.state in rules.CLOSED)
