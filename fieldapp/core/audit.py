"""The audit trail: who did what to which record, written in the transaction of the deed itself.

Invariant: an entry is only ever added; the values it holds are encrypted.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import BigInteger, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core import clock
from fieldapp.core.db import Base, EncryptedJson, Instant, db


class Actor(Protocol):
    """Who acts: an account, as far as the trail needs it."""

    @property
    def id(self) -> int: ...

    @property
    def username(self) -> str: ...


class AuditEntry(Base):
    """One deed."""

    __tablename__ = "audit_entries"

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, doc="In the order of writing."
    )
    at: Mapped[datetime] = mapped_column(Instant, index=True, doc="When.")
    actor_id: Mapped[int | None] = mapped_column(doc="The account; empty for the system itself.")
    actor_name: Mapped[str] = mapped_column(String(80), doc="User name at that time.")
    action: Mapped[str] = mapped_column(String(60), doc="visit.approve, session.start, …")
    subject_kind: Mapped[str] = mapped_column(
        String(20), doc="What it was done to: visit, flag, followup, user, checklist."
    )
    subject_id: Mapped[str] = mapped_column(String(64), doc="The record's key, as text.")
    values: Mapped[Any] = mapped_column(
        EncryptedJson("audit_entries.values"),
        nullable=True,
        doc="What is worth keeping of it: states, reasons.",
    )

    __table_args__ = (db.Index("ix_audit_entries_subject", "subject_kind", "subject_id"),)


def record(
    actor: Actor | None,
    action: str,
    subject_kind: str,
    subject_id: object,
    *,
    at: datetime | None = None,
    **values: Any,
) -> None:
    """Add an entry to the running transaction; `values` are JSON values worth keeping (reasons, states)."""
    db.session.add(
        AuditEntry(
            at=at or clock.now(),
            actor_id=actor.id if actor else None,
            actor_name=actor.username if actor else "system",
            action=action,
            subject_kind=subject_kind,
            subject_id=str(subject_id),
            values=values or None,
        )
    )
