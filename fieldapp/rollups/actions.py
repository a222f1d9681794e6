"""Writes of what is counted.

Invariant: what is counted is written in the last step of the transaction of its record, as rows that nobody else writes to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time

from sqlalchemy import delete, func, insert, select, text

from fieldapp.areas.models import LEVELS
from fieldapp.core import audit
from fieldapp.core.db import Base, db, do_last, insert_into, pending, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ADMIN
from fieldapp.core.weeks import change_after, week_ending
from fieldapp.rollups.columns import COLUMNS
from fieldapp.rollups.models import CountyRollup, Rollup, RollupChange, WeekCut
from fieldapp.rollups.queries import WEEK_CUTS, get_cuts, get_week
from fieldapp.rollups.rules import WEEK, Key
from fieldapp.users.models import User

_PENDING = "rollups"
FOLDED_AT_ONCE = 2000


def count(area_code: str, week_on: date, columns: Mapping[str, int], by: int = 1) -> None:
    """Count so many more of each column in a week of a grid; `by` -1 takes them off again."""
    add({(area_code, WEEK, week_on, column): value * by for column, value in columns.items()})


def add(counts: Mapping[Key, int]) -> None:
    """Count so many more of each; written when the transaction commits."""
    changes = pending(_PENDING)
    for key, value in counts.items():
        changes[key] = changes.get(key, 0) + value
    do_last(write)


def write() -> None:
    """Write what has been counted so far in the transaction."""
    changes = pending(_PENDING)
    rows = _as_rows(changes)
    changes.clear()
    if rows:
        db.session.execute(insert(RollupChange), rows)


def _as_rows(changes: Mapping[Key, int]) -> list[dict[str, object]]:
    """The rows of those counts, in the order of their keys."""
    rows: dict[tuple[str, str, date], dict[str, object]] = {}
    for (area_code, since, week_on, column), value in sorted(changes.items()):
        if value:
            row = rows.setdefault(
                (area_code, since, week_on),
                {"area_code": area_code, "since": since, "week_on": week_on, **dict.fromkeys(COLUMNS, 0)},
            )
            row[column] = value
    return list(rows.values())


def fold() -> int:
    """Bring the changes into the rows that are read; returns how many there were. Runs its own transactions.

    Another server may do the same at the same time: a change is folded by whoever locks it.
    """
    folded = 0
    while True:
        with transaction():
            taken = list(
                db.session.scalars(
                    select(RollupChange.id)
                    .order_by(RollupChange.id)
                    .limit(FOLDED_AT_ONCE)
                    .with_for_update(skip_locked=True)
                )
            )
            _fold(taken)
        folded += len(taken)
        if len(taken) < FOLDED_AT_ONCE:
            return folded


def _fold(ids: Iterable[int]) -> None:
    table = RollupChange.__table__
    gone = db.session.execute(
        delete(RollupChange).where(RollupChange.id.in_(ids)).returning(*table.c)
    ).mappings()
    by_grid: Counter[Key] = Counter()
    by_county: Counter[Key] = Counter()
    for row in gone:
        area_code, since, week_on = row["area_code"], row["since"], row["week_on"]
        for column in COLUMNS:
            if row[column]:
                by_grid[area_code, since, week_on, column] += row[column]
                by_county[area_code[: LEVELS["county"]], since, week_on, column] += row[column]
    _merge(Rollup, by_grid)
    _merge(CountyRollup, by_county)


def _merge(model: type[Base], counts: Mapping[Key, int]) -> None:
    rows = _as_rows(counts)
    if not rows:
        return
    statement = insert_into(model)
    table = model.__table__
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["area_code", "since", "week_on"],
            set_={name: table.c[name] + statement.excluded[name] for name in COLUMNS},
        ),
        rows,
    )


def set_cut(actor: User, after_on: date, weekday: int, at: time, now: datetime) -> WeekCut:
    """Say on which weekday (Monday is 0) and at what time weeks end after the one that ends on a day: the running week or one
    to come, for what was counted never moves. A change that was set for later is given up for it.

    Raises wrong_role, cut_not_ahead where that week is over or none ends on that day, cut_same where nothing would change.
    """
    if actor.role != ADMIN:
        raise AppError("wrong_role")
    running = get_week(now)
    # A later change that waits is given up: the weeks from now on are as without it.
    db.session.execute(delete(WeekCut).where(WeekCut.from_on > running.ends_on))
    pending(WEEK_CUTS).clear()
    cuts = get_cuts()
    week = week_ending(after_on, cuts)
    if week is None or week < running:
        raise AppError("cut_not_ahead")
    last = max(cuts, key=lambda cut: cut.from_on)
    if (last.weekday, last.at) == (weekday, at):
        raise AppError("cut_same")
    cut = change_after(week, weekday, at)
    held = WeekCut(from_on=cut.from_on, weekday=weekday, at=at, set_by_id=actor.id, set_at=now)
    db.session.add(held)
    audit.record(
        actor,
        "calendar.cut",
        "week_cut",
        cut.from_on.isoformat(),
        at=now,
        after=after_on.isoformat(),
        weekday=weekday,
        time=at.isoformat("minutes"),
    )
    # Whatever else this transaction counts goes by the new weeks.
    db.session.flush()
    pending(WEEK_CUTS).clear()
    return held


def lock_subject(kind: str, key: object) -> None:
    """Let nobody else count the same worker until the transaction ends; SQLite's writers wait anyway."""
    if db.session().get_bind().dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{kind} {key}", 0))))


def lock_changes() -> None:
    """Let nobody else write what they count until the transaction ends; SQLite's writers wait anyway."""
    if db.session().get_bind().dialect.name == "postgresql":
        db.session.execute(text("LOCK TABLE rollup_changes IN EXCLUSIVE MODE"))


def renew_counties() -> None:
    """Add up the counties anew from their grids."""
    db.session.execute(delete(CountyRollup))
    table, code = Rollup.__table__, func.substr(Rollup.area_code, 1, LEVELS["county"])
    keys = [code, table.c.since, table.c.week_on]
    sums = [func.sum(table.c[name]) for name in COLUMNS]
    names = ["area_code", "since", "week_on", *COLUMNS]
    db.session.execute(insert(CountyRollup).from_select(names, select(*keys, *sums).group_by(*keys)))
