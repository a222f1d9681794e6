"""Writes of re-visits: drawn when a home visit is accepted, asked for by hand, told apart, decided on.

Invariant: nobody looks at their own visit again, nor at a near relative's; nobody decides on what they reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fieldapp.core import audit, clock
from fieldapp.core.db import db
from fieldapp.core.draws import draw_number, is_drawn
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, SUPERVISOR
from fieldapp.core.severity import SEVERITIES
from fieldapp.followups import actions as followups, queries as followup_queries
from fieldapp.followups.models import Followup
from fieldapp.followups.sync import ReportBody
from fieldapp.people import period_queries, queries as people
from fieldapp.people.models import Household
from fieldapp.policies import actions as policies
from fieldapp.revisits import queries, rules
from fieldapp.revisits.models import Revisit, RevisitPolicy
from fieldapp.users.models import User
from fieldapp.visits.actions import Envelope
from fieldapp.visits.models import Visit

# What every county begins with: few, and a household once in half a year at most.
FIRST: dict[str, Any] = {
    "share_percent": 2,
    "more_percent": 5,
    "classes": [],
    "quiet_days": 180,
    "pauses": True,
}
DRAWN = {
    "zh": "随机抽到的回访:由没去过这家的人核实上次走访",
    "en": "Drawn at random: somebody who was not there looks at the last visit again",
}


def hold_policy(area_code: str, now: datetime) -> RevisitPolicy:
    """The policy that holds in an area; where there is none yet, the one every county begins with is made."""
    return policies.hold_policy(RevisitPolicy, area_code, FIRST, now)


def set_policy(
    actor: User,
    county_code: str,
    *,
    based_on: int,
    share_percent: int,
    more_percent: int,
    classes: Sequence[str],
    quiet_days: int,
    pauses: bool,
    reason: str,
    now: datetime,
) -> RevisitPolicy:
    """Set how often visits are drawn from now on; `based_on` is the number of the policy that was looked at, 0 for none.

    Raises as policies.set_policy.
    """
    terms = {
        "share_percent": share_percent,
        "more_percent": more_percent,
        "classes": list(classes),
        "quiet_days": quiet_days,
        "pauses": pauses,
    }
    return policies.set_policy(
        actor,
        RevisitPolicy,
        county_code,
        terms,
        based_on=based_on,
        reason=reason,
        step="revisit_policy.set",
        now=now,
    )


def consider(visit: Visit, now: datetime) -> Revisit | None:
    """Draw an accepted visit, or not. The visit is locked: however often it is accepted, it is drawn once.

    Only home visits that reached somebody; a red one has its own tasks, and a household is left in peace for some time.
    """
    if visit.method != "home" or visit.outcome != "reached" or visit.household_uuid is None:
        return None
    if visit.severity == SEVERITIES[0] or queries.find_of_visit(visit.visit_uuid) is not None:
        return None
    policy = hold_policy(visit.area_code, now)
    if not is_drawn(policy.seed, visit.visit_uuid, _share_of(visit, policy)):
        return None
    household = people.find_household(visit.household_uuid)
    if household is None or queries.was_looked_at(household.household_uuid, queries.quiet_since(policy, now)):
        return None
    if policy.pauses and period_queries.find_pausing(household.grid_code, clock.local_date(now)):
        return None
    return _open(None, visit, household, DRAWN, policy, now)


def ask_for_revisit(actor: User, visit: Visit, *, reason: str, now: datetime) -> Revisit:
    """Have somebody else look at a visit again; the visit is locked and the actor may know of it.

    Raises wrong_role, reason_needed, revisit_exists, state_wrong.
    """
    if actor.role not in (OFFICER, SUPERVISOR):
        raise AppError("wrong_role")
    if not reason.strip():
        raise AppError("reason_needed")
    if queries.find_of_visit(visit.visit_uuid) is not None:
        raise AppError("revisit_exists")
    household = people.find_household(visit.household_uuid) if visit.household_uuid else None
    if household is None or visit.state == "voided":
        raise AppError("state_wrong", state=visit.state)
    words = {"zh": reason.strip(), "en": reason.strip()}
    return _open(actor, visit, household, words, hold_policy(visit.area_code, now), now)


def report_followup(actor: User, body: ReportBody, envelope: Envelope, now: datetime) -> Followup:
    """Store a task's result; of a re-visit also what it says beside the visit. Raises as followups.report_followup."""
    task = followups.report_followup(actor, body, envelope, now)
    revisit = db.session.get(Revisit, task.followup_id)
    report = followup_queries.find_report(task.followup_id) if revisit else None
    if revisit is not None and report is not None:
        pairs, hints = queries.compare(db.session.get_one(Visit, revisit.visit_uuid), report)
        revisit.finding = rules.find(report.answers or {}, pairs, hints)
    return task


def close_revisit(actor: User, followup_id: str, *, decision: str, words: str, now: datetime) -> Revisit:
    """Say what is to be done about what was found, and close the task.

    Raises not_found, wrong_role, state_wrong, reason_needed, revisit_kept_out.
    """
    task = followups.get_for_step(actor, followup_id, "verified", now)
    revisit = queries.get_revisit(followup_id, actor, now)
    report = followup_queries.find_report(followup_id)
    if actor.id in followup_queries.list_kept_out(task) or (report and report.actor_id == actor.id):
        raise AppError("revisit_kept_out")
    if decision not in rules.DECISIONS:
        raise AppError("reason_needed")
    # What is decided on a difference is said in words.
    if not words.strip() and (decision != "fine" or revisit.finding == rules.DIFFER):
        raise AppError("reason_needed")
    revisit.decision, revisit.words = decision, words.strip() or None
    revisit.decided_by_id, revisit.decided_at = actor.id, now
    followups.take_step(task, "verified", actor, now, text=revisit.words)
    audit.record(
        actor,
        "revisit.decided",
        "visit",
        revisit.visit_uuid,
        at=now,
        followup_id=followup_id,
        finding=revisit.finding,
        decision=decision,
        words=revisit.words,
    )
    return revisit


def _share_of(visit: Visit, policy: RevisitPolicy) -> int:
    more = max(policy.share_percent, policy.more_percent)
    if more == policy.share_percent:
        return policy.share_percent
    visited = people.list_people(each.person_uuid for each in visit.people)
    is_more = any(person.risk == "high" or person.main_class in policy.classes for person in visited)
    return more if is_more else policy.share_percent


def _open(
    actor: User | None,
    visit: Visit,
    household: Household,
    reason: dict[str, str],
    policy: RevisitPolicy,
    now: datetime,
) -> Revisit:
    # By the same key as the draw: it can be worked out again who it fell to.
    lot = int(draw_number(policy.seed, f"{visit.visit_uuid}/who") * 2**32)
    task = followups.open_revisit(
        actor,
        visit,
        reason,
        now,
        grid_code=household.grid_code,
        lot=lot,
        is_abuse=queries.is_of_abuse(visit.visit_uuid),
    )
    named = {} if actor else {"policy_county": policy.county_code, "policy_number": policy.number}
    revisit = Revisit(
        followup_id=task.followup_id,
        visit_uuid=visit.visit_uuid,
        household_uuid=household.household_uuid,
        area_code=visit.area_code,
        asked_by_id=actor.id if actor else None,
        made_at=now,
        **named,
    )
    db.session.add(revisit)
    audit.record(
        actor,
        "revisit.asked" if actor else "revisit.drawn",
        "visit",
        visit.visit_uuid,
        at=now,
        followup_id=task.followup_id,
        **named,
    )
    return revisit
