"""Checklists: who answers for them, their versions, and where each version is in force.

Invariant: a version is never changed; a changed workbook is a new version. A publication is never deleted, so whatever
a phone was given stays known.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, ForeignKeyConstraint, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import AreaCode, Base, Instant, db

OWNER_LIMIT = 120
PURPOSE_LIMIT = 500
NAME_LIMIT = 200


class Checklist(Base):
    """A checklist by its key; the row is locked while one of its versions is numbered, published or deleted."""

    __tablename__ = "checklists"

    key: Mapped[str] = mapped_column(String(60), primary_key=True, doc="form_id of the workbook.")


class Registration(Base):
    """Who answers for a checklist in an area, why, and until when; each area that uploads a version has its own."""

    __tablename__ = "checklist_registrations"

    key: Mapped[str] = mapped_column(ForeignKey(Checklist.key), primary_key=True, doc="Of the checklist.")
    area_code: Mapped[str] = mapped_column(
        AreaCode, primary_key=True, doc="The area it belongs to; its officers may change it, here and below."
    )
    owner: Mapped[str] = mapped_column(String(OWNER_LIMIT), default="", doc="主办单位.")
    purpose: Mapped[str] = mapped_column(
        String(PURPOSE_LIMIT), default="", doc="Why it is needed, and on what basis."
    )
    valid_until: Mapped[date | None] = mapped_column(
        doc="Last day it is offered for new visits; empty: open."
    )


class ChecklistVersion(Base):
    """One version: the workbook as uploaded and what it was compiled to."""

    __tablename__ = "checklist_versions"

    key: Mapped[str] = mapped_column(String(60), primary_key=True, doc="Of the checklist.")
    version: Mapped[str] = mapped_column(
        String(40), primary_key=True, doc="Counted by the server from 1, for each key, whoever uploads."
    )
    area_code: Mapped[str] = mapped_column(AreaCode, doc="The area it belongs to.")
    document: Mapped[dict[str, Any]] = mapped_column(JSON, doc="Compiled; see docs/checklists.md.")
    xform: Mapped[str] = mapped_column(deferred=True, doc="The XForm XML that pyxform made of the workbook.")
    workbook: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, doc="The file as uploaded.")
    workbook_sha256: Mapped[str] = mapped_column(
        String(64), doc="Of the file; the same file is not stored twice for an area."
    )
    filename: Mapped[str] = mapped_column(String(NAME_LIMIT), doc="As uploaded.")
    notices: Mapped[list[str]] = mapped_column(JSON, doc="What the compiler left out or wants known.")
    created_at: Mapped[datetime] = mapped_column(Instant, doc="When it was uploaded.")
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="By whom; empty: shipped with the program."
    )

    files: Mapped[list[ChecklistFile]] = relationship(
        order_by="ChecklistFile.name", cascade="all, delete-orphan", passive_deletes=True
    )
    publications: Mapped[list[Publication]] = relationship(
        order_by="Publication.id", back_populates="of_version"
    )

    __table_args__ = (ForeignKeyConstraint(["key", "area_code"], [Registration.key, Registration.area_code]),)

    @property
    def number(self) -> int:
        """The version as a number, to sort by."""
        return int(self.version)


class ChecklistFile(Base):
    """A list of choices (CSV) that belongs to a version's workbook."""

    __tablename__ = "checklist_files"

    key: Mapped[str] = mapped_column(String(60), primary_key=True, doc="Of the checklist.")
    version: Mapped[str] = mapped_column(String(40), primary_key=True, doc="Of the version.")
    name: Mapped[str] = mapped_column(String(NAME_LIMIT), primary_key=True, doc="As the workbook calls it.")
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, doc="The file as uploaded.")

    __table_args__ = (
        ForeignKeyConstraint(
            ["key", "version"], [ChecklistVersion.key, ChecklistVersion.version], ondelete="CASCADE"
        ),
    )


class Publication(Base):
    """A version in force in an area from one day to another; which of several counts, `offers.choose` says."""

    __tablename__ = "checklist_publications"

    id: Mapped[int] = mapped_column(primary_key=True, doc="Number.")
    key: Mapped[str] = mapped_column(String(60), doc="Of the checklist.")
    version: Mapped[str] = mapped_column(String(40), doc="Of the version.")
    area_code: Mapped[str] = mapped_column(AreaCode, index=True, doc="In force here and below.")
    from_on: Mapped[date] = mapped_column(doc="First day.")
    until_on: Mapped[date | None] = mapped_column(doc="Last day; empty: until retired.")
    published_at: Mapped[datetime] = mapped_column(Instant, doc="When somebody said so.")
    published_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="Who; empty: came with the program."
    )
    retired_at: Mapped[datetime | None] = mapped_column(Instant, doc="No longer offered since.")
    retired_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), doc="Who retired it.")

    of_version: Mapped[ChecklistVersion] = relationship(back_populates="publications")

    __table_args__ = (
        ForeignKeyConstraint(["key", "version"], [ChecklistVersion.key, ChecklistVersion.version]),
        db.Index("ix_checklist_publications_version", "key", "version"),
    )
