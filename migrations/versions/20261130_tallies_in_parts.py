"""Tallies are sums of rows: each transaction adds its own, so that nobody in a township waits for another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_tally_parts"
down_revision = "20261129_incidents_by_area"
branch_labels = None
depends_on = None

PRIMARY_KEY = "pk_tallies"
OF = ["kind", "key", "area_code"]


def upgrade() -> None:
    with op.batch_alter_table("tallies") as table:
        table.add_column(sa.Column("part", sa.BigInteger(), server_default="0", nullable=False))
        table.drop_constraint(PRIMARY_KEY, type_="primary")
        table.create_primary_key(PRIMARY_KEY, [*OF, "part"])


def downgrade() -> None:
    op.execute(
        "CREATE TEMPORARY TABLE added_up AS"
        " SELECT kind, key, area_code, sum(count) AS count FROM tallies GROUP BY kind, key, area_code HAVING sum(count) <> 0"
    )
    op.execute("DELETE FROM tallies")
    with op.batch_alter_table("tallies") as table:
        table.drop_constraint(PRIMARY_KEY, type_="primary")
        table.drop_column("part")
        table.create_primary_key(PRIMARY_KEY, OF)
    op.execute(
        "INSERT INTO tallies (kind, key, area_code, count) SELECT kind, key, area_code, count FROM added_up"
    )
    op.execute("DROP TABLE added_up")
