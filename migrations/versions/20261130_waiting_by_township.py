"""Visits that wait for review by township and severity, which has waited longest, and the weeks of cities and provinces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_waiting"
down_revision = "20261130_other_goods"
branch_labels = None
depends_on = None

WAITS = sa.text("state = 'submitted'")
# What reviews.counting counts.
WAITING = """
    INSERT INTO tallies (kind, key, area_code, count)
    SELECT 'waits', COALESCE(severity, ''), substr(area_code, 1, 9), count(*)
    FROM visits WHERE state = 'submitted' GROUP BY COALESCE(severity, ''), substr(area_code, 1, 9)"""


def upgrade() -> None:
    op.execute(WAITING)
    op.create_index(
        "ix_visits_waiting_since",
        "visits",
        ["received_at", "area_code"],
        sqlite_where=WAITS,
        postgresql_where=WAITS,
    )
    op.create_index(
        "ix_county_rollups_week",
        "county_rollups",
        ["since", "week_on", "area_code"],
        postgresql_include=["found", "solved", "unfounded"],
    )


def downgrade() -> None:
    op.drop_index("ix_county_rollups_week", table_name="county_rollups")
    op.drop_index("ix_visits_waiting_since", table_name="visits")
    op.execute("DELETE FROM tallies WHERE kind = 'waits'")
