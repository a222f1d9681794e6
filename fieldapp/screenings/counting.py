"""Who was screened, as it counts: each person once in an area and a time, apart from visits.

Invariant: what is counted of a screening is what its rows and those of all others say together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import JSON, ColumnElement, Select, literal, select

from fieldapp.core.db import db
from fieldapp.people import queries as people
from fieldapp.people.models import Person
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.queries import read_running
from fieldapp.rollups.rules import SCREENED, Contact, Key, Subject, tally
from fieldapp.screenings.models import Screening, ScreeningRow
from fieldapp.visits import repeats

COLUMN = "screened"
AT_ONCE = 500


def count_screening(screening_id: int, by: int = 1) -> None:
    """Count those whom a screening that is there means; `by` -1 takes them off before it goes."""
    rollups.lock_subject(COLUMN, "")
    its_own = _read(ScreeningRow.screening_id == screening_id)
    counted, nobody = (
        {(SCREENED, uuid): [contact] for uuid, contact in its_own},
        dict[Subject, list[Contact]](),
    )
    repeats.amend(*((nobody, counted) if by > 0 else (counted, nobody)))
    named = sorted({uuid for uuid, _ in its_own})
    counts: Counter[Key] = Counter()
    list_since = read_running()
    for some in _batches(sorted(set(people.list_standing(Person, named).values()))):
        with_it, without = list_contacts(some), list_contacts(some, besides=screening_id)
        repeats.note(_as_subjects(with_it))
        for contacts, sign in ((with_it, by), (without, -by)):
            for of_one in contacts.values():
                for key, value in tally(of_one, list_since, date.min).items():
                    counts[key] += sign * value
    rollups.add(counts)


def list_screened() -> list[str]:
    """Who stands for everybody whom a screening means."""
    named = [uuid for uuid in db.session.scalars(select(ScreeningRow.person_uuid).distinct()) if uuid]
    return sorted(set(people.list_standing(Person, named).values()))


def select_traces(entries: Collection[Subject], first: date, last: date) -> Select[Any]:
    """When those entries were screened, as rows of `visits.repeats.select_traces`."""
    uuids = [uuid for kind, uuid in entries if kind == SCREENED]
    who = literal(SCREENED), ScreeningRow.person_uuid, literal(0), Screening.made_at
    where = ScreeningRow.grid_code, ScreeningRow.week_on, literal([COLUMN], JSON), literal(1), literal(0)
    rows = select(*who, *where).join(Screening, ScreeningRow.screening_id == Screening.screening_id)
    return rows.where(ScreeningRow.person_uuid.in_(uuids), ScreeningRow.week_on.between(first, last))


def list_contacts(person_uuids: Iterable[str], besides: int | None = None) -> dict[str, list[Contact]]:
    """When those people, who stand for themselves, were screened; but in the screening `besides`."""
    behind = people.list_behind(Person, person_uuids)
    wanted: list[ColumnElement[bool]] = [ScreeningRow.person_uuid.in_(list(behind))]
    if besides is not None:
        wanted.append(ScreeningRow.screening_id != besides)
    contacts: dict[str, list[Contact]] = {}
    for uuid, contact in _read(*wanted):
        contacts.setdefault(behind[uuid], []).append(contact)
    return contacts


def _read(*wanted: ColumnElement[bool]) -> list[tuple[str, Contact]]:
    """Whom rows of screenings mean, and when they were screened."""
    rows = (
        select(ScreeningRow.person_uuid, Screening.made_at, ScreeningRow.grid_code, ScreeningRow.week_on)
        .join(Screening, ScreeningRow.screening_id == Screening.screening_id)
        .where(*wanted)
    )
    return [
        (uuid, Contact(at, grid_code, week_on, (COLUMN,)))
        for uuid, at, grid_code, week_on in db.session.execute(rows)
        if uuid and grid_code and week_on
    ]


def list_contacts_of(person_uuids: Iterable[str]) -> dict[Subject, list[Contact]]:
    """When those were screened who stand for these people."""
    return _as_subjects(list_contacts(set(people.list_standing(Person, person_uuids).values())))


def _as_subjects(contacts: Mapping[str, list[Contact]]) -> dict[Subject, list[Contact]]:
    return {(SCREENED, uuid): held for uuid, held in contacts.items()}


def _batches(uuids: list[str]) -> Iterable[list[str]]:
    return (uuids[start : start + AT_ONCE] for start in range(0, len(uuids), AT_ONCE))
