"""Pages of follow-up tasks: the list by urgency and due time, one task with its history, handing out and closing.

Invariant: every write goes through `followups.actions`, which checks scope and state again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.checklists import queries as checklists
from fieldapp.checklists.attachments import AttachmentView, view_attachments
from fieldapp.checklists.reading import Line, Objection, label_paths, read_answers, read_problems
from fieldapp.core import clock, storage, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, WORKER, require
from fieldapp.core.paging import read_area, read_key, read_page, read_uuid
from fieldapp.core.severity import SEVERITIES
from fieldapp.core.storage import Attachment, AttachmentUse
from fieldapp.followups import (
    actions,
    duty_routes,
    incident_routes,
    queries,
    referral_queries,
    referral_routes,
    rules,
)
from fieldapp.followups.forms import (
    SOURCES,
    HandOutForm,
    NewFollowupForm,
    ReasonForm,
    TakeInForm,
    as_typed,
    with_blank,
)
from fieldapp.followups.models import Followup, FollowupEvent
from fieldapp.followups.queries import FollowupFilter
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit

bp = Blueprint("followups", __name__, url_prefix="/followups")

STEPS = {
    "handed_out": lazy_gettext("Handed out"),
    "referred": lazy_gettext("Referred to an outside body"),
    "reported": lazy_gettext("Result reported"),
    "refused": lazy_gettext("Cannot be done"),
    "verified": lazy_gettext("Checked and closed"),
    "reopened": lazy_gettext("Reopened"),
    "cancelled": lazy_gettext("Cancelled"),
    "moved": lazy_gettext("The household moved to another grid"),
    "passed_on": lazy_gettext("Whoever had it works elsewhere now"),
    "climbed": lazy_gettext("Overdue"),
}
# Where an overdue task has gone up to.
CLIMBED_TO = {
    "township": lazy_gettext("climbed to the township"),
    "county": lazy_gettext("climbed to the county"),
    "city": lazy_gettext("climbed to the city"),
}
# The columns of the board.
DUES = {
    "late": lazy_gettext("Overdue"),
    "today": lazy_gettext("Due today"),
    "week": lazy_gettext("Due this week"),
    "later": lazy_gettext("Due later"),
    "outside": lazy_gettext("With an outside body"),
}
# Who closes tasks: the township's supervisor; an officer, of complaints.
CLOSERS = (SUPERVISOR, OFFICER)
# What is offered as due where nothing else is known: tomorrow at this time.
DEFAULT_DUE = time(17)


@dataclass(frozen=True)
class Step:
    """A step of a task's life as the page shows it."""

    at: datetime
    step: str
    word: str
    who: str = ""
    text: str | None = None
    lines: list[Line] = field(default_factory=list)
    problems: list[Objection] = field(default_factory=list)
    attachments: list[AttachmentView] = field(default_factory=list)
    taken_in_by: str = ""  # at the desk, where it could not be applied as it came


@bp.get("")
@require(*READERS)
def list_page() -> str:
    """The tasks in the reader's areas, those that need the reader first."""
    now = clock.now()
    chosen = _read_filter()
    page = read_page()
    items, has_more = queries.list_followups(current_user, chosen, now, page)
    return render_template(
        "followups/list.html",
        items=items,
        has_more=has_more,
        page=page,
        states=wording.FOLLOWUP_STATES,
        can_act=current_user.role == SUPERVISOR,
        takes_in=current_user.role in CLOSERS,
        **_view_filter(chosen, now),
    )


@bp.get("/board")
@require(*READERS)
def board_page() -> str:
    """The same tasks by when they are due, the first of each column."""
    now = clock.now()
    chosen = replace(_read_filter(), view="active", due="")
    return render_template(
        "followups/board.html",
        columns=queries.list_board(current_user, chosen, now),
        **_view_filter(chosen, now),
    )


@bp.get("/<uuid:followup_id>")
@require(*READERS)
def followup_page(followup_id: UUID) -> str:
    """One task: why, by whom, until when, what came of it."""
    return _show(str(followup_id))


@bp.post("/<uuid:followup_id>/hand-out")
@require(*CLOSERS)
def hand_out(followup_id: UUID) -> str | tuple[str, int] | Response:
    """Give the task to somebody, or to somebody else."""
    now = clock.now()
    task = queries.get_followup(str(followup_id), current_user, now)
    form = HandOutForm()
    form.offer(_say_who(queries.list_candidates(task, now)))
    if not form.validate_on_submit():
        return _show(task.followup_id, hand_out_form=form), 422
    return _take(
        task.followup_id,
        lambda: actions.hand_out_followup(
            current_user,
            task.followup_id,
            assignee_id=form.assignee_id,
            partner_id=form.partner_id,
            due_at=form.due_at,
            instructions=form.instructions.data or None,
            now=now,
        ),
        gettext("Handed out. It is on the worker's Today page at the next sync."),
        hand_out_form=form,
    )


@bp.post("/<uuid:followup_id>/result")
@require(*CLOSERS)
def record_result(followup_id: UUID) -> str | tuple[str, int] | Response:
    """Write down what came of a task that was done without a phone."""
    return _take_in_words(
        str(followup_id),
        "result_form",
        lambda words: actions.record_result(current_user, str(followup_id), text=words, now=clock.now()),
        gettext("The result is written down. Check it and close the task."),
    )


@bp.post("/<uuid:followup_id>/verify")
@require(*CLOSERS)
def verify(followup_id: UUID) -> str | tuple[str, int] | Response:
    """Accept the result and close the task."""
    return _take(
        str(followup_id),
        lambda: actions.verify_followup(current_user, str(followup_id), now=clock.now()),
        gettext("Checked and closed."),
    )


@bp.post("/<uuid:followup_id>/reopen")
@require(*CLOSERS)
def reopen(followup_id: UUID) -> str | tuple[str, int] | Response:
    """Send the task back to be done again."""
    return _take_in_words(
        str(followup_id),
        "reopen_form",
        lambda words: actions.reopen_followup(current_user, str(followup_id), reason=words, now=clock.now()),
        gettext("Reopened. The worker is told why."),
    )


@bp.post("/<uuid:followup_id>/cancel")
@require(*CLOSERS)
def cancel(followup_id: UUID) -> str | tuple[str, int] | Response:
    """Close a task that need not be done."""
    return _take_in_words(
        str(followup_id),
        "cancel_form",
        lambda words: actions.cancel_followup(current_user, str(followup_id), reason=words, now=clock.now()),
        gettext("Cancelled."),
    )


@bp.get("/new")
@require(SUPERVISOR)
def new_page() -> str:
    """The form of a task made by hand, about the household of a visit or of the address; `type` is offered as its kind."""
    household, visit_uuid, now = *_read_subject(), clock.now()
    form = NewFollowupForm(formdata=None, severity="orange", type=request.args.get("type"))
    _offer_new(form, household, now)
    form.due.data = as_typed(_tomorrow(now))
    return _show_new(form, household, visit_uuid)


@bp.post("/new")
@require(SUPERVISOR)
def create() -> str | tuple[str, int] | Response:
    """Make a task by hand and hand it out."""
    household, visit_uuid, now = *_read_subject(), clock.now()
    form = NewFollowupForm()
    _offer_new(form, household, now)
    if not form.validate_on_submit():
        return _show_new(form, household, visit_uuid), 422
    try:
        with transaction():
            task = actions.create_followup(
                current_user,
                household_uuid=household.household_uuid,
                person_uuid=form.person.data or None,
                visit_uuid=visit_uuid,
                type=form.type.data,
                severity=form.severity.data,
                reason_text=form.reason.data or "",
                assignee_id=form.assignee_id,
                partner_id=form.partner_id,
                due_at=form.due_at,
                instructions=form.instructions.data or None,
                now=now,
            )
    except AppError as error:
        if error.code not in ("partner_needed", "assignee_relative"):
            raise
        form.partner.errors = [error.message]
        return _show_new(form, household, visit_uuid), error.status
    flash(gettext("Handed out. It is on the worker's Today page at the next sync."))
    return redirect(url_for("followups.followup_page", followup_id=task.followup_id), 303)


@bp.get("/take-in")
@require(*CLOSERS)
def take_in_page() -> str:
    """The form of a call, of somebody who came, or of a letter; about a household, where the address names one."""
    household = _find_subject()
    form = TakeInForm(formdata=None, severity="orange")
    return _show_take_in(form, household)


@bp.post("/take-in")
@require(*CLOSERS)
def take_in() -> str | tuple[str, int] | Response:
    """Make a task of it, with its clock."""
    household = _find_subject()
    form = TakeInForm()
    _offer_take_in(form)
    if not form.validate_on_submit():
        return _show_take_in(form, household), 422
    with transaction():
        task = actions.take_in(
            current_user,
            source=form.source.data,
            area_code=form.area.data or "",
            household_uuid=household.household_uuid if household else None,
            type=form.type.data,
            severity=form.severity.data,
            reason_text=form.reason.data or "",
            caller=form.caller,
            now=clock.now(),
        )
    flash(gettext("It is a task now, and its time runs."))
    return redirect(url_for("followups.followup_page", followup_id=task.followup_id), 303)


def _find_subject() -> Household | None:
    """The household the address names, if it names one; raises not_found."""
    household_uuid = read_uuid("household")
    return people.get_household(household_uuid, current_user.area_codes()) if household_uuid else None


def _offer_take_in(form: TakeInForm) -> None:
    words = wording.get_words("followup_type", "severity")
    own = areas.list_own_and_below(current_user.area_codes())
    form.offer(words["followup_type"], words["severity"], own)


def _show_take_in(form: TakeInForm, household: Household | None) -> str:
    _offer_take_in(form)
    return render_template("followups/take_in.html", form=form, household=household)


def _take(
    followup_id: str, step: Callable[[], Any], message: str, **forms: Any
) -> str | tuple[str, int] | Response:
    """Take a step in a transaction; when it cannot be taken, show the task as it is now with what was typed."""
    try:
        with transaction():
            step()
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(followup_id, error=error, **forms), error.status
    flash(message)
    return redirect(url_for("followups.followup_page", followup_id=followup_id), 303)


def _take_in_words(
    followup_id: str, form_name: str, step: Callable[[str], Any], message: str
) -> str | tuple[str, int] | Response:
    """Take a step that needs words, as typed into the form of that name."""
    form = ReasonForm()
    if not form.validate_on_submit():
        return _show(followup_id, **{form_name: form}), 422
    return _take(followup_id, lambda: step(form.reason.data or ""), message, **{form_name: form})


def _show(
    followup_id: str,
    *,
    error: AppError | None = None,
    hand_out_form: HandOutForm | None = None,
    reopen_form: ReasonForm | None = None,
    cancel_form: ReasonForm | None = None,
    result_form: ReasonForm | None = None,
) -> str:
    now = clock.now()
    task = queries.get_followup(followup_id, current_user, now)
    household = people.find_household(task.household_uuid) if task.household_uuid else None
    visit = visits.find_visit(task.visit_uuid) if task.visit_uuid else None
    events = queries.list_events(followup_id)
    possible = {
        step
        for step in rules.TRANSITIONS
        if rules.can_step(step, task.state) and queries.may_take(step, task, current_user)
    }
    can_hand_out = "handed_out" in possible
    if can_hand_out and hand_out_form is None:
        hand_out_form = _prepare_hand_out(task, visit, now)
    person = (
        next((p for p in household.people if p.person_uuid == task.person_uuid), None) if household else None
    )
    # All code tables at once, before one row of them is asked for.
    words = wording.get_words("followup_type", "severity")
    named = {task.assignee_id, task.partner_id, task.entered_by_id, visit.worker_id if visit else None}
    named |= {id_ for event in events for id_ in (event.actor_id, event.taken_in_by)}
    names = users.get_display_names(id_ for id_ in named if id_ is not None)
    return render_template(
        "followups/followup.html",
        task=task,
        household=household,
        person=person,
        visit=visit,
        grid_name=areas.get_names([task.area_code]).get(task.area_code, ""),
        steps=_list_steps(task, events, names),
        names=names,
        source=SOURCES.get(task.source),
        goes_in_pairs=queries.get_type_settings(task.type).get("pair", False),
        is_overdue=task.state == "open" and task.due_at < now,
        words=words,
        states=wording.FOLLOWUP_STATES,
        levels=CLIMBED_TO,
        referrals=referral_queries.list_referrals(followup_id),
        referral_states=referral_routes.STATES,
        can_refer="referred" in possible,
        can_hand_out=can_hand_out,
        can_record="reported" in possible,
        is_revisit=task.source == rules.REVISIT,
        can_verify="verified" in possible and task.source != rules.REVISIT,
        can_reopen="reopened" in possible,
        can_cancel="cancelled" in possible,
        hand_out_form=hand_out_form,
        reopen_form=reopen_form or ReasonForm(formdata=None),
        cancel_form=cancel_form or ReasonForm(formdata=None),
        result_form=result_form or ReasonForm(formdata=None),
        error=error,
    )


def _prepare_hand_out(task: Followup, visit: Visit | None, now: datetime) -> HandOutForm:
    """The form as it is first shown: what was chosen, or for a task nobody handed out yet what is likely."""
    choices = _say_who(queries.list_candidates(task, now))
    assignee_id = task.assignee_id
    if task.assigned_by_id is None and visit is not None and visit.worker_id in dict(choices):
        assignee_id = visit.worker_id
    due = task.due_at if task.due_at > now else _tomorrow(now)
    form = HandOutForm(
        formdata=None,
        assignee=str(assignee_id or ""),
        partner=str(task.partner_id or ""),
        due=as_typed(due),
        instructions=task.instructions,
    )
    form.offer(choices)
    return form


def _tomorrow(now: datetime) -> datetime:
    return datetime.combine(clock.local_date(now) + timedelta(days=1), DEFAULT_DUE, clock.LOCAL)


def _list_steps(task: Followup, events: list[FollowupEvent], names: Mapping[int, str]) -> list[Step]:
    """The task's life, latest first, each step with what was reported."""
    # Held here until all are read: a session forgets what nobody holds.
    _versions = checklists.find_versions(
        (event.checklist_key, event.checklist_version or "") for event in events if event.checklist_key
    )
    uses = storage.list_uses_of("followup", task.followup_id)
    steps = [_read_step(event, uses.get(event.id, []), names) for event in reversed(events)]
    word = gettext("Made by hand") if task.entered_by_id is not None else gettext("Made by a flag")
    if task.source == rules.REVISIT and task.entered_by_id is None:
        word = gettext("Drawn at random")
    return [*steps, Step(task.created_at, "made", word)]


def _read_step(
    event: FollowupEvent, uses: list[tuple[AttachmentUse, Attachment | None]], names: Mapping[int, str]
) -> Step:
    lines = _read_result(event)
    climbed = f": {CLIMBED_TO[event.level]}" if event.level else ""
    return Step(
        event.at,
        event.step,
        f"{STEPS[event.step]}{climbed}",
        names.get(event.actor_id or 0, ""),
        event.text,
        lines,
        read_problems(event.problems, label_paths(lines)),
        view_attachments(uses, lines),
        names.get(event.taken_in_by or 0, ""),
    )


def _read_result(event: FollowupEvent) -> list[Line]:
    if event.answers is None or event.checklist_key is None:
        return []
    version = checklists.find_version(event.checklist_key, event.checklist_version or "")
    return read_answers(version.document, event.answers) if version else []


def _list_choices_of_assignee(area_code: str, now: datetime) -> list[tuple[int, str]]:
    covering = users.list_users_covering(area_code, [WORKER, SUPERVISOR], now)
    covering.sort(key=lambda user: user.role != WORKER)
    return _say_who(covering)


def _say_who(people: list[User]) -> list[tuple[int, str]]:
    return [(user.id, f"{user.display_name} · {wording.ROLES[user.role]}") for user in people]


def _view_filter(chosen: FollowupFilter, now: datetime) -> dict[str, Any]:
    """What the list and the board need to offer their choices."""
    return {
        "chosen": chosen,
        "areas": areas.list_choices(current_user.area_codes(now), chosen.area),
        "assignees": queries.list_assignees(current_user, chosen, now),
        "words": wording.get_words("followup_type", "severity"),
        "levels": CLIMBED_TO,
        "dues": DUES,
    }


def _read_filter() -> FollowupFilter:
    """The choice in the address; what is not one is ignored."""
    view = request.args.get("view", "")
    severity = request.args.get("severity", "")
    type_ = request.args.get("type", "")
    climbed = request.args.get("climbed", "")
    due = request.args.get("due", "")
    return FollowupFilter(
        view=view if view in queries.VIEWS else "active",
        severity=severity if severity in SEVERITIES else "",
        type=type_ if type_ in get_codes("followup_type") else "",
        assignee=read_key("assignee"),
        climbed=climbed if climbed in CLIMBED_TO else "",
        area=read_area(),
        due=due if due in DUES else "",
    )


def _read_subject() -> tuple[Household, str | None]:
    """The household (and the visit) the address names; raises not_found."""
    codes = current_user.area_codes()
    if visit_uuid := read_uuid("visit"):
        visit = visits.get_visit(visit_uuid, codes)
        if visit.household_uuid is None:
            raise AppError("not_found")
        return people.get_household(visit.household_uuid, codes), visit.visit_uuid
    household_uuid = read_uuid("household")
    if household_uuid is None:
        raise AppError("not_found")
    return people.get_household(household_uuid, codes), None


def _offer_new(form: NewFollowupForm, household: Household, now: datetime) -> None:
    words = wording.get_words("followup_type", "severity")
    form.offer(_list_choices_of_assignee(household.grid_code, now))
    # A complaint is taken in on its own page; a visit is looked at again from its own.
    elsewhere = {code for code, row in get_codes("followup_type").items() if row.extra.get("restricted")}
    elsewhere.add(rules.REVISIT_TYPE)
    types = {code: word for code, word in words["followup_type"].items() if code not in elsewhere}
    form.type.choices = with_blank(types, gettext("Choose…"))
    form.severity.choices = list(words["severity"].items())
    form.person.choices = [
        ("", gettext("The whole household")),
        *((person.person_uuid, person.name) for person in household.people),
    ]


def _show_new(form: NewFollowupForm, household: Household, visit_uuid: str | None) -> str:
    return render_template("followups/new.html", form=form, household=household, visit_uuid=visit_uuid)


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    incident_routes.init_app(app)
    duty_routes.init_app(app)
    referral_routes.init_app(app)
