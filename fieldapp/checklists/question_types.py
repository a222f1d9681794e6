"""Which question types are supported, under the names XLSForm authors use, and what to write instead of the others.

Invariant: a type is either in QUESTION_TYPES, and both evaluators and the phone know it, or it is refused by row.
"""

from __future__ import annotations

from flask_babel import gettext as _

from fieldapp.checklists.problems import Problem
from fieldapp.checklists.rules import UNASKED

SELECTS = frozenset({"select_one", "select_multiple"})
QUESTION_TYPES = (
    UNASKED | SELECTS | {"text", "integer", "decimal", "date", "image", "geopoint", "acknowledge"}
)

# Other names of the same, as authors write them or as pyxform gives them back.
_ALIASES = {
    "select one": "select_one",
    "select1": "select_one",
    "select one from": "select_one",
    "select all that apply": "select_multiple",
    "select all that apply from": "select_multiple",
    "select multiple": "select_multiple",
    "photo": "image",
    "add image prompt": "image",
    "add photo prompt": "image",
    "trigger": "acknowledge",
    "int": "integer",
    "string": "text",
    "imei": "deviceid",
}
_INSTEAD = {
    "range": "integer",
    "time": "text",
    "datetime": "date",
    "barcode": "text",
    "audio": "image",
    "video": "image",
    "file": "image",
    "rank": "select_multiple",
    "geoshape": "geopoint",
    "geotrace": "geopoint",
    "start-geopoint": "geopoint",
    "background-geopoint": "geopoint",
    "phonenumber": "text",
    "tel": "text",
    "email": "text",
    "username": "username",
    "subscriberid": "deviceid",
    "simserial": "deviceid",
    "loop": "begin_repeat",
    "select_one_external": "select_one",
    "select_one_from_file": "select_one",
    "select_multiple_from_file": "select_multiple",
}


def canonical_type(written: str) -> str:
    """The type a cell names, without its list: "Select one yn" is select_one."""
    words = written.lower().split()
    for size in (5, 4, 3, 2, 1):
        name = " ".join(words[:size])
        if name in _ALIASES:
            return _ALIASES[name]
        if name in QUESTION_TYPES or name in _INSTEAD:
            return name
    return " ".join(words)


def unsupported(row: int, written: str) -> Problem:
    """The refusal of a question type."""
    instead = _INSTEAD.get(canonical_type(written), "")
    return Problem(
        "survey", row, "type", _("the question type %(name)s is not supported", name=written), instead
    )
