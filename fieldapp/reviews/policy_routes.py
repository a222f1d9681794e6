"""The page that says what happens to clean visits in a county, since when and by whose word.

Invariant: every reader sees it; only an officer of the whole county changes it.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas.models import Area
from fieldapp.checklists import queries as checklists
from fieldapp.core import clock, scope, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, require
from fieldapp.core.web import pick_text
from fieldapp.reviews import policy_actions as actions, policy_queries as queries
from fieldapp.reviews.policy_forms import PolicyForm
from fieldapp.users import queries as users

bp = Blueprint("review_policy", __name__, url_prefix="/review-policy")


@bp.get("")
@require(*READERS)
def page() -> str:
    """The policy of the county in the address, or of the reader's first one, and those before it."""
    counties = queries.list_counties(current_user.area_codes())
    asked = request.args.get("county", "")
    county = next((area for area in counties if area.code == asked), counties[0] if counties else None)
    return _show(counties, county)


@bp.post("/<code>")
@require(OFFICER)
def set_policy(code: str) -> str | tuple[str, int] | Response:
    """Set the county's policy from now on."""
    counties = queries.list_counties(current_user.area_codes())
    county = next((area for area in counties if area.code == code), None)
    if county is None or not _can_set(county):
        raise AppError("not_found")
    form = PolicyForm()
    _offer(form, county)
    if not form.validate_on_submit():
        return _show(counties, county, form), 422
    try:
        with transaction():
            actions.set_policy(
                current_user,
                code,
                based_on=form.based_on.data or 0,
                accepts=form.accepts.data,
                share_percent=form.share_percent.data,
                checklists=form.checklists.data or [],
                classes=form.classes.data or [],
                reason=form.reason.data or "",
                now=clock.now(),
            )
    except AppError as error:
        # What was typed is kept, and the next try is based on what is seen now.
        form.based_on.raw_data = None
        return _show(counties, county, form, error), error.status
    flash(gettext("It holds from now on. Visits that were received before stay as they are."))
    return redirect(url_for(".page", county=code), 303)


def _show(
    counties: list[Area],
    county: Area | None,
    form: PolicyForm | None = None,
    error: AppError | None = None,
) -> str:
    policies = queries.list_policies(county.code) if county else []
    names = users.get_display_names(policy.set_by for policy in policies if policy.set_by is not None)
    current: Any = policies[0] if policies else None
    if county and form is None and _can_set(county):
        form = PolicyForm(formdata=None, **_terms_of(current))
        _offer(form, county)
    if form is not None:
        form.based_on.data = current.number if current else 0
    return render_template(
        "reviews/policy.html",
        counties=counties,
        county=county,
        current=_terms_of(current),
        policies=policies,
        names=names,
        titles=_list_titles(county) if county else {},
        classes=wording.get_words("class")["class"],
        form=form,
        error=error,
        shows_seed=county is not None and _can_set(county),
    )


def _terms_of(policy: Any) -> dict[str, Any]:
    """What a policy says; where there is none yet, what it will say when the first visit comes in."""
    return {name: getattr(policy, name) for name in actions.FIRST} if policy else dict(actions.FIRST)


def _can_set(county: Area) -> bool:
    return bool(current_user.role == OFFICER and scope.covers(current_user.area_codes(), county.code))


def _offer(form: PolicyForm, county: Area) -> None:
    form.offer(_list_titles(county), wording.get_words("class")["class"])


def _list_titles(county: Area) -> dict[str, str]:
    """The checklists of visits in the county, by key."""
    titles = checklists.list_visit_titles([county.code])
    return {key: pick_text(title) for key, title in titles.items()}


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(bp)
