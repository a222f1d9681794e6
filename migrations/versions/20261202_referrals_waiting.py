"""Which tasks an outside body has is found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261202_referrals_waiting"
down_revision = "20261201_repeated"
branch_labels = None
depends_on = None

REFERRED = sa.text("state IN ('referred', 'accepted')")


def upgrade() -> None:
    op.create_index(
        "ix_referrals_waiting",
        "referrals",
        ["followup_id"],
        sqlite_where=REFERRED,
        postgresql_where=REFERRED,
    )


def downgrade() -> None:
    op.drop_index("ix_referrals_waiting", table_name="referrals")
