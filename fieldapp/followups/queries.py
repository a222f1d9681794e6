"""Reads of follow-up tasks for the desk.

Invariant: a task waits for the desk when it is done, was refused, has nobody, or is the reader's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from fieldapp.core import scope
from fieldapp.core.codes import find_code
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.followups.rules import CLOSED
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.users import queries as users

PAGE_ROWS = 50
VIEWS = ("active", "closed", "all")
# The sections of the list, in their order.
NEEDS_YOU, OVERDUE, UNDER_WAY, SETTLED = "needs_you", "overdue", "under_way", "settled"


@dataclass(frozen=True)
class FollowupFilter:
    """Which tasks the list shows."""

    view: str = "active"
    severity: str = ""
    type: str = ""
    assignee: int | None = None
    area: str = ""

    def as_query(self) -> dict[str, Any]:
        """The part of an address that repeats this choice; empty for the plain list."""
        chosen = {
            "view": self.view if self.view != "active" else "",
            "severity": self.severity,
            "type": self.type,
            "assignee": self.assignee or "",
            "area": self.area,
        }
        return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True)
class FollowupItem:
    """A task as a row of the list."""

    task: Followup
    section: str
    is_overdue: bool
    household_name: str
    assignee_name: str


def get_type_settings(type_: str) -> dict[str, Any]:
    """The settings of a follow-up type: assignee_role, due_hours by severity, checklist_key, …; {} for an unknown one."""
    row = find_code("followup_type", type_)
    return row.extra if row else {}


def get_followup(followup_id: str, area_codes: Sequence[str]) -> Followup:
    """The task when it is in scope; raises not_found."""
    task = find_followup(followup_id, area_codes)
    if task is None:
        raise AppError("not_found")
    return task


def find_followup(followup_id: str, area_codes: Sequence[str]) -> Followup | None:
    """The task when it is in scope, or None."""
    task = db.session.get(Followup, followup_id)
    return task if task is not None and scope.covers(area_codes, task.area_code) else None


def list_events(followup_id: str) -> list[FollowupEvent]:
    """The steps of a task, oldest first."""
    return list(
        db.session.scalars(
            select(FollowupEvent).where(FollowupEvent.followup_id == followup_id).order_by(FollowupEvent.id)
        )
    )


def list_followups_of_visit(visit_uuid: str) -> list[Followup]:
    """The tasks a visit led to, oldest first."""
    return list(
        db.session.scalars(
            select(Followup).where(Followup.visit_uuid == visit_uuid).order_by(Followup.created_at)
        )
    )


def list_followups_of_visits(visit_uuids: Iterable[str]) -> list[Followup]:
    """The tasks those visits led to, oldest first."""
    return list(
        db.session.scalars(
            select(Followup)
            .where(Followup.visit_uuid.in_(list(visit_uuids)))
            .order_by(Followup.created_at, Followup.followup_id)
        )
    )


def list_followups_of_household(household_uuid: str) -> list[Followup]:
    """All tasks about a household, under whichever uuid, or about an entry merged into one of its people; latest first."""
    same = people.list_same(household_uuid)
    return list(
        db.session.scalars(
            select(Followup)
            .where(
                Followup.household_uuid.in_(same) | Followup.person_uuid.in_(people.list_merged_people(same))
            )
            .order_by(Followup.created_at.desc())
        )
    )


def count_unsettled(household_uuid: str) -> int:
    """How many tasks about a household are not closed yet."""
    unsettled = select(func.count()).where(
        Followup.household_uuid.in_(people.list_same(household_uuid)), Followup.state.not_in(CLOSED)
    )
    return db.session.scalar(unsettled) or 0


def count_needing(area_codes: Sequence[str], reader_id: int) -> dict[str, int]:
    """By severity, the tasks in those areas that wait for this reader at the desk."""
    rows = db.session.execute(
        select(Followup.severity, func.count())
        .where(scope.within(Followup.area_code, area_codes), _needs(reader_id))
        .group_by(Followup.severity)
    )
    return {row[0]: row[1] for row in rows}


def list_followups(
    area_codes: Sequence[str], chosen: FollowupFilter, reader_id: int, now: datetime, page: int = 1
) -> tuple[list[FollowupItem], bool]:
    """A page of the chosen tasks by section, red first, then by when they are due, and whether there is more."""
    section = case(
        (Followup.state.in_(CLOSED), 3),
        (_needs(reader_id), 0),
        (Followup.due_at < now, 1),
        else_=2,
    )
    tasks = list(
        db.session.scalars(
            select(Followup)
            .where(*_conditions(area_codes, chosen))
            .order_by(
                section,
                case((section == 3, Followup.closed_at)).desc(),
                Followup.severity != "red",
                Followup.due_at,
                Followup.followup_id,
            )
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return _as_items(tasks[:PAGE_ROWS], reader_id, now), len(tasks) > PAGE_ROWS


def list_assignees(area_codes: Sequence[str]) -> list[tuple[int, str]]:
    """(id, name) of everybody who has a task in those areas, by name."""
    ids = db.session.scalars(
        select(Followup.assignee_id)
        .where(scope.within(Followup.area_code, area_codes), Followup.assignee_id.is_not(None))
        .distinct()
    )
    names = users.get_display_names(found for found in ids if found is not None)
    return sorted(names.items(), key=lambda entry: entry[1])


def _conditions(area_codes: Sequence[str], chosen: FollowupFilter) -> list[ColumnElement[bool]]:
    conditions = [scope.within(Followup.area_code, area_codes)]
    if chosen.view != "all":
        closed = Followup.state.in_(CLOSED)
        conditions.append(closed if chosen.view == "closed" else ~closed)
    if chosen.area:
        conditions.append(scope.within(Followup.area_code, [chosen.area]))
    if chosen.severity:
        conditions.append(Followup.severity == chosen.severity)
    if chosen.type:
        conditions.append(Followup.type == chosen.type)
    if chosen.assignee is not None:
        conditions.append(Followup.assignee_id == chosen.assignee)
    return conditions


def _needs(reader_id: int) -> ColumnElement[bool]:
    return or_(
        Followup.state.in_(("done", "refused")),
        and_(
            Followup.state == "open",
            or_(Followup.assignee_id.is_(None), Followup.assignee_id == reader_id),
        ),
    )


def _section_of(task: Followup, reader_id: int, now: datetime) -> str:
    if task.state in CLOSED:
        return SETTLED
    if task.state != "open" or task.assignee_id in (None, reader_id):
        return NEEDS_YOU
    return OVERDUE if task.due_at < now else UNDER_WAY


def _as_items(tasks: list[Followup], reader_id: int, now: datetime) -> list[FollowupItem]:
    rows = db.session.execute(
        select(Household.household_uuid, Household.name).where(
            Household.household_uuid.in_([task.household_uuid for task in tasks])
        )
    )
    households: dict[Any, str] = dict(rows.all())
    names = users.get_display_names(task.assignee_id for task in tasks if task.assignee_id is not None)
    return [
        FollowupItem(
            task,
            _section_of(task, reader_id, now),
            task.state == "open" and task.due_at < now,
            households.get(task.household_uuid, ""),
            names.get(task.assignee_id or 0, ""),
        )
        for task in tasks
    ]
