"""Rules that each county sets, photos that are recognised again, and the flags of a rule found by area and day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import EncryptedText, Instant

revision = "20261129_flag_rules"
down_revision = "20261129_quarantined"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "flag_rule_settings",
        sa.Column("county_code", sa.String(15), nullable=False),
        sa.Column("rule", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("severity", sa.String(6), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.Column("reason", EncryptedText("flag_rule_settings.reason"), nullable=False),
        sa.Column("set_by", sa.Integer(), nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_flag_rule_settings_set_by")),
        sa.PrimaryKeyConstraint("county_code", "rule", "number", name=op.f("pk_flag_rule_settings")),
    )
    op.create_table(
        "photo_prints",
        sa.Column("county_code", sa.String(15), nullable=False),
        sa.Column("quarter", sa.Integer(), nullable=False),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_photo_prints_visit_uuid")
        ),
        sa.PrimaryKeyConstraint(
            "county_code", "quarter", "bits", "visit_uuid", "sha256", name=op.f("pk_photo_prints")
        ),
    )
    with op.batch_alter_table("attachments") as table:
        table.add_column(sa.Column("fingerprint", sa.String(16), nullable=True))
    op.create_index("ix_flags_rule_area_raised", "flags", ["rule", "area_code", "raised_at"])


def downgrade() -> None:
    op.drop_index("ix_flags_rule_area_raised", "flags")
    with op.batch_alter_table("attachments") as table:
        table.drop_column("fingerprint")
    op.drop_table("photo_prints")
    op.drop_table("flag_rule_settings")
