"""Flags raised by visits, and the decisions of reviewers.

Invariant: a flag is a hint for a person to look at; only a person confirms or dismisses it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText


class Flag(Base):
    """A warning (预警) about a visit: declared by its checklist or found by the server."""

    __tablename__ = "flags"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    visit_uuid: Mapped[str] = mapped_column(ForeignKey("visits.visit_uuid"), doc="The visit that raised it.")
    revision: Mapped[int] = mapped_column(doc="The revision it was last raised by.")
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Grid of the visit.")
    person_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("people.person_uuid"), doc="Whom it is about, where it is about one."
    )
    rule: Mapped[str] = mapped_column(String(30), doc="answer (declared by the checklist), far_from_home, …")
    question: Mapped[str] = mapped_column(
        String(300), default="", doc="Path of the question, for rule answer."
    )
    choice: Mapped[str] = mapped_column(String(200), default="", doc="The choice that raised it, if one did.")
    severity: Mapped[str] = mapped_column(String(6), doc="red, orange or yellow.")
    text: Mapped[Any] = mapped_column(EncryptedJson("flags.text"), doc="{zh, en}.")
    evidence: Mapped[Any] = mapped_column(
        EncryptedJson("flags.evidence"), nullable=True, doc="What the rule saw, and its threshold."
    )
    followup_type: Mapped[str | None] = mapped_column(String(40), doc="What it leads to, if anything.")
    state: Mapped[str] = mapped_column(String(10), default="open", doc="open, confirmed or dismissed.")
    reason: Mapped[str | None] = mapped_column(EncryptedText("flags.reason"), doc="Why it was dismissed.")
    raised_at: Mapped[datetime] = mapped_column(Instant, doc="When it was first raised.")
    decided_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who confirmed or dismissed it."
    )

    __table_args__ = (Index("ix_flags_visit_rule", "visit_uuid", "rule"),)


class Review(Base):
    """A reviewer's decision on one revision of a visit."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    visit_uuid: Mapped[str] = mapped_column(
        UuidText, ForeignKey("visits.visit_uuid"), index=True, doc="The visit."
    )
    revision: Mapped[int] = mapped_column(doc="The revision the reviewer saw.")
    decision: Mapped[str] = mapped_column(String(10), doc="approved, returned or voided.")
    reason: Mapped[str | None] = mapped_column(
        EncryptedText("reviews.reason"), doc="Why it was returned or voided."
    )
    notes: Mapped[Any] = mapped_column(
        EncryptedJson("reviews.notes"), nullable=True, doc="{question path: text}."
    )
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who decided.")
    decided_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
