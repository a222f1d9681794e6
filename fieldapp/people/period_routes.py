"""Pages of special periods at the desk: which hold where, switching one on, ending it.

Invariant: every write goes through `people.period_actions`, which checks the area again.
"""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, scope, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.db import transaction
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.core.paging import read_key
from fieldapp.people import period_actions as actions, period_queries as queries
from fieldapp.people.models import SpecialPeriod
from fieldapp.people.period_forms import StartForm
from fieldapp.users import queries as users

bp = Blueprint("periods", __name__, url_prefix="/periods")


@bp.get("")
@require(*READERS)
def list_page() -> str:
    """The periods that hold, will hold and held in the reader's areas; an officer switches one on here."""
    form = StartForm(
        formdata=None, from_on=clock.local_date(clock.now()), pauses_exit=True, relaxed_papers=True
    )
    for risk, row in get_codes("risk").items():
        if risk in form and row.extra.get("special_days"):
            form[risk].data = row.extra["special_days"]
    _offer(form)
    form.tags.data = [code for code, _ in form.tags.choices]
    return _show(form)


@bp.post("")
@require(OFFICER)
def start() -> str | tuple[str, int] | Response:
    """Switch on a period; the page then has the due dates worked out."""
    form = StartForm()
    _offer(form)
    if not form.validate_on_submit():
        return _show(form, is_open=True), 422
    with transaction():
        period = actions.start_period(
            current_user,
            form.area.data,
            form.name.data or "",
            from_on=form.from_on.data,
            until_on=form.until_on.data,
            risk_days=form.risk_days,
            tags=form.tags.data or [],
            pauses_exit=form.pauses_exit.data,
            relaxed_papers=form.relaxed_papers.data,
            now=clock.now(),
        )
    flash(gettext("Switched on. Phones learn it at their next sync."))
    return redirect(url_for(".list_page", go=period.id), 303)


@bp.post("/<int:period_id>/end")
@require(OFFICER)
def end(period_id: int) -> Response:
    """End a period; the usual intervals hold from today."""
    with transaction():
        actions.end_period(current_user, period_id, clock.now())
    flash(gettext("Ended. The usual intervals hold again from today."))
    return redirect(url_for(".list_page", go=period_id), 303)


@bp.post("/<int:period_id>/work-out")
@require(OFFICER)
def work_out(period_id: int) -> Response:
    """Make the due dates follow the period, to the end: also when the page is closed meanwhile."""
    queries.get_period(period_id, current_user.area_codes())
    actions.work_out(period_id)
    return redirect(url_for(".list_page"), 303)


@bp.get("/<int:period_id>/progress")
@require(*READERS)
def progress(period_id: int) -> str:
    """How far the due dates follow the period, for the page that waits for it."""
    period = queries.get_period(period_id, current_user.area_codes())
    return render_template("people/_progress.html", period=period, progress=_measure(period))


def _show(form: StartForm, *, is_open: bool = False) -> str:
    codes = current_user.area_codes()
    today = clock.local_date(clock.now())
    periods = queries.list_periods(codes)
    names = areas.get_names(period.area_code for period in periods)
    people = users.get_display_names(
        id_ for period in periods for id_ in (period.started_by, period.ended_by) if id_ is not None
    )
    rows = [
        {
            "period": period,
            "area": names.get(period.area_code, period.area_code),
            "standing": _stand(period, today),
            "started_by": people.get(period.started_by, ""),
            "ended_by": people.get(period.ended_by or 0, ""),
            "progress": _measure(period) if scope.covers(codes, period.area_code) else None,
            "can_end": _can_end(period, codes, today),
        }
        for period in periods
    ]
    return render_template(
        "people/periods.html",
        rows=rows,
        words=wording.get_words("risk", "tag"),
        form=form if current_user.role == OFFICER else None,
        is_open=is_open,
        go=read_key("go"),
    )


def _stand(period: SpecialPeriod, today: date) -> str:
    if period.until_on is not None and period.until_on < today:
        return "over"
    return "later" if period.from_on > today else "on"


def _can_end(period: SpecialPeriod, codes: list[str], today: date) -> bool:
    may = current_user.role == OFFICER and scope.covers(codes, period.area_code)
    return may and period.ended_at is None and _stand(period, today) != "over"


def _measure(period: SpecialPeriod) -> dict[str, int] | None:
    """Grids done and grids there are, or None once all are done."""
    if period.worked_out_to is None:
        return None
    done = queries.count_grids(period.area_code, period.worked_out_to)
    return {"done": done, "total": queries.count_grids(period.area_code)}


def _offer(form: StartForm) -> None:
    words = wording.get_words("risk", "tag")
    special = {code for code, row in get_codes("tag").items() if row.extra.get("special_period")}
    form.offer(
        areas.list_own_and_below(current_user.area_codes()),
        words["risk"],
        {code: word for code, word in words["tag"].items() if code in special},
    )


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
