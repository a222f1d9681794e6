"""Rules with several thresholds; a keyed hash of answers by which the same ones are found again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import EncryptedText

revision = "20261129_more_flag_rules"
down_revision = "20261129_calendar"
branch_labels = None
depends_on = None

# What the one threshold of each rule was called.
NAMES = {
    "failed_contacts": "attempts",
    "far_from_home": "distance_m",
    "poor_accuracy": "accuracy_m",
    "same_photo": "bits",
    "photo_time": "minutes",
    "clock_off": "minutes",
}
SETTINGS = sa.table(
    "flag_rule_settings",
    sa.column("county_code", sa.String),
    sa.column("rule", sa.String),
    sa.column("number", sa.Integer),
    sa.column("threshold", sa.Integer),
    sa.column("thresholds", sa.JSON),
)


def upgrade() -> None:
    op.add_column(
        "flag_rule_settings", sa.Column("thresholds", sa.JSON(), nullable=False, server_default="{}")
    )
    found = op.get_bind().execute(sa.select(SETTINGS.c.rule, SETTINGS.c.threshold).distinct()).all()
    for rule, threshold in found:
        if threshold is not None and rule in NAMES:
            op.execute(
                SETTINGS.update()
                .where(SETTINGS.c.rule == rule, SETTINGS.c.threshold == threshold)
                .values(thresholds={NAMES[rule]: threshold})
            )
    with op.batch_alter_table("flag_rule_settings") as table:
        table.alter_column(
            "thresholds", server_default=None, existing_type=sa.JSON(), existing_nullable=False
        )
        table.drop_column("threshold")
        table.alter_column(
            "reason",
            nullable=True,
            existing_type=EncryptedText("flag_rule_settings.reason"),
            existing_nullable=False,
        )
        table.alter_column("set_by", nullable=True, existing_type=sa.Integer(), existing_nullable=False)
    op.add_column("visit_revisions", sa.Column("answers_hash", sa.String(64), nullable=True))
    op.create_index(
        "ix_visit_revisions_answers",
        "visit_revisions",
        ["answers_hash", "finished_at"],
        sqlite_where=sa.text("answers_hash IS NOT NULL"),
        postgresql_where=sa.text("answers_hash IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_visit_revisions_answers", "visit_revisions")
    op.drop_column("visit_revisions", "answers_hash")
    op.add_column("flag_rule_settings", sa.Column("threshold", sa.Integer(), nullable=True))
    row = SETTINGS.c
    found = op.get_bind().execute(sa.select(row.county_code, row.rule, row.number, row.thresholds)).all()
    for county_code, rule, number, thresholds in found:
        op.execute(
            SETTINGS.update()
            .where(row.county_code == county_code, row.rule == rule, row.number == number)
            .values(threshold=thresholds.get(NAMES.get(rule, "")))
        )
    with op.batch_alter_table("flag_rule_settings") as table:
        table.drop_column("thresholds")
        table.alter_column(
            "reason",
            nullable=False,
            existing_type=EncryptedText("flag_rule_settings.reason"),
            existing_nullable=True,
        )
        table.alter_column("set_by", nullable=False, existing_type=sa.Integer(), existing_nullable=True)
