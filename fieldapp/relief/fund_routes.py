"""Pages of the townships' reserve funds.

Invariant: whoever reads at the desk sees what a fund of their areas holds; the county tops it up.
"""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, scope
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.core.paging import read_page
from fieldapp.relief import fund_actions as actions, fund_queries as queries
from fieldapp.relief.forms import ReasonForm, TopUpForm
from fieldapp.relief.models import ReliefFundEntry
from fieldapp.relief.words import MOVES
from fieldapp.users import queries as users

bp = Blueprint("relief_funds", __name__, url_prefix="/relief")


@bp.get("/funds")
@require(*READERS)
def list_page() -> str:
    """What the funds of the reader's townships hold."""
    codes = current_user.area_codes()
    townships = [area for area in areas.list_of_levels(["township"]) if scope.covers(codes, area.code)]
    funds = {fund.township_code: fund for fund in queries.list_funds(codes)}
    return render_template("relief/funds.html", townships=townships, funds=funds)


@bp.get("/funds/<township_code>")
@require(*READERS)
def fund_page(township_code: str) -> str:
    """What a fund holds, and how it came to that."""
    return _show(township_code)


@bp.post("/funds/<township_code>/top-up")
@require(OFFICER)
def top_up(township_code: str) -> str | tuple[str, int] | Response:
    """Enter money that came in."""
    queries.get_township(township_code, current_user.area_codes())
    form = TopUpForm()
    if not form.validate_on_submit():
        return _show(township_code, top_up_form=form), 422
    try:
        with transaction():
            actions.top_up(
                current_user,
                township_code,
                form.amount.cents or 0,
                reason=form.reason.data or "",
                now=clock.now(),
            )
    except AppError as error:
        return _show(township_code, top_up_form=form, error=error), error.status
    flash(gettext("The money is in the fund."))
    return redirect(url_for(".fund_page", township_code=township_code), 303)


@bp.post("/fund-entries/<int:entry_id>/reverse")
@require(OFFICER)
def reverse(entry_id: int) -> str | tuple[str, int] | Response:
    """Take back money that was entered by mistake."""
    entry = db.session.get(ReliefFundEntry, entry_id)
    if entry is None or entry.kind != "in":
        raise AppError("not_found")
    queries.get_township(entry.township_code, current_user.area_codes())
    form = ReasonForm()
    if not form.validate_on_submit():
        return _show(entry.township_code, error=AppError("reason_needed")), 422
    try:
        with transaction():
            actions.reverse_top_up(current_user, entry_id, reason=form.reason.data or "", now=clock.now())
    except AppError as error:
        return _show(entry.township_code, error=error), error.status
    flash(gettext("Taken back."))
    return redirect(url_for(".fund_page", township_code=entry.township_code), 303)


def _show(township_code: str, *, top_up_form: TopUpForm | None = None, error: AppError | None = None) -> str:
    codes = current_user.area_codes()
    township = queries.get_township(township_code, codes)
    page = read_page()
    entries, has_more = queries.list_entries(township_code, page)
    return render_template(
        "relief/fund.html",
        township=township,
        fund=queries.find_fund(township_code),
        entries=entries,
        reversed_ids=queries.list_reversed([entry.id for entry in entries]),
        has_more=has_more,
        page=page,
        names=users.get_display_names(entry.entered_by_id for entry in entries),
        moves=MOVES,
        can_top_up=current_user.role == OFFICER and scope.covers(codes, areas.county_of(township_code)),
        top_up_form=top_up_form or TopUpForm(formdata=None),
        reason_form=ReasonForm(formdata=None),
        error=error,
    )
