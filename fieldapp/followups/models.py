"""Follow-up tasks: what a flag leads to, until somebody has closed it.

Invariant: one flag makes at most one task of a type, however often it is raised.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import AreaCode, Base, EncryptedJson, EncryptedText, Instant, UuidText
from fieldapp.users.models import User

# Written out, for an index is used only by what asks in the very words of the index.
ACTIVE = "state IN ('open', 'done', 'refused')"
# Of referrals: the body has it.
REFERRED = "state IN ('referred', 'accepted')"
CLIMBED = ACTIVE + " AND climbed_to IS NOT NULL"
# What some who read the grid it was found in must not know of.
SET_APART = "(is_restricted OR is_abuse OR area_code <> found_in)"


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
    found_in: Mapped[str] = mapped_column(
        AreaCode, doc="Grid it was found in: there it counts, wherever they move."
    )
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
    partner_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who goes along, where two have to."
    )
    source: Mapped[str] = mapped_column(
        String(10), default="desk", doc="How it came in: flag, desk, hotline, walk_in, letter or revisit."
    )
    caller: Mapped[Any] = mapped_column(
        EncryptedJson("followups.caller"), nullable=True, doc="{name, phone} of whoever called or came."
    )
    entered_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who made it at the desk; empty: a flag did."
    )
    is_abuse: Mapped[bool] = mapped_column(
        default=False,
        doc="Suspected abuse: the law asks for a report, and declared relatives are told nothing of it.",
    )
    is_restricted: Mapped[bool] = mapped_column(
        default=False, doc="A complaint: for officers, whoever entered it and whoever has it."
    )
    climbed_to: Mapped[str | None] = mapped_column(
        String(10), doc="How far up it has gone, overdue: township, county or city."
    )
    climbs_at: Mapped[datetime | None] = mapped_column(
        Instant, index=True, doc="When it goes one level up; empty: nobody is late, or it is at the top."
    )
    created_at: Mapped[datetime] = mapped_column(Instant, doc="Since when.")
    closed_at: Mapped[datetime | None] = mapped_column(Instant, doc="Verified or cancelled.")

    events: Mapped[list[FollowupEvent]] = relationship(order_by="FollowupEvent.id", back_populates="followup")

    __table_args__ = (
        UniqueConstraint("flag_id", "type"),
        Index("ix_followups_state_area", "state", "area_code"),
        # What is not closed, with all that lists, counts and boards of it go by: of years of tasks they read no more.
        Index(
            "ix_followups_active",
            *("area_code", "due_at"),
            sqlite_where=text(ACTIVE),
            postgresql_where=text(ACTIVE),
            postgresql_include=[
                *(
                    "followup_id",
                    "state",
                    "severity",
                    "type",
                    "is_restricted",
                    "entered_by_id",
                    "assignee_id",
                ),
                *("is_abuse", "household_uuid", "climbed_to", "created_at", "closed_at"),
            ],
        ),
        # The few that have climbed, which the menu counts on every page.
        Index(
            "ix_followups_climbed",
            *("climbed_to", "area_code", "severity", "state"),
            sqlite_where=text(CLIMBED),
            postgresql_where=text(CLIMBED),
        ),
        Index("ix_followups_assignee_state", "assignee_id", "state"),
        Index("ix_followups_created_area", "created_at", "area_code"),
        # Problems by the grid they were found in: those open, those found or solved in a time, and those not all may know.
        Index(
            "ix_followups_active_found",
            "found_in",
            sqlite_where=text(ACTIVE),
            postgresql_where=text(ACTIVE),
            postgresql_include=[
                *("state", "type", "area_code", "is_restricted", "entered_by_id", "assignee_id"),
                *("is_abuse", "household_uuid"),
            ],
        ),
        Index("ix_followups_found_created", "found_in", "created_at"),
        Index("ix_followups_closed_found", "closed_at", "found_in"),
        Index(
            "ix_followups_set_apart",
            *("found_in", "closed_at"),
            sqlite_where=text(SET_APART),
            postgresql_where=text(SET_APART),
        ),
    )


class FollowupEvent(Base):
    """A step in a task's life: handed_out, reported, refused, verified, reopened, cancelled, referred, moved with its
    household, passed_on because whoever had it works elsewhere, or climbed because it was late.
    """

    __tablename__ = "followup_events"

    id: Mapped[int] = mapped_column(primary_key=True, doc="In order.")
    followup_id: Mapped[str] = mapped_column(ForeignKey(Followup.followup_id), index=True, doc="The task.")
    at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who.")
    step: Mapped[str] = mapped_column(
        String(12),
        doc="handed_out, reported, refused, verified, reopened, cancelled, referred, moved, passed_on or climbed.",
    )
    level: Mapped[str | None] = mapped_column(String(10), doc="Of a climb: how far up it went.")
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


class Incident(Base):
    """Something red that a person must answer at once: of a visit, or of a task made without one."""

    __tablename__ = "incidents"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    visit_uuid: Mapped[str | None] = mapped_column(
        UuidText, unique=True, doc="The visit that found it; in quarantine, it is not there yet."
    )
    quarantine_key: Mapped[str | None] = mapped_column(
        String(120),
        unique=True,
        doc="The operation in quarantine it is of (user/op/hash), until that is taken in; so long hidden from relatives.",
    )
    followup_id: Mapped[str | None] = mapped_column(
        ForeignKey(Followup.followup_id), unique=True, doc="The task it is, where no visit found it."
    )
    household_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("households.household_uuid"), index=True, doc="Household it is about."
    )
    area_code: Mapped[str] = mapped_column(AreaCode, doc="Grid it was found in; it stays there.")
    is_abuse: Mapped[bool] = mapped_column(
        default=False, doc="Suspected abuse: declared relatives are told nothing of it."
    )
    level: Mapped[str] = mapped_column(
        String(10), doc="How far up it has gone: county (and the township), city or province."
    )
    raised_at: Mapped[datetime] = mapped_column(Instant, doc="When it was raised, the last time.")
    climbs_at: Mapped[datetime | None] = mapped_column(
        Instant, index=True, doc="When it goes one level up; empty: answered, or at the top."
    )
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant, doc="When somebody answered for it.")
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who.")

    __table_args__ = (
        Index("ix_incidents_acknowledged_area", "acknowledged_at", "area_code"),
        # What was answered last in a small area, among all of a province.
        Index("ix_incidents_area_acknowledged", "area_code", "acknowledged_at"),
    )


class IncidentEvent(Base):
    """A step of an incident: raised, climbed or acknowledged."""

    __tablename__ = "incident_events"

    id: Mapped[int] = mapped_column(primary_key=True, doc="In order.")
    incident_id: Mapped[int] = mapped_column(ForeignKey(Incident.id), index=True, doc="The incident.")
    at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    step: Mapped[str] = mapped_column(String(12), doc="raised, climbed or acknowledged.")
    level: Mapped[str] = mapped_column(String(10), doc="How far up it had gone then.")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who answered.")
    flag_id: Mapped[int | None] = mapped_column(doc="The flag that raised it (reviews.Flag).")
    reason: Mapped[Any] = mapped_column(
        EncryptedJson("incident_events.reason"), nullable=True, doc="{zh, en}: why it was raised."
    )
    text: Mapped[str | None] = mapped_column(
        EncryptedText("incident_events.text"), doc="What whoever answered is going to do."
    )


class DutyShift(Base):
    """Who is on duty (值班) for an area, from when to when. A row never changes: it is withdrawn and entered anew."""

    __tablename__ = "duty_shifts"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    area_code: Mapped[str] = mapped_column(
        ForeignKey("areas.code"), doc="A township, a county, a city or the province."
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who.")
    phone: Mapped[str] = mapped_column(String(30), doc="The number that phones call meanwhile.")
    starts_at: Mapped[datetime] = mapped_column(Instant, doc="From when.")
    ends_at: Mapped[datetime] = mapped_column(Instant, doc="Until when.")
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who entered it.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When it was entered.")
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who withdrew it.")
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant, doc="From then on it does not count.")

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="selectin")

    __table_args__ = (Index("ix_duty_shifts_area_ends", "area_code", "ends_at"),)


class Provider(Base):
    """A body outside (an institution, a station, a charity, a hospital) to which tasks are referred."""

    __tablename__ = "providers"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    name: Mapped[str] = mapped_column(String(120), doc="What it is called.")
    kind: Mapped[str] = mapped_column(String(40), doc="Code table provider_kind.")
    area_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), index=True, doc="Where it helps people.")
    services: Mapped[list[str]] = mapped_column(JSON, doc="Codes of followup_type that it helps with.")
    address: Mapped[str | None] = mapped_column(String(200), doc="Where it is.")
    contact: Mapped[str | None] = mapped_column(String(80), doc="Whom one asks for.")
    phone: Mapped[str] = mapped_column(String(40), doc="The number one calls.")
    note: Mapped[str | None] = mapped_column(Text, doc="Beds, opening hours, papers needed.")
    takes_referrals: Mapped[bool] = mapped_column(doc="Whether it is offered.")


class Referral(Base):
    """A task referred to a body outside."""

    __tablename__ = "referrals"
    # Of years of referrals the board asks only for these.
    __table_args__ = (
        Index(
            "ix_referrals_waiting",
            "followup_id",
            sqlite_where=text(REFERRED),
            postgresql_where=text(REFERRED),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    followup_id: Mapped[str] = mapped_column(ForeignKey(Followup.followup_id), index=True, doc="The task.")
    provider_id: Mapped[int] = mapped_column(ForeignKey(Provider.id), index=True, doc="To whom.")
    state: Mapped[str] = mapped_column(String(10), doc="referred, accepted, done or refused.")
    text: Mapped[str] = mapped_column(EncryptedText("referrals.text"), doc="What they are asked for.")
    made_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who referred it.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When.")

    provider: Mapped[Provider] = relationship(lazy="selectin")
    events: Mapped[list[ReferralEvent]] = relationship(order_by="ReferralEvent.id")


class ReferralEvent(Base):
    """A step of a referral: referred, accepted, done or refused."""

    __tablename__ = "referral_events"

    id: Mapped[int] = mapped_column(primary_key=True, doc="In order.")
    referral_id: Mapped[int] = mapped_column(ForeignKey(Referral.id), index=True, doc="The referral.")
    at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who wrote it down.")
    step: Mapped[str] = mapped_column(String(10), doc="referred, accepted, done or refused.")
    text: Mapped[str | None] = mapped_column(
        EncryptedText("referral_events.text"), doc="What came of it, or why it was refused."
    )
