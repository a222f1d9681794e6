"""What waits in a reader's areas, counted area by area.

Invariant: a figure is the length of the list it opens, by the same conditions; areas stand in the order of their codes, and
nothing is counted per worker.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from fieldapp.aid import queries as aid
from fieldapp.aid.queries import AidFilter
from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.followups import incident_queries as incidents, queries as followups
from fieldapp.followups.queries import TaskCounts
from fieldapp.people import due_queries
from fieldapp.people.due_queries import DueCount
from fieldapp.reviews.counting import count_by_area
from fieldapp.users.models import User


@dataclass(frozen=True)
class AreaRow:
    """What waits in an area: red incidents nobody answered, visits to review, tasks, households to see."""

    area: Area
    incidents: int
    waiting: int
    waiting_red: int
    tasks: TaskCounts
    due: DueCount


@dataclass(frozen=True)
class Overview:
    """What waits, area by area, and in all."""

    rows: list[AreaRow]
    aid_late: int
    aid_until: AidFilter

    @property
    def busy_rows(self) -> list[AreaRow]:
        """The areas in which something waits."""
        return [
            row
            for row in self.rows
            if row.incidents or row.waiting or row.tasks.needs or row.tasks.late or row.due.overdue
        ]

    @property
    def incidents(self) -> int:
        """Red incidents nobody has answered."""
        return sum(row.incidents for row in self.rows)

    @property
    def waiting(self) -> int:
        """Visits waiting for review."""
        return sum(row.waiting for row in self.rows)

    @property
    def waiting_red(self) -> int:
        """Of those the red ones."""
        return sum(row.waiting_red for row in self.rows)

    @property
    def needs(self) -> int:
        """Tasks that wait for the reader."""
        return sum(row.tasks.needs for row in self.rows)

    @property
    def late(self) -> int:
        """Tasks that are late."""
        return sum(row.tasks.late for row in self.rows)

    @property
    def overdue(self) -> int:
        """Households overdue."""
        return sum(row.due.overdue for row in self.rows)

    @property
    def this_week(self) -> int:
        """Households that fall due within the week."""
        return sum(row.due.this_week for row in self.rows)


def get_overview(reader: User, now: datetime) -> Overview:
    """What waits in the reader's areas: of one area by the areas below it, of several by themselves."""
    given = reader.area_codes(now)
    # An area that lies in another one of theirs is counted there.
    codes = [code for code in sorted(given) if not any(code != one and code.startswith(one) for one in given)]
    below = areas.list_children(codes) if len(codes) == 1 else []
    rows = below or areas.list_areas(codes)
    open_incidents = Counter(
        area.code
        for incident in incidents.list_open(reader, now)
        for area in rows
        if incident.area_code.startswith(area.code)
    )
    waiting: dict[str, tuple[int, int]] = {}
    tasks: dict[str, TaskCounts] = {}
    due: dict[str, DueCount] = {}
    today = clock.local_date(now)
    for digits in {len(area.code) for area in rows}:
        waiting |= count_by_area(reader, digits)
        tasks |= followups.count_by_area(reader, digits, now)
        due |= due_queries.count_due(codes, digits, today)
    late = AidFilter(until_on=today - timedelta(days=1))
    counted = [
        AreaRow(
            area,
            open_incidents[area.code],
            *waiting.get(area.code, (0, 0)),
            tasks.get(area.code, TaskCounts()),
            due.get(area.code, DueCount()),
        )
        for area in rows
    ]
    return Overview(counted, aid.count_aid(codes, late), late)
