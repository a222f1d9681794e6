"""Coverage: what stood at the end of each week, the time from finding to help by grid and week, where counties are, open
flags by township, and indexes of problems by the grid they were found in.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_coverage"
down_revision = "20261130_intervals"
branch_labels = None
depends_on = None

COUNTED = ("rollups", "county_rollups", "rollup_changes")
HELP = ("helped", "help_hours")
ACTIVE = sa.text("state IN ('open', 'done', 'refused')")
SET_APART = sa.text("(is_restricted OR is_abuse OR area_code <> found_in)")
INDEXES = (
    "ix_followups_active_found",
    "ix_followups_found_created",
    "ix_followups_closed_found",
    "ix_followups_set_apart",
)


# What reviews.counting counts.
FLAGS = """
    INSERT INTO tallies (kind, key, area_code, count)
    SELECT 'flag', flags.severity, substr(flags.area_code, 1, 9), count(*)
    FROM flags JOIN visits ON visits.visit_uuid = flags.visit_uuid
    WHERE flags.state = 'open' AND visits.state <> 'voided'
    GROUP BY flags.severity, substr(flags.area_code, 1, 9)"""


def upgrade() -> None:
    for table in COUNTED:
        for name in HELP:
            op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.create_table(
        "coverage_weeks",
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.Column("main_class", sa.String(40), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("overdue", sa.Integer(), nullable=False),
        sa.Column("tried", sa.Integer(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("area_code", "week_on", "main_class", name=op.f("pk_coverage_weeks")),
    )
    op.create_index("ix_coverage_weeks_week_on", "coverage_weeks", ["week_on"])
    op.create_table(
        "county_middles",
        sa.Column("county_code", sa.String(15), nullable=False),
        sa.Column("lat", sa.Double(), nullable=False),
        sa.Column("lon", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("county_code", name=op.f("pk_county_middles")),
    )
    op.execute(FLAGS)
    op.create_index(
        "ix_followups_active_found",
        "followups",
        ["found_in"],
        sqlite_where=ACTIVE,
        postgresql_where=ACTIVE,
        postgresql_include=[
            *("state", "type", "area_code", "is_restricted", "entered_by_id", "assignee_id"),
            *("is_abuse", "household_uuid"),
        ],
    )
    op.create_index("ix_followups_found_created", "followups", ["found_in", "created_at"])
    op.create_index("ix_followups_closed_found", "followups", ["closed_at", "found_in"])
    op.create_index(
        "ix_followups_set_apart",
        "followups",
        ["found_in", "closed_at"],
        sqlite_where=SET_APART,
        postgresql_where=SET_APART,
    )


def downgrade() -> None:
    op.execute("DELETE FROM tallies WHERE kind = 'flag'")
    for name in INDEXES:
        op.drop_index(name, table_name="followups")
    op.drop_table("county_middles")
    op.drop_table("coverage_weeks")
    for table in COUNTED:
        for name in HELP:
            op.drop_column(table, name)
