"""What a phone gets of reviews: why its visit came back.

Invariant: only the decision on the current revision is told; older ones are history at the desk.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.reviews.models import Review
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits
from fieldapp.visits.sync import visit_record


def list_visit_records(
    visit_uuids: Iterable[str], worker_id: int, now: datetime
) -> dict[str, dict[str, Any]]:
    """By uuid, the worker's own visits a phone keeps, returned ones with the reviewer's words."""
    own = visits.list_own_recent(visit_uuids, worker_id, now)
    returned = _list_returns([visit.visit_uuid for visit in own if visit.state == "returned"])
    return {visit.visit_uuid: visit_record(visit, returned.get(visit.visit_uuid)) for visit in own}


def _list_returns(visit_uuids: list[str]) -> dict[str, dict[str, Any]]:
    if not visit_uuids:
        return {}
    decisions = list(
        db.session.scalars(
            select(Review)
            .where(Review.visit_uuid.in_(visit_uuids), Review.decision == "returned")
            .order_by(Review.decided_at)
        )
    )
    names = users.get_display_names(
        decision.reviewer_id for decision in decisions if decision.reviewer_id is not None
    )
    # Ordered by time, so that the latest stays.
    return {
        decision.visit_uuid: {
            "reason": decision.reason,
            "notes": decision.notes or {},
            "by": names.get(decision.reviewer_id or 0, ""),
            "at": clock.iso(decision.decided_at),
        }
        for decision in decisions
    }
