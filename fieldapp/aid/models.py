"""What people were given, or are to be given: money, goods, service.

Invariant: what an entry says was given never changes. A mistake is reversed by an entry of its own that takes it back, and
what is right is entered anew.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import AreaCode, Base, EncryptedText, Instant, UuidText
from fieldapp.core.feeds import FeedCode
from fieldapp.policies.models import Policy


class Aid(Base):
    """One help to a household or to a person of it."""

    __tablename__ = "aid"

    aid_uuid: Mapped[str] = mapped_column(UuidText, primary_key=True, doc="Key.")
    household_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("households.household_uuid"),
        index=True,
        doc="Which household; empty: relief for somebody who is on no list here.",
    )
    person_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("people.person_uuid"), index=True, doc="For whom of it; empty: for all of them."
    )
    area_code: Mapped[str] = mapped_column(
        AreaCode, doc="Grid the household was in when it was entered, or place of the emergency."
    )
    kind: Mapped[str] = mapped_column(String(10), doc="cash, goods or service.")
    programme: Mapped[str] = mapped_column(String(40), doc="Code table aid_programme.")
    source: Mapped[str] = mapped_column(String(40), doc="Code table aid_source: who pays.")
    item: Mapped[str | None] = mapped_column(
        String(40), doc="Code table aid_goods or aid_service; of money: empty."
    )
    amount_cents: Mapped[int | None] = mapped_column(
        BigInteger,
        doc="Of money: how much, in cents of a yuan. Of goods: what they are worth, where that is known.",
    )
    quantity_milli: Mapped[int | None] = mapped_column(
        BigInteger, doc="Of goods and service: how much, in thousandths of the unit; of service: of a time."
    )
    unit: Mapped[str | None] = mapped_column(String(40), doc="Of goods: code table aid_unit.")
    note: Mapped[str | None] = mapped_column(
        EncryptedText("aid.note"), doc="What it was, where the tables have no word for it."
    )
    received_by: Mapped[str | None] = mapped_column(
        EncryptedText("aid.received_by"), doc="Who took it, where it was somebody else."
    )
    state: Mapped[str] = mapped_column(String(10), doc="due, given, cancelled, reversed or reversal.")
    due_on: Mapped[date | None] = mapped_column(doc="By when it is to be given.")
    given_on: Mapped[date | None] = mapped_column(doc="Day it was paid, handed over or done.")
    week_on: Mapped[date | None] = mapped_column(
        doc="The week it counts in, by the day that ends on; of what is due: empty."
    )
    counted: Mapped[dict[str, int] | None] = mapped_column(
        JSON(none_as_null=True), doc="What it adds to the columns of the report; a reversal takes it off."
    )
    is_written_out: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        doc="It counts among the other goods, of which the report says what they were.",
    )
    visit_uuid: Mapped[str | None] = mapped_column(
        UuidText,
        index=True,
        doc="The visit it was given on, or that it comes from; a phone's may still be on its way (visits).",
    )
    followup_id: Mapped[str | None] = mapped_column(
        ForeignKey("followups.followup_id"), index=True, doc="The task it settles."
    )
    relief_case_id: Mapped[str | None] = mapped_column(
        UuidText, index=True, doc="The case of temporary relief it is paid for (relief_cases)."
    )
    period: Mapped[str | None] = mapped_column(
        String(7), doc="The month it is for, as 2026-11; empty: not said."
    )
    payment_list_id: Mapped[int | None] = mapped_column(
        index=True, doc="The list of payments that brought it (payment_lists)."
    )
    reverses_uuid: Mapped[str | None] = mapped_column(
        ForeignKey("aid.aid_uuid"), unique=True, doc="Of a reversal: the entry it takes back."
    )
    reason: Mapped[str | None] = mapped_column(
        EncryptedText("aid.reason"), doc="Why it was cancelled; of a reversal: why the entry was wrong."
    )
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who entered it.")
    entered_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    settled_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who noted that what was due was given, or cancelled it."
    )
    op_uuid: Mapped[str | None] = mapped_column(
        UuidText, doc="Operation of the phone it was entered on (operations); empty: at the desk."
    )
    settled_op_uuid: Mapped[str | None] = mapped_column(
        UuidText, doc="Operation of the phone on which what was due was settled; empty: at the desk."
    )
    receipt_missing: Mapped[bool] = mapped_column(
        default=False,
        doc="Given on a phone without the receipt that its county asks for. It counts all the same.",
    )
    feed: Mapped[str | None] = mapped_column(
        FeedCode,
        doc="Grid whose phones hold it; empty: none, for it was settled long ago or is of no household.",
    )

    __table_args__ = (
        Index("ix_aid_state_area_due", "state", "area_code", "due_on"),
        Index("ix_aid_area_given", "area_code", "given_on"),
        Index("ix_aid_week_area", "week_on", "area_code"),
        Index("ix_aid_week_given", "week_on", "given_on", "aid_uuid", "area_code"),
        Index("ix_aid_feed_given", "feed", "given_on"),
        # Few entries are: a year of them is read for the report.
        Index(
            "ix_aid_written_out",
            *("week_on", "area_code"),
            sqlite_where=text("is_written_out = 1"),
            postgresql_where=text("is_written_out"),
        ),
    )


class AidPolicy(Policy):
    """From which amount a county wants a receipt (a signature or a photo) of what is given on a visit."""

    __tablename__ = "aid_policies"

    cash_from_cents: Mapped[int | None] = mapped_column(
        BigInteger, doc="Of money from this sum on, cents; 0: always; empty: never."
    )
    goods_from_cents: Mapped[int | None] = mapped_column(
        BigInteger,
        doc="Of goods worth so much or more, cents; 0: always, also where nobody knows their worth; empty: never.",
    )
