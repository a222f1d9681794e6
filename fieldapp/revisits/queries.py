"""Reads of re-visits: those of an area, one with the difference, and the policy under which they are drawn.

Invariant: who may not know of the task finds no re-visit either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from fieldapp.checklists import queries as checklists, rules as evaluation
from fieldapp.checklists.markup import plain
from fieldapp.checklists.reading import Line, read_answers
from fieldapp.core import clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, SUPERVISOR
from fieldapp.core.web import pick_text
from fieldapp.followups import queries as followups
from fieldapp.followups.models import Followup, FollowupEvent, Incident
from fieldapp.people import queries as people
from fieldapp.revisits import rules
from fieldapp.revisits.models import Revisit, RevisitPolicy
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit

PAGE_ROWS = 50
VIEWS = ("waiting", "under_way", "settled")


@dataclass(frozen=True)
class Chosen:
    """Which re-visits the list shows."""

    view: str = "waiting"
    finding: str = ""
    area: str = ""

    def as_query(self) -> dict[str, str]:
        """The part of an address that repeats this choice; empty for the plain list."""
        view = self.view if self.view != "waiting" else ""
        named = {"view": view, "finding": self.finding, "area": self.area}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class Row:
    """A re-visit as a row of the list."""

    revisit: Revisit
    task: Followup
    household_name: str
    visited_at: datetime
    grid_code: str


@dataclass(frozen=True)
class Comparison:
    """A re-visit beside its visit."""

    revisit: Revisit
    task: Followup
    reported_at: datetime | None = None
    pairs: list[rules.Pair] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    words: str = ""  # of a result that was told, not filled in
    names: dict[int, str] = field(default_factory=dict)


def get_revisit(followup_id: str, reader: User, now: datetime) -> Revisit:
    """The re-visit when the reader may know of its task; raises not_found."""
    followups.get_followup(followup_id, reader, now)
    revisit = db.session.get(Revisit, followup_id)
    if revisit is None:
        raise AppError("not_found")
    return revisit


def find_of_visit(visit_uuid: str) -> Revisit | None:
    """The re-visit of a visit, or None."""
    return db.session.scalar(select(Revisit).where(Revisit.visit_uuid == visit_uuid))


@dataclass(frozen=True)
class TasksOfVisit:
    """The tasks a visit led to of which the reader may know, oldest first; of its re-visit what there is."""

    tasks: list[Followup]
    revisit: Revisit | None = None
    report: FollowupEvent | None = None  # the last one of the re-visit


def list_of_visit(visit: Visit, reader: User, now: datetime) -> TasksOfVisit:
    """What a visit's page shows of the tasks it led to, by one statement."""
    reported = aliased(FollowupEvent)
    last = (
        select(func.max(reported.id))
        .where(reported.followup_id == Revisit.followup_id, reported.step == "reported")
        .correlate(Revisit)
        .scalar_subquery()
    )
    rows = [
        row
        for row in db.session.execute(
            select(Followup, Revisit, FollowupEvent)
            .outerjoin(Revisit, Revisit.followup_id == Followup.followup_id)
            .outerjoin(FollowupEvent, FollowupEvent.id == last)
            .where(Followup.visit_uuid == visit.visit_uuid)
            .order_by(Followup.created_at)
        )
        if followups.may_read(row[0], reader, now)
    ]
    looked_at = next((row for row in rows if row[1] is not None), None)
    return TasksOfVisit([row[0] for row in rows], *(looked_at[1:] if looked_at else ()))


def can_ask(reader: User, visit: Visit, looked_at: Revisit | None) -> bool:
    """Whether the reader, who may see the visit, may ask for somebody to look at it again."""
    return (
        reader.role in (OFFICER, SUPERVISOR)
        and visit.household_uuid is not None
        and visit.state != "voided"
        and looked_at is None
    )


def list_named(revisit: Revisit, task: Followup, visit: Visit) -> set[int]:
    """The accounts that a comparison names."""
    ids = (task.assignee_id, task.entered_by_id, visit.worker_id, revisit.decided_by_id)
    return {id_ for id_ in ids if id_ is not None}


def view(
    revisit: Revisit, task: Followup, visit: Visit, report: FollowupEvent | None, names: dict[int, str]
) -> Comparison:
    """A re-visit beside its visit, in the language of whoever reads it; `names` of accounts."""
    if report is None:
        return Comparison(revisit, task, names=names)
    pairs, hints = compare(visit, report)
    said = [plain(pick_text(hint)) for hint in hints]
    return Comparison(revisit, task, report.at, pairs, said, report.text or "", names)


def compare(visit: Visit, report: FollowupEvent) -> tuple[list[rules.Pair], list[Any]]:
    """The questions that both ask, and what the re-visit's checklist itself flags, as texts by language."""
    if report.answers is None or report.checklist_key is None:
        return [], []
    version = checklists.find_version(report.checklist_key, report.checklist_version or "")
    revision = visits.get_revision(visit)
    first = checklists.find_version(revision.checklist_key, revision.checklist_version)
    if version is None or first is None:
        return [], []
    context = {"today": clock.local_date(report.at).isoformat(), "now": clock.iso(report.at)}
    verdict = evaluation.evaluate(
        version.document, report.answers, {**context, "language": "zh", "username": ""}
    )
    then = _answers(read_answers(first.document, revision.answers))
    again = _answers(read_answers(version.document, report.answers))
    return rules.pair_answers(then, again), [flag["text"] for flag in verdict.flags]


def _answers(lines: Sequence[Line]) -> list[rules.Answer]:
    return [
        rules.Answer(line.key, line.label, line.raw, line.value)
        for line in lines
        if line.kind == "answer" and not line.attachments
    ]


def list_revisits(reader: User, chosen: Chosen, now: datetime, page: int = 1) -> tuple[list[Row], bool]:
    """A page of the chosen re-visits, the latest first, and whether there is more."""
    rows = db.session.execute(
        select(Revisit, Followup, Visit.finished_at)
        .join(Followup, Followup.followup_id == Revisit.followup_id)
        .join(Visit, Visit.visit_uuid == Revisit.visit_uuid)
        .where(*followups.readable(reader, now), *_conditions(chosen))
        .order_by(Revisit.made_at.desc(), Revisit.followup_id)
        .offset((page - 1) * PAGE_ROWS)
        .limit(PAGE_ROWS + 1)
    ).all()
    names = followups.get_household_names(row[0].household_uuid for row in rows)
    shown = [
        Row(revisit, task, names.get(revisit.household_uuid, ""), visited_at, revisit.area_code)
        for revisit, task, visited_at in rows[:PAGE_ROWS]
    ]
    return shown, len(rows) > PAGE_ROWS


def _conditions(chosen: Chosen) -> list[ColumnElement[bool]]:
    states = {"waiting": ("done", "refused"), "under_way": ("open",), "settled": ("verified", "cancelled")}
    conditions: list[ColumnElement[bool]] = [Followup.state.in_(states[chosen.view])]
    if chosen.view != "settled":
        conditions.append(followups.IS_ACTIVE)
    if chosen.finding:
        conditions.append(Revisit.finding == chosen.finding)
    if chosen.area:
        conditions.append(scope.within(Revisit.area_code, [chosen.area]))
    return conditions


def was_looked_at(household_uuid: str, since: datetime) -> bool:
    """Whether a visit to the household was drawn or asked for since then."""
    found = select(Revisit.followup_id).where(
        Revisit.household_uuid.in_(people.list_same(household_uuid)), Revisit.made_at > since
    )
    return db.session.scalar(found.limit(1)) is not None


def is_of_abuse(visit_uuid: str) -> bool:
    """Whether a visit raised suspected abuse: then its re-visit is hidden from near relatives too."""
    alarm = select(Incident.id).where(Incident.visit_uuid == visit_uuid, Incident.is_abuse)
    task = select(Followup.followup_id).where(Followup.visit_uuid == visit_uuid, Followup.is_abuse)
    return any(db.session.scalar(found.limit(1)) is not None for found in (alarm, task))


def quiet_since(policy: RevisitPolicy, now: datetime) -> datetime:
    """From when on a household that was looked at is left in peace."""
    return now - timedelta(days=policy.quiet_days)
