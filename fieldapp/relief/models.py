"""Cases of temporary relief with their steps, the counties' terms, and the townships' reserve funds.

Invariant: a fund's balance is what its entries come to, and never below zero, whoever decides at the same time.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant, UuidText
from fieldapp.policies.models import Policy


class ReliefPolicy(Policy):
    """What a county's relief goes by: limits and deadlines."""

    __tablename__ = "relief_policies"

    measure: Mapped[str] = mapped_column(
        String(10), doc="What the limits are counted in: yuan, or standard (times the local standard)."
    )
    standard_cents: Mapped[int] = mapped_column(
        BigInteger, doc="Local monthly standard of one person, in cents."
    )
    township_limit: Mapped[int] = mapped_column(
        BigInteger, doc="Up to this the township decides: in cents, or hundredths of the standard."
    )
    year_ceiling: Mapped[int] = mapped_column(
        BigInteger, doc="Above this in a calendar year a warning is shown; counted as the limit is."
    )
    accept_days: Mapped[int] = mapped_column(doc="Working days from the application until it is taken up.")
    propose_days: Mapped[int] = mapped_column(doc="From then until it is looked into and proposed.")
    decide_days: Mapped[int] = mapped_column(doc="From then until it is decided.")
    pay_days: Mapped[int] = mapped_column(doc="From then until it is paid.")
    papers_days: Mapped[int] = mapped_column(doc="Of aid that came first: from then until the papers are in.")
    urgent_hours: Mapped[int] = mapped_column(doc="Hours from an urgent application until it is paid.")
    repeat_months: Mapped[int] = mapped_column(
        doc="Relief for the same cause within so many months is warned of."
    )


class ReliefCase(Base):
    """One application for temporary relief, for a household or for somebody who is on no list here."""

    __tablename__ = "relief_cases"

    case_id: Mapped[str] = mapped_column(
        UuidText, primary_key=True, doc="Made on the phone that asks, or with the form at the desk."
    )
    household_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("households.household_uuid"), index=True, doc="The household, where it is registered here."
    )
    person_uuids: Mapped[list[str]] = mapped_column(
        JSON, doc="Who of it is helped; empty: all, or nobody of them is registered."
    )
    people_count: Mapped[int] = mapped_column(doc="How many people are helped.")
    applicant_name: Mapped[str] = mapped_column(
        EncryptedText("relief_cases.applicant_name"), doc="Who asks; may be empty at first."
    )
    id_number: Mapped[str | None] = mapped_column(
        EncryptedText("relief_cases.id_number"), doc="Of somebody who is not registered here, if known."
    )
    id_hash: Mapped[str | None] = mapped_column(
        String(64), index=True, doc="Keyed hash of the whole number, as of people."
    )
    phone: Mapped[str | None] = mapped_column(EncryptedText("relief_cases.phone"), doc="To call back.")
    home: Mapped[str] = mapped_column(
        EncryptedText("relief_cases.home"), doc="Where somebody lives who is not registered here."
    )
    is_local: Mapped[bool] = mapped_column(doc="Whether they are registered (户籍) in this county.")
    area_code: Mapped[str] = mapped_column(
        AreaCode, doc="Where the emergency is: grid, village or township, or a unit of 市本级."
    )
    place: Mapped[str] = mapped_column(EncryptedText("relief_cases.place"), doc="The place in words.")
    channel: Mapped[str] = mapped_column(
        String(12), doc="How it came: visit, hotline, agent, appointment, remote or desk."
    )
    agent_name: Mapped[str] = mapped_column(
        EncryptedText("relief_cases.agent_name"), doc="代办: who asks in their place."
    )
    agent_authority: Mapped[str] = mapped_column(
        EncryptedText("relief_cases.agent_authority"), doc="On whose word the agent does."
    )
    cause: Mapped[str] = mapped_column(String(40), doc="Code table cause; empty while not known.")
    what_happened: Mapped[str] = mapped_column(EncryptedText("relief_cases.what_happened"), doc="In words.")
    asked_for: Mapped[str] = mapped_column(EncryptedText("relief_cases.asked_for"), doc="In words.")
    asked_cents: Mapped[int | None] = mapped_column(BigInteger, doc="How much is asked for, if said.")
    is_urgent: Mapped[bool] = mapped_column(doc="先行救助: aid first, papers later.")
    is_abuse: Mapped[bool] = mapped_column(
        default=False, doc="Of a task of suspected abuse: declared near relatives are told nothing of it."
    )
    state: Mapped[str] = mapped_column(
        String(12),
        doc="applied, accepted, investigated, proposed, approved, paid, closed, refused or withdrawn.",
    )
    due_at: Mapped[datetime | None] = mapped_column(Instant, doc="By when the next step is due.")
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True, doc="Who handles it.")
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who asked for it, or entered it.")
    visit_uuid: Mapped[str | None] = mapped_column(
        UuidText, index=True, doc="The visit it comes from, which may still wait among the uploads."
    )
    followup_id: Mapped[str | None] = mapped_column(
        ForeignKey("followups.followup_id"), index=True, doc="The task it comes from."
    )
    tier: Mapped[str | None] = mapped_column(String(10), doc="Who decides the amount: township or county.")
    proposed_cents: Mapped[int | None] = mapped_column(BigInteger, doc="Proposed.")
    approved_cents: Mapped[int | None] = mapped_column(BigInteger, doc="Approved.")
    paid_cents: Mapped[int] = mapped_column(BigInteger, default=0, doc="Paid so far.")
    funded_by: Mapped[str | None] = mapped_column(
        String(40), doc="Code table aid_source: public or reserve_fund."
    )
    fund_code: Mapped[str | None] = mapped_column(
        ForeignKey("relief_funds.township_code"), doc="The township from whose reserve fund it is paid."
    )
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who approved it.")
    approved_for_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="In whose place, where a deputy did."
    )
    reason: Mapped[str | None] = mapped_column(
        EncryptedText("relief_cases.reason"), doc="Why it was refused or withdrawn."
    )
    applied_at: Mapped[datetime] = mapped_column(Instant, doc="When it was asked for.")
    received_at: Mapped[datetime] = mapped_column(Instant, doc="When it came in here.")
    approved_at: Mapped[datetime | None] = mapped_column(Instant, doc="When it was approved.")
    paid_on: Mapped[date | None] = mapped_column(doc="Day of the first payment.")
    papers_on: Mapped[date | None] = mapped_column(doc="Of aid that came first: day the papers were in.")
    closed_at: Mapped[datetime | None] = mapped_column(Instant, doc="Closed, refused or withdrawn.")

    steps: Mapped[list[ReliefStep]] = relationship(order_by="ReliefStep.id", back_populates="case")

    __table_args__ = (
        Index("ix_relief_cases_state_area_due", "state", "area_code", "due_at"),
        Index("ix_relief_cases_area_applied", "area_code", "applied_at"),
        Index("ix_relief_cases_area_approved", "area_code", "approved_at"),
    )


class ReliefStep(Base):
    """A step in the life of a case, or a change of what it says."""

    __tablename__ = "relief_steps"

    id: Mapped[int] = mapped_column(primary_key=True, doc="In order.")
    case_id: Mapped[str] = mapped_column(ForeignKey(ReliefCase.case_id), index=True, doc="Which case.")
    at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    actor_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who.")
    for_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="In whose place, of a deputy.")
    step: Mapped[str] = mapped_column(
        String(12),
        doc="opened, changed, accepted, investigated, proposed, returned, approved, paid, taken_back, papers, closed, "
        "refused or withdrawn.",
    )
    text: Mapped[str | None] = mapped_column(
        EncryptedText("relief_steps.text"), doc="Findings, reason or remark."
    )
    amount_cents: Mapped[int | None] = mapped_column(BigInteger, doc="Proposed, approved or paid by it.")
    aid_uuid: Mapped[str | None] = mapped_column(ForeignKey("aid.aid_uuid"), doc="Of a payment: its entry.")

    case: Mapped[ReliefCase] = relationship(back_populates="steps")


class ReliefFund(Base):
    """备用金 of a township: what is there to be approved, and what is held for cases that were."""

    __tablename__ = "relief_funds"

    township_code: Mapped[str] = mapped_column(ForeignKey("areas.code"), primary_key=True, doc="Whose.")
    balance_cents: Mapped[int] = mapped_column(BigInteger, default=0, doc="There to be approved.")
    held_cents: Mapped[int] = mapped_column(BigInteger, default=0, doc="Approved and still to be paid.")

    __table_args__ = (
        CheckConstraint("balance_cents >= 0", name="balance_not_negative"),
        CheckConstraint("held_cents >= 0", name="held_not_negative"),
    )


class ReliefFundEntry(Base):
    """A movement of a fund."""

    __tablename__ = "relief_fund_entries"

    id: Mapped[int] = mapped_column(primary_key=True, doc="In order.")
    township_code: Mapped[str] = mapped_column(
        ForeignKey(ReliefFund.township_code), index=True, doc="Of which fund."
    )
    kind: Mapped[str] = mapped_column(
        String(10),
        doc="in: money came; held: for an approved case; paid; taken_back: a payment; freed: held money not needed; "
        "reversal: of money that came.",
    )
    cents: Mapped[int] = mapped_column(BigInteger, doc="How much, above zero.")
    balance_cents: Mapped[int] = mapped_column(BigInteger, doc="The balance after it.")
    held_cents: Mapped[int] = mapped_column(BigInteger, doc="What is held after it.")
    case_id: Mapped[str | None] = mapped_column(ForeignKey(ReliefCase.case_id), index=True, doc="For a case.")
    reverses_id: Mapped[int | None] = mapped_column(
        ForeignKey("relief_fund_entries.id"), unique=True, doc="Of a reversal: the entry it takes back."
    )
    reason: Mapped[str | None] = mapped_column(
        EncryptedText("relief_fund_entries.reason"), doc="Where it came from, or why it was wrong."
    )
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who.")
    entered_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
