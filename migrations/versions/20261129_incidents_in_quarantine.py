"""Incidents of red operations in quarantine: their visit is not there yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_quarantined"
down_revision = "20261129_channels"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("incidents") as table:
        table.drop_constraint("fk_incidents_visit_uuid", type_="foreignkey")
        table.add_column(sa.Column("quarantine_key", sa.String(120)))
        table.create_unique_constraint("uq_incidents_quarantine_key", ["quarantine_key"])


def downgrade() -> None:
    op.execute(
        "DELETE FROM incident_events WHERE incident_id IN (SELECT id FROM incidents WHERE quarantine_key IS NOT NULL)"
    )
    op.execute("DELETE FROM incidents WHERE quarantine_key IS NOT NULL")
    with op.batch_alter_table("incidents") as table:
        table.drop_constraint("uq_incidents_quarantine_key", type_="unique")
        table.drop_column("quarantine_key")
        table.create_foreign_key("fk_incidents_visit_uuid", "visits", ["visit_uuid"], ["visit_uuid"])
