"""The sheets as authors write them, in one spelling: column names, types, names of lists.

Invariant: what is understood here means the same to other XLSForm tools; what would be lost silently is noticed.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field

from flask_babel import gettext as _

from fieldapp.checklists.compiler.limits import MAX_CHARACTERS, MAX_NESTING, MAX_REFERENCES, Limits
from fieldapp.checklists.compiler.problems import ChecklistRefused, Problem, Problems
from fieldapp.checklists.compiler.question_types import (
    AUDIT,
    CONSTRAINED,
    SELECTS,
    UNKNOWABLE,
    Written,
    read_type,
    unsupported,
)
from fieldapp.checklists.compiler.workbook import Row, Sheet, refusal

OWN_COLUMNS = ("flag", "flag_text", "followup", "prefill", "carry", "safety")
# Texts a person reads; each may have a column per language.
TEXTS = ("label", "hint", "required_message", "constraint_message", "flag_text")
MEDIA = ("image", "audio", "video", "big-image")
_LOGIC = (
    "relevant", "constraint", "calculation", "required", "read_only", "choice_filter", "repeat_count",
    "default", "trigger", "parameters", "appearance",
)  # fmt: skip
_SURVEY = {"type", "name", "guidance_hint", "disabled", *TEXTS, *_LOGIC, *OWN_COLUMNS, *MEDIA}
_CHOICES = {"list_name", "name", "label", *OWN_COLUMNS, *MEDIA}
_ALIASES = {
    "caption": "label",
    "relevance": "relevant",
    "calculate": "calculation",
    "readonly": "read_only",
    "requiredmsg": "required_message",
    "constraining_message": "constraint_message",
    "count": "repeat_count",
    "jr:count": "repeat_count",
    "jr:constraintmsg": "constraint_message",
    "jr:requiredmsg": "required_message",
}
_SURVEY_ALIASES = {"command": "type", "tag": "name", "value": "name"}
_CHOICES_ALIASES = {"value": "name"}
# Columns authors keep for themselves, or other tools for theirs.
_NOTES = {"note", "notes", "comment", "comments", "remark", "remarks", "备注", "说明", "#", "kuid"}
_TECHNICAL = {"bind", "body", "control", "instance", "media", "autoplay", "intent", "save_to", "rows"}
# Of the technical ones those that would change an answer.
_DECISIVE = {"bind::type", "bind::jr:preload"}
_SETTINGS = {
    "form_id", "id_string", "form_title", "title", "set_form_title", "version", "default_language", "style", "name",
    "allow_choice_duplicates", "use", "owner", "purpose", "valid_until",
}  # fmt: skip
# Rows of external_choices are kept under numbers no row of choices has.
EXTERNAL = 10_000_000
YES = {"yes", "true", "true()", "1", "y", "是"}
NO = {"no", "false", "false()", "0", "n", "否", ""}
REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_ELEMENT_NAME = re.compile(r"[^\W\d][\w.\-]*")
# pyxform makes curly quotes straight, which is right in expressions and wrong in Chinese words.
_CURLY = "‘’“”"
_SHELTERED = "\ue000\ue001\ue002\ue003"
_SHELTER = str.maketrans(_CURLY, _SHELTERED)
_UNSHELTER = str.maketrans(_SHELTERED, _CURLY)


def unshelter(text: str) -> str:
    """Words as the author wrote them, after pyxform."""
    return text.translate(_UNSHELTER)


@dataclass
class Source:
    """A checklist's sheets in one spelling; rows under their numbers in the workbook."""

    survey: dict[int, Row]
    choices: dict[int, Row]
    settings: Row
    problems: Problems
    choice_columns: set[str] = field(default_factory=set)  # of the sheets, also where no choice fills them in
    notices: Problems = field(default_factory=Problems)
    types: dict[int, Written] = field(default_factory=dict)

    def refuse(self, sheet: str, row: int, column: str, reason: str, instead: str = "") -> None:
        """Note a reason for refusal, once."""
        if row > EXTERNAL:
            sheet, row = "external_choices", row - EXTERNAL
        self.problems.add(Problem(sheet, row, column, reason, instead))

    def notice(self, sheet: str, row: int, column: str, text: str) -> None:
        """Note what the author should know."""
        self.notices.add(Problem(sheet, row, column, text))


def base(column: str) -> str:
    """The column without its language: label of "label::中文 (zh)"."""
    return column.partition("::")[0]


def spell(sheets: dict[str, Sheet], problems: Problems, limits: Limits) -> Source:
    """Bring sheets into one spelling; raises ChecklistRefused where they are too large."""
    source = Source({}, {}, {}, problems)
    _needed_columns(source, sheets)
    source.survey = _rows(source, "survey", sheets["survey"])
    source.choices = _rows(source, "choices", sheets.get("choices", Sheet()))
    _check_sizes(source, limits)
    _external_choices(source, sheets.get("external_choices", Sheet()), limits)
    settings = sheets.get("settings", Sheet())
    source.settings = {
        "_".join(name.split()).lower(): text for name, text in next(iter(settings.rows.values()), {}).items()
    }
    unused = [name for name in source.settings if name not in _SETTINGS and not name.startswith("title_")]
    if unused:
        source.notice("settings", 0, "", _("not used here: %(names)s", names=", ".join(unused)[:300]))
    if sheets.get("entities", Sheet()).rows:
        source.notice(
            "entities", 0, "", _("the sheet is not used here: people and households come from the registry")
        )
    _types(source)
    for rows in (source.survey, source.choices):
        for row in rows.values():
            for column, text in row.items():
                if "${" in text:
                    row[column] = text = REFERENCE.sub(lambda match: f"${{{match[1].strip()}}}", text)
                if base(column) in TEXTS:
                    row[column] = text.translate(_SHELTER)
    return source


def names(source: Source, filename: str) -> bool:
    """Whether any cell of the survey names a file, with or without its ending."""
    stem = filename.rpartition(".")[0]
    return bool(stem) and any(stem in text for row in source.survey.values() for text in row.values())


# columns


def _rows(source: Source, name: str, sheet: Sheet) -> dict[int, Row]:
    columns = {written: _column(name, written) for written in sheet.columns}
    spelt: dict[str, str] = {}
    for written, column in columns.items():
        if column and spelt.setdefault(column, written) != written:
            both = [row for row in sheet.rows.values() if written in row and spelt[column] in row]
            if both:
                source.refuse(
                    name,
                    1,
                    written,
                    _("the columns %(one)s and %(other)s mean the same", one=spelt[column], other=written),
                    _("delete one of them"),
                )
    if name == "survey":
        _unknown_columns(source, sheet, columns)
    else:
        source.choice_columns.update(filter(None, columns.values()))
    found = {}
    for number, cells in sheet.rows.items():
        row = {column: cells[written] for written, column in columns.items() if column and written in cells}
        if row:
            found[number] = row
    return found


def _needed_columns(source: Source, sheets: dict[str, Sheet]) -> None:
    """Refuse sheets that cannot be read at all for want of a column."""
    missing = [
        (name, column)
        for name, needed in (("survey", ("type",)), ("choices", ("list_name", "name")))
        for sheet in [sheets.get(name, Sheet())]
        for column in needed
        if sheet.rows and column not in {_column(name, written) for written in sheet.columns}
    ]
    for name, column in missing:
        reason = _("the sheet has no column %(name)s", name=column)
        source.refuse(name, 1, column, reason, _("write its name in row 1"))
    if missing:
        raise ChecklistRefused(source.problems)


def _column(sheet: str, written: str) -> str:
    """The column a header stands for, with its language: "Label : English" is label::English; "" for one left out."""
    tokens = [token.strip() for token in written.split("::")]
    if len(tokens) == 1 and not written.lower().startswith("jr:"):
        tokens = [token.strip() for token in written.split(":")]
    first = "_".join(tokens[0].split()).lower()
    aliases = _ALIASES | (_SURVEY_ALIASES if sheet == "survey" else _CHOICES_ALIASES)
    first = aliases.get(first, first)
    if first == "bind" and len(tokens) > 1:
        tokens = tokens[1:]
        first = aliases.get(tokens[0].lower(), tokens[0].lower())
        if first not in {*_LOGIC, "required_message", "constraint_message"}:
            return ""
    if first == "media" and len(tokens) > 1:
        tokens = tokens[1:]
        first = tokens[0].lower()
    if first in {*TEXTS, *MEDIA, "guidance_hint"}:
        language = " ".join("::".join(tokens[1:]).split())
        return f"{first}::{language}" if language else first
    if first in (_SURVEY if sheet == "survey" else _CHOICES):
        return first
    if sheet == "survey" or first in _TECHNICAL:
        return ""
    # Further columns of the choices are for choice_filter, in exactly this spelling.
    return written if _ELEMENT_NAME.fullmatch(written) else ""


def _unknown_columns(source: Source, sheet: Sheet, columns: dict[str, str]) -> None:
    known = set(columns.values())
    for written, column in columns.items():
        first = "_".join(written.partition("::")[0].partition(":")[0].split()).lower()
        if (
            column
            or first in _NOTES
            or first.startswith("$")
            or not any(written in row for row in sheet.rows.values())
        ):
            continue
        close = difflib.get_close_matches(first, sorted(set(_LOGIC) - known), n=1, cutoff=0.82)
        if close:
            source.refuse(
                "survey", 1, written, _("the column %(name)s is not understood", name=written), close[0]
            )
        elif first not in _TECHNICAL or first == "save_to" or written.lower() in _DECISIVE:
            source.notice("survey", 1, written, _("the column is not used here"))


# rows


def _check_sizes(source: Source, limits: Limits) -> None:
    for sheet, rows, most, characters in (
        ("survey", source.survey, limits.max_rows, MAX_CHARACTERS),
        ("choices", source.choices, limits.max_choices, 3 * MAX_CHARACTERS),
    ):
        if len(rows) > most:
            raise refusal(
                _("the sheet has more than %(limit)s rows", limit=most), _("split the checklist"), sheet=sheet
            )
        if sum(len(text) for row in rows.values() for text in row.values()) > characters:
            raise refusal(
                _("the sheet holds more than %(limit)s characters", limit=characters),
                _("split the checklist"),
                sheet=sheet,
            )
        if sum(text.count("${") for row in rows.values() for text in row.values()) > MAX_REFERENCES:
            raise refusal(
                _("the sheet names questions more than %(limit)s times", limit=MAX_REFERENCES),
                _("split the checklist"),
                sheet=sheet,
            )
    depth = 0
    for number, row in source.survey.items():
        written = read_type(row.get("type", ""))
        depth += bool(written.begins) - bool(written.ends)
        if depth > MAX_NESTING:
            raise refusal(
                _("groups are nested more than %(limit)s deep", limit=MAX_NESTING),
                _("flatten the groups"),
                sheet="survey",
                row=number,
                column="type",
            )


def _external_choices(source: Source, sheet: Sheet, limits: Limits) -> None:
    """The sheet external_choices is one more list of choices: how a device stores them is its own matter."""
    if not sheet.rows:
        return
    rows = _rows(source, "choices", sheet)
    if len(rows) + len(source.choices) > limits.max_choices:
        raise refusal(
            _("the sheet has more than %(limit)s rows", limit=limits.max_choices),
            _("split the checklist"),
            sheet="external_choices",
        )
    taken = {row.get("list_name") for row in source.choices.values()}
    for number, row in rows.items():
        if row.get("list_name") not in taken:
            source.choices[EXTERNAL + number] = row


def _types(source: Source) -> None:
    lists = {row["list_name"] for row in source.choices.values() if "list_name" in row}
    renamed = {name: "_".join(name.split()) for name in lists if len(name.split()) > 1}
    for row in source.choices.values():
        if row.get("list_name") in renamed:
            row["list_name"] = renamed[row["list_name"]]
    for number, row in list(source.survey.items()):
        if row.pop("disabled", "").lower() in YES or not _asks(source, number, row):
            del source.survey[number]
            continue
        said = read_type(row["type"])
        if said.type in CONSTRAINED:
            type_, constraint = CONSTRAINED[said.type]
            row.setdefault("constraint", constraint)
            said = Written(type_)
        elif said.type in UNKNOWABLE:
            source.notice(
                "survey", number, "type", _("a browser does not know this of a phone; it stays empty")
            )
            said = Written("hidden")
        elif said.type == AUDIT:
            source.notice(
                "survey", number, "type", _("how a worker fills in a form is not recorded; left out")
            )
            del source.survey[number]
            continue
        elif (said.begins or said.ends) and not said.supported:
            if said.begins:
                source.problems.add(unsupported(number, row["type"]))
            said = Written(
                f"{'begin' if said.begins else 'end'}_"
                f"{'repeat' if (said.begins or said.ends) == 'loop' else 'group'}"
            )
        if said.type in SELECTS:
            said = Written(said.type, renamed.get(said.list_name, said.list_name), said.or_other)
        source.types[number] = said


def _asks(source: Source, number: int, row: Row) -> bool:
    """Whether a row is more than a remark."""
    if "type" in row:
        return True
    if "name" in row or any(base(column) == "label" for column in row):
        source.refuse(
            "survey", number, "type", _("the row has no type"), _("text, note, …; or empty the row")
        )
    return False
