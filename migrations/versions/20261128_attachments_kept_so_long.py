"""An attachment's file may be removed after some time; what is known of it stays."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_retention"
down_revision = "20261128_merges"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attachments", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("attachments", "removed_at")
