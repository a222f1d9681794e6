"""Pages of quarantined operations: what waits to be settled, one of them, taking it in and refusing it.

Invariant: every write goes through `sync.desk_actions`, which checks areas and state again.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from sqlalchemy import Select
from werkzeug.wrappers import Response

from fieldapp.aid.words import STATES as AID_STATES
from fieldapp.core import clock, wording
from fieldapp.core.bodies import is_uuid
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import require
from fieldapp.core.menu import count_in_menu
from fieldapp.core.paging import read_page
from fieldapp.people import search_queries as search
from fieldapp.sync import desk_actions, desk_queries, words
from fieldapp.sync.desk_page import prepare_operation
from fieldapp.sync.desk_queries import SETTLERS, VIEWS, WAITING
from fieldapp.sync.forms import RefuseForm, TakeInForm
from fieldapp.sync.models import Operation
from fieldapp.sync.recorded_page import prepare_recorded

HOUSEHOLDS_FOUND = 20

bp = Blueprint("quarantine", __name__, url_prefix="/quarantine")


@bp.get("")
@require(*SETTLERS)
def list_page() -> str:
    """What waits, the worst first, or what was settled."""
    view = request.args.get("view", "")
    view = view if view in VIEWS else WAITING
    page = read_page()
    items, has_more = desk_queries.list_operations(current_user.area_codes(), view, page)
    return render_template(
        "sync/quarantine.html",
        items=items,
        has_more=has_more,
        page=page,
        view=view,
        kinds=words.KINDS,
        states=words.STATES,
        say_reason=words.say_reason,
        severity_words=wording.get_words("severity")["severity"],
    )


@bp.get("/recorded")
@require(*SETTLERS)
def recorded_page() -> str:
    """What workers registered and corrected, deaths among it, the latest first: it holds already, and is here to be seen."""
    page = read_page()
    operations, has_more = desk_queries.list_recorded(current_user.area_codes(), page)
    return render_template(
        "sync/recorded.html",
        items=prepare_recorded(operations, current_user),
        has_more=has_more,
        page=page,
    )


@bp.get("/<int:user_id>/<uuid:op_uuid>/<body_hash>")
@require(*SETTLERS)
def operation_page(user_id: int, op_uuid: UUID, body_hash: str) -> str:
    """One operation: what was sent, what is wrong with it, and what can be done."""
    return _show(_get(user_id, op_uuid, body_hash))


@bp.post("/<int:user_id>/<uuid:op_uuid>/<body_hash>/take-in")
@require(*SETTLERS)
def take_in(user_id: int, op_uuid: UUID, body_hash: str) -> str | tuple[str, int] | Response:
    """Apply it for its worker, as it is or with what was chosen."""
    operation = _get(user_id, op_uuid, body_hash)
    form = TakeInForm()
    page = prepare_operation(operation, current_user, _read_uuid(form.household.data))
    revision = form.revision.data
    form.ask(page)
    if not form.validate_on_submit():
        return _show(operation, take_in_form=form), 422
    chosen = request.form.getlist("person") if page.needs.people else None
    fields = {choice.name: request.form.get(f"field-{choice.name}") for choice in page.choices}
    try:
        with transaction():
            desk_actions.take_in(
                current_user,
                operation,
                form.read(chosen, {name: side == "sent" for name, side in fields.items() if side}),
                revision=revision,
                reason=form.reason.data or "",
                now=clock.now(),
            )
    except AppError as error:
        return _show(_get(user_id, op_uuid, body_hash), take_in_form=form, error=error), error.status
    flash(gettext("Taken in. The worker's phone learns it at the next sync."))
    return redirect(url_for(".list_page"), 303)


@bp.post("/<int:user_id>/<uuid:op_uuid>/<body_hash>/refuse")
@require(*SETTLERS)
def refuse(user_id: int, op_uuid: UUID, body_hash: str) -> str | tuple[str, int] | Response:
    """Say for good that it is not applied, and why."""
    operation = _get(user_id, op_uuid, body_hash)
    form = RefuseForm()
    if not form.validate_on_submit():
        return _show(operation, refuse_form=form), 422
    try:
        with transaction():
            desk_actions.refuse(current_user, operation, reason=form.reason.data or "", now=clock.now())
    except AppError as error:
        return _show(_get(user_id, op_uuid, body_hash), refuse_form=form, error=error), error.status
    flash(gettext("Refused. The worker reads the reason at the next sync."))
    return redirect(url_for(".list_page"), 303)


def _get(user_id: int, op_uuid: UUID, body_hash: str) -> Operation:
    if not body_hash.isalnum():
        raise AppError("not_found")
    return desk_queries.get_operation(user_id, str(op_uuid), body_hash, current_user.area_codes())


def _show(
    operation: Operation,
    *,
    take_in_form: TakeInForm | None = None,
    refuse_form: RefuseForm | None = None,
    error: AppError | None = None,
) -> str:
    chosen = take_in_form.household.data if take_in_form else request.args.get("household", "")
    page = prepare_operation(operation, current_user, _read_uuid(chosen))
    if take_in_form is None:
        take_in_form = TakeInForm(formdata=None, household=page.household and page.household.household_uuid)
        take_in_form.ask(page)
    looked_for = request.args.get("find", "").strip()
    return render_template(
        "sync/operation.html",
        p=page,
        operation=operation,
        take_in_form=take_in_form,
        refuse_form=refuse_form or RefuseForm(formdata=None),
        chosen_people=request.form.getlist("person"),
        looked_for=looked_for,
        households=search.find_by_words(looked_for, current_user.area_codes(), HOUSEHOLDS_FOUND)
        if looked_for
        else [],
        error=error,
        severity_words=wording.get_words("severity")["severity"],
        visit_states=wording.VISIT_STATES,
        followup_states=wording.FOLLOWUP_STATES,
        aid_states=AID_STATES,
    )


def _read_uuid(text: Any) -> str | None:
    return str(UUID(text)) if is_uuid(text) else None


def _select_waiting() -> Select[str | None, int] | None:
    """What the menu counts for those who settle."""
    return desk_queries.select_waiting(current_user.area_codes()) if current_user.role in SETTLERS else None


def init_app(app: Flask) -> None:
    """Register the pages, and the figure of the menu."""
    app.register_blueprint(bp)
    count_in_menu(app, "uploads", _select_waiting)
