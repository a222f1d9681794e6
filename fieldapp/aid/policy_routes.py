"""The page of where a county wants a receipt of what is given on a visit, and what held before."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.aid import policy_actions as actions
from fieldapp.aid.forms import ReceiptForm
from fieldapp.aid.models import AidPolicy
from fieldapp.aid.policy_queries import FIRST
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.policies import pages as policies

bp = Blueprint("aid_policy", __name__, url_prefix="/aid/policy")


@bp.get("")
@require(*READERS)
def page() -> str:
    """What holds in the county of the address, or in the reader's first one."""
    counties, county = policies.choose_county()
    return _show(counties, county)


@bp.post("/<code>")
@require(OFFICER)
def set_policy(code: str) -> str | tuple[str, int] | Response:
    """Set what holds in the county from now on."""
    county = policies.get_county(code)
    form = ReceiptForm()
    form.offer()
    return policies.receive(
        county,
        form,
        lambda form: actions.set_policy(
            current_user,
            code,
            based_on=form.based_on.data or 0,
            terms=form.terms(),
            reason=form.reason.data or "",
            now=clock.now(),
        ),
        lambda form, error: _show(policies.choose_county()[0], county, form, error),
        said=gettext("It holds from now on, on each phone from its next sync."),
        back=url_for(".page", county=code),
    )


def _show(
    counties: list[Area],
    county: Area | None,
    form: ReceiptForm | None = None,
    error: AppError | None = None,
) -> str:
    return render_template(
        "aid/policy.html",
        **policies.describe(AidPolicy, FIRST, counties, county, form, _fill),
        error=error,
    )


def _fill(terms: dict[str, Any], _county: Area) -> ReceiptForm:
    form = ReceiptForm.showing(terms)
    form.offer()
    return form
