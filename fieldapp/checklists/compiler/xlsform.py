"""pyxform's reading of a checklist: the form as nested groups, and the XForm.

Invariant: whatever pyxform objects to is a Problem of some row; it is asked again without that cell, for what else it finds.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from pyxform.builder import create_survey_element_from_dict
from pyxform.errors import PyXFormError
from pyxform.xls2json import workbook_to_json
from pyxform.xls2json_backends import DefinitionData

from fieldapp.checklists.compiler.problems import ChecklistRefused, Problem
from fieldapp.checklists.compiler.spelling import EXTERNAL, OWN_COLUMNS, Source, base, unshelter
from fieldapp.checklists.compiler.workbook import Row, refusal

ROW = "fieldapp_row"
# Asking again costs as much as asking: enough for an author to mend a workbook in a round or two.
_SECONDS_FOR_FURTHER_FAULTS = 2.0
_SETTINGS = ("form_id", "form_title", "default_language", "version", "style")
# Said by us in other words, or of no use to an author.
_NEEDLESS_WARNINGS = re.compile(
    r"machine-readable codes|max-pixels|has no label|no longer supported|missing translations?|is missing the"
    r"|Column headers must not|Choices should have a label|select one external|or_other|possible sheet|similar names"
    r"|case-insensitive match",
    re.IGNORECASE,
)
_ROW_SAID = re.compile(r"\[?row\s*:\s*(\d+)\]?\s*")
_SHEET_SAID = re.compile(r"On the '(\w+)' sheet,(?: the '([^']+)' value is (?:invalid|problematic)\.)?\s*")
_NAME_SAID = re.compile(r"'([^']{1,100})'|\[([^\]]{1,100})\]|\$\{([^}]{1,100})\}")
_LEARN_MORE = re.compile(r"\s*Learn more: \S+")


@dataclass
class XlsForm:
    """What pyxform makes of the sheets: nested groups as JSON, and the XForm for other tools."""

    form: dict[str, Any]
    xform: str


def read_form(source: Source, key: str) -> XlsForm:
    """pyxform's form of a source; what it objects to is added to the source's problems. Raises ChecklistRefused."""
    started = time.monotonic()
    while True:
        warnings: list[str] = []
        sheets = _Sheets(source, key)
        try:
            # Not pyxform's convert(): it looks through a list of choices once for every question that has it.
            form = workbook_to_json(DefinitionData(**sheets.definition), form_name="data", warnings=warnings)
            xform = create_survey_element_from_dict(form).to_xml(
                validate=False, pretty_print=False, warnings=warnings
            )
        except PyXFormError as error:
            problems = [problem for line in _lines(str(error)) for problem in [_problem(line, sheets)]]
            for problem in problems:
                source.problems.add(problem)
            mended = [_mend(source, problem) for problem in problems]
            if not any(mended) or time.monotonic() - started > _SECONDS_FOR_FURTHER_FAULTS:
                raise ChecklistRefused(source.problems) from error
        except Exception as error:
            # pyxform stumbles over some sheets instead of refusing them; there is no row to name then.
            reason = _(
                "the sheets cannot be understood (%(error)s)", error=f"{type(error).__name__}: {error}"[:200]
            )
            stumble = refusal(reason, _("compare the column names with docs/checklists.md"))
            raise ChecklistRefused(source.problems or stumble.problems) from error
        else:
            for line in warnings:
                if not _NEEDLESS_WARNINGS.search(line):
                    said = _problem(line, sheets)
                    source.notice(said.sheet, said.row, said.column, said.reason)
            return XlsForm(form, unshelter(xform))


class _Sheets:
    """The source as pyxform takes it: rows without gaps, each with its number as one more column."""

    def __init__(self, source: Source, key: str) -> None:
        self.source = source
        self.numbers = {"survey": list(source.survey), "choices": list(source.choices)}
        settings = {name: source.settings[name] for name in _SETTINGS if source.settings.get(name)}
        self.definition: dict[str, Any] = {
            "survey": self.rows(source.survey),
            "choices": self.rows(source.choices),
            # Which names may be there twice, the sheet checks have said.
            "settings": [{**settings, "form_id": key, "allow_choice_duplicates": "yes"}],
            "sheet_names": ["survey", "choices", "settings"],
        }
        for name in ("survey", "choices", "settings"):
            columns = dict.fromkeys(column for row in self.definition[name] for column in row)
            self.definition[f"{name}_header"] = [columns] if columns else []

    @staticmethod
    def rows(rows: dict[int, Row]) -> list[Row]:
        return [
            {column: text for column, text in row.items() if base(column) not in OWN_COLUMNS}
            | {ROW: str(number)}
            for number, row in rows.items()
        ]

    def row(self, sheet: str, said: int) -> int:
        """The row in the workbook of the row pyxform speaks of."""
        numbers = self.numbers.get(sheet, [])
        return numbers[said - 2] if 0 <= said - 2 < len(numbers) else 0


def _lines(message: str) -> list[str]:
    lines = [line.strip() for line in message.splitlines()]
    return [line for line in lines if line and not line.startswith("{")] or ["?"]


def _problem(message: str, sheets: _Sheets) -> Problem:
    """pyxform's message as a problem: row, sheet and column are part of its text, or found by the name it quotes."""
    row, sheet = _ROW_SAID.search(message), _SHEET_SAID.search(message)
    name = sheet[1] if sheet else "survey"
    number = sheets.row(name, int(row[1])) if row else 0
    if not number and not sheet:
        quoted = {part for match in _NAME_SAID.finditer(message) for part in match.groups() if part}
        number = next((at for at, cells in sheets.source.survey.items() if cells.get("name") in quoted), 0)
    reason = _LEARN_MORE.sub("", _SHEET_SAID.sub("", _ROW_SAID.sub("", message))).strip()
    reason, instead = _in_our_words(reason)
    if number > EXTERNAL:
        name, number = "external_choices", number - EXTERNAL
    if not number and not sheet:
        name = ""
    column = sheet[2] or "" if sheet else ""
    return Problem(name, number, column if column != "label" or number else "label", reason, instead)


def _in_our_words(reason: str) -> tuple[str, str]:
    """The frequent ones of what the sheet checks do not find; the rest stays as pyxform says it."""
    if "Badly formatted table list" in reason:
        return _("the questions of a table-list must all have the same list of choices"), _(
            "make groups of their own"
        )
    if "Choice filter not supported for table-list" in reason:
        return _("choice_filter does not go with table-list"), _("another appearance, or no filter")
    if "is not user-visible" in reason:
        return _("only a question that is asked can be a trigger"), _("name a question that is asked")
    if "same as the survey root" in reason:
        return _("a repeat must not be called data"), _("another name")
    return unshelter(reason), ""


def _mend(source: Source, problem: Problem) -> bool:
    """Take out what pyxform objected to; False when that is not known."""
    rows = source.survey if problem.sheet == "survey" else source.choices
    row = rows.get(problem.row)
    if row is None:
        return False
    if problem.column in row and problem.column not in {"type", "name", "list_name", "label"}:
        del row[problem.column]
        return True
    spare = {"type", "name", "label", "list_name"}
    if problem.sheet == "survey" and set(row) - spare:
        kept = {column: row[column] for column in row if column in spare}
        if not row["type"].startswith(("begin", "end")):
            kept["type"] = "text"
        row.clear()
        row.update(kept, label="-")
        return True
    return False
