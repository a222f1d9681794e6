"""Tables kept under a name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_saved_tables"
down_revision = "20261130_tally_parts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_tables",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("choice", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_saved_tables_owner_id")),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_saved_tables_area_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_tables")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_saved_tables_owner_id_name")),
    )
    op.create_index("ix_saved_tables_area_code", "saved_tables", ["area_code"])


def downgrade() -> None:
    op.drop_table("saved_tables")
