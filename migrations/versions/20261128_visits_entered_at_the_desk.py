"""Visits that somebody types at the desk for a worker without a phone (代录)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_entered"
down_revision = "20261128_sweeps"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("visits", "visit_revisions"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("entered_by", sa.Integer(), nullable=True))
            table.create_foreign_key(op.f(f"fk_{name}_entered_by"), "users", ["entered_by"], ["id"])


def downgrade() -> None:
    for name in ("visit_revisions", "visits"):
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"fk_{name}_entered_by"), type_="foreignkey")
            table.drop_column("entered_by")
