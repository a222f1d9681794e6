"""How long it takes from a finding to help, and what is open, by week and by area.

Invariant: a figure of tasks is the length of the list it opens; areas stand in the order of their codes, and nothing is
counted per worker.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median

from sqlalchemy import func, select

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.followups import queries as followups
from fieldapp.followups.models import Followup
from fieldapp.followups.queries import FollowupFilter
from fieldapp.users.models import User

WEEKS = 8
SOON = timedelta(days=7)
# The newest tasks that are looked at; of more, the oldest weeks would be incomplete, which the page says.
MOST_TASKS = 20_000


@dataclass
class Figures:
    """Of some tasks: those open, and how long those took that were checked and closed."""

    open: int = 0
    days: list[float] = field(default_factory=list)
    # Of those made at least SOON ago or closed within it: how many there are, and how many were closed within it.
    settled: int = 0
    soon: int = 0

    @property
    def helped(self) -> int:
        """How many were checked and closed."""
        return len(self.days)

    @property
    def median_days(self) -> float | None:
        """From the finding to the check, in days; None where nothing was closed."""
        return round(median(self.days), 1) if self.days else None

    @property
    def soon_percent(self) -> int | None:
        """How many in a hundred were closed within SOON; None where none has had so long."""
        return round(100 * self.soon / self.settled) if self.settled else None

    def add(self, created_at: datetime, closed_at: datetime | None, now: datetime) -> None:
        """Count a task, closed then or not yet."""
        if closed_at is None:
            self.open += 1
        else:
            self.days.append((closed_at - created_at) / timedelta(days=1))
        is_soon = closed_at is not None and closed_at - created_at <= SOON
        self.soon += is_soon
        self.settled += is_soon or now - created_at >= SOON


@dataclass(frozen=True)
class Charts:
    """Figures by the Monday of the week in which tasks were made, and by area; what is open from before is apart."""

    weeks: dict[date, Figures]
    earlier_open: int
    areas: list[tuple[Area, Figures]]
    is_cut: bool


def get_charts(reader: User, chosen: FollowupFilter, below: list[Area], now: datetime) -> Charts:
    """The figures of the last WEEKS weeks of the reader's tasks in the chosen area; `below`: the areas to tell apart."""
    today = clock.local_date(now)
    monday = today - timedelta(days=today.weekday())
    weeks = {monday - timedelta(weeks=number): Figures() for number in reversed(range(WEEKS))}
    first = min(weeks)
    readable = followups.readable(reader, now)
    rows = db.session.execute(
        select(Followup.area_code, Followup.created_at, Followup.closed_at)
        .where(
            *readable,
            *followups.list_conditions(chosen, reader, now),
            Followup.state != "cancelled",
            Followup.created_at >= clock.midnight(first),
        )
        .order_by(Followup.created_at.desc())
        .limit(MOST_TASKS + 1)
    ).all()
    of_areas: dict[str, Figures] = defaultdict(Figures)
    digits = {len(area.code) for area in below}
    for area_code, created_at, closed_at in rows[:MOST_TASKS]:
        day = clock.local_date(created_at)
        weeks[day - timedelta(days=day.weekday())].add(created_at, closed_at, now)
        for length in digits:
            of_areas[area_code[:length]].add(created_at, closed_at, now)
    earlier = db.session.execute(
        select(Followup.area_code, func.count())
        .where(
            *readable,
            *followups.list_conditions(chosen, reader, now),
            followups.IS_ACTIVE,
            Followup.created_at < clock.midnight(first),
        )
        .group_by(Followup.area_code)
    ).all()
    for area_code, count in earlier:
        for length in digits:
            of_areas[area_code[:length]].open += count
    known = [(area, of_areas[area.code]) for area in below if area.code in of_areas]
    return Charts(weeks, sum(count for _, count in earlier), known, len(rows) > MOST_TASKS)
