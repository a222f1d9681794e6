"""Writes of aid: entered, given, cancelled, reversed; and which phones hold it.

Invariant: an entry sent twice is one entry; what was given is taken back by an entry of its own, never written over.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from fieldapp.aid import counting, policy_queries, queries, rules
from fieldapp.aid.models import Aid
from fieldapp.core import audit, clock, storage
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import publish
from fieldapp.core.storage import AttachmentName
from fieldapp.people import queries as people, relatives
from fieldapp.people.models import Household
from fieldapp.users.models import User

# What a reversal has in common with the entry it takes back.
_TAKEN_BACK = (
    *("household_uuid", "person_uuid", "area_code", "visit_uuid", "followup_id", "relief_case_id"),
    *("kind", "programme", "source", "item", "amount_cents", "quantity_milli", "unit", "note"),
    *("period", "payment_list_id"),
)


@dataclass(frozen=True, kw_only=True)
class Given:
    """What is given, or to be given."""

    kind: str
    programme: str
    source: str
    item: str | None = None
    amount_cents: int | None = None
    quantity_milli: int | None = None
    unit: str | None = None
    note: str | None = None
    # The month it is for, as 2026-11.
    period: str | None = None


@dataclass(frozen=True)
class FromPhone:
    """What a step on a phone comes with. Whoever makes it has made sure that the worker may take that step."""

    op_uuid: str
    receipts: Sequence[AttachmentName] = ()


@dataclass(frozen=True, kw_only=True)
class Subject:
    """For whom, and what it belongs to."""

    household: Household | None
    person_uuid: str | None = None
    visit_uuid: str | None = None
    followup_id: str | None = None
    relief_case_id: str | None = None
    payment_list_id: int | None = None
    # Where it is given, of somebody who is on no list here; else it is the household's grid.
    area_code: str = ""
    # What it counts in the report as a measure, where a case of relief says it (rollups.columns.MEASURES).
    counts_as: Mapping[str, int] | None = None

    @property
    def household_uuid(self) -> str | None:
        """The household's key, if there is one."""
        return self.household.household_uuid if self.household else None


def enter_aid(
    actor: User,
    aid_uuid: str,
    subject: Subject,
    given: Given,
    *,
    is_given: bool,
    on: date,
    received_by: str | None,
    now: datetime,
    phone: FromPhone | None = None,
) -> Aid:
    """Enter what was given on a day, or is due by a day. Entered again under the same key, it is the entry that is there.

    Whoever calls has made sure that the actor may see household, visit and task. Raises own_relative for the household of
    a declared relative of the actor's, day_in_future, not_found for a person of another household, record_exists when the key
    stands for something else.
    """
    # Before anything of its aid: where it is decides which phones are told, and it may be moving.
    people.lock_households([subject.household_uuid] if subject.household_uuid else [])
    held = db.session.get(Aid, aid_uuid)
    if held is not None:
        _check_same(held, subject, given)
        return held
    household = subject.household
    _check_relative(actor, subject.household_uuid)
    if is_given and on > clock.local_date(now):
        raise AppError("day_in_future")
    if subject.person_uuid and not (household and people.have_been_in(household, [subject.person_uuid])):
        raise AppError("not_found")
    aid = Aid(
        aid_uuid=aid_uuid,
        household_uuid=subject.household_uuid,
        person_uuid=subject.person_uuid,
        visit_uuid=subject.visit_uuid,
        followup_id=subject.followup_id,
        relief_case_id=subject.relief_case_id,
        payment_list_id=subject.payment_list_id,
        area_code=household.grid_code if household else subject.area_code,
        state="given" if is_given else "due",
        given_on=on if is_given else None,
        due_on=None if is_given else on,
        received_by=received_by,
        entered_by_id=actor.id,
        entered_at=now,
        op_uuid=phone.op_uuid if phone else None,
        **asdict(given),
    )
    db.session.add(aid)
    if is_given:
        counting.count_given(aid, subject.household, on, now, subject.counts_as)
    _keep_receipts(aid, phone)
    _tell_phones(aid, now)
    db.session.flush()
    _note(actor, aid, "enter", now, on=on.isoformat(), **asdict(given))
    return aid


def give_aid(
    actor: User,
    aid_uuid: str,
    *,
    on: date,
    received_by: str | None,
    now: datetime,
    visit_uuid: str | None = None,
    phone: FromPhone | None = None,
    payment_list_id: int | None = None,
    period: str | None = None,
) -> Aid:
    """Note that what was due was given on that day; `visit_uuid`: on which visit, where it does not come from one; by a list
    of payments, that list and the month it is for.

    Raises not_found, own_relative, aid_settled, day_in_future.
    """
    aid = _lock_for_step(actor, aid_uuid, "given", phone)
    if on > clock.local_date(now):
        raise AppError("day_in_future")
    aid.state, aid.given_on, aid.received_by, aid.settled_by_id = "given", on, received_by, actor.id
    aid.settled_op_uuid = phone.op_uuid if phone else None
    aid.visit_uuid = aid.visit_uuid or visit_uuid
    aid.payment_list_id, aid.period = payment_list_id, aid.period or period
    counting.count_given(aid, people.find_registered("household", aid.household_uuid), on, now)
    _keep_receipts(aid, phone)
    _tell_phones(aid, now)
    _note(actor, aid, "give", now, on=on.isoformat())
    return aid


def cancel_aid(
    actor: User, aid_uuid: str, *, reason: str, now: datetime, phone: FromPhone | None = None
) -> Aid:
    """Note that what was due will not be given, and why; raises not_found, own_relative, aid_settled, reason_needed."""
    aid = _lock_for_step(actor, aid_uuid, "cancelled", phone)
    aid.state, aid.reason, aid.settled_by_id = "cancelled", _reason(reason), actor.id
    aid.settled_op_uuid = phone.op_uuid if phone else None
    _tell_phones(aid, now)
    _note(actor, aid, "cancel", now, reason=aid.reason)
    return aid


def reverse_aid(
    actor: User,
    aid_uuid: str,
    *,
    reason: str,
    now: datetime,
    of_case: str | None = None,
    counts_as: Mapping[str, int] | None = None,
    phone: FromPhone | None = None,
) -> Aid:
    """Take back an entry that was wrong, by one that counts from today; returns that one. `counts_as`: what of a case of
    relief goes with it.

    Raises not_found, own_relative, aid_settled, reason_needed, aid_of_case for a payment of a case of relief, which is taken
    back with the case (`of_case`).
    """
    wrong = _lock_for_step(actor, aid_uuid, "reversed", phone)
    if wrong.relief_case_id != of_case:
        raise AppError("aid_of_case")
    wrong.state = "reversed"
    reversal = Aid(
        aid_uuid=str(uuid.uuid4()),
        reverses_uuid=aid_uuid,
        state="reversal",
        given_on=clock.local_date(now),
        reason=_reason(reason),
        entered_by_id=actor.id,
        entered_at=now,
        op_uuid=phone.op_uuid if phone else None,
        **{name: getattr(wrong, name) for name in _TAKEN_BACK},
    )
    db.session.add(reversal)
    counting.count_reversal(reversal, wrong, now, counts_as)
    _tell_phones(wrong, now)
    db.session.flush()
    _note(actor, wrong, "reverse", now, by=reversal.aid_uuid, reason=reversal.reason)
    return reversal


def note_receipt(actor: User, aid_uuid: str, *, now: datetime) -> Aid:
    """Note that the receipt that was missing is on file, on paper; said twice, it is said once.

    Raises not_found, own_relative.
    """
    queries.get_aid(aid_uuid, actor)
    [aid] = queries.lock_aid([aid_uuid])
    _check_relative(actor, aid.household_uuid)
    if aid.receipt_missing:
        aid.receipt_missing = False
        _note(actor, aid, "receipt", now)
    return aid


def make_due_again(actor: User, aid_uuid: str, now: datetime, *, says_month: bool = True) -> Aid:
    """After the giving of what had been due was taken back, or a payment that took its place: enter it once more as due, for
    it was not given. `says_month`: whether it had said its month before that.

    Done twice, it is done once.
    """
    taken_back = db.session.get_one(Aid, aid_uuid)
    if taken_back.due_on is None:
        raise ValueError(f"aid {aid_uuid} was never due")
    household = people.find_registered("household", taken_back.household_uuid)
    was_due = Given(**{name: getattr(taken_back, name) for name in Given.__dataclass_fields__})
    again = enter_aid(
        actor,
        str(uuid.uuid5(uuid.UUID(aid_uuid), "due again")),
        Subject(
            household=household,
            person_uuid=taken_back.person_uuid,
            visit_uuid=taken_back.visit_uuid,
            followup_id=taken_back.followup_id,
        ),
        was_due if says_month else replace(was_due, period=None),
        is_given=False,
        on=taken_back.due_on,
        received_by=None,
        now=now,
    )
    # It is whose claim it was: a worker cancels only what they promised themselves.
    again.entered_by_id = taken_back.entered_by_id
    return again


def tell_phones_of(household: Household, now: datetime) -> None:
    """Let the phones of the grid a household is in now hold its aid, and no others: it moved, was merged or parted."""
    held = db.session.scalars(
        queries.select_of_household(household.household_uuid).where(
            Aid.feed.is_not(None) | (Aid.state == "due")
        )
    )
    for aid in held:
        _tell_phones(aid, now)


def refresh_phones(now: datetime) -> int:
    """Take what was given long ago off the phones, and put on them what belongs there and is not (after an update);
    returns how many entries. Runs its own transactions.
    """
    changed = 0
    while True:
        with transaction():
            found = queries.list_misplaced(clock.local_date(now))
            people.lock_households(aid.household_uuid for aid in found if aid.household_uuid)
            for aid in queries.lock_aid([aid.aid_uuid for aid in found]):
                _tell_phones(aid, now)
        if not found:
            return changed
        changed += len(found)


def _tell_phones(aid: Aid, now: datetime) -> None:
    """Publish an entry to the grid its household is in, or let it go from where it no longer belongs."""
    household = people.find_registered("household", aid.household_uuid)
    is_held = household is not None and rules.is_on_phones(aid.state, aid.given_on, clock.local_date(now))
    feed = household.grid_code if household is not None and is_held else None
    if aid.feed is not None and aid.feed != feed:
        publish(aid.feed, "aid", aid.aid_uuid, gone=True)
    if feed is not None:
        publish(feed, "aid", aid.aid_uuid)
    aid.feed = feed


def _keep_receipts(aid: Aid, phone: FromPhone | None) -> None:
    """Name the receipts of what was given on a phone, or note that the one its county asks for is missing."""
    if phone is None or aid.state != "given":
        return
    # No feed: a phone knows by its own photos whether they have arrived.
    storage.name_attachments("aid", aid.aid_uuid, 1, aid.area_code, "", phone.receipts)
    limits = policy_queries.get_receipt_limits(aid.area_code)
    aid.receipt_missing = not phone.receipts and rules.needs_receipt(limits, aid.kind, aid.amount_cents)


def _lock_for_step(actor: User, aid_uuid: str, step: str, phone: FromPhone | None) -> Aid:
    found = db.session.get(Aid, aid_uuid) if phone else queries.get_aid(aid_uuid, actor)
    if found is None:
        raise AppError("not_found")
    people.lock_households([found.household_uuid] if found.household_uuid else [])
    [aid] = queries.lock_aid([aid_uuid])
    _check_relative(actor, aid.household_uuid)
    if not rules.can_step(step, aid.state):
        raise AppError("aid_settled")
    return aid


def _check_relative(actor: User, household_uuid: str | None) -> None:
    """关系保: nobody enters or settles what their own near relatives are given."""
    if household_uuid and relatives.has_relative_in(actor.id, household_uuid):
        raise AppError("own_relative")


def _check_same(held: Aid, subject: Subject, given: Given) -> None:
    """Raises record_exists when the entry under that key says something else."""
    is_same = held.household_uuid == subject.household_uuid and all(
        getattr(held, name) == value for name, value in asdict(given).items()
    )
    if not is_same:
        raise AppError("record_exists")


def _reason(text: str) -> str:
    if not text.strip():
        raise AppError("reason_needed")
    return text.strip()


def _note(actor: User, aid: Aid, deed: str, now: datetime, **values: Any) -> None:
    audit.record(actor, f"aid.{deed}", "aid", aid.aid_uuid, at=now, state=aid.state, **values)
