"""The page that says what happens to clean visits in a county, since when and by whose word.

Invariant: every reader sees it; only an officer of the whole county changes it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas.models import Area
from fieldapp.checklists import queries as checklists
from fieldapp.core import clock, wording
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.core.web import pick_text
from fieldapp.policies import pages as policies
from fieldapp.reviews import policy_actions as actions
from fieldapp.reviews.models import ReviewPolicy
from fieldapp.reviews.policy_forms import ReviewPolicyForm

bp = Blueprint("review_policy", __name__, url_prefix="/review-policy")


@bp.get("")
@require(*READERS)
def page() -> str:
    """The policy of the county in the address, or of the reader's first one, and those before it."""
    counties, county = policies.choose_county()
    return _show(counties, county)


@bp.post("/<code>")
@require(OFFICER)
def set_policy(code: str) -> str | tuple[str, int] | Response:
    """Set the county's policy from now on."""
    county = policies.get_county(code)
    form = ReviewPolicyForm()
    _offer(form, county)
    return policies.receive(
        county,
        form,
        lambda form: actions.set_policy(
            current_user,
            code,
            based_on=form.based_on.data or 0,
            reason=form.reason.data or "",
            now=clock.now(),
            **policies.read_terms(form, actions.FIRST),
        ),
        lambda form, error: _show(policies.choose_county()[0], county, form, error),
        said=gettext("It holds from now on. Visits that were received before stay as they are."),
        back=url_for(".page", county=code),
    )


def _show(
    counties: list[Area],
    county: Area | None,
    form: ReviewPolicyForm | None = None,
    error: AppError | None = None,
) -> str:
    return render_template(
        "reviews/policy.html",
        **policies.describe(ReviewPolicy, actions.FIRST, counties, county, form, _fill),
        titles=_list_titles(county) if county else {},
        classes=wording.get_words("class")["class"],
        error=error,
        shows_seed=policies.can_set(county),
    )


def _fill(terms: dict[str, Any], county: Area) -> ReviewPolicyForm:
    form = ReviewPolicyForm(formdata=None, **terms)
    _offer(form, county)
    return form


def _offer(form: ReviewPolicyForm, county: Area) -> None:
    form.offer(_list_titles(county), wording.get_words("class")["class"])


def _list_titles(county: Area) -> dict[str, str]:
    """The checklists of visits in the county, by key."""
    titles = checklists.list_visit_titles([county.code])
    return {key: pick_text(title) for key, title in titles.items()}


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(bp)
