"""Counts everything anew from the records, compares that with what is kept, and puts it right.

Invariant: the same functions that count a record when it changes count it here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice

from sqlalchemy import String, bindparam, cast, select, tuple_, update
from sqlalchemy.orm import selectinload

from fieldapp.aid import counting as aid_counting
from fieldapp.aid.models import Aid
from fieldapp.core import clock
from fieldapp.core.db import db, snapshot, transaction
from fieldapp.followups import counting as followup_counting
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.followups.rules import REVISIT_TYPE
from fieldapp.people import queries as people
from fieldapp.people.counting import list_admitted, list_columns
from fieldapp.people.models import Admission, Person
from fieldapp.relief import counting as relief_counting
from fieldapp.relief.models import ReliefCase
from fieldapp.rollups import actions as rollups
from fieldapp.rollups.models import CountyRollup, Rollup, RollupChange
from fieldapp.rollups.queries import (
    choose_week,
    get_week,
    list_wrong_counties,
    read_all,
    read_running,
)
from fieldapp.rollups.rules import HOUSEHOLD, PERSON, WEEK, WORKER, Contact, Key, ListSince, Subject, tally
from fieldapp.screenings import counting as screening_counting
from fieldapp.screenings.models import Screening, ScreeningRow
from fieldapp.visits import counting as visit_counting, repeats
from fieldapp.visits.counting import AT_ONCE
from fieldapp.visits.models import Visit, VisitPerson

GIVEN = ("given", "reversed")


def count_all() -> Counter[Key]:
    """Everything that counts, from the records; nothing that is zero."""
    counts: Counter[Key] = Counter()
    for part in (
        _count_subjects(read_running()),
        _count_visits(),
        _count_aid(),
        _count_tasks(),
        _count_admissions(),
        _count_cases(),
    ):
        for key, value in part:
            counts[key] += value
    return Counter({key: value for key, value in counts.items() if value})


def list_wrong() -> dict[Key, tuple[int, int]]:
    """What is kept otherwise than it counts, at one instant: (kept, counted anew); of a county, too, that does not add its
    grids up.
    """
    with snapshot():
        return {**list_wrong_counties(), **_list_wrong_grids()}


def _list_wrong_grids() -> dict[Key, tuple[int, int]]:
    there, kept = count_all(), read_all()
    both = {key: (kept.get(key, 0), there.get(key, 0)) for key in sorted(kept.keys() | there.keys())}
    return {key: values for key, values in both.items() if values[0] != values[1]}


def is_nothing_counted() -> bool:
    """Whether there are visits and no counts: so it is after the update that brought the counts."""
    counted = any(db.session.scalar(select(model.week_on).limit(1)) for model in (Rollup, RollupChange))
    return not counted and db.session.scalar(select(Visit.visit_uuid).limit(1)) is not None


def is_no_help_counted() -> bool:
    """Whether there are problems that are solved and no time to help: so it is after the update that brought that."""
    counted = any(
        db.session.scalar(select(model.week_on).where(model.__table__.c.helped != 0).limit(1))
        for model in (RollupChange, CountyRollup)
    )
    solved = select(Followup.followup_id).where(Followup.state == "verified", Followup.type != REVISIT_TYPE)
    return not counted and db.session.scalar(solved.limit(1)) is not None


def put_right() -> int:
    """Make what is kept what counts; returns how many figures were wrong. Runs its own transactions, in which writers wait.

    Records from before anything was counted are first given what they count as, by the registry as it is today.
    """
    with transaction():
        rollups.lock_changes()
        _complete_old_records()
        db.session.flush()
        for contacts in _list_subjects():
            repeats.note(contacts)
        of_grids, of_counties = _list_wrong_grids(), list_wrong_counties()
        rollups.add({key: there - kept for key, (kept, there) in of_grids.items()})
    rollups.fold()
    with transaction():
        rollups.lock_changes()
        rollups.renew_counties()
    return len(of_grids | of_counties)


def count_since(area_code: str, first_week_on: date) -> Counter[Key]:
    """The running counts of an area since a week, from the records."""

    def list_since(code: str, week_on: date) -> list[date]:
        return [first_week_on] if code.startswith(area_code) and week_on >= first_week_on else []

    counts: Counter[Key] = Counter()
    for key, value in _count_subjects(list_since):
        if key[1] == str(first_week_on):
            counts[key] += value
    return counts


def _count_subjects(list_since: ListSince) -> Iterator[tuple[Key, int]]:
    for batch in _list_subjects():
        for contacts in batch.values():
            yield from tally(contacts, list_since, date.min).items()


def _list_subjects() -> Iterator[dict[Subject, list[Contact]]]:
    """The contacts of all who count once in an area, some of them at a time."""
    named: set[Subject] = {
        (PERSON, str(uuid)) for uuid in db.session.scalars(select(VisitPerson.person_uuid).distinct())
    }
    homes = db.session.scalars(select(Visit.household_uuid).distinct())
    named |= {(HOUSEHOLD, str(uuid)) for uuid in homes if uuid}
    named |= {(WORKER, str(user_id)) for user_id in db.session.scalars(select(Visit.worker_id).distinct())}
    standing = iter(sorted(set(visit_counting.list_standing(named).values())))
    while subjects := list(islice(standing, AT_ONCE)):
        yield visit_counting.list_contacts(subjects)
    screened = iter(screening_counting.list_screened())
    while some := list(islice(screened, AT_ONCE)):
        yield screening_counting.list_contacts_of(some)


def _count_visits() -> Iterator[tuple[Key, int]]:
    for visit in db.session.scalars(
        select(Visit).options(selectinload(Visit.people)).execution_options(yield_per=AT_ONCE)
    ):
        counted = visit_counting.counted_of(visit)
        if counted:
            yield from counted.list_sums().items()


def _count_aid() -> Iterator[tuple[Key, int]]:
    given = select(Aid.area_code, Aid.week_on, Aid.counted).execution_options(yield_per=AT_ONCE)
    for area_code, week_on, counted in db.session.execute(given):
        if week_on:
            for column, value in (counted or {}).items():
                yield (area_code, WEEK, week_on, column), value


def _count_admissions() -> Iterator[tuple[Key, int]]:
    for admission in db.session.scalars(select(Admission)):
        for column, value in list_admitted(admission).items():
            yield (admission.grid_code, WEEK, admission.week_on, column), value


def _count_cases() -> Iterator[tuple[Key, int]]:
    for case in db.session.scalars(select(ReliefCase)):
        for column, value in relief_counting.list_ways(case).items():
            yield (case.area_code, WEEK, get_week(case.received_at).ends_on, column), value


def _count_tasks() -> Iterator[tuple[Key, int]]:
    for tasks in db.session.scalars(select(Followup).execution_options(yield_per=AT_ONCE)).partitions():
        steps: dict[str, list[tuple[str, datetime]]] = {}
        taken = FollowupEvent.followup_id.in_([task.followup_id for task in tasks])
        for event in db.session.scalars(select(FollowupEvent).where(taken).order_by(FollowupEvent.id)):
            steps.setdefault(event.followup_id, []).append((event.step, event.at))
        for task in tasks:
            for at, counts in followup_counting.list_counts(task, steps.get(task.followup_id, [])):
                for column, value in counts.items():
                    yield (task.found_in, WEEK, get_week(at).ends_on, column), value


def _complete_old_records() -> None:
    _complete_old_visits()
    for row, screening in db.session.execute(
        select(ScreeningRow, Screening)
        .join(Screening, ScreeningRow.screening_id == Screening.screening_id)
        .where(ScreeningRow.week_on.is_(None), ScreeningRow.grid_code.is_not(None))
    ):
        row.week_on = choose_week(row.grid_code or "", screening.screened_on, screening.made_at)
    given = select(Aid).where(Aid.week_on.is_(None), Aid.given_on.is_not(None))
    for aid in db.session.scalars(given.where(Aid.state.in_(GIVEN))).all():
        if aid.given_on:
            household = people.find_registered("household", aid.household_uuid)
            aid_counting.set_counts(aid, household, aid.given_on, aid.entered_at)
    for reversal in db.session.scalars(given.where(Aid.state == "reversal")).all():
        wrong = db.session.get_one(Aid, reversal.reverses_uuid)
        aid_counting.set_reversal(reversal, wrong, reversal.entered_at)


def _complete_old_visits() -> None:
    key = tuple_(VisitPerson.visit_uuid, VisitPerson.person_uuid)
    old = (
        select(VisitPerson.visit_uuid, Visit.finished_at, Person)
        .join(Visit, VisitPerson.visit_uuid == Visit.visit_uuid)
        .join(Person, VisitPerson.person_uuid == Person.person_uuid)
        .where(cast(VisitPerson.counted_as, String) == "[]")
        .order_by(VisitPerson.visit_uuid, VisitPerson.person_uuid)
        .limit(AT_ONCE)
    )
    table = VisitPerson.__table__
    complete = (
        update(VisitPerson)
        .where(table.c.visit_uuid == bindparam("visit"), table.c.person_uuid == bindparam("person"))
        .values(counted_as=bindparam("columns"))
    )
    # Who counts in no column stays as they are: the next ones are those after the last.
    following = old
    while rows := db.session.execute(following).all():
        seen = [
            {
                "visit": visit,
                "person": person.person_uuid,
                "columns": list_columns(person, clock.local_date(at)),
            }
            for visit, at, person in rows
        ]
        db.session.connection().execute(complete, seen)
        following = old.where(key > (seen[-1]["visit"], seen[-1]["person"]))
