"""The latest visits and aid of some weeks are read in their order, and the few tasks that have climbed without the others;
what waits by severity is counted in the index alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_latest_behind"
down_revision = "20261130_saved_tables"
branch_labels = None
depends_on = None

RANK = "(CASE severity WHEN 'red' THEN 0 WHEN 'orange' THEN 1 WHEN 'yellow' THEN 2 ELSE 3 END)"
WAITS = sa.text("state = 'submitted'")
CLIMBED = sa.text("state IN ('open', 'done', 'refused') AND climbed_to IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_visits_week_finished", "visits", ["week_on", "finished_at", "visit_uuid", "area_code", "state"]
    )
    _index_waiting("severity")
    op.create_index("ix_aid_week_given", "aid", ["week_on", "given_on", "aid_uuid", "area_code"])
    op.create_index(
        "ix_followups_climbed",
        "followups",
        ["climbed_to", "area_code", "severity", "state"],
        sqlite_where=CLIMBED,
        postgresql_where=CLIMBED,
    )


def downgrade() -> None:
    _index_waiting()
    op.drop_index("ix_followups_climbed", "followups")
    op.drop_index("ix_aid_week_given", "aid")
    op.drop_index("ix_visits_week_finished", "visits")


def _index_waiting(*more: str) -> None:
    op.drop_index("ix_visits_waiting", "visits")
    columns = [sa.text(RANK), "received_at", "visit_uuid", "area_code", *more]
    op.create_index("ix_visits_waiting", "visits", columns, sqlite_where=WAITS, postgresql_where=WAITS)
