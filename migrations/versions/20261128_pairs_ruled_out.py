"""The pairs that are said to be two people are listed by place, to be looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_pairs_ruled_out"
down_revision = "20261128_pairs_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_ruled_out = sa.text("ruled_out_at IS NOT NULL")
    op.create_index(
        "ix_likely_pairs_ruled_out",
        "likely_pairs",
        ["one_grid", "one_uuid", "other_uuid"],
        sqlite_where=is_ruled_out,
        postgresql_where=is_ruled_out,
    )


def downgrade() -> None:
    op.drop_index("ix_likely_pairs_ruled_out", "likely_pairs")
