"""Writes of notices: telling people, and what they have read.

Invariant: `tell` runs in the transaction of what it tells of, so neither is there without the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.core.feeds import own_feed, publish
from fieldapp.core.guard import WORKER
from fieldapp.notices import queries, rules
from fieldapp.notices.channel_actions import make_delivery
from fieldapp.notices.models import Notice
from fieldapp.users.models import User

EVERYTHING, COUNTY, NOTHING = "everything", "county", "nothing"


@dataclass(frozen=True)
class Matter:
    """What people are told of. It names a record, never a person."""

    cause: str
    subject: str
    subject_id: str
    area_code: str | None
    severity: str | None = None
    type: str | None = None  # of a follow-up task
    due_at: datetime | None = None
    # How much of it is said outside: EVERYTHING, the COUNTY alone, or NOTHING.
    outside: str = EVERYTHING


def tell(recipients: Iterable[User], matter: Matter, now: datetime) -> None:
    """Put a notice into the inbox of each recipient, and a message into each channel of their offices that carries it.

    Who may know of it is the caller's business.
    """
    by_id = {user.id: user for user in recipients if user.is_active}
    if not by_id:
        return
    said = {"type": matter.type, "due_at": clock.iso(matter.due_at)}
    params = {name: value for name, value in said.items() if value}
    about = {
        "cause": matter.cause,
        "severity": matter.severity,
        "subject": matter.subject,
        "subject_id": matter.subject_id,
    }
    notices = [
        Notice(**about, user_id=user_id, area_code=matter.area_code, params=params, created_at=now)
        for user_id in sorted(by_id)
    ]
    db.session.add_all(notices)
    if matter.outside != NOTHING:
        is_all = matter.outside == EVERYTHING
        digits = rules.TOWNSHIP_DIGITS if is_all else rules.COUNTY_DIGITS
        area_code = matter.area_code[:digits] if matter.area_code else None
        for channel in queries.list_channels_for(by_id.values(), matter.severity, now):
            db.session.add(
                make_delivery(channel, now, **about, area_code=area_code, params=params if is_all else {})
            )
    db.session.flush()
    for notice in notices:
        if by_id[notice.user_id].role == WORKER:
            publish(own_feed(notice.user_id), "notice", str(notice.id))


def settle(subject: str, subject_id: str, now: datetime) -> None:
    """Nobody need read any more what they were told of a record: somebody has answered for it."""
    _read(now, Notice.subject == subject, Notice.subject_id == subject_id)


def read_notice(notice: Notice, now: datetime) -> None:
    """Note that a notice was opened."""
    _read(now, Notice.id == notice.id)


def read_all(user_id: int, now: datetime) -> None:
    """Note that an account has read all its notices."""
    _read(now, Notice.user_id == user_id)


def read_on_phone(user_id: int, up_to: int, now: datetime) -> None:
    """Note that a worker has read the notices up to that one on a phone, and tell their other phones."""
    mine = Notice.user_id == user_id, Notice.id <= up_to, Notice.read_at.is_(None)
    for notice_id in db.session.scalars(select(Notice.id).where(*mine).order_by(Notice.id)):
        publish(own_feed(user_id), "notice", str(notice_id))
    _read(now, *mine)


def _read(now: datetime, *which: object) -> None:
    unread = update(Notice).where(*which, Notice.read_at.is_(None))  # type: ignore[arg-type]
    db.session.execute(unread.values(read_at=now), execution_options={"synchronize_session": False})
