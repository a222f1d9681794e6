"""Writes of the channels outside, and of the messages that go through them.

Invariant: a message is a row before it is sent and until it is; whoever sends it has claimed the row, so two servers send
it once. What becomes of a claim that is never settled is uncertain, and tried again under the same key.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from fieldapp.core import audit, clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import own_feed, publish
from fieldapp.core.guard import ADMIN, SECURITY, WORKER
from fieldapp.notices import queries, rules
from fieldapp.notices.models import Notice, NoticeChannel, NoticeDelivery
from fieldapp.users import queries as users
from fieldapp.users.models import User

TEST = "channel.test"
# No attempt takes so long: whoever began it is gone.
LONGEST_ATTEMPT = timedelta(minutes=2)
# Robots of groups take twenty messages a minute.
LEAST_PAUSE = timedelta(seconds=3)
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Claim:
    """A message that is ours to send, as it was when it was claimed."""

    delivery_id: str
    delivery: NoticeDelivery
    url: str
    attempt: int


def add_channel(actor: User, values: Mapping[str, Any], now: datetime) -> NoticeChannel:
    """Set up a channel."""
    channel = NoticeChannel(**values)
    db.session.add(channel)
    db.session.flush()
    audit.record(actor, "channel.add", "channel", channel.id, at=now, **_told(values))
    return channel


def change_channel(actor: User, channel_id: int, values: Mapping[str, Any], now: datetime) -> None:
    """Change a channel; its address stays when `values` has none. Raises not_found."""
    channel = queries.get_channel(channel_id)
    changed = {name: value for name, value in values.items() if getattr(channel, name) != value}
    for name, value in changed.items():
        setattr(channel, name, value)
    if changed:
        audit.record(actor, "channel.change", "channel", channel_id, at=now, **_told(changed))


def try_channel(actor: User, channel_id: int, now: datetime) -> None:
    """Send a test notice through a channel, on or off, at any hour; raises not_found."""
    channel = queries.get_channel(channel_id)
    db.session.add(make_delivery(channel, now, cause=TEST, subject="channel", subject_id=str(channel_id)))
    audit.record(actor, "channel.try", "channel", channel_id, at=now)


def retry_delivery(actor: User, delivery_id: str, now: datetime) -> None:
    """Try a message again at once that failed, is uncertain or was given up; raises not_found, state_wrong."""
    delivery = db.session.get(NoticeDelivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None:
        raise AppError("not_found")
    if delivery.state not in (rules.FAILED, rules.UNCERTAIN):
        raise AppError("state_wrong", state=delivery.state)
    delivery.next_at = now
    audit.record(actor, "delivery.retry", "delivery", delivery_id, at=now)


def make_delivery(channel: NoticeChannel, now: datetime, **about: Any) -> NoticeDelivery:
    """A message to go out at once, or after the quiet hours of its channel."""
    delivery = NoticeDelivery(
        delivery_id=str(uuid.uuid4()),
        channel_id=channel.id,
        **{"severity": None, "area_code": None, "params": {}, **about},
        state=rules.WAITING,
        attempts=0,
        created_at=now,
    )
    delivery.next_at = _allowed(channel, delivery, now)
    return delivery


def claim(delivery_id: str, now: datetime) -> Claim | None:
    """Take a message to send it; None when it is sent already, somebody has it, or its time has not come.

    Runs its own transaction.
    """
    with transaction():
        delivery = _lock(delivery_id)
        if delivery is None or delivery.next_at is None or delivery.next_at > now:
            return None
        channel = db.session.get_one(NoticeChannel, delivery.channel_id, with_for_update=True)
        if not channel.is_on and delivery.cause != TEST:
            delivery.state, delivery.error, delivery.next_at = rules.FAILED, "channel_off", None
            return None
        delivery.next_at = _allowed(channel, delivery, now)
        if delivery.next_at > now or _has_just_sent(channel.id, now):
            return None
        delivery.state, delivery.claimed_at, delivery.next_at = rules.SENDING, now, None
        delivery.attempts += 1
        return Claim(delivery_id, delivery, channel.url, delivery.attempts)


def settle(claimed: Claim, state: str, error: str | None, now: datetime) -> None:
    """Note what an attempt came to. Runs its own transaction."""
    with transaction():
        delivery = _lock(claimed.delivery_id)
        # Taken for dead meanwhile and tried by another: theirs counts.
        if delivery is None or delivery.attempts != claimed.attempt or delivery.state == rules.SENT:
            return
        _settle(delivery, state, error, now)


def give_back_abandoned(now: datetime) -> int:
    """What was being sent by a server that is gone may have arrived: it is uncertain, and tried again. How many.

    Runs its own transaction.
    """
    abandoned = select(NoticeDelivery.delivery_id).where(
        NoticeDelivery.state == rules.SENDING, NoticeDelivery.claimed_at <= now - LONGEST_ATTEMPT
    )
    found = db.session.scalars(abandoned.order_by(NoticeDelivery.delivery_id)).all()
    for delivery_id in found:
        with transaction():
            delivery = _lock(delivery_id)
            if delivery is not None and delivery.state == rules.SENDING:
                _settle(delivery, rules.UNCERTAIN, "stopped", now)
                # The server is back: no reason to wait, unless the message itself should be what stops it.
                if delivery.next_at and delivery.attempts == 1:
                    delivery.next_at = now
    return len(found)


def forget_old(now: datetime) -> int:
    """Drop what was read, or sent, 90 days ago, from phones too; how many. Runs its own transaction."""
    with transaction() as session:
        read = Notice.read_at <= now - KEPT
        of_workers = select(Notice.id, Notice.user_id).join(User).where(read, User.role == WORKER)
        for notice_id, user_id in session.execute(of_workers.order_by(Notice.id)).all():
            publish(own_feed(user_id), "notice", str(notice_id), gone=True)
        notices = session.execute(delete(Notice).where(read).returning(Notice.id)).all()
        sent = delete(NoticeDelivery).where(NoticeDelivery.sent_at <= now - KEPT)
        return len(notices) + len(session.execute(sent.returning(NoticeDelivery.delivery_id)).all())


def _settle(delivery: NoticeDelivery, state: str, error: str | None, now: datetime) -> None:
    if state == rules.SENT:
        delivery.state, delivery.error, delivery.sent_at, delivery.next_at = state, None, now, None
        return
    # What may have arrived once may have arrived, whatever the next attempts say.
    was_uncertain = delivery.error in rules.DOUBTS
    delivery.state = rules.UNCERTAIN if was_uncertain else state
    delivery.error = delivery.error if was_uncertain and state == rules.FAILED else error
    if delivery.cause == TEST or rules.is_given_up(delivery.severity, now - delivery.created_at):
        delivery.next_at = None
    else:
        delivery.next_at = now + rules.pause_after(
            delivery.attempts,
            delivery.severity,
            random.random(),  # noqa: S311
        )
    if delivery.cause != TEST and (delivery.next_at is None or delivery.attempts == rules.TELLS_AFTER):
        _tell_keepers(delivery, now)


def _tell_keepers(delivery: NoticeDelivery, now: datetime) -> None:
    """Put it into the inbox of whoever looks after the channels, unless it stands there unread."""
    about = {"cause": "channel.failing", "subject": "channel", "subject_id": str(delivery.channel_id)}
    known = set(db.session.scalars(select(Notice.user_id).filter_by(**about).where(Notice.read_at.is_(None))))
    for user in users.list_users():
        if user.role in (ADMIN, SECURITY) and user.is_active and user.id not in known:
            db.session.add(
                Notice(**about, user_id=user.id, severity=delivery.severity, params={}, created_at=now)
            )


def _lock(delivery_id: str) -> NoticeDelivery | None:
    return db.session.get(NoticeDelivery, delivery_id, with_for_update=True, populate_existing=True)


def _has_just_sent(channel_id: int, now: datetime) -> bool:
    just = select(NoticeDelivery.delivery_id).where(
        NoticeDelivery.channel_id == channel_id,
        (NoticeDelivery.claimed_at > now - LEAST_PAUSE) | (NoticeDelivery.state == rules.SENDING),
    )
    return db.session.scalar(just.limit(1)) is not None


def _allowed(channel: NoticeChannel, delivery: NoticeDelivery, now: datetime) -> datetime:
    if delivery.severity == rules.RED or delivery.cause == TEST:
        return now
    local = now.astimezone(clock.LOCAL)
    return rules.next_allowed(local, channel.quiet_from, channel.quiet_to)


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit trail holds of a channel: all but its address, which is a secret."""
    hidden = {"url": "changed"} if "url" in values else {}
    times = {name: str(value) for name, value in values.items() if name.startswith("quiet_")}
    return {**values, **times, **hidden}
