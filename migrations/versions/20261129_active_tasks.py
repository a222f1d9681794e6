"""What is not closed of the tasks is found, counted and put in order without reading what was closed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_active_tasks"
down_revision = "20261129_visits_by_day"
branch_labels = None
depends_on = None

ACTIVE = "state IN ('open', 'done', 'refused')"
HELD = [
    *("followup_id", "state", "severity", "type", "is_restricted", "entered_by_id", "assignee_id"),
    *("is_abuse", "household_uuid", "climbed_to", "created_at", "closed_at"),
]


def upgrade() -> None:
    op.create_index(
        "ix_followups_active",
        "followups",
        ["area_code", "due_at"],
        sqlite_where=sa.text(ACTIVE),
        postgresql_where=sa.text(ACTIVE),
        postgresql_include=HELD,
    )


def downgrade() -> None:
    op.drop_index("ix_followups_active", "followups")
