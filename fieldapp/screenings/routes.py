"""Pages of screenings: comparing a list with the registry, saying who on it needs a look, having them looked at.

Invariant: numbers of people are masked here.
"""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

from flask import Blueprint, Flask, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import hold_files_in_memory
from fieldapp.core.guard import OFFICER, require
from fieldapp.core.paging import read_page
from fieldapp.imports.tables import Limits
from fieldapp.imports.words import mask_numbers
from fieldapp.screenings import actions, queries
from fieldapp.screenings.forms import ListForm, LookForm
from fieldapp.screenings.queries import LOOK, SCREENED, VIEWS, Counts
from fieldapp.sweeps.lists import read_list
from fieldapp.sweeps.words import ROW_FAULTS
from fieldapp.users import queries as users

# How long those who need a look are given, unless somebody says otherwise.
LOOK_DAYS = 14

bp = Blueprint("screenings", __name__, url_prefix="/screenings")


@bp.url_value_preprocessor
def _hold_in_memory(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "screenings.keep":
        hold_files_in_memory(current_app.config["FIELDAPP"].roster_max_bytes)


@bp.get("")
@require(OFFICER)
def list_page() -> str:
    """Compare a list with the registry; the screenings so far."""
    today = clock.local_date(clock.now())
    form = ListForm(formdata=None, form_uuid=str(uuid.uuid4()), screened_on=today)
    form.area.choices = areas.list_own_and_below(current_user.area_codes())
    return _show_list(form)


@bp.post("")
@require(OFFICER)
def keep() -> str | tuple[str, int] | Response:
    """Read a list, and go on to who on it needs a look."""
    form = ListForm()
    form.area.choices = areas.list_own_and_below(current_user.area_codes())
    if not form.validate_on_submit():
        return _show_list(form), 422
    now = clock.now()
    sent = form.file.data
    try:
        limits = Limits.of(current_app.config["FIELDAPP"])
        rows = read_list(sent.stream, limits, form.area.data, clock.local_date(now))
    except AppError as error:
        form.file.errors = [error.message]
        return _show_list(form), error.status
    with transaction():
        screening = actions.keep_screening(
            current_user,
            form.form_uuid.data,
            form.area.data,
            form.name.data or "",
            file_name=sent.filename or "",
            rows=rows,
            screened_on=form.screened_on.data,
            now=now,
        )
    return _back(screening.screening_id)


@bp.get("/<int:screening_id>")
@require(OFFICER)
def screening_page(screening_id: int) -> str:
    """How many were screened, who needs a look, which rows mean nobody."""
    return _show(screening_id)


@bp.post("/<int:screening_id>/look")
@require(OFFICER)
def look(screening_id: int) -> str | tuple[str, int] | Response:
    """Say by the texts of a column who needs a look."""
    try:
        with transaction():
            number = actions.say_who_needs_look(
                current_user,
                screening_id,
                request.form.get("column", ""),
                request.form.getlist("texts"),
                clock.now(),
            )
    except AppError as error:
        return _refuse(screening_id, error)
    flash(ngettext("%(num)s person needs a look.", "%(num)s people need a look.", number))
    return redirect(
        url_for(".screening_page", screening_id=screening_id, column=request.form.get("column")), 303
    )


@bp.post("/<int:screening_id>/sweep")
@require(OFFICER)
def make_sweep(screening_id: int) -> str | tuple[str, int] | Response:
    """Prepare a sweep of those who need a look, and go on to it."""
    form = LookForm()
    _offer(form)
    if not form.validate_on_submit():
        return _show(screening_id, form=form), 422
    try:
        with transaction():
            sweep = actions.make_sweep(
                current_user, screening_id, form.until_on.data, form.methods.data or [], clock.now()
            )
    except AppError as error:
        return _refuse(screening_id, error)
    return redirect(url_for("sweeps.sweep_page", sweep_id=sweep.sweep_id), 303)


@bp.post("/<int:screening_id>/discard")
@require(OFFICER)
def discard(screening_id: int) -> str | tuple[str, int] | Response:
    """Erase a screening that was a mistake."""
    try:
        with transaction():
            actions.discard_screening(current_user, screening_id, clock.now())
    except AppError as error:
        return _refuse(screening_id, error)
    flash(gettext("Thrown away. It counts no more."))
    return redirect(url_for(".list_page"), 303)


def _back(screening_id: int) -> Response:
    return redirect(url_for(".screening_page", screening_id=screening_id), 303)


def _refuse(screening_id: int, error: AppError) -> tuple[str, int]:
    """The screening as it is now, and why the step was not taken."""
    if error.code == "not_found":
        raise error
    return _show(screening_id, error=error), error.status


def _offer(form: LookForm) -> None:
    form.methods.choices = list(wording.get_words("method")["method"].items())


def _show_list(form: ListForm) -> str:
    page = read_page()
    screenings, has_more = queries.list_screenings(current_user.area_codes(), page)
    counts = queries.count_rows(one.screening_id for one in screenings)
    names = areas.get_names(one.area_code for one in screenings)
    rows = [
        {
            "screening": one,
            "area": names.get(one.area_code, one.area_code),
            "counts": counts.get(one.screening_id, Counts()),
        }
        for one in screenings
    ]
    return render_template("screenings/list.html", form=form, rows=rows, page=page, has_more=has_more)


def _show(screening_id: int, *, error: AppError | None = None, form: LookForm | None = None) -> str:
    screening = queries.get_screening(screening_id, current_user.area_codes())
    counts = queries.count_rows([screening_id]).get(screening_id, Counts())
    view = request.args.get("view", "")
    view = view if view in VIEWS else LOOK if counts.look else SCREENED
    page = read_page()
    rows, has_more = queries.list_rows(screening_id, view, page)
    sweep = queries.find_sweep(screening)
    if form is None:
        until_on = clock.local_date(clock.now()) + timedelta(days=LOOK_DAYS)
        form = LookForm(formdata=None, until_on=until_on, methods=["home"])
    _offer(form)
    columns = {} if sweep else _list_result_columns(screening_id)
    column = request.args.get("column", "")
    return render_template(
        "screenings/screening.html",
        screening=screening,
        area_name=areas.get_area(screening.area_code).name,
        made_by=users.get_display_names([screening.made_by]).get(screening.made_by, ""),
        counts=counts,
        view=view,
        lines=[_line(row) for row in rows],
        page=page,
        has_more=has_more,
        sweep=sweep,
        form=form,
        columns=list(columns),
        column=column if column in columns else next(iter(columns), ""),
        values=[
            {"text": text, "number": number}
            for text, number in columns.get(column, next(iter(columns.values()), {})).items()
        ],
        error=error,
    )


def _list_result_columns(screening_id: int) -> dict[str, Counter[str]]:
    """The columns that can say who needs a look; none with numbers of people in it."""
    return {
        name: counts
        for name, counts in queries.count_values(screening_id).items()
        if all(mask_numbers(text) == text for text in (name, *counts))
    }


def _line(row: Any) -> dict[str, Any]:
    rest = [(mask_numbers(name), mask_numbers(text)) for name, text in row.says["rest"].items()]
    return {"row": row, "rest": rest, "fault": ROW_FAULTS.get(str(row.fault), row.fault)}


def _offer_menu() -> dict[str, Any]:
    """Whether the menu offers screenings."""
    if g.get("failed") or request.blueprint == "assets" or not current_user.is_authenticated:
        return {}
    return {"screens_lists": current_user.role == OFFICER}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    app.context_processor(_offer_menu)
