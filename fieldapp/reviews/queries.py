"""Reads for reviewing: the queue in its order, the flags and decisions of a visit.

Invariant: the queue's order is total (severity, then longest waiting, then uuid), so that next and previous agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    case,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload

from fieldapp.areas.models import Area
from fieldapp.core import clock, scope
from fieldapp.core.db import Instant, UuidText, db, once
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
from fieldapp.visits.models import RANK, WAITS, Visit, VisitRevision

PAGE_ROWS = 50
# Visits of all states; the latest come first, for in no other order could a few be found among years of them.
ALL = "all"
# Queues by what a reader asks for.
QUEUES: dict[str, tuple[str, ...]] = {
    "waiting": ("submitted",),
    "returned": ("returned",),
    ALL: ("submitted", "returned", "approved", "voided"),
}
# Visits of all states are counted so far: there is no end to them, and nobody needs their number.
MOST_COUNTED = 1000
# Of the queue beside an opened visit: how many come before it, and how many from it on.
BEFORE, FROM_ON = 20, 30
# Why a clean visit waits for a reviewer although there is nothing to see in it; such may be approved unopened.
CLEAN = ("listed", "off")
LOOKS = ("clean", "drawn")
_RANK: ColumnElement[int] = literal_column(RANK.replace("severity", "visits.severity"), Integer)
# The visit that was opened, beside those of the queue.
_OPENED = aliased(Visit, name="opened")
_RANK_OF_OPENED: ColumnElement[int] = literal_column(RANK.replace("severity", "opened.severity"), Integer)
# Without a type: SQLite would be asked whether it equals 1, and not find the index.
_WAITS: ColumnElement[Any] = literal_column("visits." + WAITS)


# Keys of visits of which a reader must not know, or what selects them.
Hidden = tuple[str, ...] | Select[str]


@dataclass(frozen=True)
class QueueFilter:
    """Which visits the queue shows."""

    queue: str = "waiting"
    severity: str = ""
    area: str = ""
    checklist: str = ""
    look: str = ""  # clean: nothing to see in them; drawn: for review, out of the clean ones
    photos: str = ""  # "with": those with photos or other attachments
    rule: str = ""  # those with a flag of that rule
    found: str = ""  # … which is open, confirmed or dismissed
    since: date | None = None  # … and was raised on that day or later
    # Not for this reader, whatever is chosen.
    hidden: Hidden = ()
    # Nor this one: somebody is deciding on it.
    left_out: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether it is narrower than its queue."""
        return bool(self.severity or self.area or self.checklist or self.look or self.photos or self.rule)

    def as_query(self) -> dict[str, Any]:
        """The part of an address that repeats this choice; empty for the plain queue."""
        chosen = {
            "queue": self.queue if self.queue != "waiting" else "",
            "severity": self.severity,
            "area": self.area,
            "checklist": self.checklist,
            "look": self.look,
            "photos": self.photos,
            "rule": self.rule,
            "found": self.found if self.rule else "",
            "since": self.since.isoformat() if self.rule and self.since else "",
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


def select_waiting(reader: User, most: int) -> Select[str | None, int]:
    """The visits waiting for review of which the reader may know, by severity (None for none): the worst `most` of them."""
    chosen = QueueFilter(hidden=select_hidden(reader))
    worst = (
        select(Visit.severity)
        .where(*list_conditions(reader.area_codes(), chosen))
        .order_by(_RANK)
        .limit(most)
        .subquery()
    )
    return select(worst.c.severity, func.count()).group_by(worst.c.severity)


def count_queue(area_codes: Sequence[str], chosen: QueueFilter) -> int:
    """How many visits the chosen queue holds; of all states, at most one more than MOST_COUNTED."""
    found = select(Visit.visit_uuid).where(*list_conditions(area_codes, chosen))
    if chosen.queue == ALL:
        found = found.limit(MOST_COUNTED + 1)
    return db.session.scalar(select(func.count()).select_from(found.subquery())) or 0


def list_queue(
    area_codes: Sequence[str], chosen: QueueFilter, reader_id: int, page: int = 1
) -> tuple[list[QueueItem], bool]:
    """A page of the chosen queue, and whether there is more after it."""
    visits = list(
        db.session.scalars(
            _ordered(select(Visit).where(*list_conditions(area_codes, chosen)), chosen)
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return _as_items(visits[:PAGE_ROWS], reader_id), len(visits) > PAGE_ROWS


def list_beside(
    visit: Visit, area_codes: Sequence[str], chosen: QueueFilter, reader_id: int
) -> list[QueueItem]:
    """Of the chosen queue what stands around a visit: some before it, itself where it is in it, and some after it."""
    before, after = _select_beside(area_codes, chosen, _place_of(visit, chosen))
    itself = select(Visit.visit_uuid).where(
        *list_conditions(area_codes, chosen), Visit.visit_uuid == visit.visit_uuid
    )
    near = [before.limit(BEFORE).subquery(), itself.subquery(), after.limit(FROM_ON).subquery()]
    rows = select(Visit).where(Visit.visit_uuid.in_(union_all(*(select(part) for part in near))))
    return _as_items(list(db.session.scalars(_ordered(rows, chosen))), reader_id)


@dataclass(frozen=True)
class OpenedVisit:
    """A visit as it is opened: with its place, its household, the decisions on it (oldest first), who is looking at it just
    now, and the visits before and after it in a queue by uuid.
    """

    visit: Visit
    grid_name: str
    household: Household | None
    reviews: list[Review]
    claim: ReviewClaim | None
    previous_uuid: str | None
    next_uuid: str | None


def open_visit(visit_uuid: str, reader: User, chosen: QueueFilter, now: datetime) -> OpenedVisit:
    """The visit, with its revisions, when the reader may know of it; by one statement. Raises not_found."""
    before, after = _select_beside(reader.area_codes(now), chosen, _order_of_opened(chosen))
    rows = (
        db.session.execute(
            select(
                _OPENED,
                Area.name,
                Household,
                ReviewClaim,
                Review,
                before.limit(1).scalar_subquery(),
                after.limit(1).scalar_subquery(),
                _OPENED.visit_uuid.in_(chosen.hidden),
            )
            .outerjoin(Area, Area.code == _OPENED.area_code)
            .outerjoin(Household, Household.household_uuid == _OPENED.household_uuid)
            .outerjoin(
                ReviewClaim,
                (ReviewClaim.visit_uuid == _OPENED.visit_uuid) & (ReviewClaim.claimed_at > now - CLAIM_LASTS),
            )
            .outerjoin(Review, Review.visit_uuid == _OPENED.visit_uuid)
            .where(_OPENED.visit_uuid == visit_uuid)
            .options(joinedload(_OPENED.revisions))
            .order_by(Review.decided_at, Review.id)
        )
        .unique()
        .all()
    )
    visit, grid_name, household, claim, _, previous_uuid, next_uuid, is_hidden = (
        rows[0] if rows else [None] * 8
    )
    if visit is None or is_hidden or not scope.covers(reader.area_codes(now), visit.area_code):
        raise AppError("not_found")
    reviews = [row[4] for row in rows if row[4] is not None]
    return OpenedVisit(visit, grid_name or "", household, reviews, claim, previous_uuid, next_uuid)


def _select_beside(
    area_codes: Sequence[str], chosen: QueueFilter, place: Any
) -> tuple[Select[str], Select[str]]:
    """The visits of a queue before a place in it, the nearest first, and those after it."""
    found = select(Visit.visit_uuid).where(*list_conditions(area_codes, chosen))
    is_above, is_below = _order(chosen) < place, _order(chosen) > place
    upwards, downwards = (column.desc() for column in _columns(chosen)), _columns(chosen)
    if chosen.queue == ALL:
        upwards, downwards, is_above, is_below = downwards, upwards, is_below, is_above  # type: ignore[assignment]
    return found.where(is_above).order_by(*upwards), found.where(is_below).order_by(*downwards)


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
        *list_conditions(area_codes, chosen),
        Visit.visit_uuid != visit.visit_uuid,
        (Visit.severity == SEVERITIES[0]) | Visit.visit_uuid.not_in(taken),
    )
    place = _place_of(visit, chosen)
    is_after = _order(chosen) < place if chosen.queue == ALL else _order(chosen) > place
    after = db.session.scalar(_ordered(free.where(is_after), chosen).limit(1))
    if after is None and chosen.queue == "waiting":
        after = db.session.scalar(_ordered(free, chosen).limit(1))
    return after


def find_first(area_codes: Sequence[str], chosen: QueueFilter) -> str | None:
    """Uuid of the first visit of the chosen queue, or None when it is empty."""
    return db.session.scalar(
        _ordered(select(Visit.visit_uuid).where(*list_conditions(area_codes, chosen)), chosen).limit(1)
    )


def list_household_names(visit_uuids: Iterable[str], reader: User) -> dict[str, str]:
    """The names of the households of those visits, where the reader may know of them, by the visits' uuids."""
    rows = db.session.execute(
        select(Visit.visit_uuid, Household.name)
        .join(Household, Household.household_uuid == Visit.household_uuid)
        .where(
            Visit.visit_uuid.in_(list(visit_uuids)),
            Visit.visit_uuid.not_in(select_hidden(reader)),
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
    return is_reviewer(reader, visit, list_reviewers(visit, now) if visit.entered_by is not None else [])


def is_reviewer(reader: User, visit: Visit, reviewers: Iterable[User]) -> bool:
    """The same where it is known who decides on a visit that was typed at the desk."""
    if visit.entered_by is None:
        return reader.role == SUPERVISOR
    return any(user.id == reader.id for user in reviewers)


def check_reviewer(reader: User, visit: Visit, now: datetime) -> None:
    """Raise own_entry or wrong_role for a reader who may not decide on the visit."""
    if not can_review(reader, visit, now):
        raise AppError("own_entry" if visit.entered_by == reader.id else "wrong_role")


def get_visit(visit_uuid: str, reader: User, now: datetime) -> Visit:
    """The visit when the reader may know of it; raises not_found."""
    visit = visits.find_visit(visit_uuid)
    if visit is None or not _may_know(visit, reader, now):
        raise AppError("not_found")
    return visit


def _may_know(visit: Visit, reader: User, now: datetime) -> bool:
    if not scope.covers(reader.area_codes(now), visit.area_code):
        return False
    of_relative = visit.household_uuid in relatives.list_households_of_relatives(reader.id)
    return not (of_relative and visit.visit_uuid in list_hidden(reader))


def select_hidden(reader: User) -> Hidden:
    """The visits of which the reader must not know: to their near relatives, where abuse is suspected."""
    households = relatives.list_households_of_relatives(reader.id)
    if not households:
        return ()
    of_relative = aliased(Visit)
    return (
        select(Flag.visit_uuid)
        .join(of_relative, of_relative.visit_uuid == Flag.visit_uuid)
        .where(
            of_relative.household_uuid.in_(households),
            followups.select_abuse(Flag.followup_type, Flag.question),
        )
    )


@once
def list_hidden(reader: User) -> tuple[str, ...]:
    """Their keys."""
    hidden = select_hidden(reader)
    return tuple(db.session.scalars(hidden)) if isinstance(hidden, Select) else hidden


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


def list_conditions(area_codes: Sequence[str], chosen: QueueFilter) -> list[ColumnElement[bool]]:
    """What a choice asks of a visit."""
    in_queue = _WAITS if chosen.queue == "waiting" else Visit.state.in_(QUEUES[chosen.queue])
    conditions = [in_queue, scope.within(Visit.area_code, area_codes)]
    if chosen.hidden != ():
        conditions.append(Visit.visit_uuid.not_in(chosen.hidden))
    if chosen.left_out:
        conditions.append(Visit.visit_uuid != chosen.left_out)
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
    if chosen.rule:
        flagged = select(Flag.visit_uuid).where(
            Flag.rule == chosen.rule, scope.within(Flag.area_code, area_codes)
        )
        if chosen.found:
            flagged = flagged.where(Flag.state == chosen.found)
        if chosen.since:
            flagged = flagged.where(Flag.raised_at >= clock.midnight(chosen.since))
        conditions.append(Visit.visit_uuid.in_(flagged))
    return conditions


def _columns(chosen: QueueFilter) -> tuple[Any, ...]:
    """What a queue goes by: the worst first, then the longest waiting; all states by the day they came in."""
    by_day = Visit.received_at, Visit.visit_uuid
    return by_day if chosen.queue == ALL else (_RANK, *by_day)


def _order(chosen: QueueFilter) -> Any:
    return tuple_(*_columns(chosen))


def _order_of_opened(chosen: QueueFilter) -> Any:
    by_day = _OPENED.received_at, _OPENED.visit_uuid
    return tuple_(*by_day) if chosen.queue == ALL else tuple_(_RANK_OF_OPENED, *by_day)


def _place_of(visit: Visit, chosen: QueueFilter) -> Any:
    rank = SEVERITIES.index(visit.severity) if visit.severity else len(SEVERITIES)
    if chosen.queue == ALL:
        return tuple_(visit.received_at, visit.visit_uuid, types=[Instant(), UuidText])
    return tuple_(rank, visit.received_at, visit.visit_uuid, types=[Integer(), Instant(), UuidText])


def _ordered(statement: Select[Any], chosen: QueueFilter) -> Select[Any]:
    columns = _columns(chosen)
    return statement.order_by(*(column.desc() if chosen.queue == ALL else column for column in columns))


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
