"""Aid: what people were given, or are to be given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import EncryptedText, Instant

revision = "20261129_aid"
down_revision = "20261129_notices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aid",
        sa.Column("aid_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("person_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("programme", sa.String(40), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("item", sa.String(40), nullable=True),
        sa.Column("amount_cents", sa.BigInteger(), nullable=True),
        sa.Column("quantity_milli", sa.BigInteger(), nullable=True),
        sa.Column("unit", sa.String(40), nullable=True),
        sa.Column("note", EncryptedText("aid.note"), nullable=True),
        sa.Column("received_by", EncryptedText("aid.received_by"), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("given_on", sa.Date(), nullable=True),
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("followup_id", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("reverses_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("reason", EncryptedText("aid.reason"), nullable=True),
        sa.Column("entered_by_id", sa.Integer(), nullable=False),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_aid_household_uuid")
        ),
        sa.ForeignKeyConstraint(["person_uuid"], ["people.person_uuid"], name=op.f("fk_aid_person_uuid")),
        sa.ForeignKeyConstraint(["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_aid_visit_uuid")),
        sa.ForeignKeyConstraint(["followup_id"], ["followups.followup_id"], name=op.f("fk_aid_followup_id")),
        sa.ForeignKeyConstraint(["reverses_uuid"], ["aid.aid_uuid"], name=op.f("fk_aid_reverses_uuid")),
        sa.ForeignKeyConstraint(["entered_by_id"], ["users.id"], name=op.f("fk_aid_entered_by_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["users.id"], name=op.f("fk_aid_settled_by_id")),
        sa.PrimaryKeyConstraint("aid_uuid", name=op.f("pk_aid")),
        sa.UniqueConstraint("reverses_uuid", name=op.f("uq_aid_reverses_uuid")),
    )
    for column in ("household_uuid", "person_uuid", "visit_uuid", "followup_id"):
        op.create_index(op.f(f"ix_aid_{column}"), "aid", [column])
    op.create_index("ix_aid_state_area_due", "aid", ["state", "area_code", "due_on"])
    op.create_index("ix_aid_area_given", "aid", ["area_code", "given_on"])


def downgrade() -> None:
    op.drop_table("aid")
