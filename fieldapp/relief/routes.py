"""Pages of cases of relief: the list, one case with its clock, opening and completing it, and each step.

Invariant: every write goes through `relief.actions`, which checks scope, role, relatives and state again.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select
from werkzeug.wrappers import Response

from fieldapp.aid import rules as aid_rules
from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import Form
from fieldapp.core.guard import READERS, require
from fieldapp.core.menu import count_in_menu
from fieldapp.core.paging import read_area, read_page, read_uuid
from fieldapp.followups import queries as followups
from fieldapp.people import queries as people
from fieldapp.people.models import Household
from fieldapp.people.rules import mask_id
from fieldapp.relief import (
    actions,
    fund_queries,
    fund_routes,
    look_up_routes,
    policy_routes,
    public_routes,
    queries,
    rules,
)
from fieldapp.relief.actions import Origin
from fieldapp.relief.forms import (
    AmountForm,
    CaseForm,
    FindingsForm,
    PaymentForm,
    ReasonForm,
    TakeBackForm,
    TextForm,
)
from fieldapp.relief.models import ReliefCase
from fieldapp.relief.words import CHANNELS, NEXT, RELIEF_WORDS, STATES, STEPS, TIERS
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits

bp = Blueprint("relief", __name__, url_prefix="/relief")


@bp.get("")
@require(*READERS)
def list_page() -> str:
    """The cases in the reader's areas, what is due first."""
    now, page, chosen = clock.now(), read_page(), _read_chosen()
    cases, has_more = queries.list_cases(current_user, chosen, now, page)
    return render_template(
        "relief/list.html",
        cases=cases,
        applicants=queries.get_applicants(cases),
        has_more=has_more,
        page=page,
        chosen=chosen,
        areas=areas.list_choices(current_user.area_codes(now), chosen.area),
        places=_name_places(cases),
        names=users.get_display_names(case.handler_id for case in cases if case.handler_id is not None),
        states=STATES,
        channels=CHANNELS,
        can_open=current_user.role in rules.HANDLERS,
    )


@bp.get("/new")
@require(*rules.HANDLERS)
def new_page() -> str:
    """The form of a case, for the household, visit or task of the address, or for somebody who is on no list here."""
    origin = _read_origin()
    form = CaseForm(formdata=None, **_first_values(origin))
    _offer(form, origin.household)
    return _show_form(form, origin.household, None)


@bp.post("/new")
@require(*rules.HANDLERS)
def open_case() -> str | tuple[str, int] | Response:
    """Open a case; sent twice it is one."""
    origin = _read_origin()
    form = CaseForm()
    _offer(form, origin.household)
    if not form.validate_on_submit():
        return _show_form(form, origin.household, None), 422
    try:
        with transaction():
            case = actions.open_case(
                current_user, str(UUID(form.case_id.data)), form.read(), origin, clock.now()
            )
    except AppError as error:
        return _show_form(form, origin.household, None, error), error.status
    flash(gettext("The case is open, and its time runs."))
    return redirect(url_for(".case_page", case_id=case.case_id), 303)


@bp.get("/<uuid:case_id>")
@require(*READERS)
def case_page(case_id: UUID) -> str:
    """One case: what is asked for, its clock, its steps, and the next one."""
    return _show(str(case_id))


@bp.get("/<uuid:case_id>/edit")
@require(*rules.HANDLERS)
def edit_page(case_id: UUID) -> str:
    """The form that completes a case."""
    case = queries.get_case(str(case_id), current_user, clock.now())
    household = people.find_registered("household", case.household_uuid)
    form = CaseForm(formdata=None, **_values_of(case))
    _offer(form, household, case)
    return _show_form(form, household, case)


@bp.post("/<uuid:case_id>/edit")
@require(*rules.HANDLERS)
def change_case(case_id: UUID) -> str | tuple[str, int] | Response:
    """Complete or correct what a case says."""
    case = queries.get_case(str(case_id), current_user, clock.now())
    household = people.find_registered("household", case.household_uuid)
    form = CaseForm()
    _offer(form, household, case)
    if not form.validate_on_submit():
        return _show_form(form, household, case), 422
    try:
        with transaction():
            actions.change_case(current_user, str(case_id), form.read(case.id_number), clock.now())
    except AppError as error:
        return _show_form(form, household, case, error), error.status
    flash(gettext("Saved."))
    return redirect(url_for(".case_page", case_id=case_id), 303)


@bp.post("/<uuid:case_id>/accept")
@require(*rules.HANDLERS)
def accept(case_id: UUID) -> str | tuple[str, int] | Response:
    """Take a case up."""
    return _take(
        case_id,
        lambda now: actions.accept_case(current_user, str(case_id), now),
        gettext("You handle it now."),
    )


@bp.post("/<uuid:case_id>/findings")
@require(*rules.HANDLERS)
def findings(case_id: UUID) -> str | tuple[str, int] | Response:
    """Write down what looking into it found."""
    form = FindingsForm()
    return _take(
        case_id,
        lambda now: actions.note_findings(current_user, str(case_id), text=form.text.data or "", now=now),
        gettext("Written down."),
        findings_form=form,
    )


@bp.post("/<uuid:case_id>/propose")
@require(*rules.HANDLERS)
def propose(case_id: UUID) -> str | tuple[str, int] | Response:
    """Propose an amount."""
    form = _make_amount_form()
    return _take(
        case_id,
        lambda now: actions.propose_relief(
            current_user,
            str(case_id),
            cents=form.amount.cents or 0,
            funded_by=form.funded_by.data,
            text=form.text.data,
            now=now,
        ),
        gettext("Proposed. Whoever decides is told."),
        propose_form=form,
    )


@bp.post("/<uuid:case_id>/approve")
@require(*READERS)
def approve(case_id: UUID) -> str | tuple[str, int] | Response:
    """Approve an amount."""
    form = _make_amount_form()
    return _take(
        case_id,
        lambda now: actions.approve_relief(
            current_user,
            str(case_id),
            cents=form.amount.cents,
            funded_by=form.funded_by.data,
            text=form.text.data,
            now=now,
        ),
        gettext("Granted."),
        approve_form=form,
    )


@bp.post("/<uuid:case_id>/return")
@require(*READERS)
def send_back(case_id: UUID) -> str | tuple[str, int] | Response:
    """Send a proposal back."""
    return _give_reason(case_id, actions.return_case, gettext("Sent back."), "return_form")


@bp.post("/<uuid:case_id>/refuse")
@require(*READERS)
def refuse(case_id: UUID) -> str | tuple[str, int] | Response:
    """Refuse a case, with the reason."""
    return _give_reason(
        case_id, actions.refuse_relief, gettext("Refused. The reason is kept."), "refuse_form"
    )


@bp.post("/<uuid:case_id>/withdraw")
@require(*rules.HANDLERS)
def withdraw(case_id: UUID) -> str | tuple[str, int] | Response:
    """Note that nobody asks for it any more."""
    return _give_reason(case_id, actions.withdraw_case, gettext("Withdrawn."), "withdraw_form")


@bp.post("/<uuid:case_id>/pay")
@require(*rules.HANDLERS)
def pay(case_id: UUID) -> str | tuple[str, int] | Response:
    """Enter a payment; sent twice it is one."""
    form = PaymentForm()
    return _take(
        case_id,
        lambda now: actions.pay_relief(
            current_user,
            str(case_id),
            str(UUID(form.aid_uuid.data)),
            cents=form.amount.cents or 0,
            on=form.on.data,
            received_by=form.received_by.data or None,
            now=now,
        ),
        gettext("The payment is entered."),
        pay_form=form,
    )


@bp.post("/<uuid:case_id>/take-back")
@require(*rules.HANDLERS)
def take_back(case_id: UUID) -> str | tuple[str, int] | Response:
    """Take back a payment that was entered by mistake."""
    form = TakeBackForm()
    return _take(
        case_id,
        lambda now: actions.take_back_payment(
            current_user,
            str(case_id),
            str(UUID(form.aid_uuid.data)),
            reason=form.reason.data or "",
            now=now,
        ),
        gettext("Taken back."),
        take_back_form=form,
    )


@bp.post("/<uuid:case_id>/papers")
@require(*rules.HANDLERS)
def papers(case_id: UUID) -> str | tuple[str, int] | Response:
    """Note that the papers are complete."""
    form = TextForm()
    return _take(
        case_id,
        lambda now: actions.note_papers(current_user, str(case_id), text=form.text.data, now=now),
        gettext("Noted: the papers are complete."),
        papers_form=form,
    )


@bp.post("/<uuid:case_id>/close")
@require(*rules.HANDLERS)
def close(case_id: UUID) -> str | tuple[str, int] | Response:
    """Close a case that was paid."""
    form = TextForm()
    return _take(
        case_id,
        lambda now: actions.close_case(current_user, str(case_id), text=form.text.data, now=now),
        gettext("Closed."),
        close_form=form,
    )


def _give_reason(
    case_id: UUID, step: Callable[..., ReliefCase], message: str, name: str
) -> str | tuple[str, int] | Response:
    form = ReasonForm()
    return _take(
        case_id,
        lambda now: step(current_user, str(case_id), reason=form.reason.data or "", now=now),
        message,
        **{name: form},
    )


def _take(
    case_id: UUID, step: Callable[[datetime], ReliefCase], message: str, **forms: Form
) -> str | tuple[str, int] | Response:
    """Take a step of a case; when it cannot be taken, show the case with what was typed."""
    queries.get_case(str(case_id), current_user, clock.now())
    if not all(form.validate_on_submit() for form in forms.values()):
        return _show(str(case_id), **forms), 422
    try:
        with transaction():
            step(clock.now())
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(str(case_id), error=error, **forms), error.status
    flash(message)
    return redirect(url_for(".case_page", case_id=case_id), 303)


def _show(case_id: str, *, error: AppError | None = None, **forms: Form) -> str:
    now = clock.now()
    case = queries.get_case(case_id, current_user, now)
    today = clock.local_date(now)
    household = people.find_registered("household", case.household_uuid)
    visit = visits.find_visit(case.visit_uuid) if case.visit_uuid else None
    left = (case.approved_cents or 0) - case.paid_cents
    fund = fund_queries.find_fund(queries.find_township(case.area_code) or "")
    # Who may decide depends on the amount: without one, on the lowest.
    decider = actions.find_decider(current_user, case, now)
    is_apart = current_user.id in queries.list_kept_out(case)
    handled = current_user.id in queries.list_handlers(case)
    may_handle = current_user.role in rules.HANDLERS and not is_apart
    may_decide = decider is not None and not is_apart and not handled

    def can(step: str) -> bool:
        allowed = may_decide if step in rules.DECIDE else may_handle
        return allowed and rules.can_step(step, case.state, is_urgent=case.is_urgent)

    payments = [step for step in case.steps if step.step == "paid"]
    taken_back = {step.aid_uuid for step in case.steps if step.step == "taken_back"}
    amount = {
        "amount": aid_rules.write_amount(case.proposed_cents, 2) if case.proposed_cents else "",
        "funded_by": case.funded_by or rules.SOURCES[0],
    }
    ids = {id_ for step in case.steps for id_ in (step.actor_id, step.for_id)}
    ids |= {case.handler_id, case.entered_by_id, case.approved_by_id, case.approved_for_id}
    task = followups.find_followup(case.followup_id, current_user, now) if case.followup_id else None
    return render_template(
        "relief/case.html",
        case=case,
        applicant=case.applicant_name or (household.name if household else ""),
        id_masked=mask_id(case.id_number),
        household=household,
        helped=queries.list_helped(case),
        place=_name_places([case]).get(case.area_code, ""),
        visit=visit,
        task=task,
        is_late=case.due_at is not None and case.due_at < now,
        warnings=queries.list_warnings(case, case.proposed_cents or case.asked_cents or 0, now)
        if case.state in rules.OPEN
        else None,
        names=users.get_display_names(id_ for id_ in ids if id_ is not None),
        payments=payments,
        taken_back=taken_back,
        left_cents=left,
        fund=fund,
        words=wording.get_words(*RELIEF_WORDS),
        states=STATES,
        steps=STEPS,
        next_steps=NEXT,
        channels=CHANNELS,
        tiers=TIERS,
        in_place_of=decider.display_name if decider and decider.id != current_user.id else "",
        is_apart=is_apart,
        handled=handled and decider is not None,
        can={
            **{step: can(step) for step in rules.STEPS},
            "papers": can("papers") and case.is_urgent and case.papers_on is None,
            "paid": can("paid") and current_user.id != case.approved_by_id,
            "closed": can("closed")
            and case.paid_cents > 0
            and (not case.is_urgent or case.papers_on is not None),
            "withdrawn": can("withdrawn") and not case.paid_cents,
        },
        error=error,
        **{
            "findings_form": FindingsForm(formdata=None),
            "propose_form": _make_amount_form(formdata=None, **amount),
            "approve_form": _make_amount_form(formdata=None, **amount),
            "return_form": ReasonForm(formdata=None),
            "refuse_form": ReasonForm(formdata=None),
            "withdraw_form": ReasonForm(formdata=None),
            "pay_form": PaymentForm(
                formdata=None,
                aid_uuid=str(uuid.uuid4()),
                on=today,
                amount=aid_rules.write_amount(left, 2) if left > 0 else "",
            ),
            "take_back_form": TakeBackForm(formdata=None),
            "papers_form": TextForm(formdata=None),
            "close_form": TextForm(formdata=None),
            **forms,
        },
    )


def _show_form(
    form: CaseForm, household: Household | None, case: ReliefCase | None, error: AppError | None = None
) -> str:
    return render_template(
        "relief/form.html",
        form=form,
        household=household,
        case=case,
        id_masked=mask_id(case.id_number) if case else None,
        about={
            name: request.args[name] for name in ("household", "visit", "followup") if request.args.get(name)
        },
        error=error,
    )


def _name_places(cases: Iterable[ReliefCase]) -> dict[str, str]:
    """Where cases are: a grid or unit with what it lies in; a township or village by its name."""
    codes = {case.area_code for case in cases}
    lowest = {code for code in codes if len(code) == LEVELS["grid"]}
    return areas.name_places(lowest) | areas.get_names(codes - lowest)


def _make_amount_form(**given: Any) -> AmountForm:
    form = AmountForm(**given)
    form.offer(wording.get_words("aid_source")["aid_source"])
    return form


def _offer(form: CaseForm, household: Household | None, case: ReliefCase | None = None) -> None:
    """Set what may be chosen: places from the township down, and where the household, or the case, is."""
    codes = current_user.area_codes()
    places = dict(areas.list_own_and_below(codes))
    places = {code: name for code, name in places.items() if len(code) >= LEVELS["township"]}
    near = {household.grid_code} if household else set()
    near |= {case.area_code} if case else set()
    places |= areas.name_places(near - set(places))
    form.offer(
        wording.get_words("cause")["cause"],
        sorted(places.items()),
        [
            (person.person_uuid, person.name or gettext("no name"))
            for person in (household.people if household else ())
            if person.died_on is None
        ],
    )


def _read_origin() -> Origin:
    """The household, and the visit or task, that the address names; raises not_found."""
    codes, now = current_user.area_codes(), clock.now()
    visit_uuid, followup_id, household_uuid = (read_uuid(name) for name in ("visit", "followup", "household"))
    if followup_id:
        task = followups.get_followup(followup_id, current_user, now)
        visit_uuid, household_uuid = task.visit_uuid, task.household_uuid
    elif visit_uuid:
        household_uuid = visits.get_visit(visit_uuid, codes).household_uuid
    household = people.get_household(household_uuid, codes) if household_uuid else None
    return Origin(household=household, visit_uuid=visit_uuid, followup_id=followup_id)


def _first_values(origin: Origin) -> dict[str, Any]:
    """What the form begins with."""
    values: dict[str, Any] = {"case_id": str(uuid.uuid4()), "channel": "desk", "is_local": "no"}
    if origin.household:
        values |= {"area": origin.household.grid_code, "is_local": "yes", "phone": origin.household.phone}
    if origin.visit_uuid:
        values["channel"] = "visit"
    if origin.followup_id:
        task = followups.get_followup(origin.followup_id, current_user, clock.now())
        values["area"] = origin.household.grid_code if origin.household else task.area_code
        caller = task.caller or {}
        values |= {"applicant_name": caller.get("name", ""), "phone": caller.get("phone", "")}
        values["what_happened"] = str(task.reason.get("zh", "")) if isinstance(task.reason, dict) else ""
        if task.source == "hotline":
            values["channel"] = "hotline"
    return values


def _values_of(case: ReliefCase) -> dict[str, Any]:
    """A case as its form shows it; the ID number stays where it is."""
    names = (
        *("case_id", "what_happened", "asked_for", "is_urgent", "cause", "channel", "agent_name", "place"),
        *("agent_authority", "applicant_name", "phone", "home", "people_count"),
    )
    return {
        **{name: getattr(case, name) for name in names},
        "asked": aid_rules.write_amount(case.asked_cents, 2) if case.asked_cents else "",
        "area": case.area_code,
        "is_local": "yes" if case.is_local else "no",
        "people": case.person_uuids,
    }


def _read_chosen() -> queries.Chosen:
    """The choice in the address; what is not one is ignored."""
    asked = request.args
    view, state, channel = (asked.get(name, "") for name in ("view", "state", "channel"))
    return queries.Chosen(
        view=view if view in queries.VIEWS else "open",
        state=state if state in rules.STATES else "",
        channel=channel if channel in rules.CHANNELS else "",
        area=read_area(),
        is_urgent=asked.get("urgent") == "yes",
    )


def _count_waiting() -> Select[str, int] | None:
    if not current_user.is_authenticated or current_user.role not in READERS:
        return None
    return queries.select_waiting(current_user, clock.now())


def init_app(app: Flask) -> None:
    """Register the pages, and what the menu counts."""
    for blueprint in (bp, fund_routes.bp, policy_routes.bp, public_routes.bp, look_up_routes.bp):
        app.register_blueprint(blueprint)
    count_in_menu(app, "relief", _count_waiting)
