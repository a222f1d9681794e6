"""Pages of re-visits: those of an area, one beside its visit, and how often a county draws them.

Invariant: what differs is shown, never counted by worker.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, require
from fieldapp.core.paging import read_area, read_page
from fieldapp.followups import queries as followups
from fieldapp.people import queries as people
from fieldapp.policies import pages as policies
from fieldapp.revisits import actions, queries, rules
from fieldapp.revisits.forms import DECISIONS, FINDINGS, DecisionForm, RevisitPolicyForm
from fieldapp.revisits.models import RevisitPolicy
from fieldapp.users import queries as users
from fieldapp.visits import queries as visits

bp = Blueprint("revisits", __name__, url_prefix="/revisits")


@bp.get("")
@require(*READERS)
def list_page() -> str:
    """The re-visits in the reader's areas."""
    now, page = clock.now(), read_page()
    chosen = _read_chosen()
    rows, has_more = queries.list_revisits(current_user, chosen, now, page)
    codes = current_user.area_codes(now)
    return render_template(
        "revisits/list.html",
        rows=rows,
        has_more=has_more,
        page=page,
        chosen=chosen,
        areas=areas.list_choices(codes, chosen.area),
        grids=areas.get_names({row.grid_code for row in rows}),
        names=users.get_display_names({row.task.assignee_id for row in rows if row.task.assignee_id}),
        findings=FINDINGS,
        decisions=DECISIONS,
        states=wording.FOLLOWUP_STATES,
    )


@bp.get("/<uuid:revisit_id>")
@require(*READERS)
def revisit_page(revisit_id: UUID) -> str:
    """A re-visit beside its visit, and what was decided."""
    return _show(str(revisit_id))


@bp.post("/<uuid:revisit_id>/close")
@require(SUPERVISOR, OFFICER)
def close(revisit_id: UUID) -> str | tuple[str, int] | Response:
    """Say what is decided, and close it."""
    form = DecisionForm()
    if not form.validate_on_submit():
        return _show(str(revisit_id), form), 422
    try:
        with transaction():
            actions.close_revisit(
                current_user,
                str(revisit_id),
                decision=form.decision.data,
                words=form.words.data or "",
                now=clock.now(),
            )
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(str(revisit_id), form, error), error.status
    flash(gettext("Decided and closed."))
    return redirect(url_for(".revisit_page", revisit_id=revisit_id), 303)


@bp.get("/policy")
@require(*READERS)
def policy_page() -> str:
    """How often the county in the address, or the reader's first one, draws visits; and how it did before."""
    counties, county = policies.choose_county()
    return _show_policy(counties, county)


@bp.post("/policy/<code>")
@require(OFFICER)
def set_policy(code: str) -> str | tuple[str, int] | Response:
    """Set how often the county draws visits from now on."""
    county = policies.get_county(code)
    form = RevisitPolicyForm()
    form.offer(wording.get_words("class")["class"])
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
        lambda form, error: _show_policy(policies.choose_county()[0], county, form, error),
        said=gettext("It holds from now on."),
        back=url_for(".policy_page", county=code),
    )


def _show(followup_id: str, form: DecisionForm | None = None, error: AppError | None = None) -> str:
    now = clock.now()
    revisit = queries.get_revisit(followup_id, current_user, now)
    task = followups.get_followup(followup_id, current_user, now)
    visit = visits.get_visit(revisit.visit_uuid, current_user.area_codes(now))
    names = users.get_display_names(queries.list_named(revisit, task, visit))
    report = followups.find_report(followup_id)
    return render_template(
        "revisits/revisit.html",
        difference=queries.view(revisit, task, visit, report, names),
        visit=visit,
        household=people.find_household(revisit.household_uuid),
        grid_name=areas.get_names([revisit.area_code]).get(revisit.area_code, ""),
        findings=FINDINGS,
        decisions=DECISIONS,
        states=wording.FOLLOWUP_STATES,
        can_close=task.state == "done" and followups.may_take("verified", task, current_user),
        form=form or DecisionForm(formdata=None),
        error=error,
    )


def _show_policy(
    counties: list[Area],
    county: Area | None,
    form: RevisitPolicyForm | None = None,
    error: AppError | None = None,
) -> str:
    return render_template(
        "revisits/policy.html",
        **policies.describe(RevisitPolicy, actions.FIRST, counties, county, form, _fill_policy),
        classes=wording.get_words("class")["class"],
        error=error,
        shows_seed=policies.can_set(county),
    )


def _fill_policy(terms: dict[str, Any], _county: Area) -> RevisitPolicyForm:
    form = RevisitPolicyForm(formdata=None, **terms)
    form.offer(wording.get_words("class")["class"])
    return form


def _read_chosen() -> queries.Chosen:
    """The choice in the address; what is not one is ignored."""
    view, finding = request.args.get("view", ""), request.args.get("finding", "")
    return queries.Chosen(
        view=view if view in queries.VIEWS else "waiting",
        finding=finding if finding in rules.FINDINGS else "",
        area=read_area(),
    )


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
