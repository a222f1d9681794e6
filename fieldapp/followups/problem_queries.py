"""Problems for figures: tasks as the report counts them, in the grid they were found in, re-visits left out.

Invariant: a figure is what is counted of an area less what the reader must not know of it; the list behind it is narrowed
by the same area and the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, func, literal_column, not_, select

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.followups import queries
from fieldapp.followups.models import SET_APART, Followup
from fieldapp.followups.rules import REVISIT_TYPE
from fieldapp.users.models import User

PROBLEMS_PER_PAGE = 50
# What was found, what is solved and still is, what is open now.
SETS = ("found", "solved", "open")


@dataclass(frozen=True)
class Unknown:
    """A task that is counted where it was found and that the reader must not know of."""

    found_in: str
    state: str
    created_at: datetime
    closed_at: datetime | None


def list_unknown(reader: User, area_codes: Sequence[str], since: datetime, now: datetime) -> list[Unknown]:
    """Those of these areas that were not closed before `since`: complaints, suspected abuse of near relatives, and those
    about households that have moved out of the reader's areas.
    """
    readable = func.coalesce(and_(*queries.readable(reader, now)), false())
    rows = db.session.execute(
        select(Followup.found_in, Followup.state, Followup.created_at, Followup.closed_at).where(
            scope.within(Followup.found_in, area_codes),
            literal_column(SET_APART),
            Followup.type != REVISIT_TYPE,
            Followup.closed_at.is_(None) | (Followup.closed_at >= since),
            not_(readable),
        )
    )
    return [Unknown(*row) for row in rows]


def count_open(reader: User, area_codes: Sequence[str], digits: int, now: datetime) -> dict[str, int]:
    """By the first `digits` of the code of the grid they were found in, the problems that are open."""
    area = func.substr(Followup.found_in, 1, digits)
    rows = db.session.execute(
        select(area, func.count())
        .where(
            scope.within(Followup.found_in, area_codes),
            *queries.readable(reader, now),
            *_is_in("open", now, now),
        )
        .group_by(area)
    )
    return {row[0]: row[1] for row in rows}


def list_problems(
    reader: User,
    area_codes: Sequence[str],
    which: str,
    begins_at: datetime,
    ends_at: datetime,
    now: datetime,
    page: int = 1,
) -> tuple[list[Followup], bool]:
    """A page of one of SETS in those areas, found or solved in that time (of what is open: whenever), the latest first; and
    whether there is more.
    """
    latest = Followup.closed_at if which == "solved" else Followup.created_at
    rows = list(
        db.session.scalars(
            select(Followup)
            .where(
                scope.within(Followup.found_in, area_codes),
                *queries.readable(reader, now),
                *_is_in(which, begins_at, ends_at),
            )
            .order_by(latest.desc(), Followup.followup_id)
            .offset((page - 1) * PROBLEMS_PER_PAGE)
            .limit(PROBLEMS_PER_PAGE + 1)
        )
    )
    return rows[:PROBLEMS_PER_PAGE], len(rows) > PROBLEMS_PER_PAGE


def _is_in(which: str, begins_at: datetime, ends_at: datetime) -> list[ColumnElement[bool]]:
    is_problem = Followup.type != REVISIT_TYPE
    if which == "open":
        return [is_problem, queries.IS_ACTIVE]
    at = Followup.created_at if which == "found" else Followup.closed_at
    in_time = [is_problem, at >= begins_at, at < ends_at]
    return in_time if which == "found" else [*in_time, Followup.state == "verified"]
