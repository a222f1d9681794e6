"""Clean visits accepted by the policy of their county, and who is looking at a visit just now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import EncryptedText, Instant

revision = "20261128_review_policies"
down_revision = "20261128_units"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "review_policies",
        sa.Column("county_code", sa.String(15), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("accepts", sa.Boolean(), nullable=False),
        sa.Column("share_percent", sa.Integer(), nullable=False),
        sa.Column("seed", EncryptedText("review_policies.seed"), nullable=False),
        sa.Column("checklists", sa.JSON(), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("reason", EncryptedText("review_policies.reason"), nullable=True),
        sa.Column("set_by", sa.Integer(), nullable=True),
        sa.Column("set_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_review_policies_set_by")),
        sa.PrimaryKeyConstraint("county_code", "number", name=op.f("pk_review_policies")),
    )
    op.create_table(
        "review_claims",
        sa.Column("visit_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("claimed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_review_claims_user_id")),
        sa.ForeignKeyConstraint(
            ["visit_uuid"], ["visits.visit_uuid"], name=op.f("fk_review_claims_visit_uuid")
        ),
        sa.PrimaryKeyConstraint("visit_uuid", name=op.f("pk_review_claims")),
    )
    op.create_index(op.f("ix_review_claims_user_id"), "review_claims", ["user_id"])
    with op.batch_alter_table("visits") as table:
        table.add_column(sa.Column("review_cause", sa.String(10), nullable=True))
        table.add_column(sa.Column("attachment_count", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("visits") as table:
        table.alter_column("attachment_count", server_default=None)
    _count_attachments()
    with op.batch_alter_table("reviews") as table:
        table.alter_column("reviewer_id", existing_type=sa.Integer(), nullable=True)
        table.add_column(sa.Column("policy_county", sa.String(15), nullable=True))
        table.add_column(sa.Column("policy_number", sa.Integer(), nullable=True))
        table.create_foreign_key(
            op.f("fk_reviews_policy_county"),
            "review_policies",
            ["policy_county", "policy_number"],
            ["county_code", "number"],
        )


def _count_attachments() -> None:
    uses = sa.table("attachment_uses", *map(sa.column, ("sha256", "kind", "uuid", "revision")))
    visits = sa.table(
        "visits",
        sa.column("visit_uuid", sa.Uuid(as_uuid=False)),
        *map(sa.column, ("revision", "attachment_count")),
    )
    counted = op.get_bind().execute(
        sa.select(uses.c.uuid, uses.c.revision, sa.func.count(sa.distinct(uses.c.sha256)))
        .where(uses.c.kind == "visit")
        .group_by(uses.c.uuid, uses.c.revision)
    )
    for uuid, revision, count in counted.all():
        op.execute(
            visits.update()
            .where(visits.c.visit_uuid == uuid, visits.c.revision == revision)
            .values(attachment_count=count)
        )


def downgrade() -> None:
    # What a policy decided has nobody who decided it: of these visits only the state stays.
    op.execute("DELETE FROM reviews WHERE reviewer_id IS NULL")
    with op.batch_alter_table("reviews") as table:
        table.drop_constraint(op.f("fk_reviews_policy_county"), type_="foreignkey")
        table.drop_column("policy_number")
        table.drop_column("policy_county")
        table.alter_column("reviewer_id", existing_type=sa.Integer(), nullable=False)
    with op.batch_alter_table("visits") as table:
        table.drop_column("attachment_count")
        table.drop_column("review_cause")
    op.drop_table("review_claims")
    op.drop_table("review_policies")
