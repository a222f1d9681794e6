"""Writes of feedback: sent from a phone, answered at the desk.

Invariant: the same feedback sent twice is one; its sender is told of the answer in the transaction that stores it.
"""

from __future__ import annotations

from datetime import datetime

from fieldapp.core import audit
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import own_feed, publish
from fieldapp.core.guard import ADMIN, OFFICER, SUPERVISOR
from fieldapp.feedback import queries
from fieldapp.feedback.models import Feedback
from fieldapp.feedback.sync import FeedbackBody
from fieldapp.feedback.words import STATES
from fieldapp.notices import actions as notices
from fieldapp.users import queries as users
from fieldapp.users.models import User


def send_feedback(sender: User, body: FeedbackBody, written_at: datetime, now: datetime) -> Feedback:
    """Take in what a worker wrote, and tell those who answer. Sent again it is the one that is here.

    Raises record_exists when something else is here under that uuid, not_yours when that one, or the one it follows, is
    not the sender's.
    """
    held = db.session.get(Feedback, body.feedback_uuid)
    if held is not None:
        _check_same(held, sender, body)
        return held
    earlier = _reopen(sender, body.follows) if body.follows else None
    areas = sorted(sender.area_codes(written_at) or sender.last_area_codes(now))
    feedback = Feedback(
        feedback_uuid=body.feedback_uuid,
        user_id=sender.id,
        area_code=earlier.area_code if earlier else next(iter(areas), None),
        topic=body.topic,
        is_county_only=body.county_only,
        text=body.text,
        follows_uuid=body.follows,
        state="sent",
        sent_at=written_at,
        received_at=now,
    )
    db.session.add(feedback)
    db.session.flush()
    publish(own_feed(sender.id), "feedback", feedback.feedback_uuid)
    audit.record(
        sender,
        "feedback.send",
        "feedback",
        feedback.feedback_uuid,
        at=now,
        topic=feedback.topic,
        county_only=feedback.is_county_only,
        follows=feedback.follows_uuid,
    )
    notices.tell(_list_answerers(feedback, now), _matter("feedback.sent", feedback), now)
    return feedback


def answer_feedback(actor: User, feedback_uuid: str, text: str, now: datetime) -> Feedback:
    """Answer a feedback; its sender reads it on the phone. Raises not_found, reason_needed, state_wrong."""
    feedback = queries.get_feedback(feedback_uuid, actor, lock=True)
    if not text.strip():
        raise AppError("reason_needed")
    if feedback.state != "sent":
        raise AppError("state_wrong", state=str(STATES[feedback.state]))
    feedback.state, feedback.answer = "answered", text.strip()
    feedback.answered_by_id, feedback.answered_at = actor.id, now
    publish(own_feed(feedback.user_id), "feedback", feedback_uuid)
    audit.record(actor, "feedback.answer", "feedback", feedback_uuid, at=now, answer=feedback.answer)
    notices.settle("feedback", feedback_uuid, now)
    sender = users.get_user(feedback.user_id)
    notices.tell([sender], _matter("feedback.answered", feedback), now)
    return feedback


def _reopen(sender: User, feedback_uuid: str) -> Feedback:
    """Note that an answer did not settle it."""
    earlier = db.session.get(Feedback, feedback_uuid, with_for_update=True, populate_existing=True)
    if earlier is None or earlier.user_id != sender.id:
        raise AppError("not_yours")
    if earlier.state == "answered":
        earlier.state = "reopened"
        publish(own_feed(sender.id), "feedback", feedback_uuid)
    return earlier


def _check_same(held: Feedback, sender: User, body: FeedbackBody) -> None:
    if held.user_id != sender.id:
        raise AppError("not_yours")
    is_here = held.topic, held.text, held.is_county_only, held.follows_uuid
    if is_here != (body.topic, body.text, body.county_only, body.follows):
        raise AppError("record_exists")


def _list_answerers(feedback: Feedback, now: datetime) -> list[User]:
    """The township's supervisor; the county too, where only the county reads it, an answer did not settle it, or there is
    no supervisor. What is about the app goes to the administrators as well.
    """
    told = []
    if feedback.area_code:
        if not feedback.is_county_only:
            told = users.list_users_covering(feedback.area_code, [SUPERVISOR], now)
        if feedback.follows_uuid or not told:
            told = told + users.list_users_covering(feedback.area_code, [OFFICER], now)
    if feedback.topic == "app" and not feedback.is_county_only:
        told = told + [user for user in users.list_users() if user.role == ADMIN]
    return told


def _matter(cause: str, feedback: Feedback) -> notices.Matter:
    # What a worker complains of is nobody's business outside.
    return notices.Matter(
        cause, "feedback", feedback.feedback_uuid, feedback.area_code, outside=notices.NOTHING
    )
