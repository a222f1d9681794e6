"""Reads of the area tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import func, or_, select

from fieldapp.areas.models import LEVELS, LOWEST, PROPER, UNIT, Area, Unit
from fieldapp.core import scope
from fieldapp.core.db import db, once
from fieldapp.core.errors import AppError

LAST_GRID = 999
# What sets its own policies: 市本级 does as a county does.
WITH_POLICY = ("county", PROPER)


def get_area(code: str) -> Area:
    """The area of that code; raises not_found."""
    area = db.session.get(Area, code)
    if area is None:
        raise AppError("not_found")
    return area


def find_area(code: str) -> Area | None:
    """The area of that code, or None; what is no code at all is none."""
    return db.session.get(Area, code) if code.isdecimal() else None


def list_grids(area_codes: Iterable[str]) -> list[Area]:
    """The grids within `area_codes`, and the units of cities, that have not ended, by code."""
    return list(
        db.session.scalars(
            select(Area)
            .where(Area.level.in_(LOWEST), Area.valid_to.is_(None), scope.within(Area.code, area_codes))
            .order_by(Area.code)
        )
    )


def lock_area(code: str) -> Area | None:
    """The area as it is now, locked against other changes of it until the transaction ends, or None.

    Rows that point to it may still come in: a visit never waits for a map.
    """
    return db.session.get(Area, code, with_for_update={"key_share": True}, populate_existing=True)


def next_grid_code(above: str) -> str:
    """The code after the last one that a grid of the village, or a unit of 市本级, ever had."""
    last = db.session.scalar(select(func.max(Area.code)).where(Area.parent_code == above))
    number = int(last[LEVELS["village"] :]) + 1 if last else 1
    if number > LAST_GRID:
        raise AppError("grids_used_up")
    # Between 市本级 and its units lies nothing.
    return f"{above:0<{LEVELS['village']}}{number:03}"


def get_unit(code: str) -> Unit:
    """What is known of the unit of that code; raises not_found."""
    unit = db.session.get(Unit, code)
    if unit is None:
        raise AppError("not_found")
    return unit


def feeds_above(grid_codes: Iterable[str]) -> list[str]:
    """The feeds phones of those grids read besides the grids' own: of the areas above them, the widest first."""
    digits = [count for count in LEVELS.values() if count < LEVELS["grid"]]
    return sorted(
        {code[:count] for code in grid_codes for count in digits}, key=lambda code: (len(code), code)
    )


def find_successor(code: str) -> str:
    """The code under which an area goes on: its own, or that of what took its place in the end."""
    area = db.session.get(Area, code)
    while area is not None and area.successor_code is not None:
        area = db.session.get(Area, area.successor_code)
    return area.code if area is not None else code


def list_areas(codes: Iterable[str]) -> list[Area]:
    """The areas of those codes, by code."""
    return list(db.session.scalars(select(Area).where(Area.code.in_(set(codes))).order_by(Area.code)))


@once
def list_path(code: str) -> list[Area]:
    """The area and all above it, from the province down."""
    codes = [code[:digits] for digits in LEVELS.values() if digits <= len(code)]
    return list_areas(codes)


@once
def read_around(code: str) -> tuple[list[Area], list[Area]]:
    """The area and all above it, from the province down; and those directly below it, by code."""
    codes = [code[:digits] for digits in LEVELS.values() if digits <= len(code)]
    around = select(Area).where(Area.code.in_(codes) | (Area.parent_code == code)).order_by(Area.code)
    path: list[Area] = []
    below: list[Area] = []
    for area in db.session.scalars(around):
        (below if area.parent_code == code else path).append(area)
    return path, below


def get_names(codes: Iterable[str]) -> dict[str, str]:
    """Names by code, for the codes that exist."""
    wanted = set(codes)
    named = select(Area.code, Area.name).where(Area.code.in_(wanted))
    return {row[0]: row[1] for row in db.session.execute(named)} if wanted else {}


def name_places(codes: Iterable[str]) -> dict[str, str]:
    """Where households are, by the code of their grid: its township and its name, which says the village; of a unit, 市本级
    and its name.
    """
    found = list_areas(codes)
    above = {area.code: area.code[: LEVELS["county" if area.level == UNIT else "township"]] for area in found}
    names = get_names(above.values())
    return {area.code: f"{names.get(above[area.code], '')} {area.name}" for area in found}


def name_grids(grids: Sequence[Area]) -> list[tuple[str, str]]:
    """(code, name) of grids to choose from, each with the village it lies in; a unit is known by its own name."""
    villages = get_names(grid.parent_code for grid in grids if grid.parent_code and grid.level != UNIT)
    names = [(grid, villages.get(grid.parent_code or "", "")) for grid in grids]
    return [(grid.code, village + grid.name.removeprefix(village)) for grid, village in names]


def list_of_levels(levels: Iterable[str]) -> list[Area]:
    """The areas of those levels that have not ended, by code."""
    rows = select(Area).where(Area.level.in_(list(levels)), Area.valid_to.is_(None)).order_by(Area.code)
    return list(db.session.scalars(rows))


def list_roots() -> list[Area]:
    """The areas with none above them, by code."""
    return list(db.session.scalars(select(Area).where(Area.parent_code.is_(None)).order_by(Area.code)))


def list_children(area_codes: Iterable[str]) -> list[Area]:
    """The areas directly below those, by code."""
    return list(
        db.session.scalars(select(Area).where(Area.parent_code.in_(set(area_codes))).order_by(Area.code))
    )


def list_own_and_below(area_codes: Iterable[str]) -> list[tuple[str, str]]:
    """(code, name) of those areas and of the ones directly below that have not ended, which stand indented, by code."""
    codes = set(area_codes)
    found = db.session.scalars(
        select(Area).where(or_(Area.code.in_(codes), Area.parent_code.in_(codes)))
    ).all()
    own = [(area.code, area.name) for area in found if area.code in codes]
    below = [
        (area.code, f"　{area.name}") for area in found if area.parent_code in codes and not area.is_ended
    ]
    return sorted([*own, *below])


def widen(area_codes: Iterable[str]) -> list[str]:
    """The codes, and those above them in which the installation serves no area that is not theirs."""
    codes = set(area_codes)
    above = {code[:digits] for code in codes for digits in LEVELS.values() if digits < len(code)}
    beyond = select(Area.code).where(Area.code.not_in(above), ~scope.within(Area.code, codes)).limit(1)
    alone = {area for area in above if not db.session.scalar(beyond.where(scope.within(Area.code, [area])))}
    return sorted(codes | alone)


def list_choices(area_codes: Iterable[str], chosen: str) -> list[Area]:
    """What a reader of `area_codes` may narrow a list to: the areas below, and those below the one `chosen`."""
    codes = set(area_codes)
    if chosen and scope.covers(codes, chosen):
        codes |= {chosen[:digits] for digits in LEVELS.values() if scope.covers(codes, chosen[:digits])}
    return list_children(codes)


def county_of(area_code: str) -> str:
    """The county (or 市本级) an area lies in, or is."""
    return area_code[: LEVELS["county"]]


def is_wide(area_codes: Iterable[str]) -> bool:
    """Whether one of those areas is wider than a county."""
    return any(len(code) < LEVELS["county"] for code in area_codes)


def list_counties(area_codes: Sequence[str]) -> list[Area]:
    """The counties (and 市本级) in those areas, and those the areas lie in, by code."""
    above = {county_of(code) for code in area_codes if len(code) > LEVELS["county"]}
    return list(
        db.session.scalars(
            select(Area)
            .where(Area.level.in_(WITH_POLICY), scope.within(Area.code, area_codes) | Area.code.in_(above))
            .order_by(Area.code)
        )
    )
