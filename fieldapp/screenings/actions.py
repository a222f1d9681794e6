"""Writes of screenings: keeping a list, saying who on it needs a look, having them looked at.

Invariant: a screening never writes to people or visits; whoever needs a look is visited through a sweep.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import delete, insert, update

from fieldapp.areas.queries import county_of
from fieldapp.core import audit
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.rollups.queries import choose_week
from fieldapp.screenings import counting, queries
from fieldapp.screenings.models import Screening, ScreeningRow
from fieldapp.sweeps import actions as sweeps
from fieldapp.sweeps.actions import Plan
from fieldapp.sweeps.lists import Row
from fieldapp.sweeps.models import Sweep
from fieldapp.users.models import User


def keep_screening(
    actor: User,
    form_uuid: str,
    area_code: str,
    name: str,
    *,
    file_name: str,
    rows: Sequence[Row],
    screened_on: date,
    now: datetime,
) -> Screening:
    """Keep a list and whom it means; the same form again gives the same screening. Raises not_found."""
    screening, is_new = sweeps.keep_once(
        Screening,
        actor,
        form_uuid,
        now,
        area_code=area_code,
        name=name,
        screened_on=screened_on,
        file_name=file_name[:200],
    )
    if is_new:
        counties = {county_of(row.grid_code) for row in rows if row.grid_code}
        weeks = {county: choose_week(county, screened_on, now) for county in counties}
        db.session.execute(
            insert(ScreeningRow),
            [
                {
                    "screening_id": screening.screening_id,
                    "number": row.number,
                    "says": {**row.says, "rest": row.rest},
                    "id_hash": row.id_hash,
                    "person_uuid": row.person_uuid,
                    "grid_code": row.grid_code,
                    "fault": row.fault,
                    "needs_look": False,
                    "week_on": weeks[county_of(row.grid_code)] if row.grid_code else None,
                }
                for row in rows
            ],
        )
        counting.count_screening(screening.screening_id)
        audit.record(
            actor,
            "screening.keep",
            "screening",
            screening.screening_id,
            at=now,
            name=name,
            area=area_code,
            rows=len(rows),
            screened=sum(row.person_uuid is not None for row in rows),
        )
    return screening


def say_who_needs_look(
    actor: User, screening_id: int, column: str, texts: Collection[str], now: datetime
) -> int:
    """Say that those need a look who have one of these texts in a column ("" for an empty cell), and nobody else.

    How many they are. Raises not_found, screening_state_wrong once a sweep is made of them.
    """
    screening = _lock(actor, screening_id, now)
    wanted = set(texts)
    numbers = [
        row.number
        for row in queries.iterate_screened(screening_id)
        if row.says["rest"].get(column, "") in wanted
    ]
    of_it = update(ScreeningRow).where(ScreeningRow.screening_id == screening_id)
    db.session.execute(of_it.values(needs_look=False))
    for start in range(0, len(numbers), 500):
        piece = numbers[start : start + 500]
        db.session.execute(of_it.where(ScreeningRow.number.in_(piece)).values(needs_look=True))
    audit.record(
        actor,
        "screening.look",
        "screening",
        screening.screening_id,
        at=now,
        column=column,
        texts=sorted(wanted),
        people=len(numbers),
    )
    return len(numbers)


def make_sweep(
    actor: User, screening_id: int, until_on: date, methods: Sequence[str], now: datetime
) -> Sweep:
    """Prepare a sweep of those who need a look, from the day of the screening on; asked again, the same one.

    Raises not_found, sweep_empty.
    """
    screening = queries.get_screening(screening_id, actor.area_codes(now), lock=True)
    if (made := queries.find_sweep(screening)) is not None:
        return made
    rows = [_as_row(row) for row in queries.iterate_screened(screening_id) if row.needs_look]
    if not rows:
        raise AppError("sweep_empty")
    screening.sweep_uuid = str(uuid.uuid4())
    plan = Plan(
        name=screening.name,
        area_code=screening.area_code,
        from_on=screening.screened_on,
        until_on=until_on,
        methods=methods,
        checklist_key=None,
        file_name=screening.file_name,
        rows=rows,
    )
    return sweeps.make_sweep(actor, screening.sweep_uuid, plan, now)


def discard_screening(actor: User, screening_id: int, now: datetime) -> None:
    """Erase a screening that was a mistake: nobody was screened. Raises not_found, screening_state_wrong."""
    screening = _lock(actor, screening_id, now)
    counting.count_screening(screening_id, -1)
    db.session.execute(delete(ScreeningRow).where(ScreeningRow.screening_id == screening_id))
    audit.record(actor, "screening.discard", "screening", screening_id, at=now, name=screening.name)
    db.session.delete(screening)


def _lock(actor: User, screening_id: int, now: datetime) -> Screening:
    screening = queries.get_screening(screening_id, actor.area_codes(now), lock=True)
    if queries.find_sweep(screening) is not None:
        raise AppError("screening_state_wrong")
    return screening


def _as_row(row: ScreeningRow) -> Row:
    kept = Row.of(row.number, row.says, row.id_hash)
    kept.person_uuid = row.person_uuid
    return kept
