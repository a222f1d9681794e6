"""Whom several parts of a city or province count is kept, and what is amended of what sheets were made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261201_repeated"
down_revision = "20261130_sheets_and_months"
branch_labels = None
depends_on = None

UUID = sa.Uuid(as_uuid=False)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "repeated",
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("key", UUID, nullable=False),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("area_code", "kind", "key", name="pk_repeated"),
    )
    op.create_table(
        "amended_contacts",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("key", UUID, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("by", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_amended_contacts"),
    )
    is_postgres = op.get_bind().dialect.name == "postgresql"
    worker = "CAST(lpad(to_hex(worker_id), 32, '0') AS uuid)" if is_postgres else "printf('%032x', worker_id)"
    homes, people = (
        _stands(table, key) for table, key in (("households", "household"), ("people", "person"))
    )
    seen = "visit_people JOIN visits ON visits.visit_uuid = visit_people.visit_uuid"
    for kind, key, rows, area_code in (
        ("household", "top", f"visits {homes} = visits.household_uuid", "area_code"),
        ("person", "top", f"{seen} {people} = visit_people.person_uuid", "area_code"),
        ("screened", "top", f"screening_rows {people} = screening_rows.person_uuid", "grid_code"),
        ("worker", worker, "visits", "area_code"),
    ):
        _fill(kind, key, rows, area_code)
    op.create_index("ix_repeated_area_week", "repeated", ["area_code", "kind", "week_on"])
    op.create_index("ix_amended_contacts_key", "amended_contacts", ["key", "kind"])


def _stands(table: str, key: str) -> str:
    """A join with who stands for each entry of a table, to be ended with the entry."""
    return (
        f"JOIN (WITH RECURSIVE stands (uuid, top) AS (SELECT {key}_uuid, {key}_uuid FROM {table}"  # noqa: S608 (our own words)
        f" WHERE merged_into IS NULL UNION ALL SELECT one.{key}_uuid, top FROM {table} one JOIN stands"
        " ON one.merged_into = stands.uuid) SELECT uuid, top FROM stands) stands ON stands.uuid"
    )


def _fill(kind: str, key: str, rows: str, area_code: str) -> None:
    """Note everybody of a kind whom several cities of a province, or counties of a city, have ever seen."""
    for above, below in ((2, 4), (4, 6)):
        op.execute(
            "INSERT INTO repeated (area_code, kind, key, week_on)"  # noqa: S608 (our own words)
            f" SELECT substr({area_code}, 1, {above}), '{kind}', {key}, max(week_on) FROM {rows}"
            f" WHERE week_on IS NOT NULL GROUP BY 1, 3 HAVING count(DISTINCT substr({area_code}, 1, {below})) > 1"
        )


def downgrade() -> None:
    op.drop_table("amended_contacts")
    op.drop_table("repeated")
