"""Indexes for the map and the charts: open flags by area, tasks by when they were made."""

from __future__ import annotations

from alembic import op

revision = "20261129_glance"
down_revision = "20261129_flag_rules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_flags_state_area", "flags", ["state", "area_code"])
    op.create_index("ix_followups_created_area", "followups", ["created_at", "area_code"])


def downgrade() -> None:
    op.drop_index("ix_followups_created_area", "followups")
    op.drop_index("ix_flags_state_area", "flags")
