"""What each feed comes to, kept with every write, and how far it was compacted.

The state is worked out here once from the entries there are.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict

import sqlalchemy as sa
from alembic import op

revision = "20261128_feed_state"
down_revision = "20261128_settled"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("feeds") as table:
        table.add_column(sa.Column("state", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("compacted_to", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("mark", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("marked_at", sa.DateTime(timezone=True), nullable=True))
    connection = op.get_bind()
    states: dict[str, int] = defaultdict(int)
    entries = sa.text("SELECT feed, kind, uuid, number FROM feed_entries WHERE NOT gone")
    for feed, kind, uuid, number in connection.execute(entries):
        digest = hashlib.sha256(f"{kind}/{uuid}/{number}".encode()).digest()
        states[feed] ^= int.from_bytes(digest[:6], "big")
    for feed, state in states.items():
        connection.execute(
            sa.text("UPDATE feeds SET state = :state WHERE code = :feed").bindparams(state=state, feed=feed)
        )


def downgrade() -> None:
    with op.batch_alter_table("feeds") as table:
        for name in ("marked_at", "mark", "compacted_to", "state"):
            table.drop_column(name)
