"""How many flags are open, by township and severity, kept beside the flags.

Invariant: whatever changes the flags of a visit, or whether it counts, does so inside `counting`, with the visit locked or
new. The flags of a voided visit are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import func, select

from fieldapp.core import scope
from fieldapp.core.db import begin_snapshot, db, transaction
from fieldapp.core.tallies import Tally, change_tally, lock_tallies
from fieldapp.people.tally_queries import TOWNSHIP_DIGITS, is_tallied
from fieldapp.reviews import queries
from fieldapp.reviews.models import Flag
from fieldapp.users.models import User
from fieldapp.visits.models import Visit

FLAG = "flag"


@contextmanager
def counting(visit: Visit, *, is_new: bool = False) -> Iterator[None]:
    """Count what the block does to the flags of a visit, or to whether it counts."""
    before = Counter[str]() if is_new else _count_open(visit)
    yield
    db.session.flush()
    after = _count_open(visit)
    for severity in before.keys() | after.keys():
        if by := after[severity] - before[severity]:
            change_tally(FLAG, severity, visit.area_code[:TOWNSHIP_DIGITS], by)


def _count_open(visit: Visit) -> Counter[str]:
    # Without a severity a visit has no flag that was not dismissed.
    if visit.state == "voided" or visit.severity is None:
        return Counter()
    is_open = Flag.visit_uuid == visit.visit_uuid, Flag.state == "open"
    return Counter(db.session.scalars(select(Flag.severity).where(*is_open)))


def count_flags(reader: User, area_codes: Sequence[str], digits: int) -> Counter[tuple[str, str]]:
    """By the first `digits` of the grid's code and by severity, the open flags in those areas that the reader may know of."""
    counts = Counter[tuple[str, str]]()
    if is_tallied(area_codes, digits):
        area = func.substr(Tally.area_code, 1, digits)
        rows = select(area, Tally.key, func.sum(Tally.count)).where(
            Tally.kind == FLAG, scope.within(Tally.area_code, area_codes)
        )
        for code, severity, number in db.session.execute(rows.group_by(area, Tally.key)):
            counts[code, severity] += int(number)
        sign, hidden = -1, queries.list_hidden(reader)
        if not hidden:
            return counts
        which = Flag.visit_uuid.in_(hidden)
    else:
        sign, which = 1, Flag.visit_uuid.not_in(queries.list_hidden(reader))
    area = func.substr(Flag.area_code, 1, digits)
    flags = (
        select(area, Flag.severity, func.count())
        .join(Visit, Visit.visit_uuid == Flag.visit_uuid)
        .where(which, Flag.state == "open", scope.within(Flag.area_code, area_codes), Visit.state != "voided")
    )
    for code, severity, number in db.session.execute(flags.group_by(area, Flag.severity)):
        counts[code, severity] += sign * number
    return counts


def list_wrong() -> dict[tuple[str, str], tuple[int, int]]:
    """By severity and township, what is kept otherwise than it is, at one instant: (kept, there)."""
    begin_snapshot()
    try:
        return _compare()
    finally:
        db.session.rollback()


def put_right() -> int:
    """Make what is kept what is there; returns how many were wrong. Runs its own transactions."""
    if not list_wrong():
        return 0
    with transaction():
        lock_tallies()
        wrong = _compare()
        for (severity, township), (kept, there) in wrong.items():
            change_tally(FLAG, severity, township, there - kept)
    return len(wrong)


def _compare() -> dict[tuple[str, str], tuple[int, int]]:
    kept, there = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for severity, code, count in db.session.execute(
        select(Tally.key, Tally.area_code, func.sum(Tally.count))
        .where(Tally.kind == FLAG)
        .group_by(Tally.key, Tally.area_code)
    ):
        kept[severity, code] = count
    township = func.substr(Flag.area_code, 1, TOWNSHIP_DIGITS)
    flags = (
        select(Flag.severity, township, func.count())
        .join(Visit, Visit.visit_uuid == Flag.visit_uuid)
        .where(Flag.state == "open", Visit.state != "voided")
    )
    for severity, code, count in db.session.execute(flags.group_by(Flag.severity, township)):
        there[severity, code] = count
    both = sorted(kept.keys() | there.keys())
    return {key: (kept[key], there[key]) for key in both if kept[key] != there[key]}
