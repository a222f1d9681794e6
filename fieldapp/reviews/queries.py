"""Reads for reviewing: the queue in its order, the flags and decisions of a visit.

Invariant: the queue's order is total (severity, then longest waiting, then uuid), so that next and previous agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, case, func, select, tuple_
from sqlalchemy.orm import aliased

from fieldapp.core import clock, scope
from fieldapp.core.db import Instant, UuidText, db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import LEADER, OFFICER, SUPERVISOR
from fieldapp.core.severity import SEVERITIES
from fieldapp.core.storage import Attachment, AttachmentUse
from fieldapp.followups import queries as followups
from fieldapp.people import relatives
from fieldapp.people.models import Household
from fieldapp.reviews.models import Flag, Review, ReviewClaim
from fieldapp.reviews.rules import CLAIM_LASTS
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit, VisitRevision

PAGE_ROWS = 50
# Queues by what a reader asks for; visits of all states are in "all".
QUEUES: dict[str, tuple[str, ...]] = {
    "waiting": ("submitted",),
    "returned": ("returned",),
    "all": ("submitted", "returned", "approved", "voided"),
}
# Why a clean visit waits for a reviewer although there is nothing to see in it; such may be approved unopened.
CLEAN = ("listed", "off")
LOOKS = ("clean", "drawn")
_RANK = case(
    {severity: rank for rank, severity in enumerate(SEVERITIES)}, value=Visit.severity, else_=len(SEVERITIES)
)


@dataclass(frozen=True)
class QueueFilter:
    """Which visits the queue shows."""

    queue: str = "waiting"
    severity: str = ""
    area: str = ""
    checklist: str = ""
    look: str = ""  # clean: nothing to see in them; drawn: for review, out of the clean ones
    photos: str = ""  # "with": those with photos or other attachments
    # Not for this reader, whatever is chosen.
    hidden: tuple[str, ...] = ()

    @property
    def is_narrowed(self) -> bool:
        """Whether it is narrower than its queue."""
        return bool(self.severity or self.area or self.checklist or self.look or self.photos)

    def as_query(self) -> dict[str, Any]:
        """The part of an address that repeats this choice; empty for the plain queue."""
        chosen = {
            "queue": self.queue if self.queue != "waiting" else "",
            "severity": self.severity,
            "area": self.area,
            "checklist": self.checklist,
            "look": self.look,
            "photos": self.photos,
        }
        return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True)
class QueueItem:
    """A visit as a row of the queue."""

    visit: Visit
    household_name: str
    worker_name: str
    entered_by_name: str  # 代录: who typed it for the worker
    flag_text: Any  # {zh, en} of its worst flag, or None
    attachments_received: int
    attachments_expected: int
    claimed_by: str  # who is looking at it just now


@dataclass(frozen=True)
class Waiting:
    """How much waits for a reviewer."""

    total: int
    by_severity: dict[str, int]
    oldest_at: datetime | None


def count_waiting(area_codes: Sequence[str]) -> Waiting:
    """The visits waiting for review in those areas, by severity ("" for none)."""
    rows = db.session.execute(
        select(Visit.severity, func.count(), func.min(Visit.received_at))
        .where(Visit.state == "submitted", scope.within(Visit.area_code, area_codes))
        .group_by(Visit.severity)
    ).all()
    by_severity = {severity or "": count for severity, count, _ in rows}
    return Waiting(
        sum(by_severity.values()), by_severity, min((oldest for _, _, oldest in rows), default=None)
    )


def count_queue(area_codes: Sequence[str], chosen: QueueFilter) -> int:
    """How many visits the chosen queue holds."""
    return (
        db.session.scalar(select(func.count()).select_from(Visit).where(*_conditions(area_codes, chosen)))
        or 0
    )


def list_queue(
    area_codes: Sequence[str], chosen: QueueFilter, reader_id: int, page: int = 1
) -> tuple[list[QueueItem], bool]:
    """A page of the chosen queue, and whether there is more after it."""
    visits = list(
        db.session.scalars(
            _ordered(select(Visit).where(*_conditions(area_codes, chosen)))
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return _as_items(visits[:PAGE_ROWS], reader_id), len(visits) > PAGE_ROWS


@dataclass(frozen=True)
class Position:
    """Where a visit stands (or would stand) in a queue: the page, and the visits before and after it by uuid."""

    page: int
    previous_uuid: str | None
    next_uuid: str | None


def find_position(visit: Visit, area_codes: Sequence[str], chosen: QueueFilter) -> Position:
    """Where `visit` stands in the chosen queue."""
    conditions = _conditions(area_codes, chosen)
    is_before, is_after = _order() < _place_of(visit), _order() > _place_of(visit)
    earlier = select(Visit.visit_uuid).where(*conditions, is_before)
    before, previous_uuid, next_uuid = db.session.execute(
        select(
            select(func.count()).select_from(Visit).where(*conditions, is_before).scalar_subquery(),
            earlier.order_by(_RANK.desc(), Visit.received_at.desc(), Visit.visit_uuid.desc())
            .limit(1)
            .scalar_subquery(),
            _ordered(select(Visit.visit_uuid).where(*conditions, is_after)).limit(1).scalar_subquery(),
        )
    ).one()
    return Position(before // PAGE_ROWS + 1, previous_uuid, next_uuid)


def find_following(
    visit: Visit, reader_id: int, area_codes: Sequence[str], chosen: QueueFilter, now: datetime
) -> str | None:
    """Uuid of the visit to open when this one is decided: the next of the chosen queue that nobody else is looking at,
    and at the end of the queue what was skipped on the way, or None. Of the red ones none is left out.
    """
    taken = select(ReviewClaim.visit_uuid).where(
        ReviewClaim.user_id != reader_id, ReviewClaim.claimed_at > now - CLAIM_LASTS
    )
    free = select(Visit.visit_uuid).where(
        *_conditions(area_codes, chosen),
        Visit.visit_uuid != visit.visit_uuid,
        (Visit.severity == SEVERITIES[0]) | Visit.visit_uuid.not_in(taken),
    )
    after = db.session.scalar(_ordered(free.where(_order() > _place_of(visit))).limit(1))
    if after is None and chosen.queue == "waiting":
        after = db.session.scalar(_ordered(free).limit(1))
    return after


def find_first(area_codes: Sequence[str], chosen: QueueFilter) -> str | None:
    """Uuid of the first visit of the chosen queue, or None when it is empty."""
    return db.session.scalar(
        _ordered(select(Visit.visit_uuid).where(*_conditions(area_codes, chosen))).limit(1)
    )


def list_household_names(visit_uuids: Iterable[str], reader: User) -> dict[str, str]:
    """The names of the households of those visits, where the reader may know of them, by the visits' uuids."""
    rows = db.session.execute(
        select(Visit.visit_uuid, Household.name)
        .join(Household, Household.household_uuid == Visit.household_uuid)
        .where(
            Visit.visit_uuid.in_(list(visit_uuids)),
            Visit.visit_uuid.not_in(list_hidden(reader)),
            scope.within(Visit.area_code, reader.area_codes()),
        )
    )
    return {row[0]: row[1] for row in rows}


def list_flags(visit_uuids: Iterable[str]) -> list[Flag]:
    """The flags of those visits, worst first."""
    rank = case({severity: rank for rank, severity in enumerate(SEVERITIES)}, value=Flag.severity)
    return list(
        db.session.scalars(select(Flag).where(Flag.visit_uuid.in_(list(visit_uuids))).order_by(rank, Flag.id))
    )


def get_flag(flag_id: int, area_codes: Sequence[str]) -> Flag:
    """The flag when it is in scope; raises not_found."""
    flag = db.session.get(Flag, flag_id)
    if flag is None or not scope.covers(area_codes, flag.area_code):
        raise AppError("not_found")
    return flag


def list_reviewers(visit: Visit, now: datetime) -> list[User]:
    """Who decides on a visit: the supervisors of its grid; on one typed at the desk not who typed it (four eyes), so where
    that is the only one, the leader and the officers.
    """
    others = [
        user
        for user in users.list_users_covering(visit.area_code, [SUPERVISOR], now)
        if user.id != visit.entered_by
    ]
    if others or visit.entered_by is None:
        return others
    return users.list_users_covering(visit.area_code, [LEADER, OFFICER], now)


def can_review(reader: User, visit: Visit, now: datetime) -> bool:
    """Whether a reader, in whose areas the visit is, may decide on it."""
    if visit.entered_by is None:
        return reader.role == SUPERVISOR
    return any(user.id == reader.id for user in list_reviewers(visit, now))


def check_reviewer(reader: User, visit: Visit, now: datetime) -> None:
    """Raise own_entry or wrong_role for a reader who may not decide on the visit."""
    if not can_review(reader, visit, now):
        raise AppError("own_entry" if visit.entered_by == reader.id else "wrong_role")


def get_visit(visit_uuid: str, reader: User, now: datetime) -> Visit:
    """The visit when the reader may know of it; raises not_found."""
    visit = visits.get_visit(visit_uuid, reader.area_codes(now))
    if visit_uuid in list_hidden(reader):
        raise AppError("not_found")
    return visit


def list_hidden(reader: User) -> tuple[str, ...]:
    """The visits of which the reader must not know: to their near relatives, where abuse is suspected."""
    households = relatives.list_households_of_relatives(reader.id)
    if not households:
        return ()
    flags = db.session.execute(
        select(Flag.visit_uuid, Flag.followup_type, Flag.question)
        .join(Visit, Visit.visit_uuid == Flag.visit_uuid)
        .where(Visit.household_uuid.in_(households))
    )
    return tuple({visit_uuid for visit_uuid, type_, question in flags if followups.is_abuse(type_, question)})


def list_waiting_for(sha256: str) -> list[str]:
    """Uuids of the visits that wait for nothing but attachments, this one among them."""
    naming = db.session.scalars(
        select(AttachmentUse.uuid)
        .where(AttachmentUse.sha256 == sha256, AttachmentUse.kind == "visit")
        .distinct()
    )
    return list(
        db.session.scalars(
            select(Visit.visit_uuid)
            .where(
                Visit.visit_uuid.in_(naming.all()),
                Visit.state == "submitted",
                Visit.review_cause == "photos",
            )
            .order_by(Visit.visit_uuid)
        )
    )


def was_decided_by_person(visit_uuid: str) -> bool:
    """Whether somebody has decided on a visit before, in whatever revision."""
    decided = select(Review.id).where(Review.visit_uuid == visit_uuid, Review.reviewer_id.is_not(None))
    return db.session.scalar(decided.limit(1)) is not None


def find_claim(visit: Visit, now: datetime) -> ReviewClaim | None:
    """Who is looking at a visit just now, or None."""
    claim = db.session.get(ReviewClaim, visit.visit_uuid, populate_existing=True)
    return claim if claim is not None and claim.claimed_at > now - CLAIM_LASTS else None


def list_reviews(visit_uuid: str) -> list[Review]:
    """The decisions on a visit, oldest first."""
    return list(
        db.session.scalars(
            select(Review).where(Review.visit_uuid == visit_uuid).order_by(Review.decided_at, Review.id)
        )
    )


def _conditions(area_codes: Sequence[str], chosen: QueueFilter) -> list[ColumnElement[bool]]:
    conditions = [Visit.state.in_(QUEUES[chosen.queue]), scope.within(Visit.area_code, area_codes)]
    if chosen.hidden:
        conditions.append(Visit.visit_uuid.not_in(chosen.hidden))
    if chosen.area:
        conditions.append(scope.within(Visit.area_code, [chosen.area]))
    if chosen.severity:
        conditions.append(Visit.severity == chosen.severity)
    if chosen.checklist:
        conditions.append(
            Visit.revisions.any(
                (VisitRevision.revision == Visit.revision) & (VisitRevision.checklist_key == chosen.checklist)
            )
        )
    if chosen.look == "clean":
        # Empty: received before policies were asked; whether it is clean is seen when it is approved.
        conditions += [
            Visit.severity.is_(None),
            Visit.review_cause.in_(CLEAN) | Visit.review_cause.is_(None),
        ]
    if chosen.look == "drawn":
        conditions.append(Visit.review_cause == "drawn")
    if chosen.photos:
        conditions.append(Visit.attachment_count > 0)
    return conditions


def _order() -> Any:
    return tuple_(_RANK, Visit.received_at, Visit.visit_uuid)


def _place_of(visit: Visit) -> Any:
    rank = SEVERITIES.index(visit.severity) if visit.severity else len(SEVERITIES)
    return tuple_(rank, visit.received_at, visit.visit_uuid, types=[Integer(), Instant(), UuidText])


def _ordered(statement: Select[Any]) -> Select[Any]:
    return statement.order_by(_RANK, Visit.received_at, Visit.visit_uuid)


def _as_items(visits: list[Visit], reader_id: int) -> list[QueueItem]:
    uuids = [visit.visit_uuid for visit in visits]
    worst: dict[str, Any] = {}
    for flag in list_flags(visit.visit_uuid for visit in visits if visit.severity):
        if flag.state != "dismissed":
            worst.setdefault(flag.visit_uuid, flag.text)
    names = _list_names(uuids, reader_id)
    attachments = _count_attachments([visit for visit in visits if visit.attachment_count])
    return [
        QueueItem(
            visit,
            *names[visit.visit_uuid][:3],
            worst.get(visit.visit_uuid),
            *attachments.get(visit.visit_uuid, (0, 0)),
            names[visit.visit_uuid][3],
        )
        for visit in visits
    ]


def _list_names(visit_uuids: list[str], reader_id: int) -> dict[str, tuple[str, str, str, str]]:
    """By uuid of the visit: the names of the household, of the worker, of who typed it, and of who else is looking at it."""
    worker, typist, holder = aliased(User), aliased(User), aliased(User)
    rows = db.session.execute(
        select(
            Visit.visit_uuid,
            Household.name,
            worker.display_name,
            typist.display_name,
            holder.display_name,
        )
        .join(worker, worker.id == Visit.worker_id)
        .outerjoin(Household, Household.household_uuid == Visit.household_uuid)
        .outerjoin(typist, typist.id == Visit.entered_by)
        .outerjoin(
            ReviewClaim,
            (ReviewClaim.visit_uuid == Visit.visit_uuid)
            & (ReviewClaim.user_id != reader_id)
            & (ReviewClaim.claimed_at > clock.now() - CLAIM_LASTS),
        )
        .outerjoin(holder, holder.id == ReviewClaim.user_id)
        .where(Visit.visit_uuid.in_(visit_uuids))
    )
    return {row[0]: (row[1] or "", row[2], row[3] or "", row[4] or "") for row in rows}


def _count_attachments(visits: list[Visit]) -> dict[str, tuple[int, int]]:
    """(received, expected) by visit, of the current revisions."""
    rows = db.session.execute(
        select(
            AttachmentUse.uuid,
            AttachmentUse.revision,
            func.count(func.distinct(Attachment.sha256)),
            func.count(func.distinct(AttachmentUse.sha256)),
        )
        .outerjoin(Attachment, Attachment.sha256 == AttachmentUse.sha256)
        .where(AttachmentUse.kind == "visit", AttachmentUse.uuid.in_([visit.visit_uuid for visit in visits]))
        .group_by(AttachmentUse.uuid, AttachmentUse.revision)
    )
    current = {(visit.visit_uuid, visit.revision) for visit in visits}
    return {
        uuid: (received, expected)
        for uuid, revision, received, expected in rows
        if (uuid, revision) in current
    }
