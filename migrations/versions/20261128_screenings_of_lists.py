"""Screenings: lists compared with the registry, and whom their rows mean."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_screenings"
down_revision = "20261128_entered"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "screenings",
        sa.Column("screening_id", sa.Integer(), nullable=False),
        sa.Column("form_uuid", sa.Uuid(as_uuid=False), nullable=False),
        sa.Column("area_code", sa.String(15), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("screened_on", sa.Date(), nullable=False),
        sa.Column("file_name", sa.LargeBinary(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sweep_uuid", sa.Uuid(as_uuid=False)),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_screenings_area_code")),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_screenings_made_by")),
        sa.PrimaryKeyConstraint("screening_id", name=op.f("pk_screenings")),
        sa.UniqueConstraint("form_uuid", name=op.f("uq_screenings_form_uuid")),
    )
    op.create_index("ix_screenings_area_code", "screenings", ["area_code"])
    op.create_table(
        "screening_rows",
        sa.Column("screening_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("says", sa.LargeBinary(), nullable=False),
        sa.Column("id_hash", sa.String(64)),
        sa.Column("person_uuid", sa.Uuid(as_uuid=False)),
        sa.Column("grid_code", sa.String(15)),
        sa.Column("fault", sa.String(20)),
        sa.Column("needs_look", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["screening_id"], ["screenings.screening_id"], name=op.f("fk_screening_rows_screening_id")
        ),
        sa.PrimaryKeyConstraint("screening_id", "number", name=op.f("pk_screening_rows")),
    )
    op.create_index("ix_screening_rows_person", "screening_rows", ["person_uuid"])


def downgrade() -> None:
    op.drop_table("screening_rows")
    op.drop_table("screenings")
