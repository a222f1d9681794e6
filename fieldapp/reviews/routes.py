"""Pages of reviewing: the queue, one visit with everything a decision needs, the decisions, a household's history and grid.

Invariant: every write goes through `reviews.actions`, which checks scope, state and revision again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.checklists import queries as checklists
from fieldapp.core import clock, scope, storage, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, WORKER, require
from fieldapp.core.paging import read_page
from fieldapp.core.severity import SEVERITIES
from fieldapp.core.web import pick_text
from fieldapp.followups import queries as followups
from fieldapp.people import queries as people
from fieldapp.people.cards import prepare_members
from fieldapp.people.models import Household
from fieldapp.people.rules import mask_phone
from fieldapp.reviews import actions, area_routes, due_routes, merge_routes, policy_routes, queries
from fieldapp.reviews.forms import ChosenForm, DecisionForm, DismissForm, MoveForm, ReturnForm, VoidForm
from fieldapp.reviews.models import ReviewClaim
from fieldapp.reviews.queries import QueueFilter, Waiting
from fieldapp.reviews.rules import CLAIM_LASTS
from fieldapp.reviews.visit_page import prepare_visit
from fieldapp.sweeps import queries as sweeps
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit

NOTE_PREFIX = "note:"
NOTE_LIMIT = 500
# Visits of a bulk approval that are named when they were not approved.
MOST_SAID = 5
# Photos of the next visit that a browser fetches ahead.
MOST_AHEAD = 6

bp = Blueprint("reviews", __name__)


@bp.get("/reviews")
@require(*READERS)
def queue_page() -> str:
    """The queue, worst first, then longest waiting."""
    codes = current_user.area_codes()
    chosen = _read_filter()
    page = read_page()
    listed = _prepare_list(codes, chosen, page)
    on_first = listed["items"][0].visit.visit_uuid if listed["items"] else None
    return render_template(
        "reviews/queue.html",
        **listed,
        visit=None,
        first_uuid=on_first if page == 1 else queries.find_first(codes, chosen),
        waiting=_count_waiting(codes),
        can_review=current_user.role == SUPERVISOR,
    )


@bp.get("/reviews/<uuid:visit_uuid>")
@require(*READERS)
def visit_page(visit_uuid: UUID) -> str:
    """One visit beside the queue, with the decision below it."""
    return _show(str(visit_uuid), mode=request.args.get("decide", ""))


@bp.post("/reviews/approve-clean")
@require(SUPERVISOR)
def approve_clean() -> Response:
    """Accept the clean visits that were in the list, each by itself, and say in words what became of them."""
    form = ChosenForm()
    approved, left = 0, []
    for chosen_visit in form.read()[: queries.PAGE_ROWS]:
        try:
            with transaction():
                actions.approve_clean_visit(current_user, *chosen_visit, now=clock.now())
            approved += 1
        except AppError as error:
            left.append((chosen_visit[0], str(error.message)))
    flash(ngettext("%(num)s visit approved.", "%(num)s visits approved.", approved))
    names = queries.list_household_names([uuid for uuid, _ in left], current_user)
    for uuid, why in left[:MOST_SAID]:
        flash(
            gettext("Not approved: %(name)s. %(why)s", name=names.get(uuid) or gettext("New clue"), why=why)
        )
    if len(left) > MOST_SAID:
        more = len(left) - MOST_SAID
        flash(ngettext("%(num)s more was not approved.", "%(num)s more were not approved.", more))
    return redirect(url_for(".queue_page", **_read_filter().as_query()), 303)


@bp.post("/reviews/<uuid:visit_uuid>/claim")
@require(*READERS)
def claim(visit_uuid: UUID) -> str:
    """Note that the reader is looking at the visit; the part of its page that says when somebody else is."""
    now = clock.now()
    held = actions.claim_visit(current_user, str(visit_uuid), now)
    visit = queries.get_visit(str(visit_uuid), current_user, now)
    return render_template("reviews/_claim.html", visit=visit, claim=_view_claim(held), is_asked=True)


@bp.post("/reviews/<uuid:visit_uuid>/reopen")
@require(*READERS)
def reopen(visit_uuid: UUID) -> str | tuple[str, int] | Response:
    """Have a person look at a visit that the policy accepted; it stays open on the page."""
    form = DecisionForm()
    return _decide(
        str(visit_uuid),
        form,
        lambda: actions.reopen_visit(current_user, str(visit_uuid), form.revision.data or 0, now=clock.now()),
        gettext("Opened again. It waits for a decision."),
        stays=True,
    )


@bp.post("/reviews/<uuid:visit_uuid>/approve")
@require(*READERS)
def approve(visit_uuid: UUID) -> str | tuple[str, int] | Response:
    """Accept the visit; the next one opens."""
    form = DecisionForm()
    return _decide(
        str(visit_uuid),
        form,
        lambda: actions.approve_visit(
            current_user, str(visit_uuid), form.revision.data or 0, now=clock.now()
        ),
        gettext("Approved."),
    )


@bp.post("/reviews/<uuid:visit_uuid>/return")
@require(*READERS)
def send_back(visit_uuid: UUID) -> str | tuple[str, int] | Response:
    """Give the visit back to its worker with a reason and notes by question; the next one opens."""
    form = ReturnForm()
    return _decide(
        str(visit_uuid),
        form,
        lambda: actions.return_visit(
            current_user,
            str(visit_uuid),
            form.revision.data or 0,
            reason=form.reason.data or "",
            notes=_read_notes(),
            now=clock.now(),
        ),
        gettext("Returned. The worker finds it on the Today page at the next sync."),
        mode="return",
    )


@bp.post("/reviews/<uuid:visit_uuid>/void")
@require(*READERS)
def void(visit_uuid: UUID) -> str | tuple[str, int] | Response:
    """Declare that the visit does not count; the next one opens."""
    form = VoidForm()
    return _decide(
        str(visit_uuid),
        form,
        lambda: actions.void_visit(
            current_user,
            str(visit_uuid),
            form.revision.data or 0,
            reason=form.reason.data or "",
            now=clock.now(),
        ),
        gettext("Voided. It no longer counts."),
        mode="void",
    )


@bp.post("/reviews/flags/<int:flag_id>/confirm")
@require(*READERS)
def confirm_flag(flag_id: int) -> Response:
    """Note that what a flag says is so."""
    with transaction():
        flag = actions.confirm_flag(current_user, flag_id, now=clock.now())
    flash(gettext("The flag is confirmed."))
    return _back_to(flag.visit_uuid)


@bp.post("/reviews/flags/<int:flag_id>/dismiss")
@require(*READERS)
def dismiss_flag(flag_id: int) -> str | tuple[str, int] | Response:
    """Note that a flag needs nothing, and why."""
    form = DismissForm()
    if not form.validate_on_submit():
        codes = current_user.area_codes()
        flag = queries.get_flag(flag_id, codes)
        queries.check_reviewer(
            current_user, queries.get_visit(flag.visit_uuid, current_user, clock.now()), clock.now()
        )
        return _show(flag.visit_uuid, dismiss_form=form), 422
    with transaction():
        flag = actions.dismiss_flag(current_user, flag_id, reason=form.reason.data or "", now=clock.now())
    flash(gettext("The flag is dismissed."))
    return _back_to(flag.visit_uuid)


@bp.get("/households/<uuid:household_uuid>")
@require(*READERS)
def household_page(household_uuid: UUID) -> str:
    """A household: its people, and its visits, flags, tasks and moves as one story; `move_to` asks about a grid, or about
    an area to choose one in.
    """
    codes = current_user.area_codes()
    household = people.get_household(str(household_uuid), codes)
    can_move = current_user.role in {SUPERVISOR, OFFICER}
    chosen = _read_move_to(codes) if can_move else None
    words = wording.get_words("severity", "method", "outcome", "followup_type")
    return render_template(
        "reviews/household.html",
        household=household,
        phone_masked=mask_phone(household.phone),
        grid_path=" ".join(area.name for area in areas.list_path(household.grid_code)[2:]),
        members=prepare_members(household, current_user),
        merges=merge_routes.prepare_merges_into(household),
        sweeps=_list_sweeps(household),
        story=_tell_story(household.household_uuid),
        words=words,
        visit_states=wording.VISIT_STATES,
        flag_states=wording.FLAG_STATES,
        followup_states=wording.FOLLOWUP_STATES,
        can_edit=current_user.role == SUPERVISOR,
        move_to=chosen,
        move_choices=_list_move_choices(household, [chosen.code] if chosen else codes) if can_move else [],
        move=_prepare_move(household, chosen) if chosen and chosen.holds_households else None,
    )


@bp.post("/households/<uuid:household_uuid>/move")
@require(SUPERVISOR, OFFICER)
def move_household(household_uuid: UUID) -> Response:
    """Put the household into another grid, or a unit directly under the city, of the reader's."""
    form = MoveForm()
    with transaction():
        household = actions.move_household(
            current_user, str(household_uuid), form.grid.data or "", now=clock.now()
        )
    grid_name = areas.get_names([household.grid_code])[household.grid_code]
    flash(gettext("%(name)s is in %(grid)s now.", name=household.name, grid=grid_name))
    return redirect(url_for(".household_page", household_uuid=household_uuid), 303)


def _list_sweeps(household: Household) -> list[dict[str, Any]]:
    """The open sweeps that have yet to reach somebody of a household, and whom."""
    marks = sweeps.list_open_marks([person.person_uuid for person in household.people])
    names: dict[int, list[str]] = {}
    for person in household.people:
        for sweep_id in marks.get(person.person_uuid, []):
            names.setdefault(sweep_id, []).append(person.name or gettext("no name"))
    open_ones = sorted(sweeps.list_by_ids(names), key=lambda sweep: (sweep.until_on, sweep.sweep_id))
    return [{"sweep": sweep, "names": names[sweep.sweep_id]} for sweep in open_ones]


def _read_move_to(codes: list[str]) -> Area | None:
    """The grid, or the area to choose one in, that was asked for: in the reader's areas and not ended, else None."""
    area = areas.find_area(request.args.get("move_to", ""))
    return area if area and not area.is_ended and scope.covers(codes, area.code) else None


def _list_move_choices(household: Household, codes: list[str]) -> list[tuple[str, str]]:
    """(code, name) of where a household may be moved: of what is wider than a township, first the areas below."""
    within = areas.list_areas(codes)
    wide = [area.code for area in within if area.level in {"province", "city", "county"}]
    grids = areas.list_grids(area.code for area in within if area.code not in wide)
    return [(area.code, area.name) for area in areas.list_children(wide) if not area.is_ended] + (
        areas.name_grids([grid for grid in grids if grid.code != household.grid_code])
    )


def _prepare_move(household: Household, grid: Area) -> dict[str, Any] | None:
    """What is to be confirmed before the household moves to the grid that was chosen."""
    if grid.code == household.grid_code:
        return None
    [(_, name)] = areas.name_grids([grid])
    workers = users.list_users_covering(grid.code, [WORKER], clock.now())
    return {
        "grid_name": name,
        "from_name": areas.get_names([household.grid_code]).get(household.grid_code, ""),
        "workers": [worker.display_name for worker in workers],
        "followups": followups.count_unsettled(household.household_uuid),
        "form": MoveForm(formdata=None, grid=grid.code),
    }


def _tell_story(household_uuid: str) -> list[dict[str, Any]]:
    """Visits with their flags, tasks and moves, latest first."""
    hidden = queries.list_hidden(current_user)
    all_visits = [
        visit for visit in visits.list_visits_of_household(household_uuid) if visit.visit_uuid not in hidden
    ]
    flags: dict[str, list[Any]] = {}
    for flag in queries.list_flags([visit.visit_uuid for visit in all_visits]):
        flags.setdefault(flag.visit_uuid, []).append({"flag": flag, "text": pick_text(flag.text)})
    now = clock.now()
    tasks = [
        task
        for task in followups.list_followups_of_household(household_uuid)
        if followups.may_read(task, current_user, now)
    ]
    names = users.get_display_names(
        {visit.worker_id for visit in all_visits}
        | {visit.entered_by for visit in all_visits if visit.entered_by}
        | {task.assignee_id for task in tasks if task.assignee_id}
    )
    story: list[dict[str, Any]] = [
        {
            "at": visit.finished_at,
            "visit": visit,
            "who": names.get(visit.worker_id, ""),
            "entered_by": names.get(visit.entered_by or 0, ""),
            "flags": flags.get(visit.visit_uuid, []),
        }
        for visit in all_visits
    ]
    story += [
        {
            "at": task.created_at,
            "task": task,
            "text": pick_text(task.reason),
            "who": names.get(task.assignee_id or 0, ""),
        }
        for task in tasks
    ]
    moves = people.list_moves(household_uuid)
    grid_names = areas.get_names(move.grid_code for move in moves)
    story += [{"at": move.from_at, "grid_name": grid_names.get(move.grid_code, "")} for move in moves]
    return sorted(story, key=lambda entry: entry["at"], reverse=True)


def _decide(
    visit_uuid: str,
    form: DecisionForm,
    decision: Callable[[], Visit],
    message: str,
    mode: str = "",
    *,
    stays: bool = False,
) -> str | tuple[str, int] | Response:
    """Take a decision and open the next visit (or stay); when it cannot be taken, show the visit with what was typed."""
    codes = current_user.area_codes()
    visit = queries.get_visit(visit_uuid, current_user, clock.now())
    queries.check_reviewer(current_user, visit, clock.now())
    chosen = _read_filter()
    if not form.validate_on_submit():
        return _show(visit_uuid, mode=mode, form=form), 422
    following = (
        visit_uuid if stays else queries.find_following(visit, current_user.id, codes, chosen, clock.now())
    )
    try:
        with transaction():
            decision()
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(visit_uuid, mode=mode, form=form, error=error), error.status
    flash(message)
    if following:
        return redirect(url_for(".visit_page", visit_uuid=following, **chosen.as_query()), 303)
    return redirect(url_for(".queue_page", **chosen.as_query()), 303)


def _show(
    visit_uuid: str,
    *,
    mode: str = "",
    form: DecisionForm | None = None,
    dismiss_form: DismissForm | None = None,
    error: AppError | None = None,
) -> str:
    codes = current_user.area_codes()
    visit = queries.get_visit(visit_uuid, current_user, clock.now())
    chosen = _read_filter()
    position = queries.find_position(visit, codes, chosen)
    page = prepare_visit(visit, current_user)
    may = {"return": page.can_decide, "void": page.can_void}
    # The reviewer now sees the current revision: what was typed is kept, and decides on this one.
    forms = {
        "approve": DecisionForm(formdata=None, revision=visit.revision),
        "return": form if isinstance(form, ReturnForm) else ReturnForm(formdata=None),
        "void": form if isinstance(form, VoidForm) else VoidForm(formdata=None),
    }
    for each in forms.values():
        each.revision.data, each.revision.raw_data = visit.revision, None
    return render_template(
        "reviews/visit.html",
        **_prepare_list(codes, chosen, position.page),
        page_of_visit=page,
        visit=visit,
        mode=mode if may.get(mode) else "",
        forms=forms,
        notes=_read_notes() if form is not None else {},
        note_limit=NOTE_LIMIT,
        dismiss_form=dismiss_form,
        error=error,
        can_correct=current_user.role == SUPERVISOR,
        claim=_view_claim(queries.find_claim(visit, clock.now())),
        previous_uuid=position.previous_uuid,
        next_uuid=position.next_uuid,
        next_photos=_list_photos(position.next_uuid) if position.next_uuid else [],
        visit_states=wording.VISIT_STATES,
        flag_states=wording.FLAG_STATES,
        followup_states=wording.FOLLOWUP_STATES,
    )


def _view_claim(claim: ReviewClaim | None) -> dict[str, Any] | None:
    """Who else is looking at a visit, since when and until when at the latest; None when nobody else is."""
    if claim is None or claim.user_id == current_user.id:
        return None
    return {
        "name": users.get_display_names([claim.user_id])[claim.user_id],
        "since": claim.claimed_at,
        "until": claim.claimed_at + CLAIM_LASTS,
    }


def _list_photos(visit_uuid: str) -> list[str]:
    """The photos a browser may fetch ahead: of a visit's current revision, by SHA-256."""
    return storage.list_pictures("visit", visit_uuid)[:MOST_AHEAD]


def _prepare_list(codes: list[str], chosen: QueueFilter, page: int) -> dict[str, Any]:
    items, has_more = queries.list_queue(codes, chosen, current_user.id, page)
    return {
        "items": items,
        "has_more": has_more,
        "page": page,
        "total": queries.count_queue(codes, chosen),
        "chosen": chosen,
        "areas": areas.list_choices(codes, chosen.area),
        "severity_words": wording.get_words("severity")["severity"],
        "states": wording.VISIT_STATES,
        "titles": {key: pick_text(title) for key, title in checklists.list_visit_titles(codes).items()},
    }


def _read_filter() -> QueueFilter:
    """The choice in the address; what is not one is ignored."""
    queue = request.args.get("queue", "")
    severity = request.args.get("severity", "")
    area = request.args.get("area", "")
    checklist = request.args.get("checklist", "")
    look = request.args.get("look", "")
    return QueueFilter(
        queue=queue if queue in queries.QUEUES else "waiting",
        severity=severity if severity in SEVERITIES else "",
        area=area if area.isascii() and area.isdigit() and len(area) <= 15 else "",
        hidden=queries.list_hidden(current_user),
        checklist=checklist if checklist.isprintable() and len(checklist) <= 60 else "",
        look=look if look in queries.LOOKS else "",
        photos="with" if request.args.get("photos") == "with" else "",
    )


def _read_notes() -> dict[str, str]:
    """The notes typed beside questions, by question path."""
    return {
        name.removeprefix(NOTE_PREFIX): text.strip()[:NOTE_LIMIT]
        for name, text in request.form.items()
        if name.startswith(NOTE_PREFIX) and text.strip()
    }


def _back_to(visit_uuid: str) -> Response:
    return redirect(url_for(".visit_page", visit_uuid=visit_uuid, **_read_filter().as_query()), 303)


def _count_waiting(codes: list[str]) -> Waiting:
    """What waits in the reader's areas, asked once for a page and its menu."""
    if "reviews_waiting" not in g:
        g.reviews_waiting = queries.count_waiting(codes)
    waiting: Waiting = g.reviews_waiting
    return waiting


def _count_work() -> dict[str, Any]:
    """What the menu counts: visits waiting, tasks that need the reader."""
    if g.get("failed") or request.blueprint == "assets" or not current_user.is_authenticated:
        return {}
    if current_user.role not in READERS:
        return {}
    codes = current_user.area_codes()
    waiting = _count_waiting(codes)
    tasks = followups.count_needing(current_user, clock.now())
    return {
        "counts": {
            "waiting": waiting.total,
            "waiting_red": waiting.by_severity.get("red", 0),
            "followups": sum(tasks.values()),
            "followups_red": tasks.get("red", 0),
        }
    }


def init_app(app: Flask) -> None:
    """Register the pages, and the figures of the menu."""
    app.register_blueprint(bp)
    area_routes.init_app(app)
    due_routes.init_app(app)
    merge_routes.init_app(app)
    policy_routes.init_app(app)
    app.context_processor(_count_work)
