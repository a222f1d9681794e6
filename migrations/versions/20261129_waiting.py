"""What waits for review is found in the queue's order, and counted, without reading what was decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_waiting"
down_revision = "20261129_glance"
branch_labels = None
depends_on = None

RANK = "(CASE severity WHEN 'red' THEN 0 WHEN 'orange' THEN 1 WHEN 'yellow' THEN 2 ELSE 3 END)"
INDEXES: dict[str, list[str | sa.TextClause]] = {
    "ix_visits_waiting": [sa.text(RANK), "received_at", "visit_uuid", "area_code"],
    "ix_visits_waiting_area": ["area_code", "severity", "received_at"],
}


def upgrade() -> None:
    waits = sa.text("state = 'submitted'")
    for name, columns in INDEXES.items():
        op.create_index(name, "visits", columns, sqlite_where=waits, postgresql_where=waits)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "visits")
