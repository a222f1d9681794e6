"""Reads of follow-up tasks for the desk.

Invariant: a task waits for the desk when it is done, was refused, has nobody, is the reader's own, or has climbed to them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select

from fieldapp.core import scope
from fieldapp.core.codes import find_code
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, SUPERVISOR
from fieldapp.followups import rules
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.followups.rules import CLOSED, WAITING, list_levels_of
from fieldapp.people import queries as people, relatives
from fieldapp.people.models import DeclaredRelative, Household
from fieldapp.users import queries as users
from fieldapp.users.models import User, UserScope

PAGE_ROWS = 50
VIEWS = ("active", "closed", "all")
# The sections of the list, in their order.
SECTIONS = ("climbed", "needs_you", "overdue", "under_way", "settled")
CLIMBED, NEEDS_YOU, OVERDUE, UNDER_WAY, SETTLED = SECTIONS


@dataclass(frozen=True)
class FollowupFilter:
    """Which tasks the list shows."""

    view: str = "active"
    severity: str = ""
    type: str = ""
    assignee: int | None = None
    climbed: str = ""
    area: str = ""

    def as_query(self) -> dict[str, Any]:
        """The part of an address that repeats this choice; empty for the plain list."""
        chosen = {
            "view": self.view if self.view != "active" else "",
            "severity": self.severity,
            "type": self.type,
            "assignee": self.assignee or "",
            "climbed": self.climbed,
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


def is_abuse(type_: str | None, question: str = "") -> bool:
    """Whether a task of that type, or a flag of that question, is suspected abuse: the law asks for a report."""
    if type_ and get_type_settings(type_).get("mandatory_report"):
        return True
    name = question.rpartition("/")[2]
    return bool(name) and find_code("abuse_question", name) is not None


def get_followup(followup_id: str, reader: User, now: datetime) -> Followup:
    """The task when the reader may know of it; raises not_found."""
    task = find_followup(followup_id, reader, now)
    if task is None:
        raise AppError("not_found")
    return task


def find_followup(followup_id: str, reader: User, now: datetime) -> Followup | None:
    """The task when the reader may know of it, or None."""
    task = db.session.get(Followup, followup_id)
    return task if task is not None and may_read(task, reader, now) else None


def may_read(task: Followup, reader: User, now: datetime) -> bool:
    """Whether the reader may know of a task: in scope; of a complaint only officers, whoever entered it and whoever has
    it; of suspected abuse no near relative.
    """
    if not scope.covers(reader.area_codes(now), task.area_code):
        return False
    if (
        task.is_restricted
        and reader.role != OFFICER
        and reader.id not in (task.entered_by_id, task.assignee_id)
    ):
        return False
    is_hidden = (
        task.is_abuse and task.household_uuid and relatives.has_relative_in(reader.id, task.household_uuid)
    )
    return not is_hidden


def may_take(step: str, task: Followup, reader: User) -> bool:
    """Whether the reader may take that step of a task they may know of, in whatever state it is."""
    is_own = task.assignee_id == reader.id
    return rules.may_take(step, reader.role, is_restricted=task.is_restricted, is_own=is_own)


def was_passed_on_by(followup_id: str, user_id: int) -> bool:
    """Whether that account had the task until somebody else had to have it."""
    had = select(FollowupEvent.id).where(
        FollowupEvent.followup_id == followup_id,
        FollowupEvent.step == "passed_on",
        FollowupEvent.actor_id == user_id,
    )
    return db.session.scalar(had.limit(1)) is not None


def list_misplaced(now: datetime) -> list[str]:
    """The open tasks of those whose account ended, who do not work there any more, or who must not have them."""
    holds = select(UserScope.id).where(
        UserScope.user_id == Followup.assignee_id,
        UserScope.starts_at <= now,
        UserScope.ends_at.is_(None) | (UserScope.ends_at > now),
        Followup.area_code.startswith(UserScope.area_code),
    )
    of_relatives = select(DeclaredRelative.user_id).where(DeclaredRelative.user_id == Followup.assignee_id)
    misplaced = select(Followup.followup_id).join(User, User.id == Followup.assignee_id)
    return list(
        db.session.scalars(
            misplaced.where(
                Followup.state == "open",
                or_(
                    User.ended_at <= now,
                    ~holds.exists(),
                    and_(Followup.is_abuse, of_relatives.exists()),
                ),
            ).order_by(Followup.followup_id)
        )
    )


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


def count_needing(reader: User, now: datetime) -> dict[str, int]:
    """By severity, the tasks in the reader's areas that wait for them: to be checked or handed out, or climbed to them."""
    rows = db.session.execute(
        select(Followup.severity, func.count())
        .where(
            *_readable(reader, now),
            _needs(reader.id) if reader.role == SUPERVISOR else _climbed(reader, now),
        )
        .group_by(Followup.severity)
    )
    return {row[0]: row[1] for row in rows}


def list_followups(
    reader: User, chosen: FollowupFilter, now: datetime, page: int = 1
) -> tuple[list[FollowupItem], bool]:
    """A page of the chosen tasks by section, red first, then by when they are due, and whether there is more."""
    section = case(
        (Followup.state.in_(CLOSED), SECTIONS.index(SETTLED)),
        (_climbed(reader, now), SECTIONS.index(CLIMBED)),
        (_needs(reader.id), SECTIONS.index(NEEDS_YOU)),
        (Followup.due_at < now, SECTIONS.index(OVERDUE)),
        else_=SECTIONS.index(UNDER_WAY),
    )
    rows = list(
        db.session.execute(
            select(Followup, section)
            .where(*_readable(reader, now), *_conditions(chosen))
            .order_by(
                section,
                case((section == SECTIONS.index(SETTLED), Followup.closed_at)).desc(),
                Followup.severity != "red",
                Followup.due_at,
                Followup.followup_id,
            )
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return _as_items([(row[0], SECTIONS[row[1]]) for row in rows[:PAGE_ROWS]], now), len(rows) > PAGE_ROWS


def list_assignees(reader: User, now: datetime) -> list[tuple[int, str]]:
    """(id, name) of everybody who has a task the reader may know of, by name."""
    ids = db.session.scalars(
        select(Followup.assignee_id)
        .where(*_readable(reader, now), Followup.assignee_id.is_not(None))
        .distinct()
    )
    names = users.get_display_names(found for found in ids if found is not None)
    return sorted(names.items(), key=lambda entry: entry[1])


def get_household_names(household_uuids: Iterable[str | None]) -> dict[str, str]:
    """The names of those households by uuid."""
    rows = db.session.execute(
        select(Household.household_uuid, Household.name).where(
            Household.household_uuid.in_({uuid for uuid in household_uuids if uuid})
        )
    )
    return {row[0]: row[1] for row in rows}


def _readable(reader: User, now: datetime) -> list[ColumnElement[bool]]:
    """The same as `may_read`, for lists."""
    conditions = [scope.within(Followup.area_code, reader.area_codes(now))]
    if reader.role != OFFICER:
        conditions.append(
            or_(
                ~Followup.is_restricted,
                Followup.entered_by_id == reader.id,
                Followup.assignee_id == reader.id,
            )
        )
    if hidden := relatives.list_households_of_relatives(reader.id):
        hides = and_(Followup.is_abuse, func.coalesce(Followup.household_uuid.in_(hidden), false()))
        conditions.append(~hides)
    return conditions


def _conditions(chosen: FollowupFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.view != "all":
        closed = Followup.state.in_(CLOSED)
        conditions.append(closed if chosen.view == "closed" else ~closed)
    if chosen.area:
        conditions.append(scope.within(Followup.area_code, [chosen.area]))
    if chosen.severity:
        conditions.append(Followup.severity == chosen.severity)
    if chosen.type:
        conditions.append(Followup.type == chosen.type)
    if chosen.climbed:
        conditions.append(Followup.climbed_to == chosen.climbed)
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


def _climbed(reader: User, now: datetime) -> ColumnElement[bool]:
    levels = list_levels_of(reader.role, reader.area_codes(now))
    return and_(Followup.state.in_(WAITING), Followup.climbed_to.in_(levels))


def _as_items(placed: list[tuple[Followup, str]], now: datetime) -> list[FollowupItem]:
    tasks = [task for task, _ in placed]
    households = get_household_names(task.household_uuid for task in tasks)
    names = users.get_display_names(task.assignee_id for task in tasks if task.assignee_id is not None)
    return [
        FollowupItem(
            task,
            section,
            task.state == "open" and task.due_at < now,
            households.get(task.household_uuid or "", ""),
            names.get(task.assignee_id or 0, ""),
        )
        for task, section in placed
    ]
