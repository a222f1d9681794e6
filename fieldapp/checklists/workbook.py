"""Reading a workbook: its kind by signature, its limits, and pyxform's own reading of it.

Invariant: no file is opened by a library before its size, its kind and what it would unpack to are known.
"""

from __future__ import annotations

import dataclasses
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zlib import error as ZlibError

from flask_babel import gettext as _
from pyxform.errors import PyXFormError
from pyxform.xls2json_backends import get_xlsform
from pyxform.xls2xform import convert

from fieldapp.checklists.problems import ChecklistRefused, Problem
from fieldapp.checklists.question_types import QUESTION_TYPES, canonical_type, unsupported

MAX_BYTES = 5_000_000
MAX_UNPACKED_BYTES = 30_000_000
MAX_SURVEY_ROWS = 2_000
MAX_CHOICE_ROWS = 10_000
MAX_CELL_CHARACTERS = 8_000
MAX_NESTING = 8

ROW = "fieldapp_row"
OWN_COLUMNS = ("flag", "flag_text", "followup", "prefill", "carry", "safety")
_SHEETS = ("survey", "choices", "settings")
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MACRO_STREAMS = ("_VBA_PROJECT_CUR".encode("utf-16-le"), "VBA".encode("utf-16-le") + b"\x00\x00")

Row = dict[str, Any]


@dataclass
class Workbook:
    """A workbook as pyxform understands it, and the own columns beside it."""

    form: dict[str, Any]
    xform: str
    notices: list[str]
    survey: dict[int, Row]
    choices: dict[int, Row]
    has_settings: bool


def _refuse(
    reason: str, instead: str = "", *, sheet: str = "", row: int = 0, column: str = ""
) -> ChecklistRefused:
    return ChecklistRefused([Problem(sheet, row, column, reason, instead)])


def file_type(content: bytes) -> str:
    """ ".xlsx" or ".xls" by the first bytes, whatever the file is called; raises ChecklistRefused for anything else."""
    if not content:
        raise _refuse(_("the file is empty"))
    if len(content) > MAX_BYTES:
        raise _refuse(
            _("the file is larger than %(limit)s MB", limit=MAX_BYTES // 1_000_000),
            _("delete pictures and unused sheets"),
        )
    if content.startswith(_ZIP):
        _check_archive(content)
        return ".xlsx"
    if content.startswith(_OLE):
        if any(stream in content for stream in _MACRO_STREAMS):
            raise _refuse(_("the workbook contains macros"), _("save it as .xlsx, which holds none"))
        return ".xls"
    raise _refuse(_("this is not an Excel workbook"), _("save the checklist as .xlsx and upload that"))


def _check_archive(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        raise _refuse(
            _("the workbook is damaged and cannot be opened"), _("save it again in Excel")
        ) from None
    names = [entry.filename.lower() for entry in entries]
    if "xl/workbook.xml" not in names:
        raise _refuse(_("this is not an Excel workbook"), _("save the checklist as .xlsx and upload that"))
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        raise _refuse(_("the workbook contains macros"), _("save it as .xlsx, which holds none"))
    # zipfile reads no entry beyond the size it declares, so the declared sizes bound what is unpacked.
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES or len(entries) > 2_000:
        raise _refuse(
            _("the workbook unpacks to far more than a checklist needs"),
            _("copy the sheets into a new workbook"),
        )


def read_workbook(content: bytes) -> Workbook:
    """Read the bytes of a workbook through pyxform; raises ChecklistRefused."""
    kind = file_type(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl speaks of styles it does not keep
        try:
            sheets = dataclasses.asdict(get_xlsform(io.BytesIO(content), file_type=kind))
        except PyXFormError as error:
            raise ChecklistRefused([_from_pyxform(str(error), {})]) from error
        except (
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            OSError,
            zipfile.BadZipFile,
            ZlibError,
            SyntaxError,
            NotImplementedError,
            AssertionError,
            RecursionError,
            EOFError,
        ) as error:
            # The readers raise whatever the broken part of a file provokes; all of it means the same here.
            raise _refuse(
                _("the workbook is damaged and cannot be opened"), _("save it again in Excel")
            ) from error
    survey, choices = _mark_rows(sheets)
    _check_sizes(survey, choices)
    return _understand(sheets, survey, choices)


def _mark_rows(sheets: dict[str, Any]) -> tuple[dict[int, Row], dict[int, Row]]:
    """Give every filled row its number as one more column (pyxform carries it through) and take our columns out of choices."""
    for sheet in _SHEETS:
        if not sheets.get(sheet):
            continue
        for row in sheets[sheet]:
            for name in [name for name, value in row.items() if value is None]:
                del row[name]
    survey = {number: row for number, row in enumerate(sheets.get("survey") or [], start=2) if row}
    choices = {number: row for number, row in enumerate(sheets.get("choices") or [], start=2) if row}
    kept = {number: dict(row) for number, row in choices.items()}
    for number, row in survey.items():
        row[ROW] = str(number)
    for number, row in choices.items():
        for column in list(row):
            if own_column(column) == "flag_text":
                del row[column]
        row[ROW] = str(number)
    for sheet, rows in (("survey", survey), ("choices", choices)):
        header = sheets.get(f"{sheet}_header")
        if rows and header:
            header[0][ROW] = None
            if sheet == "choices":
                for column in [name for name in header[0] if own_column(name) == "flag_text"]:
                    del header[0][column]
    return {number: dict(row) for number, row in survey.items()}, kept


def own_column(header: str) -> str:
    """The own column a header stands for ("flag text::中文 (zh)" is flag_text), or ""."""
    name = "_".join(header.split("::")[0].split()).lower()
    return name if name in OWN_COLUMNS else ""


def _check_sizes(survey: dict[int, Row], choices: dict[int, Row]) -> None:
    for sheet, rows, limit in (("survey", survey, MAX_SURVEY_ROWS), ("choices", choices, MAX_CHOICE_ROWS)):
        if len(rows) > limit:
            raise _refuse(
                _("the sheet has more than %(limit)s rows", limit=limit),
                _("split the checklist"),
                sheet=sheet,
            )
        for number, row in rows.items():
            for column, value in row.items():
                if len(str(value)) > MAX_CELL_CHARACTERS:
                    raise _refuse(
                        _("the cell holds more than %(limit)s characters", limit=MAX_CELL_CHARACTERS),
                        sheet=sheet,
                        row=number,
                        column=column,
                    )
    depth = 0
    for number, row in survey.items():
        kind = str(row.get("type", "")).strip().lower()
        depth += kind.startswith("begin") - kind.startswith("end")
        if depth > MAX_NESTING:
            raise _refuse(
                _("groups are nested more than %(limit)s deep", limit=MAX_NESTING),
                _("flatten the groups"),
                sheet="survey",
                row=number,
                column="type",
            )


def _understand(sheets: dict[str, Any], survey: dict[int, Row], choices: dict[int, Row]) -> Workbook:
    notices: list[str] = []
    try:
        result = convert(sheets, warnings=notices)
    except PyXFormError as error:
        # pyxform stops at the first fault; what we can see of the types by ourselves is said along with it.
        types = list(_unsupported_types(survey))
        rows = {problem.row for problem in types}
        said = [problem for problem in _split_pyxform(str(error), survey) if problem.row not in rows]
        raise ChecklistRefused(types + said) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        # pyxform stumbles over some workbooks instead of refusing them; there is no row to name then.
        raise _refuse(
            _("the sheets cannot be understood (%(error)s)", error=f"{type(error).__name__}: {error}"[:200]),
            _("compare the column names with docs/checklists.md"),
        ) from error
    assert result._pyxform is not None
    return Workbook(result._pyxform, result.xform, notices, survey, choices, bool(sheets.get("settings")))


def _unsupported_types(survey: dict[int, Row]) -> Iterator[Problem]:
    for number, row in survey.items():
        written = next((str(value) for column, value in row.items() if column.strip().lower() == "type"), "")
        name = canonical_type(written)
        if written and name not in QUESTION_TYPES and not name.startswith(("begin", "end")):
            yield unsupported(number, written)


_ROW_SAID = re.compile(r"\[?row\s*:\s*(\d+)\]?\s*")
_SHEET_SAID = re.compile(r"On the '(\w+)' sheet,(?: the '([^']+)' value is invalid\.)?\s*")
_NAME_SAID = re.compile(r"'([^']+)'|\[([^\]]+)\]")


def _split_pyxform(message: str, survey: dict[int, Row]) -> Iterator[Problem]:
    for line in message.splitlines():
        if line.strip() and not line.startswith("{"):
            yield _from_pyxform(line, survey)


def _from_pyxform(message: str, survey: dict[int, Row]) -> Problem:
    """pyxform's message as a problem: row, sheet and column are part of its text, or found by the name it quotes."""
    row = _ROW_SAID.search(message)
    sheet = _SHEET_SAID.search(message)
    number = int(row[1]) if row else 0
    if not number:
        quoted = {part for match in _NAME_SAID.finditer(message) for part in match.groups() if part}
        number = next(
            (
                at
                for at, cells in survey.items()
                if str(cells.get("type")) in quoted or str(cells.get("name")) in quoted
            ),
            0,
        )
    reason = _SHEET_SAID.sub("", _ROW_SAID.sub("", message)).strip()
    where = sheet[1] if sheet else "survey" if number else ""
    return Problem(where, number, (sheet[2] or "") if sheet else "", reason)
