"""Writes of visits: storing what a phone sent, adding a revision, moving between states.

Invariant: whatever was sent is stored word for word; the server's own reading stands beside it, never in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldapp.areas import queries as areas
from fieldapp.checklists import queries as checklists, rules as checklist_rules
from fieldapp.checklists.models import ChecklistVersion
from fieldapp.core import audit, clock, feeds, scope, storage
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import own_feed, publish
from fieldapp.people import actions as people_actions, queries as people, sync as people_sync
from fieldapp.people.counting import list_columns
from fieldapp.people.models import Household, Person
from fieldapp.rollups.queries import choose_week, get_week
from fieldapp.users.models import User
from fieldapp.visits import counting, queries, rules
from fieldapp.visits.models import Visit, VisitPerson, VisitRevision
from fieldapp.visits.sync import VisitBody

WITHDRAWN_AT_ONCE = 200


@dataclass(frozen=True)
class TakenIn:
    """Who at the desk took in what could not be applied when it came, why, and when it had come."""

    by: User
    reason: str | None
    arrived_at: datetime


@dataclass(frozen=True)
class Envelope:
    """What surrounds a body on its way: the operation, the body word for word and its hash, the phone's clock."""

    op_uuid: str
    sent: dict[str, Any]
    body_hash: str
    clock_offset_s: int
    taken_in: TakenIn | None = None
    # 代录: who typed it at the desk for the worker.
    entered_by: User | None = None

    def arrived_at(self, now: datetime) -> datetime:
        """When it came: now, unless it was taken in at the desk later."""
        return self.taken_in.arrived_at if self.taken_in else now


@dataclass(frozen=True)
class StoredVisit:
    """A stored revision with the server's verdict on its answers."""

    visit: Visit
    revision: VisitRevision
    # The one that stands under the uuid it was sent with.
    household: Household
    verdict: checklist_rules.Verdict
    # What of the answers was given on this visit.
    own_answers: list[checklist_rules.OwnAnswer]
    # How far the end of the visit lies after its arrival, by the server's clock: no clock is right that says so.
    ahead_s: float


def submit_visit(actor: User, body: VisitBody, envelope: Envelope, now: datetime) -> StoredVisit:
    """Store a new visit; it counts in the grid the household was in when the visit ended.

    Raises not_yours when that grid was not the worker's then (or there is no such household: the answer is the same),
    checklist_version_unknown. What the desk takes in may be in any grid of whoever takes it in.
    """
    finished_at = _finished_at(body, envelope, now)
    household = _lock_household(body)
    grid_code = people.get_grid_at(household, finished_at)
    was_theirs = scope.covers(actor.area_codes(finished_at), grid_code)
    if not (_is_in_reach(envelope.taken_in, grid_code, household, now) if envelope.taken_in else was_theirs):
        raise AppError("not_yours")
    if envelope.entered_by and not scope.covers(envelope.entered_by.area_codes(now), grid_code):
        raise AppError("not_yours")
    theirs_now = actor.area_codes(now)
    counting.note_new(body.visit_uuid)
    visit = Visit(
        visit_uuid=body.visit_uuid,
        household_uuid=household.household_uuid,
        area_code=grid_code,
        worker_id=actor.id,
        state="submitted",
        revision=1,
        received_at=envelope.arrived_at(now),
        out_of_scope=was_theirs
        and not all(
            scope.covers(theirs_now, code) for code in (areas.find_successor(grid_code), household.grid_code)
        ),
    )
    return _store_revision(visit, household, actor, body, envelope, now)


def revise_visit(
    actor: User, body: VisitBody, base: int | None, envelope: Envelope, now: datetime
) -> StoredVisit:
    """Store a correction of the actor's own visit as its next revision, wherever the household is by now.

    Raises prerequisite_waiting when there is no such visit of theirs (yet), not_yours when it went to another
    household, base_outdated when `base` is not the current revision, and state_wrong once it is settled, unless the desk
    takes the correction in.
    """
    visit = queries.find_visit(body.visit_uuid)
    if visit is None or visit.worker_id != actor.id:
        raise AppError("prerequisite_waiting")
    if visit.household_uuid not in people.list_same(body.household_uuid):
        raise AppError("not_yours")
    # Locked in the order household, visit, as when it was submitted; a reviewer's decision waits or came before.
    household = _lock_household(body)
    visit = lock_visit(body.visit_uuid)
    at_desk = envelope.taken_in.by if envelope.taken_in else envelope.entered_by
    if at_desk and not scope.covers(at_desk.area_codes(now), visit.area_code):
        raise AppError("not_yours")
    if visit.state in rules.DECIDED and not envelope.taken_in:
        raise AppError("state_wrong", state=visit.state)
    if base != visit.revision:
        raise AppError("base_outdated")
    counting.note_change(visit)
    visit.revision += 1
    visit.state = "submitted"
    return _store_revision(visit, household, actor, body, envelope, now)


def _is_in_reach(taken_in: TakenIn, grid_code: str, household: Household, now: datetime) -> bool:
    areas = taken_in.by.area_codes(now)
    return scope.covers(areas, grid_code) and scope.covers(areas, household.grid_code)


def lock_visit(visit_uuid: str) -> Visit:
    """The visit as it is now, locked until the transaction ends, so that decisions on it come one after the other.

    Its household is locked first, as when it is sent: who voids it needs both. Raises not_found.
    """
    visit = queries.find_visit(visit_uuid)
    if visit is None:
        raise AppError("not_found")
    if visit.household_uuid is not None:
        people.lock_households([visit.household_uuid])
    return db.session.get_one(Visit, visit_uuid, with_for_update=True, populate_existing=True)


def withdraw_old_visits(now: datetime) -> int:
    """Take the visits that no phone keeps any more out of their workers' feeds; returns how many. To be run weekly.

    Runs its own transactions. One that is returned meanwhile is locked, seen and left.
    """
    withdrawn = 0
    published = feeds.list_entries("visit")
    for start in range(0, len(published), WITHDRAWN_AT_ONCE):
        with transaction():
            old = queries.lock_not_kept(published[start : start + WITHDRAWN_AT_ONCE], now)
            for visit in old:
                publish(own_feed(visit.worker_id), "visit", visit.visit_uuid, gone=True)
        withdrawn += len(old)
    return withdrawn


def set_state(visit: Visit, state: str) -> None:
    """Move a visit to `state` and tell the worker's phone; who may do that is `reviews`' business."""
    counting.note_change(visit)
    visit.state = state
    if state == "voided" and visit.household_uuid is not None:
        household = people.lock_household(visit.household_uuid)
        if household is not None:
            refresh_contacts(household, [person.person_uuid for person in visit.people])
    _publish(visit)


def _finished_at(body: VisitBody, envelope: Envelope, now: datetime) -> datetime:
    """The end of the visit by the server's clock. Nothing has ended later than it arrived: a phone whose clock was
    set right between visit and sending would else push a due date into next year.
    """
    return min(rules.corrected(body.finished_at, envelope.clock_offset_s), envelope.arrived_at(now))


def _lock_household(body: VisitBody) -> Household:
    """The household a visit names, locked; raises not_yours when there is none, or when somebody else's people are named.

    Another one may stand for it by now, and somebody else for its people: the visit stays with whom it names.
    """
    household = people.lock_household(body.household_uuid) if body.household_uuid else None
    if household is None or not people.have_been_in(people.lock_standing(household), body.people):
        raise AppError("not_yours")
    return household


def _store_revision(
    visit: Visit, household: Household, actor: User, body: VisitBody, envelope: Envelope, now: datetime
) -> StoredVisit:
    version = checklists.get_version(body.checklist.key, body.checklist.version)
    verdict = _evaluate(version, actor, body, household)
    touched = {person.person_uuid for person in visit.people} | set(body.people)
    visit.outcome, visit.method = body.outcome, body.method
    visit.entered_by = envelope.entered_by.id if envelope.entered_by else None
    visit.attachment_count = len({attachment.sha256 for attachment in body.attachments})
    counted_before = {person.person_uuid: person.counted_as for person in visit.people}
    ended_before = visit.finished_at
    visit.finished_at = _finished_at(body, envelope, now)
    # A correction leaves a visit in the week it counts in, but where it says that it was in another one.
    if ended_before is None or get_week(ended_before) != get_week(visit.finished_at):
        visit.week_on = choose_week(visit.area_code, visit.finished_at, now)
    visit.people.clear()
    db.session.add(visit)
    db.session.flush()
    day = clock.local_date(visit.finished_at)
    columns = {
        person.person_uuid: list_columns(person, day) for person in _list_named(household, body.people)
    }
    visit.people = [
        VisitPerson(
            person_uuid=person_uuid,
            position=place,
            counted_as=counted_before.get(person_uuid) or columns[person_uuid],
        )
        for place, person_uuid in enumerate(dict.fromkeys(body.people))
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
        received_at=envelope.arrived_at(now),
        clock_offset_s=envelope.clock_offset_s,
        body=envelope.sent,
        distance_m=_distance_m(body, household),
        problems=list(verdict.problems) or None,
        taken_in_by=envelope.taken_in.by.id if envelope.taken_in else None,
        taken_in_reason=envelope.taken_in.reason if envelope.taken_in else None,
        entered_by=visit.entered_by,
    )
    db.session.add(revision)
    db.session.flush()
    storage.name_attachments(
        "visit",
        visit.visit_uuid,
        visit.revision,
        visit.area_code,
        own_feed(visit.worker_id),
        body.attachments,
    )
    here = refresh_contacts(household, touched)
    step = "visit.submit" if visit.revision == 1 else "visit.revise"
    audit.record(
        envelope.entered_by or actor,
        step,
        "visit",
        visit.visit_uuid,
        at=now,
        revision=visit.revision,
        op_uuid=envelope.op_uuid,
        **({"entered_for": actor.id} if envelope.entered_by else {}),
    )
    _publish(visit)
    ahead = rules.corrected(body.finished_at, envelope.clock_offset_s) - envelope.arrived_at(now)
    own_answers = checklist_rules.list_own_answers(version.document, verdict.answers)
    return StoredVisit(visit, revision, here, verdict, own_answers, ahead.total_seconds())


def refresh_contacts(household: Household, person_uuids: Iterable[str]) -> Household:
    """Work out again, from the visits that count, when these people must next be seen and what to offer then: whoever
    stands for them by now, and wherever that is. Returns the household that stands for the one given, which is locked.

    A visit counts when it reached somebody and was not voided: so a correction or a voiding takes back what it gave.
    """
    db.session.flush()
    here = people.lock_standing(household)
    homes, wanted = {here.household_uuid: here}, set()
    for person in _list_named(here, person_uuids):
        standing = people.find_standing(person)
        wanted.add(standing.person_uuid)
        if standing.household_uuid not in homes:
            people.lock_household(standing.household_uuid)
            homes[standing.household_uuid] = standing.household
    contacts = queries.list_contacts(wanted)
    for home in homes.values():
        people_actions.set_contacts(home, contacts)
    refresh_last_visit(here)
    return here


def refresh_last_visit(household: Household) -> None:
    """Work out again when a household was last reached, when that was tried since, and which answers the next visit is
    offered.
    """
    last = queries.find_last_reached(household.household_uuid)
    tried_at = queries.find_last_try(household.household_uuid, since=last.finished_at if last else None)
    tried_on = clock.local_date(tried_at) if tried_at else None
    if last is None:
        people_actions.set_last_visit(household, None, None, tried_on)
        return
    revision = queries.get_revision(last)
    version = checklists.get_version(revision.checklist_key, revision.checklist_version)
    body = VisitBody.model_validate(revision.body)
    verdict = _evaluate(version, db.session.get_one(User, last.worker_id), body, household)
    by_uuid = {person.person_uuid: person for person in _list_named(household, body.people)}
    named = [people.find_standing(by_uuid[uuid]).person_uuid for uuid in body.people]
    carried = checklist_rules.carried(version.document, verdict.answers, named)
    people_actions.set_last_visit(household, clock.local_date(last.finished_at), carried, tried_on)


def foresee_severities(version: ChecklistVersion, answers: Any, person_uuids: Sequence[str]) -> list[str]:
    """The severities of the flags that answers declare, whoever gave them; people are taken as they are registered."""
    restricted = people_sync.get_restricted_tags()
    by_uuid = {person.person_uuid: person for person in people.list_people(person_uuids)}
    # Answers go by position: whoever is not known keeps their place.
    records = [
        people_sync.person_record(by_uuid[uuid], restricted) if uuid in by_uuid else {}
        for uuid in person_uuids
    ]
    flags = checklist_rules.evaluate(version.document, answers, {"people": records}).flags
    return [flag["severity"] for flag in flags]


def _evaluate(
    version: ChecklistVersion, actor: User, body: VisitBody, household: Household
) -> checklist_rules.Verdict:
    """The server's verdict; expressions read what the phone gave its own engine."""
    context = form_context(actor, household, body.people, body.method, body.finished_at)
    return checklist_rules.evaluate(version.document, body.answers, context)


def form_context(
    worker: User, household: Household, person_uuids: Iterable[str], method: str, finished_at: datetime
) -> dict[str, Any]:
    """What the expressions of a visit's checklist read (docs/checklists.md)."""
    named = list(person_uuids)
    by_uuid = {person.person_uuid: person for person in _list_named(household, named)}
    restricted = people_sync.get_restricted_tags()
    return {
        "today": clock.local_date(finished_at).isoformat(),
        "now": clock.iso(finished_at),
        "language": worker.language,
        "username": worker.username,
        "device_uuid": "",
        "household": people_sync.household_record(household),
        "visit": {"method": method},
        "people": [people_sync.person_record(by_uuid[uuid], restricted) for uuid in named if uuid in by_uuid],
    }


def _list_named(household: Household, person_uuids: Iterable[str]) -> list[Person]:
    """The people of those uuids: of the household, or of what was merged with it."""
    wanted = set(person_uuids)
    members = [person for person in household.people if person.person_uuid in wanted]
    others = wanted - {person.person_uuid for person in members}
    return members + (people.list_people(others) if others else [])


def _distance_m(body: VisitBody, household: Household) -> float | None:
    if body.location is None:
        return None
    here = (body.location.lat, body.location.lon)
    return rules.distance_m(here, body.location.datum, (household.lat, household.lon), household.datum)


def _publish(visit: Visit) -> None:
    publish(own_feed(visit.worker_id), "visit", visit.visit_uuid)
