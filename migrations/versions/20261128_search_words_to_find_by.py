"""What households and people are found by: words of names and addresses in a table, phones of households by keyed hash.

The initials that stood beside the names go: they are such words.
"""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from fieldapp.core.db import EncryptedText
from fieldapp.people.queries import number_hashes
from fieldapp.people.rules import address_words, name_words

revision = "20261128_search"
down_revision = "20261128_registry"
branch_labels = None
depends_on = None

UUID = sa.Uuid(as_uuid=False)
WORD = sa.String(20).with_variant(sa.String(20, collation="C"), "postgresql")
ROWS_AT_ONCE = 10_000


def upgrade() -> None:
    op.create_table(
        "search_words",
        sa.Column("grid_code", sa.String(15), nullable=False),
        sa.Column("household_uuid", UUID, nullable=False),
        sa.Column("kind", sa.String(7), nullable=False),
        sa.Column("word", WORD, nullable=False),
        sa.ForeignKeyConstraint(
            ["household_uuid"], ["households.household_uuid"], name=op.f("fk_search_words_household_uuid")
        ),
        sa.PrimaryKeyConstraint("grid_code", "household_uuid", "kind", "word", name=op.f("pk_search_words")),
    )
    op.create_index(
        "ix_search_words_kind_word", "search_words", ["kind", "word", "grid_code", "household_uuid"]
    )
    with op.batch_alter_table("households") as table:
        table.add_column(sa.Column("phone_hash", sa.String(64)))
        table.add_column(sa.Column("phone_tail_hash", sa.String(64)))
        table.drop_column("initials")
        table.create_index("ix_households_phone_hash", ["phone_hash"])
        table.create_index("ix_households_phone_tail_hash", ["phone_tail_hash"])
    with op.batch_alter_table("people") as table:
        table.drop_column("initials")
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    households = sa.table(
        "households",
        *(sa.column(name) for name in ("household_uuid", "grid_code", "name", "address")),
        sa.column("phone", EncryptedText("households.phone")),
        *(sa.column(name) for name in ("phone_hash", "phone_tail_hash")),
    )
    people = sa.table("people", sa.column("household_uuid"), sa.column("name"))
    words = sa.table(
        "search_words", *(sa.column(name) for name in ("household_uuid", "kind", "word", "grid_code"))
    )
    names = defaultdict(list)
    for uuid, name in connection.execute(sa.select(people.c.household_uuid, people.c.name)):
        names[uuid].append(name)
    rows = []
    found = connection.execute(sa.select(*list(households.c)[:5])).all()
    for uuid, grid_code, name, address, phone in found:
        kinds = {
            "name": set().union(*(name_words(one) for one in [name, *names[uuid]])),
            "address": address_words(address),
        }
        rows += [
            {"household_uuid": uuid, "kind": kind, "word": word, "grid_code": grid_code}
            for kind, some in kinds.items()
            for word in sorted(some)
        ]
        if phone:
            whole, tail = number_hashes(phone, "phone")
            connection.execute(
                households.update()
                .where(households.c.household_uuid == uuid)
                .values(phone_hash=whole, phone_tail_hash=tail)
            )
    for start in range(0, len(rows), ROWS_AT_ONCE):
        connection.execute(words.insert(), rows[start : start + ROWS_AT_ONCE])


def downgrade() -> None:
    with op.batch_alter_table("people") as table:
        table.add_column(sa.Column("initials", sa.String(80), nullable=False, server_default=""))
    with op.batch_alter_table("households") as table:
        table.drop_index("ix_households_phone_tail_hash")
        table.drop_index("ix_households_phone_hash")
        table.add_column(sa.Column("initials", sa.String(80), nullable=False, server_default=""))
        table.drop_column("phone_tail_hash")
        table.drop_column("phone_hash")
    op.drop_table("search_words")
