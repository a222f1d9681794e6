"""What two entries of one person or household hold, what goes along when they are merged, what stands against undoing it.

Invariant: a merge is undone exactly or not at all: whatever would be lost by it is named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups.models import Followup
from fieldapp.people import merge_rules, pair_queries, queries as people
from fieldapp.people.actions import state_of
from fieldapp.people.models import Household, Merge, Person, RegistryChange
from fieldapp.visits.models import Visit, VisitPerson

Entry = Household | Person
_CHOICES = {"person": merge_rules.PERSON_CHOICES, "household": merge_rules.HOUSEHOLD_CHOICES}


@dataclass(frozen=True)
class Comparison:
    """Two entries: the one that is to stand, the other, which choices the other has by default, up to where their
    histories were read.
    """

    kept: Entry
    other: Entry
    taken: frozenset[str]
    seen: tuple[int, int]


@dataclass(frozen=True)
class Belongings:
    """How much names the entry that is to lose."""

    visits: int
    tasks: int


@dataclass(frozen=True)
class Obstacle:
    """What stands against undoing: a field changed since (and by which change), somebody or the whole merged on."""

    field: str = ""
    change: RegistryChange | None = None
    merge: Merge | None = None


def get_entry(kind: str, uuid: str, area_codes: Sequence[str]) -> Entry:
    """A household or person that stands, in those areas; raises not_found, merged_meanwhile."""
    entry: Entry
    entry = (
        people.get_household(uuid, area_codes) if kind == "household" else people.get_person(uuid, area_codes)
    )
    if uuid_of(entry) != uuid:
        raise AppError("merged_meanwhile")
    return entry


def find_entry(kind: str, uuid: str) -> Entry | None:
    """A household or person whoever asks, or None."""
    if kind == "household":
        return db.session.get(Household, uuid)
    return db.session.get(Person, uuid)


def uuid_of(entry: Entry) -> str:
    """Its key."""
    return entry.household_uuid if isinstance(entry, Household) else entry.person_uuid


def household_of(entry: Entry) -> Household:
    """The household it is or lives in."""
    return entry if isinstance(entry, Household) else entry.household


def list_choices(kind: str) -> Sequence[Sequence[str]]:
    """What is chosen together of a household or person."""
    return _CHOICES[kind]


def compare(kind: str, kept: Entry, other: Entry) -> Comparison:
    """The two side by side."""
    uuids = (uuid_of(kept), uuid_of(other))
    at: dict[tuple[str, str], datetime] = {}
    for change in people.list_changes(uuids):
        at.update(dict.fromkeys(((change.uuid, name) for name in change.values), change.at))
    taken = frozenset(
        names[0]
        for names in _CHOICES[kind]
        if merge_rules.takes_other(
            names[0],
            state_of(kept, names)[names[0]],
            state_of(other, names)[names[0]],
            at.get((uuids[0], names[0])),
            at.get((uuids[1], names[0])),
        )
    )
    of_kept, of_other = people.last_changes(uuids)
    return Comparison(kept, other, taken, (of_kept, of_other))


def count_belongings(entry: Entry) -> Belongings:
    """What names an entry, or those merged into it."""
    visits, tasks = select(func.count()).select_from(Visit), select(func.count()).select_from(Followup)
    if isinstance(entry, Household):
        same = people.list_same(entry.household_uuid)
        visits = visits.where(Visit.household_uuid.in_(same))
        tasks = tasks.where(Followup.household_uuid.in_(same))
    else:
        behind = people.list_behind(Person, [entry.person_uuid])
        named = select(VisitPerson.visit_uuid).where(VisitPerson.person_uuid.in_(behind))
        visits = visits.where(Visit.visit_uuid.in_(named))
        tasks = tasks.where(Followup.person_uuid.in_(behind))
    return Belongings(db.session.scalar(visits) or 0, db.session.scalar(tasks) or 0)


def find_entries(merge: Merge) -> tuple[Entry, Entry]:
    """(winner, loser) of a merge, as they are now."""
    winner = find_entry(merge.kind, merge.winner_uuid)
    loser = find_entry(merge.kind, merge.loser_uuid)
    if winner is None or loser is None:
        raise AppError("not_found")
    return winner, loser


def list_moved(merge: Merge) -> list[Person]:
    """Who came along from the household that lost, in their order there."""
    by_uuid = {person.person_uuid: person for person in people.list_people(uuid for uuid, _ in merge.moved)}
    return [by_uuid[uuid] for uuid, _ in merge.moved]


def find_merge_of(loser_uuid: str) -> Merge | None:
    """The merge that stands in which an entry lost, or None."""
    return pair_queries.find_merge_since(0, loser_uuid)


def list_obstacles(merge: Merge) -> list[Obstacle]:
    """What was done since that undoing the merge would lose, or that it cannot find its way around."""
    winner, _ = find_entries(merge)
    found: list[Obstacle] = []
    if winner.merged_into is not None:
        found.append(Obstacle(merge=find_merge_of(merge.winner_uuid)))
    now_there = state_of(winner, merge.changed)
    changes = people.list_changes([merge.winner_uuid])
    for name, (_, after) in merge.changed.items():
        if now_there[name] != after:
            last = next((change for change in reversed(changes) if name in change.values), None)
            found.append(Obstacle(field=name, change=last))
    for person_uuid, _ in merge.moved:
        person = db.session.get_one(Person, person_uuid)
        if person.merged_into is not None:
            found.append(Obstacle(merge=find_merge_of(person_uuid)))
    return found
