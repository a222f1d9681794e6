"""Operations received from phones, by their uuid.

Invariant: an operation that could not be applied is kept whole, encrypted, before its receipt says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, EncryptedJson, EncryptedText, Instant, UuidText
from fieldapp.core.feeds import FeedCode


class Operation(Base):
    """One operation of one account and what became of it.

    The body's hash is part of the key: the same uuid sent with another content is kept beside the first.
    """

    __tablename__ = "operations"

    op_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Made on the phone.")
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id"), primary_key=True, doc="The account that sent it."
    )
    body_hash: Mapped[str] = mapped_column(String(64), primary_key=True, doc="SHA-256 of the canonical body.")
    device_uuid: Mapped[str] = mapped_column(UuidText, doc="The phone it came from.")
    kind: Mapped[str] = mapped_column(String(30), doc="visit.submit, followup.report, … (docs/sync.md).")
    received_at: Mapped[datetime] = mapped_column(Instant, doc="When it first came.")
    clock_offset_s: Mapped[int] = mapped_column(BigInteger, doc="Server clock minus phone clock, seconds.")
    state: Mapped[str] = mapped_column(
        String(10), doc="accepted; waiting at the office: rejected, conflict; settled: replaced, refused."
    )
    record_uuid: Mapped[str | None] = mapped_column(
        String(64), doc="The record it is about, as far as it says."
    )
    feed: Mapped[str | None] = mapped_column(FeedCode, doc="The feed of the record, once accepted.")
    code: Mapped[str | None] = mapped_column(String(40), doc="Why it was not accepted (error catalogue).")
    fields: Mapped[Any] = mapped_column(
        EncryptedJson("operations.fields"), nullable=True, doc="What is wrong, by field of the body."
    )
    quarantine: Mapped[Any] = mapped_column(
        EncryptedJson("operations.quarantine"),
        nullable=True,
        doc="The whole operation as it was sent, when it could not be applied at once.",
    )
    severity: Mapped[str | None] = mapped_column(
        String(6),
        doc="Of the worst answer of a quarantined one, as far as it can be read; orders the desk's list.",
    )
    household_uuid: Mapped[str | None] = mapped_column(
        UuidText,
        doc="The household a quarantined one is about, as far as it says; there may be none of that uuid.",
    )
    brought_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who brought it in at the desk, from a phone's exported file."
    )
    settled_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who accepted or refused it at the desk."
    )
    settled_at: Mapped[datetime | None] = mapped_column(Instant, doc="When.")
    settled_reason: Mapped[str | None] = mapped_column(
        EncryptedText("operations.settled_reason"), doc="Why, for the worker to read."
    )

    __table_args__ = (
        Index("ix_operations_state_user", "state", "user_id"),
        Index("ix_operations_user_record", "user_id", "record_uuid"),
        Index("ix_operations_feed_received", "feed", "received_at"),
    )
