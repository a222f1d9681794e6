"""What a city, or the province, counts twice in the sheets it is made of: 跨地区重复.

Invariant: exactly whom the sheets count, as they counted them; who was merged with somebody since is one of both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice

from sqlalchemy import union_all

from fieldapp.core.db import db
from fieldapp.rollups.rules import Basis, Subject, Trace, list_counted, repeat_of
from fieldapp.screenings import counting as screenings
from fieldapp.visits import repeats as visits

# A statement may name 32,766 values on SQLite; each entry is named in two places.
ENTRIES_AT_ONCE = 15_000


def count_repeats(
    area_code: str, digits: int, week_on: date, bases: Mapping[str, Basis]
) -> tuple[Counter[str], Counter[str]]:
    """What an area adds to the sum of its parts (codes of so many digits), as `rollups.rules.repeat_of`, this week and in
    all, where they count those counties upon these bases.
    """
    week: Counter[str] = Counter()
    total: Counter[str] = Counter()
    # One county alone repeats nobody.
    first = min((basis.since for basis in bases.values()), default=week_on)
    for traces in _list_traces(area_code, first, week_on) if len(bases) > 1 else ():
        counted = list_counted(traces, bases)
        week.update(repeat_of((contact for contact in counted if contact.week_on == week_on), digits))
        total.update(repeat_of(counted, digits))
    return week, total


def _list_traces(area_code: str, first: date, last: date) -> Iterator[list[Trace]]:
    """Of each whom several parts of an area count: their contacts in those weeks, and what was amended of them."""
    entries = visits.list_entries(area_code, first)
    traces: dict[Subject, list[Trace]] = {}
    following = iter(sorted(entries))
    while some := list(islice(following, ENTRIES_AT_ONCE)):
        both = *visits.select_traces(some, first, last), screenings.select_traces(some, first, last)
        # In one statement: what is amended meanwhile is in both, or in neither.
        for entry, trace in visits.read_traces(db.session.execute(union_all(*both))):
            traces.setdefault(entries[entry], []).append(trace)
    yield from traces.values()
