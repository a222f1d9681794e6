"""What happens to a visit after it arrives: flags, follow-ups, and the decisions of reviewers or of the county's policy.

Invariant: receiving is one transaction: the visit, its flags, the tasks they lead to and what the policy decides appear
together or not at all. Every decision is kept with who took it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import IO, Any
from uuid import UUID

from sqlalchemy import delete, select

from fieldapp.aid import actions as aid
from fieldapp.areas.queries import county_of
from fieldapp.checklists import queries as checklists
from fieldapp.checklists.markup import plain
from fieldapp.core import audit, scope, storage
from fieldapp.core.bodies import is_uuid
from fieldapp.core.db import db, insert_if_absent, insert_into, transaction
from fieldapp.core.draws import is_drawn
from fieldapp.core.errors import AppError
from fieldapp.core.severity import SEVERITIES
from fieldapp.followups import actions as followups
from fieldapp.followups.incident_actions import raise_for_flag
from fieldapp.followups.queries import read_abuse_rule
from fieldapp.notices.actions import Matter, tell
from fieldapp.people import actions as people, queries as people_queries, relatives
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household
from fieldapp.reviews import likeness_queries, photo_queries, queries, rules
from fieldapp.reviews.counting import counting
from fieldapp.reviews.flag_rule_queries import get_limits
from fieldapp.reviews.models import Flag, PhotoPrint, Review, ReviewClaim, ReviewPolicy
from fieldapp.reviews.policy_actions import hold_policy
from fieldapp.revisits import actions as revisits
from fieldapp.revisits.models import Revisit
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import actions as visits, queries as visit_queries
from fieldapp.visits.actions import Envelope, StoredVisit
from fieldapp.visits.models import Visit, VisitRevision
from fieldapp.visits.sync import VisitBody

# Code of the tags whose people count as living alone.
ALONE = frozenset({"living_alone", "lonely_elder"})
# From which states a decision leads where.
STEPS: Mapping[str, tuple[frozenset[str], str]] = {
    "approved": (frozenset({"submitted"}), "approved"),
    "returned": (frozenset({"submitted"}), "returned"),
    "voided": (frozenset({"submitted", "approved", "returned"}), "voided"),
    "reopened": (frozenset({"approved"}), "submitted"),
}


def receive_visit(actor: User, body: VisitBody, envelope: Envelope, now: datetime) -> Visit:
    """Store a new visit, raise its flags, make their follow-ups; raises as visits.submit_visit."""
    stored = visits.submit_visit(actor, body, envelope, now)
    with counting(stored.visit, is_new=True):
        return _assess(stored, body, now)


def receive_revision(
    actor: User, body: VisitBody, base: int | None, envelope: Envelope, now: datetime
) -> Visit:
    """Store a correction and assess it like a new visit; raises as visits.revise_visit."""
    if visit_queries.find_visit(body.visit_uuid) is None:
        raise AppError("prerequisite_waiting")
    # Locked before anything is counted of it; a correction taken in at the desk may be of a visit that did not count.
    with counting(visits.lock_visit(body.visit_uuid)):
        return _assess(visits.revise_visit(actor, body, base, envelope, now), body, now)


def foresee_severity(body: Any) -> str | None:
    """The severity a visit would have by its answers, of a body that may be anything; None when that cannot be told."""
    if not isinstance(body, dict):
        return None
    if body.get("urgent_calls"):
        return SEVERITIES[0]
    answers, named, people = body.get("answers"), body.get("checklist"), body.get("people")
    if not (isinstance(answers, dict) and isinstance(named, dict) and isinstance(people, list)):
        return None
    name = str(named.get("key")), str(named.get("version"))
    version = checklists.find_version(*name) if all(part.isprintable() for part in name) else None
    if version is None:
        return None
    uuids = [str(UUID(person)) if is_uuid(person) else str(UUID(int=0)) for person in people]
    return rules.worst(visits.foresee_severities(version, answers, uuids))


def store_attachment(sha256: str, stream: IO[bytes], user_id: int, now: datetime) -> bool:
    """Keep an attachment, and look again at the visits that name it: at their photos, and whether they are complete now.

    Returns and raises as storage.store_attachment.
    """
    is_new = storage.store_attachment(sha256, stream, user_id, now)
    for visit_uuid in photo_queries.list_naming(sha256):
        with transaction():
            visit = visits.lock_visit(visit_uuid)
            with counting(visit):
                _look_again(visit, now)
    return is_new


def approve_visit(actor: User, visit_uuid: str, revision: int, *, now: datetime) -> Visit:
    """Accept a visit as it was seen; raises not_found, own_entry, wrong_role, state_wrong, claimed."""
    return _decide(actor, visit_uuid, revision, "approved", None, {}, now)


def approve_clean_visit(actor: User, visit_uuid: str, revision: int, *, now: datetime) -> Visit:
    """Accept a visit that nobody has opened, because it is clean; raises not_clean, and as approve_visit."""
    queries.get_visit(visit_uuid, actor, now)
    visit = visits.lock_visit(visit_uuid)
    cause = _find_cause(visit, visit_queries.get_revision(visit), hold_policy(visit.area_code, now))
    if cause not in {None, *queries.CLEAN}:
        raise AppError("not_clean")
    return _decide(actor, visit_uuid, revision, "approved", None, {}, now)


def reopen_visit(actor: User, visit_uuid: str, revision: int, *, now: datetime) -> Visit:
    """Have a person look at a visit that the policy accepted; raises not_found, own_entry, wrong_role, state_wrong."""
    visit = _decide(actor, visit_uuid, revision, "reopened", None, {}, now)
    visit.review_cause = "decided"
    return visit


def return_visit(
    actor: User, visit_uuid: str, revision: int, *, reason: str, notes: dict[str, str], now: datetime
) -> Visit:
    """Give a visit back to its worker with a reason and notes by question path.

    Raises not_found, own_entry, wrong_role, state_wrong, claimed, reason_needed.
    """
    return _decide(actor, visit_uuid, revision, "returned", reason, notes, now)


def void_visit(actor: User, visit_uuid: str, revision: int, *, reason: str, now: datetime) -> Visit:
    """Declare that a visit does not count; raises as return_visit."""
    return _decide(actor, visit_uuid, revision, "voided", reason, {}, now)


def claim_visit(actor: User, visit_uuid: str, now: datetime) -> ReviewClaim:
    """Note that the actor is looking at a visit, unless somebody else is; gives the claim that holds, whosesoever.

    Whoever opens a visit lets go of the one before. Runs its own transactions: let go first and take then, so that two who
    change places do not wait for each other. Raises not_found, own_entry, wrong_role.
    """
    queries.check_reviewer(actor, queries.get_visit(visit_uuid, actor, now), now)
    with transaction():
        db.session.execute(
            delete(ReviewClaim).where(ReviewClaim.user_id == actor.id, ReviewClaim.visit_uuid != visit_uuid)
        )
    with transaction():
        db.session.execute(
            delete(ReviewClaim).where(
                ReviewClaim.visit_uuid == visit_uuid,
                (ReviewClaim.claimed_at <= now - rules.CLAIM_LASTS) | (ReviewClaim.user_id == actor.id),
            )
        )
        insert_if_absent(ReviewClaim, visit_uuid=visit_uuid, user_id=actor.id, claimed_at=now)
        return db.session.get_one(ReviewClaim, visit_uuid, populate_existing=True)


def ask_for_revisit(actor: User, visit_uuid: str, *, reason: str, now: datetime) -> Revisit:
    """Have somebody else look at a visit again; raises not_found, and as revisits.ask_for_revisit."""
    queries.get_visit(visit_uuid, actor, now)
    return revisits.ask_for_revisit(actor, visits.lock_visit(visit_uuid), reason=reason, now=now)


def confirm_flag(actor: User, flag_id: int, *, now: datetime) -> Flag:
    """Note that what a flag says is so; raises not_found, own_entry, wrong_role, state_wrong."""
    return _decide_flag(actor, flag_id, "confirmed", None, now)


def dismiss_flag(actor: User, flag_id: int, *, reason: str, now: datetime) -> Flag:
    """Note that a flag needs nothing, and why; its tasks stay.

    Raises not_found, own_entry, wrong_role, state_wrong, reason_needed.
    """
    if not reason.strip():
        raise AppError("reason_needed")
    return _decide_flag(actor, flag_id, "dismissed", reason.strip(), now)


def move_household(
    actor: User, household_uuid: str, grid_code: str, *, now: datetime, origin: Origin | None = None
) -> Household:
    """Put a household into another grid, its unsettled tasks and what its phones hold of aid with it.

    Raises as people.move_household.
    """
    household = people.move_household(actor, household_uuid, grid_code, now, origin)
    followups.move_followups(actor, household, now)
    aid.tell_phones_of(household, now)
    return household


def _assess(stored: StoredVisit, body: VisitBody, now: datetime) -> Visit:
    visit, revision = stored.visit, stored.revision
    limits = get_limits(visit.area_code)
    facts = rules.VisitFacts(
        distance_m=revision.distance_m,
        accuracy_m=body.location.accuracy_m if body.location else None,
        clock_offset_s=revision.clock_offset_s,
        ahead_s=stored.ahead_s,
        out_of_scope=visit.out_of_scope,
        failed_in_a_row=_failed_in_a_row(visit),
        at_risk=any(
            person.risk in {"high", "middle"} or ALONE & {tag.tag for tag in person.tags}
            for person in stored.household.people
        ),
        likely_pairs=likeness_queries.list_likely_pairs(visit),
        lasted_s=_lasted_s(visit, revision),
        own_answers=len(stored.own_answers),
        same_answers=_find_same_answers(stored, limits.get("same_answers", {})),
    )
    declared = [
        rules.RaisedFlag(
            "answer",
            flag["severity"],
            {language: plain(words) for language, words in flag["text"].items()},
            flag["question"],
            flag["choice"],
            followup_type=flag["followup"] or None,
        )
        for flag in stored.verdict.flags
    ]
    _raise(visit, declared + rules.find_flags(facts, limits), body.people, stored.household.grid_code, now)
    _look_at_photos(visit, revision, stored.household.grid_code, limits, now)
    _refresh_severity(visit)
    _ask_policy(visit, now)
    return visit


def _lasted_s(visit: Visit, revision: VisitRevision) -> float | None:
    """How long a visit took, where that says how its answers were given."""
    if visit.revision > 1 or visit.entered_by is not None or visit.outcome != "reached":
        return None
    return (revision.finished_at - revision.started_at).total_seconds()


def _find_same_answers(stored: StoredVisit, limits: Mapping[str, Any]) -> tuple[str, ...]:
    """Other visits with the same answers; what they are found by is kept only where the county looks for them."""
    visit, revision = stored.visit, stored.revision
    is_compared = visit.outcome == "reached" and len(stored.own_answers) >= rules.LEAST_ANSWERS
    if not limits.get("enabled") or not is_compared:
        return ()
    revision.answers_hash = likeness_queries.hash_answers(visit, revision, stored.own_answers)
    db.session.flush()
    return likeness_queries.list_same_answers(visit, revision, limits["days"])


def _raise(
    visit: Visit, found: Iterable[rules.RaisedFlag], people: list[str], grid_code: str, now: datetime
) -> None:
    """Keep the flags that were found, with the incidents and the tasks they lead to. The visit is locked."""
    is_suspected_abuse = read_abuse_rule()
    for raised in found:
        flag = _keep_flag(visit, raised, _person_of(raised.question, people), now)
        is_abuse = is_suspected_abuse(flag.followup_type, flag.question)
        if flag.severity == SEVERITIES[0] and flag.state != "dismissed":
            raise_for_flag(flag.id, visit, grid_code, flag.text, now, is_abuse=is_abuse)
        if flag.followup_type and flag.state != "dismissed":
            followups.open_for_flag(
                flag.id,
                flag.followup_type,
                flag.severity,
                visit,
                grid_code,
                flag.person_uuid,
                flag.text,
                now,
                is_abuse=is_abuse,
            )


def _look_at_photos(
    visit: Visit,
    revision: VisitRevision,
    grid_code: str,
    limits: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> None:
    """Raise what the photos of a visit raise, as far as they are here, and keep what others are compared with."""
    uses = storage.list_uses("visit", visit.visit_uuid, visit.revision)
    if not uses:
        return
    facts = photo_queries.get_facts(visit, revision, uses)
    _raise(visit, rules.find_photo_flags(facts, limits), revision.people, grid_code, now)
    prints = {
        (use.sha256, quarter, bits)
        for use, held in uses
        if held is not None and held.fingerprint
        for quarter, bits in rules.list_quarters(held.fingerprint)
    }
    if prints:
        rows = [
            {
                "county_code": county_of(visit.area_code),
                "quarter": quarter,
                "bits": bits,
                "visit_uuid": visit.visit_uuid,
                "sha256": sha256,
            }
            for sha256, quarter, bits in sorted(prints)
        ]
        db.session.execute(insert_into(PhotoPrint).values(rows).on_conflict_do_nothing())


def _look_again(visit: Visit, now: datetime) -> None:
    """A photo has arrived: look at the photos once more. A visit that the policy accepted waits for a person when
    something is seen in them; what a person has decided stays decided, with the flag beside it.
    """
    revision = visit_queries.get_revision(visit)
    household = people_queries.find_household(visit.household_uuid) if visit.household_uuid else None
    grid_code = people_queries.find_standing(household).grid_code if household else visit.area_code
    before = visit.severity
    _look_at_photos(visit, revision, grid_code, get_limits(visit.area_code), now)
    _refresh_severity(visit)
    is_news = visit.severity != before
    # One that waits for something else than its photos is not asked about again: the policy may be another one by now.
    if visit.state == "submitted" and (is_news or visit.review_cause == "photos"):
        _ask_policy(visit, now)
    elif visit.state == "approved" and is_news and not queries.was_decided_by_person(visit.visit_uuid):
        policy = hold_policy(visit.area_code, now)
        db.session.add(
            Review(
                visit_uuid=visit.visit_uuid,
                revision=visit.revision,
                decision="reopened",
                policy_county=policy.county_code,
                policy_number=policy.number,
                decided_at=now,
            )
        )
        audit.record(None, "visit.reopened", "visit", visit.visit_uuid, at=now, before=visit.state)
        visit.review_cause = "flags"
        visits.set_state(visit, "submitted")


def _ask_policy(visit: Visit, now: datetime) -> None:
    """Accept a submitted visit that needs no person by its county's policy, or note why it does. The visit is locked."""
    policy = hold_policy(visit.area_code, now)
    cause = _find_cause(visit, visit_queries.get_revision(visit), policy)
    is_new = cause != visit.review_cause
    visit.review_cause = cause
    named = {"revision": visit.revision, "policy": f"{policy.county_code}/{policy.number}"}
    if cause is None:
        db.session.add(
            Review(
                visit_uuid=visit.visit_uuid,
                revision=visit.revision,
                decision="approved",
                policy_county=policy.county_code,
                policy_number=policy.number,
                decided_at=now,
            )
        )
        audit.record(None, "visit.approved", "visit", visit.visit_uuid, at=now, before=visit.state, **named)
        visits.set_state(visit, "approved")
        revisits.consider(visit, now)
    elif cause == "drawn" and is_new:
        audit.record(None, "visit.drawn", "visit", visit.visit_uuid, at=now, **named)


def _find_cause(visit: Visit, revision: VisitRevision, policy: ReviewPolicy) -> str | None:
    """Why a person is to look at a visit, the weightiest first, or None when nobody needs to."""
    if visit.severity is not None:
        return "flags"
    if revision.problems:
        return "problems"
    if revision.urgent_calls:
        return "called"
    if visit.entered_by is not None or revision.taken_in_by is not None:
        return "desk"
    if queries.was_decided_by_person(visit.visit_uuid):
        return "decided"
    if any(held is None for _, held in storage.list_uses("visit", visit.visit_uuid, visit.revision)):
        return "photos"
    classes = {
        person.main_class for person in people_queries.list_people(each.person_uuid for each in visit.people)
    }
    if revision.checklist_key in policy.checklists or classes & set(policy.classes):
        return "listed"
    if not policy.accepts:
        return "off"
    return "drawn" if is_drawn(policy.seed, visit.visit_uuid, policy.share_percent) else None


def _keep_flag(visit: Visit, raised: rules.RaisedFlag, person_uuid: str | None, now: datetime) -> Flag:
    """The visit's flag of that rule, question and person: made, or brought up to the revision that raises it again.

    The visit is locked, so looking first and then adding is safe. A dismissed flag that comes back worse is open again.
    """
    same_rule = select(Flag).where(Flag.visit_uuid == visit.visit_uuid, Flag.rule == raised.rule)
    flag = next(
        (
            flag
            for flag in db.session.scalars(same_rule)
            if flag.choice == raised.choice
            and flag.person_uuid == person_uuid
            and rules.question_of(flag.question) == rules.question_of(raised.question)
        ),
        None,
    )
    if flag is None:
        flag = Flag(
            visit_uuid=visit.visit_uuid,
            area_code=visit.area_code,
            rule=raised.rule,
            choice=raised.choice,
            person_uuid=person_uuid,
            state="open",
            raised_at=now,
        )
        db.session.add(flag)
    elif flag.state == "dismissed" and rules.is_worse(raised.severity, flag.severity):
        flag.state = "open"
    flag.revision, flag.question = visit.revision, raised.question
    flag.severity, flag.text, flag.evidence = raised.severity, raised.text, raised.evidence
    flag.followup_type = raised.followup_type
    db.session.flush()
    return flag


def _person_of(question: str, people: list[str]) -> str | None:
    """The person a path like `people[2]/elder/gas` is about."""
    if not question.startswith("people["):
        return None
    place = int(question[len("people[") : question.index("]")])
    return people[place - 1] if place <= len(people) else None


def _failed_in_a_row(visit: Visit) -> int:
    """How many of the household's latest visits, this one included, reached nobody."""
    if visit.outcome != "not_reached":
        return 0
    outcomes = db.session.scalars(
        select(Visit.outcome)
        .where(
            Visit.household_uuid.in_(people_queries.list_same(visit.household_uuid)),
            Visit.state != "voided",
        )
        .order_by(Visit.finished_at.desc())
        .limit(10)
    )
    count = 0
    for outcome in outcomes:
        if outcome != "not_reached":
            break
        count += 1
    return count


def _refresh_severity(visit: Visit) -> None:
    open_flags = select(Flag.severity).where(Flag.visit_uuid == visit.visit_uuid, Flag.state != "dismissed")
    visit.severity = rules.worst(list(db.session.scalars(open_flags)))


def _decide(
    actor: User,
    visit_uuid: str,
    revision: int,
    decision: str,
    reason: str | None,
    notes: dict[str, str],
    now: datetime,
) -> Visit:
    visit = visits.lock_visit(visit_uuid)
    if not scope.covers(actor.area_codes(now), visit.area_code):
        raise AppError("not_found")
    queries.check_reviewer(actor, visit, now)
    _leave_to_others(actor, visit, now)
    allowed, after = STEPS[decision]
    if (
        visit.state not in allowed
        or visit.revision != revision
        # What a person decided is not opened again.
        or (decision == "reopened" and queries.was_decided_by_person(visit_uuid))
    ):
        raise AppError("state_wrong", state=visit.state)
    claim = queries.find_claim(visit, now)
    # A red one waits for nobody.
    if claim is not None and claim.user_id != actor.id and visit.severity != SEVERITIES[0]:
        raise AppError("claimed", name=users.get_user(claim.user_id).display_name)
    if decision in {"returned", "voided"} and not (reason or "").strip():
        raise AppError("reason_needed")
    kept_notes = {path: text.strip() for path, text in notes.items() if text.strip()}
    db.session.add(
        Review(
            visit_uuid=visit_uuid,
            revision=revision,
            decision=decision,
            reason=(reason or "").strip() or None,
            notes=kept_notes or None,
            reviewer_id=actor.id,
            decided_at=now,
        )
    )
    audit.record(
        actor,
        f"visit.{decision}",
        "visit",
        visit_uuid,
        at=now,
        before=visit.state,
        revision=revision,
        reason=reason,
    )
    db.session.execute(delete(ReviewClaim).where(ReviewClaim.visit_uuid == visit_uuid))
    with counting(visit):
        visits.set_state(visit, after)
    if decision == "returned":
        told = users.get_user(visit.entered_by or visit.worker_id)
        matter = Matter("visit.returned", "visit", visit_uuid, visit.area_code, visit.severity)
        tell([told] if told.id != actor.id else [], matter, now)
    if after == "approved":
        revisits.consider(visit, now)
    return visit


def _leave_to_others(actor: User, visit: Visit, now: datetime) -> None:
    """Raise somebody_else_decides for whoever has a near relative there, while anybody else may decide on the visit."""
    declarers = relatives.list_declarer_ids(visit.household_uuid) if visit.household_uuid else set()
    if actor.id not in declarers:
        return
    others = [user.display_name for user in queries.list_reviewers(visit, now) if user.id not in declarers]
    if others:
        raise AppError("somebody_else_decides", names="、".join(others))


def _decide_flag(actor: User, flag_id: int, state: str, reason: str | None, now: datetime) -> Flag:
    flag = db.session.get(Flag, flag_id)
    if flag is None or not scope.covers(actor.area_codes(now), flag.area_code):
        raise AppError("not_found")
    visit = visits.lock_visit(flag.visit_uuid)
    flag = db.session.get_one(Flag, flag_id, with_for_update=True, populate_existing=True)
    queries.check_reviewer(actor, visit, now)
    _leave_to_others(actor, visit, now)
    if flag.state != "open":
        raise AppError("state_wrong", state=flag.state)
    with counting(visit):
        flag.state, flag.reason, flag.decided_by_id = state, reason, actor.id
        _refresh_severity(visit)
    audit.record(actor, f"flag.{state}", "flag", flag_id, at=now, visit_uuid=flag.visit_uuid, reason=reason)
    return flag
