"""Pages of the weekly report: as it stands, as it was sent, the records behind each number, as a workbook.

Invariant: an address names the area and the week; every write goes through `reports.actions`.
"""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, send_file, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.aid.words import AID_WORDS
from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, Area
from fieldapp.core import clock, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.core.paging import read_page
from fieldapp.core.weeks import Week
from fieldapp.people.tags import get_hidden_tags
from fieldapp.reports import actions, queries, rules, week_routes
from fieldapp.reports.forms import FOOT, CorrectionForm, FootForm, ReturnForm
from fieldapp.reports.layout import COLUMNS, SHEETS
from fieldapp.reports.models import ReportSheet
from fieldapp.reports.records import MOST_COUNTED, Span, list_behind
from fieldapp.reports.rules import Report
from fieldapp.reports.summary import name_goods, say_goods, say_week
from fieldapp.reports.workbook import PAPERS, make_workbook
from fieldapp.users import queries as users
from fieldapp.workdays.queries import get_calendar

bp = Blueprint("reports", __name__, url_prefix="/reports")

EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# What a report page shows: as it stands now, or as those below confirmed it.
LIVE = "live"


@bp.get("")
@require(*READERS)
def latest() -> Response:
    """Go to the reader's own report of the last week that is over."""
    own = queries.list_report_areas(current_user.area_codes())
    if not own:
        raise AppError("not_found")
    weeks = queries.list_weeks(clock.now())
    week = weeks[1] if len(weeks) > 1 else weeks[0]
    return redirect(url_for(".report_page", report_id=_name(own[0].code, week.ends_on)))


@bp.get("/<report_id>")
@require(*READERS)
def report_page(report_id: str) -> str:
    """The report of an area and week, with what the reader may do with it."""
    return _show(*_read(report_id))


@bp.get("/<report_id>/sheets/<int:number>")
@require(*READERS)
def sheet_page(report_id: str, number: int) -> str:
    """A sheet as it was confirmed."""
    area, week = _read(report_id)
    sheet = _get_sheet(area, week, number)
    return render_template(
        "reports/sheet.html",
        **_about(area, week),
        sheet=sheet,
        report=queries.read_sheet(sheet),
        made_by=_name_makers([sheet])[sheet.made_by_id],
        summary=say_week(queries.read_sheet(sheet)),
    )


@bp.get("/<report_id>.xlsx")
@require(*READERS)
def workbook(report_id: str) -> Response:
    """The report as an Excel workbook: a sheet that was confirmed, or what stands now, which says that it is a draft."""
    area, week = _read(report_id)
    number = request.args.get("number", type=int)
    sheet = _get_sheet(area, week, number) if number is not None else None
    report = queries.read_sheet(sheet) if sheet else _read_now(area, week)
    paper = request.args.get("paper", "A3")
    file = make_workbook(report, _words_of(area, week, report, sheet), paper if paper in PAPERS else "A3")
    name = f"{area.name}{week.ends_on:%Y%m%d}{gettext('weekly report')}.xlsx"
    return send_file(io.BytesIO(file), mimetype=EXCEL, as_attachment=True, download_name=name)


@bp.get("/<report_id>/records/<part>/<column>")
@require(*READERS)
def records_page(report_id: str, part: str, column: str) -> str:
    """The records behind a number."""
    area, week = _read(report_id)
    if column not in COLUMNS or part not in ("week", "total") or column in _list_closed_columns():
        raise AppError("not_found")
    since = queries.get_since(area.code, week) if part == "total" else week.ends_on
    page = read_page()
    span = Span(area.code, since, week.ends_on, is_running=part == "total")
    behind = list_behind(column, span, current_user, page, clock.now())
    return render_template(
        "reports/records.html",
        **_about(area, week),
        column=COLUMNS[column],
        part=part,
        behind=behind,
        most=MOST_COUNTED,
        page=page,
        states=wording.FOLLOWUP_STATES,
        words=wording.get_words("method", "followup_type", *AID_WORDS),
    )


@bp.post("/<report_id>/confirm")
@require(OFFICER)
def confirm(report_id: str) -> str | tuple[str, int] | Response:
    """A county confirms its figures, or a city sends its report."""
    area, week = _read(report_id)
    form = FootForm()
    is_city = area.level == queries.CITY
    step = actions.send_city if is_city else actions.confirm_county
    if not form.validate_on_submit():
        return _show(area, week, form), 422
    try:
        with transaction():
            step(current_user, area, week, seen=form.seen.data or "", foot=form.foot, now=clock.now())
    except AppError as error:
        return _show(area, week, form, error), error.status
    flash(gettext("Sent to the province.") if is_city else gettext("Confirmed and sent to the city."))
    return redirect(url_for(".report_page", report_id=report_id), 303)


@bp.post("/<report_id>/correct")
@require(OFFICER)
def correct(report_id: str) -> str | tuple[str, int] | Response:
    """A city issues a correction of what it has sent."""
    area, week = _read(report_id)
    form = CorrectionForm()
    if not form.validate_on_submit():
        return _show(area, week, form), 422
    try:
        with transaction():
            sheet = actions.correct_city(
                current_user,
                area,
                week,
                seen=form.seen.data or "",
                foot=form.foot,
                reason=form.reason.data or "",
                now=clock.now(),
            )
    except AppError as error:
        return _show(area, week, form, error), error.status
    flash(gettext("Correction no. %(number)s was sent to the province.", number=sheet.number))
    return redirect(url_for(".report_page", report_id=report_id), 303)


@bp.route("/<report_id>/return/<county_code>", methods=["GET", "POST"])
@require(OFFICER)
def return_page(report_id: str, county_code: str) -> str | tuple[str, int] | Response:
    """A city gives a county's figures back."""
    city, week = _read(report_id)
    county = queries.get_report_area(county_code, current_user.area_codes())
    form, error = ReturnForm(), None
    if form.validate_on_submit():
        try:
            with transaction():
                actions.return_county(
                    current_user, city, county, week, reason=form.reason.data or "", now=clock.now()
                )
        except AppError as refused:
            error = refused
        else:
            flash(gettext("%(county)s has its figures back.", county=county.name))
            return redirect(url_for(".report_page", report_id=report_id), 303)
    page = render_template("reports/return.html", **_about(city, week), county=county, form=form, error=error)
    return (page, error.status if error else 422) if request.method == "POST" else page


def _show(area: Area, week: Week, form: FootForm | None = None, error: AppError | None = None) -> str:
    now = clock.now()
    city_code = area.code[: LEVELS["city"]]
    all_sheets = queries.list_sheets_about(area.code, week.ends_on)
    sheets = [sheet for sheet in all_sheets if sheet.area_code == area.code]
    last = sheets[0] if sheets else None
    sent = next((sheet for sheet in all_sheets if sheet.area_code == city_code), None)
    # What somebody confirms is what the page shows them.
    step = "" if _is_live() else _next_step(area, week, last, sent, now)
    differences: list[Any] = []
    if last and area.level == queries.CITY:
        # What was sent is shown; what stands now, only as the difference, or when it is asked for.
        stands = queries.gather_now(area, week)
        differences = queries.list_differences(queries.read_sheet(last), stands)
        report = _read_now(area, week) if _is_live() else queries.read_sheet(last)
    else:
        report = stands = _read_now(area, week)
        if last and queries.is_standing(last):
            differences = queries.list_differences(queries.read_sheet(last), report)
    if step == "correct" and not differences:
        step = ""
    if form is None and step:
        # Who answered for the area's last report need not be typed each week.
        foot = queries.find_last_foot(area.code, week.ends_on) or {"filler": current_user.display_name}
        form = (CorrectionForm if step == "correct" else FootForm)(formdata=None, **foot)
    if form is not None:
        form.seen.data, form.seen.raw_data = queries.digest(stands), None
    return render_template(
        "reports/report.html",
        **_about(area, week),
        report=report,
        summary=say_week(report),
        late=queries.count_late(area.code, week),
        sheets=sheets,
        makers=_name_makers(sheets),
        last=last,
        step=step,
        differences=differences,
        form=form,
        error=error,
        weeks=queries.list_weeks(now),
        is_running=week.ends_at > now,
        due_on=None if last else rules.report_day(week.ends_on, get_calendar()),
        is_gathered=_is_gathered(area),
        is_live=_is_live(),
        can_return=step == "send" and actions.can_confirm(current_user, area),
    )


def _next_step(
    area: Area, week: Week, last: ReportSheet | None, sent: ReportSheet | None, now: datetime
) -> str:
    """What the reader can do next: confirm, send, correct, or nothing."""
    if week.ends_at > now or not actions.can_confirm(current_user, area):
        return ""
    if area.level == queries.CITY:
        return "correct" if last else "send"
    is_open = area.level in queries.COUNTY and queries.may_confirm_now(area.code, sent)
    return "confirm" if is_open else ""


def _read_now(area: Area, week: Week) -> Report:
    """What the page of an area shows: what was confirmed below it, or, for the narrower ones, what stands now."""
    return queries.gather(area, week) if _is_gathered(area) else queries.read_live(area, week)


def _is_gathered(area: Area) -> bool:
    return area.level in (queries.CITY, queries.PROVINCE) and not _is_live()


def _is_live() -> bool:
    return request.args.get("view") == LIVE


def _read(report_id: str) -> tuple[Area, Week]:
    """The area and week of an address, in the reader's scope; raises not_found."""
    code, _, day = report_id.partition("-")
    try:
        ends_on = date.fromisoformat(day)
    except ValueError:
        raise AppError("not_found") from None
    if not code.isdecimal():
        raise AppError("not_found")
    area = queries.get_report_area(code, current_user.area_codes())
    return area, queries.get_week(ends_on, clock.now())


def _get_sheet(area: Area, week: Week, number: int) -> ReportSheet:
    sheet = queries.find_sheet(area.code, week.ends_on, number)
    if sheet is None:
        raise AppError("not_found")
    return sheet


def _name(code: str, ends_on: date) -> str:
    return f"{code}-{ends_on}"


def _about(area: Area, week: Week) -> dict[str, Any]:
    """What every page of a report says of it."""
    above = areas.read_around(area.code)[0][:-1]
    codes = current_user.area_codes()
    readable = [one for one in above if any(one.code.startswith(code) for code in codes)]
    return {
        "area": area,
        "week": week,
        "above": readable,
        "name": _name,
        "sheets_of_columns": SHEETS,
        "columns": COLUMNS,
        "closed_columns": _list_closed_columns(),
        "write": rules.write_figure,
        "say_goods": say_goods,
        "name_goods": name_goods,
        "since": queries.get_since(area.code, week),
    }


def _list_closed_columns() -> set[str]:
    """The columns that do not open for the reader: of restricted tags they know how many, and not who."""
    hidden, tags = get_hidden_tags(current_user), get_codes("tag")
    return {f"tag_{tags[tag].extra.get('column', '')}" for tag in hidden if tag in tags}


def _words_of(area: Area, week: Week, report: Report, sheet: ReportSheet | None) -> dict[str, str]:
    """What stands around the figures in a workbook."""
    title = gettext("Weekly report on visits to people in hardship and help given")
    if sheet is None:
        title += gettext(" (draft)")
    elif sheet.number and area.level == queries.CITY:
        title += gettext(" (correction no. %(number)s)", number=sheet.number)
    since = queries.get_since(area.code, week)
    sent_on = clock.local_date(sheet.made_at) if sheet else None
    return {
        "title": title,
        "unit": gettext("Unit: %(name)s", name=area.name),
        "period": gettext(
            "Week: %(begins)s to %(ends)s; in all since the week ending %(since)s",
            begins=wording.say_date(week.begins_on),
            ends=wording.say_date(week.ends_on),
            since=wording.say_date(since),
        ),
        "sent": gettext("Reported on: %(day)s", day=wording.say_date(sent_on) if sent_on else "—"),
        "note": say_week(report),
        **({name: sheet.foot.get(name, "") for name in FOOT} if sheet else dict.fromkeys(FOOT, "")),
    }


def _name_makers(sheets: list[ReportSheet]) -> dict[int, str]:
    ids = {user_id for one in sheets for user_id in (one.made_by_id, one.returned_by_id) if user_id}
    return users.get_display_names(ids)


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
    app.register_blueprint(week_routes.bp)
