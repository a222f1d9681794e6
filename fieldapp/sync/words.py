"""Words of the desk for operations: what they are, why they were not applied, what is wrong with which field.

Invariant: a code without a word here is shown as it is; nothing a phone sends makes a page fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext

from fieldapp.people.history import FIELDS as REGISTRY_FIELDS

KINDS: Mapping[str, Any] = {
    "visit.submit": lazy_gettext("A visit"),
    "visit.revise": lazy_gettext("A corrected visit"),
    "followup.report": lazy_gettext("The result of a follow-up"),
    "followup.refuse": lazy_gettext("A follow-up that cannot be done"),
    "aid.record": lazy_gettext("Aid given or promised"),
    "aid.give": lazy_gettext("Aid that was due, handed over"),
    "aid.take_back": lazy_gettext("Aid taken back by its worker"),
    "relief.request": lazy_gettext("A request for temporary relief"),
    "feedback.send": lazy_gettext("Feedback"),
    "household.register": lazy_gettext("A new household"),
    "household.update": lazy_gettext("A correction of a household"),
    "household.move": lazy_gettext("A household that moved"),
    "person.register": lazy_gettext("A new person"),
    "person.update": lazy_gettext("A correction of a person"),
    "unknown": lazy_gettext("An unknown kind of record"),
}
# The look of a state is the one visits have.
STATES: Mapping[str, tuple[Any, str]] = {
    "rejected": (lazy_gettext("To be settled"), "submitted"),
    "conflict": (lazy_gettext("Contradicts what is here"), "returned"),
    "accepted": (lazy_gettext("Accepted"), "approved"),
    "replaced": (lazy_gettext("Sent again by the worker"), "approved"),
    "refused": (lazy_gettext("Refused"), "cancelled"),
}
_REASONS: Mapping[str, Any] = {
    "not_yours": lazy_gettext("It could not be placed in the worker's areas."),
    "followup.not_yours": lazy_gettext("The follow-up is not this worker's, or no longer."),
    "body_invalid": lazy_gettext("Some of it is missing or cannot be read."),
    "checklist_version_unknown": lazy_gettext("The server does not know the checklist it was filled with."),
    "visit_exists": lazy_gettext("The same visit is here already, with another content."),
    "record_exists": lazy_gettext("It is on the list already, with another content."),
    "fields_changed": lazy_gettext("It corrects what was changed here in the meantime."),
    "op_changed": lazy_gettext("The same record came before, with another content."),
    "base_outdated": lazy_gettext("It corrects an older version than the one that is here."),
    "state_wrong": lazy_gettext("It had been dealt with before this came."),
    "prerequisite_waiting": lazy_gettext("It corrects a visit that is not here."),
    "aid.prerequisite_waiting": lazy_gettext(
        "The aid it is about is not here, or not in the worker's areas."
    ),
    "aid.record_exists": lazy_gettext("The same entry of aid is here already, with another content."),
    "aid_settled": lazy_gettext("That aid had been given, cancelled or taken back before this came."),
    "aid_reported": lazy_gettext("The week in which that aid counts has been reported."),
    "own_relative": lazy_gettext("It is about a household in which the worker declared a near relative."),
    "answers_too_large": lazy_gettext("It holds more text than is taken in by itself."),
    "schema_unknown": lazy_gettext("It comes from an app newer than this server."),
    "kind_unknown": lazy_gettext("The server does not know this kind of record."),
}
_FIELDS: Mapping[str, Any] = {
    **REGISTRY_FIELDS,
    "visit_uuid": lazy_gettext("Number of the visit"),
    "household_uuid": lazy_gettext("Household"),
    "people": lazy_gettext("People"),
    "outcome": lazy_gettext("Outcome"),
    "method": lazy_gettext("Method"),
    "checklist": lazy_gettext("Checklist"),
    "started_at": lazy_gettext("Began at"),
    "finished_at": lazy_gettext("Ended at"),
    "location": lazy_gettext("Place"),
    "location_declined": lazy_gettext("Why there is no place"),
    "answers": lazy_gettext("Answers"),
    "attachments": lazy_gettext("Photos and files"),
    "urgent_calls": lazy_gettext("Emergency calls"),
    "followup_id": lazy_gettext("Number of the follow-up"),
    "aid_uuid": lazy_gettext("Number of the entry"),
    "person_uuid": lazy_gettext("Who it is for"),
    "kind": lazy_gettext("Kind"),
    "programme": lazy_gettext("Programme"),
    "source": lazy_gettext("Who pays"),
    "item": lazy_gettext("What"),
    "amount_cents": lazy_gettext("Amount"),
    "quantity_milli": lazy_gettext("How much"),
    "unit": lazy_gettext("Unit"),
    "is_given": lazy_gettext("Is it given already?"),
    "on": lazy_gettext("Day"),
    "received_by": lazy_gettext("Who took it"),
    "case_id": lazy_gettext("Number of the case"),
    "what_happened": lazy_gettext("What happened"),
    "asked_for": lazy_gettext("What is asked for"),
    "is_urgent": lazy_gettext("Urgent"),
    "reason": lazy_gettext("Reason"),
    "fields": lazy_gettext("Correction"),
    "from_grid": lazy_gettext("From grid"),
    "to_grid": lazy_gettext("To grid"),
}


def say_reason(kind: str, code: str | None) -> str:
    """Why an operation of that kind was not applied."""
    of_kind = f"{kind.partition('.')[0]}.{code}"
    return str(_REASONS.get(of_kind) or _REASONS.get(code or "") or code or "")


def say_field(path: tuple[str | int, ...]) -> str:
    """A field by its path, the place in a list counted from 1: Photos and files 3 · sha256."""
    name, *inside = path or ("",)
    words = str(_FIELDS.get(str(name), name))
    for step in inside:
        words += f" {step + 1}" if isinstance(step, int) else f" · {_FIELDS.get(step, step)}"
    return words


def say_fault(code: str) -> str:
    """What is wrong with a field, by the code of the model's error."""
    if code == "missing":
        return gettext("missing")
    if code == "extra_forbidden":
        return gettext("not known to this server")
    if code in {"too_long", "string_too_long"}:
        return gettext("too long")
    return gettext("cannot be read")
