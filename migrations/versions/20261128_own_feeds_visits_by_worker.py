"""Visits are published in their worker's own feed and an area in its own, no longer in those of grids.

Phones are told to let go of what they read in the grid's feed; what is there already is numbered anew in its new feed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op

revision = "20261128_own_feeds"
down_revision = "20261128_feed_state"
branch_labels = None
depends_on = None

FEEDS = sa.table("feeds", *map(sa.column, ("code", "number", "state", "compacted_to", "mark")))
ENTRIES = sa.table(
    "feed_entries", *map(sa.column, ("feed", "kind", "uuid", "number")), sa.column("gone", sa.Boolean())
)
VISITS = sa.table("visits", sa.column("visit_uuid", sa.Uuid(as_uuid=False)), sa.column("worker_id"))
OPERATIONS = sa.table("operations", *map(sa.column, ("kind", "feed", "user_id")))
USES = sa.table("attachment_uses", *map(sa.column, ("kind", "uuid", "feed", "area_code")))


def upgrade() -> None:
    with op.batch_alter_table("feed_entries") as table:
        table.alter_column("uuid", existing_type=sa.String(length=64), type_=sa.String(length=80))
    with op.batch_alter_table("attachment_uses") as table:
        table.add_column(sa.Column("feed", sa.String(length=15), nullable=True))
    connection = op.get_bind()
    feed_by_visit = {
        uuid: f"u{worker_id}"
        for uuid, worker_id in connection.execute(sa.select(VISITS.c.visit_uuid, VISITS.c.worker_id))
    }
    _fill_uses(feed_by_visit)
    with op.batch_alter_table("attachment_uses") as table:
        table.alter_column("feed", existing_type=sa.String(length=15), nullable=False)
    connection.execute(
        sa.update(OPERATIONS)
        .where(OPERATIONS.c.kind.in_(["visit.submit", "visit.revise"]), OPERATIONS.c.feed.is_not(None))
        .values(feed=sa.literal("u") + sa.cast(OPERATIONS.c.user_id, sa.String))
    )
    _move_entries(feed_by_visit)


def _fill_uses(feed_by_visit: dict[str, str]) -> None:
    connection = op.get_bind()
    connection.execute(sa.update(USES).values(feed=USES.c.area_code))
    uuids = connection.scalars(sa.select(USES.c.uuid).where(USES.c.kind == "visit").distinct()).all()
    for uuid in uuids:
        connection.execute(
            sa.update(USES)
            .where(USES.c.kind == "visit", USES.c.uuid == uuid)
            .values(feed=feed_by_visit[uuid])
        )


def _move_entries(feed_by_visit: dict[str, str]) -> None:
    connection = op.get_bind()
    moving = connection.execute(
        sa.select(ENTRIES.c.feed, ENTRIES.c.kind, ENTRIES.c.uuid)
        .where(ENTRIES.c.kind.in_(["visit", "area"]), sa.not_(ENTRIES.c.gone))
        .order_by(ENTRIES.c.feed, ENTRIES.c.number)
    ).all()
    present = {tuple(row) for row in moving}
    targets = [(uuid if kind == "area" else feed_by_visit[uuid], kind, uuid) for _, kind, uuid in moving]
    old = sorted(present.difference(targets))
    new = [target for target in dict.fromkeys(targets) if target not in present]
    for feed, kind, uuid in old:
        connection.execute(
            sa.update(ENTRIES)
            .where(ENTRIES.c.feed == feed, ENTRIES.c.kind == kind, ENTRIES.c.uuid == uuid)
            .values(gone=True)
        )
    # Told anew: what is gone from its old feed, and what has come to its new one.
    _number(old)
    _number(new)
    _work_out_states()


def _number(entries: Iterable[tuple[str, str, str]]) -> None:
    """Give the entries the next numbers of their feeds; entries and feeds that are not there are made."""
    connection = op.get_bind()
    for feed, kind, uuid in entries:
        last = connection.scalar(sa.select(FEEDS.c.number).where(FEEDS.c.code == feed))
        number = (last or 0) + 1
        if last is None:
            row = {"code": feed, "number": number, "state": 0, "compacted_to": 0, "mark": 0}
            connection.execute(sa.insert(FEEDS).values(row))
        else:
            connection.execute(sa.update(FEEDS).where(FEEDS.c.code == feed).values(number=number))
        key = (ENTRIES.c.feed == feed, ENTRIES.c.kind == kind, ENTRIES.c.uuid == uuid)
        if connection.execute(sa.update(ENTRIES).where(*key).values(number=number)).rowcount == 0:
            row = {"feed": feed, "kind": kind, "uuid": uuid, "number": number, "gone": False}
            connection.execute(sa.insert(ENTRIES).values(row))


def _work_out_states() -> None:
    connection = op.get_bind()
    states: dict[str, int] = {}
    entries = sa.select(ENTRIES.c.feed, ENTRIES.c.kind, ENTRIES.c.uuid, ENTRIES.c.number)
    for feed, kind, uuid, number in connection.execute(entries.where(sa.not_(ENTRIES.c.gone))):
        digest = hashlib.sha256(f"{kind}/{uuid}/{number}".encode()).digest()
        states[feed] = states.get(feed, 0) ^ int.from_bytes(digest[:6], "big")
    for feed in connection.scalars(sa.select(FEEDS.c.code)).all():
        connection.execute(sa.update(FEEDS).where(FEEDS.c.code == feed).values(state=states.get(feed, 0)))


def downgrade() -> None:
    raise NotImplementedError("the feed a visit was published in before is not kept")
