"""The history of a household and its people as a page shows it: who, when, by which way, what before and after.

Invariant: it is masked like everything else, restricted tags included.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext, lazy_gettext

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.people import rules, tags
from fieldapp.people.models import RegistryChange
from fieldapp.users import queries as users
from fieldapp.users.models import User

FIELDS: Mapping[str, Any] = {
    "grid_code": lazy_gettext("Grid"),
    "name": lazy_gettext("Name of person or household"),
    "address": lazy_gettext("Address"),
    "relation": lazy_gettext("Relation to the head"),
    "sex": lazy_gettext("Sex"),
    "birth_on": lazy_gettext("Birthday"),
    "id_number": lazy_gettext("ID number"),
    "id_reason": lazy_gettext("Why the number stands as it is"),
    "phone": lazy_gettext("Phone"),
    "bank_name": lazy_gettext("Bank"),
    "bank_account": lazy_gettext("Account number"),
    "main_class": lazy_gettext("Main class"),
    "risk": lazy_gettext("Risk"),
    "causes": lazy_gettext("What made them poor"),
    "tags": lazy_gettext("Tags"),
    "carers": lazy_gettext("Who answers for them"),
    "note": lazy_gettext("For whoever visits"),
    "lat": lazy_gettext("Latitude"),
    "lon": lazy_gettext("Longitude"),
    "datum": lazy_gettext("From which map"),
    "died_on": lazy_gettext("Day of death"),
    "moved_away_on": lazy_gettext("Moved away on"),
    "moved_away_to": lazy_gettext("Moved away to"),
    "found_at": lazy_gettext("Found"),
    "registered_on": lazy_gettext("On the list since"),
    "household": lazy_gettext("Household"),
}
WAYS: Mapping[str, Any] = {
    "desk": lazy_gettext("at the desk"),
    "phone": lazy_gettext("by phone"),
    "import": lazy_gettext("by an import"),
}
DEEDS: Mapping[str, Any] = {
    "add": lazy_gettext("put on the list"),
    "change": lazy_gettext("changed"),
    "move": lazy_gettext("moved to another grid"),
    "remove": lazy_gettext("taken out again"),
    "merge": lazy_gettext("merged with another entry"),
    "unmerge": lazy_gettext("parted again"),
}


@dataclass(frozen=True)
class Line:
    """A field that changed, in words."""

    field: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Entry:
    """One change."""

    at: datetime
    uuid: str
    deed: str
    who: str
    way: str
    lines: list[Line]
    reason: str | None


class Sayer:
    """Says values of the registry to one reader."""

    def __init__(self, reader: User) -> None:
        self._hidden = tags.get_hidden_tags(reader)
        self._words = wording.get_words("class", "tag", "risk", "cause", "carer_role")

    def say(self, name: str, value: Any) -> str:
        """A value as `people.actions.state_of` gives it; "" for nothing."""
        if value in (None, "", []):
            return ""
        match name:
            case "id_number":
                return rules.mask_id(value) or ""
            case "phone":
                return rules.mask_phone(value) or ""
            case "bank_account":
                return rules.mask_account(value) or ""
            case "sex":
                return gettext("male") if value == "m" else gettext("female")
            case "birth_on" | "died_on" | "moved_away_on" | "registered_on":
                return wording.say_date(date.fromisoformat(value))
            case "found_at":
                return wording.say_full(clock.parse_instant(value))
            case "main_class":
                return self._words["class"].get(value, value)
            case "risk":
                return self._words["risk"].get(value, value)
            case "causes":
                return self._join(self._words["cause"].get(cause, cause) for cause in value)
            case "tags":
                return self._join(dict.fromkeys(self._say_tag(*tag) for tag in value))
            case "carers":
                return self._join(self._say_carer(carer) for carer in value)
            case "grid_code":
                return " ".join(area.name for area in areas.list_path(value)[3:])
        return str(value)

    def say_tag(self, tag: str) -> str:
        """The word for a tag, or what stands in its place."""
        [shown] = tags.show_tags([tag], self._hidden)
        return self._words["tag"].get(shown, shown)

    def _say_tag(self, tag: str, from_on: str | None, to_on: str | None) -> str:
        word = self.say_tag(tag)
        if tag in self._hidden or not (from_on or to_on):
            return word
        first, last = (wording.say_date(date.fromisoformat(day)) if day else "" for day in (from_on, to_on))
        return f"{word} ({first}–{last})"

    def _say_carer(self, carer: Mapping[str, Any]) -> str:
        role = self._words["carer_role"].get(carer["role"], carer["role"])
        parts = (carer["name"], carer["relation"], rules.mask_phone(carer["phone"]))
        return f"{role} " + " ".join(part for part in parts if part)

    @staticmethod
    def _join(words: Iterable[str]) -> str:
        return gettext(", ").join(words)


def read_history(changes: Iterable[RegistryChange], reader: User) -> list[Entry]:
    """The entries as a page shows them, in the order they are given."""
    changes = list(changes)
    names = users.get_display_names(change.actor_id for change in changes if change.actor_id is not None)
    sayer = Sayer(reader)
    return [
        Entry(
            change.at,
            change.uuid,
            str(DEEDS.get(change.deed, change.deed)),
            names.get(change.actor_id or 0, "") or gettext("the system"),
            str(WAYS.get(change.source, change.source)),
            read_lines(change.values, sayer),
            change.reason,
        )
        for change in changes
    ]


def read_lines(values: Mapping[str, Any], sayer: Sayer) -> list[Line]:
    """What changed, {field: [before, after]}, in words and in the order of FIELDS."""
    lines = [
        Line(name, str(FIELDS.get(name, name)), sayer.say(name, before), sayer.say(name, after))
        for name, (before, after) in values.items()
    ]
    # What differs only in what the reader is not told, is not told.
    order = list(FIELDS)
    return sorted(
        (line for line in lines if line.before != line.after),
        key=lambda line: order.index(line.field) if line.field in FIELDS else len(order),
    )
