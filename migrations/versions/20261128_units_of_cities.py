"""Units directly under a city: what they are, where, whom to ask for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_units"
down_revision = "20261128_who_may_know"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "units",
        sa.Column("code", sa.String(15), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("contact", sa.String(80), nullable=False),
        sa.Column("phone", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["code"], ["areas.code"], name=op.f("fk_units_code")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_units")),
    )


def downgrade() -> None:
    op.drop_table("units")
