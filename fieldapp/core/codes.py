"""Editable code tables: classes, tags, risks, methods, follow-up types, thresholds of flag rules.

Invariant: a code that was ever used stays; it is retired, not deleted.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, String, select
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, db


class Code(Base):
    """One row of one code table."""

    __tablename__ = "codes"

    table: Mapped[str] = mapped_column(String(30), primary_key=True, doc="class, tag, risk, followup_type, …")
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    zh: Mapped[str] = mapped_column(String(80), doc="Word in Chinese.")
    en: Mapped[str] = mapped_column(String(120), doc="Word in English.")
    position: Mapped[int] = mapped_column(default=0, doc="Order in lists.")
    extra: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="Settings of this row, by table.")
    retired_on: Mapped[date | None] = mapped_column(doc="No longer offered from this date on.")


def list_codes(table: str) -> list[Code]:
    """The rows of `table` in their order, retired ones included."""
    return list(db.session.scalars(select(Code).where(Code.table == table).order_by(Code.position, Code.code)))


def get_codes(table: str) -> dict[str, Code]:
    """The rows of `table` by code."""
    return {row.code: row for row in list_codes(table)}


def find_code(table: str, code: str) -> Code | None:
    """One row, or None."""
    return db.session.get(Code, (table, code))
