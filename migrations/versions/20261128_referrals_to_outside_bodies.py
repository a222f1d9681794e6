"""Bodies outside to which tasks are referred, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_referrals"
down_revision = "20261128_incidents"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "providers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("address", sa.String(200)),
        sa.Column("contact", sa.String(80)),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("takes_referrals", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_providers_area_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_providers")),
    )
    op.create_index("ix_providers_area_code", "providers", ["area_code"])
    op.create_table(
        "referrals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("followup_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["followup_id"], ["followups.followup_id"], name=op.f("fk_referrals_followup_id")
        ),
        sa.ForeignKeyConstraint(["provider_id"], ["providers.id"], name=op.f("fk_referrals_provider_id")),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_referrals_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
    )
    op.create_index("ix_referrals_followup_id", "referrals", ["followup_id"])
    op.create_index("ix_referrals_provider_id", "referrals", ["provider_id"])
    op.create_table(
        "referral_events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("referral_id", sa.Integer(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(10), nullable=False),
        sa.Column("text", sa.LargeBinary()),
        sa.ForeignKeyConstraint(
            ["referral_id"], ["referrals.id"], name=op.f("fk_referral_events_referral_id")
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_referral_events_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referral_events")),
    )
    op.create_index("ix_referral_events_referral_id", "referral_events", ["referral_id"])


def downgrade() -> None:
    for name in ("referral_events", "referrals", "providers"):
        op.drop_table(name)
