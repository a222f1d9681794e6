"""All the desk sees of one quarantined operation, prepared for the page: what was sent in words, what is wrong with it,
what is here already, and what has to be chosen for it to be taken in.

Invariant: nothing here writes; whatever was sent, the page can be made; what is out of the reader's areas stays out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from flask_babel import gettext

from fieldapp.aid import queries as aid, rules as aid_rules
from fieldapp.aid.models import Aid
from fieldapp.aid.words import AID_WORDS, KINDS as AID_KINDS
from fieldapp.areas import queries as areas
from fieldapp.checklists import queries as checklists
from fieldapp.checklists.attachments import AttachmentView, are_all_photos, view_attachments
from fieldapp.checklists.models import ChecklistVersion
from fieldapp.checklists.reading import Line, mask_numbers, read_answers
from fieldapp.core import clock, scope, wording
from fieldapp.core.bodies import YEARS
from fieldapp.core.web import pick_text
from fieldapp.followups import queries as followups
from fieldapp.followups.models import Followup
from fieldapp.people import queries as people, relatives
from fieldapp.people.history import Sayer
from fieldapp.people.models import Household, Person
from fieldapp.people.phone_actions import values_of
from fieldapp.relief import queries as relief
from fieldapp.reviews.visit_page import CALLS
from fieldapp.sync import desk_queries, registry, repairs, rules, words
from fieldapp.sync.envelopes import BODIES
from fieldapp.sync.models import Operation
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit
from fieldapp.visits.rules import DECIDED, corrected

# What a page shows of one answer, and of the whole as it was sent, in characters.
LONGEST_ANSWER = 2_000
LONGEST_TEXT = 50_000


@dataclass(frozen=True)
class FaultView:
    """A field that is wrong, in words."""

    label: str
    fault: str
    given: str
    is_left_out: bool


@dataclass(frozen=True)
class Pair:
    """A fact or an answer of what was sent, beside the same of what is here."""

    label: str
    sent: str
    here: str = ""
    is_heading: bool = False

    @property
    def differs(self) -> bool:
        """Whether they say different things."""
        return not self.is_heading and self.sent != self.here


@dataclass(frozen=True)
class Part:
    """One person's part of the answers, to be given to somebody of the household."""

    person_uuid: str  # as sent
    name: str  # of one who is known here


@dataclass(frozen=True)
class Choice:
    """A field that is corrected: as the phone saw it, as it is here, as it is to be."""

    name: str
    label: str
    seen: str
    here: str
    sent: str
    is_contested: bool


@dataclass(frozen=True)
class Needs:
    """What has to be chosen before the record can be taken in."""

    people: bool = False
    checklist: bool = False
    fields: frozenset[str] = frozenset()  # outcome, method, started_at, finished_at
    reason: bool = False


@dataclass(frozen=True)
class OperationPage:
    """What the page shows."""

    operation: Operation
    kind: str
    state: tuple[Any, str]  # its word and look
    reason: str
    worker_name: str
    brought_by: str
    settled_by: str
    text: str  # as it was sent
    waits: bool
    earlier: Operation | None  # has to be settled first
    title: str = ""  # the household's name, where the reader may know it
    recorded_at: datetime | None = None
    details: list[str] = field(default_factory=list)  # of the reason
    faults: list[FaultView] = field(default_factory=list)
    facts: list[Pair] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    attachments: list[AttachmentView] = field(default_factory=list)
    attachments_missing: int = 0
    has_photos_only: bool = True
    here: Visit | None = None
    task: Followup | None = None
    aid: Aid | None = None
    household: Household | None = None
    parts: list[Part] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    is_registry: bool = False
    needs: Needs = field(default_factory=Needs)
    versions: list[ChecklistVersion] = field(default_factory=list)
    why_not: str = ""  # why it cannot be taken in, if it cannot


def prepare_operation(operation: Operation, reader: User, household_uuid: str | None) -> OperationPage:
    """The page of `operation` for `reader`, who may see it; `household_uuid`: chosen in place of what was sent."""
    names = users.get_display_names(
        id_ for id_ in (operation.user_id, operation.brought_by, operation.settled_by) if id_ is not None
    )
    page = OperationPage(
        operation=operation,
        kind=str(words.KINDS.get(operation.kind, operation.kind)),
        state=words.STATES.get(operation.state, (operation.state, "")),
        reason=words.say_reason(operation.kind, operation.code),
        worker_name=names.get(operation.user_id, ""),
        brought_by=names.get(operation.brought_by or 0, ""),
        settled_by=names.get(operation.settled_by or 0, ""),
        # Feedback may be for the county alone, and the township reads this page.
        text="" if operation.kind == "feedback.send" else _write_out(operation.quarantine),
        waits=operation.state in {"rejected", "conflict"},
        earlier=desk_queries.find_earlier(operation),
    )
    body = operation.quarantine.get("body")
    if operation.kind not in BODIES or not isinstance(body, dict) or not repairs.is_shallow(body):
        return replace(page, why_not=gettext("Nothing in it can be read by this server."))
    mended = repairs.repair(BODIES[operation.kind], body, {})
    page = replace(page, faults=_list_faults(mended, body))
    if page.earlier is not None:
        page = replace(page, why_not=gettext("First settle what it builds on."))
    reading = _Reading(operation, reader, mended, Sayer(reader))
    if operation.kind.startswith("visit."):
        return _add_visit(page, reading, household_uuid)
    if operation.kind in registry.KINDS:
        return _add_registry(replace(page, is_registry=True), reading)
    if operation.kind in rules.OF_AID:
        return _add_aid(replace(page, is_registry=True), reading)
    if operation.kind == "relief.request":
        return _add_relief(replace(page, is_registry=True), reading)
    return _add_followup(page, reading)


@dataclass(frozen=True)
class _Reading:
    """An operation as it can be read, for its reader."""

    operation: Operation
    reader: User
    mended: repairs.Repair
    sayer: Sayer

    @property
    def area_codes(self) -> Sequence[str]:
        return self.reader.area_codes()

    @property
    def body(self) -> dict[str, Any]:
        return self.mended.body

    @property
    def wrong(self) -> set[str]:
        """The fields of the body that are still wrong."""
        return {str(fault.path[0]) for fault in self.mended.faults}


# --- a visit --------------------------------------------------------------------------------------------------------


def _add_visit(page: OperationPage, reading: _Reading, household_uuid: str | None) -> OperationPage:
    body, codes = reading.body, reading.area_codes
    here = desk_queries.find_visit_here(reading.operation.user_id, body)
    if here is not None and not scope.covers(codes, here.area_code):
        return replace(page, why_not=gettext("The visit that is here belongs to another office."))
    wanted = here.household_uuid if here else household_uuid or rules.uuid_in(body, "household_uuid")
    household = people.find_registered("household", wanted)
    # A visit that is here stays with its household, wherever that is by now.
    if household is not None and here is None and not scope.covers(codes, household.grid_code):
        household = None
    members = {person.person_uuid: person for person in household.people} if household else {}
    parts = [Part(uuid, members[uuid].name if uuid in members else "") for uuid in repairs.list_parts(body)]
    sent = parts[: len(body["people"])] if isinstance(body.get("people"), list) else []
    revision = visits.get_revision(here) if here else None
    version = _find_version(body) or _find_like(body, revision.body if revision else {}, codes)
    lines = _read_lines(version, body, parts)
    page = replace(
        page,
        title=household.name if household else "",
        household=household,
        here=here,
        parts=parts,
        recorded_at=_instant(body.get("finished_at"), reading.operation.clock_offset_s),
        **_view_attachments(reading.operation, lines),
        needs=Needs(
            people="people" in reading.wrong or any(part.person_uuid not in members for part in sent),
            checklist=_needs_checklist(reading),
            fields=frozenset(reading.wrong & {"outcome", "method", "started_at", "finished_at"}),
            reason=here is not None and here.state in DECIDED,
        ),
        versions=_list_versions(body, codes) if _needs_checklist(reading) else [],
    )
    facts = _say_facts(body, reading.operation.clock_offset_s, page.title, sent)
    details = _say_where(household, page) if reading.operation.code == "not_yours" and not here else []
    if version is not None and _find_version(body) is None:
        details.append(gettext("Its answers are shown with version %(version)s.", version=version.version))
    page = replace(page, details=details)
    if revision is None:
        return replace(page, facts=_pair(facts, {}), lines=lines)
    named = {person.person_uuid: person.name for person in people.list_people(revision.people)}
    parts_here = [Part(uuid, named.get(uuid, "")) for uuid in revision.people]
    facts_here = _say_facts(revision.body, revision.clock_offset_s, page.title, parts_here)
    return replace(
        page,
        facts=_pair(facts, facts_here),
        pairs=_pair_lines(lines, _read_lines(_find_version(revision.body), revision.body, parts_here)),
    )


def _say_where(household: Household | None, page: OperationPage) -> list[str]:
    """Why a visit could not be placed, as far as the reader may know."""
    if household is None:
        return [gettext("There is no household of that number in your areas.")]
    details = []
    if page.recorded_at is not None:
        grid_code = people.get_grid_at(household, page.recorded_at)
        grid_name = areas.get_names([grid_code]).get(grid_code, grid_code)
        details.append(gettext("The household was in %(grid)s then.", grid=grid_name))
    if page.needs.people:
        details.append(gettext("It names somebody who does not belong to this household."))
    return details


def _say_facts(
    body: Mapping[str, Any], offset_s: int, household_name: str, parts: Sequence[Part]
) -> dict[str, str]:
    said = wording.get_words("method", "outcome")
    unknown = gettext("not in your areas")
    begin, end = (_instant(body.get(name), offset_s) for name in ("started_at", "finished_at"))
    location, calls = body.get("location"), body.get("urgent_calls")
    facts = {
        gettext("Household"): household_name or unknown,
        gettext("People"): gettext(", ").join(part.name or unknown for part in parts),
        gettext("Outcome"): _word(said["outcome"], body.get("outcome")),
        gettext("Method"): _word(said["method"], body.get("method")),
        gettext("Began at"): wording.say_full(begin) if begin else "",
        gettext("Ended at"): wording.say_full(end) if end else "",
        gettext("Checklist"): _say_checklist(body),
        gettext("Place"): _say_place(location, body.get("location_declined")),
        gettext("Emergency calls"): gettext(", ").join(
            str(CALLS.get(str(call.get("to")), "")) for call in calls or [] if isinstance(call, dict)
        ),
    }
    return {label: words for label, words in facts.items() if words}


# --- a follow-up ----------------------------------------------------------------------------------------------------


def _add_followup(page: OperationPage, reading: _Reading) -> OperationPage:
    body, offset_s = reading.body, reading.operation.clock_offset_s
    followup_id = rules.uuid_in(body, "followup_id")
    task = followups.find_followup(followup_id, reading.reader, clock.now()) if followup_id else None
    household = people.find_household(task.household_uuid) if task and task.household_uuid else None
    version = _find_version(body) or _find_like(body, {}, reading.area_codes)
    lines = _read_lines(version, body, [])
    is_report = reading.operation.kind == "followup.report"
    end = _instant(body.get("finished_at"), offset_s)
    facts = {
        gettext("Household"): household.name if household else "",
        gettext("Kind of task"): _word(wording.get_words("followup_type")["followup_type"], task.type)
        if task
        else "",
        gettext("Ended at"): wording.say_full(end) if end else "",
        gettext("Checklist"): _say_checklist(body) if is_report else "",
        gettext("Reason"): _cut(mask_numbers(body["reason"])) if isinstance(body.get("reason"), str) else "",
    }
    page = replace(
        page,
        title=household.name if household else "",
        household=household,
        task=task,
        recorded_at=end,
        facts=_pair({label: said for label, said in facts.items() if said}, {}),
        lines=lines,
        **_view_attachments(reading.operation, lines),
        needs=Needs(
            checklist=is_report and _needs_checklist(reading),
            fields=frozenset(reading.wrong & {"started_at", "finished_at"}),
        ),
        versions=_list_versions(body, reading.area_codes) if is_report and _needs_checklist(reading) else [],
    )
    if task is None:
        return replace(page, why_not=gettext("There is no such follow-up in your areas."))
    if reading.wrong - {"checklist", "started_at", "finished_at", "answers"}:
        return replace(page, why_not=gettext("What is missing cannot be made up for here."))
    if task.state != "open":
        state = wording.FOLLOWUP_STATES[task.state]
        why_not = gettext("This follow-up is “%(state)s”. Reopen it to take this in.", state=state)
        return replace(page, why_not=why_not, lines=[], pairs=_pair_lines(lines, _read_report(task)))
    return page


def _read_report(task: Followup) -> list[Line]:
    """The last result of a task that is here."""
    events = [event for event in followups.list_events(task.followup_id) if event.answers is not None]
    return _read_lines(_find_version(events[-1].body), events[-1].body, []) if events else []


# --- a request for relief -------------------------------------------------------------------------------------------


def _add_relief(page: OperationPage, reading: _Reading) -> OperationPage:
    body, operation = reading.body, reading.operation
    household = people.find_registered("household", rules.uuid_in(body, "household_uuid"))
    if household is not None and not scope.covers(reading.area_codes, household.grid_code):
        household = None
    facts = {
        gettext("Household"): household.name if household else gettext("not in your areas"),
        gettext("What happened"): body.get("what_happened"),
        gettext("What is asked for"): body.get("asked_for"),
        gettext("Urgent"): gettext("Yes") if body.get("is_urgent") is True else "",
    }
    said = {
        label: _cut(mask_numbers(text)) for label, text in facts.items() if text and isinstance(text, str)
    }
    page = replace(
        page,
        title=household.name if household else "",
        household=household,
        recorded_at=_instant(operation.quarantine.get("at"), operation.clock_offset_s),
        facts=_pair(said, {}),
    )
    if reading.mended.faults:
        return replace(page, why_not=gettext("What is missing cannot be made up for here."))
    if household is None:
        return replace(page, why_not=gettext("There is no household of that number in your areas."))
    if relief.exists(body["case_id"]):
        return replace(page, why_not=gettext("The case is here already, with another content."))
    return page


# --- aid ------------------------------------------------------------------------------------------------------------


def _add_aid(page: OperationPage, reading: _Reading) -> OperationPage:
    body, operation = reading.body, reading.operation
    household = people.find_registered("household", rules.uuid_in(body, "household_uuid"))
    if household is not None and not scope.covers(reading.area_codes, household.grid_code):
        household = None
    here = aid.find_aid(rules.uuid_in(body, "aid_uuid"))
    if here is not None and not aid.can_read(here, reading.reader):
        here = None
    page = replace(
        page,
        title=household.name if household else "",
        household=household,
        aid=here,
        recorded_at=_instant(operation.quarantine.get("at"), operation.clock_offset_s),
        facts=_pair(_say_aid(body, household), {}),
        **_view_attachments(operation, []),
    )
    if page.why_not:
        return page
    if reading.mended.faults:
        return replace(page, why_not=gettext("What is missing cannot be made up for here."))
    if household is None:
        return replace(page, why_not=gettext("There is no household of that number in your areas."))
    return replace(page, why_not=_why_no_aid(operation, here, household))


def _why_no_aid(operation: Operation, here: Aid | None, household: Household) -> str:
    """Why a step of aid cannot be taken in, if it cannot."""
    if relatives.has_relative_in(operation.user_id, household.household_uuid):
        return gettext("If it was given, enter it here at the desk; then refuse this one and say so.")
    if operation.kind == "aid.record":
        words_here = gettext("It is here already. If more was given than is here, enter that at the desk.")
        return words_here if here is not None else ""
    if here is None:
        return gettext("There is no such aid in your areas.")
    step = "given" if operation.kind == "aid.give" else "reversed" if here.state != "due" else "cancelled"
    if not aid_rules.can_step(step, here.state):
        return gettext("See what became of it. If it was given twice, enter the second time at the desk.")
    return ""


def _say_aid(body: Mapping[str, Any], household: Household | None) -> dict[str, str]:
    said = wording.get_words(*AID_WORDS)
    people_here = {person.person_uuid: person.name for person in household.people} if household else {}
    person_uuid = rules.uuid_in(body, "person_uuid")
    kind = str(body.get("kind"))
    cents, milli = body.get("amount_cents"), body.get("quantity_milli")
    quantity = aid_rules.write_amount(milli, 3) if isinstance(milli, int) else ""
    facts = {
        gettext("Household"): household.name if household else gettext("not in your areas"),
        gettext("Who it is for"): people_here.get(person_uuid, "") if person_uuid else "",
        gettext("Kind"): str(AID_KINDS.get(kind, "")),
        gettext("What"): " ".join(
            filter(
                None,
                [
                    _word(said.get(f"aid_{kind}", {}), body.get("item")),
                    quantity,
                    _word(said["aid_unit"], body.get("unit")),
                ],
            )
        ),
        gettext("Amount"): gettext("%(amount)s yuan", amount=aid_rules.write_amount(cents, 2, 2))
        if isinstance(cents, int)
        else "",
        gettext("Programme"): _word(said["aid_programme"], body.get("programme")),
        gettext("Who pays"): _word(said["aid_source"], body.get("source")),
        gettext("Day"): _say_value(body.get("on")),
        gettext("Is it given already?"): _say_given(body.get("is_given")),
        gettext("Who took it"): _say_value(body.get("received_by")),
        gettext("Remark"): _say_value(body.get("note")),
        gettext("Reason"): _say_value(body.get("reason")),
    }
    return {label: words for label, words in facts.items() if words}


def _say_given(value: Any) -> str:
    if not isinstance(value, bool):
        return ""
    return gettext("Given") if value else gettext("Still to be given")


# --- what is registered or corrected --------------------------------------------------------------------------------


def _add_registry(page: OperationPage, reading: _Reading) -> OperationPage:
    operation, codes = reading.operation, reading.area_codes
    if reading.mended.faults:
        return replace(page, why_not=gettext("What is missing cannot be made up for here."))
    body: Any = BODIES[operation.kind].model_validate(reading.body)
    is_of_person = operation.kind.startswith("person.")
    person = next(iter(people.list_people([body.person_uuid])), None) if is_of_person else None
    person = people.find_standing(person) if person else None
    household = person.household if person else people.find_registered("household", body.household_uuid)
    is_outside = household is not None and not scope.covers(codes, household.grid_code)
    is_new = operation.kind == "household.register"
    page = replace(
        page,
        title=(person or household or body).name if not is_outside else "",
        household=None if is_outside else household,
        recorded_at=_instant(operation.quarantine.get("at"), operation.clock_offset_s),
        facts=_pair(_say_registered(operation.kind, body, reading.sayer), {}),
    )
    if is_outside or (is_new and not scope.covers(codes, body.grid_code)):
        return replace(page, why_not=gettext("It belongs to another office's grid."))
    if operation.kind in rules.REGISTERS and (person if is_of_person else household):
        return replace(
            page, why_not=gettext("It is on the list already: correct it there, then refuse this one.")
        )
    if not is_new and (household is None or (operation.kind == "person.update" and person is None)):
        return replace(page, why_not=gettext("There is no household of that number in your areas."))
    subject = person if is_of_person else household
    if operation.kind.endswith(".update") and subject is not None:
        return replace(page, choices=_list_choices(reading, body, subject))
    if operation.code == "fields_changed" and household is not None:
        return replace(page, choices=[_choose_grid(body, household)])
    return page


def _list_choices(reading: _Reading, body: Any, row: Household | Person) -> list[Choice]:
    """The corrected fields of what is here."""
    operation = reading.operation
    contested = set(operation.fields or ()) if operation.code == "fields_changed" else set()
    choices = []
    for name, change in body.fields:
        if change is not None:
            seen, here, sent = (
                _say_registry(name, value, reading.sayer) for value in values_of(row, name, change)
            )
            choices.append(Choice(name, words.say_field((name,)), seen, here, sent, name in contested))
    return choices


def _choose_grid(body: Any, household: Household) -> Choice:
    codes = [body.from_grid, household.grid_code, body.to_grid]
    names = areas.get_names(codes)
    seen, here, sent = (names.get(code, code) for code in codes)
    return Choice("to_grid", words.say_field(("grid_code",)), seen, here, sent, is_contested=True)


def _say_registered(kind: str, body: Any, sayer: Sayer) -> dict[str, str]:
    """What was sent, field by field; the fields of a correction are choices."""
    left_out = {"household_uuid", "person_uuid", "people", "fields", "location", "location_declined"}
    facts = {
        words.say_field((name,)): _say_registry(name, value, sayer)
        for name, value in body
        if name not in left_out
    }
    if kind == "household.register":
        facts[gettext("Place")] = _say_place(
            body.location.model_dump() if body.location else None, body.location_declined
        )
        for place, person in enumerate(body.people, start=1):
            said = (_say_registry(name, value, sayer) for name, value in person if name not in left_out)
            facts[gettext("Person %(number)s", number=place)] = " · ".join(filter(None, said))
    return {label: said for label, said in facts.items() if said}


def _say_registry(name: str, value: Any, sayer: Sayer) -> str:
    """A value of the registry in words, numbers masked; what a phone says that it saw may be anything."""
    if isinstance(value, datetime):
        return wording.say_full(value)
    if isinstance(value, date):
        value = value.isoformat()
    if name == "tags" and isinstance(value, list):
        value = [tag if isinstance(tag, list) else [tag, None, None] for tag in value]
    try:
        return _cut(sayer.say("grid_code" if name in {"from_grid", "to_grid"} else name, value))
    except (ValueError, TypeError, AttributeError, LookupError):
        return _say_value(value)


# --- reading what may be anything -----------------------------------------------------------------------------------


def _read_lines(
    version: ChecklistVersion | None, body: Mapping[str, Any], parts: Sequence[Part]
) -> list[Line]:
    answers = body.get("answers")
    if version is None or not isinstance(answers, dict):
        return []
    named = [(part.person_uuid, part.name) for part in parts]
    return [replace(line, value=_cut(line.value)) for line in read_answers(version.document, answers, named)]


def _find_version(body: Mapping[str, Any]) -> ChecklistVersion | None:
    named = body.get("checklist")
    key, version = (named.get("key"), named.get("version")) if isinstance(named, dict) else (None, None)
    return (
        checklists.find_version(key, version) if isinstance(key, str) and isinstance(version, str) else None
    )


def _find_like(
    body: Mapping[str, Any], body_here: Mapping[str, Any], area_codes: Sequence[str]
) -> ChecklistVersion | None:
    """What answers may be read with when their own version is not known: that of the visit which is here, or the newest
    of the same checklist.
    """
    named, here = body.get("checklist"), _find_version(body_here)
    key = named.get("key") if isinstance(named, dict) else None
    if here is not None or not isinstance(key, str):
        return here
    published = (version for version in checklists.list_versions(area_codes, [key]) if version.publications)
    return next(published, None)


def _needs_checklist(reading: _Reading) -> bool:
    version = _find_version(reading.body)
    return "checklist" in reading.wrong or version is None or not version.publications


def _list_versions(body: Mapping[str, Any], area_codes: Sequence[str]) -> list[ChecklistVersion]:
    """What may be chosen in place of a checklist that is not known: the published versions of its key, else all."""
    named = body.get("checklist")
    key = named.get("key") if isinstance(named, dict) else None
    keys = {row.key for row in checklists.list_registrations(area_codes)}
    wanted = {key} if key in keys else keys
    return [version for version in checklists.list_versions(area_codes, wanted) if version.publications]


def _say_checklist(body: Mapping[str, Any]) -> str:
    version, named = _find_version(body), body.get("checklist")
    if version is not None:
        return gettext(
            "%(title)s, version %(version)s",
            title=pick_text(version.document["title"]),
            version=version.version,
        )
    if isinstance(named, dict) and {"key", "version"} <= named.keys():
        return gettext(
            "%(title)s, version %(version)s",
            title=_say_value(named["key"]),
            version=_say_value(named["version"]),
        )
    return _say_value(named)


def _say_place(location: Any, declined: Any) -> str:
    if isinstance(location, dict):
        accuracy = wording.say_distance(float(location["accuracy_m"]))
        return gettext("measured to %(distance)s", distance=accuracy)
    return gettext("declined: %(reason)s", reason=mask_numbers(declined)) if isinstance(declined, str) else ""


def _view_attachments(operation: Operation, lines: Sequence[Line]) -> dict[str, Any]:
    views = view_attachments(desk_queries.list_uses(operation), lines)
    return {
        "attachments": views,
        "attachments_missing": sum(not view.is_here and not view.removed_at for view in views),
        "has_photos_only": are_all_photos(views),
    }


def _list_faults(mended: repairs.Repair, body: Mapping[str, Any]) -> list[FaultView]:
    """What is wrong with the body as it was sent; what goes without saying (answers, a number) is not asked for."""
    faults = [(fault, True) for fault in mended.left_out]
    faults += [(fault, fault.path[:1] in {("answers",), ("visit_uuid",)}) for fault in mended.faults]
    return [
        FaultView(
            words.say_field(fault.path),
            words.say_fault(fault.code),
            _say_value(_find(body, fault.path)),
            is_left_out,
        )
        for fault, is_left_out in faults
    ]


def _find(body: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        try:
            body = body[step]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _pair(sent: Mapping[str, str], here: Mapping[str, str]) -> list[Pair]:
    return [
        Pair(label, sent.get(label, ""), here.get(label, ""))
        for label in [*sent, *(here.keys() - sent.keys())]
    ]


def _pair_lines(sent: Iterable[Line], here: Iterable[Line]) -> list[Pair]:
    """The answers of both in the order of what was sent, then those that are only here."""
    was = {line.key: line for line in here}
    pairs = []
    for line in sent:
        earlier = was.pop(line.key, None)
        is_heading = line.kind == "heading"
        pairs.append(Pair(line.label, line.value, earlier.value if earlier else "", is_heading))
    only_here = [Pair(line.label, "", line.value) for line in was.values() if line.kind == "answer"]
    return [*pairs, *only_here]


def _word(said: Mapping[str, str], code: Any) -> str:
    return said.get(code, _say_value(code)) if isinstance(code, str) else ""


def _say_value(value: Any) -> str:
    """A value as it was sent, numbers masked, not too long."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _cut(mask_numbers(text), 200)


def _write_out(raw: dict[str, Any]) -> str:
    if not repairs.is_shallow(raw):
        return gettext("It is nested too deeply to be shown.")
    return _cut(mask_numbers(json.dumps(raw, ensure_ascii=False, indent=2)), LONGEST_TEXT)


def _cut(text: str, length: int = LONGEST_ANSWER) -> str:
    return text if len(text) <= length else text[:length] + "…"


def _instant(value: Any, offset_s: int) -> datetime | None:
    """An instant as sent, by the server's clock; None where no clock says so."""
    try:
        instant = clock.parse_instant(value) if isinstance(value, str) else None
        return corrected(instant, offset_s) if instant and instant.year in YEARS else None
    except (ValueError, OverflowError):
        return None
