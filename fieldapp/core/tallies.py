"""Tallies: how many there are of something in an area, kept beside the records they count.

Invariant: a tally changes in the transaction of its record. Writers meet at a tally only in the last step before the
commit, and in one order, so that nobody waits for long and nobody deadlocks.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import String, bindparam, delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from fieldapp.core.db import AreaCode, Base, db, insert_into, pending

# What is counted, and where: (kind, key, code of the area).
Counted = tuple[str, str, str]


class Tally(Base):
    """How many there are of something in an area; none: no row."""

    __tablename__ = "tallies"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True, doc="household, due or class.")
    key: Mapped[str] = mapped_column(
        # Ordered by code point on both databases, so that days before a day are a range of the key.
        String(40).with_variant(String(40, collation="C"), "postgresql"),
        primary_key=True,
        doc="Of due: the day; of class: its code; else empty.",
    )
    area_code: Mapped[str] = mapped_column(AreaCode, primary_key=True, doc="Code of the township.")
    count: Mapped[int] = mapped_column(doc="How many.")


def change_tally(kind: str, key: str, area_code: str, by: int) -> None:
    """Count so many more (or fewer); written when the transaction commits."""
    changes = pending("tallies")
    counted = kind, key, area_code
    changes[counted] = changes.get(counted, 0) + by


def write_tallies(session: Session) -> None:
    """Write what was counted, in the order of the keys, after `feeds.number_changes` has locked the feeds."""
    changes: Mapping[Counted, int] = pending("tallies")
    rows = [
        {"kind": kind, "key": key, "area_code": area_code, "count": by}
        for (kind, key, area_code), by in sorted(changes.items())
        if by
    ]
    if not rows:
        return
    statement = insert_into(Tally)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["kind", "key", "area_code"],
            set_={"count": Tally.count + statement.excluded.count},
        ),
        rows,
    )
    # Days that are over must not pile up. One by one: a whole registry's are more than one statement may name.
    given = (Tally.kind, Tally.key, Tally.area_code)
    empty = delete(Tally.__table__).where(  # type: ignore[arg-type]
        *(column == bindparam(f"of_{column.key}") for column in given), Tally.count == 0
    )
    session.connection().execute(
        empty, [{f"of_{column.key}": row[column.key] for column in given} for row in rows]
    )


def lock_tallies() -> None:
    """Let nobody else commit a change of a tally until the transaction ends; SQLite's writers wait anyway."""
    if db.session().get_bind().dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE tallies IN EXCLUSIVE MODE"))
