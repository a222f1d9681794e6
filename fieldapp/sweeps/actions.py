"""Writes of sweeps: preparing one, opening it, adding to its list, closing it.

Invariant: each step is taken once, by whoever comes first: the sweep is locked while it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import delete, false, insert, literal, select, update

from fieldapp.core import audit, clock, scope
from fieldapp.core.db import Base, Instant, db, insert_if_absent, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.people import queries as people
from fieldapp.people.models import Person
from fieldapp.sweeps import lists, queries
from fieldapp.sweeps.lists import Row
from fieldapp.sweeps.models import DRAFT, OPEN, Sweep, SweepRow, SweepTarget
from fieldapp.users.models import User

TOLD_AT_ONCE = 200
Kept = TypeVar("Kept", bound=Base)


@dataclass(frozen=True)
class Plan:
    """What a sweep is to be; its list: whom `criteria` describe, or whom the `rows` of a file mean."""

    name: str
    area_code: str
    from_on: date
    until_on: date
    methods: Sequence[str]
    checklist_key: str | None
    criteria: Mapping[str, Any] | None = None
    file_name: str | None = None
    rows: Sequence[Row] = ()


def make_sweep(actor: User, form_uuid: str, plan: Plan, now: datetime) -> Sweep:
    """Prepare a sweep over an area of the actor's; the same form again gives the same sweep. Raises not_found."""
    sweep, is_new = keep_once(
        Sweep,
        actor,
        form_uuid,
        now,
        area_code=plan.area_code,
        name=plan.name,
        from_on=plan.from_on,
        until_on=plan.until_on,
        methods=list(plan.methods),
        checklist_key=plan.checklist_key,
        criteria=dict(plan.criteria) if plan.criteria is not None else None,
        file_name=plan.file_name[:200] if plan.file_name else None,
    )
    if not is_new:
        return sweep
    if plan.rows:
        db.session.execute(insert(SweepRow), [_as_stored(sweep.sweep_id, row) for row in plan.rows])
    audit.record(
        actor,
        "sweep.make",
        "sweep",
        sweep.sweep_id,
        at=now,
        name=plan.name,
        area=plan.area_code,
        from_on=plan.from_on.isoformat(),
        until_on=plan.until_on.isoformat(),
        criteria=sweep.criteria,
        rows=len(plan.rows),
    )
    return sweep


def keep_once(
    model: type[Kept], actor: User, form_uuid: str, now: datetime, *, area_code: str, **values: Any
) -> tuple[Kept, bool]:
    """The row that a form makes over an area of the actor's, and whether it is new: sent twice, it makes one row.

    Raises not_found.
    """
    if not scope.covers(actor.area_codes(now), area_code):
        raise AppError("not_found")
    is_new = insert_if_absent(
        model, form_uuid=form_uuid, area_code=area_code, made_by=actor.id, made_at=now, **values
    )
    kept = db.session.scalar(select(model).filter_by(form_uuid=form_uuid, made_by=actor.id))
    if kept is None:
        raise AppError("not_found")
    return kept, is_new


def _as_stored(sweep_id: int, row: Row) -> dict[str, Any]:
    return {
        "sweep_id": sweep_id,
        "number": row.number,
        "says": row.says,
        "id_hash": row.id_hash,
        "person_uuid": row.person_uuid,
        "fault": row.fault,
    }


def discard_sweep(actor: User, sweep_id: int, now: datetime) -> None:
    """Erase a draft. Raises not_found, sweep_state_wrong."""
    sweep = _lock(actor, sweep_id, now, DRAFT)
    db.session.execute(delete(SweepRow).where(SweepRow.sweep_id == sweep_id))
    audit.record(actor, "sweep.discard", "sweep", sweep_id, at=now, name=sweep.name)
    db.session.delete(sweep)


def open_sweep(actor: User, sweep_id: int, now: datetime) -> Sweep:
    """Fix the list of a draft: whoever fits now; `tell_phones` then marks them.

    Raises not_found, sweep_state_wrong, sweep_empty.
    """
    sweep = _lock(actor, sweep_id, now, DRAFT)
    number = _put_on_list(sweep, now)
    if not number:
        raise AppError("sweep_empty")
    sweep.opened_by, sweep.opened_at = actor.id, now
    audit.record(actor, "sweep.open", "sweep", sweep_id, at=now, people=number)
    publish(sweep.area_code, "sweep", str(sweep_id))
    return sweep


def add_fitting(actor: User, sweep_id: int, now: datetime) -> int:
    """Put those on the list of an open sweep who fit and are not on it; how many they were.

    Rows of its file that meant nobody are looked up again. Raises not_found, sweep_state_wrong.
    """
    sweep = _lock(actor, sweep_id, now, OPEN)
    _look_up_again(sweep)
    number = _put_on_list(sweep, now)
    if number:
        audit.record(actor, "sweep.add", "sweep", sweep_id, at=now, people=number)
    return number


def close_sweep(actor: User, sweep_id: int, now: datetime) -> Sweep:
    """Close a sweep: what had become of everybody on its list is kept as it is now. Raises not_found, sweep_state_wrong."""
    sweep = _lock(actor, sweep_id, now, OPEN)
    db.session.execute(
        update(SweepTarget)
        .where(SweepTarget.sweep_id == sweep_id)
        .values(queries.final_state(sweep))
        .execution_options(synchronize_session=False)
    )
    sweep.closed_by, sweep.closed_at = actor.id, now
    audit.record(actor, "sweep.close", "sweep", sweep_id, at=now)
    publish(sweep.area_code, "sweep", str(sweep_id), gone=True)
    return sweep


def tell_phones(sweep_id: int, seconds: float = math.inf) -> int:
    """Have the phones of everybody on a list told that they are on it, for about so long; how many these were.

    Runs its own transactions, each over a few people, so that nobody who sends waits for long. Two at once do no harm.
    """
    until = time.monotonic() + seconds
    told = 0
    while time.monotonic() < until:
        with transaction():
            uuids = queries.list_not_told_people(sweep_id, TOLD_AT_ONCE)
            if not uuids:
                return told
            of_them = select(Person.household_uuid).where(Person.person_uuid.in_(uuids))
            # Locked, so that nobody moves to another feed meanwhile.
            for household in people.lock_and_list(db.session.scalars(of_them)):
                for person in household.people:
                    if person.person_uuid in uuids:
                        publish(household.grid_code, "person", person.person_uuid)
            db.session.execute(
                update(SweepTarget)
                .where(SweepTarget.sweep_id == sweep_id, SweepTarget.person_uuid.in_(uuids))
                .values(is_told=True)
                .execution_options(synchronize_session=False)
            )
            told += len(uuids)
    return told


def _lock(actor: User, sweep_id: int, now: datetime, state: str) -> Sweep:
    sweep = queries.lock_sweep(sweep_id, actor.area_codes(now))
    if sweep.state != state:
        raise AppError("sweep_state_wrong")
    return sweep


def _put_on_list(sweep: Sweep, now: datetime) -> int:
    """Everybody who fits and is not on the list, in one statement, whatever their number."""
    found = queries.fitting(sweep, clock.local_date(now)).add_columns(
        literal(sweep.sweep_id), literal(now, Instant), false()
    )
    columns = ["person_uuid", "grid_code", "sweep_id", "added_at", "is_told"]
    added = insert(SweepTarget).from_select(columns, found).returning(SweepTarget.person_uuid)
    return len(db.session.scalars(added).all())


def _look_up_again(sweep: Sweep) -> None:
    held = db.session.scalars(
        select(SweepRow).where(SweepRow.sweep_id == sweep.sweep_id, SweepRow.fault.in_(lists.MAY_BE_FOUND))
    ).all()
    meant = set(
        db.session.scalars(
            select(SweepRow.person_uuid).where(
                SweepRow.sweep_id == sweep.sweep_id, SweepRow.person_uuid.is_not(None)
            )
        )
    )
    for stored in held:
        row = Row.of(stored.number, stored.says, stored.id_hash)
        lists.match([row], sweep.area_code)
        if row.person_uuid in meant:
            row.person_uuid, row.fault = None, lists.TWICE
        elif row.person_uuid:
            meant.add(row.person_uuid)
        stored.person_uuid, stored.fault = row.person_uuid, row.fault
