"""Operations are listed by the feed of their record: what phones registered and corrected in an area."""

from __future__ import annotations

from alembic import op

revision = "20261128_operations_feed"
down_revision = "20261128_imports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_operations_feed_received", "operations", ["feed", "received_at"])


def downgrade() -> None:
    op.drop_index("ix_operations_feed_received", "operations")
