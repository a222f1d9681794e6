"""Pages of imports: bringing a file of people in, its columns, what it would change, applying it and taking it back.

Invariant: every write goes through `imports.actions`; an uploaded file is held in memory, never written to a temporary file.
"""

from __future__ import annotations

from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from fieldapp.core import audit, clock
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import hold_files_in_memory
from fieldapp.core.guard import require, unattended
from fieldapp.core.paging import read_page
from fieldapp.imports import actions, queries, staging, words
from fieldapp.imports.columns import FIELDS
from fieldapp.imports.forms import RosterForm
from fieldapp.imports.models import APPLIED, CHECKED, MAPPING, READING, RUNNING, UNDONE, Import
from fieldapp.imports.page import get_percent, get_step, prepare_columns, prepare_lines
from fieldapp.imports.queries import IMPORTERS
from fieldapp.imports.rules import OUTCOMES
from fieldapp.imports.tables import XLSX, Limits
from fieldapp.imports.workbook import write_refused
from fieldapp.users import queries as users

# A request goes on for so long before it shows how far it has come.
STEP_SECONDS = 1.5
LEFT = "left"

bp = Blueprint("imports", __name__, url_prefix="/imports")


@bp.url_value_preprocessor
def _hold_in_memory(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "imports.bring":
        hold_files_in_memory(current_app.config["FIELDAPP"].roster_max_bytes)


@bp.get("")
@require(*IMPORTERS)
def list_page() -> str:
    """Bring a file in; the imports so far."""
    return _show_list(RosterForm(formdata=None))


@bp.post("")
@require(*IMPORTERS)
def bring() -> str | tuple[str, int] | BaseResponse:
    """Take a file in, and go on to its columns."""
    form = RosterForm()
    if not form.validate_on_submit():
        return _show_list(form), 422
    sent = form.file.data
    limits = Limits.of(current_app.config["FIELDAPP"])
    try:
        held = actions.stage(
            current_user, form.source.data, sent.filename or "", sent.stream, limits, clock.now()
        )
    except AppError as error:
        form.file.errors = [error.message]
        return _show_list(form), error.status
    return redirect(url_for(".import_page", import_id=held.import_id), 303)


@bp.get("/<int:import_id>")
@require(*IMPORTERS)
def import_page(import_id: int) -> str:
    """Where an import is: its columns, how far it has come, what it would change or has changed."""
    held = _get(import_id)
    if held.state == MAPPING or (held.state == CHECKED and "columns" in request.args):
        return _show_columns(held)
    return _show(held)


@bp.post("/<int:import_id>/columns")
@require(*IMPORTERS)
def choose_columns(import_id: int) -> str | tuple[str, int] | BaseResponse:
    """Say what each column holds, and check the rows."""
    held = _get(import_id)
    fields = [request.form.get(f"column-{place}", "") for place in range(len(held.header))]
    try:
        with transaction():
            actions.choose_columns(current_user, held, fields)
    except AppError as error:
        return _show_columns(held, fields, error), error.status
    return _back(held)


@bp.post("/<int:import_id>/go-on")
@unattended
@require(*IMPORTERS)
def go_on(import_id: int) -> str | BaseResponse:
    """Go on for a moment with what runs, and tell how far it has come."""
    held = actions.go_on(_get(import_id).import_id, clock.now(), STEP_SECONDS)
    if not request.headers.get("HX-Request"):
        return _back(held)
    if held.state not in RUNNING:
        return Response("", 200, {"HX-Redirect": url_for(".import_page", import_id=import_id)})
    return render_template("imports/_progress.html", held=held, **_progress(held))


@bp.post("/<int:import_id>/apply")
@require(*IMPORTERS)
def apply(import_id: int) -> str | tuple[str, int] | BaseResponse:
    """Write what was checked."""
    held = _get(import_id)
    try:
        with transaction():
            whole = request.form.get("rows") != "good"
            actions.start_applying(current_user, held, whole=whole, now=clock.now())
    except AppError as error:
        return _show(held, error), error.status
    return _back(held)


@bp.post("/<int:import_id>/undo")
@require(*IMPORTERS)
def undo(import_id: int) -> str | tuple[str, int] | BaseResponse:
    """Take an import back."""
    held = _get(import_id)
    try:
        with transaction():
            actions.start_undoing(current_user, held, clock.now())
    except AppError as error:
        return _show(held, error), error.status
    return _back(held)


@bp.post("/<int:import_id>/throw-away")
@require(*IMPORTERS)
def throw_away(import_id: int) -> str | tuple[str, int] | BaseResponse:
    """Erase an import that has changed nothing."""
    held = _get(import_id)
    try:
        actions.throw_away(current_user, held, clock.now())
    except AppError as error:
        return _show(held, error), error.status
    flash(gettext("Thrown away. The registry is as it was."))
    return redirect(url_for(".list_page"), 303)


@bp.get("/<int:import_id>/refused.xlsx")
@require(*IMPORTERS)
def download_refused(import_id: int) -> Response:
    """The refused rows with what is wrong beside each cell."""
    held = _get(import_id)
    content = write_refused(held)
    with transaction():
        audit.record(current_user, "import.download_refused", "import", held.import_id)
    name = f"import-{held.import_id}-refused.xlsx"
    return Response(content, mimetype=XLSX, headers={"Content-Disposition": f"attachment; filename={name}"})


def _get(import_id: int) -> Import:
    return queries.get_import(import_id, current_user.area_codes())


def _back(held: Import) -> BaseResponse:
    return redirect(url_for(".import_page", import_id=held.import_id), 303)


def _show_list(form: RosterForm) -> str:
    page = read_page()
    imports, has_more = queries.list_imports(current_user.area_codes(), page)
    return render_template(
        "imports/list.html",
        form=form,
        imports=imports,
        has_more=has_more,
        page=page,
        names=users.get_display_names({held.made_by for held in imports}),
        sources=queries.list_sources(current_user.id),
        say_state=words.say_state,
    )


def _show_columns(held: Import, chosen: list[str] | None = None, error: AppError | None = None) -> str:
    rows, _ = queries.list_rows(held.import_id, None, 1)
    return render_template(
        "imports/columns.html",
        held=held,
        columns=prepare_columns(held.header, held.fields, (row.cells for row in rows)),
        chosen=chosen or held.fields,
        fields=FIELDS,
        error=error,
    )


def _show(held: Import, error: AppError | None = None) -> str:
    page, shown = read_page(), request.args.get("rows", "")
    shown = shown if shown in (*OUTCOMES, LEFT) else ""
    rows, has_more = queries.list_rows(held.import_id, shown or None, page)
    counts = queries.count_outcomes(held.import_id)
    is_read = staging.is_being_read(held, clock.now())
    return render_template(
        "imports/import.html",
        held=held,
        made_by=users.get_display_names({held.made_by}).get(held.made_by, ""),
        lines=[]
        if held.state in RUNNING or held.state == READING
        else prepare_lines(held, rows, current_user),
        has_more=has_more,
        page=page,
        shown=shown,
        counts=counts,
        left=queries.count_left(held.import_id),
        outcomes=words.OUTCOMES,
        state=words.say_state(held),
        can_apply=held.state == CHECKED and any(counts.get(each) for each in OUTCOMES[:2]),
        can_undo=held.state == APPLIED and bool(rows or counts),
        can_throw_away=held.state in (READING, CHECKED) and not is_read,
        is_being_read=is_read,
        is_running=held.state in RUNNING,
        was_taken_back=held.state == UNDONE,
        error=error,
        **_progress(held),
    )


def _progress(held: Import) -> dict[str, Any]:
    return {"percent": get_percent(held), "step": get_step(held)}


def _offer() -> dict[str, Any]:
    """Whether the menu offers imports."""
    if g.get("failed") or request.blueprint == "assets" or not current_user.is_authenticated:
        return {}
    return {"imports_people": current_user.role in IMPORTERS}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    app.context_processor(_offer)
