"""The page of what a county's relief goes by, and what it went by before."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.aid.rules import write_amount
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.policies import pages as policies
from fieldapp.relief import policy_actions as actions
from fieldapp.relief.forms import TermsForm
from fieldapp.relief.models import ReliefPolicy
from fieldapp.relief.policy_queries import FIRST

bp = Blueprint("relief_policy", __name__, url_prefix="/relief/policy")


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
    form = TermsForm()
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
        said=gettext("It holds from now on. Deadlines that were set stay as they are."),
        back=url_for(".page", county=code),
    )


def _show(
    counties: list[Area],
    county: Area | None,
    form: TermsForm | None = None,
    error: AppError | None = None,
) -> str:
    return render_template(
        "relief/policy.html",
        **policies.describe(ReliefPolicy, FIRST, counties, county, form, _fill),
        error=error,
    )


def _fill(terms: dict[str, Any], _county: Area) -> TermsForm:
    form = TermsForm(formdata=None, **_as_typed(terms))
    form.offer()
    return form


def _as_typed(terms: dict[str, Any]) -> dict[str, Any]:
    """The terms as the form shows them."""
    amounts = {
        "standard": "standard_cents",
        "township_limit": "township_limit",
        "year_ceiling": "year_ceiling",
    }
    return {**terms, **{field: write_amount(terms[name], 2) for field, name in amounts.items()}}
