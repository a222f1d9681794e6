"""Which fields of visits a phone may send, and which of a worker's own visits it gets.

Invariant: answers go back to a phone only while the visit is returned and has to be corrected there; with them come
household and people, whose grid may no longer be the worker's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from fieldapp.core import clock, storage
from fieldapp.core.bodies import Body, Location, PhoneInstant, Sha256, UuidStr
from fieldapp.people import queries as people, sync as people_sync
from fieldapp.users import queries as users
from fieldapp.visits import queries
from fieldapp.visits.models import Visit


class ChecklistRef(Body):
    """Which checklist, in which version."""

    key: Annotated[str, Field(max_length=60)]
    version: Annotated[str, Field(max_length=40)]


class AttachmentRef(Body):
    """A photo, recording or file that goes up on its own, named by its hash."""

    sha256: Sha256
    question: Annotated[str, Field(max_length=300)]
    taken_at: PhoneInstant | None = None
    size: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    name: Annotated[str, Field(max_length=200)] | None = None


class UrgentCall(Body):
    """A call made from a red answer."""

    to: Literal["duty", "110", "120"]
    at: PhoneInstant


class VisitBody(Body):
    """The body of visit.submit and visit.revise (DESIGN section 5)."""

    visit_uuid: UuidStr
    household_uuid: UuidStr | None
    people: Annotated[list[UuidStr], Field(max_length=50)]
    outcome: Literal["reached", "not_reached", "refused"]
    checklist: ChecklistRef
    method: Literal["home", "phone", "wechat", "video", "patrol"]
    started_at: PhoneInstant
    finished_at: PhoneInstant
    location: Location | None = None
    location_declined: Annotated[str, Field(max_length=300)] | None = None
    answers: dict[str, Any]
    attachments: Annotated[list[AttachmentRef], Field(max_length=100)] = []
    urgent_calls: Annotated[list[UrgentCall], Field(max_length=50)] = []


def visit_record(visit: Visit, returned: Mapping[str, Any] | None) -> dict[str, Any]:
    """A visit as its worker's phone holds it; `returned` is the reviewer's {reason, notes, by, at}, if it was."""
    revision = queries.get_revision(visit)
    uses = storage.list_uses("visit", visit.visit_uuid, visit.revision)
    to_correct = visit.state == "returned"
    return {
        "visit_uuid": visit.visit_uuid,
        "household_uuid": visit.household_uuid,
        "state": visit.state,
        "revision": visit.revision,
        "checklist": {"key": revision.checklist_key, "version": revision.checklist_version},
        "method": visit.method,
        "outcome": visit.outcome,
        "people": [person.person_uuid for person in visit.people],
        "started_at": clock.iso(revision.started_at),
        "finished_at": clock.iso(revision.finished_at),
        "received_at": clock.iso(visit.received_at),
        "entered_by": users.get_display_names([visit.entered_by])[visit.entered_by]
        if visit.entered_by
        else None,
        "photos_expected": len({use.sha256 for use, _ in uses}),
        "photos_received": len({use.sha256 for use, held in uses if held}),
        "attachments": [
            {
                "sha256": use.sha256,
                "question": use.question,
                "taken_at": clock.iso(use.taken_at),
                "size": use.size,
                "name": use.name,
                "type": held.media_type if held else None,
            }
            for use, held in uses
        ],
        "location": revision.location if to_correct else None,
        "location_declined": revision.location_declined if to_correct else None,
        "answers": revision.answers if to_correct else None,
        **(_whom_it_went_to(visit) if to_correct else {"household": None, "members": []}),
        "returned": dict(returned) if to_correct and returned else None,
    }


def _whom_it_went_to(visit: Visit) -> dict[str, Any]:
    household = people.find_household(visit.household_uuid) if visit.household_uuid else None
    members = {person.person_uuid: person for person in household.people} if household else {}
    # Who has moved to another household since is still part of this visit.
    members |= {
        person.person_uuid: person
        for person in people.list_people(person.person_uuid for person in visit.people)
    }
    restricted = people_sync.get_restricted_tags()
    return {
        "household": people_sync.household_record(household) if household else None,
        "members": [people_sync.person_record(person, restricted) for person in members.values()],
    }
