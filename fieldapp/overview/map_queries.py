"""Where open flags, open tasks and overdue households lie: at the registered place of the household, never where anybody went.

Invariant: what a reader must not know in a list is not on the map either. A reply holds at most MOST_CELLS cells. Of more
than one county only counts are read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CompoundSelect, String, Subquery, case, cast, func, literal, select, union_all

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.core import clock, scope
from fieldapp.core.db import db
from fieldapp.core.severity import SEVERITIES
from fieldapp.followups import queries as followups
from fieldapp.followups.models import Followup
from fieldapp.overview.models import CountyMiddle
from fieldapp.people import due_queries
from fieldapp.people.models import Household
from fieldapp.reviews import queries as reviews
from fieldapp.reviews.counting import count_flags
from fieldapp.reviews.models import Flag
from fieldapp.users.models import User
from fieldapp.visits.models import Visit

SHOWS = ("flags", "tasks", "overdue")
MOST_CELLS = 300
PLACES_PER_PAGE = 50
DEEPEST = 18
# South, west, north, east in degrees.
Box = tuple[float, float, float, float]
WORLD: Box = (-90.0, -180.0, 90.0, 180.0)
# What the datums in use differ by at most; the box is asked for in WGS-84.
_MARGIN = 0.01
# A cell is about 64 pixels wide; a degree of latitude is drawn longer than one of longitude, here by about this.
_CELL_DEGREES, _STRETCH = 90.0, 0.7


@dataclass(frozen=True)
class MapFilter:
    """What the map shows: of SHOWS one or all, in an area, in a box."""

    show: str = ""
    area: str = ""
    box: Box = WORLD


@dataclass(frozen=True)
class Cell:
    """What lies near a place: how many things, the worst of them, and the household where it is a single one."""

    lat: float
    lon: float
    datum: str
    count: int
    worst: str  # a severity, or overdue
    household_uuid: str | None
    name: str | None


@dataclass(frozen=True)
class Place:
    """A household with how many things there are, and the worst of them."""

    household_uuid: str
    name: str
    address: str
    count: int
    worst: str


@dataclass(frozen=True)
class CountyRow:
    """A county with what is open there: tasks or flags by severity, households overdue; and its place, where that is known."""

    code: str
    name: str
    open: dict[str, int]
    overdue: int
    place: tuple[float, float] | None

    @property
    def count(self) -> int:
        """All that is open there."""
        return sum(self.open.values()) + self.overdue

    @property
    def worst(self) -> str:
        """The worst of it: a severity, or overdue."""
        return next((severity for severity in SEVERITIES if self.open.get(severity)), "overdue")


def is_wide(reader: User, area: str, now: datetime) -> bool:
    """Whether the map is of more than one county, and shows counties instead of households."""
    codes = _narrow(reader.area_codes(now), area)
    county = LEVELS["county"]
    return any(len(code) < county for code in codes) or len({code[:county] for code in codes}) > 1


def list_counties(reader: User, chosen: MapFilter, now: datetime) -> list[CountyRow]:
    """The counties on a wide map in which anything is open, by code; from counts that are kept, and what is not closed."""
    codes = _narrow(reader.area_codes(now), chosen.area)
    digits = LEVELS["county"]
    open_: Counter[tuple[str, str]] = Counter()
    overdue: dict[str, int] = {}
    if chosen.show in ("", "flags"):
        open_ += count_flags(reader, codes, digits)
    if chosen.show in ("", "tasks"):
        county = func.substr(Followup.area_code, 1, digits)
        tasks = (
            select(county, Followup.severity, func.count())
            .where(
                *followups.readable(reader, now), scope.within(Followup.area_code, codes), followups.IS_ACTIVE
            )
            .group_by(county, Followup.severity)
        )
        open_ += Counter({(code, severity): number for code, severity, number in db.session.execute(tasks)})
    if chosen.show in ("", "overdue"):
        due = due_queries.count_due(codes, digits, clock.local_date(now))
        overdue = {code: count.overdue for code, count in due.items() if count.overdue}
    wanted = {code for code, _ in open_} | overdue.keys()
    middles = {
        row.county_code: (row.lat, row.lon)
        for row in db.session.scalars(select(CountyMiddle).where(CountyMiddle.county_code.in_(wanted)))
    }
    names = areas.get_names(wanted)
    return [
        CountyRow(
            code,
            names.get(code, code),
            {severity: open_[code, severity] for severity in SEVERITIES if open_[code, severity]},
            overdue.get(code, 0),
            middles.get(code),
        )
        for code in sorted(wanted)
    ]


def _narrow(codes: Sequence[str], area: str) -> list[str]:
    """Of a reader's areas what lies in the one chosen, if any is."""
    if not area:
        return list(codes)
    return [area] if scope.covers(codes, area) else [code for code in codes if code.startswith(area)]


def list_cells(reader: User, chosen: MapFilter, zoom: int, now: datetime) -> list[Cell]:
    """The places in the box in cells of a size that goes with the zoom, the worst and fullest first."""
    points = _points(reader, chosen, now)
    size = _CELL_DEGREES / 2 ** min(max(zoom, 0), DEEPEST)
    worst, count = func.min(points.c.rank), func.count()
    # PostgreSQL knows no least uuid; as text SQLite keeps them without dashes.
    uuid = cast(points.c.household_uuid, String)
    rows = db.session.execute(
        select(
            func.avg(points.c.lat),
            func.avg(points.c.lon),
            points.c.datum,
            count,
            worst,
            func.min(uuid),
            func.max(uuid),
            func.min(points.c.name),
        )
        .group_by(
            points.c.datum, func.round(points.c.lat / (size * _STRETCH)), func.round(points.c.lon / size)
        )
        .order_by(worst, count.desc(), func.min(uuid))
        .limit(MOST_CELLS)
    )
    return [
        Cell(
            lat,
            lon,
            datum,
            number,
            _say(rank),
            *((str(UUID(first)), name) if first == last else (None, None)),
        )
        for lat, lon, datum, number, rank, first, last, name in rows
    ]


def list_places(
    reader: User, chosen: MapFilter, now: datetime, page: int = 1
) -> tuple[list[Place], bool, Box | None]:
    """A page of the households on the map, the worst first; whether there is more; and the box all of them lie in."""
    points = _points(reader, chosen, now)
    worst = func.min(points.c.rank)
    rows: Sequence[Any] = db.session.execute(
        select(points.c.household_uuid, points.c.name, points.c.address, func.count(), worst)
        .group_by(points.c.household_uuid, points.c.name, points.c.address)
        .order_by(worst, func.count().desc(), points.c.household_uuid)
        .offset((page - 1) * PLACES_PER_PAGE)
        .limit(PLACES_PER_PAGE + 1)
    ).all()
    south, west, north, east = db.session.execute(
        select(func.min(points.c.lat), func.min(points.c.lon), func.max(points.c.lat), func.max(points.c.lon))
    ).one()
    places = [
        Place(uuid, name, address, count, _say(rank))
        for uuid, name, address, count, rank in rows[:PLACES_PER_PAGE]
    ]
    return places, len(rows) > PLACES_PER_PAGE, None if south is None else (south, west, north, east)


def _say(rank: int) -> str:
    return (*SEVERITIES, "overdue")[rank]


def _points(reader: User, chosen: MapFilter, now: datetime) -> Subquery:
    """A row for each thing: its household and where that is, and the place of its severity in SEVERITIES."""
    codes = reader.area_codes(now)
    south, west, north, east = chosen.box
    places = [
        # A household that moved out of the reader's areas is not theirs any more, whatever was found before.
        scope.within(Household.grid_code, codes),
        Household.lat.between(south - _MARGIN, north + _MARGIN),
        Household.lon.between(west - _MARGIN, east + _MARGIN),
    ]
    if chosen.area:
        places.append(scope.within(Household.grid_code, [chosen.area]))
    columns = (
        Household.household_uuid,
        Household.name,
        Household.address,
        Household.lat,
        Household.lon,
        func.coalesce(Household.datum, "WGS84").label("datum"),
    )
    ranks = {severity: rank for rank, severity in enumerate(SEVERITIES)}
    of_flag = (
        select(*columns, case(ranks, value=Flag.severity).label("rank"))
        .join(Visit, Visit.household_uuid == Household.household_uuid)
        .join(Flag, Flag.visit_uuid == Visit.visit_uuid)
        .where(
            *places,
            Flag.state == "open",
            scope.within(Flag.area_code, codes),
            Visit.state != "voided",
            Visit.visit_uuid.not_in(reviews.select_hidden(reader)),
        )
    )
    of_task = (
        select(*columns, case(ranks, value=Followup.severity).label("rank"))
        .join(Followup, Followup.household_uuid == Household.household_uuid)
        .where(*places, *followups.readable(reader, now), followups.IS_ACTIVE)
    )
    of_household = select(*columns, literal(len(SEVERITIES)).label("rank")).where(
        *places, Household.due_on < clock.local_date(now)
    )
    parts = dict(zip(SHOWS, (of_flag, of_task, of_household), strict=True))
    shown: CompoundSelect[Any] = union_all(*([parts[chosen.show]] if chosen.show else parts.values()))
    return shown.subquery()
