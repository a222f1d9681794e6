"""Writes of visits: storing what a phone sent, adding a revision, moving between states.

Invariant: whatever was sent is stored word for word; the server's own reading stands beside it, never in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldapp.checklists import queries as checklists, rules as checklist_rules
from fieldapp.core import audit, clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.core.storage import AttachmentUse
from fieldapp.people import actions as people_actions, queries as people, sync as people_sync
from fieldapp.people.models import Household
from fieldapp.users.models import User
from fieldapp.visits import queries, rules
from fieldapp.visits.models import Visit, VisitPerson, VisitRevision
from fieldapp.visits.sync import VisitBody


@dataclass(frozen=True)
class Envelope:
    """What surrounds a body on its way: the operation's uuid, the body's hash, the phone's clock."""

    op_uuid: str
    body_hash: str
    clock_offset_s: int


@dataclass(frozen=True)
class StoredVisit:
    """A stored revision with the server's verdict on its answers."""

    visit: Visit
    revision: VisitRevision
    household: Household
    verdict: checklist_rules.Verdict


def submit_visit(actor: User, body: VisitBody, envelope: Envelope, now: datetime) -> StoredVisit:
    """Store a new visit.

    Raises not_yours when the household was not in the worker's areas at the end of the visit (or does not exist:
    the answer is the same), checklist_version_unknown.
    """
    finished_at = rules.corrected(body.finished_at, envelope.clock_offset_s)
    household = _household_in_reach(actor, body, finished_at)
    visit = Visit(
        visit_uuid=body.visit_uuid,
        household_uuid=household.household_uuid,
        area_code=household.grid_code,
        worker_id=actor.id,
        state="submitted",
        revision=1,
        outcome=body.outcome,
        method=body.method,
        finished_at=finished_at,
        received_at=now,
        out_of_scope=not scope.covers(actor.area_codes(now), household.grid_code),
    )
    db.session.add(visit)
    return _store_revision(visit, household, actor, body, envelope, now)


def revise_visit(
    actor: User, body: VisitBody, base: int | None, envelope: Envelope, now: datetime
) -> StoredVisit:
    """Store a correction of the actor's own visit as its next revision.

    Raises not_yours, base_outdated when `base` is not the current revision, state_wrong once it is settled.
    """
    visit = queries.find_visit(body.visit_uuid)
    if visit is None or visit.worker_id != actor.id or visit.household_uuid != body.household_uuid:
        raise AppError("not_yours")
    household = _household_in_reach(actor, body, visit.finished_at)
    if visit.state not in {"submitted", "returned"}:
        raise AppError("state_wrong", state=visit.state)
    if base != visit.revision:
        raise AppError("base_outdated")
    visit.revision += 1
    visit.state = "submitted"
    visit.outcome, visit.method = body.outcome, body.method
    visit.finished_at = rules.corrected(body.finished_at, envelope.clock_offset_s)
    visit.people.clear()
    db.session.flush()
    return _store_revision(visit, household, actor, body, envelope, now)


def set_state(visit: Visit, state: str) -> None:
    """Move a visit to `state` and tell the worker's phone; who may do that is `reviews`' business."""
    visit.state = state
    publish(visit.area_code, "visit", visit.visit_uuid)


def _household_in_reach(actor: User, body: VisitBody, at: datetime) -> Household:
    household = people.find_household(body.household_uuid) if body.household_uuid else None
    if household is None or not scope.covers(actor.area_codes(at), household.grid_code):
        raise AppError("not_yours")
    if not set(body.people) <= {person.person_uuid for person in household.people}:
        raise AppError("not_yours")
    return household


def _store_revision(
    visit: Visit, household: Household, actor: User, body: VisitBody, envelope: Envelope, now: datetime
) -> StoredVisit:
    version = checklists.find_version(body.checklist.key, body.checklist.version)
    if version is None:
        raise AppError("checklist_version_unknown")
    by_uuid = {person.person_uuid: person for person in household.people}
    seen = [by_uuid[uuid] for uuid in dict.fromkeys(body.people)]
    verdict = checklist_rules.evaluate(
        version.document, body.answers, evaluation_context(actor, body, household)
    )
    visit.people = [
        VisitPerson(person_uuid=person.person_uuid, position=place) for place, person in enumerate(seen)
    ]
    revision = VisitRevision(
        visit_uuid=visit.visit_uuid,
        revision=visit.revision,
        op_uuid=envelope.op_uuid,
        body_hash=envelope.body_hash,
        checklist_key=body.checklist.key,
        checklist_version=body.checklist.version,
        started_at=body.started_at,
        finished_at=body.finished_at,
        received_at=now,
        clock_offset_s=envelope.clock_offset_s,
        answers=body.answers,
        location=body.location.model_dump(mode="json") if body.location else None,
        location_declined=body.location_declined,
        distance_m=_distance_m(body, household),
        urgent_calls=[call.model_dump(mode="json") for call in body.urgent_calls] or None,
        problems=list(verdict.problems) or None,
    )
    db.session.add(revision)
    for photo in body.attachments:
        db.session.merge(
            AttachmentUse(
                sha256=photo.sha256,
                kind="visit",
                uuid=visit.visit_uuid,
                revision=visit.revision,
                question=photo.question,
                area_code=visit.area_code,
                taken_at=photo.taken_at,
                size=photo.size,
            )
        )
    if body.outcome == "reached":
        people_actions.note_contact(household, seen, visit.finished_at, now)
        people_actions.keep_carry(
            household,
            checklist_rules.carried(version.document, verdict.answers, body.people),
            visit.finished_at,
        )
    step = "visit.submit" if visit.revision == 1 else "visit.revise"
    audit.record(
        actor, step, "visit", visit.visit_uuid, at=now, revision=visit.revision, op_uuid=envelope.op_uuid
    )
    publish(visit.area_code, "visit", visit.visit_uuid)
    db.session.flush()
    return StoredVisit(visit, revision, household, verdict)


def _distance_m(body: VisitBody, household: Household) -> float | None:
    if body.location is None:
        return None
    here = (body.location.lat, body.location.lon)
    return rules.distance_m(here, body.location.datum, (household.lat, household.lon), household.datum)


def evaluation_context(actor: User, body: VisitBody, household: Household) -> dict[str, Any]:
    """What the checklist's expressions may read, as the phone gave it to its own engine."""
    by_uuid = {person.person_uuid: person for person in household.people}
    restricted = people_sync.get_restricted_tags()
    return {
        "today": clock.local_date(body.finished_at).isoformat(),
        "now": clock.iso(body.finished_at),
        "language": actor.language,
        "username": actor.username,
        "device_uuid": "",
        "household": people_sync.household_record(household),
        "people": [people_sync.person_record(by_uuid[uuid], restricted) for uuid in body.people],
    }
