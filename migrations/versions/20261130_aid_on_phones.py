"""Aid given on phones: the operations it came with, the grid whose phones hold it, receipts and where counties ask for them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations.base import BatchOperations

from fieldapp.core.db import EncryptedText, Instant

revision = "20261130_aid_phones"
down_revision = "20261130_latest_behind"
branch_labels = None
depends_on = None

UUID = sa.Uuid(as_uuid=False)


@contextmanager
def _aid_anew() -> Iterator[BatchOperations]:
    """The table of aid, which SQLite makes anew (20261129_relief says why a warning is left out)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Skipped unsupported reflection", sa.exc.SAWarning)
        with op.batch_alter_table("aid") as aid:
            yield aid


def upgrade() -> None:
    with _aid_anew() as aid:
        # A phone's aid may be here before its visit is.
        aid.drop_constraint("fk_aid_visit_uuid", type_="foreignkey")
        aid.add_column(sa.Column("op_uuid", UUID, nullable=True))
        aid.add_column(sa.Column("settled_op_uuid", UUID, nullable=True))
        aid.add_column(sa.Column("receipt_missing", sa.Boolean(), nullable=False, server_default=sa.false()))
        aid.add_column(sa.Column("feed", sa.String(15), nullable=True))
    op.create_index("ix_aid_feed_given", "aid", ["feed", "given_on"])
    op.create_table(
        "aid_policies",
        sa.Column("county_code", sa.String(15), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cash_from_cents", sa.BigInteger(), nullable=True),
        sa.Column("goods_from_cents", sa.BigInteger(), nullable=True),
        sa.Column("reason", EncryptedText("aid_policies.reason"), nullable=True),
        sa.Column("set_by", sa.Integer(), nullable=True),
        sa.Column("set_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["set_by"], ["users.id"], name=op.f("fk_aid_policies_set_by")),
        sa.PrimaryKeyConstraint("county_code", "number", name=op.f("pk_aid_policies")),
    )


def downgrade() -> None:
    op.drop_table("aid_policies")
    op.drop_index("ix_aid_feed_given", "aid")
    op.execute(
        "UPDATE aid SET visit_uuid = NULL WHERE visit_uuid IS NOT NULL"
        " AND visit_uuid NOT IN (SELECT visit_uuid FROM visits)"
    )
    with _aid_anew() as aid:
        for name in ("feed", "receipt_missing", "settled_op_uuid", "op_uuid"):
            aid.drop_column(name)
        aid.create_foreign_key("fk_aid_visit_uuid", "visits", ["visit_uuid"], ["visit_uuid"])
