"""Finding who could be on the list twice, and the list of those that were found.

Invariant: every read is of a few ranges of indexes, at two million people too; nobody is compared with everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select, union
from sqlalchemy.orm import joinedload

from fieldapp.areas.models import LEVELS
from fieldapp.core import clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import rules
from fieldapp.people.models import Household, LikelyPair, Merge, Person, SearchWord

PAIRS_PER_PAGE = 20
MERGES_SHOWN = 50
# A number that more people have than this is the village's, not a person's.
_MOST_OF_ONE_PHONE = 10


@dataclass(frozen=True)
class Pair:
    """Two entries that could be one person, and what of them is alike; who said that they are not, and when."""

    one: Person
    other: Person
    why: list[str]
    ruled_out_by: int | None
    ruled_out_at: datetime | None


# The keys of two people, the smaller one first.
PairKey = tuple[str, str]


@dataclass(frozen=True)
class Likely:
    """Where two people are who could be one, in the order of their keys, and what of them is alike."""

    one_grid: str
    other_grid: str
    why: list[str]


@dataclass(frozen=True)
class _Known:
    """Somebody on the list, as far as they are compared."""

    person_uuid: str
    grid_code: str
    entry: rules.Entry


def find_likely(person_uuids: Collection[str]) -> dict[PairKey, Likely]:
    """The pairs of one of those people and whoever else they could be: by number anywhere, else in their township.

    Read from the database as it is now, whatever the session holds. An entry for which another stands is in no pair.
    """
    people = _read_known(Person.person_uuid.in_(person_uuids))
    alike: dict[Hashable, list[_Known]] = {}
    for other in _list_candidates(people) if people else ():
        for key in _keys_of(other):
            alike.setdefault(key, []).append(other)
    found: dict[PairKey, Likely] = {}
    for person in people:
        others = {other.person_uuid: other for key in _keys_of(person) for other in alike.get(key, ())}
        for uuid, other in others.items():
            if uuid != person.person_uuid and (why := rules.find_likeness(person.entry, other.entry)):
                first, second = sorted((person, other), key=lambda known: known.person_uuid)
                pair = Likely(first.grid_code, second.grid_code, why)
                found[first.person_uuid, second.person_uuid] = pair
    return found


def _list_candidates(people: Collection[_Known]) -> list[_Known]:
    """Whoever has one of their numbers; and in their townships one of their names, or a name that sounds like one and
    one of their birthdays.
    """
    entries = [person.entry for person in people]
    names = {entry.name for entry in entries if rules.plain_word(entry.name)}
    words = {rules.plain_word(name) for name in names} | {rules.initials(name) for name in names}
    townships = {person.grid_code[: LEVELS["township"]] for person in people}
    phones = {entry.phone_hash for entry in entries} - {None}
    of_few = (
        select(Person.phone_hash)
        .where(Person.phone_hash.in_(phones))
        .group_by(Person.phone_hash)
        .having(func.count() <= _MOST_OF_ONE_PHONE)
    )
    phones = set(db.session.scalars(of_few)) if phones else phones
    ways = union(
        select(Person.person_uuid).where(Person.id_hash.in_({entry.id_hash for entry in entries} - {None})),
        select(Person.person_uuid).where(Person.phone_hash.in_(phones)),
        select(Person.person_uuid)
        .join(SearchWord, SearchWord.household_uuid == Person.household_uuid)
        .where(
            SearchWord.kind == "name",
            SearchWord.word.in_(words - {""}),
            scope.within(SearchWord.grid_code, sorted(townships)),
            Person.name.in_(names) | Person.birth_on.in_({entry.birth_on for entry in entries} - {None}),
        ),
    )
    return _read_known(Person.person_uuid.in_(ways))


def _read_known(condition: ColumnElement[bool]) -> list[_Known]:
    rows = db.session.execute(
        select(
            *(
                Person.person_uuid,
                Person.name,
                Person.sex,
                Person.birth_on,
                Person.id_hash,
                Person.phone_hash,
            ),
            *(Household.name, Household.address, Household.grid_code),
        )
        .join(Household, Household.household_uuid == Person.household_uuid)
        .where(condition, Person.merged_into.is_(None))
    )
    return [
        _Known(row[0], row[-1], rules.Entry(*row[1:-1], village_code=row[-1][: LEVELS["village"]]))
        for row in rows
    ]


def _keys_of(known: _Known) -> list[Hashable]:
    """What two people must share one of to be compared."""
    entry, township = known.entry, known.grid_code[: LEVELS["township"]]
    name = rules.plain_word(entry.name)
    keys: list[Hashable] = [("id", entry.id_hash), ("phone", entry.phone_hash)]
    if name:
        keys += [("name", township, name), ("sound", township, rules.initials(entry.name), entry.birth_on)]
    return [key for key in keys if key[-1] is not None]  # type: ignore[index]


def open_pairs(area_codes: Sequence[str], page: int, *, are_ruled_out: bool = False) -> Select[LikelyPair]:
    """The search for a page of likely pairs that lie in those areas with both, by place; one more than fits.

    `are_ruled_out`: of those that are said to be two people.
    """
    ruled_out_at = LikelyPair.ruled_out_at
    return (
        select(LikelyPair)
        .where(
            ruled_out_at.is_not(None) if are_ruled_out else ruled_out_at.is_(None),
            scope.within(LikelyPair.one_grid, area_codes),
            scope.within(LikelyPair.other_grid, area_codes),
        )
        .order_by(LikelyPair.one_grid, LikelyPair.one_uuid, LikelyPair.other_uuid)
        .offset((page - 1) * PAIRS_PER_PAGE)
        .limit(PAIRS_PER_PAGE + 1)
    )


def list_pairs(
    area_codes: Sequence[str], page: int, *, are_ruled_out: bool = False
) -> tuple[list[Pair], bool]:
    """A page of the likely pairs of those areas, who was first on the list first; and whether there are more.

    `are_ruled_out`: of those that are said to be two people.
    """
    rows = db.session.scalars(open_pairs(area_codes, page, are_ruled_out=are_ruled_out)).all()
    return _read_pairs(rows[:PAIRS_PER_PAGE]), len(rows) > PAIRS_PER_PAGE


def list_pairs_in(household_uuid: str) -> list[Pair]:
    """The likely pairs of people who live together in that household."""
    members = select(Person.person_uuid).where(Person.household_uuid == household_uuid)
    rows = db.session.scalars(
        select(LikelyPair).where(
            LikelyPair.ruled_out_at.is_(None),
            LikelyPair.one_uuid.in_(members),
            LikelyPair.other_uuid.in_(members),
        )
    )
    return _read_pairs(rows.all())


def _read_pairs(rows: Sequence[LikelyPair]) -> list[Pair]:
    people = {
        person.person_uuid: person
        for person in db.session.scalars(
            select(Person)
            .where(Person.person_uuid.in_({uuid for row in rows for uuid in (row.one_uuid, row.other_uuid)}))
            .options(joinedload(Person.household))
        )
    }
    pairs = []
    for row in rows:
        if not {row.one_uuid, row.other_uuid} <= people.keys():
            # Taken out since the rows were read.
            continue
        one, other = sorted(
            (people[row.one_uuid], people[row.other_uuid]),
            key=lambda person: (
                person.registered_on,
                clock.iso(person.found_at) if person.found_at else "",
                person.person_uuid,
            ),
        )
        pairs.append(Pair(one, other, row.why, row.ruled_out_by, row.ruled_out_at))
    return pairs


def list_pairs_of(person_uuids: Collection[str]) -> dict[PairKey, tuple[Likely, bool]]:
    """The pairs that name those people as they are kept, and whether they were ruled out."""
    row = LikelyPair
    rows = db.session.execute(
        select(row.one_uuid, row.other_uuid, row.one_grid, row.other_grid, row.why, row.ruled_out_at).where(
            row.one_uuid.in_(person_uuids) | row.other_uuid.in_(person_uuids)
        )
    )
    return {
        (one, other): (Likely(one_grid, other_grid, why), ruled_out_at is not None)
        for one, other, one_grid, other_grid, why, ruled_out_at in rows
    }


def list_grids_of(person_uuids: Collection[str]) -> dict[str, str]:
    """Where those people are, as far as they are on the list."""
    rows = db.session.execute(
        select(Person.person_uuid, Household.grid_code)
        .join(Household, Household.household_uuid == Person.household_uuid)
        .where(Person.person_uuid.in_(person_uuids))
    )
    return {row[0]: row[1] for row in rows}


def find_pair(uuids: Sequence[str]) -> LikelyPair | None:
    """The pair of two people; or None. Nobody else writes pairs until the transaction ends."""
    lock_pairs()
    one, other = sorted(uuids)
    return db.session.get(LikelyPair, (one, other), populate_existing=True)


def lock_pairs() -> None:
    """Let nobody else write pairs until the transaction ends; SQLite's writers wait anyway.

    One lock for all: who comes second then sees the people and the pairs of who came first.
    """
    if db.session().get_bind().dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(func.hashtext(LikelyPair.__tablename__))))


def list_merges(area_codes: Sequence[str]) -> list[Merge]:
    """The last merges of those areas, undone ones too, the newest first."""
    return list(
        db.session.scalars(
            select(Merge)
            .where(scope.within(Merge.grid_code, area_codes))
            .order_by(Merge.merge_id.desc())
            .limit(MERGES_SHOWN)
        )
    )


def list_merges_into(uuids: Sequence[str]) -> list[Merge]:
    """The merges into those entries that were not undone, the newest first."""
    return list(
        db.session.scalars(
            select(Merge)
            .where(Merge.winner_uuid.in_(uuids), Merge.undone_at.is_(None))
            .order_by(Merge.merge_id.desc())
        )
    )


def get_merge(merge_id: int, area_codes: Sequence[str], *, lock: bool = False) -> Merge:
    """A merge in those areas; raises not_found."""
    merge = db.session.get(Merge, merge_id, with_for_update=lock or None, populate_existing=True)
    if merge is None or not scope.covers(area_codes, merge.grid_code):
        raise AppError("not_found")
    return merge


def find_merge_since(merge_id: int, uuid: str) -> Merge | None:
    """The first later merge, not undone, in which that entry lost; or None."""
    return db.session.scalar(
        select(Merge)
        .where(Merge.merge_id > merge_id, Merge.loser_uuid == uuid, Merge.undone_at.is_(None))
        .order_by(Merge.merge_id)
        .limit(1)
    )
