"""Lists of payments, and their rows until they are thrown away.

Invariant: what a row says is encrypted; in the clear are its number, what became of it, its amount, and keys of other records.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, EncryptedJson, EncryptedText, Instant, UuidText

# From the upload to the end; those in RUNNING go on by steps (`actions.go_on`).
READING, MAPPING, CHECKING, CHECKED = "reading", "mapping", "checking", "checked"
TAKING, TAKEN, UNDOING, UNDONE = "taking", "taken", "undoing", "undone"
RUNNING = (CHECKING, TAKING, UNDOING)


class PaymentList(Base):
    """A file of payments, from its upload to its undoing."""

    __tablename__ = "payment_lists"

    list_id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    file_name: Mapped[str] = mapped_column(EncryptedText("payment_lists.file_name"), doc="As it was called.")
    file_hash: Mapped[str] = mapped_column(String(64), index=True, doc="Keyed hash of the file as it came.")
    area_codes: Mapped[list[str]] = mapped_column(
        JSON, doc="The areas of whoever brought it: its people must live there."
    )
    made_by: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who brought it.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    state: Mapped[str] = mapped_column(
        String(10), doc="reading, mapping, checking, checked, taking, taken, undoing or undone."
    )
    position: Mapped[int] = mapped_column(
        default=0, doc="Number of the row that the running step has come to; undoing goes upwards."
    )
    rows: Mapped[int] = mapped_column(default=0, doc="How many rows it has, its sums among them.")
    header: Mapped[Any] = mapped_column(
        EncryptedJson("payment_lists.header"),
        default=list,
        doc="Names of the file's columns; where they were forgotten, somebody's first row.",
    )
    sheets: Mapped[Any] = mapped_column(
        EncryptedJson("payment_lists.sheets"),
        nullable=True,
        doc="Of a workbook: the name of the sheet that was read, then of the others with rows.",
    )
    fields: Mapped[list[str]] = mapped_column(
        JSON, default=list, doc="What each column holds; empty for one that is not read."
    )
    programme: Mapped[str | None] = mapped_column(
        String(40), doc="Code table aid_programme, of all rows; empty: a column says it."
    )
    source: Mapped[str | None] = mapped_column(
        String(40), doc="Code table aid_source, of all rows; empty: a column says it."
    )
    period: Mapped[str | None] = mapped_column(
        String(7), doc="The month it is for, as 2026-11, of all rows; empty: a column says it."
    )
    paid_on: Mapped[date | None] = mapped_column(doc="Day it was paid, of rows of which no column says it.")
    checked_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who had it compared: their relatives' payments are marked."
    )
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who had it taken in.")
    taken_at: Mapped[datetime | None] = mapped_column(Instant, doc="When that was last asked for.")
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who had it taken back.")
    undone_at: Mapped[datetime | None] = mapped_column(Instant, doc="When that began.")
    reason: Mapped[str | None] = mapped_column(
        EncryptedText("payment_lists.reason"),
        doc="Why it was taken in, or back: the last thing that was said.",
    )


class PaymentRow(Base):
    """A row of a list as it came, what it was found to be, and what was decided of it."""

    __tablename__ = "payment_rows"

    list_id: Mapped[int] = mapped_column(ForeignKey(PaymentList.list_id), primary_key=True, doc="Which list.")
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="Row in the file.")
    cells: Mapped[Any] = mapped_column(
        EncryptedJson("payment_rows.cells"), doc="The texts, column by column."
    )
    kind: Mapped[str | None] = mapped_column(
        String(10), doc="What it is (payments.rules.KINDS), or total, subtotal; empty until compared."
    )
    amount_cents: Mapped[int | None] = mapped_column(
        BigInteger, doc="How much it says, in cents; empty where that cannot be read."
    )
    programme: Mapped[str | None] = mapped_column(String(40), doc="Code table aid_programme.")
    source: Mapped[str | None] = mapped_column(String(40), doc="Code table aid_source.")
    period: Mapped[str | None] = mapped_column(String(7), doc="The month it is for, as 2026-11.")
    paid_on: Mapped[date | None] = mapped_column(doc="Day it was paid.")
    household_uuid: Mapped[str | None] = mapped_column(UuidText, doc="The household it is for.")
    person_uuid: Mapped[str | None] = mapped_column(UuidText, doc="The person it is for.")
    candidates: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True), doc="Where several people fit: their keys."
    )
    settles: Mapped[list[str]] = mapped_column(
        JSON, default=list, doc="Keys of the due aid that it pays as it is."
    )
    monthless: Mapped[list[str]] = mapped_column(
        JSON, default=list, doc="Of those that it has paid: keys of what had said no month before."
    )
    cancels: Mapped[list[str]] = mapped_column(
        JSON, default=list, doc="Keys of due aid of another amount: taken in, it takes their place."
    )
    for_household: Mapped[bool] = mapped_column(
        default=False, doc="Some of that due aid is for the whole household, not for the person alone."
    )
    notes: Mapped[Any] = mapped_column(
        EncryptedJson("payment_rows.notes"),
        nullable=True,
        doc="What is to be said of it: [field, code, params] each.",
    )
    decision: Mapped[str | None] = mapped_column(String(5), doc="take or leave, by hand.")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who decided.")
    decided_reason: Mapped[str | None] = mapped_column(
        EncryptedText("payment_rows.decided_reason"), doc="Why, as they said."
    )
    chosen_uuid: Mapped[str | None] = mapped_column(UuidText, doc="Whom of several people they chose.")
    is_taken: Mapped[bool] = mapped_column(default=False, doc="It stands in the books as aid.")
    left: Mapped[str | None] = mapped_column(
        String(40),
        doc="Why it was not taken in after all, or not taken back: changed, reversed, or the code of an error.",
    )

    __table_args__ = (
        Index("ix_payment_rows_kind", "list_id", "kind", "number"),
        Index("ix_payment_rows_household", "list_id", "household_uuid"),
        Index("ix_payment_rows_person", "list_id", "person_uuid"),
    )
