"""Operations received from phones, by their uuid.

Invariant: an operation that could not be applied is kept whole, encrypted, before its receipt says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, EncryptedJson, Instant, UuidText


class Operation(Base):
    """One operation of one phone and what became of it."""

    __tablename__ = "operations"

    op_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    device_uuid: Mapped[str] = mapped_column(UuidText)
    kind: Mapped[str] = mapped_column(String(30))
    schema: Mapped[int]
    seq: Mapped[int] = mapped_column(doc="Order on the phone.")
    at: Mapped[datetime] = mapped_column(Instant, doc="By the phone's clock.")
    received_at: Mapped[datetime] = mapped_column(Instant)
    clock_offset_s: Mapped[int] = mapped_column(doc="Server clock minus phone clock, seconds.")
    subject_uuid: Mapped[str | None] = mapped_column(UuidText, doc="The record it is about, as far as it says.")
    body_hash: Mapped[str] = mapped_column(String(64), doc="SHA-256 of the canonical body.")
    state: Mapped[str] = mapped_column(String(10), doc="accepted, rejected, conflict or replaced.")
    code: Mapped[str | None] = mapped_column(String(40), doc="Why it was not accepted (error catalogue).")
    fields: Mapped[Any] = mapped_column(EncryptedJson("operations.fields"), nullable=True)
    quarantine: Mapped[Any] = mapped_column(
        EncryptedJson("operations.quarantine"), nullable=True, doc="The whole operation while it is not applied."
    )
    rev: Mapped[int | None] = mapped_column(doc="Of the record when it was accepted.")

    __table_args__ = (Index("ix_operations_state_user", "state", "user_id"),)
