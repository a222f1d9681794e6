"""The page of the calendar, by year.

Invariant: everybody at the desk reads it; administrators change it.
"""

from __future__ import annotations

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.core import clock
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ADMIN, READERS, require
from fieldapp.workdays import actions, queries
from fieldapp.workdays.forms import DayForm, DaysForm

bp = Blueprint("workdays", __name__, url_prefix="/calendar")


@bp.get("")
@require(*READERS, ADMIN)
def page() -> str:
    """The days of the year in the address, or of this one, that are not what their weekday says."""
    return _show()


@bp.post("")
@require(ADMIN)
def set_days() -> str | tuple[str, int] | Response:
    """Say that days are worked, or are not."""
    form = DaysForm()
    form.offer()
    if not form.validate_on_submit():
        return _show(form), 422
    try:
        with transaction():
            actions.set_days(
                current_user,
                form.first.data,
                form.last.data or form.first.data,
                is_working=form.is_working.data == "yes",
                name=form.name.data or "",
                now=clock.now(),
            )
    except AppError as error:
        return _show(form, error), error.status
    flash(gettext("It holds from now on. Deadlines that were set stay as they are."))
    return redirect(url_for(".page", year=form.first.data.year), 303)


@bp.post("/forget")
@require(ADMIN)
def forget() -> str | tuple[str, int] | Response:
    """Let a day be again what its weekday says."""
    form = DayForm()
    if not form.validate_on_submit():
        raise AppError("not_found")
    with transaction():
        actions.forget_day(current_user, form.day.data, clock.now())
    flash(gettext("The day is again what its weekday says."))
    return redirect(url_for(".page", year=form.day.data.year), 303)


def _show(form: DaysForm | None = None, error: AppError | None = None) -> str:
    this_year = clock.local_date(clock.now()).year
    years = sorted(queries.list_years() | {this_year, this_year + 1})
    asked = request.args.get("year", this_year, type=int)
    year = asked if asked in years else this_year
    if form is None:
        form = DaysForm(formdata=None)
        form.offer()
    days = queries.list_days(year)
    return render_template(
        "workdays/calendar.html",
        year=year,
        years=years,
        days=days,
        # Every year some days are worked for others: where none is, only what the law says by itself is in.
        is_arranged=any(day.is_working for day in days),
        form=form,
        error=error,
        can_set=current_user.role == ADMIN,
    )


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(bp)
