"""Redrawing the map: grids and units that are drawn, moved or ended, villages that are split or merged.

Invariant: nobody is left in an area that has ended: its households, their unsettled tasks, its workers, checklists and
special periods go along, in one transaction. Visits made before still count where they were made, whenever they arrive.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime

from fieldapp.areas import actions as areas, queries as areas_read
from fieldapp.areas.actions import UnitFacts
from fieldapp.areas.models import LOWEST, PROPER, UNIT, Area
from fieldapp.checklists import actions as checklists
from fieldapp.core import audit, scope
from fieldapp.core.codes import find_code
from fieldapp.core.errors import AppError
from fieldapp.people import period_actions, queries as people
from fieldapp.reviews.actions import move_household
from fieldapp.users import actions as users
from fieldapp.users.models import User


def draw_grid(actor: User, village_code: str, name: str, *, now: datetime) -> Area:
    """Add a grid to a village, under the next free number; raises not_found."""
    village = _get(actor, village_code, ["village"], now)
    grid = areas.add_grid(areas_read.next_grid_code(village.code), name)
    audit.record(actor, "area.add", "area", grid.code, at=now, name=name)
    return grid


def draw_unit(actor: User, proper_code: str, name: str, facts: UnitFacts, *, now: datetime) -> Area:
    """Add a unit to a city's 市本级, under the next free number; raises not_found."""
    proper = _get(actor, proper_code, [PROPER], now)
    _check_kind(facts.kind)
    unit = areas.add_unit(proper, areas_read.next_grid_code(proper.code), name, facts)
    audit.record(actor, "area.add", "area", unit.code, at=now, name=name)
    return unit


def change_unit(actor: User, unit_code: str, name: str, facts: UnitFacts, *, now: datetime) -> None:
    """Set what is known of a unit; raises not_found."""
    unit = _get(actor, unit_code, [UNIT], now)
    _check_kind(facts.kind)
    known = areas_read.get_unit(unit.code)
    before = {"name": unit.name, **{field: getattr(known, field) for field in asdict(facts)}}
    after = {"name": name, **asdict(facts)}
    audit.record(actor, "area.change", "area", unit.code, at=now, before=before, after=after)
    areas.change_unit(unit, name, facts)


def rename_grid(actor: User, grid_code: str, name: str, *, now: datetime) -> Area:
    """Call a grid otherwise; raises not_found."""
    grid = _get(actor, grid_code, ["grid"], now)
    audit.record(actor, "area.rename", "area", grid.code, at=now, before=grid.name, after=name)
    return areas.rename_area(grid, name)


def move_grid(actor: User, grid_code: str, to_code: str, *, now: datetime) -> int:
    """Put all households of a grid or unit into another one; returns how many. Raises not_found."""
    _get(actor, grid_code, LOWEST, now)
    _get(actor, to_code, LOWEST, now)
    uuids = people.list_uuids_in(grid_code)
    for household_uuid in uuids:
        move_household(actor, household_uuid, to_code, now=now)
    return len(uuids)


def end_grid(actor: User, grid_code: str, to_code: str | None, *, now: datetime) -> None:
    """End a grid or unit; its households and its workers go to the one that takes its place.

    Raises not_found, and successor_needed when somebody lives in it and no other grid is named.
    """
    grid = _get(actor, grid_code, LOWEST, now)
    if to_code in {None, "", grid_code}:
        if people.list_uuids_in(grid_code):
            raise AppError("successor_needed")
        to_code = None
    else:
        move_grid(actor, grid_code, str(to_code), now=now)
    _end(actor, grid, to_code, [to_code] if to_code else [], now)


def split_village(
    actor: User, village_code: str, new_code: str, name: str, grid_codes: Sequence[str], *, now: datetime
) -> Area:
    """Make a new village of some grids of another one; each of them goes on under a code of the new village.

    Raises not_found, area_code_wrong (no 12 digits under the same township), area_taken, grids_needed.
    """
    village = _get(actor, village_code, ["village"], now)
    grids = [_get(actor, code, ["grid"], now) for code in grid_codes if scope.covers([village.code], code)]
    if not grids:
        raise AppError("grids_needed")
    new = areas.add_village(village, new_code, name, now)
    audit.record(actor, "area.split", "area", village.code, at=now, new=new.code, grids=list(grid_codes))
    checklists.carry_publications(actor, village.code, new.code, now)
    period_actions.carry_periods(actor, village.code, new.code, now)
    carried = [_carry(actor, grid, new, now, periods_of=[grid.code]) for grid in grids]
    # Whoever has the whole village keeps what was in it.
    users.extend_areas(actor, village.code, carried, now)
    return new


def merge_village(actor: User, village_code: str, into_code: str, *, now: datetime) -> int:
    """End a village; all its grids go on under codes of another one. Returns how many. Raises not_found."""
    village, into = (_get(actor, code, ["village"], now) for code in (village_code, into_code))
    if village.code == into.code or village.parent_code != into.parent_code:
        raise AppError("not_found")
    # The village's special periods hold on for its own people only.
    carried = [
        _carry(actor, grid, into, now, periods_of=[village.code, grid.code])
        for grid in areas_read.list_grids([village.code])
    ]
    _end(actor, village, into.code, carried, now)
    return len(carried)


def _carry(actor: User, grid: Area, village: Area, now: datetime, *, periods_of: Sequence[str]) -> str:
    """Let a grid go on under a code of another village, with the special periods of those areas; returns that code."""
    successor = areas.add_grid(areas_read.next_grid_code(village.code), grid.name)
    checklists.carry_publications(actor, grid.code, successor.code, now)
    for code in periods_of:
        period_actions.carry_periods(actor, code, successor.code, now)
    move_grid(actor, grid.code, successor.code, now=now)
    _end(actor, grid, successor.code, [successor.code], now)
    return successor.code


def _end(actor: User, area: Area, successor_code: str | None, carried: Sequence[str], now: datetime) -> None:
    users.extend_areas(actor, area.code, carried, now)
    users.end_area(actor, area.code, now)
    areas.end_area(area, successor_code, now)
    audit.record(actor, "area.end", "area", area.code, at=now, successor=successor_code)


def _check_kind(kind: str) -> None:
    if find_code("unit_kind", kind) is None:
        raise AppError("not_found")


def _get(actor: User, code: str, levels: Collection[str], now: datetime) -> Area:
    """An area of one of those levels that has not ended, in the actor's areas; locked. Raises not_found."""
    area = areas_read.lock_area(code)
    if area is None or area.level not in levels or area.is_ended:
        raise AppError("not_found")
    if not scope.covers(actor.area_codes(now), code):
        raise AppError("not_found")
    return area
