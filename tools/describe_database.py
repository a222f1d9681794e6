"""Writes docs/database.md from the models, so that the page cannot say what the tables do not.

Invariant: tests/test_docs.py compares the page with what this makes; run `python -m tools.describe_database` after
a change of the models.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Column, Table
from sqlalchemy.types import TypeDecorator

# What has the whole program in it imports every model, but those that no command needs.
import fieldapp.cli
import fieldapp.tables.models  # noqa: F401
from fieldapp.core.db import Base, EncryptedJson, EncryptedText, Instant

PAGE = Path(__file__).resolve().parent.parent / "docs" / "database.md"
HEAD = """# The database

Made from the models (`python -m tools.describe_database`). SQLite by default, PostgreSQL by `FIELDAPP_DATABASE_URL`;
both have the same tables, made by the migrations in `migrations/`.

How to read it: *instant* is a moment in UTC; *encrypted* columns are sealed with the installation's master key
(AES-256-GCM, bound to table and column) and read as noise without it; `_uuid` was made on a phone (or for the demo),
`_id` by the server; `_on` is a date, `_at` an instant. A key is **bold**; → names the table a column points to.

What is changed only through the functions in each feature's `actions.py`, inside `core.db.transaction()`.
"""


def describe() -> str:
    """The whole page."""
    tables = Base.metadata.sorted_tables
    return HEAD + "".join(_describe_table(table) for table in sorted(tables, key=lambda table: table.name))


def _describe_table(table: Table) -> str:
    model = next(mapper.class_ for mapper in Base.registry.mappers if mapper.local_table is table)
    feature = model.__module__.removeprefix("fieldapp.").replace(".", "/") + ".py"
    lines = [
        f"\n## {table.name}\n",
        f"{(model.__doc__ or '').strip().splitlines()[0]} (`{feature}`)\n",
        "| column | holds | meaning |",
        "|---|---|---|",
    ]
    lines += [_describe_column(column) for column in table.columns]
    return "\n".join(lines) + "\n"


def _describe_column(column: Column[object]) -> str:
    name = f"**{column.name}**" if column.primary_key else column.name
    points = "".join(f" → {key.column.table.name}" for key in sorted(column.foreign_keys, key=str))
    optional = ", may be empty" if column.nullable else ""
    return f"| {name} | {_holds(column)}{optional} | {(column.doc or '') + points} |"


def _holds(column: Column[object]) -> str:
    if isinstance(column.type, Instant):
        return "instant"
    if isinstance(column.type, EncryptedText):
        return "text, encrypted"
    if isinstance(column.type, EncryptedJson):
        return "JSON, encrypted"
    plain = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    words = {
        "String": "text",
        "Integer": "whole number",
        "BigInteger": "whole number",
        "Uuid": "uuid",
        "Boolean": "yes or no",
        "Date": "date",
        "Time": "time of day",
        "Float": "number",
        "JSON": "JSON",
        "LargeBinary": "bytes",
    }
    kind = next(
        word for name, word in words.items() if name in {base.__name__ for base in type(plain).__mro__}
    )
    length = getattr(plain, "length", None)
    return f"{kind}, up to {length}" if length else kind


if __name__ == "__main__":
    PAGE.write_text(describe(), encoding="utf-8")
