"""Editable code tables: classes, tags, risks, methods, follow-up types, thresholds of flag rules.

Invariant: a code that was ever used stays; it is retired, not deleted.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, String, select
from sqlalchemy.orm import Mapped, mapped_column

from fieldapp.core.db import Base, db, once
from fieldapp.core.feeds import COMMON, publish

# The rows a new installation starts with; a county changes them in its database, never here.
SEED_FILE = Path(__file__).parent / "data" / "codes.json"


class Code(Base):
    """One row of one code table."""

    __tablename__ = "codes"

    table: Mapped[str] = mapped_column(String(30), primary_key=True, doc="class, tag, risk, followup_type, …")
    code: Mapped[str] = mapped_column(String(40), primary_key=True, doc="What records hold.")
    zh: Mapped[str] = mapped_column(String(80), doc="Word in Chinese.")
    en: Mapped[str] = mapped_column(String(120), doc="Word in English.")
    position: Mapped[int] = mapped_column(default=0, doc="Order in lists.")
    extra: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, doc="Settings of this row, by table.")
    retired_on: Mapped[date | None] = mapped_column(doc="No longer offered from this date on.")


def list_codes(table: str) -> list[Code]:
    """The rows of `table` in their order, retired ones included."""
    return [row for row in list_all() if row.table == table]


@once
def list_all() -> list[Code]:
    """The rows of all tables, each in its order, for they are few: a page that words anything asks for them once."""
    return list(db.session.scalars(select(Code).order_by(Code.position, Code.code)))


def get_codes(table: str) -> dict[str, Code]:
    """The rows of `table` by code."""
    return {row.code: row for row in list_codes(table)}


def find_code(table: str, code: str) -> Code | None:
    """One row, or None."""
    return db.session.get(Code, (table, code))


def seed_codes() -> int:
    """Add the shipped rows that are missing and tell phones; rows that exist keep what a county made of them.

    Returns how many were added. Runs in the caller's transaction.
    """
    tables = json.loads(SEED_FILE.read_text(encoding="utf-8"))
    known = {(table, code) for table, code in db.session.execute(select(Code.table, Code.code))}
    added = [
        Code(
            table=table,
            code=row["code"],
            zh=row["zh"],
            en=row["en"],
            position=place,
            extra=row.get("extra", {}),
        )
        for table, rows in tables.items()
        for place, row in enumerate(rows, start=1)
        if (table, row["code"]) not in known
    ]
    db.session.add_all(added)
    for code in added:
        publish(COMMON, "code", f"{code.table}/{code.code}")
    return len(added)


def list_seed_codes(table: str) -> frozenset[str]:
    """The codes that every new installation has in `table`, without a database."""
    tables = json.loads(SEED_FILE.read_text(encoding="utf-8"))
    return frozenset(row["code"] for row in tables[table])
