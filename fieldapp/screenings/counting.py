"""Who was screened, as it counts: each person once in an area and a time, apart from visits.

Invariant: what is counted of a screening is what its rows and those of all others say together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import func, select

from fieldapp.core import clock, scope
from fieldapp.core.db import db
from fieldapp.people import queries as people
from fieldapp.people.models import Person
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.queries import read_running
from fieldapp.rollups.rules import Contact, Key, ListSince, add_repeats, tally
from fieldapp.screenings.models import Screening, ScreeningRow

COLUMN = "screened"
AT_ONCE = 500


def count_screening(screening_id: int, by: int = 1) -> None:
    """Count those whom a screening that is there means; `by` -1 takes them off before it goes."""
    rollups.lock_subject(COLUMN, "")
    rows = select(ScreeningRow.person_uuid).where(ScreeningRow.screening_id == screening_id)
    named = sorted({uuid for uuid in db.session.scalars(rows.distinct()) if uuid})
    counts: Counter[Key] = Counter()
    list_since = read_running()
    for some in _batches(sorted(set(people.list_standing(Person, named).values()))):
        with_it, without = list_contacts(some), list_contacts(some, besides=screening_id)
        for contacts, sign in ((with_it, by), (without, -by)):
            for of_one in contacts.values():
                for key, value in tally(of_one, list_since, date.min).items():
                    counts[key] += sign * value
    rollups.add(counts)


def tally_people(person_uuids: Iterable[str], list_since: ListSince) -> Counter[Key]:
    """What those who stand for these people count as screened."""
    counts: Counter[Key] = Counter()
    for some in _batches(sorted(set(people.list_standing(Person, person_uuids).values()))):
        for contacts in list_contacts(some).values():
            counts.update(tally(contacts, list_since, date.min))
    return counts


def list_screened() -> list[str]:
    """Everybody whom a screening means."""
    return [uuid for uuid in db.session.scalars(select(ScreeningRow.person_uuid).distinct()) if uuid]


def count_repeats(
    area_code: str, digits: int, among: Iterable[str], firsts: Sequence[date], last: date
) -> list[Counter[str]]:
    """What an area adds to the sum of those of its parts for people screened in several: as of visits."""
    codes = set(among)
    there = (
        scope.within(ScreeningRow.grid_code, [area_code]),
        ScreeningRow.week_on.between(min(firsts), last),
    )
    part = func.substr(ScreeningRow.grid_code, 1, digits)
    in_several = (
        select(ScreeningRow.person_uuid)
        .where(*there, part.in_(codes))
        .group_by(ScreeningRow.person_uuid)
        .having(func.count(part.distinct()) > 1)
    )
    # Whoever was merged with somebody may have been screened under one key here and another there.
    merged = select(ScreeningRow.person_uuid).where(
        *there, ScreeningRow.person_uuid.in_(people.select_merged(Person))
    )
    named = {uuid for rows in (in_several, merged) for uuid in db.session.scalars(rows) if uuid}
    counts: list[Counter[str]] = [Counter() for _ in firsts]
    for some in _batches(sorted(set(people.list_standing(Person, named).values()))):
        for contacts in list_contacts(some).values():
            add_repeats(counts, contacts, digits, codes, firsts, last)
    return counts


def list_contacts(person_uuids: Iterable[str], besides: int | None = None) -> dict[str, list[Contact]]:
    """When those people, who stand for themselves, were screened; but in the screening `besides`."""
    behind = people.list_behind(Person, person_uuids)
    wanted = (
        select(ScreeningRow.person_uuid, ScreeningRow.grid_code, ScreeningRow.week_on, Screening.screened_on)
        .join(Screening, ScreeningRow.screening_id == Screening.screening_id)
        .where(ScreeningRow.person_uuid.in_(list(behind)))
    )
    if besides is not None:
        wanted = wanted.where(ScreeningRow.screening_id != besides)
    contacts: dict[str, list[Contact]] = {}
    for uuid, grid_code, week_on, screened_on in db.session.execute(wanted):
        if uuid and grid_code and week_on:
            one = Contact(clock.midnight(screened_on), grid_code, week_on, (COLUMN,))
            contacts.setdefault(behind[uuid], []).append(one)
    return contacts


def _batches(uuids: list[str]) -> Iterable[list[str]]:
    return (uuids[start : start + AT_ONCE] for start in range(0, len(uuids), AT_ONCE))
