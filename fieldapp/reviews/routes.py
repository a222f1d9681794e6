"""Pages of reviewing: the queue, one visit with everything a decision needs, the decisions, a household's history and grid.

Invariant: every write goes through `reviews.actions`, which checks scope, state and revision again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from sqlalchemy import Select
from werkzeug.wrappers import Response

from fieldapp.aid import queries as aid
from fieldapp.aid.words import AID_WORDS, HANDLERS, STATES as AID_STATES
from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.checklists import queries as checklists
from fieldapp.core import clock, scope, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, WORKER, require
from fieldapp.core.menu import MOST_SAID as MOST_SAID_IN_MENU, count_in_menu
from fieldapp.core.paging import parse_uuid, read_area, read_day, read_page
from fieldapp.core.severity import SEVERITIES
from fieldapp.core.web import pick_text
from fieldapp.followups import queries as followups
from fieldapp.people import queries as people
from fieldapp.people.cards import prepare_members
from fieldapp.people.models import Household
from fieldapp.people.rules import mask_phone
from fieldapp.relief import queries as relief
from fieldapp.relief.words import STATES as RELIEF_STATES
from fieldapp.reviews import (
    actions,
    area_routes,
    due_routes,
    flag_rule_routes,
    merge_routes,
    policy_routes,
    queries,
)
from fieldapp.reviews.counting import count_waiting
from fieldapp.reviews.forms import (
    AskForm,
    ChosenForm,
    DecisionForm,
    DismissForm,
    MoveForm,
    ReturnForm,
    VoidForm,
)
from fieldapp.reviews.models import ReviewClaim
from fieldapp.reviews.queries import QueueFilter, QueueItem
from fieldapp.reviews.rules import CLAIM_LASTS, THRESHOLDS
from fieldapp.reviews.visit_page import prepare_help, prepare_visit, read_mark
from fieldapp.revisits.forms import DECISIONS as REVISIT_DECISIONS, FINDINGS as REVISIT_FINDINGS
from fieldapp.sweeps import queries as sweeps
from fieldapp.sweeps.models import Sweep
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit

# Who puts a household into another grid.
MOVERS = (SUPERVISOR, OFFICER)
NOTE_PREFIX = "note:"
NOTE_LIMIT = 500
# Visits of a bulk approval that are named when they were not approved.
MOST_SAID = 5
# What the desk's script fetched while a visit was read: the address of the next one, with the mark of its page.
AHEAD, AHEAD_MARK = "X-Ahead", "X-Ahead-Mark"
# It asks for that page as it will be when this visit is decided.
AFTER = "X-After"
# Entries of aid on a household's page; the others are one step away.
LATEST_AID = 5

bp = Blueprint("reviews", __name__)


@bp.get("/reviews")
@require(*READERS)
def queue_page() -> str:
    """The queue, worst first, then longest waiting."""
    codes = current_user.area_codes()
    chosen = _read_filter()
    page = read_page()
    items, has_more = queries.list_queue(codes, chosen, current_user.id, page)
    on_first = items[0].visit.visit_uuid if items else None
    waiting = count_waiting(current_user)
    is_plain = chosen.queue == "waiting" and not chosen.is_narrowed
    return render_template(
        "reviews/queue.html",
        **_prepare_list(codes, chosen, items, waiting.total if is_plain else None),
        has_more=has_more,
        page=page,
        visit=None,
        first_uuid=on_first if page == 1 else queries.find_first(codes, chosen),
        waiting=waiting,
        can_review=current_user.role == SUPERVISOR,
    )


@bp.get("/reviews/<uuid:visit_uuid>")
@require(*READERS)
def visit_page(visit_uuid: UUID) -> str:
    """One visit beside the queue, with the decision below it."""
    return _show(str(visit_uuid), mode=request.args.get("decide", ""))


@bp.get("/reviews/<uuid:visit_uuid>/queue")
@require(*READERS)
def queue_part(visit_uuid: UUID) -> str:
    """The part of a visit's page that shows the queue around it."""
    visit = queries.get_visit(str(visit_uuid), current_user, clock.now())
    codes, chosen = current_user.area_codes(), _read_filter()
    items = queries.list_beside(visit, codes, chosen, current_user.id)
    return render_template("reviews/_list.html", **_prepare_list(codes, chosen, items), visit=visit)


@bp.get("/reviews/<uuid:visit_uuid>/help")
@require(*READERS)
def help_part(visit_uuid: UUID) -> str:
    """The part of a visit's page that shows what was given and asked for because of it."""
    now = clock.now()
    visit = queries.get_visit(str(visit_uuid), current_user, now)
    return render_template("reviews/_help.html", **prepare_help(visit, current_user, now))


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
    names = users.get_display_names([held.user_id])
    return render_template("reviews/_claim.html", visit=visit, claim=_view_claim(held, names), is_asked=True)


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


@bp.post("/reviews/<uuid:visit_uuid>/revisit")
@require(SUPERVISOR, OFFICER)
def ask_for_revisit(visit_uuid: UUID) -> str | tuple[str, int] | Response:
    """Have somebody else look at the visit again."""
    form = AskForm()
    if not form.validate_on_submit():
        return _show(str(visit_uuid), ask_form=form), 422
    try:
        with transaction():
            revisit = actions.ask_for_revisit(
                current_user, str(visit_uuid), reason=form.reason.data or "", now=clock.now()
            )
            followup_id = revisit.followup_id
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(str(visit_uuid), ask_form=form, error=error), error.status
    flash(gettext("Somebody else looks at it again. The one who made the visit is not told."))
    return redirect(url_for("revisits.revisit_page", revisit_id=followup_id), 303)


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
    """A household: its people and the help it had; its story comes as a part of its own."""
    codes = current_user.area_codes()
    household = people.get_household(str(household_uuid), codes, people.WITH_CARERS)
    return render_template(
        "reviews/household.html",
        household=household,
        phone_masked=mask_phone(household.phone),
        grid_path=" ".join(area.name for area in areas.list_path(household.grid_code)[2:]),
        members=prepare_members(household, current_user),
        merges=merge_routes.prepare_merges_into(household),
        sweeps=_list_sweeps(household),
        aid=aid.list_of_household(household.household_uuid, LATEST_AID),
        aid_states=AID_STATES,
        relief=relief.list_of_household(household.household_uuid, current_user, clock.now()),
        relief_states=RELIEF_STATES,
        can_enter_aid=current_user.role in HANDLERS,
        words=wording.get_words(*AID_WORDS),
        can_edit=current_user.role == SUPERVISOR,
        can_move=current_user.role in MOVERS,
    )


@bp.get("/households/<uuid:household_uuid>/story")
@require(*READERS)
def household_story(household_uuid: UUID) -> str:
    """What became of a household, visits, flags, tasks and moves as one story: a part of its page, or a page by itself."""
    household = people.get_household(str(household_uuid), current_user.area_codes())
    page = "reviews/_story.html" if request.headers.get("HX-Request") else "reviews/story.html"
    return render_template(
        page,
        household=household,
        story=_tell_story(household.household_uuid),
        words=wording.get_words("severity", "method", "outcome", "followup_type"),
        visit_states=wording.VISIT_STATES,
        flag_states=wording.FLAG_STATES,
        followup_states=wording.FOLLOWUP_STATES,
    )


@bp.get("/households/<uuid:household_uuid>/move")
@require(*MOVERS)
def move_page(household_uuid: UUID) -> str:
    """Where to move a household; `move_to` asks about a grid, or about an area to choose one in."""
    codes = current_user.area_codes()
    household = people.get_household(str(household_uuid), codes)
    chosen = _read_move_to(codes)
    return render_template(
        "reviews/move.html",
        household=household,
        move_to=chosen,
        move_choices=_list_move_choices(household, [chosen.code] if chosen else codes),
        move=_prepare_move(household, chosen) if chosen and chosen.holds_households else None,
    )


@bp.post("/households/<uuid:household_uuid>/move")
@require(*MOVERS)
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
    names: dict[Sweep, list[str]] = {}
    for person in household.people:
        for sweep in marks.get(person.person_uuid, []):
            names.setdefault(sweep, []).append(person.name or gettext("no name"))
    return [
        {"sweep": sweep, "names": names[sweep]}
        for sweep in sorted(names, key=lambda sweep: (sweep.until_on, sweep.sweep_id))
    ]


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
    all_visits = visits.list_visits_of_household(
        household_uuid, Visit.visit_uuid.not_in(queries.select_hidden(current_user))
    )
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
    if following and _is_ahead(following, chosen):
        answer = make_response(render_template("reviews/ahead.html"))
        answer.headers["HX-Push-Url"] = answer.headers[AHEAD] = request.headers[AHEAD]
        return answer
    if following:
        return redirect(url_for(".visit_page", visit_uuid=following, **chosen.as_query()), 303)
    return redirect(url_for(".queue_page", **chosen.as_query()), 303)


def _is_ahead(visit_uuid: str, chosen: QueueFilter) -> bool:
    """Whether the page of that visit is in the browser already, and nothing has happened to the visit since."""
    address = url_for(".visit_page", visit_uuid=visit_uuid, **chosen.as_query())
    return request.headers.get(AHEAD) == address and request.headers.get(AHEAD_MARK) == read_mark(
        visit_uuid, current_user
    )


def _show(
    visit_uuid: str,
    *,
    mode: str = "",
    form: DecisionForm | None = None,
    dismiss_form: DismissForm | None = None,
    ask_form: AskForm | None = None,
    error: AppError | None = None,
) -> str:
    chosen = replace(_read_filter(), left_out=parse_uuid(request.headers.get(AFTER, "")) or "")
    opened = queries.open_visit(visit_uuid, current_user, chosen, clock.now())
    visit, page = opened.visit, prepare_visit(opened, current_user)
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
        chosen=chosen,
        page_of_visit=page,
        visit=visit,
        mode=mode if may.get(mode) else "",
        forms=forms,
        notes=_read_notes() if form is not None else {},
        note_limit=NOTE_LIMIT,
        dismiss_form=dismiss_form,
        ask_form=ask_form or AskForm(formdata=None),
        findings=REVISIT_FINDINGS,
        revisit_decisions=REVISIT_DECISIONS,
        error=error,
        can_correct=current_user.role == SUPERVISOR,
        claim=_view_claim(opened.claim, page.user_names),
        previous_uuid=opened.previous_uuid,
        next_uuid=opened.next_uuid,
        visit_states=wording.VISIT_STATES,
        flag_states=wording.FLAG_STATES,
        followup_states=wording.FOLLOWUP_STATES,
    )


def _view_claim(claim: ReviewClaim | None, names: Mapping[int, str]) -> dict[str, Any] | None:
    """Who else is looking at a visit, since when and until when at the latest; None when nobody else is."""
    if claim is None or claim.user_id == current_user.id:
        return None
    return {
        "name": names[claim.user_id],
        "since": claim.claimed_at,
        "until": claim.claimed_at + CLAIM_LASTS,
    }


def _prepare_list(
    codes: list[str], chosen: QueueFilter, items: list[QueueItem], total: int | None = None
) -> dict[str, Any]:
    return {
        "items": items,
        "total": queries.count_queue(codes, chosen) if total is None else total,
        "most_counted": queries.MOST_COUNTED,
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
    checklist = request.args.get("checklist", "")
    look = request.args.get("look", "")
    return QueueFilter(
        queue=queue if queue in queries.QUEUES else "waiting",
        severity=severity if severity in SEVERITIES else "",
        area=read_area(),
        hidden=queries.select_hidden(current_user),
        checklist=checklist if checklist.isprintable() and len(checklist) <= 60 else "",
        look=look if look in queries.LOOKS else "",
        photos="with" if request.args.get("photos") == "with" else "",
        rule=rule if (rule := request.args.get("rule", "")) in {"answer", *THRESHOLDS} else "",
        found=found if (found := request.args.get("found", "")) in wording.FLAG_STATES else "",
        since=read_day("since"),
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


def _select_waiting() -> Select[str | None, int] | None:
    """The visits that the menu counts for those who read them."""
    return queries.select_waiting(current_user, MOST_SAID_IN_MENU) if current_user.role in READERS else None


def _select_needing() -> Select[str, int] | None:
    """The tasks that the menu counts for those who read them."""
    return followups.select_needing(current_user, clock.now()) if current_user.role in READERS else None


def init_app(app: Flask) -> None:
    """Register the pages, and the figures of the menu."""
    app.register_blueprint(bp)
    area_routes.init_app(app)
    due_routes.init_app(app)
    merge_routes.init_app(app)
    policy_routes.init_app(app)
    flag_rule_routes.init_app(app)
    count_in_menu(app, "visits", _select_waiting)
    count_in_menu(app, "followups", _select_needing)
