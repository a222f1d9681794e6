"""Which value stays when two entries become one.

Invariant: pure. Nothing filled is given up for nothing; what many values may stand in keeps those of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

# What is chosen together: a number and why it stands, an account and its bank, a place and its map. By its first field.
PERSON_CHOICES = (
    *(("name",), ("relation",), ("sex",), ("birth_on",), ("id_number", "id_reason"), ("phone",)),
    *(("bank_account", "bank_name"), ("main_class",), ("risk",)),
    *(("died_on",), ("moved_away_on", "moved_away_to")),
)
HOUSEHOLD_CHOICES = (("name",), ("address",), ("phone",), ("lat", "lon", "datum"), ("note",))
# Of both: nobody loses a tag, a carer or the day they were first told of; not even one that the editor is not shown.
UNITED = ("causes", "tags", "carers", "found_at", "registered_on")

State = Mapping[str, Any]
_RISKS = ("low", "middle", "high")


def takes_other(
    name: str, kept: Any, other: Any, kept_at: datetime | None, other_at: datetime | None
) -> bool:
    """Whether by default the other entry's value stays: the filled one; of two risks the higher, else the newer."""
    if _is_empty(name, other) or other == kept:
        return False
    if _is_empty(name, kept):
        return True
    if name == "risk":
        return _RISKS.index(other) > _RISKS.index(kept)
    return other_at is not None and (kept_at is None or other_at > kept_at)


def _is_empty(name: str, value: Any) -> bool:
    return value in (None, "", "none" if name == "main_class" else "")


def unite(kept: State, other: State) -> dict[str, Any]:
    """The values of UNITED, as `people.actions.state_of` gives them, that stand for both."""
    held = {tag for tag, _, _ in kept["tags"]}
    return {
        "causes": list(dict.fromkeys([*kept["causes"], *other["causes"]])),
        "tags": sorted([*kept["tags"], *(tag for tag in other["tags"] if tag[0] not in held)]),
        "carers": [*kept["carers"], *(carer for carer in other["carers"] if carer not in kept["carers"])],
        **{
            name: min(filter(None, (kept[name], other[name])), default=None)
            for name in ("found_at", "registered_on")
        },
    }
