"""Of whom several parts of a city or province count it is kept which parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261203_repeated_parts"
down_revision = "20261202_referrals_waiting"
branch_labels = None
depends_on = None

UUID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    op.drop_table("repeated")
    op.create_table(
        "repeated",
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("key", UUID, nullable=False),
        sa.Column("part", sa.String(15), nullable=False),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("area_code", "kind", "key", "part", name="pk_repeated"),
    )
    is_postgres = op.get_bind().dialect.name == "postgresql"
    worker = "CAST(lpad(to_hex(worker_id), 32, '0') AS uuid)" if is_postgres else "printf('%032x', worker_id)"
    homes, people = (
        _stands(table, key) for table, key in (("households", "household"), ("people", "person"))
    )
    seen = "visit_people JOIN visits ON visits.visit_uuid = visit_people.visit_uuid"
    for kind, key, rows, area_code, amended in (
        ("household", "top", f"visits {homes} = visits.household_uuid", "area_code", f"{homes} = key"),
        ("person", "top", f"{seen} {people} = visit_people.person_uuid", "area_code", f"{people} = key"),
        ("screened", "top", f"screening_rows {people} = person_uuid", "grid_code", f"{people} = key"),
        ("worker", worker, "visits", "area_code", ""),
    ):
        _fill(
            kind,
            # What was amended since may stand in sheets that are shown.
            f"SELECT {key} AS top, {area_code} AS area_code, week_on FROM {rows}"  # noqa: S608 (our own words)
            f" WHERE week_on IS NOT NULL UNION ALL SELECT {'top' if amended else 'key'}, area_code, week_on"
            f" FROM amended_contacts {amended} WHERE kind = '{kind}'",
        )


def _stands(table: str, key: str) -> str:
    """A join with who stands for each entry of a table, to be ended with the entry."""
    return (
        f"JOIN (WITH RECURSIVE stands (uuid, top) AS (SELECT {key}_uuid, {key}_uuid FROM {table}"  # noqa: S608 (our own words)
        f" WHERE merged_into IS NULL UNION ALL SELECT one.{key}_uuid, top FROM {table} one JOIN stands"
        " ON one.merged_into = stands.uuid) SELECT uuid, top FROM stands) stands ON stands.uuid"
    )


def _fill(kind: str, contacts: str) -> None:
    """Note everybody of a kind whom several cities of a province, or counties of a city, have ever seen, and which."""
    for above, below in ((2, 4), (4, 6)):
        op.execute(
            "INSERT INTO repeated (area_code, kind, key, part, week_on)"  # noqa: S608 (our own words)
            f" SELECT area_code, '{kind}', top, part, week_on FROM (SELECT area_code, top, part, week_on,"
            " count(*) OVER (PARTITION BY area_code, top) AS parts FROM (SELECT"
            f" substr(area_code, 1, {above}) AS area_code, top, substr(area_code, 1, {below}) AS part, max(week_on) AS week_on"
            f" FROM ({contacts}) AS contacts GROUP BY 1, 2, 3) AS held) AS counted WHERE parts > 1"
        )


def downgrade() -> None:
    op.execute(
        "CREATE TEMPORARY TABLE repeated_before AS"
        " SELECT area_code, kind, key, max(week_on) AS week_on FROM repeated GROUP BY area_code, kind, key"
    )
    op.drop_table("repeated")
    op.create_table(
        "repeated",
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("key", UUID, nullable=False),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("area_code", "kind", "key", name="pk_repeated"),
    )
    op.execute("INSERT INTO repeated SELECT area_code, kind, key, week_on FROM repeated_before")
    op.execute("DROP TABLE repeated_before")
    op.create_index("ix_repeated_area_week", "repeated", ["area_code", "kind", "week_on"])
