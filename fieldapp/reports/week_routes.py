"""The page of when the weeks of the report end.

Invariant: everybody at the desk reads it; administrators change it, for weeks to come.
"""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ADMIN, READERS, require
from fieldapp.core.weeks import SHIPPED, Week
from fieldapp.reports import queries
from fieldapp.reports.forms import MONDAY, CutForm
from fieldapp.rollups import actions, queries as rollups
from fieldapp.users import queries as users

bp = Blueprint("weeks", __name__, url_prefix="/calendar/weeks")


@bp.get("")
@require(*READERS, ADMIN)
def page() -> str:
    """When weeks end, the weeks to come, and what was changed when."""
    return _show()


@bp.post("")
@require(ADMIN)
def set_cut() -> str | tuple[str, int] | Response:
    """Say when weeks end from a week on that is to come."""
    form = CutForm()
    form.offer(queries.list_weeks_ahead(clock.now()))
    if not form.validate_on_submit():
        return _show(form), 422
    try:
        with transaction():
            actions.set_cut(
                current_user,
                date.fromisoformat(form.after.data),
                int(form.weekday.data),
                form.at.data,
                clock.now(),
            )
    except AppError as error:
        return _show(form, error), error.status
    flash(gettext("It holds for weeks to come. What was reported stays as it is."))
    return redirect(url_for(".page"), 303)


def _show(form: CutForm | None = None, error: AppError | None = None) -> str:
    now = clock.now()
    ahead = queries.list_weeks_ahead(now)
    if form is None:
        last = max(rollups.get_cuts(), key=lambda cut: cut.from_on)
        form = CutForm(formdata=None, weekday=str(last.weekday), at=last.at)
        form.offer(ahead)
    changes = rollups.list_changes_of_cut()
    return render_template(
        "reports/weeks.html",
        weeks=ahead,
        changes=changes,
        shipped=SHIPPED[0],
        days=_count_days,
        names=users.get_display_names({change.set_by_id for change in changes}),
        say_weekday=lambda day: wording.say_weekday(MONDAY + timedelta(day)),
        form=form,
        error=error,
        can_set=current_user.role == ADMIN,
    )


def _count_days(week: Week) -> int:
    """How many days a week has, from cut to cut."""
    return (week.ends_on - week.begins_on).days
