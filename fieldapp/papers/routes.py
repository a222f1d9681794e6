"""Pages that are made to be printed: 走访记录表 of a household, filled in or blank, and the monthly 台账 of a grid.

Invariant: nothing is printed unmasked without a reason in the audit trail; what leaves as a file is noted there.
"""

from __future__ import annotations

import io
from datetime import date
from uuid import UUID

from flask import Blueprint, Flask, render_template, request, send_file
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, Area
from fieldapp.checklists import queries as checklists
from fieldapp.core import audit, clock, scope, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, require
from fieldapp.core.web import pick_text
from fieldapp.papers import ledger_page, record_page
from fieldapp.papers.ledger import Ledger, make_ledger, read_month
from fieldapp.people import numbers, queries as people
from fieldapp.people.forms import RevealReasonForm
from fieldapp.people.models import Household

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAPERS = ("a3", "a4")

bp = Blueprint("papers", __name__)


@bp.get("/households/<uuid:household_uuid>/record")
@require(*READERS)
def household_record(household_uuid: UUID) -> str:
    """走访记录表 with the visits chosen."""
    household = people.get_household(str(household_uuid), current_user.area_codes())
    return _show_record(household, RevealReasonForm(formdata=None))


@bp.post("/households/<uuid:household_uuid>/record")
@require(*READERS)
def household_record_in_full(household_uuid: UUID) -> str | tuple[str, int]:
    """The same with ID and phone numbers in full, this once."""
    household = people.get_household(str(household_uuid), current_user.area_codes())
    form = RevealReasonForm()
    if not form.validate_on_submit():
        return _show_record(household, form), 422
    with transaction():
        numbers.reveal_for_paper(current_user, household.household_uuid, form.reason.data, clock.now())
    return _show_record(household, form, in_full=True)


@bp.get("/households/<uuid:household_uuid>/blank-record")
@require(*READERS)
def blank_record(household_uuid: UUID) -> str:
    """走访记录表 to be filled in by hand: its head, and the questions of the checklist in force."""
    household = people.get_household(str(household_uuid), current_user.area_codes())
    today = clock.local_date(clock.now())
    versions = checklists.list_visit_versions(household.grid_code, today, today)
    wanted = request.args.get("checklist", "")
    chosen = next((one for one in versions if one.key == wanted), versions[0] if versions else None)
    return render_template(
        "papers/blank_record.html",
        head=record_page.prepare_head(household, today),
        versions=[(one.key, pick_text(one.document["title"])) for one in versions],
        chosen=chosen,
        title=pick_text(chosen.document["title"]) if chosen else "",
        lines=record_page.prepare_blank(household, chosen, today) if chosen else [],
        methods=wording.get_words("method")["method"],
        today=today,
    )


@bp.get("/areas/<code>/ledger")
@require(*READERS)
def grid_ledger(code: str) -> str:
    """台账 of a grid for a month; `show` lists the visits behind a figure, of one household or of all."""
    ledger, path = _get_ledger(code)
    paper = request.args.get("paper", "")
    show, household_uuid = request.args.get("show", ""), request.args.get("household", "")
    figures = ledger_page.say_figures()
    return render_template(
        "papers/ledger.html",
        ledger=ledger,
        path=" ".join(area.name for area in path[2:]),
        paper=paper if paper in PAPERS else PAPERS[0],
        figures=figures,
        show=show if show in figures else "",
        behind=ledger_page.list_behind(ledger, show, household_uuid) if show in figures else [],
        this_month=read_month("", clock.local_date(clock.now())),
        today=clock.local_date(clock.now()),
    )


@bp.get("/areas/<code>/ledger.xlsx")
@require(*READERS)
def grid_ledger_workbook(code: str) -> Response:
    """The same as an Excel workbook."""
    ledger, _ = _get_ledger(code)
    content = ledger_page.write_ledger(ledger)
    with transaction():
        audit.record(current_user, "ledger.export", "area", code, at=clock.now(), month=str(ledger.month))
    return send_file(
        io.BytesIO(content),
        mimetype=EXCEL,
        as_attachment=True,
        download_name=f"{ledger.grid.name}-{ledger.month}.xlsx",
    )


def _get_ledger(code: str) -> tuple[Ledger, list[Area]]:
    """The ledger the address asks for, with its grid and all above it; raises not_found for what is no grid, or not the
    reader's.
    """
    path = areas.list_path(code)
    grid = next((area for area in path if area.code == code), None)
    if grid is None or len(code) != LEVELS["grid"] or not scope.covers(current_user.area_codes(), code):
        raise AppError("not_found")
    today = clock.local_date(clock.now())
    return make_ledger(grid, read_month(request.args.get("month", ""), today), today), path


def _show_record(household: Household, form: RevealReasonForm, *, in_full: bool = False) -> str:
    today = clock.local_date(clock.now())
    visit_uuid = request.args.get("visit", "")
    from_on, until_on = _read_day("from"), _read_day("until")
    readable = record_page.list_readable(household.household_uuid, current_user)
    chosen = record_page.list_chosen(readable, visit_uuid, from_on, until_on)
    words = wording.get_words("method", "outcome")
    return render_template(
        "papers/record.html",
        head=record_page.prepare_head(household, today, in_full=in_full),
        visits=record_page.prepare_visits(chosen),
        choices=[
            (
                visit.visit_uuid,
                f"{wording.say_full(visit.finished_at)} {words['method'].get(visit.method, '')}",
            )
            for visit in readable
        ],
        chosen_uuid=chosen[0].visit_uuid if len(chosen) == 1 and from_on is None and until_on is None else "",
        from_on=from_on,
        until_on=until_on,
        form=form,
        in_full=in_full,
        today=today,
    )


def _read_day(name: str) -> date | None:
    """A day of the address; what is none is ignored."""
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
