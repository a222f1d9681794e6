"""The payments of a list that did not match, as an Excel workbook: as they came, and why they are not in the books.

Invariant: no more of it than a few rows lies in memory unpacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask_babel import gettext

from fieldapp.core.workbook import BOLD, PLAIN, WRONG, Cell, write_workbook
from fieldapp.imports.columns import REASON_MARK
from fieldapp.payments import queries
from fieldapp.payments.models import PaymentList
from fieldapp.payments.words import KINDS, say_left, say_note


def write_unmatched(held: PaymentList) -> bytes:
    """The payments that are neither good nor in the books as an .xlsx workbook, in the reader's language."""
    return write_workbook(_rows(held))


def _rows(held: PaymentList) -> Iterator[Iterable[Cell]]:
    # Marked, so that nobody's program reads them as columns of the list when it comes again.
    own = (gettext("Row in the file"), gettext("What it is"), gettext("What is to be said"))
    yield [(f"{REASON_MARK} {name}", BOLD) for name in own] + [(name, BOLD) for name in held.header]
    for row in queries.iterate_unmatched(held.list_id):
        said = [say_note(code, params) for _, code, params in row.notes or []]
        said += [say_left(row.left)] if row.left else []
        yield [
            (str(row.number), PLAIN),
            (str(KINDS[row.kind or ""][0]), PLAIN),
            (" ".join(said), WRONG if said else PLAIN),
            *((text, PLAIN) for text in row.cells),
        ]
