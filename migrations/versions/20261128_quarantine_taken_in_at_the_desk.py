"""What the desk's list of quarantined operations is ordered and shown by, and who took a revision or a report in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_quarantine"
down_revision = "20261128_household_grids"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("operations") as table:
        table.add_column(sa.Column("severity", sa.String(length=6), nullable=True))
        table.add_column(sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=True))
    with op.batch_alter_table("visit_revisions") as table:
        table.add_column(sa.Column("taken_in_by", sa.Integer(), nullable=True))
        table.add_column(sa.Column("taken_in_reason", sa.LargeBinary(), nullable=True))
        table.create_foreign_key(op.f("fk_visit_revisions_taken_in_by"), "users", ["taken_in_by"], ["id"])
    with op.batch_alter_table("followup_events") as table:
        table.add_column(sa.Column("taken_in_by", sa.Integer(), nullable=True))
        table.create_foreign_key(op.f("fk_followup_events_taken_in_by"), "users", ["taken_in_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("followup_events") as table:
        table.drop_constraint(op.f("fk_followup_events_taken_in_by"), type_="foreignkey")
        table.drop_column("taken_in_by")
    with op.batch_alter_table("visit_revisions") as table:
        table.drop_constraint(op.f("fk_visit_revisions_taken_in_by"), type_="foreignkey")
        table.drop_column("taken_in_reason")
        table.drop_column("taken_in_by")
    with op.batch_alter_table("operations") as table:
        table.drop_column("household_uuid")
        table.drop_column("severity")
