"""Likely pairs name their people without foreign keys: writers of pairs waited for those who took out people, and the
other way round.
"""

from __future__ import annotations

from alembic import op

revision = "20261128_pairs_keys"
down_revision = "20261128_review_policies"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("likely_pairs") as table:
        for column in ("one_uuid", "other_uuid"):
            table.drop_constraint(f"fk_likely_pairs_{column}", type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("likely_pairs") as table:
        for column in ("one_uuid", "other_uuid"):
            table.create_foreign_key(f"fk_likely_pairs_{column}", "people", [column], ["person_uuid"])
