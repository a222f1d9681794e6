"""Visits of all states are found by the day they came in, however many there are."""

from __future__ import annotations

from alembic import op

revision = "20261129_visits_by_day"
down_revision = "20261129_relief"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_visits_received", "visits", ["received_at", "visit_uuid", "area_code"])


def downgrade() -> None:
    op.drop_index("ix_visits_received", "visits")
