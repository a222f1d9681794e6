"""Notices in the inbox of an account, and messages to go outside.

Invariant: a row holds no personal data: what it is about is opened from it, under the rules of who may see that.
"""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant, UuidText


class Notice(Base):
    """What one account was told."""

    __tablename__ = "notices"

    id: Mapped[int] = mapped_column(primary_key=True, doc="In order.")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="For whom.")
    cause: Mapped[str] = mapped_column(String(30), doc="What happened (notices.words.CAUSES).")
    severity: Mapped[str | None] = mapped_column(String(6), doc="red, orange or yellow, where it has one.")
    subject: Mapped[str] = mapped_column(String(20), doc="What it is about: incident, followup, visit, …")
    subject_id: Mapped[str] = mapped_column(String(64), doc="The record's key, as text.")
    area_code: Mapped[str | None] = mapped_column(AreaCode, doc="Where.")
    params: Mapped[dict[str, Any]] = mapped_column(
        JSON, doc="What else is said: type (of the task), due_at. Nothing of a person."
    )
    created_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    read_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Opened, or settled by somebody; shown to nobody but whom it is for."
    )

    __table_args__ = (
        Index("ix_notices_user_read", "user_id", "read_at"),
        Index("ix_notices_subject", "subject", "subject_id"),
    )


class NoticeChannel(Base):
    """A way outside (a group's robot, a mailbox, a gateway for SMS) of a township, a county, a city, or of everybody."""

    __tablename__ = "notice_channels"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    name: Mapped[str] = mapped_column(String(80), doc="What it is called.")
    area_code: Mapped[str | None] = mapped_column(
        ForeignKey("areas.code"),
        index=True,
        doc="Whose office it belongs to; empty: the whole installation's.",
    )
    url: Mapped[str] = mapped_column(
        EncryptedText("notice_channels.url"), doc="Where to, as Apprise writes it; it holds the secret."
    )
    roles: Mapped[list[str]] = mapped_column(JSON, doc="Whose notices it carries.")
    severities: Mapped[list[str]] = mapped_column(JSON, doc="red, orange, yellow; plain: what has none.")
    quiet_from: Mapped[time] = mapped_column(doc="From then on, local time, all but red waits.")
    quiet_to: Mapped[time] = mapped_column(doc="Until then; the same as quiet_from: never.")
    is_on: Mapped[bool] = mapped_column(doc="Whether it is used.")


class NoticeDelivery(Base):
    """A message to go outside through one channel. Its key stays the same however often it is tried."""

    __tablename__ = "notice_deliveries"

    delivery_id: Mapped[str] = mapped_column(
        UuidText, primary_key=True, doc="Its first eight signs stand in the message."
    )
    channel_id: Mapped[int] = mapped_column(ForeignKey(NoticeChannel.id), index=True, doc="Through which.")
    cause: Mapped[str] = mapped_column(String(30), doc="What happened (notices.words.CAUSES).")
    severity: Mapped[str | None] = mapped_column(String(6), doc="red, orange or yellow, where it has one.")
    subject: Mapped[str] = mapped_column(String(20), doc="What it is about.")
    subject_id: Mapped[str] = mapped_column(String(64), doc="The record's key, as text.")
    area_code: Mapped[str | None] = mapped_column(
        AreaCode, doc="The township, or what lies above; nothing nearer."
    )
    params: Mapped[dict[str, Any]] = mapped_column(JSON, doc="As of the notice.")
    state: Mapped[str] = mapped_column(
        String(10), doc="waiting, sending, sent, failed, or uncertain: it may have arrived."
    )
    attempts: Mapped[int] = mapped_column(doc="How often it was tried.")
    error: Mapped[str | None] = mapped_column(String(40), doc="Why the last attempt failed (words.ERRORS).")
    created_at: Mapped[datetime] = mapped_column(Instant, doc="When it was caused.")
    next_at: Mapped[datetime | None] = mapped_column(
        Instant, doc="Not tried before; empty: sent, being sent, or given up."
    )
    claimed_at: Mapped[datetime | None] = mapped_column(Instant, doc="When the last attempt began.")
    sent_at: Mapped[datetime | None] = mapped_column(Instant, doc="When it was sent.")

    channel: Mapped[NoticeChannel] = relationship()

    __table_args__ = (
        Index("ix_notice_deliveries_next", "next_at", "channel_id"),
        Index("ix_notice_deliveries_state", "state", "claimed_at"),
    )
