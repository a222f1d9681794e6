"""AB角: the page on which whoever decides names a deputy.

Invariant: one names a deputy for oneself only.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import require
from fieldapp.users import deputies, queries
from fieldapp.users.deputy_forms import DeputyForm

bp = Blueprint("deputies", __name__, url_prefix="/deputy")


@bp.get("")
@require(*deputies.DECIDERS)
def page() -> str:
    """Who decides in the reader's place, now and before."""
    form = DeputyForm(formdata=None, from_on=clock.local_date(clock.now()))
    _offer(form)
    return _show(form)


@bp.post("")
@require(*deputies.DECIDERS)
def name() -> str | tuple[str, int] | Response:
    """Name somebody for some days."""
    form = DeputyForm()
    _offer(form)
    if not form.validate_on_submit():
        return _show(form), 422
    try:
        with transaction():
            deputies.name_deputy(
                current_user,
                int(form.deputy.data),
                form.from_on.data,
                form.until_on.data,
                clock.now(),
            )
    except AppError as error:
        return _show(form, error), error.status
    flash(gettext("Named. What your deputy decides is shown as decided in your place."))
    return redirect(url_for(".page"), 303)


@bp.post("/<int:deputy_row_id>/end")
@require(*deputies.DECIDERS)
def end(deputy_row_id: int) -> Response:
    """Take it back from now on."""
    with transaction():
        deputies.end_deputy(current_user, deputy_row_id, clock.now())
    flash(gettext("Taken back."))
    return redirect(url_for(".page"), 303)


def _offer(form: DeputyForm) -> None:
    found = deputies.list_candidates(current_user, clock.now())
    form.offer([(user.id, f"{user.display_name} · {wording.ROLES[user.role]}") for user in found])


def _show(form: DeputyForm, error: AppError | None = None) -> str:
    named = deputies.list_of(current_user)
    return render_template(
        "users/deputy.html",
        form=form,
        named=named,
        names=queries.get_display_names(one.deputy_id for one in named),
        represented=deputies.list_represented(current_user, clock.local_date(clock.now())),
        today=clock.local_date(clock.now()),
        error=error,
    )
