"""What a city, or the province, counts twice in the sheets it is made of: 跨地区重复.

Invariant: exactly whom the sheets count, as they counted them; who was merged with somebody since is one of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from itertools import islice

from sqlalchemy import union_all

from fieldapp.core.db import db
from fieldapp.rollups import queries as rollups
from fieldapp.rollups.rules import Basis, Subject, Trace, list_counted, repeat_of
from fieldapp.screenings import counting as screenings
from fieldapp.visits import repeats as visits

# A statement may name 32,766 values on SQLite; each entry is named in two places.
ENTRIES_AT_ONCE = 15_000


def count_repeats(
    area_code: str,
    digits: int,
    week_on: date,
    since: date,
    bases: Mapping[str, Basis],
    whole: Collection[str],
) -> tuple[Counter[str], Counter[str]]:
    """What an area adds to the sum of its parts (codes of so many digits), as `rollups.rules.repeat_of`, this week and in all,
    where they count those counties upon these bases; `since`: with which week its own running figures begin; `whole`: the parts
    of which no county is missing there.
    """
    week: Counter[str] = Counter()
    total: Counter[str] = Counter()
    reported = {county[:digits] for county in bases}
    if len(reported) < 2:
        # One part alone repeats nobody.
        return week, total
    first = min(basis.since for basis in bases.values())
    others = {county[:digits] for county, basis in bases.items() if basis.since != first}
    known = {code: basis.known for code, basis in bases.items() if basis.known is not None}
    chosen, changed = visits.find_repeats(area_code, first, week_on, reported, set(whole) - others, known)
    sides: list[tuple[int, Callable[[str], Basis | None]]] = [(1, bases.get)]
    if first == since and len(changed) < len(chosen):
        # What stands now says it, but for those whom parts count otherwise: where most have reported, they are fewer.
        for counts, now in zip((week, total), rollups.sum_repeats(area_code, first, week_on), strict=True):
            counts.update(now)
        chosen = changed
        sides.append((-1, lambda _: Basis(first, None)))
    entries = visits.list_entries(area_code, first) if chosen else {}
    standing = {entries[entry] for entry in chosen & entries.keys()}
    entries = {entry: one for entry, one in entries.items() if one in standing}
    for traces in _list_traces(entries, first, week_on):
        for sign, basis_of in sides:
            counted = list_counted(traces, basis_of)
            of_week = (contact for contact in counted if contact.week_on == week_on)
            for counts, contacts in ((week, of_week), (total, counted)):
                for column, by in repeat_of(contacts, digits).items():
                    counts[column] += sign * by
    return week, total


def _list_traces(entries: Mapping[Subject, Subject], first: date, last: date) -> Iterator[list[Trace]]:
    """Of each of those whose entries they are: their contacts in those weeks, and what was amended of them."""
    traces: dict[Subject, list[Trace]] = {}
    following = iter(sorted(entries))
    while some := list(islice(following, ENTRIES_AT_ONCE)):
        both = *visits.select_traces(some, first, last), screenings.select_traces(some, first, last)
        # In one statement: what is amended meanwhile is in both, or in neither.
        for entry, trace in visits.read_traces(db.session.execute(union_all(*both))):
            traces.setdefault(entries[entry], []).append(trace)
    yield from traces.values()
