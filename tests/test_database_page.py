"""docs/database.md says what the tables are, and every column has its line."""

from __future__ import annotations

from fieldapp.core.db import Base
from tools.describe_database import PAGE, describe


def test_the_page_is_what_the_models_say():
    assert PAGE.read_text(encoding="utf-8") == describe(), "run `python -m tools.describe_database`"


def test_every_table_and_column_has_a_meaning():
    without = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if not column.doc
    ]
    assert without == []
