"""Special periods: where, from when to when, how often people are seen in them, what they pause and offer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_periods"
down_revision = "20261128_restricted_tags"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "special_periods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date()),
        sa.Column("risk_days", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("pauses_exit", sa.Boolean(), nullable=False),
        sa.Column("relaxed_papers", sa.Boolean(), nullable=False),
        sa.Column("started_by", sa.Integer(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("ended_by", sa.Integer()),
        sa.Column("ended_at", INSTANT),
        sa.Column("worked_out_to", sa.String(15)),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_special_periods_area_code")),
        sa.ForeignKeyConstraint(["started_by"], ["users.id"], name=op.f("fk_special_periods_started_by")),
        sa.ForeignKeyConstraint(["ended_by"], ["users.id"], name=op.f("fk_special_periods_ended_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_special_periods")),
    )
    op.create_index("ix_special_periods_area_code", "special_periods", ["area_code"])


def downgrade() -> None:
    op.drop_table("special_periods")
