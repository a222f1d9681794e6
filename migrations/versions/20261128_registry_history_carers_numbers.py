"""The registry: history of every change, carers, declared relatives; accounts, causes, moving away; initials to find by.

Names that are there already get their initials here; all else begins empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from fieldapp.people.rules import initials

revision = "20261128_registry"
down_revision = "20261128_quarantine"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
UUID = sa.Uuid(as_uuid=False)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("households") as table:
        table.add_column(sa.Column("initials", sa.String(80), nullable=False, server_default=""))
    with op.batch_alter_table("people") as table:
        table.add_column(sa.Column("initials", sa.String(80), nullable=False, server_default=""))
        table.add_column(sa.Column("id_reason", sa.LargeBinary()))
        table.add_column(sa.Column("bank_name", sa.String(80), nullable=False, server_default=""))
        table.add_column(sa.Column("bank_account", sa.LargeBinary()))
        table.add_column(sa.Column("bank_account_hash", sa.String(64)))
        table.add_column(sa.Column("bank_account_tail_hash", sa.String(64)))
        table.add_column(sa.Column("causes", sa.JSON(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("moved_away_on", sa.Date()))
        table.add_column(sa.Column("moved_away_to", sa.LargeBinary()))
        table.add_column(sa.Column("found_at", INSTANT))
        table.create_index("ix_people_bank_account_hash", ["bank_account_hash"])
        table.create_index("ix_people_bank_account_tail_hash", ["bank_account_tail_hash"])
    _fill_initials("households", "household_uuid")
    _fill_initials("people", "person_uuid")
    op.create_table(
        "carers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_uuid", UUID, nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("relation", sa.String(20), nullable=False),
        sa.Column("phone", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["person_uuid"], ["people.person_uuid"], name=op.f("fk_carers_person_uuid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carers")),
    )
    op.create_index("ix_carers_person_uuid", "carers", ["person_uuid"])
    op.create_table(
        "declared_relatives",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("person_uuid", UUID, nullable=False),
        sa.Column("relation", sa.String(20), nullable=False),
        sa.Column("declared_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_declared_relatives_user_id")),
        sa.ForeignKeyConstraint(
            ["person_uuid"], ["people.person_uuid"], name=op.f("fk_declared_relatives_person_uuid")
        ),
        sa.PrimaryKeyConstraint("user_id", "person_uuid", name=op.f("pk_declared_relatives")),
    )
    op.create_index("ix_declared_relatives_person_uuid", "declared_relatives", ["person_uuid"])
    op.create_table(
        "registry_changes",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("uuid", UUID, nullable=False),
        sa.Column("deed", sa.String(10), nullable=False),
        sa.Column("actor_id", sa.Integer()),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("source_id", sa.String(36)),
        sa.Column("values", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_registry_changes_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_changes")),
    )
    op.create_index("ix_registry_changes_subject", "registry_changes", ["kind", "uuid", "id"])
    op.create_index("ix_registry_changes_source", "registry_changes", ["source", "source_id"])


def _fill_initials(name: str, key: str) -> None:
    connection = op.get_bind()
    table = sa.table(name, sa.column(key), sa.column("name"), sa.column("initials"))
    for uuid, called in connection.execute(sa.select(table.c[key], table.c.name)).all():
        connection.execute(table.update().where(table.c[key] == uuid).values(initials=initials(called)))


def downgrade() -> None:
    for table in ("registry_changes", "declared_relatives", "carers"):
        op.drop_table(table)
    with op.batch_alter_table("people") as table:
        table.drop_index("ix_people_bank_account_tail_hash")
        table.drop_index("ix_people_bank_account_hash")
        for name in ("found_at", "moved_away_to", "moved_away_on", "causes", "bank_account_tail_hash"):
            table.drop_column(name)
        for name in ("bank_account_hash", "bank_account", "bank_name", "id_reason", "initials"):
            table.drop_column(name)
    with op.batch_alter_table("households") as table:
        table.drop_column("initials")
