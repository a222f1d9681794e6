"""The records behind a number of the report, within what the reader may see.

Invariant: a number and the list it opens are narrowed by the same week, area and column.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, cast, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from fieldapp.aid.models import Aid
from fieldapp.aid.rules import MONEY_COLUMNS
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups import queries as followups
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.followups.rules import REVISIT_TYPE
from fieldapp.people.models import Admission, Household, Person
from fieldapp.people.rules import COUNTS_AS_CONTACT
from fieldapp.relief import queries as relief
from fieldapp.relief.counting import CHANNEL_COLUMNS
from fieldapp.relief.models import ReliefCase
from fieldapp.reviews import queries as reviews
from fieldapp.rollups import queries as rollups
from fieldapp.rollups.columns import CLASS_COLUMNS, METHOD_COLUMNS, PROBLEMS, TAG_COLUMNS
from fieldapp.rollups.queries import Cell
from fieldapp.screenings.models import Screening, ScreeningRow
from fieldapp.users.models import User
from fieldapp.visits.models import Visit, VisitPerson

PAGE_ROWS = 50
# So far the records behind a number are counted: behind the year of a province stand millions.
MOST_COUNTED = 200
# In most figures these hold enough.
_RECENT = timedelta(weeks=8)
# How many times as many people as visits are wanted must have been counted in the weeks that are looked through first.
_AMPLE = 4
# Where no more were counted, counties are looked through in their weeks rather than all of them in all.
_FEW = 500
# In so few weeks and counties aid of a kind was counted that no others are looked through.
_FEW_CELLS = 100
VISIT, TASK, AID, PERSON, CASE = "visit", "task", "aid", "person", "case"
OF_TASKS = frozenset({*PROBLEMS, "open", "hotline", "hotline_closed", "referrals", "temporary_care"})
# Of what has come to its end: with which steps.
ENDS = {"unfounded": ("cancelled",), "hotline_closed": ("verified", "cancelled")}
# How a case of relief came: by the column it counts in.
COLUMN_CHANNELS = {column: channel for channel, column in CHANNEL_COLUMNS.items()}
_OF_EVERY_VISIT = ("households", "persons", "contacts", "staff")
OF_VISITS = frozenset({*_OF_EVERY_VISIT, *METHOD_COLUMNS, *CLASS_COLUMNS, *TAG_COLUMNS})


@dataclass(frozen=True)
class Behind:
    """A page of the records behind a number, and how many there are: counted up to one more than MOST_COUNTED."""

    kind: str
    rows: list[Any]
    number: int
    has_more: bool


@dataclass(frozen=True)
class Span:
    """An area and the weeks from one to another, by the days they end on; `is_running`: of a running figure."""

    area_code: str
    first: date
    last: date
    is_running: bool


def list_behind(column: str, span: Span, reader: User, page: int, now: datetime) -> Behind:
    """The visits, tasks or aid that a column counts in an area and weeks, the latest first."""
    if column in OF_TASKS:
        return _list_tasks(column, span, reader, page, now)
    if column in OF_VISITS:
        return _list_visits(column, span, reader, page)
    if column.startswith("admitted_"):
        return _list_admitted(column, span, reader, page)
    if column == "screened":
        return _list_screened(span, reader, page)
    if column in COLUMN_CHANNELS:
        return _list_cases(column, span, reader, page, now)
    return _list_aid(column, span, reader, page)


def _list_visits(column: str, span: Span, reader: User, page: int) -> Behind:
    where: list[ColumnElement[bool]] = [
        *_within(Visit.area_code, span, reader),
        Visit.state != "voided",
        Visit.outcome.in_(COUNTS_AS_CONTACT),
    ]
    if hidden := reviews.list_hidden(reader):
        where.append(Visit.visit_uuid.not_in(hidden))
    if column in METHOD_COLUMNS:
        where.append(Visit.method == column.removeprefix("by_"))
    if column in (*CLASS_COLUMNS, *TAG_COLUMNS):
        counts = cast(VisitPerson.counted_as, String).contains(f'"{column}"')
        counted = select(VisitPerson.visit_uuid).where(VisitPerson.visit_uuid == Visit.visit_uuid, counts)
        # Asked of one visit after the other: as `exists` it may become a join with everybody who was ever seen.
        where.append(counted.limit(1).scalar_subquery().is_not(None))
    shown = page * PAGE_ROWS + 1
    counted_in = "households" if column in _OF_EVERY_VISIT else column
    ample = _AMPLE * max(shown, MOST_COUNTED + 1)
    # The newest weeks first: where they hold enough, nobody needs to know what all the others do.
    for first in dict.fromkeys((max(span.first, span.last - _RECENT), span.first)):
        cells = rollups.list_cells(span.area_code, counted_in, first, span.last)
        narrowed = [*where, *_within_cells(cells if first == span.first else _choose_cells(cells, ample))]
        rows = _read_visits(narrowed, page)
        number = _count(select(Visit.visit_uuid).where(*narrowed))
        if number > MOST_COUNTED and len(rows) > PAGE_ROWS:
            break
    seen = _list_seen([visit.visit_uuid for visit, _ in rows[:PAGE_ROWS]], column)
    return Behind(
        VISIT,
        [(visit, name, seen.get(visit.visit_uuid, [])) for visit, name in rows[:PAGE_ROWS]],
        number,
        len(rows) > PAGE_ROWS,
    )


def _read_visits(where: list[ColumnElement[bool]], page: int) -> list[tuple[Visit, str]]:
    """A page of those visits and one more, the latest first, with the names of their households."""
    named = select(Visit, Household.name).join(Household, Visit.household_uuid == Household.household_uuid)
    rows = db.session.execute(
        named.where(*where)
        .order_by(Visit.week_on.desc(), Visit.finished_at.desc(), Visit.visit_uuid.desc())
        .offset((page - 1) * PAGE_ROWS)
        .limit(PAGE_ROWS + 1)
    )
    return [(row[0], row[1]) for row in rows]


def _choose_cells(cells: list[Cell], number: int) -> list[Cell]:
    """Of the counts by week and area, the newest weeks first, those weeks that hold so many."""
    held, last = 0, len(cells)
    for place, (week_on, _, count) in enumerate(cells):
        if held >= number and week_on != cells[place - 1][0]:
            last = place
            break
        held += count
    return cells[:last]


def _within_cells(cells: list[Cell]) -> list[ColumnElement[bool]]:
    """The weeks and, where few were counted, the areas in which they were: no other is looked through."""
    if not cells:
        return [false()]
    if sum(count for _, _, count in cells) > _FEW:
        return [Visit.week_on.between(cells[-1][0], cells[0][0])]
    return [_within_each(Visit, cells)]


def _within_each(model: type[Visit] | type[Aid], cells: list[Cell]) -> ColumnElement[bool]:
    areas: dict[date, list[str]] = {}
    for week_on, code, _ in cells:
        areas.setdefault(week_on, []).append(code)
    return or_(
        false(),
        *(and_(model.week_on == week, scope.within(model.area_code, codes)) for week, codes in areas.items()),
    )


def _count(records: Select[Any]) -> int:
    """How many there are, at most one more than MOST_COUNTED."""
    counted = records.limit(MOST_COUNTED + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(counted)) or 0


def _list_seen(visit_uuids: Iterable[str], column: str) -> dict[str, list[str]]:
    """By visit, the names of those seen who count in the column."""
    seen: dict[str, list[str]] = {}
    rows = db.session.execute(
        select(VisitPerson.visit_uuid, VisitPerson.counted_as, Person.name)
        .join(Person, VisitPerson.person_uuid == Person.person_uuid)
        .where(VisitPerson.visit_uuid.in_(list(visit_uuids)))
        .order_by(VisitPerson.position)
    )
    for visit_uuid, counted_as, name in rows:
        if column not in (*CLASS_COLUMNS, *TAG_COLUMNS) or column in counted_as:
            seen.setdefault(visit_uuid, []).append(name)
    return seen


def _list_tasks(column: str, span: Span, reader: User, page: int, now: datetime) -> Behind:
    begins_at, ends_at = _instants(span)
    where: list[ColumnElement[bool]] = [
        *_within(Followup.found_in, span, reader),
        *followups.readable(reader, now),
        Followup.type != REVISIT_TYPE,
    ]
    in_span = Followup.created_at >= begins_at, Followup.created_at < ends_at
    taken_back: ColumnElement[bool] = false()
    at: InstrumentedAttribute[datetime] = Followup.created_at
    if column == "found" and span.is_running:
        # What was open when the running count began is found anew in it.
        open_before = _is_open_at(begins_at)
        where += [Followup.created_at < ends_at, or_(Followup.created_at >= begins_at, open_before)]
    elif column in ("found", "hotline"):
        where.append(and_(*in_span))
    elif column == "open":
        where += [Followup.created_at < ends_at, _is_open_at(ends_at)]
    elif column == "referrals":
        # Each time a task is referred counts, and has a row of its own.
        at = FollowupEvent.at
        where += [
            FollowupEvent.followup_id == Followup.followup_id,
            FollowupEvent.step == "referred",
            at >= begins_at,
            at < ends_at,
        ]
    else:
        # What came to its end, and what had come to it and was opened again: that is taken off the number.
        ends = ENDS.get(column, ("verified",))
        before, after = (_last_step(at).in_(ends) for at in (begins_at, ends_at))
        taken_back = and_(before, ~after)
        where += [
            Followup.created_at < ends_at,
            or_(Followup.closed_at.is_(None), Followup.closed_at >= begins_at),
            or_(taken_back, and_(~before, after)),
        ]
    if column.startswith("hotline"):
        where.append(Followup.source == "hotline")
    if column == "temporary_care":
        where.append(Followup.type == "temporary_care")
    rows = db.session.execute(
        select(Followup, taken_back, at)
        .where(*where)
        .order_by(at.desc(), Followup.followup_id)
        .offset((page - 1) * PAGE_ROWS)
        .limit(PAGE_ROWS + 1)
    ).all()
    number = _count(select(Followup.followup_id).where(*where))
    names = followups.get_household_names(task.household_uuid for task, *_ in rows)
    placed = [
        (task, names.get(task.household_uuid or "", ""), bool(is_back), when)
        for task, is_back, when in rows[:PAGE_ROWS]
    ]
    return Behind(TASK, placed, number, len(rows) > PAGE_ROWS)


def _last_step(before: datetime) -> ColumnElement[str]:
    """The last step before an instant with which a task ended or was opened again; empty: neither ever happened."""
    last = (
        select(FollowupEvent.step)
        .where(
            FollowupEvent.followup_id == Followup.followup_id,
            FollowupEvent.at < before,
            FollowupEvent.step.in_(("verified", "cancelled", "reopened")),
        )
        .order_by(FollowupEvent.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(last, "")


def _is_open_at(instant: datetime) -> ColumnElement[bool]:
    """Whether a task that was there was open then: what is open now may have been closed meanwhile."""
    not_closed_since = or_(Followup.closed_at.is_(None), Followup.closed_at >= instant)
    return and_(not_closed_since, _last_step(instant).not_in(("verified", "cancelled")))


def _list_admitted(column: str, span: Span, reader: User, page: int) -> Behind:
    where = [
        *_within(Admission.grid_code, span, reader),
        Admission.week_on.between(span.first, span.last),
        Admission.scheme == ("dibao" if "dibao" in column else "destitute"),
    ]
    if column.endswith("households"):
        where.append(Admission.is_first.is_(True))
    what = select(Admission.household_uuid, Person.name, Household.name, Admission.admitted_at)
    people = what.join(Person, Admission.person_uuid == Person.person_uuid).join(
        Household, Admission.household_uuid == Household.household_uuid
    )
    return _page_of(PERSON, people.where(*where).order_by(Admission.admitted_at.desc(), Admission.id), page)


def _list_screened(span: Span, reader: User, page: int) -> Behind:
    where = [
        *_within(ScreeningRow.grid_code, span, reader),
        ScreeningRow.week_on.between(span.first, span.last),
    ]
    what = select(Person.household_uuid, Person.name, Screening.name, Screening.made_at)
    people = what.join(ScreeningRow, ScreeningRow.person_uuid == Person.person_uuid).join(
        Screening, ScreeningRow.screening_id == Screening.screening_id
    )
    order = Screening.made_at.desc(), ScreeningRow.screening_id, ScreeningRow.number
    return _page_of(PERSON, people.where(*where).order_by(*order), page)


def _list_cases(column: str, span: Span, reader: User, page: int, now: datetime) -> Behind:
    begins_at, ends_at = _instants(span)
    cases = select(ReliefCase.case_id, ReliefCase.applicant_name, ReliefCase.state, ReliefCase.received_at)
    where = [
        scope.within(ReliefCase.area_code, [span.area_code]),
        *relief.readable(reader, now),
        ReliefCase.channel == COLUMN_CHANNELS[column],
        ReliefCase.received_at >= begins_at,
        ReliefCase.received_at < ends_at,
    ]
    return _page_of(
        CASE, cases.where(*where).order_by(ReliefCase.received_at.desc(), ReliefCase.case_id), page
    )


def _page_of(kind: str, rows: Select[Any, Any, Any, Any], page: int) -> Behind:
    number = _count(rows.order_by(None))
    found = db.session.execute(rows.offset((page - 1) * PAGE_ROWS).limit(PAGE_ROWS + 1)).all()
    return Behind(kind, [tuple(row) for row in found[:PAGE_ROWS]], number, len(found) > PAGE_ROWS)


def _instants(span: Span) -> tuple[datetime, datetime]:
    first, last = rollups.find_week(span.first), rollups.find_week(span.last)
    if first is None or last is None:
        raise AppError("not_found")
    return first.begins_at, last.ends_at


def _list_aid(column: str, span: Span, reader: User, page: int) -> Behind:
    names = [f"money_{kind}" for kind in MONEY_COLUMNS] if column == "money" else [column]
    # Asked of each entry, in the order of the index: a search in the text is expected to find next to none of them.
    wanted = or_(*(Aid.counted[name].as_string().is_not(None) for name in names))
    where = [*_within(Aid.area_code, span, reader), Aid.week_on.between(span.first, span.last), wanted]
    if not column.startswith("money"):
        cells = rollups.list_cells(span.area_code, column, span.first, span.last)
        # What is given more seldom than money would be looked for among all of it: it is read where it is counted.
        if len(cells) <= _FEW_CELLS:
            where.append(_within_each(Aid, cells))
    order = Aid.week_on.desc(), Aid.given_on.desc(), Aid.aid_uuid.desc()
    rows = db.session.execute(
        select(Aid, Household.name)
        .outerjoin(Household, Aid.household_uuid == Household.household_uuid)
        .where(*where)
        .order_by(*order)
        .offset((page - 1) * PAGE_ROWS)
        .limit(PAGE_ROWS + 1)
    ).all()
    # In order too: so it is not all of the aid that is gone through.
    number = _count(select(Aid.aid_uuid).where(*where).order_by(*order))
    return Behind(AID, [tuple(row) for row in rows[:PAGE_ROWS]], number, len(rows) > PAGE_ROWS)


def _within(column: Any, span: Span, reader: User) -> list[ColumnElement[bool]]:
    return [scope.within(column, [span.area_code]), scope.within(column, reader.area_codes())]
