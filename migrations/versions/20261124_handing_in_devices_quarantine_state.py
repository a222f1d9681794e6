"""Devices and PIN codes, operations settled at the desk, and what each feed comes to.

The state of a feed is worked out once from its entries; from here on every write keeps it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "20261124_handing_in"
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
    with op.batch_alter_table("user_sessions") as table:
        table.add_column(sa.Column("hand_in", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("operations") as table:
        table.add_column(sa.Column("settled_by", sa.Integer(), nullable=True))
        table.add_column(sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("settled_reason", sa.LargeBinary(), nullable=True))
        table.create_foreign_key(op.f("fk_operations_settled_by"), "users", ["settled_by"], ["id"])
    with op.batch_alter_table("feeds") as table:
        table.add_column(sa.Column("state", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("compacted_to", sa.BigInteger(), nullable=False, server_default="0"))
    _compute_states()
    # Every phone signed in now is one of its account's devices.
    op.execute(
        sa.text(
            "INSERT INTO devices (device_uuid, user_id, registered_at) "
            "SELECT device_uuid, user_id, MIN(started_at) FROM user_sessions "
            "WHERE device_uuid IS NOT NULL GROUP BY device_uuid, user_id"
        )
    )


def _compute_states() -> None:
    connection = op.get_bind()
    states: dict[str, int] = defaultdict(int)
    entries = sa.text("SELECT feed, kind, uuid, number FROM feed_entries WHERE NOT gone")
    for feed, kind, uuid, number in connection.execute(entries):
        digest = hashlib.sha256(f"{kind}/{uuid}/{number}".encode()).digest()
        states[feed] ^= int.from_bytes(digest[:6], "big")
    for feed, state in states.items():
        connection.execute(
            sa.text("UPDATE feeds SET state = :state WHERE code = :feed").bindparams(state=state, feed=feed)
        )


def downgrade() -> None:
    with op.batch_alter_table("feeds") as table:
        table.drop_column("compacted_to")
        table.drop_column("state")
    with op.batch_alter_table("operations") as table:
        table.drop_constraint(op.f("fk_operations_settled_by"), type_="foreignkey")
        table.drop_column("settled_reason")
        table.drop_column("settled_at")
        table.drop_column("settled_by")
    with op.batch_alter_table("user_sessions") as table:
        table.drop_column("hand_in")
    op.drop_table("pin_codes")
    op.drop_table("devices")
