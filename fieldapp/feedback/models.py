"""What workers say about the work and the app, and what is answered.

Invariant: a feedback is never written over. What an answer did not settle comes as a new one that names it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant, UuidText


class Feedback(Base):
    """One feedback with its answer."""

    __tablename__ = "feedback"

    feedback_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Made on the phone.")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True, doc="Who sent it.")
    area_code: Mapped[str | None] = mapped_column(
        AreaCode, doc="The sender's area when it was written: who answers follows from it."
    )
    topic: Mapped[str] = mapped_column(String(10), doc="app, checklist, workload or other.")
    is_county_only: Mapped[bool] = mapped_column(doc="Read by the county's officers and by nobody else.")
    text: Mapped[str] = mapped_column(EncryptedText("feedback.text"), doc="What was written.")
    follows_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("feedback.feedback_uuid"), doc="The one whose answer did not settle it."
    )
    state: Mapped[str] = mapped_column(String(10), doc="sent, answered, or reopened: another one follows it.")
    sent_at: Mapped[datetime] = mapped_column(Instant, doc="When it was written, by the server's clock.")
    received_at: Mapped[datetime] = mapped_column(Instant, doc="When it came.")
    answer: Mapped[str | None] = mapped_column(
        EncryptedText("feedback.answer"), doc="What the sender reads on the phone."
    )
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="By whom.")
    answered_at: Mapped[datetime | None] = mapped_column(Instant, doc="When.")

    __table_args__ = (Index("ix_feedback_state_area", "state", "area_code", "received_at"),)
