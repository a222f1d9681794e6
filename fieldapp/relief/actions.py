"""Writes of cases of relief: every step of their life.

Invariant: a step is an entry of the case, an audit entry and what people are told, in one transaction; whoever handled a
case, or has a near relative in it, does not decide it, and refusing says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from fieldapp.aid import actions as aid
from fieldapp.aid.actions import Given, Subject
from fieldapp.aid.models import Aid
from fieldapp.areas import queries as areas
from fieldapp.core import audit, clock, scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import own_feed, publish
from fieldapp.core.guard import LEADER, OFFICER, SUPERVISOR, WORKER
from fieldapp.followups import queries as followups
from fieldapp.notices import actions as notices
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.people.phone_actions import Reach, get_household as find_in_reach
from fieldapp.relief import counting, fund_actions, queries, rules
from fieldapp.relief.models import ReliefCase, ReliefStep
from fieldapp.relief.policy_queries import get_terms
from fieldapp.relief.sync import ReliefBody
from fieldapp.users import deputies, queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.workdays.queries import add_working_days


@dataclass(frozen=True, kw_only=True)
class Details:
    """What is known of a case; next to nothing is enough to open one."""

    area_code: str
    channel: str = "desk"
    applicant_name: str = ""
    id_number: str | None = None
    phone: str | None = None
    home: str = ""
    is_local: bool = True
    place: str = ""
    person_uuids: Sequence[str] = ()
    people_count: int = 1
    agent_name: str = ""
    agent_authority: str = ""
    cause: str = ""
    what_happened: str = ""
    asked_for: str = ""
    asked_cents: int | None = None
    is_urgent: bool = False


@dataclass(frozen=True, kw_only=True)
class Origin:
    """For which household, and what it comes from."""

    household: Household | None = None
    visit_uuid: str | None = None
    followup_id: str | None = None


def open_case(actor: User, case_id: str, details: Details, origin: Origin, now: datetime) -> ReliefCase:
    """Open a case at the desk; under the same key it is the one that is there.

    Whoever calls has made sure that the actor may see household, visit and task. Raises wrong_role, not_found for an area
    that is not the actor's or people of another household, agent_needed, record_exists.
    """
    if actor.role not in rules.HANDLERS:
        raise AppError("wrong_role")
    held = db.session.get(ReliefCase, case_id)
    if held is not None:
        return _same(held, actor, origin.household, details.what_happened)
    if not scope.covers(actor.area_codes(now), details.area_code):
        raise AppError("not_found")
    _check_details(details, origin.household)
    case = _add(actor, case_id, details, origin, applied_at=now, now=now)
    # Somebody else takes up what is about one's own relatives.
    if actor.id not in queries.list_kept_out(case):
        case.handler_id = actor.id
    return case


def request_relief(
    actor: User, body: ReliefBody, written_at: datetime, reach: Reach, now: datetime
) -> ReliefCase:
    """Take in what a worker asked for on the phone, on a visit or after it; sent again it is the case that is here.

    The visit itself may still be on its way. Raises not_yours for a household out of reach or somebody else's visit,
    record_exists.
    """
    held = db.session.get(ReliefCase, body.case_id)
    if held is not None:
        if held.entered_by_id != actor.id:
            raise AppError("not_yours")
        is_here = held.asked_for, held.is_urgent, held.visit_uuid
        if held.state == "applied" and is_here != (body.asked_for, body.is_urgent, body.visit_uuid):
            raise AppError("record_exists")
        household = people.find_registered("household", body.household_uuid)
        return _same(held, actor, household, body.what_happened)
    household = find_in_reach(body.household_uuid, reach)
    visit = visits.find_visit(body.visit_uuid) if body.visit_uuid else None
    if visit is not None and visit.worker_id != actor.id:
        raise AppError("not_yours")
    details = Details(
        area_code=household.grid_code,
        channel="visit",
        people_count=max(sum(1 for person in household.people if person.died_on is None), 1),
        what_happened=body.what_happened,
        asked_for=body.asked_for,
        is_urgent=body.is_urgent,
    )
    origin = Origin(household=household, visit_uuid=body.visit_uuid)
    return _add(actor, body.case_id, details, origin, applied_at=written_at, now=now)


def change_case(actor: User, case_id: str, details: Details, now: datetime) -> ReliefCase:
    """Complete or correct what a case says. Raises not_found, wrong_role, own_relative, state_wrong, agent_needed."""
    case = _lock(actor, case_id, "changed", now)
    household = people.find_registered("household", case.household_uuid)
    if not scope.covers(actor.area_codes(now), details.area_code):
        raise AppError("not_found")
    _check_details(details, household)
    values = asdict(details)
    if case.approved_at is not None:
        # Who decided, and when it was due, went by these.
        for name in ("is_urgent", "area_code", "people_count"):
            values[name] = getattr(case, name)
    counting.count_ways(case, -1)
    changed = _write_details(case, values)
    counting.count_ways(case)
    if changed:
        _step(case, "changed", actor, now)
        case.due_at = _due_at(case, now)
    return case


def accept_case(actor: User, case_id: str, now: datetime) -> ReliefCase:
    """Take a case up: from now on the actor handles it. Raises not_found, wrong_role, own_relative, state_wrong."""
    case = _lock(actor, case_id, "accepted", now)
    case.handler_id = actor.id
    return _advance(case, "accepted", actor, now)


def note_findings(actor: User, case_id: str, *, text: str, now: datetime) -> ReliefCase:
    """Write down what looking into it found. Raises as accept_case, and reason_needed."""
    case = _lock(actor, case_id, "investigated", now)
    case.handler_id = case.handler_id or actor.id
    return _advance(case, "investigated", actor, now, text=_reason(text))


def propose_relief(
    actor: User, case_id: str, *, cents: int, funded_by: str, text: str | None, now: datetime
) -> ReliefCase:
    """Propose an amount and who pays; whoever decides that amount is told. Raises as accept_case, and amount_wrong."""
    case = _lock(actor, case_id, "proposed", now)
    _set_amount(case, cents, funded_by)
    case.handler_id = case.handler_id or actor.id
    return _advance(case, "proposed", actor, now, text=text, cents=cents)


def return_case(actor: User, case_id: str, *, reason: str, now: datetime) -> ReliefCase:
    """Send a proposal back to be looked into again. Raises as approve_relief, and reason_needed."""
    case, for_id = _lock_for_decision(actor, case_id, "returned", now)
    return _advance(case, "returned", actor, now, for_id=for_id, text=_reason(reason))


def approve_relief(
    actor: User,
    case_id: str,
    *,
    cents: int | None = None,
    funded_by: str | None = None,
    text: str | None = None,
    now: datetime,
) -> ReliefCase:
    """Approve what was proposed, or another amount; of an urgent case at once, without a proposal.

    What the reserve fund pays is held in it from now on. Raises not_found, wrong_role, own_relative, relief_handled,
    relief_above_limit, state_wrong, amount_wrong, fund_too_small.
    """
    case, for_id = _lock_for_decision(actor, case_id, "approved", now, cents)
    _set_amount(case, cents or case.proposed_cents or 0, funded_by or case.funded_by or "")
    township = queries.find_township(case.area_code)
    if case.funded_by == rules.RESERVE_FUND and township is not None:
        fund_actions.move(actor, township, "held", case.proposed_cents or 0, now, case_id=case_id)
        case.fund_code = township
    case.approved_cents = case.proposed_cents
    case.approved_by_id, case.approved_for_id, case.approved_at = actor.id, for_id, now
    return _advance(case, "approved", actor, now, for_id=for_id, text=text, cents=case.approved_cents)


def refuse_relief(actor: User, case_id: str, *, reason: str, now: datetime) -> ReliefCase:
    """Refuse a case; the reason is told to whoever asked. Raises as approve_relief, and reason_needed."""
    case, for_id = _lock_for_decision(actor, case_id, "refused", now)
    case.reason = _reason(reason)
    return _advance(case, "refused", actor, now, for_id=for_id, text=case.reason)


def pay_relief(
    actor: User, case_id: str, aid_uuid: str, *, cents: int, on: date, received_by: str | None, now: datetime
) -> ReliefCase:
    """Enter a payment, the whole or a part; under the same key it is the one that is there.

    Raises as accept_case, and amount_wrong above what is still to be paid, relief_approver, day_in_future.
    """
    case = _lock(actor, case_id, "paid", now, held_aid=aid_uuid)
    if db.session.get(Aid, aid_uuid) is not None:
        return case
    if actor.id == case.approved_by_id:
        raise AppError("relief_approver")
    if not 0 < cents <= _still_to_pay(case):
        raise AppError("amount_wrong")
    household = people.find_registered("household", case.household_uuid)
    aid.enter_aid(
        actor,
        aid_uuid,
        Subject(
            household=household,
            area_code=case.area_code,
            person_uuid=case.person_uuids[0] if len(case.person_uuids) == 1 else None,
            visit_uuid=case.visit_uuid if case.visit_uuid and visits.find_visit(case.visit_uuid) else None,
            followup_id=case.followup_id,
            relief_case_id=case_id,
            counts_as=counting.list_measures(case, cents),
        ),
        Given(kind="cash", programme="temporary_relief", source=case.funded_by or "", amount_cents=cents),
        is_given=True,
        on=on,
        received_by=received_by or (None if household else case.applicant_name or None),
        now=now,
    )
    if case.fund_code is not None:
        fund_actions.move(actor, case.fund_code, "paid", cents, now, case_id=case_id)
    case.paid_cents += cents
    case.paid_on = min(case.paid_on or on, on)
    return _advance(case, "paid", actor, now, cents=cents, aid_uuid=aid_uuid)


def take_back_payment(actor: User, case_id: str, aid_uuid: str, *, reason: str, now: datetime) -> ReliefCase:
    """Take back a payment that was entered by mistake: it is still to be paid. Raises as accept_case, and aid_settled."""
    case = _lock(actor, case_id, "taken_back", now)
    payment = db.session.get(Aid, aid_uuid)
    if payment is None or payment.relief_case_id != case_id:
        raise AppError("not_found")
    cents = payment.amount_cents or 0
    case.paid_cents -= cents
    measures = counting.list_measures(case, cents)
    aid.reverse_aid(actor, aid_uuid, reason=reason, now=now, of_case=case_id, counts_as=measures)
    if case.fund_code is not None:
        fund_actions.move(actor, case.fund_code, "taken_back", cents, now, case_id=case_id)
    if case.paid_cents == 0:
        case.paid_on = None
    return _advance(case, "taken_back", actor, now, text=reason.strip(), cents=cents, aid_uuid=aid_uuid)


def note_papers(actor: User, case_id: str, *, text: str | None, now: datetime) -> ReliefCase:
    """Note that the papers of aid that came first are complete. Raises as accept_case."""
    case = _lock(actor, case_id, "papers", now)
    if not case.is_urgent or case.papers_on is not None:
        raise AppError("state_wrong", state=case.state)
    case.papers_on = clock.local_date(now)
    return _advance(case, "papers", actor, now, text=text)


def close_case(actor: User, case_id: str, *, text: str | None, now: datetime) -> ReliefCase:
    """Close a case that was paid; what is held and not paid goes back into the fund.

    Raises as accept_case, papers_missing, reason_needed where less was paid than approved.
    """
    case = _lock(actor, case_id, "closed", now)
    if case.paid_cents == 0:
        raise AppError("state_wrong", state=case.state)
    if case.is_urgent and case.papers_on is None:
        raise AppError("papers_missing")
    if _still_to_pay(case):
        text = _reason(text or "")
    _free(case, actor, now)
    return _advance(case, "closed", actor, now, text=text)


def withdraw_case(actor: User, case_id: str, *, reason: str, now: datetime) -> ReliefCase:
    """Note that whoever asked does so no more; what was held goes back. Raises as accept_case, and reason_needed."""
    case = _lock(actor, case_id, "withdrawn", now)
    if case.paid_cents:
        raise AppError("state_wrong", state=case.state)
    case.reason = _reason(reason)
    _free(case, actor, now)
    return _advance(case, "withdrawn", actor, now, text=case.reason)


def find_decider(actor: User, case: ReliefCase, now: datetime, cents: int | None = None) -> User | None:
    """In whose name the actor may decide a case of that amount: their own, or of whoever they are the deputy of; or None.

    Raises nothing: relatives and handlers are looked at apart.
    """
    # Granting less than was proposed takes nothing away from the county.
    most = max(cents or 0, case.proposed_cents or 0)
    tier = _tier_of(case, most) if most else None
    for user in (actor, *deputies.list_represented(actor, clock.local_date(now))):
        codes = user.area_codes(now)
        if not scope.covers(codes, case.area_code):
            continue
        covers_county = scope.covers(codes, areas.county_of(case.area_code))
        if rules.may_decide(user.role, tier, covers_county=covers_county):
            return user
    return None


def _add(
    actor: User, case_id: str, details: Details, origin: Origin, *, applied_at: datetime, now: datetime
) -> ReliefCase:
    task = followups.find_followup(origin.followup_id, actor, now) if origin.followup_id is not None else None
    case = ReliefCase(
        case_id=case_id,
        household_uuid=origin.household.household_uuid if origin.household else None,
        visit_uuid=origin.visit_uuid,
        followup_id=task.followup_id if task else None,
        is_abuse=task.is_abuse if task else False,
        state="applied",
        entered_by_id=actor.id,
        applied_at=applied_at,
        received_at=now,
        paid_cents=0,
    )
    _write_details(case, asdict(details))
    case.due_at = _due_at(case, now)
    db.session.add(case)
    db.session.flush()
    counting.count_ways(case)
    _step(case, "opened", actor, now)
    _tell_next(case, "opened", actor, now)
    return case


def _write_details(case: ReliefCase, values: dict[str, Any]) -> bool:
    """Write what is known; whether anything is different now."""
    values["person_uuids"] = list(values["person_uuids"])
    values["id_hash"], _ = people.number_hashes(values["id_number"], "id")
    changed = {name for name, value in values.items() if getattr(case, name) != value}
    for name in changed:
        setattr(case, name, values[name])
    return bool(changed)


def _check_details(details: Details, household: Household | None) -> None:
    if details.channel not in rules.CHANNELS:
        raise AppError("body_invalid")
    if details.channel == "agent" and not (details.agent_name.strip() and details.agent_authority.strip()):
        raise AppError("agent_needed")
    if details.person_uuids and (
        household is None or not people.have_been_in(household, details.person_uuids)
    ):
        raise AppError("not_found")


def _same(held: ReliefCase, actor: User, household: Household | None, what_happened: str) -> ReliefCase:
    """The case that is there under the key; raises record_exists when it says something else."""
    same_home = people.find_registered("household", held.household_uuid)
    if (
        held.entered_by_id != actor.id
        or (same_home and same_home.household_uuid) != (household and household.household_uuid)
        or held.what_happened != what_happened
    ):
        raise AppError("record_exists")
    return held


def _lock(actor: User, case_id: str, step: str, now: datetime, *, held_aid: str | None = None) -> ReliefCase:
    """The case, locked, when the actor may take a step of those who handle it; `held_aid`: a payment sent twice passes."""
    case = queries.get_case(case_id, actor, now, lock=True)
    if actor.role not in rules.HANDLERS:
        raise AppError("wrong_role")
    _check_relative(actor, case)
    payment = db.session.get(Aid, held_aid) if held_aid else None
    if payment is not None:
        if payment.relief_case_id != case_id:
            raise AppError("record_exists")
        return case
    if not rules.can_step(step, case.state):
        raise AppError("state_wrong", state=case.state)
    return case


def _lock_for_decision(
    actor: User, case_id: str, step: str, now: datetime, cents: int | None = None
) -> tuple[ReliefCase, int | None]:
    """The case, locked, when the actor may decide it, and in whose place they do, if not in their own."""
    case = queries.get_case(case_id, actor, now, lock=True)
    decider = find_decider(actor, case, now, cents)
    if decider is None:
        is_leader = any(
            user.role == LEADER for user in (actor, *deputies.list_represented(actor, clock.local_date(now)))
        )
        raise AppError("relief_above_limit" if is_leader else "wrong_role")
    _check_relative(actor, case)
    if actor.id in queries.list_handlers(case):
        raise AppError("relief_handled")
    if not rules.can_step(step, case.state, is_urgent=case.is_urgent):
        raise AppError("state_wrong", state=case.state)
    return case, decider.id if decider.id != actor.id else None


def _check_relative(actor: User, case: ReliefCase) -> None:
    if actor.id in queries.list_kept_out(case):
        raise AppError("own_relative")


def _tier_of(case: ReliefCase, cents: int) -> str:
    return rules.tier_of(
        cents,
        case.people_count,
        get_terms(case.area_code),
        has_township=queries.find_township(case.area_code) is not None,
    )


def _set_amount(case: ReliefCase, cents: int, funded_by: str) -> None:
    if not 0 < cents <= rules.MOST_CENTS or funded_by not in rules.SOURCES:
        raise AppError("amount_wrong")
    if funded_by == rules.RESERVE_FUND and queries.find_township(case.area_code) is None:
        raise AppError("fund_too_small")
    case.proposed_cents, case.funded_by = cents, funded_by
    case.tier = _tier_of(case, cents)


def _still_to_pay(case: ReliefCase) -> int:
    return (case.approved_cents or 0) - case.paid_cents


def _free(case: ReliefCase, actor: User, now: datetime) -> None:
    left = _still_to_pay(case)
    if case.fund_code is not None and case.approved_at is not None and left:
        fund_actions.move(actor, case.fund_code, "freed", left, now, case_id=case.case_id)


def _advance(
    case: ReliefCase,
    step: str,
    actor: User,
    now: datetime,
    *,
    for_id: int | None = None,
    text: str | None = None,
    cents: int | None = None,
    aid_uuid: str | None = None,
) -> ReliefCase:
    """Take a step that was found possible: the state, the clock, the entry, the trail, and who is told."""
    state = rules.STEPS[step][1]
    if step == "paid":
        state = "approved" if _still_to_pay(case) else "paid"
    case.state = state or case.state
    if case.state in rules.FINAL:
        case.closed_at = now
    _step(case, step, actor, now, for_id=for_id, text=text, cents=cents, aid_uuid=aid_uuid)
    case.due_at = _due_at(case, now)
    _tell_next(case, step, actor, now)
    return case


def _due_at(case: ReliefCase, now: datetime) -> datetime | None:
    since = [step.at for step in case.steps if step.step in rules.BEGINS.get(case.state, ())]
    standing = rules.Standing(
        case.state,
        case.is_urgent,
        case.applied_at,
        clock.local_date(case.applied_at),
        clock.local_date(since[-1] if since else now),
        case.paid_on,
        case.papers_on,
    )
    return rules.due_at(standing, get_terms(case.area_code), add_working_days, clock.midnight)


def _step(
    case: ReliefCase,
    step: str,
    actor: User,
    now: datetime,
    *,
    for_id: int | None = None,
    text: str | None = None,
    cents: int | None = None,
    aid_uuid: str | None = None,
) -> None:
    case.steps.append(
        ReliefStep(
            at=now,
            actor_id=actor.id,
            for_id=for_id,
            step=step,
            text=text or None,
            amount_cents=cents,
            aid_uuid=aid_uuid,
        )
    )
    audit.record(
        actor,
        f"relief.{step}",
        "relief",
        case.case_id,
        at=now,
        state=case.state,
        in_place_of=for_id,
        cents=cents,
        text=text or None,
    )
    publish(own_feed(case.entered_by_id), "relief", case.case_id)


# --- who is told --------------------------------------------------------------------------------------------------


def _tell_next(case: ReliefCase, step: str, actor: User, now: datetime) -> None:
    """Tell whoever takes the next step, and of a decision whoever asked and handles it."""
    notices.settle("relief", case.case_id, now)
    told: list[User] = []
    if step == "opened":
        told = users.list_users_covering(case.area_code, [SUPERVISOR], now)
        if case.is_urgent:
            told = told + _list_deciders(case, now)
    elif step == "proposed":
        told = _list_deciders(case, now)
    elif step in rules.DECIDE:
        told = [users.get_user(id_) for id_ in {case.handler_id, case.entered_by_id} if id_ is not None]
    kept_out = queries.list_kept_out(case)
    recipients = [
        user
        for user in told
        if user.id != actor.id
        and (user.role == WORKER or (user.id not in kept_out and queries.may_read(case, user, now)))
    ]
    cause = "relief.decided" if step in rules.DECIDE else f"relief.{step}"
    matter = notices.Matter(
        cause,
        "relief",
        case.case_id,
        case.area_code,
        "red" if case.is_urgent else None,
        due_at=case.due_at,
        outside=notices.COUNTY if case.is_abuse else notices.EVERYTHING,
    )
    notices.tell(recipients, matter, now)


def _list_deciders(case: ReliefCase, now: datetime) -> list[User]:
    """Who decides the case, and their deputies; where the township has nobody who may, the county."""
    apart = queries.list_handlers(case) | queries.list_kept_out(case)
    leaders: list[User] = []
    if case.tier != rules.COUNTY and queries.find_township(case.area_code) is not None:
        leaders = users.list_users_covering(case.area_code, [LEADER], now)
    deciders = [user for user in leaders if user.id not in apart]
    if not deciders:
        deciders = users.list_users_covering(areas.county_of(case.area_code), [OFFICER], now)
    return deciders + deputies.list_deputies(deciders, clock.local_date(now))


def _reason(text: str) -> str:
    if not text.strip():
        raise AppError("reason_needed")
    return text.strip()
