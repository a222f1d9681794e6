"""Lists of payments: who was paid what, and what each row is here; aid knows its month and its list."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_payments"
down_revision = "20261130_coverage"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
UUID = sa.Uuid(as_uuid=False)


def _user(table: str, name: str, *, nullable: bool = True) -> sa.Column[int]:
    key = sa.ForeignKey("users.id", name=f"fk_{table}_{name}_users")
    return sa.Column(name, sa.Integer(), key, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "payment_lists",
        sa.Column("list_id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.LargeBinary(), nullable=False),
        sa.Column("file_hash", sa.String(64), nullable=False),
        sa.Column("area_codes", sa.JSON(), nullable=False),
        _user("payment_lists", "made_by", nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("programme", sa.String(40), nullable=True),
        sa.Column("source", sa.String(40), nullable=True),
        sa.Column("period", sa.String(7), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        _user("payment_lists", "checked_by"),
        _user("payment_lists", "taken_by"),
        sa.Column("taken_at", INSTANT, nullable=True),
        _user("payment_lists", "undone_by"),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("list_id", name="pk_payment_lists"),
    )
    op.create_index("ix_payment_lists_file_hash", "payment_lists", ["file_hash"])
    op.create_table(
        "payment_rows",
        sa.Column(
            "list_id",
            sa.Integer(),
            sa.ForeignKey("payment_lists.list_id", name="fk_payment_rows_list_id_payment_lists"),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("programme", sa.String(40), nullable=True),
        sa.Column("source", sa.String(40), nullable=True),
        sa.Column("period", sa.String(7), nullable=True),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("household_uuid", UUID, nullable=True),
        sa.Column("person_uuid", UUID, nullable=True),
        sa.Column("candidates", sa.JSON(), nullable=True),
        sa.Column("settles", sa.JSON(), nullable=False),
        sa.Column("cancels", sa.JSON(), nullable=False),
        sa.Column("for_household", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.LargeBinary(), nullable=True),
        sa.Column("decision", sa.String(5), nullable=True),
        _user("payment_rows", "decided_by"),
        sa.Column("decided_reason", sa.LargeBinary(), nullable=True),
        sa.Column("chosen_uuid", UUID, nullable=True),
        sa.Column("is_taken", sa.Boolean(), nullable=False),
        sa.Column("left", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("list_id", "number", name="pk_payment_rows"),
    )
    op.create_index("ix_payment_rows_kind", "payment_rows", ["list_id", "kind", "number"])
    op.create_index("ix_payment_rows_household", "payment_rows", ["list_id", "household_uuid"])
    op.create_index("ix_payment_rows_person", "payment_rows", ["list_id", "person_uuid"])
    op.add_column("aid", sa.Column("period", sa.String(7), nullable=True))
    op.add_column("aid", sa.Column("payment_list_id", sa.Integer(), nullable=True))
    op.create_index("ix_aid_payment_list_id", "aid", ["payment_list_id"])


def downgrade() -> None:
    op.drop_index("ix_aid_payment_list_id", "aid")
    op.drop_column("aid", "payment_list_id")
    op.drop_column("aid", "period")
    op.drop_table("payment_rows")
    op.drop_table("payment_lists")
