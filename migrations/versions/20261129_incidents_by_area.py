"""What was answered last in a small area is found without reading what was answered in all of a province."""

from __future__ import annotations

from alembic import op

revision = "20261129_incidents_by_area"
down_revision = "20261129_rollups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_incidents_area_acknowledged", "incidents", ["area_code", "acknowledged_at"])


def downgrade() -> None:
    op.drop_index("ix_incidents_area_acknowledged", "incidents")
