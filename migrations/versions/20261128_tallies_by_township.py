"""What is counted by township is kept: households, the days they are due, people by class. Each household remembers
what of it is counted. The index by day, from which that was counted so far, goes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_tallies"
down_revision = "20261128_due_index"
branch_labels = None
depends_on = None

KEY = sa.String(40).with_variant(sa.String(40, collation="C"), "postgresql")
# What people.tally_actions.as_counted makes.
COUNTED = {
    "sqlite": """
        UPDATE households SET counted = json_object(
            'township', substr(grid_code, 1, 9),
            'due_on', due_on,
            'classes', json((
                SELECT json_group_array(main_class) FROM (
                    SELECT main_class FROM people
                    WHERE people.household_uuid = households.household_uuid
                      AND died_on IS NULL AND moved_away_on IS NULL
                    ORDER BY main_class
                )
            ))
        )""",
    "postgresql": """
        UPDATE households SET counted = json_build_object(
            'township', substr(grid_code, 1, 9),
            'due_on', due_on,
            'classes', (
                SELECT coalesce(json_agg(main_class ORDER BY main_class COLLATE "C"), '[]'::json) FROM people
                WHERE people.household_uuid = households.household_uuid
                  AND died_on IS NULL AND moved_away_on IS NULL
            )
        )""",
}
TALLIES = (
    """
    INSERT INTO tallies (kind, key, area_code, count)
    SELECT 'household', '', substr(grid_code, 1, 9), count(*) FROM households GROUP BY substr(grid_code, 1, 9)""",
    """
    INSERT INTO tallies (kind, key, area_code, count)
    SELECT 'due', CAST(due_on AS VARCHAR(10)), substr(grid_code, 1, 9), count(*) FROM households
    WHERE due_on IS NOT NULL GROUP BY due_on, substr(grid_code, 1, 9)""",
    """
    INSERT INTO tallies (kind, key, area_code, count)
    SELECT 'class', main_class, substr(grid_code, 1, 9), count(*)
    FROM people JOIN households ON people.household_uuid = households.household_uuid
    WHERE died_on IS NULL AND moved_away_on IS NULL GROUP BY main_class, substr(grid_code, 1, 9)""",
)


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", "area_code", name=op.f("pk_tallies")),
    )
    with op.batch_alter_table("households") as table:
        table.add_column(sa.Column("counted", sa.JSON(), nullable=True))
        table.drop_index("ix_households_due_grid")
    op.execute(COUNTED[op.get_bind().dialect.name])
    for statement in TALLIES:
        op.execute(statement)


def downgrade() -> None:
    with op.batch_alter_table("households") as table:
        table.create_index("ix_households_due_grid", ["due_on", "grid_code"])
        table.drop_column("counted")
    op.drop_table("tallies")
