"""Sweeps: over which area, from when to when, whom they are to reach, the rows of their files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_sweeps"
down_revision = "20261128_tallies"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("sweep_id", sa.Integer(), nullable=False),
        sa.Column("form_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("methods", sa.JSON(), nullable=False),
        sa.Column("checklist_key", sa.String(60)),
        sa.Column("criteria", sa.JSON()),
        sa.Column("file_name", sa.LargeBinary()),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.Integer()),
        sa.Column("opened_at", INSTANT),
        sa.Column("closed_by", sa.Integer()),
        sa.Column("closed_at", INSTANT),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_sweeps_area_code")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_sweeps_made_by")),
        sa.ForeignKeyConstraint(["opened_by"], ["users.id"], name=op.f("fk_sweeps_opened_by")),
        sa.ForeignKeyConstraint(["closed_by"], ["users.id"], name=op.f("fk_sweeps_closed_by")),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_sweeps")),
        sa.UniqueConstraint("form_uuid", name=op.f("uq_sweeps_form_uuid")),
    )
    op.create_index("ix_sweeps_area_code", "sweeps", ["area_code"])
    op.create_table(
        "sweep_targets",
        sa.Column("sweep_id", sa.Integer(), nullable=False),
        sa.Column("person_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.Column("grid_code", sa.String(15), nullable=False),
        sa.Column("is_told", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(80)),
        sa.Column("standing", sa.String(12)),
        sa.Column("tries", sa.Integer()),
        sa.Column("tried_at", INSTANT),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_sweep_targets_sweep_id")),
        sa.ForeignKeyConstraint(
            ["person_uuid"], ["people.person_uuid"], name=op.f("fk_sweep_targets_person_uuid")
        ),
        sa.PrimaryKeyConstraint("sweep_id", "person_uuid", name=op.f("pk_sweep_targets")),
    )
    op.create_index("ix_sweep_targets_person_uuid", "sweep_targets", ["person_uuid"])
    op.create_table(
        "sweep_rows",
        sa.Column("sweep_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("says", sa.LargeBinary(), nullable=False),
        sa.Column("id_hash", sa.String(64)),
        sa.Column("person_uuid", sa.Uuid(as_uuid=False)),
        sa.Column("fault", sa.String(20)),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_sweep_rows_sweep_id")),
        sa.PrimaryKeyConstraint("sweep_id", "number", name=op.f("pk_sweep_rows")),
    )


def downgrade() -> None:
    op.drop_table("sweep_rows")
    op.drop_table("sweep_targets")
    op.drop_table("sweeps")
