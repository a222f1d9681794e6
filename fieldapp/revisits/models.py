"""Visits that somebody else looks at again, and how often a county draws one.

Invariant: what differs is a hint for a person to look; it is shown with the visit and added up for nobody.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant, UuidText
from fieldapp.followups.models import Followup
from fieldapp.policies.models import Policy
from fieldapp.visits.models import Visit


class RevisitPolicy(Policy):
    """How often a county draws an accepted home visit to be looked at again; a change is a new row, and the last holds."""

    __tablename__ = "revisit_policies"

    share_percent: Mapped[int] = mapped_column(doc="How many of a hundred home visits are drawn; 0: none.")
    more_percent: Mapped[int] = mapped_column(
        doc="How many of a hundred to people at high risk, or of the classes named."
    )
    classes: Mapped[list[str]] = mapped_column(JSON, doc="Code table class: drawn as often as high risk.")
    quiet_days: Mapped[int] = mapped_column(doc="So long a household is not drawn again.")
    pauses: Mapped[bool] = mapped_column(
        doc="Whether nothing is drawn in a special period that pauses reviews."
    )
    seed: Mapped[str] = mapped_column(
        EncryptedText("revisit_policies.seed"), doc="Key of the draw: with it every draw can be done again."
    )


class Revisit(Base):
    """A visit looked at again by somebody else: the task it is, what came of it, and what was decided."""

    __tablename__ = "revisits"

    followup_id: Mapped[str] = mapped_column(
        UuidText, ForeignKey(Followup.followup_id), primary_key=True, doc="The task."
    )
    visit_uuid: Mapped[str] = mapped_column(
        UuidText, ForeignKey(Visit.visit_uuid), unique=True, doc="The visit; it is looked at again once."
    )
    household_uuid: Mapped[str] = mapped_column(
        UuidText, ForeignKey("households.household_uuid"), doc="Whom it went to."
    )
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Grid of the visit.")
    policy_county: Mapped[str | None] = mapped_column(
        AreaCode, doc="Of the policy that drew it: its county; empty: asked for by hand."
    )
    policy_number: Mapped[int | None] = mapped_column(doc="And its number there.")
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who asked for it by hand.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When it was drawn or asked for.")
    finding: Mapped[str | None] = mapped_column(
        String(10), doc="agree, differ or not_done; empty: nobody was there yet, or told it in words."
    )
    decision: Mapped[str | None] = mapped_column(
        String(10), doc="What was decided: fine, talked, voided or task; empty: not yet."
    )
    words: Mapped[str | None] = mapped_column(EncryptedText("revisits.words"), doc="And in words.")
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who decided.")
    decided_at: Mapped[datetime | None] = mapped_column(Instant, doc="When.")

    __table_args__ = (
        ForeignKeyConstraint(
            ["policy_county", "policy_number"], ["revisit_policies.county_code", "revisit_policies.number"]
        ),
        Index("ix_revisits_area_made", "area_code", "made_at"),
        Index("ix_revisits_household_made", "household_uuid", "made_at"),
    )
