"""All a reviewer sees of one visit, prepared for the page: the visit, what changed, photos, place, flags, history.

Invariant: nothing here decides or writes; personal numbers leave it masked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext

from fieldapp.aid import queries as aid
from fieldapp.aid.words import AID_WORDS, HANDLERS, STATES as AID_STATES
from fieldapp.areas import queries as areas
from fieldapp.checklists import queries as checklists
from fieldapp.checklists.attachments import AttachmentView, are_all_photos, view_attachments
from fieldapp.checklists.reading import (
    Difference,
    Line,
    Objection,
    compare,
    differences,
    label_paths,
    read_answers,
    read_problems,
)
from fieldapp.core import clock, scope, storage, wording
from fieldapp.core.guard import SUPERVISOR
from fieldapp.core.storage import Attachment, AttachmentUse
from fieldapp.core.web import pick_text
from fieldapp.followups.models import Followup
from fieldapp.people import queries as people
from fieldapp.people.models import Household, Person
from fieldapp.people.pair_queries import list_pairs_of
from fieldapp.people.tags import get_hidden_tags, show_tags
from fieldapp.relief import queries as relief
from fieldapp.relief.words import STATES as RELIEF_STATES
from fieldapp.reviews import queries
from fieldapp.reviews.models import Flag, Review
from fieldapp.reviews.queries import OpenedVisit
from fieldapp.revisits import queries as revisits
from fieldapp.revisits.queries import Comparison
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit, VisitRevision
from fieldapp.visits.rules import corrected

DECISIONS: Mapping[str, Any] = {
    "approved": lazy_gettext("Approved"),
    "returned": lazy_gettext("Returned"),
    "voided": lazy_gettext("Voided"),
    "reopened": lazy_gettext("Opened again"),
}
# Why a person is to look at a visit, where its page does not show it anyway.
CAUSES: Mapping[str, Any] = {
    "drawn": lazy_gettext("Nothing stands out in it: it was drawn at random for review."),
    "listed": lazy_gettext("Nothing stands out in it: of this checklist or class all visits are looked at."),
    "photos": lazy_gettext(
        "Nothing stands out in it: it is accepted by itself when its photos are here, unless it is drawn for review."
    ),
}
# What of two entries is alike.
LIKENESS: Mapping[str, Any] = {
    "id": lazy_gettext("same ID number"),
    "birthday": lazy_gettext("same birthday, name sounds alike"),
    "place": lazy_gettext("same name and home"),
    "phone": lazy_gettext("same phone"),
}
CALLS: Mapping[str, Any] = {"duty": lazy_gettext("the duty office"), "110": "110", "120": "120"}


@dataclass(frozen=True)
class PersonView:
    """A person of the visit, in words."""

    person: Person
    age: int | None
    main_class: str
    tags: list[str]
    risk: str


@dataclass(frozen=True)
class FlagView:
    """A flag with what it rests on and the tasks it led to."""

    flag: Flag
    text: str
    person_name: str  # whom it is about, where the visit was to several people
    evidence: str
    followups: list[Followup]
    decided_by: str
    is_of_earlier_revision: bool
    can_decide: bool
    pairs: list[PhotoPair]  # photos that are alike, of this visit and of another
    likely_pairs: list[PersonPair]  # entries that could be one person
    same_visits: list[
        tuple[str, str]
    ]  # (uuid, household) of visits with the same answers, within the reader's reach


@dataclass(frozen=True)
class PersonPair:
    """Somebody of the visit and whoever else they could be; where that is not for the reader to see, only that there is one."""

    name: str
    other_name: str
    other_place: str  # the other one's address and grid
    why: list[str]
    uuids: tuple[str, str] | None  # to be compared; None: out of the reader's reach, or settled
    said: str  # what has become of it since


@dataclass(frozen=True)
class PhotoPair:
    """A photo of the visit beside one of another visit; where that is not for the reader to see, only its day."""

    sha256: str
    other_sha256: str
    other_visit: str  # empty: out of the reader's reach
    other_name: str
    at: datetime


@dataclass(frozen=True)
class Place:
    """Where the visit was, as far as it is known."""

    points: list[dict[str, Any]]  # {kind: home|visit, lat, lon, datum, accuracy_m}, raw
    distance_m: float | None
    accuracy_m: float | None
    declined: str | None
    has_location: bool
    has_home: bool


@dataclass(frozen=True)
class Answered:
    """A note of the last return, and what the correction has to say to it."""

    label: str
    note: str
    before: str
    after: str
    is_same: bool


@dataclass(frozen=True)
class Moment:
    """An entry of the visit's history."""

    at: datetime
    kind: str  # received or a decision
    who: str
    word: str
    reason: str | None
    notes: list[tuple[str, str]]
    differences: list[Difference]
    taken_in_by: str = ""  # at the desk, where it could not be applied as it came
    entered_by: str = ""  # 代录: who typed it at the desk


@dataclass(frozen=True)
class VisitPage:
    """What the page shows."""

    visit: Visit
    revision: VisitRevision
    household: Household | None
    title: str
    people: list[PersonView]
    started_at: datetime  # by the server's clock, as visit.finished_at
    worker_name: str
    entered_by_name: str  # 代录: who typed it for the worker
    reviewers: list[str]  # of such a one: who may decide on it
    grid_name: str
    method: str
    outcome: str
    flags: list[FlagView]
    other_followups: list[Followup]
    user_names: dict[int, str]
    lines: list[Line]
    compared_on: date | None
    change_count: int
    problems: list[Objection]
    returned_for: str  # the reason of the return that the current revision answers
    answered: list[Answered]  # its notes
    cause: str  # why it waits for a person, where nothing else on the page says so
    attachments: list[AttachmentView]
    attachments_missing: int
    has_photos_only: bool
    place: Place
    urgent_calls: list[dict[str, Any]]
    moments: list[Moment]
    words: dict[str, dict[str, str]]
    can_decide: bool
    can_void: bool
    can_reopen: bool
    can_make_followup: bool
    can_enter_aid: bool
    revisit: Comparison | None  # somebody else looked at it again, or is to
    can_ask: bool  # for that
    mark: str  # changes when anything does that others do to the visit


def prepare_visit(opened: OpenedVisit, reader: User) -> VisitPage:
    """The page of a visit for `reader`, who may see it."""
    visit, household, reviews = opened.visit, opened.household, opened.reviews
    revisions = {revision.revision: revision for revision in visit.revisions}
    revision = revisions[visit.revision]
    found_before = visits.find_revision_before(visit) if household else None
    before, revision_before = found_before or (None, None)
    all_read = [*revisions.values(), *([revision_before] if revision_before else [])]
    known = _list_people(all_read)
    in_order = [known[person_uuid] for person_uuid in revision.people]
    names = {uuid: person.name for uuid, person in known.items()}
    # Held here until the page is done: a session forgets what nobody holds, and would read it again for each revision.
    _versions = checklists.find_versions((one.checklist_key, one.checklist_version) for one in all_read)
    flags = queries.list_flags([visit.visit_uuid])
    severities = {
        flag.question: flag.severity
        for flag in reversed(flags)
        if flag.question and flag.state != "dismissed" and flag.revision == visit.revision
    }
    lines = read_revision(revision, severities, names)
    if revision_before is not None:
        lines = compare(lines, read_revision(revision_before, {}, names))
    labels = label_paths(lines)
    uses = storage.list_uses("visit", visit.visit_uuid, visit.revision)
    attachments = view_attachments(uses, lines)
    now = clock.now()
    of_visit = revisits.list_of_visit(visit, reader, now)
    tasks, revisit = of_visit.tasks, of_visit.revisit
    looked_at = next((task for task in tasks if revisit and task.followup_id == revisit.followup_id), None)
    alike = [pair["other_visit"] for flag in flags for pair in (flag.evidence or {}).get("pairs", [])]
    alike += [uuid for flag in flags for uuid in (flag.evidence or {}).get("named", [])]
    others = queries.list_household_names(alike, reader) if alike else {}
    likely = view_likely_pairs(flags, reader)
    words = wording.get_words("class", "tag", "risk", "severity", "method", "outcome", "followup_type")
    reviewers = queries.list_reviewers(visit, now) if visit.entered_by is not None else []
    may_review = queries.is_reviewer(reader, visit, reviewers)
    user_ids = {visit.worker_id} | ({opened.claim.user_id} if opened.claim else set())
    user_ids |= {review.reviewer_id for review in reviews if review.reviewer_id is not None}
    user_ids |= {revision.taken_in_by for revision in visit.revisions if revision.taken_in_by is not None}
    user_ids |= {revision.entered_by for revision in visit.revisions if revision.entered_by is not None}
    user_ids |= {flag.decided_by_id for flag in flags if flag.decided_by_id is not None}
    user_ids |= {task.assignee_id for task in tasks if task.assignee_id is not None}
    if revisit and looked_at:
        user_ids |= revisits.list_named(revisit, looked_at, visit)
    user_names = users.get_display_names(user_ids)
    today = clock.local_date(visit.finished_at)
    hidden_tags = get_hidden_tags(reader)
    read = {number: read_revision(one, {}, names) for number, one in revisions.items()}
    answers_to = next(
        (
            review
            for review in reversed(reviews)
            if review.decision == "returned" and review.revision < visit.revision
        ),
        None,
    )
    return VisitPage(
        visit=visit,
        revision=revision,
        household=household,
        title=title_of(revision),
        people=[_view_person(person, today, words, hidden_tags) for person in in_order],
        started_at=corrected(revision.started_at, revision.clock_offset_s),
        worker_name=user_names.get(visit.worker_id, ""),
        entered_by_name=user_names.get(visit.entered_by or 0, ""),
        reviewers=[user.display_name for user in reviewers],
        grid_name=opened.grid_name,
        method=words["method"].get(visit.method, visit.method),
        outcome=words["outcome"].get(visit.outcome, visit.outcome),
        flags=[
            _view_flag(flag, visit, lines, in_order, tasks, user_names, may_review, others, likely)
            for flag in flags
        ],
        other_followups=[task for task in tasks if task.flag_id is None],
        user_names=user_names,
        lines=lines,
        compared_on=clock.local_date(before.finished_at) if before else None,
        change_count=sum(line.before is not None for line in lines),
        problems=read_problems(revision.problems, labels),
        returned_for=(answers_to.reason or "") if answers_to else "",
        answered=_list_answered(visit, answers_to, read) if answers_to else [],
        cause=str(CAUSES.get(visit.review_cause or "", "")) if visit.state == "submitted" else "",
        attachments=attachments,
        attachments_missing=sum(
            not attachment.is_here and not attachment.removed_at for attachment in attachments
        ),
        has_photos_only=are_all_photos(attachments),
        place=_find_place(revision, household),
        urgent_calls=[
            {"to": CALLS.get(call["to"], call["to"]), "at": clock.parse_instant(call["at"])}
            for call in revision.urgent_calls or []
        ],
        moments=_list_moments(visit, reviews, user_names, labels, read),
        words=words,
        can_decide=may_review and visit.state == "submitted",
        can_void=may_review and visit.state in {"submitted", "approved", "returned"},
        can_reopen=may_review
        and visit.state == "approved"
        and all(review.reviewer_id is None for review in reviews),
        can_make_followup=reader.role == SUPERVISOR and household is not None,
        can_enter_aid=reader.role in HANDLERS and household is not None,
        revisit=revisits.view(revisit, looked_at, visit, of_visit.report, user_names)
        if revisit and looked_at
        else None,
        can_ask=revisits.can_ask(reader, visit, revisit),
        mark=_mark(visit, flags, tasks, uses, reviews),
    )


def prepare_help(visit: Visit, reader: User, now: datetime) -> dict[str, Any]:
    """What was given on a visit or in the tasks it led to, and what is asked for from it."""
    tasks = [task.followup_id for task in revisits.list_of_visit(visit, reader, now).tasks]
    return {
        "relief": relief.list_of_visit(visit.visit_uuid, tasks, reader, now),
        "relief_states": RELIEF_STATES,
        "aid": aid.list_of_visit(visit.visit_uuid, tasks),
        "aid_states": AID_STATES,
        "words": wording.get_words(*AID_WORDS),
    }


def read_mark(visit_uuid: str, reader: User) -> str:
    """The mark of the page of a visit as it would be now; raises not_found."""
    now = clock.now()
    visit = queries.get_visit(visit_uuid, reader, now)
    return _mark(
        visit,
        queries.list_flags([visit_uuid]),
        revisits.list_of_visit(visit, reader, now).tasks,
        storage.list_uses("visit", visit_uuid, visit.revision),
        queries.list_reviews(visit_uuid),
    )


def _mark(
    visit: Visit,
    flags: Iterable[Flag],
    tasks: Iterable[Followup],
    uses: Iterable[tuple[AttachmentUse, Attachment | None]],
    reviews: Iterable[Review],
) -> str:
    seen = (
        (visit.revision, visit.state, visit.severity, visit.review_cause),
        [(flag.id, flag.state, flag.severity) for flag in flags],
        [(task.followup_id, task.state, task.assignee_id, task.due_at) for task in tasks],
        [(use.sha256, held is not None and held.removed_at is None) for use, held in uses],
        [review.id for review in reviews],
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _list_people(revisions: Iterable[VisitRevision]) -> dict[str, Person]:
    """The people of those revisions by uuid."""
    named = {person_uuid for revision in revisions for person_uuid in revision.people}
    return {person.person_uuid: person for person in people.list_people(named)}


def read_revision(
    revision: VisitRevision, severities: Mapping[str, str], names: Mapping[str, str] | None = None
) -> list[Line]:
    """The answers of a revision as lines, its people's parts under the names of that revision's own people; `names` by
    uuid where they are known already.
    """
    if names is None:
        names = {person.person_uuid: person.name for person in people.list_people(revision.people)}
    in_order = [(person_uuid, names.get(person_uuid, "")) for person_uuid in revision.people]
    version = checklists.find_version(revision.checklist_key, revision.checklist_version)
    return read_answers(version.document, revision.answers, in_order, severities) if version else []


def title_of(revision: VisitRevision) -> str:
    version = checklists.find_version(revision.checklist_key, revision.checklist_version)
    return pick_text(version.document["title"]) if version else revision.checklist_key


def _view_person(
    person: Person, today: date, words: dict[str, dict[str, str]], hidden_tags: frozenset[str]
) -> PersonView:
    return PersonView(
        person,
        wording.age_on(person.birth_on, today),
        words["class"].get(person.main_class, "") if person.main_class != "none" else "",
        [words["tag"].get(tag, tag) for tag in show_tags((tag.tag for tag in person.tags), hidden_tags)],
        words["risk"].get(person.risk, person.risk),
    )


def _view_flag(
    flag: Flag,
    visit: Visit,
    lines: Sequence[Line],
    in_order: Sequence[Person],
    tasks: Sequence[Followup],
    names: Mapping[int, str],
    may_review: bool,
    others: Mapping[str, str],
    likely: Mapping[int, list[PersonPair]],
) -> FlagView:
    text = pick_text(flag.text)
    about = next((person.name for person in in_order if person.person_uuid == flag.person_uuid), "")
    return FlagView(
        flag,
        text,
        about if len(in_order) > 1 and about not in text else "",
        _say_evidence(flag, lines) if flag.revision == visit.revision else "",
        [task for task in tasks if task.flag_id == flag.id],
        names.get(flag.decided_by_id or 0, ""),
        flag.revision < visit.revision,
        may_review and flag.state == "open",
        [
            PhotoPair(
                pair["sha256"],
                pair["other_sha256"],
                pair["other_visit"] if pair["other_visit"] in others else "",
                others.get(pair["other_visit"], ""),
                datetime.fromisoformat(pair["other_at"]),
            )
            for pair in (flag.evidence or {}).get("pairs", [])
        ],
        likely.get(flag.id, []),
        [(uuid, others[uuid]) for uuid in (flag.evidence or {}).get("named", []) if uuid in others],
    )


def view_likely_pairs(flags: Iterable[Flag], reader: User) -> dict[int, list[PersonPair]]:
    """By flag, the pairs of entries it tells of as they are now, the other one only within the reader's reach."""
    told = {flag.id: (flag.evidence or {}).get("likely_pairs", []) for flag in flags}
    uuids = {uuid for pairs in told.values() for pair in pairs for uuid in (pair["person"], pair["other"])}
    if not uuids:
        return {}
    known = {person.person_uuid: person for person in people.list_people(uuids)}
    stands = people.list_standing(Person, uuids)
    kept = list_pairs_of(uuids)
    codes = reader.area_codes()
    grids = areas.get_names(person.household.grid_code for person in known.values())

    def view(pair: Mapping[str, Any]) -> PersonPair:
        uuids = (pair["person"], pair["other"])
        one, other = known.get(uuids[0]), known.get(uuids[1])
        is_within = all(person and scope.covers(codes, person.household.grid_code) for person in (one, other))
        open_, ruled_out = kept.get(tuple(sorted(uuids)), (None, False))
        if stands.get(uuids[0]) == stands.get(uuids[1]):
            said = gettext("Merged since.")
        elif ruled_out:
            said = gettext("Said to be two people since.")
        elif open_ is None:
            said = gettext("No longer alike.")
        else:
            said = ""
        if one is None or other is None or not is_within:
            return PersonPair(one.name if one else "", "", "", [], None, said)
        household = other.household
        return PersonPair(
            one.name,
            other.name,
            f"{household.address} · {grids.get(household.grid_code, household.grid_code)}",
            [str(LIKENESS[code]) for code in pair["why"]],
            uuids if not said else None,
            said,
        )

    return {flag_id: [view(pair) for pair in pairs] for flag_id, pairs in told.items() if pairs}


def _say_evidence(flag: Flag, lines: Sequence[Line]) -> str:
    """What a flag rests on: the answer, or what was measured against which limit."""
    seen = flag.evidence or {}
    if flag.rule == "answer":
        line = next((line for line in lines if line.kind == "answer" and line.path == flag.question), None)
        if line is None:
            return ""
        return gettext("%(question)s: %(answer)s", question=line.label.rstrip("?？:： "), answer=line.value)
    if flag.rule == "far_from_home":
        return gettext(
            "location good to %(accuracy)s; looked at from %(limit)s on",
            accuracy=wording.say_distance(seen.get("accuracy_m") or 0),
            limit=wording.say_distance(seen.get("limit_m") or 0),
        )
    if flag.rule == "poor_accuracy":
        return gettext("looked at from %(limit)s on", limit=wording.say_distance(seen.get("limit_m") or 0))
    if flag.rule == "same_photo":
        return gettext(
            "looked at when at most %(bits)s of 64 points differ", bits=seen.get("limit_bits") or 0
        )
    if flag.rule == "too_quick":
        return gettext(
            "%(each)s seconds a question; looked at below %(limit)s. Answers taken from the list or from last time do not count.",
            each=round(seen["lasted_s"] / seen["answers"], 1),
            limit=seen["limit_s"],
        )
    if flag.rule == "same_answers":
        return gettext(
            "looked at from %(visits)s other visits of the same worker within %(days)s days; answers taken from the list or "
            "from last time do not count",
            visits=seen["limit_visits"],
            days=seen["limit_days"],
        )
    if flag.rule in {"clock_off", "photo_time"}:
        limit = int(seen.get("limit_min") or 0)
        return ngettext("looked at from %(num)s minute on", "looked at from %(num)s minutes on", limit)
    return ""


def _find_place(revision: VisitRevision, household: Household | None) -> Place:
    points = []
    has_home = household is not None and household.lat is not None and household.lon is not None
    if household is not None and has_home:
        points.append({"kind": "home", "lat": household.lat, "lon": household.lon, "datum": household.datum})
    location = revision.location
    if location:
        points.append(
            {"kind": "visit", **{name: location.get(name) for name in ("lat", "lon", "datum", "accuracy_m")}}
        )
    return Place(
        points,
        revision.distance_m,
        location.get("accuracy_m") if location else None,
        revision.location_declined,
        bool(location),
        has_home,
    )


def _list_answered(visit: Visit, review: Review, read: Mapping[int, list[Line]]) -> list[Answered]:
    """Each note of a return with the answer it was put beside and the one that stands there now, in the checklist's order."""
    was = {line.path: line for line in read[review.revision]}
    # By key: a person may stand at another place in the list by now.
    now = {line.key: line for line in read[visit.revision]}
    labels = label_paths(read[review.revision])
    names = label_paths(read[visit.revision])
    order = {path: place for place, path in enumerate(was)}
    answered = []
    for path, note in sorted((review.notes or {}).items(), key=lambda item: order.get(item[0], len(order))):
        before = was.get(path)
        after = now.get(before.key if before else path)
        answered.append(
            Answered(
                labels.get(path) or names.get(path, path),
                note,
                before.value if before else "",
                after.value if after else "",
                (before and before.raw) == (after and after.raw),
            )
        )
    return answered


def _list_moments(
    visit: Visit,
    reviews: Sequence[Review],
    user_names: Mapping[int, str],
    labels: Mapping[str, str],
    read: Mapping[int, list[Line]],
) -> list[Moment]:
    """Revisions and decisions, latest first, each revision with what it changed."""
    moments = []
    earlier: list[Line] | None = None
    for revision in visit.revisions:
        lines = read[revision.revision]
        word = (
            gettext("Received")
            if revision.revision == 1
            else gettext("Corrected: version %(number)s", number=revision.revision)
        )
        moments.append(
            Moment(
                revision.received_at,
                "received",
                user_names.get(visit.worker_id, ""),
                word,
                revision.taken_in_reason,
                [],
                differences(earlier, lines) if earlier is not None else [],
                user_names.get(revision.taken_in_by or 0, ""),
                user_names.get(revision.entered_by or 0, ""),
            )
        )
        earlier = lines
    for review in reviews:
        noted_in = {**labels, **label_paths(read[review.revision])}
        notes = [(noted_in.get(path, path), text) for path, text in (review.notes or {}).items()]
        moments.append(
            Moment(
                review.decided_at,
                review.decision,
                user_names.get(review.reviewer_id, "")
                if review.reviewer_id is not None
                else gettext("by the county's rule no. %(number)s", number=review.policy_number),
                str(DECISIONS[review.decision])
                if review.reviewer_id is not None
                else gettext("Accepted by default"),
                review.reason,
                notes,
                [],
            )
        )
    # What the policy decides, it decides at the instant of receipt.
    return sorted(moments, key=lambda moment: (moment.at, moment.kind != "received"), reverse=True)
