"""How large a workbook may be.

Invariant: within these limits and the fixed ones below, reading and compiling take a few seconds at most.
"""

from __future__ import annotations

from dataclasses import dataclass

from fieldapp.settings import Settings

# What no county needs to change: they bound the work, not the checklist.
MAX_UNPACKED_BYTES = 30_000_000
MAX_TAGS = 800_000  # of XML in all parts of a workbook, empty cells not counted
MAX_PLACES = 4_000_000  # for cells, in the rows of a sheet up to the last filled one of each
MAX_PARTS = 2_000
MAX_COLUMNS = 300
MAX_CELL_CHARACTERS = 8_000
MAX_CHARACTERS = 1_000_000  # in all cells of survey; three times that in choices
MAX_REFERENCES = 10_000
MAX_NESTING = 8


@dataclass(frozen=True)
class Limits:
    """What an installation may set."""

    max_bytes: int = 5_000_000
    max_rows: int = 2_000
    max_choices: int = 10_000

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits in force."""
        return cls(settings.checklist_max_bytes, settings.checklist_max_rows, settings.checklist_max_choices)
