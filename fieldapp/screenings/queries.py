"""Reads of screenings: how many were screened and need a look, and what the rows say.

Invariant: a reader reads a screening only when the whole area it was compared with is theirs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select

from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.screenings.models import Screening, ScreeningRow
from fieldapp.sweeps import queries as sweeps
from fieldapp.sweeps.models import Sweep

PAGE_ROWS = 50
SCREENINGS_PER_PAGE = 20
# Which rows are shown: whom somebody has to see, all that were screened, those that mean nobody.
LOOK, SCREENED, FAULTY = "look", "screened", "faulty"
VIEWS = (LOOK, SCREENED, FAULTY)
# More different texts than that are no results but names, days, sums.
MOST_VALUES = 50


@dataclass(frozen=True)
class Counts:
    """Of one screening: rows of its file, people screened, those who need a look, rows that mean nobody."""

    rows: int = 0
    screened: int = 0
    look: int = 0
    faulty: int = 0


def get_screening(screening_id: int, area_codes: Sequence[str], *, lock: bool = False) -> Screening:
    """The screening, when its area is in scope; `lock`: as it is now, until the transaction ends. Raises not_found."""
    found = db.session.get(Screening, screening_id, with_for_update=lock or None, populate_existing=lock)
    if found is None or not scope.covers(area_codes, found.area_code):
        raise AppError("not_found")
    return found


def find_sweep(screening: Screening) -> Sweep | None:
    """The sweep made of it, or None; one that was thrown away as a draft is none."""
    return sweeps.find_by_form(screening.sweep_uuid) if screening.sweep_uuid else None


def list_screenings(area_codes: Sequence[str], page: int) -> tuple[list[Screening], bool]:
    """A page of the screenings of those areas, the latest first; whether there are more."""
    found = list(
        db.session.scalars(
            select(Screening)
            .where(scope.within(Screening.area_code, area_codes))
            .order_by(Screening.screening_id.desc())
            .limit(SCREENINGS_PER_PAGE + 1)
            .offset((page - 1) * SCREENINGS_PER_PAGE)
        )
    )
    return found[:SCREENINGS_PER_PAGE], len(found) > SCREENINGS_PER_PAGE


def count_rows(screening_ids: Iterable[int]) -> dict[int, Counts]:
    """By screening, how many rows it has of each kind."""
    row = ScreeningRow
    found = db.session.execute(
        select(
            row.screening_id,
            func.count(),
            func.count(row.person_uuid),
            func.count().filter(row.needs_look),
            func.count(row.fault),
        )
        .where(row.screening_id.in_(list(screening_ids)))
        .group_by(row.screening_id)
    )
    return {screening_id: Counts(*counts) for screening_id, *counts in found}


def list_rows(screening_id: int, view: str, page: int) -> tuple[list[ScreeningRow], bool]:
    """A page of the rows of a view in the order of the file; whether there are more."""
    wanted: dict[str, ColumnElement[bool]] = {
        LOOK: ScreeningRow.needs_look.is_(True),
        SCREENED: ScreeningRow.person_uuid.is_not(None),
        FAULTY: ScreeningRow.fault.is_not(None),
    }
    rows = list(
        db.session.scalars(
            select(ScreeningRow)
            .where(ScreeningRow.screening_id == screening_id, wanted[view])
            .order_by(ScreeningRow.number)
            .limit(PAGE_ROWS + 1)
            .offset((page - 1) * PAGE_ROWS)
        )
    )
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def count_values(screening_id: int) -> dict[str, Counter[str]]:
    """By column, how many of those who were screened have which text there; columns of results only, empty cells too.

    A column of results has few different texts, and more than one; the one with the fewest comes first.
    """
    columns: dict[str, Counter[str]] = {}
    total = 0
    for row in iterate_screened(screening_id):
        total += 1
        for name, text in row.says["rest"].items():
            columns.setdefault(name, Counter())[text] += 1
    for counts in columns.values():
        if empty := total - counts.total():
            counts[""] = empty
    found = sorted(columns.items(), key=lambda column: len(column[1]))
    return {name: counts for name, counts in found if 1 < len(counts) <= MOST_VALUES}


def iterate_screened(screening_id: int) -> Iterator[ScreeningRow]:
    """The rows that mean somebody, a few hundred in memory at a time."""
    yield from db.session.scalars(
        select(ScreeningRow)
        .where(ScreeningRow.screening_id == screening_id, ScreeningRow.person_uuid.is_not(None))
        .order_by(ScreeningRow.number)
        .execution_options(yield_per=500)
    )
