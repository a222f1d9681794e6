"""Reads of sweeps: whom one is to reach, what has become of that, by area and by name.

Invariant: of a sweep that is open everything is worked out from people and visits as they are now, of a closed one
nothing is. Somebody counts where they live now; who has left the sweep's area, where they were on its list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, literal, or_, select, true, union_all
from sqlalchemy.orm import aliased, lazyload

from fieldapp.areas.models import LEVELS
from fieldapp.checklists.queries import is_on_branch
from fieldapp.core import clock, scope
from fieldapp.core.db import db, once
from fieldapp.core.errors import AppError
from fieldapp.people import queries as people_queries
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.people.rules import COUNTS_AS_CONTACT
from fieldapp.sweeps.models import CLOSED, Sweep, SweepRow, SweepTarget
from fieldapp.visits.models import Visit, VisitPerson

# What has become of somebody on the list: reached; or why not.
REACHED, REFUSED, NOT_REACHED, UNTRIED = "reached", "refused", "not_reached", "untried"
# Who is on the list and is not to be reached any more.
DIED, MOVED_AWAY, ELSEWHERE, MERGED = "died", "moved_away", "elsewhere", "merged"
MISSED = (REFUSED, NOT_REACHED, UNTRIED)
APART = (DIED, MOVED_AWAY, ELSEWHERE, MERGED)
PAGE_ROWS = 50
SWEEPS_PER_PAGE = 20
READ_AT_ONCE = 500


def get_sweep(sweep_id: int, area_codes: Sequence[str]) -> Sweep:
    """The sweep, when its area is in scope, or when it is no draft and goes over the reader's area too; raises not_found."""
    sweep = db.session.get(Sweep, sweep_id)
    if sweep is None or not is_on_branch(sweep.area_code, area_codes):
        raise AppError("not_found")
    if not sweep.opened_at and not scope.covers(area_codes, sweep.area_code):
        raise AppError("not_found")
    return sweep


def lock_sweep(sweep_id: int, area_codes: Sequence[str]) -> Sweep:
    """The sweep as it is now, locked until the transaction ends, when its area is in scope; raises not_found."""
    sweep = db.session.get(Sweep, sweep_id, with_for_update=True, populate_existing=True)
    if sweep is None or not scope.covers(area_codes, sweep.area_code):
        raise AppError("not_found")
    return sweep


def find_by_form(form_uuid: str) -> Sweep | None:
    """The sweep that was made with a form, or None."""
    return db.session.scalar(select(Sweep).where(Sweep.form_uuid == form_uuid))


def list_sweeps(area_codes: Sequence[str], page: int) -> tuple[list[Sweep], bool]:
    """A page of the sweeps a reader of those areas sees, the latest first; whether there are more."""
    above = {code[:digits] for code in area_codes for digits in LEVELS.values()}
    found = list(
        db.session.scalars(
            select(Sweep)
            .where(
                or_(
                    scope.within(Sweep.area_code, area_codes),
                    and_(Sweep.area_code.in_(above), Sweep.opened_at.is_not(None)),
                )
            )
            .order_by(Sweep.sweep_id.desc())
            .limit(SWEEPS_PER_PAGE + 1)
            .offset((page - 1) * SWEEPS_PER_PAGE)
        )
    )
    return found[:SWEEPS_PER_PAGE], len(found) > SWEEPS_PER_PAGE


def list_by_ids(sweep_ids: Iterable[int]) -> list[Sweep]:
    """The sweeps of those numbers."""
    return list(db.session.scalars(select(Sweep).where(Sweep.sweep_id.in_(list(sweep_ids)))))


def list_not_told() -> list[int]:
    """The open sweeps that not all phones concerned were told of."""
    untold = exists().where(SweepTarget.sweep_id == Sweep.sweep_id, ~SweepTarget.is_told)
    return list(db.session.scalars(select(Sweep.sweep_id).where(Sweep.closed_at.is_(None), untold)))


# --- who fits ------------------------------------------------------------------------------------------------------


def fitting(sweep: Sweep, today: date) -> Select[str, str]:
    """(person, grid) of those who fit a sweep's criteria, or whom its file means, and are not on its list.

    Who was registered twice and merged is meant where the entry that stands for them is.
    """
    on_it = exists().where(
        SweepTarget.sweep_id == sweep.sweep_id, SweepTarget.person_uuid == Person.person_uuid
    )
    people = (
        select(Person.person_uuid, Household.grid_code)
        .join(Household)
        .where(
            scope.within(Household.grid_code, [sweep.area_code]),
            Person.died_on.is_(None),
            Person.moved_away_on.is_(None),
            Person.merged_into.is_(None),
            ~on_it,
        )
    )
    if sweep.criteria is None:
        meant = select(SweepRow.person_uuid).where(SweepRow.sweep_id == sweep.sweep_id)
        wanted: ColumnElement[bool] = Person.person_uuid.in_(meant)
    else:
        wanted = and_(true(), *_criteria(sweep.criteria, today))
    return people.where(wanted | Person.person_uuid.in_(_select_standing_for_merged(sweep)))


def _select_standing_for_merged(sweep: Sweep) -> Select[str]:
    """Who stands for those on the list, or in the file, that were merged into others."""
    merged = select(Person.person_uuid).where(Person.merged_into.is_not(None))
    listed = merged.join(SweepTarget, SweepTarget.person_uuid == Person.person_uuid).where(
        SweepTarget.sweep_id == sweep.sweep_id
    )
    meant = merged.join(SweepRow, SweepRow.person_uuid == Person.person_uuid).where(
        SweepRow.sweep_id == sweep.sweep_id
    )
    both = listed.union(meant).subquery()
    return people_queries.select_standing(Person, Person.person_uuid.in_(select(both)))


def _criteria(criteria: dict[str, Any], today: date) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if criteria["classes"]:
        wanted.append(Person.main_class.in_(criteria["classes"]))
    if criteria["risks"]:
        wanted.append(Person.risk.in_(criteria["risks"]))
    if criteria["tags"]:
        wanted.append(
            exists().where(
                PersonTag.person_uuid == Person.person_uuid,
                PersonTag.tag.in_(criteria["tags"]),
                or_(PersonTag.from_on.is_(None), PersonTag.from_on <= today),
                or_(PersonTag.to_on.is_(None), PersonTag.to_on >= today),
            )
        )
    if criteria["overdue"]:
        wanted.append(Person.due_on < today)
    return wanted


def count_fitting(sweep: Sweep, today: date) -> int:
    """How many people fit and are not on the list."""
    return db.session.scalar(select(func.count()).select_from(fitting(sweep, today).subquery())) or 0


def list_fitting(sweep: Sweep, today: date, page: int) -> tuple[list[tuple[Person, Household]], bool]:
    """A page of those who fit and are not on the list, by place; whether there are more."""
    rows = db.session.execute(
        fitting(sweep, today)
        .with_only_columns(Person, Household)
        .order_by(Household.grid_code, Household.household_uuid, Person.position, Person.person_uuid)
        .limit(PAGE_ROWS + 1)
        .offset((page - 1) * PAGE_ROWS)
    ).all()
    return [(person, household) for person, household in rows[:PAGE_ROWS]], len(rows) > PAGE_ROWS


# --- what has become of it -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """Somebody on the list, and what has become of it; `place`: the grid they count in."""

    person: Person
    household: Household
    name: str
    place: str
    standing: str
    added_at: datetime
    tries: int
    tried_at: datetime | None


def count_by_area(sweep: Sweep, area_codes: Sequence[str], digits: int) -> dict[str, Counter[str]]:
    """How many on the list stand how, by areas of so many digits, in those areas."""
    area, standing = func.substr(_place(sweep), 1, digits).label("area"), _standing(sweep).label("standing")
    listed = _on_list(sweep, area_codes).with_only_columns(area, standing).subquery()
    counts: dict[str, Counter[str]] = {}
    for code, found, number in db.session.execute(
        select(listed.c.area, listed.c.standing, func.count()).group_by(listed.c.area, listed.c.standing)
    ):
        counts.setdefault(code, Counter())[found] = number
    return counts


def list_targets(
    sweep: Sweep, area_codes: Sequence[str], standings: Collection[str], page: int
) -> tuple[list[Target], bool]:
    """A page of those on the list in those areas who stand so, by place and household; whether there are more."""
    targets = _targets(sweep, area_codes, standings).options(lazyload(Person.tags))
    found = db.session.execute(targets.limit(PAGE_ROWS + 1).offset((page - 1) * PAGE_ROWS)).all()
    return [Target(*row) for row in found[:PAGE_ROWS]], len(found) > PAGE_ROWS


def iterate_targets(sweep: Sweep, area_codes: Sequence[str], standings: Collection[str]) -> Iterator[Target]:
    """All of them in that order, a few hundred in memory at a time."""
    found = db.session.execute(
        _targets(sweep, area_codes, standings).execution_options(yield_per=READ_AT_ONCE)
    )
    for row in found:
        yield Target(*row)


def _targets(sweep: Sweep, area_codes: Sequence[str], standings: Collection[str]) -> Select[Any]:
    place, standing = _place(sweep), _standing(sweep)
    is_closed = sweep.state == CLOSED
    return (
        _on_list(sweep, area_codes)
        .with_only_columns(
            Person,
            Household,
            SweepTarget.name if is_closed else Person.name,
            place,
            standing,
            SweepTarget.added_at,
            SweepTarget.tries if is_closed else _tries(sweep, func.count()),
            SweepTarget.tried_at if is_closed else _tries(sweep, func.max(Visit.finished_at)),
        )
        .where(standing.in_(standings))
        .order_by(place, Person.household_uuid, Person.position, Person.person_uuid)
    )


def count_late(sweep: Sweep, area_codes: Sequence[str]) -> int:
    """How many that were not reached when the sweep was closed are reached by visits that have come since."""
    missed = SweepTarget.standing.in_(MISSED)
    late = _on_list(sweep, area_codes).where(missed, _is_reached(sweep)).with_only_columns(func.count())
    return db.session.scalar(late) or 0


def list_open_marks(person_uuids: Collection[str]) -> dict[str, list[Sweep]]:
    """By person, the open sweeps that have yet to reach them, by number."""
    listed = db.session.execute(
        select(SweepTarget.person_uuid, Sweep)
        .join(Sweep)
        .where(SweepTarget.person_uuid.in_(person_uuids), Sweep.closed_at.is_(None))
        .order_by(SweepTarget.sweep_id)
    ).all()
    if not listed:
        return {}
    of_sweep = [
        select(SweepTarget.sweep_id, SweepTarget.person_uuid).where(
            SweepTarget.sweep_id == sweep.sweep_id,
            SweepTarget.person_uuid.in_(person_uuids),
            _is_reached(sweep),
        )
        for sweep in {sweep.sweep_id: sweep for _, sweep in listed}.values()
    ]
    reached = {tuple(row) for row in db.session.execute(union_all(*of_sweep))}
    marks: dict[str, list[Sweep]] = {}
    for person_uuid, sweep in listed:
        if (sweep.sweep_id, person_uuid) not in reached:
            marks.setdefault(person_uuid, []).append(sweep)
    return marks


def final_state(sweep: Sweep) -> dict[str, Any]:
    """What of each on the list is kept when a sweep is closed, as SQL over SweepTarget."""

    def of_target(value: Any) -> Any:
        return (
            select(value)
            .select_from(Person)
            .join(Household)
            .where(Person.person_uuid == SweepTarget.person_uuid)
            .correlate(SweepTarget)
            .scalar_subquery()
        )

    return {
        "name": of_target(Person.name),
        "grid_code": of_target(_place(sweep)),
        "standing": of_target(_standing(sweep)),
        "tries": of_target(_tries(sweep, func.count())),
        "tried_at": of_target(_tries(sweep, func.max(Visit.finished_at))),
    }


def count_not_told(sweep: Sweep) -> int:
    """How many on its list phones are still to be told of."""
    return db.session.scalar(_select_not_told(sweep)) or 0


def count_open(sweep: Sweep, today: date) -> tuple[int, int]:
    """The same of an open sweep, and how many fit and are not on its list."""
    fit = select(func.count()).select_from(fitting(sweep, today).subquery())
    counts = select(_select_not_told(sweep).scalar_subquery(), fit.scalar_subquery())
    not_told, fitting_now = db.session.execute(counts).one()
    return not_told, fitting_now


def _select_not_told(sweep: Sweep) -> Select[int]:
    return select(func.count()).where(SweepTarget.sweep_id == sweep.sweep_id, ~SweepTarget.is_told)


def list_not_told_people(sweep_id: int, limit: int) -> list[str]:
    """Some on its list that phones are still to be told of."""
    return list(
        db.session.scalars(
            select(SweepTarget.person_uuid)
            .where(SweepTarget.sweep_id == sweep_id, ~SweepTarget.is_told)
            .order_by(SweepTarget.person_uuid)
            .limit(limit)
        )
    )


def _on_list(sweep: Sweep, area_codes: Sequence[str]) -> Select[Any]:
    return (
        select(SweepTarget)
        .join(Person, Person.person_uuid == SweepTarget.person_uuid)
        .join(Household, Household.household_uuid == Person.household_uuid)
        .where(SweepTarget.sweep_id == sweep.sweep_id, scope.within(_place(sweep), area_codes))
    )


def _place(sweep: Sweep) -> ColumnElement[str]:
    if sweep.state == CLOSED:
        return SweepTarget.grid_code.expression
    stays = scope.within(Household.grid_code, [sweep.area_code])
    return case((stays, Household.grid_code), else_=SweepTarget.grid_code)


def _standing(sweep: Sweep) -> ColumnElement[Any]:
    if sweep.state == CLOSED:
        return SweepTarget.standing.expression
    refused, not_reached = _list_tried_as_merged(sweep)
    return case(
        (Person.merged_into.is_not(None), literal(MERGED)),
        (_is_reached(sweep), literal(REACHED)),
        (Person.died_on.is_not(None), literal(DIED)),
        (Person.moved_away_on.is_not(None), literal(MOVED_AWAY)),
        (~scope.within(Household.grid_code, [sweep.area_code]), literal(ELSEWHERE)),
        else_=func.coalesce(
            _last_try(sweep),
            case(
                (Person.household_uuid.in_(refused), literal(REFUSED)),
                (Person.household_uuid.in_(not_reached), literal(NOT_REACHED)),
                else_=literal(UNTRIED),
            ),
        ),
    )


def _is_reached(sweep: Sweep) -> ColumnElement[bool]:
    """A visit that counts is enough, by whomever; a corrected one is one visit, a voided one none.

    One that names an entry merged into theirs is as good.
    """
    visited = (
        exists()
        .where(
            VisitPerson.person_uuid == SweepTarget.person_uuid,
            VisitPerson.visit_uuid == Visit.visit_uuid,
            Visit.outcome.in_(COUNTS_AS_CONTACT),
            Visit.method.in_(sweep.methods),
            *_counts(sweep, Visit),
        )
        .correlate(SweepTarget)
    )
    return visited | SweepTarget.person_uuid.in_(_select_reached_as_merged(sweep))


def _select_reached_as_merged(sweep: Sweep) -> Select[str]:
    """Who was reached under an entry of the area that was merged into theirs."""
    found = (
        select(VisitPerson.person_uuid)
        .join(Visit, Visit.visit_uuid == VisitPerson.visit_uuid)
        .join(Person, Person.person_uuid == VisitPerson.person_uuid)
        .join(Household, Household.household_uuid == Person.household_uuid)
        .where(
            Person.merged_into.is_not(None),
            scope.within(Household.grid_code, [sweep.area_code]),
            Visit.outcome.in_(COUNTS_AS_CONTACT),
            Visit.method.in_(sweep.methods),
            *_counts(sweep, Visit),
        )
    )
    return people_queries.select_standing(Person, Person.person_uuid.in_(found))


@once
def _list_tried_as_merged(sweep: Sweep) -> tuple[list[str], list[str]]:
    """Households tried in vain under an entry of the area merged into theirs: those that refused last, and the others."""
    found = db.session.execute(
        select(Visit.household_uuid, Visit.outcome)
        .join(Household, Household.household_uuid == Visit.household_uuid)
        .where(
            Household.merged_into.is_not(None),
            scope.within(Household.grid_code, [sweep.area_code]),
            Visit.outcome.in_((NOT_REACHED, REFUSED)),
            *_counts(sweep, Visit),
        )
        .order_by(Visit.finished_at)
    ).all()
    standing = people_queries.list_standing(Household, (str(uuid) for uuid, _ in found))
    last = {standing[str(uuid)]: outcome for uuid, outcome in found}
    refused = [uuid for uuid, outcome in last.items() if outcome == REFUSED]
    return refused, [uuid for uuid in last if uuid not in refused]


def _last_try(sweep: Sweep) -> ColumnElement[Any]:
    # An alias: the same visits are asked about in other places of the statement.
    tried = aliased(Visit)
    return (
        select(tried.outcome)
        .where(*_in_vain(sweep, tried))
        .order_by(tried.finished_at.desc())
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )


def _tries(sweep: Sweep, value: ColumnElement[Any]) -> Any:
    return select(value).select_from(Visit).where(*_in_vain(sweep, Visit)).correlate(Person).scalar_subquery()


def _in_vain(sweep: Sweep, visit: Any) -> list[ColumnElement[bool]]:
    """Visits to the household that reached nobody, by whatever method."""
    return [
        visit.household_uuid == Person.household_uuid,
        visit.outcome.in_((NOT_REACHED, REFUSED)),
        *_counts(sweep, visit),
    ]


def _counts(sweep: Sweep, visit: Any) -> list[ColumnElement[bool]]:
    start = clock.midnight(sweep.from_on)
    end = clock.midnight(sweep.until_on + timedelta(days=1))
    return [visit.state != "voided", visit.finished_at >= start, visit.finished_at < end]


# --- rows of files -------------------------------------------------------------------------------------------------


def count_rows(sweep_id: int) -> tuple[int, int]:
    """How many rows its file has, and how many of them mean nobody to be reached."""
    total, faulty = db.session.execute(
        select(func.count(), func.count(SweepRow.fault)).where(SweepRow.sweep_id == sweep_id)
    ).one()
    return total, faulty


def list_faulty_rows(sweep_id: int, page: int) -> tuple[list[SweepRow], bool]:
    """A page of the rows that mean nobody to be reached, in the order of the file; whether there are more."""
    rows = list(
        db.session.scalars(
            select(SweepRow)
            .where(SweepRow.sweep_id == sweep_id, SweepRow.fault.is_not(None))
            .order_by(SweepRow.number)
            .limit(PAGE_ROWS + 1)
            .offset((page - 1) * PAGE_ROWS)
        )
    )
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS
