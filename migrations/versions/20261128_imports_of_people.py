"""Imports of people: files, their rows encrypted, and what the columns of a source hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_imports"
down_revision = "20261128_periods"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
UUID = sa.Uuid(as_uuid=False)


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("file_name", sa.LargeBinary(), nullable=False),
        sa.Column("area_codes", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("header", sa.LargeBinary(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("applied_by", sa.Integer()),
        sa.Column("applied_at", INSTANT),
        sa.Column("undone_by", sa.Integer()),
        sa.Column("undone_at", INSTANT),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name=op.f("fk_imports_made_by")),
        sa.ForeignKeyConstraint(["applied_by"], ["users.id"], name=op.f("fk_imports_applied_by")),
        sa.ForeignKeyConstraint(["undone_by"], ["users.id"], name=op.f("fk_imports_undone_by")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_imports")),
    )
    op.create_table(
        "import_rows",
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.String(10)),
        sa.Column("household_uuid", UUID),
        sa.Column("person_uuid", UUID),
        sa.Column("household_hash", sa.String(64)),
        sa.Column("person_hash", sa.String(64)),
        sa.Column("plan", sa.LargeBinary()),
        sa.Column("faults", sa.LargeBinary()),
        sa.Column("is_applied", sa.Boolean(), nullable=False),
        sa.Column("left", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["import_id"], ["imports.import_id"], name=op.f("fk_import_rows_import_id")),
        sa.PrimaryKeyConstraint("import_id", "number", name=op.f("pk_import_rows")),
    )
    op.create_index("ix_import_rows_outcome", "import_rows", ["import_id", "outcome", "number"])
    op.create_index("ix_import_rows_household", "import_rows", ["import_id", "household_hash"])
    op.create_index("ix_import_rows_person", "import_rows", ["import_id", "person_hash"])
    op.create_table(
        "import_sources",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_import_sources_user_id")),
        sa.PrimaryKeyConstraint("user_id", "name", name=op.f("pk_import_sources")),
    )


def downgrade() -> None:
    for table in ("import_sources", "import_rows", "imports"):
        op.drop_table(table)
