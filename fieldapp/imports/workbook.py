"""The refused rows of an import as an Excel workbook: as they came, beside each wrong cell what is wrong with it.

Invariant: no more of it than a few rows lies in memory unpacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flask_babel import gettext

from fieldapp.core.workbook import BOLD, PLAIN, WRONG, Cell, write_workbook
from fieldapp.imports import queries
from fieldapp.imports.columns import REASON_MARK
from fieldapp.imports.models import Import, ImportRow
from fieldapp.imports.words import say_fault


def write_refused(held: Import) -> bytes:
    """The refused rows of an import as an .xlsx workbook, in the reader's language."""
    wrong_fields = {fault[0] for row in queries.iterate_refused(held.import_id) for fault in row.faults}
    # A field that no column of the file holds has no cell: what is wrong with it stands beside the row.
    wrong_fields &= {name for name in held.fields if name}
    return write_workbook(_rows(held, wrong_fields))


def _rows(held: Import, wrong_fields: set[str]) -> Iterator[Iterable[Cell]]:
    own = (gettext("Row in the file"), gettext("The row"))
    header: list[Cell] = [(f"{REASON_MARK} {name}", BOLD) for name in own]
    for name, field in zip(held.header, held.fields, strict=True):
        header.append((name, BOLD))
        if field in wrong_fields:
            header.append((f"{REASON_MARK} {name}", BOLD))
    yield header
    for row in queries.iterate_refused(held.import_id):
        yield _cells(row, held.fields, wrong_fields)


def _cells(row: ImportRow, fields: Sequence[str], wrong_fields: set[str]) -> Iterable[Cell]:
    said: dict[str, list[str]] = {}
    for field, code, params in row.faults:
        said.setdefault(field if field in wrong_fields else "", []).append(say_fault(code, params))
    yield str(row.number), PLAIN
    yield " ".join(said.get("", [])), WRONG if "" in said else PLAIN
    for field, text in zip(fields, row.cells, strict=True):
        is_wrong = bool(field) and field in said
        yield text, WRONG if is_wrong else PLAIN
        if field in wrong_fields:
            yield " ".join(said.get(field, [])), WRONG if is_wrong else PLAIN
