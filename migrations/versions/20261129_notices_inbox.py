"""Notices: what each account was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_notices"
down_revision = "20261128_pairs_ruled_out"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(30), nullable=False),
        sa.Column("severity", sa.String(6)),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("area_code", sa.String(15)),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_user_read", "notices", ["user_id", "read_at"])
    op.create_index("ix_notices_subject", "notices", ["subject", "subject_id"])


def downgrade() -> None:
    op.drop_table("notices")
