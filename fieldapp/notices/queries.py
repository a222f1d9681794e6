"""Reads of notices, everybody's own and nobody else's; of the channels outside, and what goes through them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, literal, select

from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.notices import rules
from fieldapp.notices.models import Notice, NoticeChannel, NoticeDelivery
from fieldapp.users.models import User

PAGE_ROWS = 50


def list_notices(user_id: int, page: int) -> tuple[list[Notice], bool]:
    """A page of an account's notices, the unread first and then the latest, and whether there are more."""
    found = list(
        db.session.scalars(
            select(Notice)
            .where(Notice.user_id == user_id)
            .order_by(Notice.read_at.is_not(None), Notice.id.desc())
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return found[:PAGE_ROWS], len(found) > PAGE_ROWS


def get_notice(notice_id: int, user_id: int) -> Notice:
    """The account's own notice; raises not_found."""
    notice = db.session.get(Notice, notice_id)
    if notice is None or notice.user_id != user_id:
        raise AppError("not_found")
    return notice


def select_unread(user_id: int) -> Select[str, int]:
    """How many of an account's notices it has not opened, as the menu counts; however bad, none of them is red there."""
    return select(literal(""), func.count()).where(Notice.user_id == user_id, Notice.read_at.is_(None))


def count_unread(user_id: int) -> int:
    """How many of an account's notices it has not opened."""
    return sum(row[1] for row in db.session.execute(select_unread(user_id)))


def list_channels() -> list[NoticeChannel]:
    """All channels: the installation's first, then by area."""
    rows = select(NoticeChannel).order_by(
        NoticeChannel.area_code.is_not(None), NoticeChannel.area_code, NoticeChannel.id
    )
    return list(db.session.scalars(rows))


def get_channel(channel_id: int) -> NoticeChannel:
    """The channel; raises not_found."""
    channel = db.session.get(NoticeChannel, channel_id)
    if channel is None:
        raise AppError("not_found")
    return channel


def list_channels_for(recipients: Iterable[User], severity: str | None, now: datetime) -> list[NoticeChannel]:
    """The channels that carry what those people are told: of their offices, for their roles and that severity.

    What is red goes to the offices of all who are told at the desk, whatever roles a channel is for.
    """
    roles_by_office: dict[str | None, set[str]] = {None: set()}
    for user in recipients:
        for office in (None, *map(rules.office_of, user.area_codes(now))):
            roles_by_office.setdefault(office, set()).add(user.role)
    offices = [office for office in roles_by_office if office is not None]
    rows = db.session.scalars(
        select(NoticeChannel)
        .where(NoticeChannel.is_on, NoticeChannel.area_code.in_(offices) | NoticeChannel.area_code.is_(None))
        .order_by(NoticeChannel.id)
    )
    return [
        channel
        for channel in rows
        if (severity or rules.PLAIN) in channel.severities
        and roles_by_office[channel.area_code]
        & set(rules.CHANNEL_ROLES if severity == rules.RED else channel.roles)
    ]


def list_due(now: datetime) -> list[str]:
    """What is to be sent now: of each channel that is not sending already the next one, red before all else."""
    due = NoticeDelivery.next_at <= now
    sending = select(NoticeDelivery.channel_id).where(NoticeDelivery.state == rules.SENDING)
    channels = db.session.scalars(
        select(NoticeDelivery.channel_id)
        .where(due, NoticeDelivery.channel_id.not_in(sending))
        .distinct()
        .order_by(NoticeDelivery.channel_id)
    ).all()
    first = [
        db.session.execute(
            select(NoticeDelivery.delivery_id, NoticeDelivery.severity)
            .where(due, NoticeDelivery.channel_id == channel_id)
            .order_by(
                func.coalesce(NoticeDelivery.severity, "") != rules.RED,
                NoticeDelivery.created_at,
                NoticeDelivery.delivery_id,
            )
            .limit(1)
        ).one()
        for channel_id in channels
    ]
    return [delivery_id for delivery_id, severity in sorted(first, key=lambda row: row[1] != rules.RED)]


def list_stuck(now: datetime) -> list[NoticeDelivery]:
    """The latest messages that were tried and did not surely arrive, those still to be tried first."""
    return list(
        db.session.scalars(
            select(NoticeDelivery)
            .where(NoticeDelivery.state.in_((rules.FAILED, rules.UNCERTAIN)))
            .order_by(NoticeDelivery.next_at.is_(None), NoticeDelivery.created_at.desc())
            .limit(PAGE_ROWS)
        )
    )


def list_last(channel_id: int, rows: int) -> Sequence[NoticeDelivery]:
    """The last messages of a channel, the latest first."""
    return db.session.scalars(
        select(NoticeDelivery)
        .where(NoticeDelivery.channel_id == channel_id)
        .order_by(NoticeDelivery.created_at.desc(), NoticeDelivery.delivery_id)
        .limit(rows)
    ).all()


def count_stuck(now: datetime) -> tuple[int, int, int]:
    """(red messages not out after ten minutes, others tried and still to be sent, those given up in the last week)."""
    unsent = select(func.count()).where(NoticeDelivery.state.in_(rules.UNSENT))
    is_red = func.coalesce(NoticeDelivery.severity, "") == rules.RED
    late = NoticeDelivery.created_at <= now - timedelta(minutes=10)
    tried = NoticeDelivery.attempts > 0
    counts = (
        unsent.where(is_red, late, NoticeDelivery.next_at.is_not(None)),
        unsent.where(~is_red, tried, NoticeDelivery.next_at.is_not(None)),
        unsent.where(NoticeDelivery.next_at.is_(None), NoticeDelivery.created_at > now - timedelta(days=7)),
    )
    red, others, given_up = (db.session.scalar(count) or 0 for count in counts)
    return red, others, given_up
