"""Channels outside, and the messages that go through them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_channels"
down_revision = "20261129_revisits"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "notice_channels",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("area_code", sa.String(15)),
        sa.Column("url", sa.LargeBinary(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("severities", sa.JSON(), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=False),
        sa.Column("quiet_to", sa.Time(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_notice_channels_area_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_channels")),
    )
    op.create_index("ix_notice_channels_area_code", "notice_channels", ["area_code"])
    op.create_table(
        "notice_deliveries",
        sa.Column("delivery_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("channel_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(30), nullable=False),
        sa.Column("severity", sa.String(6)),
        sa.Column("subject", sa.String(20), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("area_code", sa.String(15)),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(40)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT),
        sa.Column("claimed_at", INSTANT),
        sa.Column("sent_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["notice_channels.id"], name=op.f("fk_notice_deliveries_channel_id")
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_notice_deliveries")),
    )
    op.create_index("ix_notice_deliveries_channel_id", "notice_deliveries", ["channel_id"])
    op.create_index("ix_notice_deliveries_next", "notice_deliveries", ["next_at", "channel_id"])
    op.create_index("ix_notice_deliveries_state", "notice_deliveries", ["state", "claimed_at"])


def downgrade() -> None:
    op.drop_table("notice_deliveries")
    op.drop_table("notice_channels")
