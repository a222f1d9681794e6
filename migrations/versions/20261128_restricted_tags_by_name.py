"""Accounts that are told restricted tags by name: none, until an administrator says so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_restricted_tags"
down_revision = "20261128_due"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users") as table:
        table.add_column(
            sa.Column("sees_restricted", sa.Boolean(), nullable=False, server_default=sa.false())
        )


def downgrade() -> None:
    with op.batch_alter_table("users") as table:
        table.drop_column("sees_restricted")
