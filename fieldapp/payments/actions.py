"""Writes of lists of payments: taking a file in, comparing its rows, deciding of them, entering them as aid, taking them back.

Invariant: aid is entered, given and taken back by `aid.actions` alone, in the transaction that notes how far the list has
come: a step that is cut off goes on where it was, and enters nothing twice.

A step is a few rows in a transaction of its own. Steps are asked for by the page that shows how far it has come; nothing
runs by itself.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from flask_babel import gettext
from sqlalchemy import delete, inspect, update

from fieldapp.aid import actions as aid_actions, queries as aid
from fieldapp.aid.actions import Given, Subject
from fieldapp.aid.models import Aid
from fieldapp.core import audit, clock, steps
from fieldapp.core.codes import list_all
from fieldapp.core.crypto import keyring
from fieldapp.core.db import db, keep_pending, remembered, restore_pending, transaction
from fieldapp.core.errors import AppError
from fieldapp.imports import staging
from fieldapp.imports.rules import Fault
from fieldapp.imports.tables import Limits, open_table
from fieldapp.payments import queries
from fieldapp.payments.columns import FIELDS, KNOWN, recognise_payments
from fieldapp.payments.judging import Judge, Judged
from fieldapp.payments.models import (
    CHECKED,
    CHECKING,
    MAPPING,
    READING,
    RUNNING,
    TAKEN,
    TAKING,
    UNDOING,
    UNDONE,
    PaymentList,
    PaymentRow,
)
from fieldapp.payments.rules import (
    GOOD,
    LEAVE,
    SEVERAL,
    SUBTOTAL,
    TAKE,
    TAKEABLE,
    TOTAL,
    Whole,
)
from fieldapp.people import queries as people, relatives
from fieldapp.users.models import User

# Rows of one transaction: compared, taken in, taken back.
STEP_ROWS = 50
# Rows are kept for so long after their file was brought in; until then a list can be taken back.
KEEP_ROWS = timedelta(days=400)
_BELOW_ALL = 2**31 - 1
# Uuids of what a list enters follow from its number and the row: entered twice, they are the same.
_NAMESPACE = uuid.UUID("0c3c1c2e-3f0b-4c53-8f0e-6a4c52f1a9d7")
# Why a row was not taken in after all, or not taken back: somebody has changed something since; was taken back singly.
CHANGED, REVERSED = "changed", "reversed"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What somebody decided of a row, and why; of several people, whom they chose."""

    decision: str
    reason: str
    chosen_uuid: str | None = None


def stage(actor: User, file_name: str, file: BinaryIO, limits: Limits, now: datetime) -> PaymentList:
    """Take a file in as it is, every row encrypted; runs its own transactions.

    Raises payments_no_area, payments_known for a file that is here already, and what `imports.tables.open_table` raises;
    then nothing of the file stays.
    """
    # Before its rows are read: they are read from the same file, piece by piece.
    file_hash = _hash_of(file)
    table = open_table(file, limits, KNOWN)
    codes = actor.area_codes(now)
    if not codes:
        raise AppError("payments_no_area")
    if same := queries.find_same_file(file_hash, codes):
        raise AppError("payments_known", number=same.list_id)
    with transaction() as session:
        held = PaymentList(
            file_name=file_name[:200],
            file_hash=file_hash,
            area_codes=codes,
            made_by=actor.id,
            made_at=now,
            state=READING,
            header=table.header,
            sheets=list(table.sheets) or None,
            fields=recognise_payments(table.header),
        )
        session.add(held)
    try:
        belongs = {"list_id": held.list_id, "is_taken": False, "settles": [], "cancels": []}
        rows = staging.add_rows(PaymentRow, {**belongs, "for_household": False}, table.rows)
    except BaseException:
        _erase(held.list_id)
        raise
    with transaction():
        held = queries.lock_list(held.list_id)
        held.state, held.rows = MAPPING, rows
        audit.record(actor, "payments.bring", "payments", held.list_id, at=now, rows=rows)
    return held


def _hash_of(file: BinaryIO) -> str:
    file.seek(0)
    # It lies in memory as it was sent.
    return keyring().lookup_hash(hashlib.sha256(file.read()).hexdigest(), "payment_lists.file")


def choose_columns(
    actor: User, held: PaymentList, fields: Sequence[str], whole: Whole, now: datetime
) -> None:
    """Say what each column holds and what holds for all rows, and begin to compare; in the caller's transaction.

    Raises payments_state_wrong, column_twice, payment_columns_missing, payment_terms_missing.
    """
    held = _lock(held, MAPPING, CHECKED)
    if queries.sum_taken(held.list_id).rows:
        raise AppError("payments_state_wrong")
    chosen = [name for name in fields if name in FIELDS]
    if len(chosen) != len(set(chosen)):
        raise AppError("column_twice")
    if "amount" not in chosen or not {"name", "id_number"} & set(chosen):
        raise AppError("payment_columns_missing")
    for name in ("programme", "source", "period", "paid_on"):
        if name not in chosen and getattr(whole, name) is None:
            raise AppError("payment_terms_missing")
    held.fields = [name if name in FIELDS else "" for name in fields]
    held.programme, held.source = whole.programme, whole.source
    held.period, held.paid_on = whole.period, whole.paid_on
    db.session.execute(
        update(PaymentRow)
        .where(PaymentRow.list_id == held.list_id)
        .values(kind=None, decision=None, decided_by=None, decided_reason=None, chosen_uuid=None, left=None)
    )
    held.state, held.position, held.checked_by = CHECKING, 0, actor.id
    terms = asdict(whole) | {"paid_on": whole.paid_on.isoformat() if whole.paid_on else None}
    audit.record(actor, "payments.columns", "payments", held.list_id, at=now, fields=held.fields, **terms)


def compare_again(actor: User, held: PaymentList, now: datetime) -> None:
    """Begin to compare once more what is not in the books; in the caller's transaction. Raises payments_state_wrong,
    payments_forgotten.
    """
    held = _lock(held, CHECKED, TAKEN)
    _check_rows_are_here(held)
    held.state, held.position, held.checked_by = CHECKING, 0, actor.id
    audit.record(actor, "payments.compare", "payments", held.list_id, at=now)


def decide(actor: User, held: PaymentList, number: int, decision: Decision, now: datetime) -> PaymentRow:
    """Decide whether a row is taken in or left out; in the caller's transaction. A good row can only be left out.

    Raises not_found, payments_state_wrong, reason_needed, payment_decided where it is in the books or of a kind that is
    never taken in, payment_choice_missing where several people fit, payment_changed where it is something else now.
    """
    held = _lock(held, CHECKED)
    row = queries.get_row(held.list_id, number)
    if not decision.reason.strip():
        raise AppError("reason_needed")
    if row.is_taken or row.kind not in TAKEABLE:
        raise AppError("payment_decided")
    if decision.decision == TAKE:
        if row.kind == SEVERAL and decision.chosen_uuid not in (row.candidates or ()):
            raise AppError("payment_choice_missing")
        row.chosen_uuid = decision.chosen_uuid if row.kind == SEVERAL else None
        [judged] = Judge(held, actor.id, clock.local_date(now)).judge([row], above=row.number - 1)
        if (
            judged.verdict is None
            or judged.verdict.kind not in TAKEABLE
            or _is_claimed_below(held, row, judged)
        ):
            raise AppError("payment_changed")
        _note_verdict(row, judged)
    else:
        _forget_choice(row)
    row.decision, row.decided_by, row.decided_reason = decision.decision, actor.id, decision.reason.strip()
    row.left = None
    audit.record(
        actor,
        "payments.decide",
        "payments",
        held.list_id,
        at=now,
        row=number,
        decision=decision.decision,
        reason=row.decided_reason,
    )
    return row


def _forget_choice(row: PaymentRow) -> None:
    """Of several people nobody is meant any more, and no other row is held for theirs."""
    row.chosen_uuid = None
    if row.kind == SEVERAL:
        row.person_uuid = row.household_uuid = None
        row.settles, row.cancels, row.for_household = [], [], False


def _forget_decision(row: PaymentRow) -> None:
    """What was decided was decided of something else."""
    row.decision = row.decided_by = row.decided_reason = None
    _forget_choice(row)


def _is_claimed_below(held: PaymentList, row: PaymentRow, judged: Judged) -> bool:
    """Whether a row below, compared before it was known who this one is for, is about the same payment."""
    who = judged.verdict.who if judged.verdict else None
    if row.kind != SEVERAL or who is None:
        return False
    return any(
        other.number > row.number
        and (other.programme, other.period) == (judged.payment.programme, judged.payment.period)
        and (other.person_uuid == who.person_uuid or other.for_household)
        for other in queries.list_takeable_of(held.list_id, [who.household_uuid], _BELOW_ALL)
    )


def start_taking(actor: User, held: PaymentList, *, reason: str, now: datetime) -> None:
    """Begin to enter the good rows and those taken by hand; in the caller's transaction.

    Raises payments_state_wrong, reason_needed, payments_nothing.
    """
    held = _lock(held, CHECKED)
    if not reason.strip():
        raise AppError("reason_needed")
    due = queries.sum_to_take(held.list_id)
    if not due.rows:
        raise AppError("payments_nothing")
    held.state, held.position = TAKING, 0
    held.taken_by, held.taken_at, held.reason = actor.id, now, reason.strip()
    audit.record(
        actor,
        "payments.take",
        "payments",
        held.list_id,
        at=now,
        rows=due.rows,
        cents=due.cents,
        reason=held.reason,
    )


def start_undoing(actor: User, held: PaymentList, *, reason: str, with_reversed: bool, now: datetime) -> None:
    """Begin to take the whole list back; in the caller's transaction. `with_reversed`: also where some of it was taken back
    singly, which stays as it is.

    Raises payments_state_wrong, reason_needed, payments_nothing_taken, payments_reversed, payments_of_relative.
    """
    held = _lock(held, CHECKED, TAKEN)
    if not reason.strip():
        raise AppError("reason_needed")
    if not queries.sum_taken(held.list_id).rows:
        raise AppError("payments_nothing_taken")
    number = _count_reversed(held)
    if number and not with_reversed:
        raise AppError("payments_reversed", number=number)
    own = relatives.list_households_of_relatives(actor.id)
    if queries.list_taken_households(held.list_id) & set(own):
        raise AppError("payments_of_relative")
    held.state, held.position = UNDOING, _BELOW_ALL
    held.undone_by, held.undone_at, held.reason = actor.id, now, reason.strip()
    in_books = queries.sum_in_books(held.list_id)
    audit.record(
        actor,
        "payments.undo",
        "payments",
        held.list_id,
        at=now,
        rows=in_books.rows,
        cents=in_books.cents,
        reason=held.reason,
    )


def _count_reversed(held: PaymentList) -> int:
    """How many entries of the rows that are in the books somebody has taken back singly."""
    states = aid.list_states_of_list(held.list_id)
    gone = {key for key, state in states.items() if state == "reversed"}
    if not gone:
        return 0
    number = 0
    for row_number, settles in queries.list_taken_rows(held.list_id):
        # Of entries that the row itself made and the list took back, another has come since.
        made = next(key for key in _list_entry_keys(held, row_number) if key not in gone)
        number += len(gone & set(settles)) if settles else made not in states
    return number


def throw_away(actor: User, held: PaymentList, now: datetime) -> None:
    """Erase a list of which nothing was ever taken in; runs its own transactions.

    Raises payments_state_wrong, not_found.
    """
    with transaction():
        held = _lock(held, READING, MAPPING, CHECKING, CHECKED)
        if held.taken_by is not None or staging.is_being_read(held, now):
            raise AppError("payments_state_wrong")
        # Nothing starts from here, and when erasing is cut off, it can be thrown away once more.
        held.state = READING
        audit.record(actor, "payments.throw_away", "payments", held.list_id, at=now)
    _erase(held.list_id)


def forget_rows(now: datetime) -> int:
    """Erase the rows of lists that were brought in long ago; returns of how many. Runs its own transactions."""
    old = queries.list_old(now - KEEP_ROWS)
    for list_id in old:
        staging.erase_rows(PaymentRow, PaymentRow.list_id, list_id)
    return len(old)


def _erase(list_id: int) -> None:
    staging.erase_rows(PaymentRow, PaymentRow.list_id, list_id)
    with transaction() as session:
        session.execute(delete(PaymentList).where(PaymentList.list_id == list_id))


def _check_rows_are_here(held: PaymentList) -> None:
    if not queries.get_last_number(held.list_id):
        raise AppError("payments_forgotten")


def _lock(held: PaymentList, *states: str) -> PaymentList:
    # Its number is known even when somebody has thrown it away since it was read.
    [list_id] = inspect(held).identity or [0]
    held = queries.lock_list(list_id)
    if held.state not in states:
        raise AppError("payments_state_wrong")
    return held


# --- steps ---------------------------------------------------------------------------------------------------------


def go_on(list_id: int, now: datetime, seconds: float) -> PaymentList:
    """Go on with what runs, for about so many seconds; runs its own transactions. Returns the list as it is then."""
    by_state = {CHECKING: _check, TAKING: _take, UNDOING: _undo}
    judge: Judge | None = None

    def step() -> bool:
        nonlocal judge
        held = queries.lock_list(list_id)
        if held.state in RUNNING:
            actor_id = held.taken_by if held.state == TAKING else held.checked_by
            judge = judge or Judge(held, actor_id or held.made_by, clock.local_date(now))
            by_state[held.state](held, judge, now)
        return held.state in RUNNING

    steps.run(step, seconds)
    return db.session.get_one(PaymentList, list_id)


def _check(held: PaymentList, judge: Judge, now: datetime) -> None:
    rows = queries.list_next_rows(held.list_id, held.position, STEP_ROWS)
    if not rows:
        held.state = CHECKED
        return
    open_rows = [row for row in rows if not row.is_taken]
    for row, judged in zip(open_rows, judge.judge(open_rows, above=rows[0].number - 1), strict=True):
        is_same = _stands(row, judged)
        _note_verdict(row, judged)
        row.left = None
        # Taken in by hand is what was looked at. What was left out by hand is left until somebody decides otherwise.
        if row.decision == TAKE and not is_same:
            _forget_decision(row)
    held.position = rows[-1].number


def _note_verdict(row: PaymentRow, judged: Judged) -> None:
    payment, verdict = judged.payment, judged.verdict
    row.amount_cents = payment.amount_cents
    row.programme, row.source = payment.programme, payment.source
    row.period, row.paid_on = payment.period, payment.paid_on
    if verdict is None:
        row.kind = SUBTOTAL if payment.is_subtotal else TOTAL
        row.household_uuid = row.person_uuid = row.candidates = row.notes = None
        row.settles, row.cancels, row.for_household = [], [], False
        return
    row.kind = verdict.kind
    row.household_uuid = verdict.who.household_uuid if verdict.who else None
    row.person_uuid = verdict.who.person_uuid if verdict.who else None
    row.candidates = list(verdict.candidates) or None
    row.settles, row.cancels = list(verdict.settles), list(verdict.cancels)
    row.for_household = verdict.for_household
    row.notes = _as_json(verdict.notes)


def _as_json(notes: Sequence[Fault]) -> list[list[object]] | None:
    return [[note.field, note.code, note.params] for note in notes] or None


def _is_wanted(row: PaymentRow) -> bool:
    """Whether a row is to be taken in: a good one that nobody left out, or one that somebody takes in."""
    if row.is_taken or row.kind not in TAKEABLE:
        return False
    return row.decision == TAKE or (row.kind in GOOD and row.decision != LEAVE)


def _take(held: PaymentList, judge: Judge, now: datetime) -> None:
    rows = queries.list_next_rows(held.list_id, held.position, STEP_ROWS)
    if not rows:
        held.state = TAKEN
        return
    wanted = [row for row in rows if _is_wanted(row)]
    _prepare(wanted, held)
    actor = db.session.get_one(User, held.taken_by)
    for row, judged in zip(wanted, judge.judge(wanted, above=rows[-1].number), strict=True):
        if _stands(row, judged):
            _try(row, held, actor, now)
        else:
            # What it has become is shown; nobody has decided of that.
            _note_verdict(row, judged)
            _forget_decision(row)
            row.left = CHANGED
    held.position = rows[-1].number


def _prepare(rows: Sequence[PaymentRow], held: PaymentList) -> None:
    """Lock and read at once what some rows are about: kept to the end of the transaction, it is found there by each."""
    keys = [next(_list_entry_keys(held, row.number)) for row in rows]
    keys += [key for row in rows for key in (*row.settles, *row.cancels)]
    homes = {row.household_uuid for row in rows if row.household_uuid} | aid.list_homes(keys)
    # Whoever else takes a payment of these households in waits, and then sees this one.
    people.lock_households(homes)
    aid.lock_aid(keys)
    remembered("payments").update(homes=people.list_households(homes), codes=list_all())


def _stands(row: PaymentRow, judged: Judged) -> bool:
    """Whether a row still says and is what it was when it was compared, or decided, and nothing else is to be said of it."""
    payment, verdict = judged.payment, judged.verdict
    if verdict is None or verdict.who is None or verdict.kind != row.kind:
        return False
    return (
        verdict.who.person_uuid,
        verdict.who.household_uuid,
        list(verdict.settles),
        list(verdict.cancels),
        _as_json(verdict.notes),
        (payment.amount_cents, payment.programme, payment.source, payment.period, payment.paid_on),
    ) == (
        row.person_uuid,
        row.household_uuid,
        row.settles,
        row.cancels,
        row.notes,
        (row.amount_cents, row.programme, row.source, row.period, row.paid_on),
    )


def _try(row: PaymentRow, held: PaymentList, actor: User, now: datetime) -> None:
    """Enter a row, or note why that is refused: one row holds up no other."""
    kept = keep_pending()
    try:
        with db.session.begin_nested():
            _enter(row, held, actor, now)
            row.is_taken, row.left = True, None
    except AppError as error:
        restore_pending(kept)
        row.left = error.code


def _enter(row: PaymentRow, held: PaymentList, actor: User, now: datetime) -> None:
    assert row.paid_on is not None
    row.monthless = [key for key in row.settles if db.session.get_one(Aid, key).period is None]
    for aid_uuid in row.settles:
        aid_actions.give_aid(
            actor,
            aid_uuid,
            on=row.paid_on,
            received_by=None,
            now=now,
            payment_list_id=held.list_id,
            period=row.period,
        )
    if row.settles:
        return
    why = gettext("Paid with another amount: payment list no. %(number)s", number=held.list_id)
    for aid_uuid in row.cancels:
        aid_actions.cancel_aid(actor, aid_uuid, reason=why, now=now)
    household = people.find_registered("household", row.household_uuid)
    aid_actions.enter_aid(
        actor,
        _find_entry_key(held, row.number),
        Subject(household=household, person_uuid=row.person_uuid, payment_list_id=held.list_id),
        Given(
            kind="cash",
            programme=row.programme or "",
            source=row.source or "",
            amount_cents=row.amount_cents,
            period=row.period,
        ),
        is_given=True,
        on=row.paid_on,
        received_by=None,
        now=now,
    )


def _list_entry_keys(held: PaymentList, number: int) -> Iterator[str]:
    """The keys of the entries that a row makes, where it settles none that is there: another each time it comes again."""
    key = uuid.uuid5(_NAMESPACE, f"{held.list_id} {held.made_at.isoformat()} {number}")
    while True:
        yield str(key)
        key = uuid.uuid5(key, "again")


def _find_entry_key(held: PaymentList, number: int) -> str:
    """The key of the entry of a row that stands in the books, else of the one that it is to make: what was taken back is
    never entered again.
    """
    return next(
        key
        for key in _list_entry_keys(held, number)
        if (entry := db.session.get(Aid, key)) is None or entry.state == "given"
    )


# --- taking back ---------------------------------------------------------------------------------------------------


def _undo(held: PaymentList, judge: Judge, now: datetime) -> None:
    rows = queries.list_taken_above(held.list_id, held.position, STEP_ROWS)
    if not rows:
        # What could not be taken back is in the books still.
        held.state = TAKEN if queries.sum_taken(held.list_id).rows else UNDONE
        return
    _prepare(rows, held)
    actor = db.session.get_one(User, held.undone_by)
    for row in rows:
        _try_back(row, held, actor, now)
    held.position = rows[-1].number


def _try_back(row: PaymentRow, held: PaymentList, actor: User, now: datetime) -> None:
    kept = keep_pending()
    try:
        with db.session.begin_nested():
            row.left = _take_back(row, held, actor, now)
            row.is_taken = False
    except AppError as error:
        # It stays in the books: the page says so.
        restore_pending(kept)
        row.left = error.code


def _take_back(row: PaymentRow, held: PaymentList, actor: User, now: datetime) -> str | None:
    """Reverse what a row entered, and make due again what it settled or replaced; REVERSED where somebody was first."""
    why = gettext(
        "Payment list no. %(number)s was taken back: %(reason)s", number=held.list_id, reason=held.reason
    )
    left = None
    for aid_uuid in row.settles or [_find_entry_key(held, row.number)]:
        entry = db.session.get(Aid, aid_uuid)
        if entry is None or entry.state != "given":
            left = REVERSED
            continue
        aid_actions.reverse_aid(actor, aid_uuid, reason=why, now=now)
        if row.settles:
            says_month = aid_uuid not in row.monthless
            aid_actions.make_due_again(actor, aid_uuid, now, says_month=says_month)
    if left is None:
        for aid_uuid in row.cancels:
            aid_actions.make_due_again(actor, aid_uuid, now)
    return left
