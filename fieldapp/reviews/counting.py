"""How many visits wait and how many flags are open, by township and severity, kept beside the visits.

Invariant: whatever changes the flags of a visit, its severity or its state does so inside `counting`, with the visit locked
or new. The flags of a voided visit are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from fieldapp.areas.queries import is_wide
from fieldapp.core import scope
from fieldapp.core.db import db, snapshot, transaction
from fieldapp.core.severity import SEVERITIES
from fieldapp.core.tallies import Counted, Tally, change_tally, lock_tallies
from fieldapp.people.tally_queries import TOWNSHIP_DIGITS, is_tallied
from fieldapp.reviews import queries
from fieldapp.reviews.models import Flag
from fieldapp.reviews.queries import QueueFilter
from fieldapp.users.models import User
from fieldapp.visits.models import Visit

# By severity, empty for none: visits that wait for review; by severity: flags that are open.
WAITS, FLAG = "waits", "flag"


@dataclass(frozen=True)
class Waiting:
    """How much waits for a reviewer."""

    total: int
    by_severity: dict[str, int]
    oldest_at: datetime | None


# --- writing -------------------------------------------------------------------------------------------------------


@contextmanager
def counting(visit: Visit, *, is_new: bool = False) -> Iterator[None]:
    """Count what the block does to a visit and its flags."""
    before = Counter[tuple[str, str]]() if is_new else _count(visit)
    yield
    db.session.flush()
    after = _count(visit)
    for counted in before.keys() | after.keys():
        if by := after[counted] - before[counted]:
            change_tally(*counted, visit.area_code[:TOWNSHIP_DIGITS], by)


def _count(visit: Visit) -> Counter[tuple[str, str]]:
    counts = Counter[tuple[str, str]]()
    if visit.state == "submitted":
        counts[WAITS, visit.severity or ""] = 1
    # Without a severity a visit has no flag that was not dismissed.
    if visit.state != "voided" and visit.severity is not None:
        is_open = Flag.visit_uuid == visit.visit_uuid, Flag.state == "open"
        counts.update(
            (FLAG, severity) for severity in db.session.scalars(select(Flag.severity).where(*is_open))
        )
    return counts


# --- reading -------------------------------------------------------------------------------------------------------


def count_waiting(reader: User) -> Waiting:
    """The visits waiting for review of which the reader may know, by severity ("" for none)."""
    by_severity = Counter[str]()
    for (_, severity), number in _count_waiting(reader, digits=0).items():
        by_severity[severity] += number
    oldest_at = db.session.scalar(select(func.min(Visit.received_at)).where(*_list_waiting(reader)))
    return Waiting(by_severity.total(), by_severity, oldest_at)


def count_by_area(reader: User, digits: int) -> dict[str, tuple[int, int]]:
    """By the first `digits` of the grid's code: the visits waiting for review of which the reader may know, and of those
    the red ones.
    """
    counts: dict[str, tuple[int, int]] = {}
    for (code, severity), number in _count_waiting(reader, digits).items():
        total, red = counts.get(code, (0, 0))
        counts[code] = total + number, red + (number if severity == SEVERITIES[0] else 0)
    return counts


def _list_waiting(reader: User) -> list[ColumnElement[bool]]:
    return queries.list_conditions(reader.area_codes(), QueueFilter(hidden=queries.list_hidden(reader)))


def _count_waiting(reader: User, digits: int) -> Counter[tuple[str, str]]:
    codes, hidden = reader.area_codes(), queries.list_hidden(reader)
    # In a county few wait: they are counted one by one, from their index.
    if is_tallied(codes, digits) and is_wide(codes):
        counts, sign, which = _sum_tallies(WAITS, codes, digits), -1, [Visit.visit_uuid.in_(hidden)]
        if not hidden:
            return counts
    else:
        counts, sign, which = Counter[tuple[str, str]](), 1, [Visit.visit_uuid.not_in(hidden)]
    area = func.substr(Visit.area_code, 1, digits)
    visits = select(area, Visit.severity, func.count()).where(
        *queries.list_conditions(codes, QueueFilter()), *which
    )
    for code, severity, number in db.session.execute(visits.group_by(area, Visit.severity)):
        counts[code, severity or ""] += sign * number
    return counts


def count_flags(reader: User, area_codes: Sequence[str], digits: int) -> Counter[tuple[str, str]]:
    """By the first `digits` of the grid's code and by severity, the open flags in those areas that the reader may know of."""
    hidden = queries.list_hidden(reader)
    if is_tallied(area_codes, digits):
        counts, sign, which = _sum_tallies(FLAG, area_codes, digits), -1, Flag.visit_uuid.in_(hidden)
        if not hidden:
            return counts
    else:
        counts, sign, which = Counter[tuple[str, str]](), 1, Flag.visit_uuid.not_in(hidden)
    area = func.substr(Flag.area_code, 1, digits)
    flags = (
        select(area, Flag.severity, func.count())
        .join(Visit, Visit.visit_uuid == Flag.visit_uuid)
        .where(which, Flag.state == "open", scope.within(Flag.area_code, area_codes), Visit.state != "voided")
    )
    for code, severity, number in db.session.execute(flags.group_by(area, Flag.severity)):
        counts[code, severity] += sign * number
    return counts


def _sum_tallies(kind: str, area_codes: Sequence[str], digits: int) -> Counter[tuple[str, str]]:
    area = func.substr(Tally.area_code, 1, digits)
    rows = select(area, Tally.key, func.sum(Tally.count)).where(
        Tally.kind == kind, scope.within(Tally.area_code, area_codes)
    )
    found = db.session.execute(rows.group_by(area, Tally.key).having(func.sum(Tally.count) != 0))
    return Counter({(code, severity): int(number) for code, severity, number in found})


# --- comparing -----------------------------------------------------------------------------------------------------


def list_wrong() -> dict[Counted, tuple[int, int]]:
    """What is kept otherwise than it is, at one instant: (kept, there)."""
    with snapshot():
        return _compare()


def put_right() -> int:
    """Make what is kept what is there; returns how many were wrong. Runs its own transactions."""
    if not list_wrong():
        return 0
    with transaction():
        lock_tallies()
        wrong = _compare()
        for counted, (kept, there) in wrong.items():
            change_tally(*counted, there - kept)
    return len(wrong)


def _compare() -> dict[Counted, tuple[int, int]]:
    kept, there = Counter[Counted](), Counter[Counted]()
    of = Tally.kind, Tally.key, Tally.area_code
    tallies = select(*of, func.sum(Tally.count)).where(Tally.kind.in_([WAITS, FLAG])).group_by(*of)
    for kind, severity, code, count in db.session.execute(tallies):
        kept[kind, severity, code] = count
    township = func.substr(Flag.area_code, 1, TOWNSHIP_DIGITS)
    flags = (
        select(Flag.severity, township, func.count())
        .join(Visit, Visit.visit_uuid == Flag.visit_uuid)
        .where(Flag.state == "open", Visit.state != "voided")
    )
    for severity, code, count in db.session.execute(flags.group_by(Flag.severity, township)):
        there[FLAG, severity, code] = count
    township = func.substr(Visit.area_code, 1, TOWNSHIP_DIGITS)
    visits = select(Visit.severity, township, func.count()).where(Visit.state == "submitted")
    for severity, code, count in db.session.execute(visits.group_by(Visit.severity, township)):
        there[WAITS, severity or "", code] = count
    both = sorted(kept.keys() | there.keys())
    return {counted: (kept[counted], there[counted]) for counted in both if kept[counted] != there[counted]}
