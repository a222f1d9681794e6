"""How lists of payments are said to a person: states, kinds, what is to be said of a row.

Invariant: ID and account numbers are masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import lazy_gettext

from fieldapp.aid.rules import write_amount
from fieldapp.core import clock, wording
from fieldapp.core.errors import ERRORS
from fieldapp.imports.staging import is_being_read
from fieldapp.imports.words import BEING_READ, FAULTS as FAULTS_OF_CELLS, mask_quoted
from fieldapp.payments import rules
from fieldapp.payments.actions import CHANGED, REVERSED
from fieldapp.payments.models import (
    CHECKED,
    CHECKING,
    MAPPING,
    READING,
    TAKEN,
    TAKING,
    UNDOING,
    UNDONE,
    PaymentList,
)

CENTS = 2
# (word, look of the word) by state.
STATES = {
    READING: (lazy_gettext("Cut off in reading"), "refused"),
    MAPPING: (lazy_gettext("Columns to confirm"), "submitted"),
    CHECKING: (lazy_gettext("Being compared"), "submitted"),
    CHECKED: (lazy_gettext("Compared, to be taken in"), "submitted"),
    TAKING: (lazy_gettext("Being taken in"), "submitted"),
    TAKEN: (lazy_gettext("In the books"), "approved"),
    UNDOING: (lazy_gettext("Being taken back"), "returned"),
    UNDONE: (lazy_gettext("Taken back"), "returned"),
}
# (word, look of the word, what it means) by kind.
KINDS = {
    rules.DUE: (
        lazy_gettext("Pays what is due"),
        "approved",
        lazy_gettext(
            "The same person, programme, month and amount stand here as due. Taken in, they are given."
        ),
    ),
    rules.NEW: (
        lazy_gettext("New payment"),
        "approved",
        lazy_gettext(
            "The person is on the list, and nothing is entered for that month. Taken in, it is entered as given."
        ),
    ),
    rules.DIFFERS: (
        lazy_gettext("Another amount than due"),
        "returned",
        lazy_gettext(
            "Something else is due for that month. Decide row by row: taken in, it takes the place of what was due."
        ),
    ),
    rules.DOUBTFUL: (
        lazy_gettext("To be looked at"),
        "returned",
        lazy_gettext("Number, name, place, month or payer do not quite fit. Decide row by row."),
    ),
    rules.SEVERAL: (
        lazy_gettext("Several people fit"),
        "returned",
        lazy_gettext("Choose row by row who was paid."),
    ),
    rules.GONE: (
        lazy_gettext("Dead or moved away"),
        "refused",
        lazy_gettext(
            "The person had died or moved away by the end of that month. Ask, then decide row by row."
        ),
    ),
    rules.ENTERED: (
        lazy_gettext("Entered already"),
        "same",
        lazy_gettext("An entry of the same programme and month is here. Nothing is entered a second time."),
    ),
    rules.TWICE: (
        lazy_gettext("Twice in this list"),
        "same",
        lazy_gettext("A row above is for the same person, programme and month. This one is not taken in."),
    ),
    rules.RELATIVE: (
        lazy_gettext("Your own relative"),
        "refused",
        lazy_gettext(
            "Nobody enters what their near relatives are given. Let a colleague compare and take in."
        ),
    ),
    rules.UNKNOWN: (
        lazy_gettext("Not found"),
        "refused",
        lazy_gettext(
            "Nobody on the list in these areas fits. Register them, or have the list corrected, and compare again."
        ),
    ),
    rules.FAULTY: (
        lazy_gettext("Cannot be read"),
        "refused",
        lazy_gettext("Something in the row is missing or wrong. Have it corrected in the file."),
    ),
}
SUMS = {rules.TOTAL: lazy_gettext("Sum of the list"), rules.SUBTOTAL: lazy_gettext("Sum of a part")}
NOTES: Mapping[str, Any] = {
    **FAULTS_OF_CELLS,
    "amount_missing": lazy_gettext("The amount is missing."),
    "amount_odd": lazy_gettext("This is no amount: write it like 1250.50."),
    "amount_parts": lazy_gettext("The amount has more than two digits behind the point."),
    "amount_zero": lazy_gettext("The amount is 0."),
    "amount_negative": lazy_gettext("The amount is below 0: what was taken back is reversed at its entry."),
    "amount_large": lazy_gettext("The amount is more than one payment may be. Check it."),
    "who_missing": lazy_gettext("Name and ID number are missing."),
    "number_missing": lazy_gettext(
        "A name alone is not enough: give the ID number, or the last four of ID number or account."
    ),
    "tail_odd": lazy_gettext("The last four of an ID number are three digits, then a digit or X."),
    "programme_missing": lazy_gettext("The programme is missing."),
    "programme_unknown": lazy_gettext("There is no programme “%(text)s” under which money is given."),
    "source_missing": lazy_gettext("Who pays is missing."),
    "source_unknown": lazy_gettext("There is no source “%(text)s”. Write it as in the list of sources."),
    "day_missing": lazy_gettext("The day of payment is missing."),
    "period_missing": lazy_gettext("The month is missing."),
    "period_odd": lazy_gettext("This is no month: write it like 2026-11."),
    "period_ahead": lazy_gettext("This month is still to come."),
    "unknown": lazy_gettext(
        "Nobody on the list in these areas has this number, or this name with these last four."
    ),
    "several": lazy_gettext("Several people on the list fit."),
    "relative": lazy_gettext("You have declared somebody of this household a near relative."),
    "entered": lazy_gettext(
        "%(amount)s yuan are entered for this month (%(day)s). If this is a payment besides that one, enter it on the "
        "household's page."
    ),
    "twice": lazy_gettext("Row %(row)s is for the same person, programme and month."),
    "gone": lazy_gettext("Died or moved away: %(day)s."),
    "id_differs": lazy_gettext("Name and last four fit, but the whole ID number is registered otherwise."),
    "name_differs": lazy_gettext("The ID number is registered for “%(name)s”."),
    "place_differs": lazy_gettext("This person is registered in another place."),
    "amount_differs": lazy_gettext("%(amount)s yuan are due for this month."),
    "source_differs": lazy_gettext(
        "Somebody else is to pay what is due: taken in, it is given as it is due. Ask who paid."
    ),
    "relief_waits": lazy_gettext(
        "Approved temporary relief of this household waits to be paid. If this is that payment, enter it there."
    ),
    "near_given": lazy_gettext(
        "%(amount)s yuan were given on %(day)s, and no month is said there. Is it the same payment?"
    ),
    "near_due": lazy_gettext(
        "%(amount)s yuan are due by %(day)s, and no month is said there. Is it the same payment?"
    ),
}
LEFT = {
    CHANGED: lazy_gettext("Not taken in: this has changed since the comparison."),
    REVERSED: lazy_gettext("Was taken back singly before: it stays as it is."),
}


def say_state(held: PaymentList) -> tuple[Any, str]:
    """Where a list is, and the look of that word."""
    return BEING_READ if is_being_read(held, clock.now()) else STATES[held.state]


def say_note(code: str, params: Mapping[str, Any]) -> str:
    """What is to be said of a row, in the reader's language."""
    said = mask_quoted(params)
    if "cents" in said:
        said["amount"] = write_amount(int(said["cents"]), CENTS, CENTS)
    if "day" in said:
        said["day"] = wording.say_date(date.fromisoformat(str(said["day"])))
    return str(NOTES[code]) % said if said else str(NOTES[code])


def say_left(code: str) -> str:
    """Why a row was not taken in, or back, after all."""
    return str(LEFT.get(code) or ERRORS[code][1])
