"""Feeds: which records changed, in commit order, for the phones that read them.

Invariant: within a feed a larger number was committed later, so a phone that has read up to n has missed nothing
at or below n. That holds because the feed's row stays locked from numbering to commit.
"""

from __future__ import annotations

import hashlib
import uuid as uuids
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, String, delete, or_, select, tuple_, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fieldapp.core import clock
from fieldapp.core.db import Base, Instant, db, insert_if_absent, insert_into, pending, transaction

COMMON = "common"
BACKED_UP_TO = "backed_up_to"
# A phone that was away for longer reads everything again.
KEEP_GONE = timedelta(days=30)
# Rows asked for, or locked, at once.
_BATCH = 200

Change = tuple[str, str, str]
FeedCode = String(15)


class Feed(Base):
    """A stream of changes: of an area (its code), of an account (`own_feed`), or `common` (code tables)."""

    __tablename__ = "feeds"

    code: Mapped[str] = mapped_column(
        FeedCode, primary_key=True, doc="Code of an area, 'u' and the number of an account, or 'common'."
    )
    number: Mapped[int] = mapped_column(BigInteger, default=0, doc="The last number given out.")
    state: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="`entry_hash` of all entries that are not gone, by exclusive or."
    )
    compacted_to: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="Entries gone up to here were dropped: who has read less reads all again."
    )
    mark: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="The last number at `marked_at`: what the next compaction goes up to."
    )
    marked_at: Mapped[datetime | None] = mapped_column(Instant, doc="When that was.")


class FeedEntry(Base):
    """The last change of one record in one feed; a later change of the same record takes its place."""

    __tablename__ = "feed_entries"

    feed: Mapped[str] = mapped_column(FeedCode, primary_key=True, doc="Feed it belongs to.")
    kind: Mapped[str] = mapped_column(String(20), primary_key=True, doc="household, person, visit, …")
    uuid: Mapped[str] = mapped_column(String(80), primary_key=True, doc="The record's key as text.")
    number: Mapped[int] = mapped_column(BigInteger, doc="Position in the feed; also the record's rev.")
    gone: Mapped[bool] = mapped_column(default=False, doc="The record left this feed.")


db.Index("ix_feed_entries_feed_number", FeedEntry.feed, FeedEntry.number, unique=True)


def entry_hash(kind: str, uuid: str, number: int) -> int:
    """48 bits that stand for one record under one number; phones compute the same (docs/sync.md)."""
    return int.from_bytes(hashlib.sha256(f"{kind}/{uuid}/{number}".encode()).digest()[:6], "big")


def own_feed(user_id: int) -> str:
    """The feed of an account, whatever its areas are."""
    return f"u{user_id}"


class ServerState(Base):
    """Facts about this database as a whole, by name."""

    __tablename__ = "server_state"

    name: Mapped[str] = mapped_column(String(40), primary_key=True, doc="epoch, backed_up_to.")
    value: Mapped[str] = mapped_column(String(200), doc="The fact.")


def publish(feed: str, kind: str, uuid: str, *, gone: bool = False) -> None:
    """Mark a record as changed in `feed`; it is numbered when the transaction commits."""
    _changes()[feed, kind, uuid] = gone


def _changes() -> dict[Change, bool]:
    return pending("feed_changes")


def number_changes(session: Session) -> None:
    """Lock the touched feeds in code order (so that writers do not deadlock), number what is pending, keep the state."""
    by_feed: dict[str, dict[tuple[str, str], bool]] = {}
    for (feed, kind, uuid), gone in _changes().items():
        by_feed.setdefault(feed, {})[kind, uuid] = gone
    for code in sorted(by_feed):
        changes = by_feed[code]
        insert_if_absent(Feed, code=code)
        last, state = session.execute(
            select(Feed.number, Feed.state).where(Feed.code == code).with_for_update()
        ).one()
        for kind, uuid, number in _list_present(session, code, list(changes)):
            state ^= entry_hash(kind, uuid, number)
        rows = []
        for number, ((kind, uuid), gone) in enumerate(changes.items(), start=last + 1):
            rows.append({"feed": code, "kind": kind, "uuid": uuid, "gone": gone, "number": number})
            if not gone:
                state ^= entry_hash(kind, uuid, number)
        statement = insert_into(FeedEntry)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["feed", "kind", "uuid"],
                set_={"number": statement.excluded.number, "gone": statement.excluded.gone},
            ),
            rows,
        )
        session.execute(
            update(Feed).where(Feed.code == code).values(number=last + len(changes), state=state),
            execution_options={"synchronize_session": False},
        )


def _list_present(session: Session, feed: str, keys: Sequence[tuple[str, str]]) -> list[tuple[str, str, int]]:
    """(kind, uuid, number) of the entries under those keys that are not gone."""
    return [
        (kind, uuid, number)
        for start in range(0, len(keys), _BATCH)
        for kind, uuid, number in session.execute(
            select(FeedEntry.kind, FeedEntry.uuid, FeedEntry.number).where(
                FeedEntry.feed == feed,
                tuple_(FeedEntry.kind, FeedEntry.uuid).in_(keys[start : start + _BATCH]),
                ~FeedEntry.gone,
            )
        )
    ]


def compact(now: datetime) -> int:
    """Drop the entries that have been gone for 30 days at least; returns how many.

    Runs its own transactions, each over a few feeds, so that nobody who writes waits for long.
    """
    is_due = or_(Feed.marked_at.is_(None), Feed.marked_at <= now - KEEP_GONE)
    codes = list(db.session.scalars(select(Feed.code).where(is_due).order_by(Feed.code)))
    dropped = 0
    for start in range(0, len(codes), _BATCH):
        with transaction() as session:
            for feed in session.scalars(
                select(Feed)
                .where(Feed.code.in_(codes[start : start + _BATCH]))
                .order_by(Feed.code)
                .with_for_update()
            ):
                dropped += _compact_feed(session, feed, now)
    return dropped


def _compact_feed(session: Session, feed: Feed, now: datetime) -> int:
    numbers = session.scalars(
        delete(FeedEntry)
        .where(FeedEntry.feed == feed.code, FeedEntry.gone, FeedEntry.number <= feed.mark)
        .returning(FeedEntry.number)
    ).all()
    if numbers:
        feed.compacted_to = max(numbers)
    feed.mark, feed.marked_at = feed.number, now
    return len(numbers)


def epoch() -> str:
    """The server's epoch: a uuid that changes when the database is restored, so that phones read again."""
    return db.session.execute(select(ServerState.value).where(ServerState.name == "epoch")).scalar_one()


def make_epoch() -> None:
    """Give a new database its epoch (inside a transaction); an existing one is kept."""
    if db.session.get(ServerState, "epoch") is None:
        db.session.add(ServerState(name="epoch", value=str(uuids.uuid4())))


def backed_up_to() -> str | None:
    """The instant up to which all that was received is in a backup, as text; None before the first backup."""
    return db.session.scalar(select(ServerState.value).where(ServerState.name == BACKED_UP_TO))


def note_backup(up_to: datetime) -> None:
    """Let phones forget what they sent before that instant (inside a transaction)."""
    db.session.merge(ServerState(name=BACKED_UP_TO, value=clock.iso(up_to)))


def rev_of(feed: str, kind: str, uuid: str) -> int | None:
    """The number under which a record last changed in `feed`, or None when it never did."""
    return db.session.scalar(
        select(FeedEntry.number).where(FeedEntry.feed == feed, FeedEntry.kind == kind, FeedEntry.uuid == uuid)
    )


def list_entries(kind: str) -> list[str]:
    """The keys of all records of that kind that are in a feed."""
    return list(
        db.session.scalars(
            select(FeedEntry.uuid)
            .where(FeedEntry.kind == kind, ~FeedEntry.gone)
            .order_by(FeedEntry.feed, FeedEntry.number)
        )
    )


def get_feeds(codes: Iterable[str]) -> dict[str, Feed]:
    """Of those feeds the ones that hold anything, by code."""
    return {feed.code: feed for feed in db.session.scalars(select(Feed).where(Feed.code.in_(list(codes))))}


def list_changes(feed: str, after: int, limit: int) -> Iterable[FeedEntry]:
    """Up to `limit` entries of `feed` numbered above `after`, oldest first."""
    return db.session.scalars(
        select(FeedEntry)
        .where(FeedEntry.feed == feed, FeedEntry.number > after)
        .order_by(FeedEntry.number)
        .limit(limit)
    ).all()
