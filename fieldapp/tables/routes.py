"""Pages of tables: choosing one and looking at it, taking it along as a file, those that are kept.

Invariant: the address says what a table has; every page and file of it is read again within what the reader may see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, flash, g, redirect, render_template, request, stream_with_context, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, Area
from fieldapp.core import clock, scope, wording
from fieldapp.core.db import begin_snapshot, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, SUPERVISOR, require
from fieldapp.core.paging import read_area, read_key
from fieldapp.core.severity import SEVERITIES
from fieldapp.core.weeks import Week
from fieldapp.reports import queries as reports, rules as report_rules
from fieldapp.reports.layout import COLUMNS as REPORTED
from fieldapp.rollups.columns import CLASSES, DISTINCT
from fieldapp.tables import actions, figures, files, queries, rules, visit_fields, visit_queries
from fieldapp.tables.files import CSV, GEOJSON, TYPES, XLSX, Value
from fieldapp.tables.forms import ExportForm, NameForm, SaveForm
from fieldapp.tables.queries import Span
from fieldapp.tables.rules import FIGURES, PLACE, VISITS, WEEKS, WORKER, Choice
from fieldapp.tables.visit_fields import Names
from fieldapp.users import queries as users

MAKERS = (SUPERVISOR, OFFICER)

bp = Blueprint("tables", __name__, url_prefix="/tables")


@bp.get("")
@require(*MAKERS)
def list_page() -> str:
    """The tables that are kept, one's own first."""
    return _show_list()


@bp.get("/table")
@require(*MAKERS)
def table_page() -> str:
    """A table as the address says, and where it is chosen."""
    return _show_table()


@bp.post("/table/file")
@require(*MAKERS)
def export() -> str | tuple[str, int] | Response:
    """The table as a file, once it is said what for."""
    form = ExportForm()
    area, choice = _read_choice()
    format_ = request.form.get("format", CSV)
    if format_ not in TYPES or (format_ == GEOJSON and choice.kind != VISITS):
        raise AppError("not_found")
    if not form.validate_on_submit():
        return _show_table(export_form=form), 422
    now = clock.now()
    span = queries.find_span(choice, queries.list_weeks(now))
    if choice.kind == FIGURES:
        rows = figures.count_rows(area, choice.rows, span)
    else:
        rows = visit_queries.count_visits(choice, span, current_user)
    with transaction():
        actions.note_export(current_user, choice, format_, rows, reason=form.reason.data or "", now=now)
    begin_snapshot()
    pieces = _write(area, choice, span, format_, now)
    file = Response(stream_with_context(pieces), mimetype=None, content_type=TYPES[format_])
    name = f"{gettext('Table')} {area.name} {span.last}.{format_}"
    file.headers.set("Content-Disposition", "attachment", **{"filename*": f"UTF-8''{quote(name)}"})
    return file


@bp.post("/table/save")
@require(*MAKERS)
def save() -> str | tuple[str, int] | Response:
    """Keep the table under a name."""
    form = SaveForm()
    _, choice = _read_choice()
    if not form.validate_on_submit():
        return _show_table(save_form=form), 422
    try:
        with transaction():
            table = actions.save_table(
                current_user, form.name.data, choice, is_shared=form.is_shared.data, now=clock.now()
            )
    except AppError as error:
        form.name.errors = [error.message]
        return _show_table(save_form=form), error.status
    flash(gettext("Saved as “%(name)s”.", name=table.name))
    return redirect(url_for(".table_page", table=table.id, **table.choice), 303)


@bp.get("/<int:table_id>")
@require(*MAKERS)
def saved_page(table_id: int) -> Response:
    """Open a table that is kept."""
    table = queries.get_readable(table_id, current_user)
    return redirect(url_for(".table_page", table=table.id, **table.choice))


@bp.post("/<int:table_id>/rename")
@require(*MAKERS)
def rename(table_id: int) -> str | tuple[str, int] | Response:
    """Call a table otherwise."""
    queries.get_own(table_id, current_user)
    form = NameForm()
    if not form.validate_on_submit():
        return _show_list(table_id, form), 422
    try:
        with transaction():
            actions.rename_table(current_user, table_id, form.name.data, clock.now())
    except AppError as error:
        if error.code == "not_found":
            raise
        form.name.errors = [error.message]
        return _show_list(table_id, form), error.status
    flash(gettext("Renamed."))
    return redirect(url_for(".list_page"), 303)


@bp.post("/<int:table_id>/delete")
@require(*MAKERS)
def delete(table_id: int) -> Response:
    """Keep a table no longer."""
    with transaction():
        actions.delete_table(current_user, table_id, clock.now())
    flash(gettext("Deleted."))
    return redirect(url_for(".list_page"), 303)


# --- what is chosen ------------------------------------------------------------------------------------------------


def _read_choice() -> tuple[Area, Choice]:
    """The area and the choice of the address; raises not_found outside of what the reader may see."""
    given = request.args.to_dict(flat=False)
    codes = current_user.area_codes()
    # Without one the widest of the reader's.
    code = read_area() or min(codes, key=lambda one: (len(one), one), default="")
    area = reports.get_report_area(code, codes)
    columns: Mapping[str, object] = figures.COLUMNS
    default: Sequence[str] = figures.DEFAULT
    if rules.read_kind(given) == VISITS:
        columns, default = visit_fields.FIELDS, visit_fields.DEFAULT
    return area, rules.read_choice(given, area.code, area.level, columns, default)


def _list_area_choices(chosen: str) -> list[tuple[str, str]]:
    """The reader's areas, those down to the chosen one, and the ones below each; lower ones stand further in."""
    codes = current_user.area_codes()
    above = {chosen[:digits] for digits in LEVELS.values() if scope.covers(codes, chosen[:digits])}
    return areas.list_own_and_below({*codes, *above, chosen})


# --- pages ---------------------------------------------------------------------------------------------------------


def _show_table(export_form: ExportForm | None = None, save_form: SaveForm | None = None) -> str:
    now = clock.now()
    area, choice = _read_choice()
    weeks = queries.list_weeks(now)
    span = queries.find_span(choice, weeks)
    table_id = read_key("table")
    table = queries.find_readable(table_id, current_user) if table_id else None
    shown = _show_figures(area, choice, span) if choice.kind == FIGURES else _show_visits(choice, span, now)
    query = choice.as_query() | ({"table": [str(table.id)]} if table else {})
    if save_form is None:
        own = table if table and table.owner_id == current_user.id else None
        save_form = SaveForm(
            formdata=None, name=own.name if own else "", is_shared=own.is_shared if own else False
        )
    return render_template(
        "tables/table.html",
        area=area,
        choice=choice,
        query=query,
        table=table,
        span=span,
        first=_find(weeks, span.first),
        last=_find(weeks, span.last),
        weeks=weeks,
        areas=_list_area_choices(area.code),
        rows=_say_rows(area),
        periods=_say_periods(),
        groups=figures.GROUPS if choice.kind == FIGURES else visit_fields.GROUPS,
        words=_say_filters() if choice.kind == VISITS else {},
        export_form=export_form or ExportForm(formdata=None),
        save_form=save_form,
        **shown,
    )


def _show_figures(area: Area, choice: Choice, span: Span) -> dict[str, Any]:
    columns = [figures.COLUMNS[name] for name in choice.columns]
    code = request.args.get("after", "")
    rows, after = figures.list_rows(area, choice.rows, span, code if code.isdecimal() else "")
    whole = figures.read_whole(area, span)
    return {
        "heads": [figures.say_head(name) for name in choice.columns],
        "lines": [
            (
                row.name,
                "",
                [report_rules.write_figure(row.figures[column.name], column.kind) for column in columns],
            )
            for row in (whole, *rows)
        ],
        "after": after,
        "not_looked_through": None,
        "is_unknown": not span.counts_everybody_once and bool(set(choice.columns) & set(DISTINCT)),
    }


def _show_visits(choice: Choice, span: Span, now: datetime) -> dict[str, Any]:
    after = visit_queries.parse_key(request.args.get("after", ""))
    names = Names(current_user.area_codes())
    batch, uuids, following = visit_queries.list_visits(choice, span, current_user, names, after, now)
    cells = visit_fields.list_cells(choice.columns, batch) if batch else []
    is_full = len(uuids) == visit_queries.PAGE_ROWS
    return {
        "heads": [str(visit_fields.FIELDS[name].head) for name in choice.columns],
        "lines": [
            ("" if first is None else str(first), uuid, ["" if one is None else one for one in rest])
            for uuid, (first, *rest) in zip(uuids, cells, strict=True)
        ],
        "after": str(following) if following else "",
        "goes_on": after is not None,
        "not_looked_through": following.week_on if following and not is_full else None,
        "is_unknown": False,
    }


def _find(weeks: Sequence[Week], ends_on: Any) -> Week | None:
    return next((week for week in weeks if week.ends_on == ends_on), None)


def _say_rows(area: Area) -> dict[str, str]:
    words = {
        "city": gettext("Cities"),
        "county": gettext("Counties"),
        "township": gettext("Townships"),
        "village": gettext("Villages"),
        "grid": gettext("Grids"),
        WEEKS: gettext("Weeks"),
    }
    return {name: words[name] for name in rules.list_levels(area.code, area.level)}


def _say_periods() -> dict[str, str]:
    return {
        rules.LAST: gettext("Last full week"),
        rules.LAST_4: gettext("The last 4 weeks"),
        rules.LAST_12: gettext("The last 12 weeks"),
        rules.TOTAL: gettext("In all so far, as the report counts"),
        rules.CHOSEN: gettext("The weeks chosen here"),
    }


def _say_filters() -> dict[str, dict[str, str]]:
    words = wording.get_words("outcome", "method")
    severities = {
        "red": gettext("Red flag"),
        "orange": gettext("Orange flag"),
        "yellow": gettext("Yellow flag"),
    }
    return {
        "outcome": words["outcome"],
        "method": words["method"],
        "class": {name: str(REPORTED[f"class_{name}"].head) for name in CLASSES},
        "state": {code: str(word) for code, word in wording.VISIT_STATES.items()},
        "flag": {"any": gettext("With a flag"), **{one: severities[one] for one in SEVERITIES}},
    }


def _show_list(renamed_id: int | None = None, form: NameForm | None = None) -> str:
    tables = queries.list_readable(current_user)
    return render_template(
        "tables/list.html",
        tables=tables,
        area_names=areas.get_names(table.area_code for table in tables),
        owners=users.get_display_names(table.owner_id for table in tables),
        reader_id=current_user.id,
        renamed_id=renamed_id,
        form=form,
        make_form=lambda table: NameForm(formdata=None, name=table.name),
    )


# --- files ---------------------------------------------------------------------------------------------------------


def _write(area: Area, choice: Choice, span: Span, format_: str, now: datetime) -> Iterator[bytes]:
    if choice.kind == FIGURES:
        heads = [_say_rows(area)[choice.rows], *(figures.say_head(name) for name in choice.columns)]
        write = files.write_xlsx if format_ == XLSX else files.write_csv
        return write(heads, _iterate_figures(area, choice, span))
    if format_ == GEOJSON:
        # Only what has its place in the point itself is left out here, and with it who was there.
        columns = [name for name in choice.columns if name not in (*PLACE, WORKER)] or ["visit"]
        sources = [*visit_fields.list_sources(columns), visit_fields.BODY]
        batches = visit_queries.iterate_visits(
            choice, span, current_user, sources, Names(current_user.area_codes()), now
        )
        rows = (
            pair
            for batch in batches
            for pair in zip(batch.places, visit_fields.list_cells(columns, batch), strict=True)
        )
        return files.write_geojson([str(visit_fields.FIELDS[name].head) for name in columns], rows)
    heads = [str(visit_fields.FIELDS[name].head) for name in choice.columns]
    sources = visit_fields.list_sources(choice.columns)
    batches = visit_queries.iterate_visits(
        choice, span, current_user, sources, Names(current_user.area_codes()), now
    )
    cells = (row for batch in batches for row in visit_fields.list_cells(choice.columns, batch))
    return (files.write_xlsx if format_ == XLSX else files.write_csv)(heads, cells)


def _iterate_figures(area: Area, choice: Choice, span: Span) -> Iterator[list[Value]]:
    columns = [figures.COLUMNS[name] for name in choice.columns]
    yield from (
        [row.name, *(figures.value_of(row.figures, column) for column in columns)]
        for part in ([figures.read_whole(area, span)], figures.iterate_rows(area, choice.rows, span))
        for row in part
    )


def _offer_menu() -> dict[str, Any]:
    """Whether the menu offers tables."""
    if g.get("failed") or request.blueprint == "assets" or not current_user.is_authenticated:
        return {}
    return {"makes_tables": current_user.role in MAKERS}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    app.context_processor(_offer_menu)
