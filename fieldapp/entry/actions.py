"""代录: a visit that somebody at the desk types for a worker, from paper or as it was told.

Invariant: it goes through the door of phones' visits, is the worker's by its date, and says who typed it. A page's visit
is stored once, however often it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from fieldapp.core import clock
from fieldapp.core.bodies import Body, PhoneInstant, UuidStr, read_body
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.people.rules import mask_phone
from fieldapp.reviews import actions as reviews
from fieldapp.sync import envelopes
from fieldapp.sync.rules import body_hash
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import actions as visit_actions, queries as visits
from fieldapp.visits.actions import Envelope
from fieldapp.visits.models import Visit
from fieldapp.visits.sync import AttachmentRef, ChecklistRef, VisitBody

OLDEST = timedelta(days=366)
_OUTCOMES = frozenset({"reached", "not_reached", "refused"})


class EnteredVisit(Body):
    """What the page sends: the visit, and what was typed into its checklist."""

    visit_uuid: UuidStr
    # Of a correction: the revision it was made on.
    base: int | None = None
    worker_id: int
    at: PhoneInstant
    method: Literal["home", "phone", "wechat", "video", "patrol"]
    people: Annotated[list[UuidStr], Field(max_length=50)]
    checklist: ChecklistRef
    answers: dict[str, Any]
    attachments: Annotated[list[AttachmentRef], Field(max_length=100)] = []


def list_workers(household: Household, reader: User, now: datetime) -> list[User]:
    """For whom a reader may enter a visit to this household: whoever works or ever worked in a grid of it and of theirs."""
    codes = reader.area_codes(now)
    grids = people.list_grids_ever(household.household_uuid)
    return users.list_workers_ever_in(code for code in grids if any(map(code.startswith, codes)))


def check_when(at: datetime, now: datetime) -> None:
    """Raise visit_in_future or visit_too_old."""
    if at > now:
        raise AppError("visit_in_future")
    if at < now - OLDEST:
        raise AppError("visit_too_old")


def enter_visit(actor: User, household_uuid: str, sent: Any, now: datetime) -> Visit:
    """Store what was typed, or give the visit it already became; of a returned visit that was typed it is the next revision.

    Raises not_found, body_invalid, answers_too_large, visit_in_future, visit_too_old, worker_not_there, visit_changed,
    checklist_version_unknown.
    """
    household = people.get_household(household_uuid, actor.area_codes(now))
    entered = read_body(EnteredVisit, sent)
    people.lock_household(household.household_uuid)
    worker = db.session.get(User, entered.worker_id)
    if worker is None or worker not in list_workers(household, actor, now):
        raise AppError("worker_not_there")
    body, envelope = _wrap(actor, household, entered)
    known = visits.find_visit(entered.visit_uuid)
    if known is not None and known.worker_id == worker.id and visits.has_content(known, envelope.body_hash):
        return known
    check_when(entered.at, now)
    try:
        if entered.base is None:
            if known is not None:
                raise AppError("visit_changed")
            return reviews.receive_visit(worker, body, envelope, now)
        if known is None or not can_correct(known):
            raise AppError("visit_changed")
        return reviews.receive_revision(worker, body, entered.base, envelope, now)
    except AppError as error:
        raise AppError(_IN_WORDS[error.code]) if error.code in _IN_WORDS else error from None


def can_correct(visit: Visit) -> bool:
    """Whether a visit is to be corrected at the desk: it was typed here, and has come back."""
    return visit.entered_by is not None and visit.state == "returned"


_IN_WORDS = {
    "not_yours": "worker_not_there",
    "base_outdated": "visit_changed",
    "state_wrong": "visit_changed",
}


def form_context(
    worker: User, household: Household, person_uuids: Iterable[str], method: str, at: datetime
) -> dict[str, Any]:
    """What the page's form reads of a visit: as on a phone, but with phone numbers masked, as everywhere at the desk."""
    context = visit_actions.form_context(worker, household, person_uuids, method, at)
    for record in (context["household"], *context["people"]):
        record["phone"] = mask_phone(record["phone"])
    return context


def _unmask(answers: Any, numbers: Mapping[str, str]) -> Any:
    """The answers with the numbers that the page held only masked as they are on the list."""
    if isinstance(answers, dict):
        return {name: _unmask(inner, numbers) for name, inner in answers.items()}
    if isinstance(answers, list):
        return [_unmask(inner, numbers) for inner in answers]
    return numbers.get(answers, answers) if isinstance(answers, str) else answers


def _wrap(actor: User, household: Household, entered: EnteredVisit) -> tuple[VisitBody, Envelope]:
    """The visit as the worker's phone would have sent it, read as what phones send is read."""
    reached = entered.answers.get("reached")
    phones = [household.phone, *(person.phone for person in household.people)]
    numbers = {mask_phone(phone) or "": phone for phone in phones if phone}
    at = clock.iso(entered.at)
    raw = {
        "op_uuid": entered.visit_uuid,
        "kind": "visit.submit" if entered.base is None else "visit.revise",
        "schema": 1,
        "seq": 0,
        "at": at,
        "base": entered.base,
        "replaces": None,
        "body": {
            "visit_uuid": entered.visit_uuid,
            "household_uuid": household.household_uuid,
            "people": entered.people,
            "outcome": reached if reached in _OUTCOMES else "reached",
            "checklist": entered.checklist.model_dump(),
            "method": entered.method,
            "started_at": at,
            "finished_at": at,
            "answers": _unmask(entered.answers, numbers),
            "attachments": [one.model_dump(mode="json", exclude_none=True) for one in entered.attachments],
        },
    }
    body = envelopes.read_op(raw).body
    return read_body(VisitBody, body), Envelope(
        entered.visit_uuid, body, body_hash(body), 0, entered_by=actor
    )
