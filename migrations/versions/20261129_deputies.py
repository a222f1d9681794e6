"""Deputies: who decides in an account's place, for a time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import Instant

revision = "20261129_deputies"
down_revision = "20261129_more_flag_rules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deputies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("named_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_deputies_user_id")),
        sa.ForeignKeyConstraint(["deputy_id"], ["users.id"], name=op.f("fk_deputies_deputy_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputies")),
    )
    op.create_index(op.f("ix_deputies_user_id"), "deputies", ["user_id"])
    op.create_index(op.f("ix_deputies_deputy_id"), "deputies", ["deputy_id"])


def downgrade() -> None:
    op.drop_table("deputies")
