"""Writes of likely pairs: who could be on the list twice.

Invariant: pairs are compared and written in the last step of a transaction, one transaction after the other, so that each
sees what the one before has left: none is missed, nobody deadlocks, and nobody waits for longer than a last step takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime

from sqlalchemy import bindparam, delete

from fieldapp.areas import queries as areas
from fieldapp.core import audit
from fieldapp.core.db import db, do_last, insert_into, pending, transaction
from fieldapp.people import pair_queries, queries
from fieldapp.people.models import LikelyPair, Person
from fieldapp.users.models import User

# People compared at once; households looked at again in one transaction.
_BATCH, _HOUSEHOLDS = 200, 200


def compare_later(people: Iterable[Person]) -> None:
    """Find again who else those people could be when the transaction commits; who is taken out is in no pair then."""
    pending("likely_pairs").update((person.person_uuid, True) for person in people)
    do_last(_write_pairs)


def _write_pairs() -> None:
    uuids = sorted(pending("likely_pairs"))
    if uuids:
        pair_queries.lock_pairs()
    for start in range(0, len(uuids), _BATCH):
        _write_pairs_of(uuids[start : start + _BATCH])


def _write_pairs_of(person_uuids: Sequence[str]) -> None:
    """Make the pairs of those people what they now are; of whom it was said that they are not one, that stays said."""
    kept = pair_queries.list_pairs_of(person_uuids)
    ruled_out = {key: pair for key, (pair, is_ruled_out) in kept.items() if is_ruled_out}
    grids = pair_queries.list_grids_of({uuid for key in ruled_out for uuid in key})
    found = {
        (one, other): replace(pair, one_grid=grids[one], other_grid=grids[other])
        for (one, other), pair in ruled_out.items()
        if one in grids and other in grids
    } | pair_queries.find_likely(person_uuids)
    connection = db.session.connection()
    if gone := [{"its_one": one, "its_other": other} for one, other in kept if (one, other) not in found]:
        connection.execute(
            delete(LikelyPair).where(
                LikelyPair.one_uuid == bindparam("its_one"), LikelyPair.other_uuid == bindparam("its_other")
            ),
            gone,
        )
    if new := [
        {"one_uuid": one, "other_uuid": other, **asdict(pair)}
        for (one, other), pair in found.items()
        if kept.get((one, other), (None, False))[0] != pair
    ]:
        statement = insert_into(LikelyPair)
        values = {name: statement.excluded[name] for name in ("one_grid", "other_grid", "why")}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["one_uuid", "other_uuid"], set_=values), new
        )


def rule_out(pair: LikelyPair, actor: User, now: datetime) -> None:
    """Keep that two entries are two different people: they are not listed again."""
    pair.ruled_out_by, pair.ruled_out_at = actor.id, now
    audit.record(
        actor, "person.rule_out", "person", pair.one_uuid, at=now, other=pair.other_uuid, why=pair.why
    )


def take_back_rule_out(pair: LikelyPair, actor: User, now: datetime) -> None:
    """Forget that two entries were said to be two people: they are listed again when they are still alike."""
    pair.ruled_out_by = pair.ruled_out_at = None
    audit.record(actor, "person.take_back_rule_out", "person", pair.one_uuid, at=now, other=pair.other_uuid)
    compare_later([db.session.get_one(Person, pair.one_uuid)])


def look_for_pairs_in(area_codes: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Find again who could be on the list twice in those areas; gives each grid when it is done, and how many people
    were looked at. Runs its own transactions, each over a few households.
    """
    for grid in areas.list_grids(area_codes):
        looked_at = 0
        uuids = queries.list_uuids_in(grid.code)
        for start in range(0, len(uuids), _HOUSEHOLDS):
            with transaction():
                for household in queries.list_households(uuids[start : start + _HOUSEHOLDS]):
                    compare_later(household.people)
                    looked_at += len(household.people)
        yield grid.code, looked_at
