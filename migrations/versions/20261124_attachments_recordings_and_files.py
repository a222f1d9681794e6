"""Attachments are recordings and files too, no longer photos alone; what has a name keeps it.

All that is here already is photos.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261124_attachments"
down_revision = "20261124_publications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=5), nullable=False, server_default="image"))
        batch_op.alter_column("media_type", existing_type=sa.String(length=40), type_=sa.String(length=80))
        batch_op.alter_column("width", existing_type=sa.Integer(), nullable=True)
        batch_op.alter_column("height", existing_type=sa.Integer(), nullable=True)
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.alter_column("kind", existing_type=sa.String(length=5), server_default=None)
    with op.batch_alter_table("attachment_uses", schema=None) as batch_op:
        batch_op.add_column(sa.Column("name", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("attachment_uses", schema=None) as batch_op:
        batch_op.drop_column("name")
    op.execute("UPDATE attachments SET width = 0, height = 0 WHERE width IS NULL")
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.drop_column("kind")
        batch_op.alter_column("media_type", existing_type=sa.String(length=80), type_=sa.String(length=40))
        batch_op.alter_column("width", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("height", existing_type=sa.Integer(), nullable=False)
