"""Writes of imports: taking a file in, checking its rows, applying them, taking them back.

Invariant: what changes in the registry changes in the transaction that notes how far the import has come; a step that is
cut off goes on where it was, and writes nothing twice.

A step is a few rows in a transaction of its own, short enough that nobody waits for it. Steps are asked for by the page
that shows how far it has come, or by the command line; nothing runs by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from flask_babel import gettext
from sqlalchemy import delete, update

from fieldapp.core import audit, clock, steps
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.imports import queries, staging
from fieldapp.imports.columns import FIELDS, recognise
from fieldapp.imports.judging import Judge
from fieldapp.imports.models import (
    APPLIED,
    APPLYING,
    CHECKED,
    CHECKING,
    MAPPING,
    READING,
    RUNNING,
    UNDOING,
    UNDONE,
    Import,
    ImportRow,
    ImportSource,
)
from fieldapp.imports.rules import ADD, GONE, REFUSED, SAME, STAYS, Fault
from fieldapp.imports.tables import Limits, open_table
from fieldapp.people import actions as people_actions, queries as people
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.users.models import User

# Rows of one transaction: checked, written.
STEP_ROWS = 100
# Rows are kept for so long after their file was brought in; until then an import can be taken back.
KEEP_ROWS = timedelta(days=90)
_NEEDED = ("name",)
_BELOW_ALL = 2**31 - 1


def stage(actor: User, source: str, file_name: str, file: BinaryIO, limits: Limits, now: datetime) -> Import:
    """Take a file in as it is, every row encrypted; runs its own transactions.

    Raises what `tables.open_table` raises; then nothing of the file stays.
    """
    table = open_table(file, limits)
    remembered = queries.find_source(actor.id, source)
    with transaction() as session:
        held = Import(
            source=source,
            file_name=file_name[:200],
            area_codes=actor.area_codes(now),
            made_by=actor.id,
            made_at=now,
            state=READING,
            header=table.header,
            sheets=list(table.sheets) or None,
            fields=recognise(table.header, remembered.fields if remembered else {}),
        )
        session.add(held)
    try:
        rows = staging.add_rows(ImportRow, {"import_id": held.import_id, "is_applied": False}, table.rows)
    except BaseException:
        _erase(held.import_id)
        raise
    with transaction():
        held = queries.lock_import(held.import_id)
        held.state, held.rows = MAPPING, rows
        audit.record(actor, "import.bring", "import", held.import_id, at=now, source=source, rows=rows)
    return held


def choose_columns(actor: User, held: Import, fields: Sequence[str]) -> None:
    """Say what each column holds, remember it for the source, and begin to check; in the caller's transaction.

    Raises import_state_wrong, column_missing, column_twice.
    """
    held = _lock(held, MAPPING, CHECKED)
    chosen = [name for name in fields if name in FIELDS]
    if any(name not in chosen for name in _NEEDED):
        raise AppError("column_missing")
    if len(chosen) != len(set(chosen)):
        raise AppError("column_twice")
    held.fields = [name if name in FIELDS else "" for name in fields]
    source = queries.find_source(actor.id, held.source) or ImportSource(
        user_id=actor.id, name=held.source, fields={}
    )
    source.fields = {**source.fields, **dict(zip(held.header, held.fields, strict=True))}
    db.session.add(source)
    # A verdict is made from those of the rows above: none of another choice may stand.
    db.session.execute(
        update(ImportRow)
        .where(ImportRow.import_id == held.import_id)
        .values(outcome=None, household_hash=None, person_hash=None, plan=None, faults=None)
    )
    held.state, held.position = CHECKING, 0


def start_applying(actor: User, held: Import, *, whole: bool, now: datetime) -> None:
    """Begin to write what was checked; `whole`: only if every row is good. In the caller's transaction.

    Raises import_state_wrong, import_refused for all-or-nothing with a refused row, import_nothing.
    """
    held = _lock(held, CHECKED)
    counts = queries.count_outcomes(held.import_id)
    if whole and counts.get(REFUSED):
        raise AppError("import_refused")
    if not set(counts) - {REFUSED, SAME}:
        raise AppError("import_nothing")
    held.state, held.position, held.whole = APPLYING, 0, whole
    held.applied_by, held.applied_at = actor.id, now
    audit.record(actor, "import.apply", "import", held.import_id, at=now, whole=whole, **counts)


def start_undoing(actor: User, held: Import, now: datetime) -> None:
    """Begin to take an import back; in the caller's transaction. Raises import_state_wrong, import_forgotten."""
    held = _lock(held, APPLIED)
    if not queries.get_last_number(held.import_id):
        raise AppError("import_forgotten")
    held.state, held.position = UNDOING, _BELOW_ALL
    held.undone_by, held.undone_at = actor.id, now
    audit.record(actor, "import.undo", "import", held.import_id, at=now)


def throw_away(actor: User, held: Import, now: datetime) -> None:
    """Erase an import that has changed nothing; runs its own transactions. Raises import_state_wrong."""
    with transaction():
        held = _lock(held, READING, MAPPING, CHECKING, CHECKED)
        if staging.is_being_read(held, now):
            raise AppError("import_state_wrong")
        # Nothing starts from here, and when erasing is cut off, it can be thrown away once more.
        held.state = READING
        audit.record(actor, "import.throw_away", "import", held.import_id, at=now, source=held.source)
    _erase(held.import_id)


def forget_rows(now: datetime) -> int:
    """Erase the rows of imports that were brought in long ago; returns of how many. Runs its own transactions."""
    old = queries.list_old(now - KEEP_ROWS)
    for import_id in old:
        staging.erase_rows(ImportRow, ImportRow.import_id, import_id)
    return len(old)


def _erase(import_id: int) -> None:
    staging.erase_rows(ImportRow, ImportRow.import_id, import_id)
    with transaction() as session:
        session.execute(delete(Import).where(Import.import_id == import_id))


def _lock(held: Import, *states: str) -> Import:
    held = queries.lock_import(held.import_id)
    if held.state not in states:
        raise AppError("import_state_wrong")
    return held


# --- steps ---------------------------------------------------------------------------------------------------------


def go_on(import_id: int, now: datetime, seconds: float) -> Import:
    """Go on with what runs, for about so many seconds; runs its own transactions. Returns the import as it is then."""
    by_state = {CHECKING: _check, APPLYING: _apply, UNDOING: _undo}
    today = clock.local_date(now)
    judge: Judge | None = None

    def step() -> bool:
        nonlocal judge
        held = queries.lock_import(import_id)
        if held.state in RUNNING:
            judge = judge or Judge(held, today)
            by_state[held.state](held, judge, now)
        return held.state in RUNNING

    steps.run(step, seconds)
    return db.session.get_one(Import, import_id)


def _check(held: Import, judge: Judge, now: datetime) -> None:
    rows = queries.list_next_rows(held.import_id, held.position, STEP_ROWS)
    if not rows:
        held.state = CHECKED
        return
    for row, verdict in zip(rows, judge.judge(rows), strict=True):
        row.outcome, row.plan = verdict.outcome, verdict.plan
        row.household_uuid, row.person_uuid = verdict.household_uuid, verdict.person_uuid
        row.household_hash, row.person_hash = verdict.household_hash, verdict.person_hash
        row.faults = _as_json(verdict.faults)
    held.position = rows[-1].number


def _apply(held: Import, judge: Judge, now: datetime) -> None:
    rows = queries.list_next_rows(held.import_id, held.position, STEP_ROWS)
    if not rows:
        held.state = APPLIED
        return
    people.lock_households({row.household_uuid for row in rows if row.household_uuid})
    origin = Origin(db.session.get(User, held.applied_by), "import", now, source_id=str(held.import_id))
    made: dict[str, Household] = {}
    for row, verdict in zip(rows, judge.judge(rows), strict=True):
        if row.outcome in (REFUSED, SAME):
            continue
        as_checked = (row.outcome, row.household_uuid, row.person_uuid, row.plan)
        if (verdict.outcome, verdict.household_uuid, verdict.person_uuid, verdict.plan) == as_checked:
            _write(row, made, origin)
            row.is_applied = True
            continue
        row.outcome = REFUSED
        row.faults = _as_json(verdict.faults or [Fault("", "changed_meanwhile")])
        if held.whole:
            held.state, held.position, held.undone_at = UNDOING, row.number, now
            break
    else:
        held.position = rows[-1].number
    if made:
        people_actions.add_households(list(made.values()), now, origin)


def _as_json(faults: Sequence[Fault]) -> list[list[Any]] | None:
    return [[fault.field, fault.code, fault.params] for fault in faults] or None


def _write(row: ImportRow, made: dict[str, Household], origin: Origin) -> None:
    """What the plan of a row says; households to add are put together in `made`, with all their people of this step."""
    plan, household_uuid = row.plan, str(row.household_uuid)
    fields = people_actions.read_state({name: after for name, (_, after) in plan["person"].items()})
    of_household = people_actions.read_state({name: after for name, (_, after) in plan["household"].items()})
    if plan["adds_household"]:
        made[household_uuid] = Household(household_uuid=household_uuid, address="")
    household = made.get(household_uuid) or db.session.get_one(Household, household_uuid)
    if household_uuid in made:
        for name, value in of_household.items():
            setattr(household, name, value)
    else:
        people_actions.change_household(household, of_household, origin)
    if row.outcome != ADD:
        people_actions.change_person(db.session.get_one(Person, row.person_uuid), fields, origin)
        return
    tags = [PersonTag(tag=tag) for tag, _, _ in fields.pop("tags", [])]
    person = Person(person_uuid=row.person_uuid, tags=tags, **fields)
    if household_uuid in made:
        household.people.append(person)
    else:
        people_actions.add_person(household, person, origin)


# --- taking back ---------------------------------------------------------------------------------------------------


def _undo(held: Import, judge: Judge, now: datetime) -> None:
    rows = queries.list_applied_above(held.import_id, held.position, STEP_ROWS)
    if not rows:
        held.state = UNDONE
        return
    uuids = {row.household_uuid for row in rows if row.household_uuid}
    people.lock_households(uuids)
    # Held in memory, with their people, to the end of the step.
    households = people.list_households(uuids)
    touched = queries.list_touched_people(held.import_id, rows)
    actor = db.session.get(User, held.undone_by or held.applied_by)
    reason = gettext("Import no. %(number)s taken back", number=held.import_id)
    origin = Origin(actor, "import", now, source_id=str(held.import_id), reason=reason)
    taken_out: list[Person] = []
    made: set[str] = set()
    for row in rows:
        row.left = _take_back(row, touched, taken_out, made, origin) or None
        row.is_applied = False
    if taken_out:
        people_actions.remove_people(taken_out, origin)
    if empty := people.list_empty(made):
        people_actions.remove_households([one for one in households if one.household_uuid in empty], origin)
    held.position = rows[-1].number


def _take_back(
    row: ImportRow, touched: set[str], taken_out: list[Person], made: set[str], origin: Origin
) -> list[str]:
    """Put back what a row changed; returns what stays: fields changed since, STAYS for somebody added, GONE.

    Who is to be taken out is added to `taken_out`, the household that came with them to `made`.
    """
    household = db.session.get(Household, row.household_uuid)
    person = db.session.get(Person, row.person_uuid)
    if household is None or person is None:
        return [GONE]
    left: list[str] = []
    if row.outcome != ADD:
        left += _put_back(person, row.plan["person"], people_actions.change_person, origin)
    elif person.person_uuid in touched:
        left.append(STAYS)
    else:
        taken_out.append(person)
    if row.plan["adds_household"]:
        made.add(household.household_uuid)
    else:
        left += _put_back(household, row.plan["household"], people_actions.change_household, origin)
    return left


def _put_back(
    subject: Any,
    changes: dict[str, list[Any]],
    change: Callable[[Any, dict[str, Any], Origin], object],
    origin: Origin,
) -> list[str]:
    """Give fields their old values where they still have ours; returns the others."""
    now_there = people_actions.state_of(subject, changes)
    ours = [name for name, (_, after) in changes.items() if now_there[name] == after]
    change(subject, people_actions.read_state({name: changes[name][0] for name in ours}), origin)
    return [name for name in changes if name not in ours]
