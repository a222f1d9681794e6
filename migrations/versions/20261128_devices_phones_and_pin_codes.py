"""Phones of an account, and codes with which a forgotten PIN is replaced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_devices"
down_revision = "20261124_attachments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "devices",
        sa.Column("device_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_devices_user_id")),
        sa.PrimaryKeyConstraint("device_uuid", "user_id", name=op.f("pk_devices")),
    )
    op.create_table(
        "pin_codes",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_pin_codes_made_by")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pin_codes_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_pin_codes")),
    )
    # Every phone signed in now is one of its account's devices.
    op.execute(
        sa.text(
            "INSERT INTO devices (device_uuid, user_id, registered_at) "
            "SELECT device_uuid, user_id, MIN(started_at) FROM user_sessions "
            "WHERE device_uuid IS NOT NULL GROUP BY device_uuid, user_id"
        )
    )


def downgrade() -> None:
    op.drop_table("pin_codes")
    op.drop_table("devices")
