"""Which question types are supported, under the names XLSForm authors use, and what to write instead of the others.

Invariant: a type is either in QUESTION_TYPES, and both evaluators and the phone know it, or it is refused by row.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from flask_babel import gettext as _

from fieldapp.checklists.compiler.problems import Problem
from fieldapp.checklists.rules import UNASKED

SELECTS = frozenset({"select_one", "select_multiple", "rank"})
FILES = frozenset({"image", "audio", "video", "file"})
QUESTION_TYPES = (
    UNASKED
    | SELECTS
    | FILES
    | {"text", "integer", "decimal", "range", "date", "time", "dateTime", "barcode", "geopoint"}
    | {"acknowledge", "start-geopoint"}
)
# What a browser cannot know of a phone; answered by nothing.
UNKNOWABLE = frozenset({"phonenumber", "simserial", "subscriberid", "email"})
# Rows that ask nothing and keep nothing.
AUDIT = "audit"
CSV_EXTERNAL = "csv-external"

# Other names of the same, in lower case.
_ALIASES = {
    "string": "text",
    "int": "integer",
    "datetime": "dateTime",
    "date time": "dateTime",
    "photo": "image",
    "add image prompt": "image",
    "add photo prompt": "image",
    "add audio prompt": "audio",
    "add video prompt": "video",
    "add file prompt": "file",
    "trigger": "acknowledge",
    "imei": "deviceid",
    "device id": "deviceid",
    "start time": "start",
    "end time": "end",
    "gps": "geopoint",
    "location": "geopoint",
    "picture": "image",
    "calculation": "calculate",
    "sim id": "simserial",
    "subscriber id": "subscriberid",
    "get phone number": "phonenumber",
}
# Types that are another one with a constraint.
CONSTRAINED = {
    "phone number": ("text", r"regex(., '^\d*$')"),
    "percentage": ("integer", "0 <= . and . <= 100"),
    "number of days in last month": ("integer", "0 <= . and . <= 31"),
    "number of days in last six months": ("integer", "0 <= . and . <= 183"),
    "number of days in last year": ("integer", "0 <= . and . <= 365"),
}
_SELECT_ALIASES = {
    "select_one": "select_one",
    "select one": "select_one",
    "select1": "select_one",
    "select one from": "select_one",
    "add select one prompt using": "select_one",
    "select_one_external": "select_one",
    "select one external": "select_one",
    "select_multiple": "select_multiple",
    "select multiple": "select_multiple",
    "select all that apply": "select_multiple",
    "select all that apply from": "select_multiple",
    "add select multiple prompt using": "select_multiple",
    "rank": "rank",
    "select_one_from_file": "select_one",
    "select one from file": "select_one",
    "select_multiple_from_file": "select_multiple",
    "select multiple from file": "select_multiple",
}
_SELECT = re.compile(
    r"(?P<command>" + "|".join(sorted(map(re.escape, _SELECT_ALIASES), key=len, reverse=True)) + r")"
    r"(?:\s+(?P<list>\S.*?))??(?P<other>\s+(?:or_other|or other|or specify other))?",
    re.IGNORECASE,
)
_WORDS = QUESTION_TYPES | {
    "select_one_from_file",
    "select_multiple_from_file",
    "begin_group",
    "end_group",
    "begin_repeat",
    "end_repeat",
}
# What other tools write down about the person who fills in a form.
_RECORDS_OF_OTHERS = ("audit", "violations", "sensor_")
_SECTION = re.compile(
    r"(begin|end)[ _]+(group|repeat|loop|looped group|lgroup|score|rank|kobomatrix)(?:\s+.*)?", re.IGNORECASE
)
_SECTIONS = {"lgroup": "repeat", "looped group": "repeat"}
# "add text prompt", "q text", "get today": how the first forms were written.
_WORDY = re.compile(r"(?:q|get|add(?= .* prompt$)|uri ?:) ?(.+?)(?: prompt)?")
_INSTEAD = {
    "geoshape": "geopoint",
    "geotrace": "geopoint",
    "background-geopoint": "start-geopoint",
    "background-audio": "audio",
    "osm": "geopoint",
    "xml-external": "csv-external",
    "tel": "text",
    "phone": "text",
    "double": "decimal",
    "float": "decimal",
    "calculate_here": "calculate",
    "comments": "text",
    "caseid": "hidden",
    "select_contact": "hidden",
    "select_contacts": "hidden",
    "enumerator": "select_one",
    "number": "decimal",
    "select": "select_one",
    "select_many": "select_multiple",
    "select_multi": "select_multiple",
    "multiple": "select_multiple",
    "label": "note",
    "checkbox": "acknowledge",
    "signature": "image",
    "radio": "select_one",
    "begin_loop": "begin_repeat",
    "begin_score": "begin_group; select_one",
    "begin_kobomatrix": "begin_group; select_one",
    "begin_rank": "rank",
    "score__row": "select_one",
    "rank__level": "rank",
}


@dataclass(frozen=True)
class Written:
    """What a cell of the column type says: its type in one spelling and, of a select, where the choices come from."""

    type: str
    list_name: str = ""
    or_other: bool = False

    @property
    def from_file(self) -> bool:
        """Whether the choices are the rows of a CSV file."""
        return self.type in SELECTS and self.list_name.lower().endswith((".csv", ".xml", ".geojson"))

    @property
    def begins(self) -> str:
        """What the row begins: "group", "repeat", "loop" or ""."""
        return self.type.removeprefix("begin_") if self.type.startswith("begin_") else ""

    @property
    def ends(self) -> str:
        """What the row ends."""
        return self.type.removeprefix("end_") if self.type.startswith("end_") else ""

    @property
    def supported(self) -> bool:
        """Whether the type has a meaning here."""
        return (
            self.type in QUESTION_TYPES
            or self.type in UNKNOWABLE | {AUDIT, CSV_EXTERNAL}
            or (self.begins or self.ends) in {"group", "repeat"}
        )


def read_type(written: str) -> Written:
    """What a cell says, however it is spelt: "Select one yn or other" is a select_one from yn with another answer."""
    words = " ".join(written.split())
    section = _SECTION.fullmatch(words)
    if section:
        kind = section[2].lower()
        return Written(f"{section[1].lower()}_{_SECTIONS.get(kind, kind)}")
    select = _SELECT.fullmatch(words)
    if select:
        return Written(
            _SELECT_ALIASES[select["command"].lower()], (select["list"] or "").strip(), bool(select["other"])
        )
    name = words.lower()
    wordy = _WORDY.fullmatch(name)
    if wordy and _ALIASES.get(wordy[1], wordy[1]) in QUESTION_TYPES | UNKNOWABLE:
        name = wordy[1]
    return Written(_ALIASES.get(name, name))


def _another(written: str) -> str:
    """The type meant, as far as one can tell: select_one yn for "selct_one yn"."""
    said = read_type(written).type
    if said in _INSTEAD:
        return _INSTEAD[said]
    word, _space, rest = " ".join(written.split()).partition(" ")
    close = difflib.get_close_matches(word.lower(), [*sorted(_WORDS), *_INSTEAD], n=1, cutoff=0.8)
    found = _INSTEAD.get(close[0], close[0]) if close else ""
    return f"{found} {rest}".strip() if found.startswith(("select", "rank")) else found


def unsupported(row: int, written: str) -> Problem:
    """The refusal of a question type."""
    name = " ".join(written.lower().split())
    instead = _("delete the row") if any(part in name for part in _RECORDS_OF_OTHERS) else _another(written)
    if name in {"geoshape", "geotrace", "background-geopoint", "background-audio"}:
        reason = _(
            "the question type %(name)s is not supported: lines, areas and tracks are not collected",
            name=written,
        )
    else:
        reason = _("the question type %(name)s is not supported", name=written)
    return Problem("survey", row, "type", reason, instead)
