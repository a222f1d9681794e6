"""Writes to the area tree: what an installation serves, the grids a county makes itself, the units of a city.

Invariant: loading adds areas only; what a county renamed, ended or gave a duty phone stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import insert, select

from fieldapp.areas.models import LEVELS, PROPER, PROPER_ENDING, UNIT, Area, Unit
from fieldapp.areas.queries import get_area, get_unit, list_path
from fieldapp.core import clock
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish, rev_of

# Code and name of every area of the province; where it comes from: docs/areas.md.
AREAS_FILE = Path(__file__).parent / "data" / "heilongjiang.tsv"
_LEVEL_BY_DIGITS = {digits: level for level, digits in LEVELS.items()}


class UnknownArea(Exception):
    """A code stands for no area that is shipped."""


@dataclass(frozen=True)
class UnitFacts:
    """What is said of a unit directly under a city, besides its name."""

    kind: str
    address: str = ""
    contact: str = ""
    phone: str | None = None


def load_areas(prefixes: Iterable[str]) -> int:
    """Add the shipped areas at, above and below each of `prefixes` ("23", "2301", "230123", …) that are missing.

    Each city comes with its 市本级, which can be named too ("230100"): a county alone does not need it.
    Returns how many were added. Raises UnknownArea for a prefix that is no shipped area.
    """
    served = set(prefixes)
    rows = [row for row in _list_shipped() if any(_on_one_branch(row[0], prefix) for prefix in served)]
    if unknown := served - {code for code, _ in rows}:
        raise UnknownArea(f"no area of Heilongjiang has the code {', '.join(sorted(unknown))}")
    known = set(db.session.scalars(select(Area.code)))
    # In the file's order, sorted by code: a parent is there before its children.
    missing = [_as_row(code, name) for code, name in rows if code not in known]
    if missing:
        db.session.execute(insert(Area), missing)
    return len(missing)


def add_grid(code: str, name: str) -> Area:
    """Add a grid under the village its code begins with, or return the one that is there.

    Its phones are told about it and all areas above it.
    Raises not_found when there is no such village, ValueError for a code that is not 15 digits.
    """
    if not (code.isascii() and code.isdigit() and len(code) == LEVELS["grid"]):
        raise ValueError(f"a grid has {LEVELS['grid']} digits, not {code!r}")
    if (grid := db.session.get(Area, code)) is not None:
        return grid
    village = get_area(code[: LEVELS["village"]])
    grid = Area(code=code, name=name, level="grid", parent_code=village.code)
    db.session.add(grid)
    _tell_path(code)
    return grid


def add_unit(proper: Area, code: str, name: str, facts: UnitFacts) -> Area:
    """Add a unit to a city's 市本级 under a free code; its phones are told about it and all areas above it."""
    unit = Area(code=code, name=name, level=UNIT, parent_code=proper.code)
    db.session.add(unit)
    db.session.flush()
    db.session.add(Unit(code=code, **asdict(facts)))
    _tell_path(code)
    return unit


def change_unit(area: Area, name: str, facts: UnitFacts) -> None:
    """Set what is known of a unit, and tell its phones what it is called."""
    unit = get_unit(area.code)
    for field, value in asdict(facts).items():
        setattr(unit, field, value)
    rename_area(area, name)


def add_village(beside: Area, code: str, name: str, now: datetime) -> Area:
    """Add a village to the township of another one, valid from today on; raises area_code_wrong, area_taken."""
    township = code[: LEVELS["township"]]
    is_code = code.isascii() and code.isdigit() and len(code) == LEVELS["village"]
    if not is_code or township != beside.parent_code:
        raise AppError("area_code_wrong")
    if db.session.get(Area, code) is not None:
        raise AppError("area_taken")
    village = Area(
        code=code, name=name, level="village", parent_code=township, valid_from=clock.local_date(now)
    )
    db.session.add(village)
    db.session.flush()
    publish(code, "area", code)
    return village


def rename_area(area: Area, name: str) -> Area:
    """Call an area otherwise, and tell the phones in it."""
    area.name = name
    publish(area.code, "area", area.code)
    return area


def end_area(area: Area, successor_code: str | None, now: datetime) -> None:
    """End an area today; `successor_code` is what took its place."""
    area.valid_to, area.successor_code = clock.local_date(now), successor_code
    publish(area.code, "area", area.code)


def set_duty_phone(code: str, duty_phone: str | None) -> Area:
    """Set the 值班电话 of an area and tell the phones below it; raises not_found."""
    area = get_area(code)
    area.duty_phone = duty_phone
    publish(code, "area", code)
    return area


def _tell_path(code: str) -> None:
    """Tell the phones of an area what it and those above it are, where nobody has told any phone yet."""
    for area in list_path(code):
        if rev_of(area.code, "area", area.code) is None:
            publish(area.code, "area", area.code)


def _on_one_branch(code: str, prefix: str) -> bool:
    return code.startswith(prefix) or prefix.startswith(code)


def _as_row(code: str, name: str) -> dict[str, str | None]:
    is_proper = len(code) == LEVELS["county"] and code.endswith(PROPER_ENDING)
    level = PROPER if is_proper else _LEVEL_BY_DIGITS[len(code)]
    above = [digits for digits in LEVELS.values() if digits < len(code)]
    return {"code": code, "name": name, "level": level, "parent_code": code[: above[-1]] if above else None}


def _list_shipped() -> Iterator[tuple[str, str]]:
    """Code and name of every area of the file, and of 市本级 after each city."""
    for line in AREAS_FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        code, _, name = line.partition("\t")
        yield code, name
        if len(code) == LEVELS["city"]:
            yield code + PROPER_ENDING, f"{name}本级"
