"""Who counts in several parts of a city or province, and what was amended of it since sheets could have been made of that.

Invariant: whom several parts count, or count in a sheet, is noted; some may be noted whom they no longer do. What a sheet counts
is what counts now, less what was amended since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    and_,
    cast,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)

from fieldapp.areas.queries import county_of
from fieldapp.core import clock, scope
from fieldapp.core.db import UuidText, db, insert_into
from fieldapp.people import queries as people
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import COUNTS_AS_CONTACT
from fieldapp.rollups import queries as rollups
from fieldapp.rollups.models import AmendedContact, Repeated
from fieldapp.rollups.rules import (
    HOUSEHOLD,
    PERSON,
    SCREENED,
    WORKER,
    Contact,
    Subject,
    Trace,
    list_repeated,
)
from fieldapp.visits.models import Visit, VisitPerson

_ENTRIES: Mapping[str, type[Household | Person]] = {HOUSEHOLD: Household, PERSON: Person, SCREENED: Person}
KINDS = (*_ENTRIES, WORKER)


def note(contacts: Mapping[Subject, Iterable[Contact]]) -> None:
    """Note of those who stand for themselves, with all their contacts, whom several parts count, or count in a sheet."""
    amended = _list_amended(contacts)
    rows = [
        {"area_code": code, "kind": kind, "key": _as_uuid(kind, key), "part": part, "week_on": week_on}
        for (kind, key), held in sorted(contacts.items())
        for (code, part), week_on in sorted(list_repeated([*held, *amended.get((kind, key), ())]).items())
    ]
    if rows:
        statement = insert_into(Repeated)
        statement = statement.on_conflict_do_update(
            index_elements=["area_code", "kind", "key", "part"],
            set_={"week_on": statement.excluded.week_on},
            where=Repeated.week_on < statement.excluded.week_on,
        )
        db.session.execute(statement, rows)


def amend(before: Mapping[Subject, Iterable[Contact]], now: Mapping[Subject, Iterable[Contact]]) -> None:
    """Keep what is amended of the contacts of those whom records name, in weeks that their county has confirmed, and before."""
    changes: Counter[tuple[Subject, Contact]] = Counter()
    for held, by in ((before, -1), (now, 1)):
        for subject, contacts in held.items():
            for contact in contacts:
                changes[subject, contact] += by
    this = rollups.get_week(clock.now()).ends_on
    late = sorted(key for key, by in changes.items() if by and key[1].week_on < this)
    closed = rollups.lock_closed({county_of(contact.area_code) for _, contact in late})
    rows = [
        {
            "kind": kind,
            "key": _as_uuid(kind, key),
            "at": contact.at,
            "area_code": contact.area_code,
            "week_on": contact.week_on,
            "columns": list(contact.columns),
            "by": changes[(kind, key), contact],
        }
        for (kind, key), contact in late
        if contact.week_on <= closed.get(county_of(contact.area_code), date.min)
    ]
    if rows:
        db.session.execute(insert(AmendedContact), rows)


def find_repeats(
    area_code: str,
    first: date,
    last: date,
    reported: Collection[str],
    whole: Collection[str],
    known: Mapping[str, int],
) -> tuple[set[Subject], set[Subject]]:
    """Of those whom several parts of a city or province count, from the week that ends on `first` to the one that ends on `last`:
    whom several of the parts `reported` do; and the entries of whom these may count otherwise than they stand now. Those are who
    counts in a part that is not in `whole`, and of whom something was amended after the number that is `known` in the county.
    """
    parts = [
        select(
            *(Repeated.kind, Repeated.key),
            func.count().filter(Repeated.part.in_(reported)),
            func.count().filter(Repeated.part.not_in(whole)),
            *(literal(""), literal(0)),
        )
        .where(Repeated.area_code == area_code, Repeated.week_on >= first)
        .group_by(Repeated.kind, Repeated.key)
        .having(func.count() > 1)
    ]
    if known:
        amended = AmendedContact.area_code, AmendedContact.id
        parts.append(
            select(AmendedContact.kind, AmendedContact.key, literal(0), literal(0), *amended).where(
                AmendedContact.id > min(known.values()),
                scope.within(AmendedContact.area_code, [area_code]),
                AmendedContact.week_on <= last,
            )
        )
    several: set[Subject] = set()
    changed: set[Subject] = set()
    for kind, key, there, elsewhere, grid_code, number in db.session.execute(union_all(*parts)):
        if there > 1:
            several.add((kind, key))
        if elsewhere or number > known.get(county_of(grid_code), number):
            changed.add((kind, key))
    return several, changed


def list_entries(area_code: str, first: date) -> dict[Subject, Subject]:
    """All entries of those whom several parts of a city or province count, who count in weeks from `first` on: by (kind, UUID),
    who stands for it.
    """

    def noted(kind: str) -> Select[str]:
        there = Repeated.area_code == area_code, Repeated.kind == kind, Repeated.week_on >= first
        return select(Repeated.key).where(*there).distinct()

    parts: list[Select[Any]] = [
        people.select_entries_of(model, noted(kind)).add_columns(literal(kind))
        for kind, model in _ENTRIES.items()
    ]
    parts.append(noted(WORKER).add_columns(Repeated.key, literal(0), literal(WORKER)))
    # Of two of those the one that stands for the other comes last.
    rows = sorted(db.session.execute(union_all(*parts)), key=lambda row: row[2])
    return {(kind, uuid): (kind, start) for uuid, start, _, kind in rows}


def select_traces(entries: Collection[Subject], first: date, last: date) -> list[Select[Any]]:
    """What of those entries counts in visits of those weeks, and what was amended there, each as rows (kind, UUID, number of
    a worker, at, area_code, week_on, columns, by, number of the amendment).
    """
    keys = {kind: [uuid for held, uuid in entries if held == kind] for kind in KINDS}
    # Put so that no index of weeks serves: it is those few whose visits are read, of however many weeks.
    counts = (
        func.coalesce(Visit.week_on, Visit.week_on).between(first, last),
        Visit.outcome.in_(COUNTS_AS_CONTACT),
        Visit.state != "voided",
    )
    homes = select(
        *(literal(HOUSEHOLD), Visit.household_uuid, literal(0), Visit.finished_at, Visit.area_code),
        *(Visit.week_on, literal(["households"], JSON), literal(1), literal(0)),
    ).where(Visit.household_uuid.in_(keys[HOUSEHOLD]), *counts)
    by_week = Visit.worker_id, Visit.area_code, Visit.week_on
    workers = select(
        *(literal(WORKER), cast(null(), UuidText), Visit.worker_id, func.max(Visit.finished_at)),
        *(Visit.area_code, Visit.week_on, literal([], JSON), func.count(), literal(0)),
    ).where(Visit.worker_id.in_([int(_as_key(WORKER, uuid)) for uuid in keys[WORKER]]), *counts)
    amended = select(
        *(AmendedContact.kind, AmendedContact.key, literal(0), AmendedContact.at, AmendedContact.area_code),
        *(AmendedContact.week_on, AmendedContact.columns, -AmendedContact.by, AmendedContact.id),
    ).where(
        or_(*(and_(AmendedContact.kind == kind, AmendedContact.key.in_(keys[kind])) for kind in KINDS)),
        AmendedContact.week_on.between(first, last),
    )
    return [_select_seen(keys[PERSON], counts), homes, workers.group_by(*by_week), amended]


def _select_seen(person_uuids: Collection[str], counts: Iterable[ColumnElement[bool]]) -> Select[Any]:
    """Of people the same. Asked of one visit after the other, first whether it counts: a join may become a reading of all."""
    week_on = select(Visit.week_on).where(Visit.visit_uuid == VisitPerson.visit_uuid, *counts)
    named = (
        select(VisitPerson, week_on.scalar_subquery().label("week_on"))
        .where(VisitPerson.person_uuid.in_(person_uuids))
        .offset(0)
        .subquery()
    )
    at, area_code = (
        select(column).where(Visit.visit_uuid == named.c.visit_uuid).scalar_subquery()
        for column in (Visit.finished_at, Visit.area_code)
    )
    return select(
        *(literal(PERSON), named.c.person_uuid, literal(0), at, area_code, named.c.week_on),
        *(named.c.counted_as, literal(1), literal(0)),
    ).where(named.c.week_on.is_not(None))


def read_traces(rows: Iterable[Any]) -> Iterator[tuple[Subject, Trace]]:
    """What rows of `select_traces` say, each of an entry."""
    for kind, uuid, worker_id, at, area_code, week_on, columns, by, number in rows:
        if kind == WORKER:
            yield (kind, uuid or _as_uuid(kind, worker_id)), (worked(area_code, week_on), by, number)
        else:
            yield (kind, uuid), (Contact(at, area_code, week_on, tuple(columns)), by, number)


def worked(area_code: str, week_on: date) -> Contact:
    """A worker's contact: they count in one column only, when in the week it was makes no difference."""
    return Contact(clock.midnight(week_on), area_code, week_on, ("staff",))


def _list_amended(subjects: Collection[Subject]) -> dict[Subject, list[Contact]]:
    """What was amended of those who stand for themselves, under whichever uuid."""
    parts = []
    for kind in sorted({kind for kind, _ in subjects}):
        keys = [_as_uuid(kind, key) for held, key in subjects if held == kind]
        what = literal(kind), AmendedContact.at, AmendedContact.area_code, AmendedContact.week_on
        if kind == WORKER:
            of_kind = select(AmendedContact.key, *what).where(AmendedContact.key.in_(keys))
        else:
            behind = people.select_behind(_ENTRIES[kind], keys).subquery()
            of_kind = select(behind.c.start, *what).join(behind, AmendedContact.key == behind.c.uuid)
        parts.append(of_kind.where(AmendedContact.kind == kind))
    amended: dict[Subject, list[Contact]] = {}
    for uuid, kind, at, area_code, week_on in db.session.execute(union_all(*parts)) if parts else ():
        amended.setdefault((kind, _as_key(kind, uuid)), []).append(Contact(at, area_code, week_on, ()))
    return amended


def _as_uuid(kind: str, key: str | int) -> str:
    return str(UUID(int=int(key))) if kind == WORKER else str(key)


def _as_key(kind: str, uuid: str) -> str:
    return str(UUID(uuid).int) if kind == WORKER else uuid
