"""Pages of payment lists: bringing a file in, its columns, what its rows are, taking it in and taking it back.

Invariant: every write goes through `payments.actions`; an uploaded file is held in memory, never written to a temporary file.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.aid.words import HANDLERS
from fieldapp.core import audit, clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import hold_files_in_memory
from fieldapp.core.guard import require, unattended
from fieldapp.core.paging import read_page
from fieldapp.imports import staging
from fieldapp.imports.page import prepare_columns
from fieldapp.imports.tables import XLSX, Limits
from fieldapp.payments import actions, queries, words
from fieldapp.payments.columns import FIELDS
from fieldapp.payments.forms import DecisionForm, FileForm, ReasonForm, TermsForm, UndoForm
from fieldapp.payments.judging import list_cash_programmes
from fieldapp.payments.models import (
    CHECKED,
    CHECKING,
    MAPPING,
    READING,
    RUNNING,
    TAKEN,
    UNDONE,
    PaymentList,
)
from fieldapp.payments.page import get_percent, get_step, prepare_lines
from fieldapp.payments.rules import GOOD, KINDS, SEVERAL, SUBTOTAL, TOTAL
from fieldapp.payments.workbook import write_unmatched
from fieldapp.users import queries as users

# A request goes on for so long before it shows how far it has come.
STEP_SECONDS = 1.5
SHOWN = (*KINDS, TOTAL, SUBTOTAL, queries.TAKEN_ROWS, queries.LEFT_ROWS)

bp = Blueprint("payments", __name__, url_prefix="/payments")


@bp.url_value_preprocessor
def _hold_in_memory(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "payments.bring":
        hold_files_in_memory(current_app.config["FIELDAPP"].roster_max_bytes)


@bp.get("")
@require(*HANDLERS)
def list_page() -> str:
    """Bring a file in; the lists so far."""
    return _show_lists(FileForm(formdata=None))


@bp.post("")
@require(*HANDLERS)
def bring() -> str | tuple[str, int] | Response:
    """Take a file in, and go on to its columns."""
    form = FileForm()
    if not form.validate_on_submit():
        return _show_lists(form), 422
    sent = form.file.data
    limits = Limits.of(current_app.config["FIELDAPP"])
    try:
        held = actions.stage(current_user, sent.filename or "", sent.stream, limits, clock.now())
    except AppError as error:
        form.file.errors = [error.message]
        return _show_lists(form), error.status
    return _to(held)


@bp.get("/<int:list_id>")
@require(*HANDLERS)
def payment_page(list_id: int) -> str:
    """Where a list is: its columns, how far it has come, what its rows are or have become."""
    held = _get(list_id)
    if held.state == MAPPING or (
        held.state == CHECKED and held.taken_by is None and "columns" in request.args
    ):
        return _show_columns(held)
    return _show(held)


@bp.post("/<int:list_id>/columns")
@require(*HANDLERS)
def choose_columns(list_id: int) -> str | tuple[str, int] | Response:
    """Say what each column holds and what holds for all rows, and compare."""
    held = _get(list_id)
    fields = [request.form.get(f"column-{place}", "") for place in range(len(held.header))]
    form = _make_terms()
    if not form.validate_on_submit():
        return _show_columns(held, fields, form), 422
    try:
        with transaction():
            actions.choose_columns(current_user, held, fields, form.whole, clock.now())
    except AppError as error:
        return _show_columns(_get(list_id), fields, form, error), error.status
    return _to(held)


@bp.post("/<int:list_id>/go-on")
@unattended
@require(*HANDLERS)
def go_on(list_id: int) -> str | Response:
    """Go on for a moment with what runs, and tell how far it has come."""
    held = actions.go_on(_get(list_id).list_id, clock.now(), STEP_SECONDS)
    if not request.headers.get("HX-Request"):
        return _to(held)
    if held.state not in RUNNING:
        return Response("", 200, {"HX-Redirect": url_for(".payment_page", list_id=list_id)})
    return render_template("payments/_progress.html", held=held, **_progress(held))


@bp.post("/<int:list_id>/compare")
@require(*HANDLERS)
def compare(list_id: int) -> str | tuple[str, int] | Response:
    """Compare once more what is not in the books."""
    return _take(list_id, lambda held: actions.compare_again(current_user, held, clock.now()))


@bp.post("/<int:list_id>/take")
@require(*HANDLERS)
def take(list_id: int) -> str | tuple[str, int] | Response:
    """Enter what is good, and what was taken by hand."""
    form = ReasonForm()
    reason = form.reason.data or ""
    return _take(
        list_id,
        lambda held: actions.start_taking(current_user, held, reason=reason, now=clock.now()),
        take_form=form,
    )


@bp.post("/<int:list_id>/undo")
@require(*HANDLERS)
def undo(list_id: int) -> str | tuple[str, int] | Response:
    """Take a list back."""
    form = UndoForm()
    return _take(
        list_id,
        lambda held: actions.start_undoing(
            current_user,
            held,
            reason=form.reason.data or "",
            with_reversed=form.with_reversed.data,
            now=clock.now(),
        ),
        undo_form=form,
    )


@bp.post("/<int:list_id>/throw-away")
@require(*HANDLERS)
def throw_away(list_id: int) -> str | tuple[str, int] | Response:
    """Erase a list of which nothing was taken in."""
    held = _get(list_id)
    try:
        actions.throw_away(current_user, held, clock.now())
    except AppError as error:
        return _show(_get(list_id), error), error.status
    flash(gettext("Thrown away. The books are as they were."))
    return redirect(url_for(".list_page"), 303)


@bp.get("/<int:list_id>/rows/<int:row_number>")
@require(*HANDLERS)
def row_page(list_id: int, row_number: int) -> str:
    """One row: what it says, what it is, what becomes of it."""
    return _show_row(_get(list_id), row_number, None)


@bp.post("/<int:list_id>/rows/<int:row_number>")
@require(*HANDLERS)
def decide(list_id: int, row_number: int) -> str | tuple[str, int] | Response:
    """Decide whether a row is taken in or left out."""
    held = _get(list_id)
    form = _make_decision(held, row_number)
    if not form.validate_on_submit():
        return _show_row(held, row_number, form), 422
    decision = actions.Decision(
        decision=form.decision.data, reason=form.reason.data or "", chosen_uuid=form.chosen.data
    )
    try:
        with transaction():
            row = actions.decide(current_user, held, row_number, decision, clock.now())
    except AppError as error:
        return _show_row(_get(list_id), row_number, form, error), error.status
    flash(gettext("Row %(number)s: decided.", number=row_number))
    return redirect(url_for(".payment_page", list_id=list_id, rows=row.kind), 303)


@bp.post("/<int:list_id>/unmatched.xlsx")
@require(*HANDLERS)
def download_unmatched(list_id: int) -> str | tuple[str, int] | Response:
    """The payments that did not match, as an Excel workbook; why it leaves stays in the audit trail."""
    held = _get(list_id)
    form = ReasonForm()
    if not form.validate_on_submit():
        return _show(held, file_form=form), 422
    content = write_unmatched(held)
    with transaction():
        audit.record(
            current_user, "payments.export", "payments", list_id, at=clock.now(), reason=form.reason.data
        )
    name = f"payments-{list_id}-unmatched.xlsx"
    return send_file(io.BytesIO(content), mimetype=XLSX, as_attachment=True, download_name=name)


def _get(list_id: int) -> PaymentList:
    return queries.get_list(list_id, current_user.area_codes())


def _to(held: PaymentList) -> Response:
    return redirect(url_for(".payment_page", list_id=held.list_id), 303)


def _take(
    list_id: int, step: Callable[[PaymentList], None], **forms: ReasonForm
) -> str | tuple[str, int] | Response:
    """Take a step of a list; when it cannot be taken, show the list with what was typed."""
    held = _get(list_id)
    if not all(form.validate_on_submit() for form in forms.values()):
        return _show(held, **forms), 422
    try:
        with transaction():
            step(held)
    except AppError as error:
        # Somebody may have thrown it away.
        return _show(_get(list_id), error, **forms), error.status
    return _to(held)


def _show_lists(form: FileForm) -> str:
    page = read_page()
    lists, has_more = queries.list_lists(current_user.area_codes(), page)
    return render_template(
        "payments/list.html",
        form=form,
        lists=lists,
        has_more=has_more,
        page=page,
        names=users.get_display_names({held.made_by for held in lists}),
        say_state=words.say_state,
        words=wording.get_words("aid_programme"),
    )


def _make_terms(held: PaymentList | None = None) -> TermsForm:
    """The form of what holds for all rows: as it was chosen before, else as the columns leave it open."""
    filled: dict[str, Any] = {}
    if held is not None:
        month = f"{held.period}-01" if held.period else None
        filled = {
            "formdata": None,
            "programme": held.programme or "",
            "source": held.source or ("" if "source" in held.fields else "public"),
            "period": date.fromisoformat(month) if month else None,
            "paid_on": held.paid_on,
        }
    form = TermsForm(**filled)
    offered = wording.get_words("aid_programme", "aid_source")
    of_cash = list_cash_programmes()
    programmes = {code: word for code, word in offered["aid_programme"].items() if code in of_cash}
    form.offer(programmes, offered["aid_source"])
    return form


def _show_columns(
    held: PaymentList,
    chosen: list[str] | None = None,
    form: TermsForm | None = None,
    error: AppError | None = None,
) -> str:
    rows, _ = queries.list_rows(held.list_id, None, 1)
    return render_template(
        "payments/columns.html",
        held=held,
        columns=prepare_columns(held.header, held.fields, (row.cells for row in rows)),
        chosen=chosen or held.fields,
        fields=FIELDS,
        form=form or _make_terms(held),
        error=error,
    )


def _show(
    held: PaymentList,
    error: AppError | None = None,
    *,
    take_form: ReasonForm | None = None,
    undo_form: ReasonForm | None = None,
    file_form: ReasonForm | None = None,
) -> str:
    page, shown = read_page(), request.args.get("rows", "")
    shown = shown if shown in SHOWN else ""
    is_still = held.state not in RUNNING and held.state != READING
    is_read = staging.is_being_read(held, clock.now())
    rows, has_more = queries.list_rows(held.list_id, shown or None, page) if is_still else ([], False)
    tallies = queries.sum_kinds(held.list_id)
    taken = queries.sum_taken(held.list_id)
    return render_template(
        "payments/payment.html",
        held=held,
        made_by=users.get_display_names({held.made_by}).get(held.made_by, ""),
        lines=prepare_lines(rows, held, current_user.area_codes(), can_decide=held.state == CHECKED),
        has_more=has_more,
        page=page,
        shown=shown,
        tallies=tallies,
        whole=queries.sum_up(tallies),
        stated=queries.find_stated_total(held.list_id) if TOTAL in tallies else None,
        taken=taken,
        in_books=queries.sum_in_books(held.list_id),
        to_take=queries.sum_to_take(held.list_id) if held.state == CHECKED else queries.Tally(),
        left=queries.count_left(held.list_id),
        kinds=words.KINDS,
        sums=words.SUMS,
        state=words.say_state(held),
        words=wording.get_words("aid_programme", "aid_source"),
        has_unmatched=any(tallies.get(kind) for kind in KINDS if kind not in GOOD),
        can_compare=held.state in (CHECKED, TAKEN) and taken.rows < queries.sum_up(tallies).rows,
        can_undo=held.state in (CHECKED, TAKEN) and taken.rows > 0,
        can_throw_away=held.state in (READING, CHECKING, CHECKED) and held.taken_by is None and not is_read,
        is_being_read=is_read,
        is_running=held.state in RUNNING,
        is_undone=held.state == UNDONE,
        error=error,
        take_form=take_form or ReasonForm(formdata=None),
        undo_form=undo_form or UndoForm(formdata=None),
        file_form=file_form or ReasonForm(formdata=None),
        **_progress(held),
    )


def _progress(held: PaymentList) -> dict[str, Any]:
    return {"percent": get_percent(held), "step": get_step(held)}


def _make_decision(held: PaymentList, number: int, **filled: Any) -> DecisionForm:
    row = queries.get_row(held.list_id, number)
    form = DecisionForm(**filled)
    names = queries.get_names(row.candidates or (), current_user.area_codes())
    form.offer([(uuid, " · ".join(names[uuid])) for uuid in row.candidates or () if uuid in names])
    return form


def _show_row(
    held: PaymentList, number: int, form: DecisionForm | None, error: AppError | None = None
) -> str:
    row = queries.get_row(held.list_id, number)
    if form is None:
        form = _make_decision(
            held,
            number,
            formdata=None,
            decision=row.decision,
            chosen=row.chosen_uuid,
            reason=row.decided_reason or "",
        )
    [line] = prepare_lines([row], held, current_user.area_codes(), can_decide=held.state == CHECKED)
    return render_template(
        "payments/row.html",
        held=held,
        row=row,
        line=line,
        kind=words.KINDS.get(line.kind),
        form=form,
        is_several=row.kind == SEVERAL,
        words=wording.get_words("aid_programme", "aid_source"),
        decided_by=users.get_display_names({row.decided_by}).get(row.decided_by, "")
        if row.decided_by
        else "",
        error=error,
    )


def _offer() -> dict[str, Any]:
    """Whether the menu and the pages of aid offer payment lists."""
    if g.get("failed") or request.blueprint == "assets" or not current_user.is_authenticated:
        return {}
    return {"takes_payments": current_user.role in HANDLERS}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    app.context_processor(_offer)
