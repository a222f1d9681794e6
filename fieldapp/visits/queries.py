"""Reads of visits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import selectinload

from fieldapp.core import scope
from fieldapp.core.codes import get_codes
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import queries as people
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import COUNTS_AS_CONTACT
from fieldapp.visits.models import Visit, VisitPerson, VisitRevision

# How far back a worker's own visits stay on the phone.
RECENT = timedelta(days=30)


def find_visit(visit_uuid: str) -> Visit | None:
    """The visit whoever asks, or None; for the server's own use."""
    return db.session.get(Visit, visit_uuid)


def get_visit(visit_uuid: str, area_codes: Sequence[str]) -> Visit:
    """The visit when it is in scope; raises not_found."""
    visit = find_visit(visit_uuid)
    if visit is None or not scope.covers(area_codes, visit.area_code):
        raise AppError("not_found")
    return visit


def get_revision(visit: Visit, number: int | None = None) -> VisitRevision:
    """A revision of the visit, the current one by default; raises not_found."""
    revision = db.session.get(VisitRevision, (visit.visit_uuid, number or visit.revision))
    if revision is None:
        raise AppError("not_found")
    return revision


def list_revisions(of_visits: Iterable[Visit]) -> dict[str, VisitRevision]:
    """The current revisions of those visits, by the visit."""
    uuids = [visit.visit_uuid for visit in of_visits]
    rows = select(VisitRevision).join(Visit, is_current()).where(Visit.visit_uuid.in_(uuids))
    return {revision.visit_uuid: revision for revision in db.session.scalars(rows)}


def has_content(visit: Visit, body_hash: str) -> bool:
    """Whether one of its revisions came as a body with that hash."""
    found = select(VisitRevision.revision).where(
        VisitRevision.visit_uuid == visit.visit_uuid, VisitRevision.body_hash == body_hash
    )
    return db.session.scalar(found.limit(1)) is not None


def find_revision_before(visit: Visit) -> tuple[Visit, VisitRevision] | None:
    """The household's last visit before this one that reached somebody and was not voided, as it stands; or None."""
    found = db.session.execute(
        select(Visit, VisitRevision)
        .join(VisitRevision, is_current())
        .where(
            Visit.household_uuid.in_(people.list_same(visit.household_uuid)),
            Visit.finished_at < visit.finished_at,
            Visit.outcome == "reached",
            Visit.state != "voided",
        )
        .order_by(Visit.finished_at.desc())
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else None


def is_current() -> ColumnElement[bool]:
    """Whether a revision is the one that counts of its visit."""
    return and_(VisitRevision.visit_uuid == Visit.visit_uuid, VisitRevision.revision == Visit.revision)


def list_contacts(person_uuids: Iterable[str]) -> dict[str, list[tuple[datetime, bool]]]:
    """All contacts with these people that count, by uuid: when each ended, and whether it was remote.

    A visit counts for those seen or asked about when it reached somebody and was not voided; one that names an entry
    merged into a person is a contact with them.
    """
    uuids = list(person_uuids)
    contacts: dict[str, list[tuple[datetime, bool]]] = {person_uuid: [] for person_uuid in uuids}
    methods = get_codes("method")
    behind = people.select_behind(Person, uuids).subquery()
    entry, person = behind.c
    rows = db.session.execute(
        select(person, Visit.finished_at, Visit.method)
        .join(VisitPerson, VisitPerson.person_uuid == entry)
        .join(Visit, VisitPerson.visit_uuid == Visit.visit_uuid)
        .where(
            Visit.outcome.in_(COUNTS_AS_CONTACT),
            Visit.state != "voided",
        )
    )
    for person_uuid, finished_at, method in rows:
        is_remote = method in methods and bool(methods[method].extra.get("remote"))
        contacts[person_uuid].append((finished_at, is_remote))
    return contacts


def list_tries_since_reached(household_uuids: Iterable[str]) -> dict[str, list[Visit]]:
    """By household, the visits since it was last reached that reached nobody or were refused, latest first."""
    behind = people.list_behind(Household, household_uuids)
    tries: dict[str, list[Visit]] = {}
    reached: set[str] = set()
    for visit in db.session.scalars(
        select(Visit)
        .where(Visit.household_uuid.in_(behind), Visit.state != "voided")
        .order_by(Visit.finished_at.desc())
    ):
        uuid = behind[visit.household_uuid or ""]
        if visit.outcome in COUNTS_AS_CONTACT:
            reached.add(uuid)
        elif uuid not in reached:
            tries.setdefault(uuid, []).append(visit)
    return tries


def find_last_reached(household_uuid: str) -> Visit | None:
    """The household's last visit that reached somebody and was not voided, or None."""
    return db.session.scalar(
        select(Visit)
        .where(
            Visit.household_uuid.in_(people.list_same(household_uuid)),
            Visit.outcome == "reached",
            Visit.state != "voided",
        )
        .order_by(Visit.finished_at.desc())
        .limit(1)
    )


def find_last_try(household_uuid: str, since: datetime | None) -> datetime | None:
    """When somebody last tried in vain to see the household, or was refused, after `since` (None: ever); or None."""
    tries = select(Visit.finished_at).where(
        Visit.household_uuid.in_(people.list_same(household_uuid)),
        Visit.outcome.not_in(COUNTS_AS_CONTACT),
        Visit.state != "voided",
        *([Visit.finished_at > since] if since else []),
    )
    return db.session.scalar(tries.order_by(Visit.finished_at.desc()).limit(1))


def list_visits_of_household(household_uuid: str, *conditions: ColumnElement[bool]) -> list[Visit]:
    """All visits to a household, under whichever uuid, or to an entry merged into one of its people, that meet the
    conditions; latest first.
    """
    to_household: ColumnElement[bool] = Visit.household_uuid.in_(people.list_same(household_uuid))
    if merged := people.list_merged_people(household_uuid):
        of_people = select(VisitPerson.visit_uuid).where(VisitPerson.person_uuid.in_(merged))
        # By their keys: joined by "or" with a statement, all visits ever made would be read.
        to_household |= Visit.visit_uuid.in_(db.session.scalars(of_people).all())
    return list(
        db.session.scalars(select(Visit).where(to_household, *conditions).order_by(Visit.finished_at.desc()))
    )


def list_visits_in(
    grid_code: str, household_uuids: Iterable[str], from_at: datetime, until_at: datetime
) -> list[Visit]:
    """The visits to those households that counted in a grid and ended in a span of time, voided ones left out, oldest first."""
    return list(
        db.session.scalars(
            select(Visit)
            .where(
                Visit.household_uuid.in_(list(household_uuids)),
                Visit.area_code == grid_code,
                Visit.finished_at >= from_at,
                Visit.finished_at < until_at,
                Visit.state != "voided",
            )
            .order_by(Visit.finished_at, Visit.visit_uuid)
        )
    )


def list_own_recent(visit_uuids: Iterable[str], worker_id: int, now: datetime) -> list[Visit]:
    """Of those visits, the worker's own that a phone keeps."""
    return list(
        db.session.scalars(
            select(Visit)
            .where(Visit.visit_uuid.in_(list(visit_uuids)), Visit.worker_id == worker_id, _is_kept(now))
            .options(selectinload(Visit.people))
        )
    )


def lock_not_kept(visit_uuids: Iterable[str], now: datetime) -> list[Visit]:
    """Of those visits, the ones that no phone keeps; locked until the transaction ends."""
    return list(
        db.session.scalars(
            select(Visit)
            .where(Visit.visit_uuid.in_(list(visit_uuids)), ~_is_kept(now))
            .order_by(Visit.visit_uuid)
            .with_for_update()
        )
    )


def _is_kept(now: datetime) -> ColumnElement[bool]:
    """What a phone keeps: recent visits, and returned ones of any age."""
    return (Visit.finished_at > now - RECENT) | (Visit.state == "returned")
