"""Aid that workers give, promise and take back on their phones.

Invariant: every write goes through `aid.actions`, as the desk's do: here is only whether the worker may, and what the phone's
clock means.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from fieldapp.aid import actions, rules
from fieldapp.aid.actions import FromPhone, Given, Subject
from fieldapp.aid.models import Aid
from fieldapp.aid.sync import AidBody, GiveBody, TakeBackBody
from fieldapp.core import clock
from fieldapp.core.codes import find_code
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.followups.models import Followup
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.people.phone_actions import Reach, get_household
from fieldapp.rollups.queries import is_closed
from fieldapp.users.models import User
from fieldapp.visits import queries as visits

# What of an entry a phone says; of which month it is, only lists of payments say.
_GIVEN = Given.__dataclass_fields__.keys() & AidBody.model_fields.keys()


@dataclass(frozen=True)
class Written:
    """How a worker's record came: under which operation, when by the phone's clock and when that was, and where it may be about.

    `is_taken_in`: the desk applies it for the worker, and answers for what it says.
    """

    op_uuid: str
    by_phone_at: datetime
    at: datetime
    reach: Reach
    is_taken_in: bool = False

    def day(self, on: date) -> date:
        """A day that the phone said, by the server's clock."""
        return on + (clock.local_date(self.at) - clock.local_date(self.by_phone_at))


def record_aid(worker: User, body: AidBody, written: Written, now: datetime) -> Aid:
    """Enter what a worker gave or promised. Its visit may still be on its way.

    Raises not_yours for a household out of reach, people of another one, somebody else's visit or another household's task;
    body_invalid; as actions.enter_aid.
    """
    household = get_household(body.household_uuid, written.reach)
    _check_about(worker, household, body)
    given = Given(**{name: getattr(body, name) for name in _GIVEN})
    _check_given(given)
    on = _given_on(body.on, written, now) if body.is_given else body.on
    return actions.enter_aid(
        worker,
        body.aid_uuid,
        Subject(
            household=household,
            person_uuid=body.person_uuid,
            visit_uuid=body.visit_uuid,
            followup_id=body.followup_id,
        ),
        given,
        is_given=body.is_given,
        on=on,
        received_by=body.received_by or None,
        now=now,
        phone=FromPhone(written.op_uuid, body.attachments),
    )


def give_aid(worker: User, body: GiveBody, written: Written, now: datetime) -> Aid:
    """Note that what was due was handed over by a worker.

    Raises prerequisite_waiting where there is no such aid in reach (yet), not_yours for somebody else's visit, and as
    actions.give_aid: aid_settled for what was given or cancelled meanwhile.
    """
    aid = db.session.get(Aid, body.aid_uuid)
    if aid is None or not _is_in_reach(aid, written.reach):
        raise AppError("prerequisite_waiting")
    _check_visit(worker, body.visit_uuid)
    return actions.give_aid(
        worker,
        body.aid_uuid,
        on=_given_on(body.on, written, now),
        received_by=body.received_by or None,
        visit_uuid=body.visit_uuid,
        now=now,
        phone=FromPhone(written.op_uuid, body.attachments),
    )


def take_back_aid(worker: User, body: TakeBackBody, written: Written, now: datetime) -> Aid:
    """Take back what a worker entered or gave by mistake: what was promised is cancelled, what was given is reversed, and
    was it due before, it is due again. Gives the entry that was wrong.

    Raises prerequisite_waiting where there is no such entry of theirs (yet), aid_reported once its week is confirmed, and
    as actions.reverse_aid.
    """
    aid = db.session.get(Aid, body.aid_uuid, populate_existing=True)
    if aid is None or not rules.is_own(aid.entered_by_id, aid.settled_by_id, worker.id):
        raise AppError("prerequisite_waiting")
    phone = FromPhone(written.op_uuid)
    if aid.state == "due":
        return actions.cancel_aid(worker, body.aid_uuid, reason=body.reason, now=now, phone=phone)
    if aid.state == "given" and not written.is_taken_in and _is_reported(aid, written):
        raise AppError("aid_reported")
    actions.reverse_aid(worker, body.aid_uuid, reason=body.reason, now=now, phone=phone)
    if aid.due_on is not None:
        actions.make_due_again(worker, body.aid_uuid, now)
    return aid


def _given_on(on: date, written: Written, now: datetime) -> date:
    """The day of what was given: none is still to come, whatever a phone's clock says."""
    return min(written.day(on), clock.local_date(now))


def _is_reported(aid: Aid, written: Written) -> bool:
    """Whether the week of an entry was confirmed before its worker, on another day than they gave it, took it back."""
    is_same_day = aid.given_on == clock.local_date(written.at)
    return not is_same_day and aid.week_on is not None and is_closed(aid.area_code, aid.week_on)


def _is_in_reach(aid: Aid, reach: Reach) -> bool:
    household = people.find_household(aid.household_uuid) if aid.household_uuid else None
    return household is not None and (
        reach.covers(household) or reach.covers(people.find_standing(household))
    )


def _check_about(worker: User, household: Household, body: AidBody) -> None:
    _check_visit(worker, body.visit_uuid)
    if body.person_uuid and not people.have_been_in(household, [body.person_uuid]):
        raise AppError("not_yours")
    if body.followup_id:
        task = db.session.get(Followup, body.followup_id)
        home = people.find_registered("household", task.household_uuid) if task else None
        if home is None or home.household_uuid != household.household_uuid:
            raise AppError("not_yours")


def _check_visit(worker: User, visit_uuid: str | None) -> None:
    visit = visits.find_visit(visit_uuid) if visit_uuid else None
    if visit is not None and visit.worker_id != worker.id:
        raise AppError("not_yours")


def _check_given(given: Given) -> None:
    faults = rules.list_faults(given.kind, given.item, given.amount_cents, given.quantity_milli, given.unit)
    named = {
        "programme": ("aid_programme", given.programme),
        "source": ("aid_source", given.source),
        "item": (f"aid_{given.kind}", given.item),
        "unit": ("aid_unit", given.unit),
    }
    for name, (table, code) in named.items():
        if code is not None and name not in faults and find_code(table, code) is None:
            faults[name] = "unknown"
    if faults:
        raise AppError("body_invalid", fields=faults)
