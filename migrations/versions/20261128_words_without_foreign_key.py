"""Search words point to households without a foreign key: to take out a household read the whole table for it."""

from __future__ import annotations

from alembic import op

revision = "20261128_words_key"
down_revision = "20261128_retention"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("search_words") as table:
        table.drop_constraint("fk_search_words_household_uuid", type_="foreignkey")


def downgrade() -> None:
    with op.batch_alter_table("search_words") as table:
        table.create_foreign_key(
            "fk_search_words_household_uuid", "households", ["household_uuid"], ["household_uuid"]
        )
