"""Operations that the desk brought in from a file, took in after a repair, or refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_settled"
down_revision = "20261128_devices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("operations") as table:
        table.add_column(sa.Column("brought_by", sa.Integer(), nullable=True))
        table.add_column(sa.Column("settled_by", sa.Integer(), nullable=True))
        table.add_column(sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("settled_reason", sa.LargeBinary(), nullable=True))
        table.create_foreign_key(op.f("fk_operations_brought_by"), "users", ["brought_by"], ["id"])
        table.create_foreign_key(op.f("fk_operations_settled_by"), "users", ["settled_by"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("operations") as table:
        table.drop_constraint(op.f("fk_operations_settled_by"), type_="foreignkey")
        table.drop_constraint(op.f("fk_operations_brought_by"), type_="foreignkey")
        table.drop_column("settled_reason")
        table.drop_column("settled_at")
        table.drop_column("settled_by")
        table.drop_column("brought_by")
