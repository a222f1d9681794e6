"""Merging two entries of one person or household, and parting them again.

Invariant: nothing is moved that names the loser: visits, flags and tasks stay with the uuid they came with and are read
through it, so that a late one needs no care and parting them is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from fieldapp.aid import actions as aid
from fieldapp.core import audit, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups import actions as followups
from fieldapp.people import (
    actions as people_actions,
    merge_rules,
    pair_actions,
    pair_queries,
    queries as people,
)
from fieldapp.people.actions import Origin, read_state, state_of
from fieldapp.people.models import Household, LikelyPair, Merge, Person
from fieldapp.reviews import merge_queries as queries
from fieldapp.reviews.merge_queries import Entry, household_of
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.queries import read_running
from fieldapp.rollups.rules import PERSON, Key, tally
from fieldapp.screenings import counting as screening_counting
from fieldapp.users.models import User
from fieldapp.visits import actions as visits, counting as visit_counting, repeats


def merge(
    actor: User,
    kind: str,
    winner_uuid: str,
    loser_uuid: str,
    taken: Collection[str],
    seen: tuple[int, int],
    now: datetime,
) -> Merge:
    """Make one of two entries (kind: household or person); of those choices in `taken` the loser's values stay.

    `seen`: the newest entries of both histories that the editor saw. Done twice, it is done once. Raises not_found,
    merged_meanwhile, merge_same, merge_outdated, merge_other_grid, and as `people.actions.merge_person`.
    """
    if winner_uuid == loser_uuid:
        raise AppError("merge_same")
    winner, loser = _lock(actor, kind, winner_uuid, loser_uuid, now)
    if loser.merged_into == winner_uuid:
        return _get_merge_of(loser_uuid)
    if winner.merged_into or loser.merged_into:
        raise AppError("merged_meanwhile")
    if people.last_changes((winner_uuid, loser_uuid)) != seen:
        raise AppError("merge_outdated")
    _count(kind, [winner_uuid, loser_uuid], -1)
    names = [name for group in queries.list_choices(kind) if group[0] in taken for name in group]
    fields = read_state(state_of(loser, names))
    origin = Origin(actor, "desk", now)
    moved: list[Any] = []
    if isinstance(winner, Person) and isinstance(loser, Person):
        both = (state_of(winner, merge_rules.UNITED), state_of(loser, merge_rules.UNITED))
        fields |= read_state(merge_rules.unite(*both))
        changed = people_actions.merge_person(loser, winner, fields, origin)
    elif isinstance(winner, Household) and isinstance(loser, Household):
        if winner.grid_code != loser.grid_code:
            raise AppError("merge_other_grid")
        changed, moved = people_actions.merge_household(loser, winner, fields, origin)
    made = Merge(
        kind=kind,
        loser_uuid=loser_uuid,
        winner_uuid=winner_uuid,
        grid_code=household_of(winner).grid_code,
        changed=changed,
        moved=moved,
        merged_by=actor.id,
        merged_at=now,
    )
    db.session.add(made)
    _count(kind, [winner_uuid, loser_uuid], 1)
    _settle(winner, loser, now)
    audit.record(
        actor,
        f"{kind}.merge",
        kind,
        loser_uuid,
        at=now,
        into=winner_uuid,
        merge_id=made.merge_id,
        changed=sorted(changed),
    )
    return made


def undo_merge(actor: User, merge_id: int, reason: str, now: datetime) -> Merge:
    """Part two entries again, each as it was; visits and tasks that came meanwhile stay with the uuid they name.

    Done twice, it is done once. Raises not_found, reason_needed, merge_not_undone.
    """
    if not reason.strip():
        raise AppError("reason_needed")
    made = pair_queries.get_merge(merge_id, actor.area_codes(now), lock=True)
    winner, loser = _lock(actor, made.kind, made.winner_uuid, made.loser_uuid, now)
    if made.undone_at is not None:
        return made
    if queries.list_obstacles(made):
        raise AppError("merge_not_undone")
    _count(made.kind, [made.winner_uuid, made.loser_uuid], -1)
    before = read_state({name: values[0] for name, values in made.changed.items()})
    origin = Origin(actor, "desk", now, reason=reason)
    if isinstance(winner, Person) and isinstance(loser, Person):
        people_actions.part_person(loser, winner, before, origin)
    elif isinstance(winner, Household) and isinstance(loser, Household):
        moved = [(db.session.get_one(Person, uuid), place) for uuid, place in made.moved]
        people_actions.part_household(loser, winner, before, moved, origin)
    made.undone_by, made.undone_at, made.undone_reason = actor.id, now, reason
    _count(made.kind, [made.winner_uuid, made.loser_uuid], 1)
    _settle(winner, loser, now)
    followups.move_followups(actor, household_of(loser), now)
    audit.record(
        actor,
        f"{made.kind}.unmerge",
        made.kind,
        made.loser_uuid,
        at=now,
        out_of=made.winner_uuid,
        merge_id=merge_id,
        reason=reason,
    )
    return made


def rule_out(actor: User, one_uuid: str, other_uuid: str, now: datetime) -> None:
    """Say that two entries are two different people; raises not_found. Said twice, it is said once."""
    pair = _lock_pair(actor, one_uuid, other_uuid, now)
    if pair.ruled_out_at is None:
        pair_actions.rule_out(pair, actor, now)


def take_back_rule_out(actor: User, one_uuid: str, other_uuid: str, now: datetime) -> None:
    """Take back that two entries are two different people; raises not_found. Taken back twice, it is taken back once."""
    pair = _lock_pair(actor, one_uuid, other_uuid, now)
    if pair.ruled_out_at is not None:
        pair_actions.take_back_rule_out(pair, actor, now)


def _lock_pair(actor: User, one_uuid: str, other_uuid: str, now: datetime) -> LikelyPair:
    pair = pair_queries.find_pair([one_uuid, other_uuid])
    codes = actor.area_codes(now)
    if pair is None or not (scope.covers(codes, pair.one_grid) and scope.covers(codes, pair.other_grid)):
        raise AppError("not_found")
    return pair


def _lock(actor: User, kind: str, winner_uuid: str, loser_uuid: str, now: datetime) -> tuple[Entry, Entry]:
    """Both entries as they are now, their households locked; raises not_found when one is outside the actor's areas."""
    winner, loser = queries.find_entry(kind, winner_uuid), queries.find_entry(kind, loser_uuid)
    if winner is None or loser is None:
        raise AppError("not_found")
    people.lock_households(household_of(entry).household_uuid for entry in (winner, loser))
    db.session.expire_all()
    codes = actor.area_codes(now)
    if not all(scope.covers(codes, household_of(entry).grid_code) for entry in (winner, loser)):
        raise AppError("not_found")
    return winner, loser


def _count(kind: str, uuids: list[str], by: int) -> None:
    """Count what two entries count as they stand: taken off before they are merged or parted, and counted again after."""
    db.session.flush()
    list_since = read_running()
    contacts = visit_counting.list_contacts_of(kind, uuids)
    if kind == PERSON:
        contacts |= screening_counting.list_contacts_of(uuids)
    repeats.note(contacts)
    counts: Counter[Key] = Counter()
    for of_one in contacts.values():
        counts.update(tally(of_one, list_since, date.min))
    rollups.add({key: by * value for key, value in counts.items()})


def _settle(winner: Entry, loser: Entry, now: datetime) -> None:
    """Due dates, last visits, tasks and aid of both, as they follow from whom they now are."""
    for household in {
        household_of(entry).household_uuid: household_of(entry) for entry in (winner, loser)
    }.values():
        if household.merged_into is None:
            visits.refresh_contacts(household, [person.person_uuid for person in household.people])
        followups.tell_whom(household)
        aid.tell_phones_of(household, now)


def _get_merge_of(loser_uuid: str) -> Merge:
    made = queries.find_merge_of(loser_uuid)
    if made is None:
        raise AppError("merged_meanwhile")
    return made
