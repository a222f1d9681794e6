"""Visits looked at again by somebody else, and how often a county draws one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import EncryptedText, Instant

revision = "20261129_revisits"
down_revision = "20261129_aid"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revisit_policies",
        sa.Column("county_code", sa.String(15), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("more_percent", sa.Integer(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("quiet_days", sa.Integer(), nullable=False),
        sa.Column("pauses", sa.Boolean(), nullable=False),
        sa.Column("seed", EncryptedText("revisit_policies.seed"), nullable=False),
        sa.Column("reason", EncryptedText("revisit_policies.reason"), nullable=True),
        sa.Column("set_by", sa.Integer(), nullable=True),
        sa.Column("set_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_revisit_policies_set_by")),
        sa.PrimaryKeyConstraint("county_code", "number", name=op.f("pk_revisit_policies")),
    )
    op.create_table(
        "revisits",
        sa.Column("followup_id", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("policy_county", sa.String(15), nullable=True),
        sa.Column("policy_number", sa.Integer(), nullable=True),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("finding", sa.String(10), nullable=True),
        sa.Column("decision", sa.String(10), nullable=True),
        sa.Column("words", EncryptedText("revisits.words"), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["users.id"], name=op.f("fk_revisits_asked_by_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_revisits_decided_by_id")),
        sa.ForeignKeyConstraint(
            ["followup_id"], ["followups.followup_id"], name=op.f("fk_revisits_followup_id")
        ),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_revisits_household_uuid")
        ),
        sa.ForeignKeyConstraint(
            ["policy_county", "policy_number"],
            ["revisit_policies.county_code", "revisit_policies.number"],
            name=op.f("fk_revisits_policy_county"),
        ),
        sa.ForeignKeyConstraint(["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_revisits_visit_uuid")),
        sa.PrimaryKeyConstraint("followup_id", name=op.f("pk_revisits")),
        sa.UniqueConstraint("visit_uuid", name=op.f("uq_revisits_visit_uuid")),
    )
    op.create_index("ix_revisits_area_made", "revisits", ["area_code", "made_at"])
    op.create_index("ix_revisits_household_made", "revisits", ["household_uuid", "made_at"])


def downgrade() -> None:
    op.drop_table("revisits")
    op.drop_table("revisit_policies")
