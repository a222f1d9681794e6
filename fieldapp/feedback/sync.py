"""Which fields of feedback a worker's phone sends, and which it gets back.

Invariant: a feedback goes to the phones of its sender, and to no other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.bodies import Body, UuidStr
from fieldapp.core.db import db
from fieldapp.feedback.models import Feedback
from fieldapp.users import queries as users


class FeedbackBody(Body):
    """The body of feedback.send."""

    feedback_uuid: UuidStr
    topic: Literal["app", "checklist", "workload", "other"]
    text: Annotated[str, StringConstraints(strip_whitespace=True), Field(min_length=1, max_length=1000)]
    county_only: bool = False
    follows: UuidStr | None = None


def list_records(feedback_uuids: list[str], user_id: int) -> dict[str, dict[str, Any]]:
    """The account's own feedback of those, by uuid."""
    rows = db.session.scalars(
        select(Feedback).where(Feedback.feedback_uuid.in_(feedback_uuids), Feedback.user_id == user_id)
    ).all()
    names = users.get_display_names(row.answered_by_id for row in rows if row.answered_by_id)
    return {
        row.feedback_uuid: {
            "feedback_uuid": row.feedback_uuid,
            "topic": row.topic,
            "text": row.text,
            "county_only": row.is_county_only,
            "follows": row.follows_uuid,
            "state": row.state,
            "at": clock.iso(row.sent_at),
            "answer": row.answer,
            "answered_by": names.get(row.answered_by_id or 0),
            "answered_at": clock.iso(row.answered_at),
        }
        for row in rows
    }
