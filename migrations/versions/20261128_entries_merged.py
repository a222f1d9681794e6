"""Entries that stand for others, what could be one person, and what is needed to part what was merged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_merges"
down_revision = "20261128_screenings"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
UUID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    is_merged = sa.text("merged_into IS NOT NULL")
    for table, key in (("households", "household_uuid"), ("people", "person_uuid")):
        with op.batch_alter_table(table) as batch:
            batch.add_column(sa.Column("merged_into", UUID))
            batch.create_foreign_key(op.f(f"fk_{table}_merged_into"), table, ["merged_into"], [key])
        op.create_index(
            f"ix_{table}_merged_into",
            table,
            ["merged_into"],
            sqlite_where=is_merged,
            postgresql_where=is_merged,
        )
    op.create_index("ix_followups_person_uuid", "followups", ["person_uuid"])
    op.create_table(
        "likely_pairs",
        sa.Column("one_uuid", UUID, nullable=False),
        sa.Column("other_uuid", UUID, nullable=False),
        sa.Column("one_grid", sa.String(15), nullable=False),
        sa.Column("other_grid", sa.String(15), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("ruled_out_by", sa.Integer()),
        sa.Column("ruled_out_at", INSTANT),
        sa.ForeignKeyConstraint(["one_uuid"], ["people.person_uuid"], name=op.f("fk_likely_pairs_one_uuid")),
        sa.ForeignKeyConstraint(
            ["other_uuid"], ["people.person_uuid"], name=op.f("fk_likely_pairs_other_uuid")
        ),
        sa.ForeignKeyConstraint(["ruled_out_by"], ["users.id"], name=op.f("fk_likely_pairs_ruled_out_by")),
        sa.PrimaryKeyConstraint("one_uuid", "other_uuid", name=op.f("pk_likely_pairs")),
    )
    op.create_index("ix_likely_pairs_other_uuid", "likely_pairs", ["other_uuid"])
    is_open = sa.text("ruled_out_at IS NULL")
    op.create_index(
        "ix_likely_pairs_open",
        "likely_pairs",
        ["one_grid", "one_uuid", "other_uuid"],
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "merges",
        sa.Column("merge_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("loser_uuid", UUID, nullable=False),
        sa.Column("winner_uuid", UUID, nullable=False),
        sa.Column("grid_code", sa.String(15), nullable=False),
        sa.Column("changed", sa.LargeBinary(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("merged_by", sa.Integer(), nullable=False),
        sa.Column("merged_at", INSTANT, nullable=False),
        sa.Column("undone_by", sa.Integer()),
        sa.Column("undone_at", INSTANT),
        sa.Column("undone_reason", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["merged_by"], ["users.id"], name=op.f("fk_merges_merged_by")),
        sa.ForeignKeyConstraint(["undone_by"], ["users.id"], name=op.f("fk_merges_undone_by")),
        sa.PrimaryKeyConstraint("merge_id", name=op.f("pk_merges")),
    )
    for column in ("loser_uuid", "winner_uuid", "grid_code"):
        op.create_index(f"ix_merges_{column}", "merges", [column])


def downgrade() -> None:
    op.drop_table("merges")
    op.drop_table("likely_pairs")
    op.drop_index("ix_followups_person_uuid", "followups")
    for table in ("people", "households"):
        op.drop_index(f"ix_{table}_merged_into", table)
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(op.f(f"fk_{table}_merged_into"), type_="foreignkey")
            batch.drop_column("merged_into")
