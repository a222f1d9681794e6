"""Tallies: how many there are of something in an area, kept beside the records they count.

Invariant: a tally changes in the transaction of its record, by rows that nobody else writes to: no writer waits for
another one. How many there are is the sum of all rows.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping

from sqlalchemy import BigInteger, String, delete, insert, select, text, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from fieldapp.core.db import AreaCode, Base, db, pending, transaction

# What is counted, and where: (kind, key, code of the area).
Counted = tuple[str, str, str]


class Tally(Base):
    """How many there are of something in an area: the sum of its rows; none: no row."""

    __tablename__ = "tallies"

    kind: Mapped[str] = mapped_column(
        String(20), primary_key=True, doc="household, due, class, asked, person, tried, waits or flag."
    )
    key: Mapped[str] = mapped_column(
        # Ordered by code point on both databases, so that days before a day are a range of the key.
        String(60).with_variant(String(60, collation="C"), "postgresql"),
        primary_key=True,
        doc="Of due: the day; of class and asked: the class; of person and tried: the day and the class; of waits and "
        "flag: the severity; else empty.",
    )
    area_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="Code of the township.")
    part: Mapped[int] = mapped_column(
        BigInteger,
        primary_key=True,
        default=0,
        server_default="0",
        doc="0: what was there when it was last added up; else what one transaction changed since.",
    )
    count: Mapped[int] = mapped_column(doc="How many, or how many more or fewer.")


def change_tally(kind: str, key: str, area_code: str, by: int) -> None:
    """Count so many more (or fewer); written when the transaction commits."""
    changes = pending("tallies")
    counted = kind, key, area_code
    changes[counted] = changes.get(counted, 0) + by


def write_tallies(session: Session) -> None:
    """Write what was counted, as rows of this transaction alone."""
    changes: Mapping[Counted, int] = pending("tallies")
    # Drawn, not numbered: a sequence is one more thing to keep right. Two alike would be refused, not added up wrong.
    part = 1 + secrets.randbelow(2**62)
    rows = _as_rows(changes, part)
    if rows:
        session.execute(insert(Tally), rows)


def _as_rows(counts: Mapping[Counted, int], part: int) -> list[dict[str, object]]:
    return [
        {"kind": kind, "key": key, "area_code": area_code, "part": part, "count": count}
        for (kind, key, area_code), count in sorted(counts.items())
        if count
    ]


def fold_tallies() -> None:
    """Add up what was changed since it was last done; what comes to nothing leaves no row. Runs its own transaction.

    Nobody who counts waits for it.
    """
    with transaction() as session:
        if session.get_bind().dialect.name == "postgresql":
            # Another server that does the same waits; who writes does not.
            session.execute(text("LOCK TABLE tallies IN SHARE UPDATE EXCLUSIVE MODE"))
        key = (Tally.kind, Tally.key, Tally.area_code)
        changed = select(*key).where(Tally.part != 0)
        sums: Counter[Counted] = Counter()
        for kind, of, area_code, count in session.execute(
            delete(Tally).where(tuple_(*key).in_(changed)).returning(*key, Tally.count)
        ):
            sums[kind, of, area_code] += count
        rows = _as_rows(sums, 0)
        if rows:
            session.execute(insert(Tally), rows)


def lock_tallies() -> None:
    """Let nobody else commit a change of a tally until the transaction ends; SQLite's writers wait anyway."""
    if db.session().get_bind().dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE tallies IN EXCLUSIVE MODE"))
