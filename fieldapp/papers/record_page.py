"""走访记录表: a household, its people and visits as they are printed, filled in or blank.

Invariant: numbers stand here masked unless they were revealed with a reason; a restricted tag never stands on paper under
its own name, nor does anything of a restricted follow-up (a complaint).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fieldapp.areas import queries as areas
from fieldapp.checklists import queries as checklists
from fieldapp.checklists.blank import BlankLine, read_blank
from fieldapp.checklists.models import ChecklistVersion
from fieldapp.checklists.reading import Line
from fieldapp.core import clock, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.web import pick_text
from fieldapp.followups import queries as followups
from fieldapp.followups.models import Followup
from fieldapp.people import queries as people, sync as people_sync
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import mask_id, mask_phone
from fieldapp.people.sync import get_restricted_tags
from fieldapp.people.tags import show_tags
from fieldapp.reviews import queries as reviews
from fieldapp.reviews.visit_page import read_revision, title_of
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit, VisitRevision

Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class PaperPerson:
    """A person as a row of the paper's head."""

    name: str
    relation: str
    sex: str
    age: int | None
    id_number: str
    phone: str
    main_class: str
    tags: list[str]
    risk: str


@dataclass(frozen=True)
class Head:
    """Whom a paper is about."""

    household: Household
    place: str
    phone: str
    people: list[PaperPerson]


@dataclass(frozen=True)
class Finding:
    """What a visit found, and how it stands."""

    severity: str
    text: str
    state: str


@dataclass(frozen=True)
class Agreed:
    """What is to follow: who does what by when."""

    type: str
    who: str
    due_at: datetime
    state: str


@dataclass(frozen=True)
class PaperVisit:
    """A visit as the paper tells it."""

    visit: Visit
    title: str
    method: str
    outcome: str
    state: str
    worker_name: str
    entered_by_name: str  # 代录
    people: list[str]
    lines: list[Line]
    findings: list[Finding]
    agreed: list[Agreed]


def prepare_head(household: Household, day: date, *, in_full: bool = False) -> Head:
    """The head of a paper of that day; with numbers `in_full` only where that was audited."""
    words = wording.get_words("class", "tag", "risk")
    restricted = get_restricted_tags()
    return Head(
        household,
        " ".join(area.name for area in areas.list_path(household.grid_code)[2:]),
        (household.phone if in_full else mask_phone(household.phone)) or "",
        [
            _prepare_person(person, day, words, restricted, in_full=in_full)
            for person in _list_living(household)
        ],
    )


def _prepare_person(
    person: Person, day: date, words: Words, restricted: frozenset[str], *, in_full: bool
) -> PaperPerson:
    return PaperPerson(
        person.name,
        person.relation,
        person.sex,
        wording.age_on(person.birth_on, day),
        (person.id_number if in_full else mask_id(person.id_number)) or "",
        (person.phone if in_full else mask_phone(person.phone)) or "",
        words["class"].get(person.main_class, ""),
        [words["tag"].get(tag, tag) for tag in show_tags((tag.tag for tag in person.tags), restricted)],
        words["risk"].get(person.risk, person.risk),
    )


def list_readable(household_uuid: str, reader: User) -> list[Visit]:
    """The visits to a household that the reader may know of, the latest first."""
    return visits.list_visits_of_household(
        household_uuid, Visit.visit_uuid.not_in(reviews.select_hidden(reader))
    )


def list_chosen(
    all_visits: Sequence[Visit], visit_uuid: str, from_on: date | None, until_on: date | None
) -> list[Visit]:
    """Of a household's visits those a paper is about, oldest first: the one named, those of some days, or else the last.

    Voided ones count nowhere, and are printed only where they are named.
    """
    if visit_uuid:
        return [visit for visit in all_visits if visit.visit_uuid == visit_uuid]
    valid = [visit for visit in reversed(all_visits) if visit.state != "voided"]
    if from_on is None and until_on is None:
        return valid[-1:]
    first, last = from_on or date.min, until_on or date.max
    return [visit for visit in valid if first <= clock.local_date(visit.finished_at) <= last]


def prepare_visits(chosen: Sequence[Visit]) -> list[PaperVisit]:
    """Those visits in words."""
    words = wording.get_words("method", "outcome", "severity", "followup_type")
    confidential = {code for code, row in get_codes("followup_type").items() if row.extra.get("restricted")}
    flags: dict[str, list[Any]] = {}
    for flag in reviews.list_flags([visit.visit_uuid for visit in chosen]):
        if flag.followup_type not in confidential:
            flags.setdefault(flag.visit_uuid, []).append(flag)
    tasks: dict[str, list[Followup]] = {}
    for task in followups.list_followups_of_visits(visit.visit_uuid for visit in chosen):
        if task.type not in confidential and task.visit_uuid:
            tasks.setdefault(task.visit_uuid, []).append(task)
    revisions = visits.list_revisions(chosen)
    # Held here until the page is done: a session forgets what nobody holds, and would read it again for each visit.
    _versions = checklists.find_versions(
        (one.checklist_key, one.checklist_version) for one in revisions.values()
    )
    seen = people.list_people({uuid for one in revisions.values() for uuid in one.people})
    people_names = {person.person_uuid: person.name for person in seen}
    names = users.get_display_names(
        {visit.worker_id for visit in chosen}
        | {visit.entered_by for visit in chosen if visit.entered_by}
        | {task.assignee_id for found in tasks.values() for task in found if task.assignee_id}
    )
    return [
        _prepare_visit(
            visit,
            revisions[visit.visit_uuid],
            words,
            flags.get(visit.visit_uuid, []),
            tasks.get(visit.visit_uuid, []),
            names,
            people_names,
        )
        for visit in chosen
    ]


def _prepare_visit(
    visit: Visit,
    revision: VisitRevision,
    words: Words,
    flags: Sequence[Any],
    tasks: Sequence[Any],
    names: Mapping[int, str],
    people_names: Mapping[str, str],
) -> PaperVisit:
    return PaperVisit(
        visit,
        title_of(revision),
        words["method"].get(visit.method, visit.method),
        words["outcome"].get(visit.outcome, visit.outcome),
        str(wording.VISIT_STATES[visit.state]),
        names.get(visit.worker_id, ""),
        names.get(visit.entered_by or 0, ""),
        [people_names.get(uuid, "") for uuid in revision.people],
        read_revision(revision, {}, people_names),
        [
            Finding(
                words["severity"].get(flag.severity, flag.severity),
                pick_text(flag.text),
                str(wording.FLAG_STATES[flag.state]),
            )
            for flag in flags
        ],
        [
            Agreed(
                words["followup_type"].get(task.type, task.type),
                names.get(task.assignee_id or 0, ""),
                task.due_at,
                str(wording.FOLLOWUP_STATES[task.state]),
            )
            for task in tasks
        ],
    )


def prepare_blank(household: Household, version: ChecklistVersion, day: date) -> list[BlankLine]:
    """The questions of a checklist as a visit to this household on that day could ask them."""
    restricted = get_restricted_tags()
    context = {
        "today": day.isoformat(),
        "now": f"{day.isoformat()}T09:00:00+08:00",
        "household": people_sync.household_record(household),
        "people": [people_sync.person_record(person, restricted) for person in _list_living(household)],
        "visit": {"method": "home"},
    }
    return read_blank(version.document, context)


def _list_living(household: Household) -> list[Person]:
    return [person for person in household.people if person.died_on is None and person.moved_away_on is None]
