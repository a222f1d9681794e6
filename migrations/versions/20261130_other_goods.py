"""Aid that counts among the other goods is found at once: the report writes out what they were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_other_goods"
down_revision = "20261130_payments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("aid", sa.Column("is_written_out", sa.Boolean(), server_default=sa.false(), nullable=False))
    aid = sa.table("aid", sa.column("counted", sa.JSON()), sa.column("is_written_out", sa.Boolean()))
    counts = sa.cast(aid.c.counted, sa.Text()).contains('"goods_other"')
    op.execute(aid.update().where(counts).values(is_written_out=True))
    op.create_index(
        "ix_aid_written_out",
        "aid",
        ["week_on", "area_code"],
        sqlite_where=sa.text("is_written_out = 1"),
        postgresql_where=sa.text("is_written_out"),
    )


def downgrade() -> None:
    op.drop_index("ix_aid_written_out", "aid")
    op.drop_column("aid", "is_written_out")
