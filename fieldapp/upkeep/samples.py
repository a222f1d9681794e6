"""Whether the master key is the one that this database was written with.

Invariant: nothing of what is opened leaves this module.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from sqlalchemy import inspect, select

from fieldapp.core.crypto import KeyMissing
from fieldapp.core.db import Base, EncryptedJson, EncryptedText, db

ROWS = 3


def list_unreadable() -> list[str]:
    """The encrypted columns ("table.column") of which a few values do not all open with the key of this installation."""
    unreadable = []
    for table in Base.metadata.sorted_tables:
        # A database may still be older than the program.
        there = (
            {column["name"] for column in inspect(db.engine).get_columns(table.name)}
            if _is_there(table.name)
            else set()
        )
        for column in table.columns:
            if isinstance(column.type, EncryptedText | EncryptedJson) and column.name in there:
                try:
                    db.session.scalars(select(column).where(column.isnot(None)).limit(ROWS)).all()
                except (InvalidTag, KeyMissing, ValueError):
                    unreadable.append(f"{table.name}.{column.name}")
    return unreadable


def _is_there(table: str) -> bool:
    return inspect(db.engine).has_table(table)
