"""What workers registered and corrected from their phones, as the desk reads it.

Invariant: masked like the history it is read from; only what is in the reader's areas now is linked to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask_babel import gettext

from fieldapp.core import scope
from fieldapp.people import queries as people
from fieldapp.people.history import Entry, read_history
from fieldapp.people.models import Household, Person, RegistryChange
from fieldapp.sync import words
from fieldapp.sync.models import Operation
from fieldapp.users import queries as users
from fieldapp.users.models import User

# What everybody begins with, and no phone says.
_BEGIN_WITH = frozenset({"main_class", "risk", "found_at"})


@dataclass(frozen=True)
class Recorded:
    """One operation and what it changed."""

    operation: Operation
    kind: str
    worker_name: str
    household: Household | None  # when it is the reader's now
    entries: list[tuple[str, Entry]]  # with the name of whom each is about
    died: bool
    unclassified: list[str]  # who was registered by it and has neither class nor risk yet


def prepare_recorded(operations: Sequence[Operation], reader: User) -> list[Recorded]:
    """The operations of a page, in their order."""
    changes = people.list_changes_by(operation.op_uuid for operation in operations)
    entries = dict(zip((change.id for change in changes), read_history(changes, reader), strict=True))
    uuids = {change.uuid for change in changes}
    persons = {person.person_uuid: person for person in people.list_people(uuids)}
    households = {
        household.household_uuid: household
        for household in people.list_households(
            uuids | {person.household_uuid for person in persons.values()}
        )
    }
    names = users.get_display_names(operation.user_id for operation in operations)
    codes = reader.area_codes()
    recorded = []
    for operation in operations:
        own = [change for change in changes if change.source_id == operation.op_uuid]
        homes = [persons[one.uuid].household_uuid if one.uuid in persons else one.uuid for one in own]
        household = next((households[home] for home in homes if home in households), None)
        is_ours = household is not None and scope.covers(codes, household.grid_code)
        recorded.append(
            Recorded(
                operation,
                str(words.KINDS[operation.kind]),
                names.get(operation.user_id, ""),
                household if is_ours else None,
                [
                    (persons[one.uuid].name if one.uuid in persons else "", _shorten(one, entries[one.id]))
                    for one in own
                ],
                any((one.values.get("died_on") or [None, None])[1] for one in own),
                [
                    persons[one.uuid].name or gettext("no name")
                    for one in own
                    if one.deed == "add" and one.uuid in persons and _is_unclassified(persons[one.uuid])
                ],
            )
        )
    return recorded


def _is_unclassified(person: Person) -> bool:
    """Whether they stand on the list as everybody begins there."""
    is_here = not (person.merged_into or person.died_on or person.moved_away_on)
    return is_here and (person.main_class, person.risk) == ("none", "low")


def _shorten(change: RegistryChange, entry: Entry) -> Entry:
    if change.deed != "add":
        return entry
    return replace(entry, lines=[line for line in entry.lines if line.field not in _BEGIN_WITH])
