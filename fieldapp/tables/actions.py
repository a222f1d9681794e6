"""Writes of tables: keeping a choice under a name, and noting what leaves as a file.

Invariant: nothing leaves without a reason in the audit trail.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.exc import IntegrityError

from fieldapp.core import audit
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.tables import queries
from fieldapp.tables.models import SavedTable
from fieldapp.tables.rules import Choice
from fieldapp.users.models import User


def save_table(owner: User, name: str, choice: Choice, *, is_shared: bool, now: datetime) -> SavedTable:
    """Keep a choice under a name; what the owner called so before is replaced.

    Raises table_name_taken when they have saved another one under it in this very moment.
    """
    table = queries.find_own_by_name(name, owner.id)
    if table is None:
        table = SavedTable(name=name, owner_id=owner.id)
        db.session.add(table)
    table.area_code, table.is_shared = choice.area, is_shared
    table.choice, table.saved_at = choice.as_query(), now
    _write()
    audit.record(owner, "table.save", "table", table.id, at=now, name=name, is_shared=is_shared)
    return table


def rename_table(owner: User, table_id: int, name: str, now: datetime) -> SavedTable:
    """Call a table otherwise; raises not_found, table_name_taken."""
    table = queries.get_own(table_id, owner)
    other = queries.find_own_by_name(name, owner.id)
    if other is not None and other is not table:
        raise AppError("table_name_taken")
    audit.record(owner, "table.rename", "table", table.id, at=now, before=table.name, name=name)
    table.name = name
    _write()
    return table


def _write() -> None:
    """Raises table_name_taken where the owner has used a name elsewhere since it was looked for."""
    try:
        db.session.flush()
    except IntegrityError as taken:
        raise AppError("table_name_taken") from taken


def delete_table(owner: User, table_id: int, now: datetime) -> None:
    """Keep a table no longer; raises not_found."""
    table = queries.get_own(table_id, owner)
    audit.record(owner, "table.delete", "table", table.id, at=now, name=table.name)
    db.session.delete(table)


def note_export(actor: User, choice: Choice, format_: str, rows: int, *, reason: str, now: datetime) -> None:
    """Note who takes what along as a file, why, and how many rows it has."""
    audit.record(
        actor,
        "table.export",
        "area",
        choice.area,
        at=now,
        reason=reason,
        format=format_,
        rows=rows,
        choice=choice.as_query(),
    )
