"""Checklists and their versions.

Invariant: a version is never changed; a changed workbook is a new version.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldapp.core.db import Base, Instant


class Checklist(Base):
    """A checklist by its key."""

    __tablename__ = "checklists"

    key: Mapped[str] = mapped_column(String(60), primary_key=True, doc="form_id of the workbook.")
    published_version: Mapped[str | None] = mapped_column(
        String(40), doc="What phones are given for new visits."
    )

    versions: Mapped[list[ChecklistVersion]] = relationship(back_populates="checklist")


class ChecklistVersion(Base):
    """One version: the workbook as uploaded and what it was compiled to."""

    __tablename__ = "checklist_versions"

    key: Mapped[str] = mapped_column(ForeignKey(Checklist.key), primary_key=True, doc="Of the checklist.")
    version: Mapped[str] = mapped_column(String(40), primary_key=True, doc="Counted by the server from 1.")
    document: Mapped[dict[str, Any]] = mapped_column(JSON, doc="Compiled; see docs/checklists.md.")
    xform: Mapped[str] = mapped_column(doc="The XForm XML that pyxform made of the workbook.")
    workbook: Mapped[bytes] = mapped_column(LargeBinary, doc="The file as uploaded.")
    workbook_sha256: Mapped[str] = mapped_column(
        String(64), doc="Of the file; the same file is not published twice."
    )
    filename: Mapped[str] = mapped_column(String(200), doc="As uploaded.")
    created_at: Mapped[datetime] = mapped_column(Instant, doc="When it was uploaded.")
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id"), doc="By whom; empty: shipped with the program."
    )

    checklist: Mapped[Checklist] = relationship(back_populates="versions")
