"""What workers say about the work and the app, and what is answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import EncryptedText, Instant

revision = "20261129_feedback"
down_revision = "20261129_waiting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("feedback_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=True),
        sa.Column("topic", sa.String(10), nullable=False),
        sa.Column("is_county_only", sa.Boolean(), nullable=False),
        sa.Column("text", EncryptedText("feedback.text"), nullable=False),
        sa.Column("follows_uuid", sa.Uuid(as_uuid=False), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("sent_at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("answer", EncryptedText("feedback.answer"), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_feedback_user_id")),
        sa.ForeignKeyConstraint(
            ["follows_uuid"], ["feedback.feedback_uuid"], name=op.f("fk_feedback_follows_uuid")
        ),
        sa.ForeignKeyConstraint(["answered_by_id"], ["users.id"], name=op.f("fk_feedback_answered_by_id")),
        sa.PrimaryKeyConstraint("feedback_uuid", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_user_id"), "feedback", ["user_id"])
    op.create_index("ix_feedback_state_area", "feedback", ["state", "area_code", "received_at"])


def downgrade() -> None:
    op.drop_table("feedback")
