"""Finding who could be on the list twice, and the list of those that were found.

Invariant: every read is of a few ranges of indexes, at two million people too; nobody is compared with everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, union
from sqlalchemy.orm import joinedload

from fieldapp.areas.models import LEVELS
from fieldapp.core import clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import rules
from fieldapp.people.models import LikelyPair, Merge, Person, SearchWord

PAIRS_PER_PAGE = 20
MERGES_SHOWN = 50
# A number that more people have than this is the village's, not a person's.
_MOST_OF_ONE_PHONE = 10


@dataclass(frozen=True)
class Pair:
    """Two entries that could be one person, and what of them is alike."""

    one: Person
    other: Person
    why: list[str]


# By uuid, the grid of who else it could be, and what of the two is alike.
Likely = dict[str, tuple[str, list[str]]]


def find_likely(people: Collection[Person]) -> dict[str, Likely]:
    """Who else could be one of those people, by their uuid: by number anywhere, else in their township."""
    entries = {person.person_uuid: _as_entry(person) for person in people}
    alike: dict[Hashable, list[Person]] = {}
    for other in _list_candidates(people):
        for key in _keys_of(_as_entry(other)):
            alike.setdefault(key, []).append(other)
    found: dict[str, Likely] = {}
    for person_uuid, entry in entries.items():
        others = {other.person_uuid: other for key in _keys_of(entry) for other in alike.get(key, ())}
        found[person_uuid] = {
            uuid: (other.household.grid_code, why)
            for uuid, other in others.items()
            if uuid != person_uuid and (why := rules.find_likeness(entry, _as_entry(other)))
        }
    return found


def _list_candidates(people: Collection[Person]) -> list[Person]:
    """Whoever has one of their numbers; and in their townships one of their names, or a name that sounds like one and
    one of their birthdays.
    """
    names = {person.name for person in people if rules.plain_word(person.name)}
    words = {rules.plain_word(name) for name in names} | {rules.initials(name) for name in names}
    townships = {person.household.grid_code[: LEVELS["township"]] for person in people}
    phones = {person.phone_hash for person in people} - {None}
    of_few = (
        select(Person.phone_hash)
        .where(Person.phone_hash.in_(phones))
        .group_by(Person.phone_hash)
        .having(func.count() <= _MOST_OF_ONE_PHONE)
    )
    phones = set(db.session.scalars(of_few)) if phones else phones
    ways = union(
        select(Person.person_uuid).where(Person.id_hash.in_({person.id_hash for person in people} - {None})),
        select(Person.person_uuid).where(Person.phone_hash.in_(phones)),
        select(Person.person_uuid)
        .join(SearchWord, SearchWord.household_uuid == Person.household_uuid)
        .where(
            SearchWord.kind == "name",
            SearchWord.word.in_(words - {""}),
            scope.within(SearchWord.grid_code, sorted(townships)),
            Person.name.in_(names) | Person.birth_on.in_({person.birth_on for person in people} - {None}),
        ),
    )
    return list(
        db.session.scalars(
            select(Person)
            .where(Person.person_uuid.in_(ways), Person.merged_into.is_(None))
            .options(joinedload(Person.household))
        )
    )


def _keys_of(entry: rules.Entry) -> list[Hashable]:
    """What two entries must share one of to be compared."""
    township, name = entry.village_code[: LEVELS["township"]], rules.plain_word(entry.name)
    keys: list[Hashable] = [("id", entry.id_hash), ("phone", entry.phone_hash)]
    if name:
        keys += [("name", township, name), ("sound", township, rules.initials(name), entry.birth_on)]
    return [key for key in keys if key[-1] is not None]  # type: ignore[index]


def _as_entry(person: Person) -> rules.Entry:
    household = person.household
    return rules.Entry(
        person.name,
        person.sex,
        person.birth_on,
        person.id_hash,
        person.phone_hash,
        household.name,
        household.address,
        household.grid_code[: LEVELS["village"]],
    )


def open_pairs(area_codes: Sequence[str], page: int) -> Select[LikelyPair]:
    """The search for a page of likely pairs that lie in those areas with both, by place; one more than fits."""
    return (
        select(LikelyPair)
        .where(
            LikelyPair.ruled_out_at.is_(None),
            scope.within(LikelyPair.one_grid, area_codes),
            scope.within(LikelyPair.other_grid, area_codes),
        )
        .order_by(LikelyPair.one_grid, LikelyPair.one_uuid, LikelyPair.other_uuid)
        .offset((page - 1) * PAIRS_PER_PAGE)
        .limit(PAIRS_PER_PAGE + 1)
    )


def list_pairs(area_codes: Sequence[str], page: int) -> tuple[list[Pair], bool]:
    """A page of the likely pairs of those areas, who was first on the list first; and whether there are more."""
    rows = db.session.scalars(open_pairs(area_codes, page)).all()
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
        one, other = sorted(
            (people[row.one_uuid], people[row.other_uuid]),
            key=lambda person: (
                person.registered_on,
                clock.iso(person.found_at) if person.found_at else "",
                person.person_uuid,
            ),
        )
        pairs.append(Pair(one, other, row.why))
    return pairs


def list_pairs_of(person_uuid: str) -> list[LikelyPair]:
    """The pairs that name a person, those that were ruled out among them."""
    of_it = (LikelyPair.one_uuid == person_uuid) | (LikelyPair.other_uuid == person_uuid)
    return list(db.session.scalars(select(LikelyPair).where(of_it)))


def find_pair(uuids: Sequence[str]) -> LikelyPair | None:
    """The pair of two people, locked until the transaction ends; or None."""
    one, other = sorted(uuids)
    return db.session.get(LikelyPair, (one, other), with_for_update=True, populate_existing=True)


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
