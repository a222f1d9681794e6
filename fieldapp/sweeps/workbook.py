"""Whom a sweep has not reached, and why, as an Excel workbook.

Invariant: it says of nobody more than the page does, and no more of it than a few rows lies in memory unpacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask_babel import gettext

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.core import scope, wording
from fieldapp.core.workbook import BOLD, NUMBER, PLAIN, Cell, write_workbook
from fieldapp.sweeps import queries
from fieldapp.sweeps.models import Sweep
from fieldapp.sweeps.queries import MISSED, Target
from fieldapp.sweeps.words import STANDINGS


def write_missed(sweep: Sweep, within: Sequence[str], reader_codes: Sequence[str]) -> bytes:
    """Everybody within some areas who was not reached as an .xlsx workbook, in the reader's language."""
    return write_workbook(_rows(sweep, within, reader_codes))


def _rows(sweep: Sweep, within: Sequence[str], reader_codes: Sequence[str]) -> Iterator[Iterable[Cell]]:
    header = (
        *(gettext("Grid"), gettext("Full name"), gettext("Address"), gettext("Why not reached")),
        *(gettext("Attempts, number"), gettext("Last attempt")),
    )
    yield [(name, BOLD) for name in header]
    grids = areas.get_names(queries.count_by_area(sweep, within, LEVELS["grid"]))
    for target in queries.iterate_targets(sweep, within, MISSED):
        can_open = scope.covers(reader_codes, target.household.grid_code)
        yield _cells(target, grids.get(target.place, target.place), can_open=can_open)


def _cells(target: Target, grid: str, *, can_open: bool) -> Iterable[Cell]:
    word, _ = STANDINGS[target.standing]
    return [
        (grid, PLAIN),
        (target.name or gettext("no name"), PLAIN),
        (target.household.address if can_open else "", PLAIN),
        (str(word), PLAIN),
        (target.tries or 0, NUMBER),
        (wording.say_full(target.tried_at) if target.tried_at else "", PLAIN),
    ]
