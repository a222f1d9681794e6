"""Which grid a household was in since when: until now, all of them have always been where they are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_household_grids"
down_revision = "20261128_own_feeds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "household_grids",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("household_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("grid_code", sa.String(length=15), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["grid_code"], ["areas.code"], name=op.f("fk_household_grids_grid_code")),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_household_grids_household_uuid")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_grids")),
    )
    op.create_index("ix_household_grids_household_from", "household_grids", ["household_uuid", "from_at"])
    op.execute(
        sa.text(
            "INSERT INTO household_grids (household_uuid, grid_code) "
            "SELECT household_uuid, grid_code FROM households"
        )
    )


def downgrade() -> None:
    op.drop_table("household_grids")
