"""Writes of aid: entered, given, cancelled, reversed.

Invariant: an entry sent twice is one entry; what was given is taken back by an entry of its own, never written over.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from fieldapp.aid import counting, queries, rules
from fieldapp.aid.models import Aid
from fieldapp.core import audit, clock
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.people import queries as people, relatives
from fieldapp.people.models import Household
from fieldapp.users.models import User

# What a reversal has in common with the entry it takes back.
_TAKEN_BACK = (
    *("household_uuid", "person_uuid", "area_code", "visit_uuid", "followup_id", "relief_case_id"),
    *("kind", "programme", "source", "item", "amount_cents", "quantity_milli", "unit", "note"),
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


@dataclass(frozen=True, kw_only=True)
class Subject:
    """For whom, and what it belongs to."""

    household: Household | None
    person_uuid: str | None = None
    visit_uuid: str | None = None
    followup_id: str | None = None
    relief_case_id: str | None = None
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
) -> Aid:
    """Enter what was given on a day, or is due by a day. Entered again under the same key, it is the entry that is there.

    Whoever calls has made sure that the actor may see household, visit and task. Raises own_relative for the household of
    a declared relative of the actor's, day_in_future, not_found for a person of another household, record_exists when the key
    stands for something else.
    """
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
        area_code=household.grid_code if household else subject.area_code,
        state="given" if is_given else "due",
        given_on=on if is_given else None,
        due_on=None if is_given else on,
        received_by=received_by,
        entered_by_id=actor.id,
        entered_at=now,
        **asdict(given),
    )
    db.session.add(aid)
    if is_given:
        counting.count_given(aid, subject.household, on, now, subject.counts_as)
    db.session.flush()
    _note(actor, aid, "enter", now, on=on.isoformat(), **asdict(given))
    return aid


def give_aid(actor: User, aid_uuid: str, *, on: date, received_by: str | None, now: datetime) -> Aid:
    """Note that what was due was given on that day; raises not_found, own_relative, aid_settled, day_in_future."""
    aid = _lock_for_step(actor, aid_uuid, "given")
    if on > clock.local_date(now):
        raise AppError("day_in_future")
    aid.state, aid.given_on, aid.received_by, aid.settled_by_id = "given", on, received_by, actor.id
    counting.count_given(aid, people.find_registered("household", aid.household_uuid), on, now)
    _note(actor, aid, "give", now, on=on.isoformat())
    return aid


def cancel_aid(actor: User, aid_uuid: str, *, reason: str, now: datetime) -> Aid:
    """Note that what was due will not be given, and why; raises not_found, own_relative, aid_settled, reason_needed."""
    aid = _lock_for_step(actor, aid_uuid, "cancelled")
    aid.state, aid.reason, aid.settled_by_id = "cancelled", _reason(reason), actor.id
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
) -> Aid:
    """Take back an entry that was wrong, by one that counts from today; returns that one. `counts_as`: what of a case of
    relief goes with it.

    Raises not_found, own_relative, aid_settled, reason_needed, aid_of_case for a payment of a case of relief, which is taken
    back with the case (`of_case`).
    """
    wrong = _lock_for_step(actor, aid_uuid, "reversed")
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
        **{name: getattr(wrong, name) for name in _TAKEN_BACK},
    )
    db.session.add(reversal)
    counting.count_reversal(reversal, wrong, now, counts_as)
    db.session.flush()
    _note(actor, wrong, "reverse", now, by=reversal.aid_uuid, reason=reversal.reason)
    return reversal


def _lock_for_step(actor: User, aid_uuid: str, step: str) -> Aid:
    queries.get_aid(aid_uuid, actor)
    aid = db.session.get_one(Aid, aid_uuid, with_for_update=True, populate_existing=True)
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
