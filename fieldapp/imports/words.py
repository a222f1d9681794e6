"""How imports are said to a person: what is wrong with a cell, what becomes of a row, values before and after.

Invariant: ID, phone and account numbers are masked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext

from fieldapp.core import clock, wording
from fieldapp.imports import rules
from fieldapp.imports.columns import FIELDS
from fieldapp.imports.models import (
    APPLIED,
    APPLYING,
    CHECKED,
    CHECKING,
    MAPPING,
    READING,
    UNDOING,
    UNDONE,
    Import,
)
from fieldapp.imports.staging import is_being_read
from fieldapp.people.rules import mask_id, mask_phone, normal_number
from fieldapp.people.tags import show_tags

# (word, look of the word) by state and by outcome.
STATES = {
    READING: (lazy_gettext("Cut off in reading"), "refused"),
    MAPPING: (lazy_gettext("Columns to confirm"), "submitted"),
    CHECKING: (lazy_gettext("Being checked"), "submitted"),
    CHECKED: (lazy_gettext("Checked, not imported yet"), "submitted"),
    APPLYING: (lazy_gettext("Being imported"), "submitted"),
    APPLIED: (lazy_gettext("Imported"), "approved"),
    UNDOING: (lazy_gettext("Being taken back"), "returned"),
    UNDONE: (lazy_gettext("Taken back"), "returned"),
}
# Before it is known to be cut off.
BEING_READ = (lazy_gettext("Being read"), "submitted")
OUTCOMES = {
    rules.ADD: (lazy_gettext("New"), "approved"),
    rules.CHANGE: (lazy_gettext("Changed"), "submitted"),
    rules.SAME: (lazy_gettext("Same already"), "same"),
    rules.REFUSED: (lazy_gettext("Cannot be imported"), "refused"),
}
FAULTS: Mapping[str, Any] = {
    "cell_error": lazy_gettext("The cell shows the error %(text)s. Correct its formula."),
    "too_long": lazy_gettext("Longer than %(limit)s characters. Shorten it."),
    "name_missing": lazy_gettext("The name is missing."),
    "rounded": lazy_gettext(
        "Excel has made a number of this and lost its last digits. Format the column as text and type it again."
    ),
    "id_length": lazy_gettext("An ID number has 18 characters. Check it against the card."),
    "id_digits": lazy_gettext("An ID number has 17 digits, then a digit or X. Check it against the card."),
    "id_birthday": lazy_gettext("The birthday in this ID number is impossible. Check it against the card."),
    "id_check_digit": lazy_gettext(
        "The last digit does not fit: one is probably mistyped. If the card says so, give the reason in a column of its own."
    ),
    "id_several": lazy_gettext("Several people are registered with this ID number. Merge them first."),
    "id_elsewhere": lazy_gettext("This ID number is registered in another area already. Ask your county."),
    "id_in_household": lazy_gettext(
        "This ID number is registered in the household of %(household)s. Correct the head here, or move the person first."
    ),
    "id_in_grid": lazy_gettext(
        "This person lives in another grid, in the household of %(household)s. Correct the grid, or move the household first."
    ),
    "id_differs": lazy_gettext(
        "Somebody with this name and birthday is registered here with another ID number. Check which is right."
    ),
    "twice": lazy_gettext("The same person stands in row %(row)s already."),
    "place_missing": lazy_gettext("Village or grid is missing."),
    "place_unknown": lazy_gettext(
        "There is no grid “%(text)s” in your areas. Write its name as in the list, or its code."
    ),
    "place_blurred": lazy_gettext(
        "“%(text)s” may be several grids. Write village and grid, or the grid's code."
    ),
    "household_blurred": lazy_gettext(
        "There are several households of %(household)s in this grid. Give the address or the ID number."
    ),
    "person_blurred": lazy_gettext(
        "Several people of this name and birthday live in this household. Give the ID number."
    ),
    "household_differs": lazy_gettext("Row %(row)s says otherwise of the same household."),
    "second_head": lazy_gettext(
        "Row %(row)s is the head of this household already. If these are two households, give household numbers."
    ),
    "phone_odd": lazy_gettext("This is no phone number: write digits only, one number."),
    "account_odd": lazy_gettext("This is no account number: write digits only."),
    "day_impossible": lazy_gettext("There is no such day. Write it like 1950-03-07."),
    "day_ahead": lazy_gettext("This day is still to come."),
    "day_long_ago": lazy_gettext("This day is too long ago."),
    "birth_differs": lazy_gettext("The birthday in the ID number is another one."),
    "died_before_birth": lazy_gettext("The day of death is before the birthday."),
    "sex_unknown": lazy_gettext("Write 男 or 女."),
    "sex_differs": lazy_gettext("The ID number says otherwise."),
    "class_unknown": lazy_gettext("There is no class “%(text)s”. Write it as in the list of classes."),
    "risk_unknown": lazy_gettext("Write 高, 中 or 低."),
    "tag_unknown": lazy_gettext("There is no tag “%(text)s”. Write it as in the list of tags."),
    "cause_unknown": lazy_gettext("There is no cause “%(text)s”. Write it as in the list of causes."),
    "disability_unknown": lazy_gettext("Write one of 视力, 听力, 言语, 肢体, 智力, 精神, 多重."),
    "degree_unknown": lazy_gettext("Write 一级, 二级, 三级 or 四级."),
    "changed_meanwhile": lazy_gettext(
        "Somebody has changed this in the registry since the check. Bring the file in again to see how it stands."
    ),
}
_LABELS = {
    **FIELDS,
    "grid_code": lazy_gettext("Grid"),
    rules.STAYS: lazy_gettext("Stays: visited or changed since"),
    rules.GONE: lazy_gettext("Not in the registry any more"),
}
# With the blanks and dashes that people write numbers with; a day and its time are none.
_LONG_NUMBER = re.compile(r"(?<!\d)(?!(?:19|20)\d\d-\d\d?-\d\d?\b)(?:\d[\s–—－-]*){8,}[\dXx]")
_TABLES = {"main_class": "class", "risk": "risk", "tags": "tag", "causes": "cause"}
_SEXES = {"m": lazy_gettext("male"), "f": lazy_gettext("female")}


def say_state(held: Import) -> tuple[Any, str]:
    """Where an import is, and the look of that word."""
    return BEING_READ if is_being_read(held, clock.now()) else STATES[held.state]


def say_fault(code: str, params: Mapping[str, Any]) -> str:
    """What is wrong, in the reader's language."""
    return str(FAULTS[code]) % mask_quoted(params) if params else str(FAULTS[code])


def mask_quoted(params: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a cell, its own text as it may be shown."""
    said = dict(params)
    return {**said, "text": mask_numbers(str(said["text"]))} if "text" in said else said


def say_field(name: str) -> str:
    """A field of a file or of the registry."""
    return str(_LABELS.get(name, ""))


def mask_numbers(text: str) -> str:
    """A cell as it may be shown: long numbers, whatever they are, keep their beginning and their end."""
    return _LONG_NUMBER.sub(lambda found: mask_phone(normal_number(found.group())) or "", text)


def get_code_words() -> dict[str, dict[str, str]]:
    """The words of the code tables that rows speak of."""
    return wording.get_words(*_TABLES.values())


def say_value(
    name: str, value: Any, code_words: Mapping[str, Mapping[str, str]], hidden_tags: frozenset[str]
) -> str:
    """A value as the history keeps it, short; "" for none. `hidden_tags`: those the reader is not told by name."""
    if value in (None, "", []):
        return ""
    match name:
        case "id_number":
            return mask_id(value) or ""
        case "phone" | "bank_account":
            return mask_phone(value) or ""
        case "sex":
            return str(_SEXES[value])
        case "birth_on" | "died_on":
            return date.fromisoformat(value).isoformat()
        case "tags":
            shown = show_tags((tag for tag, _, _ in value), hidden_tags)
            return gettext(", ").join(code_words["tag"].get(tag, tag) for tag in shown)
        case "causes":
            return gettext(", ").join(code_words["cause"].get(cause, cause) for cause in value)
    return code_words[_TABLES[name]].get(value, value) if name in _TABLES else str(value)
