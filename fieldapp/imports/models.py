"""Imports: files of people that somebody brings in, and their rows until they are thrown away.

Invariant: what a row says is encrypted, the first one too, which may be no heading; in the clear are its number, its
outcome and keys of the registry.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, EncryptedJson, EncryptedText, Instant, UuidText

# From the upload to the end; those in RUNNING go on by steps (`actions.go_on`).
READING, MAPPING, CHECKING, CHECKED = "reading", "mapping", "checking", "checked"
APPLYING, APPLIED, UNDOING, UNDONE = "applying", "applied", "undoing", "undone"
RUNNING = (CHECKING, APPLYING, UNDOING)


class Import(Base):
    """A file of people, from its upload to its undoing."""

    __tablename__ = "imports"

    import_id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    source: Mapped[str] = mapped_column(String(80), doc="Where the file is from, as its reader calls it.")
    file_name: Mapped[str] = mapped_column(EncryptedText("imports.file_name"), doc="As it was called.")
    area_codes: Mapped[list[str]] = mapped_column(
        JSON, doc="The areas of whoever brought it: its people must live there."
    )
    made_by: Mapped[int] = mapped_column(ForeignKey("users.id"), doc="Who brought it.")
    made_at: Mapped[datetime] = mapped_column(Instant, doc="When.")
    state: Mapped[str] = mapped_column(
        String(10), doc="reading, mapping, checking, checked, applying, applied, undoing or undone."
    )
    position: Mapped[int] = mapped_column(
        default=0, doc="Number of the row that the running step has come to; undoing goes upwards."
    )
    rows: Mapped[int] = mapped_column(default=0, doc="How many rows it has.")
    header: Mapped[Any] = mapped_column(
        EncryptedJson("imports.header"),
        default=list,
        doc="Names of the file's columns; where they were forgotten, somebody's first row.",
    )
    sheets: Mapped[Any] = mapped_column(
        EncryptedJson("imports.sheets"),
        nullable=True,
        doc="Of a workbook: the name of the sheet that was read, then of the others with rows.",
    )
    fields: Mapped[list[str]] = mapped_column(
        JSON, default=list, doc="What each column holds; empty for one that is not read."
    )
    whole: Mapped[bool] = mapped_column(
        default=False, doc="All or nothing: a row that cannot be applied after all takes the others back."
    )
    applied_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who had it applied.")
    applied_at: Mapped[datetime | None] = mapped_column(Instant, doc="When that was asked for.")
    undone_by: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who had it taken back; empty: nobody, or all-or-nothing did."
    )
    undone_at: Mapped[datetime | None] = mapped_column(Instant, doc="When that began.")


class ImportRow(Base):
    """A row of a file as it came, and what becomes of it."""

    __tablename__ = "import_rows"

    import_id: Mapped[int] = mapped_column(
        ForeignKey(Import.import_id), primary_key=True, doc="Which import."
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, doc="Row in the file.")
    cells: Mapped[Any] = mapped_column(EncryptedJson("import_rows.cells"), doc="The texts, column by column.")
    outcome: Mapped[str | None] = mapped_column(
        String(10), doc="add, change, same or refused; empty until checked."
    )
    household_uuid: Mapped[str | None] = mapped_column(UuidText, doc="The household it is about, or makes.")
    person_uuid: Mapped[str | None] = mapped_column(UuidText, doc="The person it is about, or makes.")
    household_hash: Mapped[str | None] = mapped_column(
        String(64), doc="Keyed hash of the household as the file tells it from others."
    )
    person_hash: Mapped[str | None] = mapped_column(
        String(64), doc="Keyed hash of the ID number; without one, of household, name and birthday."
    )
    plan: Mapped[Any] = mapped_column(
        EncryptedJson("import_rows.plan"),
        nullable=True,
        doc="What is to be written: {adds_household, is_head, says, household, person}; see imports.judging.",
    )
    faults: Mapped[Any] = mapped_column(
        EncryptedJson("import_rows.faults"),
        nullable=True,
        doc="Why it is refused: [field, code, params] each.",
    )
    is_applied: Mapped[bool] = mapped_column(default=False, doc="What it says is in the registry.")
    left: Mapped[Any] = mapped_column(
        EncryptedJson("import_rows.left"),
        nullable=True,
        doc="What undoing left as it is: fields that were changed since, or why somebody added stays.",
    )

    __table_args__ = (
        Index("ix_import_rows_outcome", "import_id", "outcome", "number"),
        Index("ix_import_rows_household", "import_id", "household_hash"),
        Index("ix_import_rows_person", "import_id", "person_hash"),
    )


class ImportSource(Base):
    """What the columns of a source hold, as somebody said the last time."""

    __tablename__ = "import_sources"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True, doc="Whose.")
    name: Mapped[str] = mapped_column(String(80), primary_key=True, doc="As they call it.")
    fields: Mapped[Any] = mapped_column(
        EncryptedJson("import_sources.fields"), doc="Field by the column's name; empty: not read."
    )
