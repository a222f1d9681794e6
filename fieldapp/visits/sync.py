"""Which fields of a worker's own visits a phone gets.

Invariant: answers go back to a phone only while the visit is returned and has to be corrected there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldapp.core import clock, storage
from fieldapp.visits import queries
from fieldapp.visits.models import Visit


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
        "photos_expected": len({use.sha256 for use, _ in uses}),
        "photos_received": len({use.sha256 for use, held in uses if held}),
        "attachments": [
            {
                "sha256": use.sha256,
                "question": use.question,
                "taken_at": clock.iso(use.taken_at),
                "size": use.size,
            }
            for use, _ in uses
        ],
        "location": revision.location if to_correct else None,
        "location_declined": revision.location_declined if to_correct else None,
        "answers": revision.answers if to_correct else None,
        "returned": dict(returned) if to_correct and returned else None,
    }
