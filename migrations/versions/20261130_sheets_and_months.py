"""Which sheet of a workbook was read, and that it has others; which due aid said no month before a payment list paid it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_sheets_and_months"
down_revision = "20261130_waiting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("imports", "payment_lists"):
        op.add_column(table, sa.Column("sheets", sa.LargeBinary(), nullable=True))
    op.add_column("payment_rows", sa.Column("monthless", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("payment_rows", "monthless")
    for table in ("payment_lists", "imports"):
        op.drop_column(table, "sheets")
