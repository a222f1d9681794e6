"""Follow-up tasks: what a flag leads to, until somebody has closed it.

Invariant: one flag makes at most one task of a type, however often it is raised.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText


class Followup(Base):
    """A task for somebody, about a household."""

    __tablename__ = "followups"

    followup_id: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Key.")
    flag_id: Mapped[int | None] = mapped_column(
        doc="The flag that made it (reviews.Flag); empty: made by hand."
    )
    type: Mapped[str] = mapped_column(String(40), doc="Code table followup_type.")
    severity: Mapped[str] = mapped_column(String(6), doc="red, orange or yellow.")
    state: Mapped[str] = mapped_column(String(10), doc="open, done, verified, refused or cancelled.")
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Grid of the household.")
    household_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("households.household_uuid"), index=True, doc="Household it is about."
    )
    person_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("people.person_uuid"), index=True, doc="Person it is about, where it is about one."
    )
    visit_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("visits.visit_uuid"), index=True, doc="Visit it came from."
    )
    reason: Mapped[Any] = mapped_column(EncryptedJson("followups.reason"), doc="{zh, en}: why it was made.")
    instructions: Mapped[str | None] = mapped_column(
        EncryptedText("followups.instructions"), doc="What the assignee is asked to do."
    )
    checklist_key: Mapped[str] = mapped_column(String(60), doc="What its result is reported with.")
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who does it.")
    assigned_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who handed it out.")
    due_at: Mapped[datetime] = mapped_column(Instant, doc="By when.")
    created_at: Mapped[datetime] = mapped_column(Instant, doc="Since when.")
    closed_at: Mapped[datetime | None] = mapped_column(Instant, doc="Verified or cancelled.")

    events: Mapped[list[FollowupEvent]] = relationship(order_by="FollowupEvent.id", back_populates="followup")

    __table_args__ = (
        UniqueConstraint("flag_id", "type"),
        Index("ix_followups_state_area", "state", "area_code"),
        Index("ix_followups_assignee_state", "assignee_id", "state"),
    )


class FollowupEvent(Base):
    """A step in a task's life: handed_out, reported, refused, verified, reopened, cancelled, or moved with its household."""

    __tablename__ = "followup_events"

    id: Mapped[int] = mapped_column(primary_key=True, doc="In order.")
    followup_id: Mapped[str] = mapped_column(ForeignKey(Followup.followup_id), index=True, doc="The task.")
    at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who.")
    step: Mapped[str] = mapped_column(
        String(12), doc="handed_out, reported, refused, verified, reopened, cancelled or moved."
    )
    text: Mapped[str | None] = mapped_column(
        EncryptedText("followup_events.text"), doc="Reason or instructions."
    )
    checklist_key: Mapped[str | None] = mapped_column(String(60), doc="Of a report.")
    checklist_version: Mapped[str | None] = mapped_column(String(40), doc="Of a report.")
    body: Mapped[Any] = mapped_column(
        EncryptedJson("followup_events.body"), nullable=True, doc="Of a report, as sent, word for word."
    )
    problems: Mapped[Any] = mapped_column(
        EncryptedJson("followup_events.problems"),
        nullable=True,
        doc="What the server's evaluation objects to in a report.",
    )
    op_uuid: Mapped[str | None] = mapped_column(UuidText, doc="The phone's operation, for reports.")
    taken_in_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who took it in at the desk, when it could not be applied as it came."
    )

    followup: Mapped[Followup] = relationship(back_populates="events")

    @property
    def answers(self) -> dict[str, Any] | None:
        """The answers of a report, or None."""
        return self.body["answers"] if self.body and "answers" in self.body else None
