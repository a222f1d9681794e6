"""Reads of who is due where.

Invariant: counts and lists read ranges of an index alone, whatever the area: of the tallies by township and day from the
townships up, of the households by grid and day below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import selectinload

from fieldapp.areas.models import LEVELS
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.tallies import Tally
from fieldapp.people import rules
from fieldapp.people.models import Household
from fieldapp.people.tally_queries import DUE, is_tallied

# From today on: what "this week" is, whatever the day.
WEEK_DAYS = 7
DUE_PER_PAGE = 50


@dataclass(frozen=True)
class DueCount:
    """Households of an area: how many are overdue, and how many fall due within the week, today included."""

    overdue: int = 0
    this_week: int = 0


def count_due(area_codes: Sequence[str], digits: int, today: date) -> dict[str, DueCount]:
    """By the first `digits` of the grid's code: the households in those areas that are due by the end of the week."""
    if is_tallied(area_codes, digits):
        return _sum_due(area_codes, digits, today)
    area = func.substr(Household.grid_code, 1, digits)
    is_overdue = Household.due_on < today
    rows = db.session.execute(
        select(area, func.count().filter(is_overdue), func.count().filter(~is_overdue))
        .where(
            scope.within(Household.grid_code, area_codes),
            Household.due_on < today + timedelta(days=WEEK_DAYS),
        )
        .group_by(area)
    )
    return {code: DueCount(overdue, this_week) for code, overdue, this_week in rows}


def _sum_due(area_codes: Sequence[str], digits: int, today: date) -> dict[str, DueCount]:
    area = func.substr(Tally.area_code, 1, digits)
    is_overdue = Tally.key < today.isoformat()
    rows = db.session.execute(
        select(area, *(func.sum(Tally.count).filter(which) for which in (is_overdue, ~is_overdue)))
        .where(
            Tally.kind == DUE,
            Tally.key < (today + timedelta(days=WEEK_DAYS)).isoformat(),
            scope.within(Tally.area_code, area_codes),
        )
        .group_by(area)
    )
    # Rows of an area may come to nothing.
    return {
        code: DueCount(overdue or 0, this_week or 0)
        for code, overdue, this_week in rows
        if overdue or this_week
    }


def list_due(area_codes: Sequence[str], before: date, page: int = 1) -> tuple[list[Household], bool]:
    """A page of the households in those areas that fell or fall due before that day, with their people, the longest
    overdue first; and whether there is more.
    """
    found = list(
        db.session.scalars(
            select(Household)
            .where(scope.within(Household.grid_code, area_codes), Household.due_on < before)
            .order_by(Household.due_on, Household.grid_code, Household.household_uuid)
            .offset((page - 1) * DUE_PER_PAGE)
            .limit(DUE_PER_PAGE + 1)
            .options(selectinload(Household.people))
        )
    )
    return found[:DUE_PER_PAGE], len(found) > DUE_PER_PAGE


def get_places_due(area_codes: Sequence[str], before: date) -> dict[str, dict[str, rules.Place]]:
    """By grid and key, where the households are that fell or fall due before that day; those in WGS-84 only."""
    places: dict[str, dict[str, rules.Place]] = {}
    for grid_code, uuid, lat, lon in db.session.execute(
        select(Household.grid_code, Household.household_uuid, Household.lat, Household.lon).where(
            scope.within(Household.grid_code, area_codes), Household.due_on < before, _has_place()
        )
    ):
        if lat is not None and lon is not None:
            places.setdefault(grid_code, {})[uuid] = (lat, lon)
    return places


def get_middles(area_codes: Sequence[str]) -> dict[str, rules.Place]:
    """The middle of each grid's households: degrees (lat, lon), in WGS-84."""
    rows = db.session.execute(
        select(Household.grid_code, func.avg(Household.lat), func.avg(Household.lon))
        .where(scope.within(Household.grid_code, area_codes), _has_place())
        .group_by(Household.grid_code)
    )
    return {grid_code: (float(lat), float(lon)) for grid_code, lat, lon in rows}


def get_county_middles(area_codes: Sequence[str]) -> dict[str, rules.Place]:
    """The middle of each county's households: degrees (lat, lon), of whatever datum, which differ by less than a kilometre.

    Reads all households: for the server's own use.
    """
    county = func.substr(Household.grid_code, 1, LEVELS["county"])
    rows = db.session.execute(
        select(county, func.avg(Household.lat), func.avg(Household.lon))
        .where(
            scope.within(Household.grid_code, area_codes),
            Household.lat.is_not(None),
            Household.lon.is_not(None),
        )
        .group_by(county)
    )
    return {code: (float(lat), float(lon)) for code, lat, lon in rows}


def _has_place() -> ColumnElement[bool]:
    return Household.lat.is_not(None) & Household.lon.is_not(None) & (Household.datum == "WGS84")
