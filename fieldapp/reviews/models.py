"""Flags raised by visits, decisions on visits, and the policies under which clean ones are accepted without a reviewer.

Invariant: a flag is a hint for a person to look at; only a person confirms or dismisses it. A decision that no person
took names the policy that took it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText
from fieldapp.policies.models import Policy


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

    __table_args__ = (
        Index("ix_flags_visit_rule", "visit_uuid", "rule"),
        Index("ix_flags_rule_area_raised", "rule", "area_code", "raised_at"),
        Index("ix_flags_state_area", "state", "area_code"),
    )


class FlagRuleSetting(Policy):
    """How a county has a rule work; a change is a new row, and the last one holds. None: as it was shipped."""

    __tablename__ = "flag_rule_settings"

    rule: Mapped[str] = mapped_column(
        String(40), primary_key=True, sort_order=-2, doc="Code table flag_rule; each is numbered for itself."
    )
    is_on: Mapped[bool] = mapped_column(doc="Whether it raises flags.")
    severity: Mapped[str] = mapped_column(String(6), doc="Of the flags it raises.")
    thresholds: Mapped[dict[str, int]] = mapped_column(
        JSON, doc="What the rule is measured against, by name, each in its unit; none: empty."
    )


class PhotoPrint(Base):
    """A quarter of the fingerprint of a photo of a visit: photos of a county that differ in three bits at most share one."""

    __tablename__ = "photo_prints"

    county_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="County of the visit.")
    quarter: Mapped[int] = mapped_column(primary_key=True, doc="Which quarter, 0 to 3.")
    bits: Mapped[int] = mapped_column(primary_key=True, doc="Its 16 bits.")
    visit_uuid: Mapped[str] = mapped_column(
        ForeignKey("visits.visit_uuid"), primary_key=True, doc="The visit."
    )
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, doc="The photo.")


class ReviewPolicy(Policy):
    """How a county deals with visits that are clean and complete; a change is a new row, and the last one holds."""

    __tablename__ = "review_policies"

    accepts: Mapped[bool] = mapped_column(doc="Whether they are accepted without a reviewer.")
    share_percent: Mapped[int] = mapped_column(doc="How many in a hundred of them are drawn for review.")
    seed: Mapped[str] = mapped_column(
        EncryptedText("review_policies.seed"), doc="Key of the draw: with it every draw can be done again."
    )
    checklists: Mapped[list[str]] = mapped_column(
        JSON, doc="Keys of checklists that a person always looks at."
    )
    classes: Mapped[list[str]] = mapped_column(
        JSON, doc="Code table class: visits to these people a person always looks at."
    )


class Review(Base):
    """A decision on one revision of a visit: a reviewer's, or that of the county's policy."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    visit_uuid: Mapped[str] = mapped_column(
        UuidText, ForeignKey("visits.visit_uuid"), index=True, doc="The visit."
    )
    revision: Mapped[int] = mapped_column(doc="The revision the reviewer saw.")
    decision: Mapped[str] = mapped_column(String(10), doc="approved, returned, voided or reopened.")
    reason: Mapped[str | None] = mapped_column(
        EncryptedText("reviews.reason"), doc="Why it was returned or voided."
    )
    notes: Mapped[Any] = mapped_column(
        EncryptedJson("reviews.notes"), nullable=True, doc="{question path: text}."
    )
    reviewer_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who decided; empty: the policy."
    )
    policy_county: Mapped[str | None] = mapped_column(AreaCode, doc="Of the policy that decided: its county.")
    policy_number: Mapped[int | None] = mapped_column(doc="And its number there.")
    decided_at: Mapped[datetime] = mapped_column(Instant, doc="When.")

    __table_args__ = (
        ForeignKeyConstraint(
            ["policy_county", "policy_number"], ["review_policies.county_code", "review_policies.number"]
        ),
    )


class ReviewClaim(Base):
    """Who is looking at a visit just now, so that two do not look at the same one; it ends by itself."""

    __tablename__ = "review_claims"

    visit_uuid: Mapped[str] = mapped_column(
        UuidText, ForeignKey("visits.visit_uuid"), primary_key=True, doc="The visit."
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True, doc="Who is looking at it.")
    claimed_at: Mapped[datetime] = mapped_column(Instant, doc="Since when.")
