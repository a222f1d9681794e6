"""Reads of feedback.

Invariant: what is for the county only is read by its officers and its sender; administrators read what is about the app.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, false, func, literal, select

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ADMIN, OFFICER, SUPERVISOR
from fieldapp.feedback.models import Feedback
from fieldapp.users.models import User

PAGE_ROWS = 50
# Who reads feedback at the desk, and answers it.
ANSWERERS = (SUPERVISOR, OFFICER, ADMIN)
VIEWS = {"waiting": ("sent",), "answered": ("answered", "reopened")}


def _readable(reader: User) -> ColumnElement[bool]:
    inside = scope.within(Feedback.area_code, reader.area_codes())
    if reader.role == OFFICER:
        return inside
    if reader.role == SUPERVISOR:
        return inside & ~Feedback.is_county_only
    if reader.role == ADMIN:
        return (Feedback.topic == "app") & ~Feedback.is_county_only
    return false()


def list_feedback(reader: User, view: str, page: int) -> tuple[list[Feedback], bool]:
    """A page of what the reader may answer, and whether there is more: of what waits the oldest first, else the latest."""
    order = Feedback.received_at if view == "waiting" else Feedback.answered_at.desc()
    rows = list(
        db.session.scalars(
            select(Feedback)
            .where(_readable(reader), Feedback.state.in_(VIEWS[view]))
            .order_by(order, Feedback.feedback_uuid)
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def select_waiting(reader: User) -> Select[str, int]:
    """How much waits for an answer, as the menu counts."""
    waits = Feedback.state.in_(VIEWS["waiting"])
    return select(literal(""), func.count()).select_from(Feedback).where(_readable(reader), waits)


def get_feedback(feedback_uuid: str, reader: User, *, lock: bool = False) -> Feedback:
    """The feedback, when the reader may answer it; raises not_found."""
    found = select(Feedback).where(Feedback.feedback_uuid == feedback_uuid, _readable(reader))
    if lock:
        found = found.with_for_update().execution_options(populate_existing=True)
    feedback = db.session.scalar(found)
    if feedback is None:
        raise AppError("not_found")
    return feedback


def list_earlier(feedback: Feedback, reader: User) -> list[Feedback]:
    """Those it follows, as far as the reader may know of them, the first one first."""
    earlier: list[Feedback] = []
    uuid = feedback.follows_uuid
    while uuid is not None and len(earlier) < PAGE_ROWS:
        found = db.session.scalar(select(Feedback).where(Feedback.feedback_uuid == uuid, _readable(reader)))
        if found is None:
            break
        earlier.insert(0, found)
        uuid = found.follows_uuid
    return earlier
