"""People are counted by township, class and the day they are due, and of those whom somebody tried to see in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261130_intervals"
down_revision = "20261130_aid_phones"
branch_labels = None
depends_on = None


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


SAME = """
    SELECT same.household_uuid FROM households AS same
    WHERE same.household_uuid = households.household_uuid OR same.merged_into = households.household_uuid"""
TRIED_AT = """
    SELECT max(tried.finished_at) FROM visits AS tried
    WHERE tried.household_uuid IN (_SAME_) AND tried.outcome <> 'reached' AND tried.state <> 'voided'
      AND NOT EXISTS (
          SELECT 1 FROM visits AS reached
          WHERE reached.household_uuid IN (_SAME_) AND reached.outcome = 'reached' AND reached.state <> 'voided'
            AND reached.finished_at >= tried.finished_at
      )""".replace("_SAME_", SAME)
TRIED = {
    "sqlite": "UPDATE households SET tried_on = date((_TRIED_), '+8 hours') WHERE merged_into IS NULL",
    "postgresql": "UPDATE households SET tried_on = ((_TRIED_) AT TIME ZONE 'Asia/Shanghai')::date"
    " WHERE merged_into IS NULL",
}
HERE = "died_on IS NULL AND moved_away_on IS NULL AND people.merged_into IS NULL"
# What people.tally_actions.as_counted makes.
COUNTED = {
    "sqlite": """
        UPDATE households SET counted = json_object(
            'township', substr(grid_code, 1, 9),
            'due_on', due_on,
            'people', json((
                SELECT json_group_array(json_array(main_class, day)) FROM (
                    SELECT main_class, coalesce(due_on, '') AS day FROM people
                    WHERE people.household_uuid = households.household_uuid AND _HERE_
                    ORDER BY main_class, day
                )
            )),
            'is_tried', json(CASE WHEN tried_on IS NULL THEN 'false' ELSE 'true' END)
        ) WHERE merged_into IS NULL""",
    "postgresql": """
        UPDATE households SET counted = json_build_object(
            'township', substr(grid_code, 1, 9),
            'due_on', due_on,
            'people', (
                SELECT coalesce(json_agg(
                    json_build_array(main_class, coalesce(due_on::text, ''))
                    ORDER BY main_class COLLATE "C", coalesce(due_on::text, '') COLLATE "C"
                ), '[]'::json) FROM people
                WHERE people.household_uuid = households.household_uuid AND _HERE_
            ),
            'is_tried', tried_on IS NOT NULL
        ) WHERE merged_into IS NULL""",
}
COUNT = """
    INSERT INTO tallies (kind, key, area_code, count)
    SELECT '_KIND_', _KEY_, substr(grid_code, 1, 9), count(*)
    FROM people JOIN households ON people.household_uuid = households.household_uuid
    WHERE people.due_on IS NOT NULL AND _HERE_ AND _ALSO_
    GROUP BY _KEY_, substr(grid_code, 1, 9)"""
BY_DAY = "CAST(people.due_on AS VARCHAR(10)) || ' ' || main_class"
# (kind, key, which people)
TALLIES = (
    ("asked", "main_class", "TRUE"),
    ("person", BY_DAY, "TRUE"),
    ("tried", BY_DAY, "tried_on IS NOT NULL"),
)


def upgrade() -> None:
    op.add_column("households", sa.Column("tried_on", sa.Date(), nullable=True))
    with op.batch_alter_table("tallies") as table:
        table.alter_column("key", existing_type=_key(40), type_=_key(60), existing_nullable=False)
    dialect = op.get_bind().dialect.name
    op.execute(TRIED[dialect].replace("_TRIED_", TRIED_AT))
    op.execute(COUNTED[dialect].replace("_HERE_", HERE))
    for kind, key, also in TALLIES:
        statement = COUNT.replace("_HERE_", HERE).replace("_KIND_", kind)
        op.execute(statement.replace("_KEY_", key).replace("_ALSO_", also))


def downgrade() -> None:
    op.execute("DELETE FROM tallies WHERE kind IN ('asked', 'person', 'tried')")
    with op.batch_alter_table("tallies") as table:
        table.alter_column("key", existing_type=_key(60), type_=_key(40), existing_nullable=False)
    op.drop_column("households", "tried_on")
