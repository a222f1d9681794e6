"""Which fields of follow-up tasks their assignee's phone may send, and which it gets.

Invariant: a task goes to the phone of the account it is assigned to, and to no other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from fieldapp.core import clock
from fieldapp.core.bodies import Body, Location, PhoneInstant, UuidStr
from fieldapp.core.db import db
from fieldapp.followups.models import Followup
from fieldapp.followups.rules import REVISIT
from fieldapp.people import queries as people, relatives
from fieldapp.people.models import Household, Person
from fieldapp.users import queries as users
from fieldapp.visits.sync import AttachmentRef, ChecklistRef

ON_PHONE = ("open", "done")


class ReportBody(Body):
    """The body of followup.report."""

    followup_id: UuidStr
    checklist: ChecklistRef
    started_at: PhoneInstant
    finished_at: PhoneInstant
    answers: dict[str, Any]
    attachments: Annotated[list[AttachmentRef], Field(max_length=100)] = []
    location: Location | None = None


class RefuseBody(Body):
    """The body of followup.refuse."""

    followup_id: UuidStr
    reason: Annotated[str, Field(min_length=1, max_length=1000)]


def list_records(followup_ids: Iterable[str], user_id: int) -> dict[str, dict[str, Any]]:
    """By id, those of the tasks that are the account's and not closed; of suspected abuse of a near relative none."""
    tasks = list(
        db.session.scalars(
            select(Followup)
            .where(
                Followup.followup_id.in_(list(followup_ids)),
                Followup.assignee_id == user_id,
                Followup.state.in_(ON_PHONE),
            )
            .options(selectinload(Followup.events))
        )
    )
    hidden = relatives.list_households_of_relatives(user_id) if any(task.is_abuse for task in tasks) else []
    tasks = [task for task in tasks if not (task.is_abuse and task.household_uuid in hidden)]
    actor_ids = {event.actor_id for task in tasks for event in task.events if event.actor_id}
    names = users.get_display_names(
        actor_ids | {id_ for task in tasks for id_ in (task.assigned_by_id, task.partner_id) if id_}
    )
    # A phone holds only who stands for those a task was made about.
    households = people.list_standing(
        Household, {task.household_uuid for task in tasks if task.household_uuid}
    )
    persons = people.list_standing(Person, {task.person_uuid for task in tasks if task.person_uuid})
    # Whoever looks at a visit again may have nothing else of that grid.
    homes = {
        home.household_uuid: home
        for home in people.list_households(
            {task.household_uuid for task in tasks if task.source == REVISIT and task.household_uuid}
        )
    }
    return {
        task.followup_id: {
            **_record(task, names),
            **_home(homes.get(task.household_uuid or "")),
            "household_uuid": households.get(task.household_uuid or ""),
            "person_uuid": persons.get(task.person_uuid or ""),
        }
        for task in tasks
    }


def _home(household: Household | None) -> dict[str, Any]:
    if household is None:
        return {}
    named = {name: getattr(household, name) for name in ("grid_code", "name", "address", "phone")}
    return {"household": {"household_uuid": household.household_uuid, **named}}


def _record(task: Followup, names: dict[int, str]) -> dict[str, Any]:
    latest = {event.step: event for event in task.events}
    reported, reopened = latest.get("reported"), latest.get("reopened")
    return {
        "followup_id": task.followup_id,
        "type": task.type,
        "severity": task.severity,
        "state": task.state,
        "visit_uuid": task.visit_uuid,
        "reason": task.reason,
        "instructions": task.instructions,
        "due_at": clock.iso(task.due_at),
        "checklist_key": task.checklist_key,
        "assigned_by": names.get(task.assigned_by_id or 0),
        "partner": names.get(task.partner_id or 0),
        "reported_at": clock.iso(reported.at) if reported and task.state == "done" else None,
        "sent_back": {
            "reason": reopened.text,
            "by": names.get(reopened.actor_id or 0),
            "at": clock.iso(reopened.at),
        }
        if reopened and task.state == "open"
        else None,
    }
