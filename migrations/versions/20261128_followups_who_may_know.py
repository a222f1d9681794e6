"""Follow-ups: suspected abuse and complaints by who may know of them; calls and walk-ins; two who go together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_who_may_know"
down_revision = "20261128_referrals"
branch_labels = None
depends_on = None

FOLLOWUPS = sa.table(
    "followups",
    *map(sa.column, ("flag_id", "type", "source")),
    *(sa.column(name, sa.Boolean()) for name in ("is_abuse", "is_restricted")),
)
FLAGS = sa.table("flags", *map(sa.column, ("id", "question")))


def upgrade() -> None:
    with op.batch_alter_table("followups") as table:
        for name in ("partner_id", "entered_by_id"):
            table.add_column(sa.Column(name, sa.Integer()))
            table.create_foreign_key(op.f(f"fk_followups_{name}"), "users", [name], ["id"])
        table.add_column(sa.Column("source", sa.String(10), nullable=False, server_default="desk"))
        table.add_column(sa.Column("caller", sa.LargeBinary()))
        for name in ("is_abuse", "is_restricted"):
            table.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("incidents") as table:
        table.add_column(sa.Column("is_abuse", sa.Boolean(), nullable=False, server_default=sa.false()))
    about_abuse = sa.select(FLAGS.c.id).where(
        FLAGS.c.question.like("%/abuse") | FLAGS.c.question.like("%/child_abuse")
    )
    op.execute(FOLLOWUPS.update().where(FOLLOWUPS.c.flag_id.is_not(None)).values(source="flag"))
    op.execute(
        FOLLOWUPS.update()
        .where((FOLLOWUPS.c.type == "child_protection") | FOLLOWUPS.c.flag_id.in_(about_abuse))
        .values(is_abuse=True)
    )
    op.execute(FOLLOWUPS.update().where(FOLLOWUPS.c.type == "complaint").values(is_restricted=True))
    for table_name, names in (
        ("followups", ("source", "is_abuse", "is_restricted")),
        ("incidents", ("is_abuse",)),
    ):
        with op.batch_alter_table(table_name) as table:
            for name in names:
                table.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("incidents") as table:
        table.drop_column("is_abuse")
    with op.batch_alter_table("followups") as table:
        for name in ("partner_id", "entered_by_id"):
            table.drop_constraint(op.f(f"fk_followups_{name}"), type_="foreignkey")
        for name in ("is_restricted", "is_abuse", "caller", "source", "entered_by_id", "partner_id"):
            table.drop_column(name)
