"""An index of households by day due: what is overdue in a whole province."""

from __future__ import annotations

from alembic import op

revision = "20261128_due_index"
down_revision = "20261128_operations_feed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_households_due_grid", "households", ["due_on", "grid_code"])


def downgrade() -> None:
    op.drop_index("ix_households_due_grid", "households")
