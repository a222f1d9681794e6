"""Reads of follow-up tasks for the desk.

Invariant: a task waits for the desk when it is done, was refused, has nobody, is the reader's own, or has climbed to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, func, literal_column, or_, select, union_all

from fieldapp.areas.models import LEVELS
from fieldapp.areas.queries import is_wide
from fieldapp.core import clock, scope
from fieldapp.core.codes import find_code, get_codes
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, SUPERVISOR, WORKER
from fieldapp.followups import rules
from fieldapp.followups.models import ACTIVE, REFERRED, Followup, FollowupEvent, Referral
from fieldapp.followups.rules import CLOSED, REVISIT, list_levels_of
from fieldapp.people import queries as people, relatives
from fieldapp.people.due_queries import WEEK_DAYS
from fieldapp.people.models import DeclaredRelative, Household
from fieldapp.users import queries as users
from fieldapp.users.models import User, UserScope
from fieldapp.visits import queries as visits

PAGE_ROWS = 50
# Which tasks a list shows: not closed, those that wait for the reader, those that are late, closed, of those the verified,
# all. The board shows those that are waiting: in which somebody is to do something.
VIEWS = ("active", "needs", "late", "closed", "verified", "all")
# The sections of the list, in their order.
SECTIONS = ("climbed", "needs_you", "overdue", "under_way", "settled")
CLIMBED, NEEDS_YOU, OVERDUE, UNDER_WAY, SETTLED = SECTIONS
# When a task is due that somebody is to do something about, and whether an outside body has it: the columns of the board.
DUES = ("late", "today", "week", "later", "outside")
BOARD_ROWS = 12
# That a task is not closed, in the words of the index. Without a type: SQLite would be asked whether it equals 1.
IS_ACTIVE: ColumnElement[Any] = literal_column("followups." + ACTIVE)
# That somebody is still to do something about it (rules.WAITING). Said so, PostgreSQL expects as many as there are: of two
# lists of states it would expect next to none, and read the tasks themselves one by one.
IS_WAITING: ColumnElement[bool] = and_(IS_ACTIVE, Followup.state != "done")
# That an outside body has it (rules.REFERRAL_WAITS), in the words of the index.
IS_REFERRED: ColumnElement[Any] = literal_column("referrals." + REFERRED)


@dataclass(frozen=True)
class FollowupFilter:
    """Which tasks the list shows."""

    view: str = "active"
    severity: str = ""
    type: str = ""
    assignee: int | None = None
    climbed: str = ""
    area: str = ""
    due: str = ""

    def as_query(self) -> dict[str, Any]:
        """The part of an address that repeats this choice; empty for the plain list."""
        chosen = {
            "view": self.view if self.view != "active" else "",
            "severity": self.severity,
            "type": self.type,
            "assignee": self.assignee or "",
            "climbed": self.climbed,
            "area": self.area,
            "due": self.due,
        }
        return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True)
class TaskCounts:
    """Of the tasks of an area, how many wait for the reader, and how many are late."""

    needs: int = 0
    late: int = 0


@dataclass(frozen=True)
class FollowupItem:
    """A task as a row of the list."""

    task: Followup
    section: str
    is_overdue: bool
    household_name: str
    assignee_name: str


@dataclass(frozen=True)
class BoardColumn:
    """Of the tasks due then how many there are, and the first of them."""

    due: str
    count: int
    items: list[FollowupItem]


def get_type_settings(type_: str) -> dict[str, Any]:
    """The settings of a follow-up type: assignee_role, due_hours by severity, checklist_key, …; {} for an unknown one."""
    row = find_code("followup_type", type_)
    return row.extra if row else {}


def is_abuse(type_: str) -> bool:
    """Whether a task of that type is about suspected abuse: the law asks for a report."""
    return bool(get_type_settings(type_).get("mandatory_report"))


def read_abuse_rule() -> Callable[[str | None, str], bool]:
    """What tells of a flag's type of task and its question whether it is suspected abuse."""
    types, questions = get_codes("followup_type"), get_codes("abuse_question")
    reported = {code for code, row in types.items() if row.extra.get("mandatory_report")}
    return lambda type_, question: type_ in reported or question.rpartition("/")[2] in questions


def select_abuse(type_: Any, question: Any) -> ColumnElement[bool]:
    """The same of a flag's row."""
    types, questions = get_codes("followup_type"), get_codes("abuse_question")
    reported = [code for code, row in types.items() if row.extra.get("mandatory_report")]
    return or_(
        func.coalesce(type_.in_(reported), false()),
        *(or_(question == code, question.endswith(f"/{code}", autoescape=True)) for code in questions),
    )


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
    is_hidden = task.is_abuse and task.household_uuid in relatives.list_households_of_relatives(reader.id)
    return not is_hidden


def may_take(step: str, task: Followup, reader: User) -> bool:
    """Whether the reader may take that step of a task they may know of, in whatever state it is."""
    is_own = task.assignee_id == reader.id
    return rules.may_take(
        step,
        reader.role,
        is_restricted=task.is_restricted,
        is_own=is_own,
        is_revisit=task.source == REVISIT and step != "referred",
    )


def list_kept_out(task: Followup) -> set[int]:
    """Who must not have the task: near relatives, where abuse is suspected or a visit is looked at again; and whoever made
    or typed that visit.
    """
    kept_out: set[int] = set()
    if (task.is_abuse or task.source == REVISIT) and task.household_uuid:
        kept_out |= relatives.list_declarer_ids(task.household_uuid)
    if task.source == REVISIT and task.visit_uuid and (visit := visits.find_visit(task.visit_uuid)):
        kept_out |= {id_ for id_ in (visit.worker_id, visit.entered_by) if id_ is not None}
    return kept_out


def list_candidates(task: Followup, now: datetime) -> list[User]:
    """The workers and supervisors to whom a task may be given, workers first, by name.

    Those who work in its grid; of a re-visit those of the township who may have it.
    """
    roles = (WORKER, SUPERVISOR)
    found = users.list_users_covering(task.area_code, roles, now)
    if task.source == REVISIT:
        township = task.area_code[: LEVELS["township"]]
        known, kept_out = {user.id for user in found}, list_kept_out(task)
        found += [user for user in users.list_users_within(township, roles, now) if user.id not in known]
        found = [user for user in found if user.id not in kept_out]
    return sorted(found, key=lambda user: (user.role != WORKER, user.display_name))


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
        or_(
            Followup.area_code.startswith(UserScope.area_code),
            and_(
                Followup.source == REVISIT,
                func.substr(UserScope.area_code, 1, LEVELS["township"])
                == func.substr(Followup.area_code, 1, LEVELS["township"]),
            ),
        ),
    )
    is_open = Followup.state == "open"
    misplaced = select(Followup.followup_id).join(User, User.id == Followup.assignee_id)
    found = set(db.session.scalars(misplaced.where(is_open, or_(User.ended_at <= now, ~holds.exists()))))
    of_relatives = select(DeclaredRelative.user_id).where(DeclaredRelative.user_id == Followup.assignee_id)
    doubtful = db.session.execute(
        select(Followup.followup_id, Followup.household_uuid, Followup.assignee_id).where(
            is_open, Followup.is_abuse | (Followup.source == REVISIT), of_relatives.exists()
        )
    ).all()
    declarers = relatives.list_declarers_of(household for _, household, _ in doubtful if household)
    found |= {id_ for id_, household, assignee in doubtful if (household, assignee) in declarers}
    return sorted(found)


def list_events(followup_id: str) -> list[FollowupEvent]:
    """The steps of a task, oldest first."""
    return list(
        db.session.scalars(
            select(FollowupEvent).where(FollowupEvent.followup_id == followup_id).order_by(FollowupEvent.id)
        )
    )


def find_report(followup_id: str) -> FollowupEvent | None:
    """The last result reported of a task, or None."""
    return db.session.scalar(
        select(FollowupEvent)
        .where(FollowupEvent.followup_id == followup_id, FollowupEvent.step == "reported")
        .order_by(FollowupEvent.id.desc())
        .limit(1)
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
                Followup.household_uuid.in_(same)
                | Followup.person_uuid.in_(people.list_merged_people(household_uuid))
            )
            .order_by(Followup.created_at.desc())
        )
    )


def count_unsettled(household_uuid: str) -> int:
    """How many tasks about a household are not closed yet."""
    unsettled = select(func.count()).where(
        Followup.household_uuid.in_(people.list_same(household_uuid)), IS_ACTIVE
    )
    return db.session.scalar(unsettled) or 0


def select_needing(reader: User, now: datetime) -> Select[str, int]:
    """By severity, the tasks in the reader's areas that wait for them: to be checked or handed out, or climbed to them."""
    return (
        select(Followup.severity, func.count())
        .where(*readable(reader, now), IS_ACTIVE, _waits_for(reader, now))
        .group_by(Followup.severity)
    )


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
    order = (
        section,
        case((section == SECTIONS.index(SETTLED), Followup.closed_at)).desc(),
        Followup.severity != "red",
        Followup.due_at,
        Followup.followup_id,
    )
    # Put in order by what the index holds, of which only the first are kept; only those of the page are read.
    placed = (
        select(Followup.followup_id)
        .where(*readable(reader, now), *list_conditions(chosen, reader, now))
        .order_by(*order)
        .offset((page - 1) * PAGE_ROWS)
        .limit(PAGE_ROWS + 1)
        .subquery()
    )
    rows = db.session.execute(
        select(Followup, section).join(placed, placed.c.followup_id == Followup.followup_id).order_by(*order)
    ).all()
    return _as_items([(row[0], SECTIONS[row[1]]) for row in rows[:PAGE_ROWS]], now), len(rows) > PAGE_ROWS


def list_board(reader: User, chosen: FollowupFilter, now: datetime) -> list[BoardColumn]:
    """Of each of DUES, the chosen tasks in which somebody is to do something, red first, then by when they are due."""
    waiting = (
        select(
            Followup.followup_id,
            Followup.due_at,
            (Followup.severity != "red").label("is_other"),
            _due_column(now).label("place"),
        )
        .where(
            *readable(reader, now),
            *list_conditions(replace(chosen, view="waiting"), reader, now),
        )
        .cte("waiting")
    )
    order = (waiting.c.is_other, waiting.c.due_at, waiting.c.followup_id)
    # Of each column its first, kept while the tasks are gone through: to number all of a province takes twice as long.
    firsts = union_all(
        *(
            select(
                select(waiting).where(waiting.c.place == due).order_by(*order).limit(BOARD_ROWS).subquery()
            )
            for due in DUES
        )
    ).subquery()
    totals = select(waiting.c.place, func.count().label("total")).group_by(waiting.c.place).subquery()
    rows = db.session.execute(
        select(Followup, totals.c.place, totals.c.total)
        .join(firsts, firsts.c.followup_id == Followup.followup_id)
        .join(totals, totals.c.place == firsts.c.place)
        .order_by(firsts.c.is_other, firsts.c.due_at, firsts.c.followup_id)
    ).all()
    counts = {place: total for _, place, total in rows}
    items = _as_items([(task, place) for task, place, _ in rows], now)
    return [
        BoardColumn(due, counts.get(due, 0), [item for item in items if item.section == due]) for due in DUES
    ]


def list_assignees(reader: User, chosen: FollowupFilter, now: datetime) -> list[tuple[int, str]]:
    """(id, name) of whom a list may be narrowed to, by name: everybody who has a task there that is not closed and the
    reader may know of. In an area wider than a county they would be thousands: only who is chosen.
    """
    codes = [chosen.area] if chosen.area else reader.area_codes(now)
    if is_wide(codes):
        return list(users.get_display_names([chosen.assignee] if chosen.assignee else []).items())
    ids = db.session.scalars(
        select(Followup.assignee_id)
        .where(
            *readable(reader, now),
            IS_ACTIVE,
            Followup.assignee_id.is_not(None),
            scope.within(Followup.area_code, codes),
        )
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


def readable(reader: User, now: datetime) -> list[ColumnElement[bool]]:
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


def count_by_area(reader: User, digits: int, now: datetime) -> dict[str, TaskCounts]:
    """By the first `digits` of the grid's code, the tasks the reader may know of: those that wait for them, and the late."""
    area = func.substr(Followup.area_code, 1, digits)
    rows = db.session.execute(
        select(area, *(func.count().filter(which) for which in (_waits_for(reader, now), _is_late(now))))
        .where(*readable(reader, now), IS_ACTIVE)
        .group_by(area)
    )
    return {code: TaskCounts(needs, late) for code, needs, late in rows}


def _waits_for(reader: User, now: datetime) -> ColumnElement[bool]:
    return _needs(reader.id) if reader.role == SUPERVISOR else _climbed(reader, now)


def _is_late(now: datetime) -> ColumnElement[bool]:
    return and_(IS_WAITING, Followup.due_at < now)


def list_conditions(chosen: FollowupFilter, reader: User, now: datetime) -> list[ColumnElement[bool]]:
    """What a choice asks of a task."""
    conditions: list[ColumnElement[bool]] = []
    if chosen.view in {"closed", "active"}:
        conditions.append(Followup.state.in_(CLOSED) if chosen.view == "closed" else IS_ACTIVE)
    elif chosen.view == "verified":
        conditions.append(Followup.state == "verified")
    elif chosen.view == "needs":
        conditions += [IS_ACTIVE, _waits_for(reader, now)]
    elif chosen.view == "late":
        conditions.append(_is_late(now))
    elif chosen.view == "waiting":
        conditions.append(IS_WAITING)
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
    if chosen.due:
        conditions += [IS_WAITING, _due_column(now) == chosen.due]
    return conditions


def _due_column(now: datetime) -> ColumnElement[str]:
    """In which of DUES a task stands; weeks are seven days from today on, as of visits."""
    tomorrow = clock.midnight(clock.local_date(now) + timedelta(days=1))
    # All at once: asked of each task by itself, it would take longer than all else.
    outside = select(Referral.followup_id).where(IS_REFERRED)
    return case(
        (Followup.followup_id.in_(outside), "outside"),
        (Followup.due_at < now, "late"),
        (Followup.due_at < tomorrow, "today"),
        (Followup.due_at < tomorrow + timedelta(days=WEEK_DAYS - 1), "week"),
        else_="later",
    )


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
    return and_(IS_WAITING, Followup.climbed_to.in_(levels))


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
