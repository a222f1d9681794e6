"""Pages of the duty roster (值班): who is on duty for an area, putting somebody on duty, taking a shift out.

Invariant: every write goes through `followups.duty_actions`, which checks the area again.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas.models import Area
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, require
from fieldapp.followups import duty_actions as actions, duty_queries as queries
from fieldapp.followups.duty_forms import ShiftForm
from fieldapp.followups.forms import as_typed
from fieldapp.followups.models import DutyShift
from fieldapp.users import queries as users

bp = Blueprint("duty", __name__, url_prefix="/duty")

KEEPERS = (SUPERVISOR, OFFICER)
# What is offered as the hour at which a shift changes.
CHANGES_AT = time(8)


@bp.get("")
@require(*READERS)
def roster_page() -> str:
    """The roster of an area: who is on duty now and next, and who was."""
    now = clock.now()
    codes = current_user.area_codes(now)
    areas = queries.list_areas(codes)
    code = request.args.get("area", "")
    area = queries.get_area(code, codes) if code else next(iter(areas), None)
    if area is None:
        return render_template("followups/duty.html", area=None)
    last = queries.list_shifts(area.code, now)[-1:]
    starts = last[0].ends_at if last else datetime.combine(clock.local_date(now), CHANGES_AT, clock.LOCAL)
    form = ShiftForm(
        formdata=None,
        phone=last[0].phone if last else area.duty_phone,
        starts=as_typed(starts),
        ends=as_typed(starts + timedelta(days=1)),
    )
    return _show(area, form, now)


@bp.post("")
@require(*KEEPERS)
def add() -> str | tuple[str, int] | Response:
    """Put somebody on duty for the area of the address."""
    now = clock.now()
    area = queries.get_area(request.args.get("area", ""), current_user.area_codes(now))
    form = ShiftForm()
    form.offer(_list_choices(area.code, now))
    if not form.validate_on_submit():
        return _show(area, form, now), 422
    with transaction():
        actions.add_shift(
            current_user,
            area.code,
            int(form.user.data),
            form.phone.data or "",
            starts_at=form.starts_at,
            ends_at=form.ends_at,
            now=now,
        )
    flash(gettext("Entered. Phones learn the number at their next sync."))
    return redirect(url_for(".roster_page", area=area.code), 303)


@bp.post("/<int:shift_id>/withdraw")
@require(*KEEPERS)
def withdraw(shift_id: int) -> Response:
    """Take a shift out of the roster; it stays in its history."""
    with transaction():
        shift = actions.withdraw_shift(current_user, shift_id, clock.now())
    flash(gettext("Taken out."))
    return redirect(url_for(".roster_page", area=shift.area_code), 303)


def _show(area: Area, form: ShiftForm, now: datetime) -> str:
    form.offer(_list_choices(area.code, now))
    coming, former = queries.list_shifts(area.code, now), queries.list_former(area.code, now)
    on_duty = {shift.id for shift in queries.list_on_duty([area.code], now).get(area.code, ())}
    names = users.get_display_names(
        id_
        for shift in [*coming, *former]
        for id_ in (shift.made_by_id, shift.withdrawn_by_id)
        if id_ is not None
    )
    return render_template(
        "followups/duty.html",
        area=area,
        areas=queries.list_areas(current_user.area_codes(now)),
        coming=[_prepare(shift, names, now, on_duty) for shift in coming],
        former=[_prepare(shift, names, now, on_duty) for shift in former],
        has_nobody=not on_duty,
        form=form if current_user.role in KEEPERS else None,
    )


def _prepare(shift: DutyShift, names: dict[int, str], now: datetime, on_duty: set[int]) -> dict[str, Any]:
    goes_on = shift.starts_at <= now < shift.ends_at
    return {
        "shift": shift,
        "made_by": names.get(shift.made_by_id, ""),
        "withdrawn_by": names.get(shift.withdrawn_by_id or 0, ""),
        "goes_on": goes_on,
        # Whose account ended, or who has the area no more.
        "is_void": goes_on and shift.id not in on_duty,
    }


def _list_choices(area_code: str, now: datetime) -> list[tuple[int, str]]:
    candidates = queries.list_candidates(area_code, now)
    return [(user.id, f"{user.display_name} · {wording.ROLES[user.role]}") for user in candidates]


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
