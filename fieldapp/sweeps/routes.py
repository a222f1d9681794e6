"""Pages of sweeps: preparing one, whom it is to reach, how far it has come by area and by name, closing it.

Invariant: areas stand in the order of their codes, never of their figures; nothing is counted per worker.
"""

from __future__ import annotations

import io
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.checklists import queries as checklists
from fieldapp.core import audit, clock, scope, wording
from fieldapp.core.codes import list_codes
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import hold_files_in_memory
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.core.paging import read_area, read_page
from fieldapp.core.web import pick_text
from fieldapp.imports.tables import XLSX, Limits
from fieldapp.people.sync import get_restricted_tags
from fieldapp.sweeps import actions, queries
from fieldapp.sweeps.actions import Plan
from fieldapp.sweeps.forms import FILE, FILTER, SweepForm
from fieldapp.sweeps.lists import read_list
from fieldapp.sweeps.models import DRAFT, OPEN, Sweep
from fieldapp.sweeps.queries import APART, MISSED, REACHED, Target
from fieldapp.sweeps.words import ROW_FAULTS, STANDINGS, STATES, TO_CLOSE
from fieldapp.sweeps.workbook import write_missed
from fieldapp.users import queries as users

# A request tells phones for so long before it shows how far it has come.
STEP_SECONDS = 1.5
# Which names are shown.
VIEWS: Mapping[str, Sequence[str]] = {"missed": MISSED, "apart": APART, "reached": (REACHED,)}
# The file's rows that mean nobody to be reached.
ROWS = "rows"
bp = Blueprint("sweeps", __name__, url_prefix="/sweeps")


@bp.url_value_preprocessor
def _hold_in_memory(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    if endpoint == "sweeps.make":
        hold_files_in_memory(current_app.config["FIELDAPP"].roster_max_bytes)


@bp.get("")
@require(*READERS)
def list_page() -> str:
    """The sweeps that go over the reader's areas."""
    codes = current_user.area_codes()
    page = read_page()
    sweeps, has_more = queries.list_sweeps(codes, page)
    names = areas.get_names(sweep.area_code for sweep in sweeps)
    rows = [
        {
            "sweep": sweep,
            "area": names.get(sweep.area_code, sweep.area_code),
            "state": _say_state(sweep),
            "counts": _sum_up(_count_all(sweep, codes)) if sweep.opened_at else None,
        }
        for sweep in sweeps
    ]
    return render_template(
        "sweeps/list.html", rows=rows, page=page, has_more=has_more, can_make=current_user.role == OFFICER
    )


@bp.get("/new")
@require(OFFICER)
def new_page() -> str:
    """Prepare a sweep: by describing whom it is to reach, or from a file."""
    form = SweepForm(
        formdata=None,
        form_uuid=str(uuid.uuid4()),
        source=FILE if request.args.get("from") == FILE else FILTER,
        from_on=clock.local_date(clock.now()),
        methods=["home"],
    )
    _offer(form)
    return _show_form(form)


@bp.post("")
@require(OFFICER)
def make() -> str | tuple[str, int] | Response:
    """Prepare a sweep; nothing is told to anybody yet."""
    form = SweepForm()
    _offer(form)
    if not form.validate_on_submit():
        return _show_form(form), 422
    now = clock.now()
    plan = Plan(
        name=form.name.data or "",
        area_code=form.area.data,
        from_on=form.from_on.data,
        until_on=form.until_on.data,
        methods=form.methods.data or [],
        checklist_key=form.checklist.data or None,
    )
    try:
        plan = _with_file(plan, form) if form.is_from_file else _with_criteria(plan, form)
    except AppError as error:
        form.file.errors = [error.message]
        return _show_form(form), error.status
    with transaction():
        sweep = actions.make_sweep(current_user, form.form_uuid.data, plan, now)
    return _back(sweep.sweep_id)


@bp.get("/<int:sweep_id>")
@require(*READERS)
def sweep_page(sweep_id: int) -> str:
    """A draft and who fits it; or how far a sweep has come: figures of the areas below, and the people by name."""
    return _show(sweep_id)


@bp.get("/<int:sweep_id>/not-reached.xlsx")
@require(*READERS)
def download_missed(sweep_id: int) -> Response:
    """Whom an opened sweep has not reached in an area, and why, as an Excel workbook."""
    codes = current_user.area_codes()
    sweep = queries.get_sweep(sweep_id, codes)
    if sweep.state == DRAFT:
        raise AppError("not_found")
    within = _read_area(sweep, codes)
    content = write_missed(sweep, within, codes)
    with transaction():
        audit.record(current_user, "sweep.export", "sweep", sweep_id, at=clock.now(), areas=within)
    return send_file(
        io.BytesIO(content),
        mimetype=XLSX,
        as_attachment=True,
        download_name=f"{sweep.name}-{gettext('Not reached')}.xlsx",
    )


@bp.post("/<int:sweep_id>/open")
@require(OFFICER)
def open_(sweep_id: int) -> str | tuple[str, int] | Response:
    """Fix the list and begin; the page then has phones told."""
    return _take(sweep_id, actions.open_sweep, gettext("Opened. The list is fixed, and phones are told."))


@bp.post("/<int:sweep_id>/add")
@require(OFFICER)
def add(sweep_id: int) -> str | tuple[str, int] | Response:
    """Put those on the list who fit and are not on it."""
    try:
        with transaction():
            number = actions.add_fitting(current_user, sweep_id, clock.now())
    except AppError as error:
        return _refuse(sweep_id, error)
    flash(
        ngettext("%(num)s person added.", "%(num)s people added.", number)
        if number
        else gettext("Nobody else was found.")
    )
    return _back(sweep_id)


@bp.post("/<int:sweep_id>/tell")
@require(OFFICER)
def tell(sweep_id: int) -> str | Response:
    """Go on telling phones who is on the list, and say how many are left."""
    sweep = queries.get_sweep(sweep_id, current_user.area_codes())
    actions.tell_phones(sweep_id, STEP_SECONDS)
    if not request.headers.get("HX-Request"):
        return _back(sweep_id)
    return render_template("sweeps/_telling.html", sweep=sweep, untold=queries.count_not_told(sweep))


@bp.post("/<int:sweep_id>/close")
@require(OFFICER)
def close(sweep_id: int) -> str | tuple[str, int] | Response:
    """Close a sweep; its figures and lists stay as they are now."""
    return _take(
        sweep_id, actions.close_sweep, gettext("Closed. The figures and the lists stay as they are.")
    )


@bp.post("/<int:sweep_id>/discard")
@require(OFFICER)
def discard(sweep_id: int) -> str | tuple[str, int] | Response:
    """Erase a draft."""
    try:
        with transaction():
            actions.discard_sweep(current_user, sweep_id, clock.now())
    except AppError as error:
        return _refuse(sweep_id, error)
    flash(gettext("The draft was thrown away."))
    return redirect(url_for(".list_page"), 303)


def _take(sweep_id: int, step: Any, said: str) -> str | tuple[str, int] | Response:
    try:
        with transaction():
            step(current_user, sweep_id, clock.now())
    except AppError as error:
        return _refuse(sweep_id, error)
    flash(said)
    return _back(sweep_id)


def _refuse(sweep_id: int, error: AppError) -> tuple[str, int]:
    """The sweep as it is now, and why the step was not taken."""
    if error.code == "not_found":
        raise error
    return _show(sweep_id, error), error.status


def _back(sweep_id: int) -> Response:
    return redirect(url_for(".sweep_page", sweep_id=sweep_id), 303)


# --- the form ------------------------------------------------------------------------------------------------------


def _with_criteria(plan: Plan, form: SweepForm) -> Plan:
    return Plan(**{**vars(plan), "criteria": form.criteria})


def _with_file(plan: Plan, form: SweepForm) -> Plan:
    sent = form.file.data
    limits = Limits.of(current_app.config["FIELDAPP"])
    rows = read_list(sent.stream, limits, plan.area_code, clock.local_date(clock.now()))
    return Plan(**{**vars(plan), "file_name": sent.filename, "rows": rows})


def _offer(form: SweepForm) -> None:
    codes = current_user.area_codes()
    words = wording.get_words("method", "class", "tag", "risk")
    # Whoever reads the sweep would read the tag of all on its list.
    shown_only = {row.code for row in list_codes("tag") if row.extra.get("shown_only")}
    hidden = get_restricted_tags() | shown_only
    words["tag"] = {code: word for code, word in words["tag"].items() if code not in hidden}
    form.offer(areas.list_own_and_below(codes), words, _list_checklists(codes))


def _list_checklists(codes: Sequence[str]) -> dict[str, str]:
    """By key, the titles of what visits in those areas are made with today."""
    used = checklists.list_versions_in(codes, clock.local_date(clock.now()))
    return {
        version.key: pick_text(version.document["title"])
        for version in used
        if version.document.get("use", "visit") == "visit"
    }


def _show_form(form: SweepForm) -> str:
    return render_template("sweeps/new.html", form=form)


# --- the page of a sweep -------------------------------------------------------------------------------------------


def _show(sweep_id: int, error: AppError | None = None) -> str:
    codes = current_user.area_codes()
    sweep = queries.get_sweep(sweep_id, codes)
    today = clock.local_date(clock.now())
    can_change = current_user.role == OFFICER and scope.covers(codes, sweep.area_code)
    people = users.get_display_names(
        id_ for id_ in (sweep.made_by, sweep.opened_by, sweep.closed_by) if id_ is not None
    )
    rows, faulty = queries.count_rows(sweep_id) if can_change and sweep.criteria is None else (0, 0)
    page = read_page()
    # The areas down to the one that is looked at, held until the page is done.
    path = areas.list_path(read_area() or sweep.area_code)
    common: dict[str, Any] = {
        "sweep": sweep,
        "state": _say_state(sweep),
        "area_name": areas.get_area(sweep.area_code).name,
        "methods": [wording.get_words("method")["method"].get(method, method) for method in sweep.methods],
        "checklist": _list_checklists([sweep.area_code]).get(sweep.checklist_key)
        if sweep.checklist_key
        else None,
        "criteria": _say_criteria(sweep),
        "people": people,
        "can_change": can_change,
        "rows": rows,
        "faulty": faulty,
        "error": error,
        "page": page,
    }
    if faulty and request.args.get("view") == ROWS:
        found, has_more = queries.list_faulty_rows(sweep_id, page)
        lines = [{"row": row, "fault": ROW_FAULTS.get(str(row.fault), row.fault)} for row in found]
        return render_template("sweeps/rows.html", lines=lines, has_more=has_more, **common)
    if sweep.state == DRAFT:
        fitting, has_more = queries.list_fitting(sweep, today, page)
        return render_template(
            "sweeps/draft.html",
            number=queries.count_fitting(sweep, today),
            fitting=fitting,
            grids=areas.get_names(household.grid_code for _, household in fitting),
            has_more=has_more,
            **common,
        )
    coverage = _coverage(sweep, codes, path, page, can_change)
    return render_template("sweeps/sweep.html", **common, **coverage)


def _coverage(
    sweep: Sweep, codes: Sequence[str], path: Sequence[Area], page: int, can_change: bool
) -> dict[str, Any]:
    within = _read_area(sweep, codes)
    area = areas.find_area(within[0]) if len(within) == 1 else None
    below = _count_below(sweep, area, within)
    total = sum((row["counts"] for row in below), Counter[str]())
    view = request.args.get("view", "")
    view = view if view in VIEWS else "missed"
    targets, has_more = queries.list_targets(sweep, within, VIEWS[view], page)
    today = clock.local_date(clock.now())
    is_open = sweep.state == OPEN
    untold, fitting_now = queries.count_open(sweep, today) if is_open and can_change else (0, 0)
    return {
        "area": area,
        "path": [above for above in path if _is_inside(sweep, codes, above)] if area else [],
        "below": [{**row, "counts": _sum_up(row["counts"])} for row in below],
        "total": _sum_up(total),
        "standings": STANDINGS,
        "by_standing": total,
        "view": view,
        "views": VIEWS,
        "targets": _prepare(targets, codes),
        "has_more": has_more,
        "untold": untold,
        "fitting_now": fitting_now,
        "late": 0 if is_open else queries.count_late(sweep, within),
    }


def _read_area(sweep: Sweep, codes: Sequence[str]) -> list[str]:
    """The area asked for, or all that is both the sweep's and the reader's. Raises not_found outside of it."""
    asked = request.args.get("area", "")
    if asked:
        area = areas.find_area(asked)
        if area is None or not _is_inside(sweep, codes, area):
            raise AppError("not_found")
        return [area.code]
    if scope.covers(codes, sweep.area_code):
        return [sweep.area_code]
    return sorted(code for code in codes if code.startswith(sweep.area_code))


def _is_inside(sweep: Sweep, codes: Sequence[str], area: Area) -> bool:
    return area.code.startswith(sweep.area_code) and scope.covers(codes, area.code)


def _count_all(sweep: Sweep, codes: Sequence[str]) -> Counter[str]:
    counts = queries.count_by_area(sweep, codes, len(sweep.area_code))
    return sum(counts.values(), Counter[str]())


def _count_below(sweep: Sweep, area: Area | None, within: Sequence[str]) -> list[dict[str, Any]]:
    """The areas directly below, each with its figures; of a grid, itself. Ended ones only where somebody is still counted."""
    below = areas.list_areas(within) if area is None else areas.list_children([area.code]) or [area]
    counts: dict[str, Counter[str]] = {}
    for digits in {len(one.code) for one in below}:
        counts |= queries.count_by_area(sweep, within, digits)
    return [
        {"area": one, "counts": counts.get(one.code, Counter())}
        for one in below
        if one.code in counts or not one.is_ended
    ]


def _sum_up(counts: Counter[str]) -> dict[str, int]:
    """How many are to be reached (who is apart is not), have been, have not, and are apart."""
    reached = counts[REACHED]
    missed = sum(counts[standing] for standing in MISSED)
    return {
        "to_reach": reached + missed,
        "reached": reached,
        "missed": missed,
        "apart": sum(counts[standing] for standing in APART),
    }


def _prepare(targets: Sequence[Target], codes: Sequence[str]) -> list[dict[str, Any]]:
    names = areas.get_names({target.place for target in targets})
    return [
        {
            "target": target,
            "grid": names.get(target.place, target.place),
            "standing": STANDINGS[target.standing],
            "can_open": scope.covers(codes, target.household.grid_code),
        }
        for target in targets
    ]


def _say_state(sweep: Sweep) -> tuple[Any, str]:
    is_over = sweep.state == OPEN and sweep.until_on < clock.local_date(clock.now())
    return TO_CLOSE if is_over else STATES[sweep.state]


def _say_criteria(sweep: Sweep) -> list[str]:
    """Who is on the list, in words."""
    if sweep.criteria is None:
        return [gettext("From the file %(name)s", name=sweep.file_name or "")]
    words = wording.get_words("class", "tag", "risk")
    said = [words["class"].get(code, code) for code in sweep.criteria["classes"]]
    said += [words["tag"].get(code, code) for code in sweep.criteria["tags"]]
    said += [
        gettext("risk: %(risk)s", risk=words["risk"].get(code, code)) for code in sweep.criteria["risks"]
    ]
    if sweep.criteria["overdue"]:
        said.append(gettext("Only whose visit is overdue"))
    return said or [gettext("Everybody on the list of the area")]


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
