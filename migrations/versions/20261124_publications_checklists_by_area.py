"""Checklists are published to areas with dates; each area that has its own version answers for it.

What was published before stays in force everywhere: it belongs to the province. Phones are told through the feed of
the province instead of the common one.
"""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "20261124_publications"
down_revision = "20261123_tables"
branch_labels = None
depends_on = None

PROVINCE = "23"
COMMON = "common"


def upgrade() -> None:
    op.create_table(
        "checklist_registrations",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("area_code", sa.String(length=15), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.String(length=500), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["key"], ["checklists.key"], name=op.f("fk_checklist_registrations_key")),
        sa.PrimaryKeyConstraint("key", "area_code", name=op.f("pk_checklist_registrations")),
    )
    op.execute(
        sa.text(
            "INSERT INTO checklist_registrations (key, area_code, owner, purpose) "
            "SELECT key, :province, '', '' FROM checklists"
        ).bindparams(province=PROVINCE)
    )
    with op.batch_alter_table("checklist_versions", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("area_code", sa.String(length=15), nullable=False, server_default=PROVINCE)
        )
        batch_op.add_column(sa.Column("notices", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.drop_constraint(batch_op.f("fk_checklist_versions_key"), type_="foreignkey")
        batch_op.create_foreign_key(
            batch_op.f("fk_checklist_versions_key_area_code"),
            "checklist_registrations",
            ["key", "area_code"],
            ["key", "area_code"],
        )
    with op.batch_alter_table("checklist_versions", schema=None) as batch_op:
        batch_op.alter_column("area_code", server_default=None)
        batch_op.alter_column("notices", server_default=None)
    op.create_table(
        "checklist_files",
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key", "version"],
            ["checklist_versions.key", "checklist_versions.version"],
            name=op.f("fk_checklist_files_key_version"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("key", "version", "name", name=op.f("pk_checklist_files")),
    )
    op.create_table(
        "checklist_publications",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("area_code", sa.String(length=15), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by_id", sa.Integer(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["key", "version"],
            ["checklist_versions.key", "checklist_versions.version"],
            name=op.f("fk_checklist_publications_key_version"),
        ),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["users.id"], name=op.f("fk_checklist_publications_published_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["retired_by_id"], ["users.id"], name=op.f("fk_checklist_publications_retired_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checklist_publications")),
    )
    with op.batch_alter_table("checklist_publications", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_checklist_publications_area_code"), ["area_code"], unique=False)
        batch_op.create_index("ix_checklist_publications_version", ["key", "version"], unique=False)
    _publish_everywhere(op.get_bind())
    # Without the batch's copy of the table: other tables point to this one.
    op.drop_column("checklists", "published_version")


def _publish_everywhere(connection: sa.Connection) -> None:
    """A publication for every version that was published, and for older ones (phones may hold drafts of them) one
    that has ended; phones are told."""
    # Typed, so that dates and instants are read and written alike on both databases.
    metadata = sa.MetaData()
    checklists = sa.Table("checklists", metadata, sa.Column("key"), sa.Column("published_version"))
    versions = sa.Table(
        "checklist_versions",
        metadata,
        sa.Column("key"),
        sa.Column("version"),
        sa.Column("created_at", sa.DateTime(timezone=True)),
        sa.Column("created_by_id", sa.Integer),
    )
    publications = sa.Table(
        "checklist_publications",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String),
        sa.Column("version", sa.String),
        sa.Column("area_code", sa.String),
        sa.Column("from_on", sa.Date),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("published_by_id", sa.Integer),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
    )
    rows = connection.execute(
        sa.select(versions, checklists.c.published_version)
        .join(checklists, checklists.c.key == versions.c.key)
        .order_by(versions.c.key, versions.c.created_at)
    ).all()
    in_force = []
    for row in rows:
        at = row.created_at if row.created_at.tzinfo else row.created_at.replace(tzinfo=UTC)
        # SQLite knows no zones: an instant is kept as UTC there.
        stored = at.astimezone(UTC).replace(tzinfo=None) if connection.dialect.name == "sqlite" else at
        published = row.version == row.published_version
        added = connection.execute(
            publications.insert().values(
                key=row.key,
                version=row.version,
                area_code=PROVINCE,
                from_on=at.astimezone(ZoneInfo("Asia/Shanghai")).date(),
                published_at=stored,
                published_by_id=row.created_by_id,
                retired_at=None if published else stored,
            )
        )
        if published:
            assert added.inserted_primary_key is not None
            in_force.append(added.inserted_primary_key[0])
    _tell_phones(connection, in_force)


def _tell_phones(connection: sa.Connection, publication_ids: list[int]) -> None:
    feeds = sa.table("feeds", sa.column("code"), sa.column("number"))
    entries = sa.table(
        "feed_entries",
        *(sa.column(name) for name in ("feed", "kind", "uuid", "number")),
        sa.column("gone", sa.Boolean),
    )
    old = sa.and_(entries.c.feed == COMMON, entries.c.kind == "checklist")
    last = connection.scalar(sa.select(feeds.c.number).where(feeds.c.code == COMMON)) or 0
    for uuid in connection.scalars(sa.select(entries.c.uuid).where(old)).all():
        last += 1
        connection.execute(entries.update().where(old, entries.c.uuid == uuid).values(number=last, gone=True))
    connection.execute(feeds.update().where(feeds.c.code == COMMON).values(number=last))
    if publication_ids:
        connection.execute(feeds.insert().values(code=PROVINCE, number=len(publication_ids)))
        connection.execute(
            entries.insert(),
            [
                {"feed": PROVINCE, "kind": "checklist", "uuid": str(id_), "number": number, "gone": False}
                for number, id_ in enumerate(publication_ids, start=1)
            ],
        )


def downgrade() -> None:
    raise NotImplementedError("what is published by area cannot be said by one column")
