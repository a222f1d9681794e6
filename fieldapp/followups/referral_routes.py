"""Pages of outside bodies, and of tasks referred to them: referring, the printed slip, what the body answered.

Invariant: every write goes through `followups.referral_actions`; a slip carries numbers masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.areas.models import PROPER, UNIT
from fieldapp.core import clock, scope, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, SUPERVISOR, require
from fieldapp.followups import (
    duty_queries,
    queries as followups,
    referral_actions as actions,
    referral_queries as queries,
    rules,
)
from fieldapp.followups.models import Followup, Provider, Referral
from fieldapp.followups.referral_forms import OutcomeForm, ProviderForm, ReferForm
from fieldapp.people import queries as people
from fieldapp.people.rules import mask_id, mask_phone
from fieldapp.users import queries as users

bp = Blueprint("referrals", __name__)

STATES: Mapping[str, Any] = {
    "referred": lazy_gettext("Referred, no answer yet"),
    "accepted": lazy_gettext("Taken on"),
    "done": lazy_gettext("Done by them"),
    "refused": lazy_gettext("Refused by them"),
}


@bp.get("/providers")
@require(*READERS)
def providers_page() -> str:
    """The bodies that help in the reader's areas; an officer enters another one here."""
    form = ProviderForm(formdata=None)
    _offer(form)
    return _show_providers(form)


@bp.post("/providers")
@require(OFFICER)
def add_provider() -> str | tuple[str, int] | Response:
    """Enter a body."""
    form = ProviderForm()
    _offer(form)
    if not form.validate_on_submit():
        return _show_providers(form, is_open=True), 422
    with transaction():
        actions.add_provider(current_user, form.area.data, form.values, clock.now())
    flash(gettext("Entered."))
    return redirect(url_for(".providers_page"), 303)


@bp.get("/providers/<int:provider_id>")
@require(*READERS)
def provider_page(provider_id: int) -> str:
    """A body: what it is and does; an officer of its area changes it here."""
    provider = queries.get_provider(provider_id, current_user.area_codes())
    form = ProviderForm(formdata=None, obj=provider, area=provider.area_code)
    return _show_provider(provider, form)


@bp.post("/providers/<int:provider_id>")
@require(OFFICER)
def change_provider(provider_id: int) -> str | tuple[str, int] | Response:
    """Say otherwise what it is and does, or that it takes no referrals any more."""
    provider = queries.get_provider(provider_id, current_user.area_codes())
    form = ProviderForm()
    _offer(form)
    if not form.validate_on_submit():
        return _show_provider(provider, form), 422
    with transaction():
        actions.change_provider(current_user, provider_id, form.area.data, form.values, clock.now())
    flash(gettext("Changed."))
    return redirect(url_for(".providers_page"), 303)


@bp.get("/followups/<uuid:followup_id>/refer")
@require(SUPERVISOR)
def refer_page(followup_id: UUID) -> str:
    """To whom a task could be referred."""
    task = followups.get_followup(str(followup_id), current_user, clock.now())
    return _show_refer(task, ReferForm(formdata=None))


@bp.post("/followups/<uuid:followup_id>/refer")
@require(SUPERVISOR)
def refer(followup_id: UUID) -> str | tuple[str, int] | Response:
    """Refer a task to an outside body; the slip is shown, to be printed."""
    task = followups.get_followup(str(followup_id), current_user, clock.now())
    form = ReferForm()
    form.offer(queries.list_offered(task), {})
    if not form.validate_on_submit():
        return _show_refer(task, form), 422
    try:
        with transaction():
            referral = actions.refer_followup(
                current_user,
                task.followup_id,
                int(form.provider.data),
                text=form.text.data or "",
                now=clock.now(),
            )
    except AppError as error:
        return _show_refer(task, form, error), error.status
    flash(gettext("Referred. Print the slip and give it to the person or the body."))
    return redirect(url_for(".referral_page", referral_id=referral.id), 303)


@bp.get("/referrals/<int:referral_id>")
@require(*READERS)
def referral_page(referral_id: int) -> str:
    """The slip of a referral, to be printed, and beside it what the body answered."""
    return _show_referral(referral_id, OutcomeForm(formdata=None))


@bp.post("/referrals/<int:referral_id>")
@require(SUPERVISOR)
def answer(referral_id: int) -> str | tuple[str, int] | Response:
    """Note that the body took it on, has done it, or refused it."""
    form = OutcomeForm()
    step = request.form.get("step", "")
    if step not in rules.REFERRAL_STEPS or not form.validate_on_submit():
        return _show_referral(referral_id, form), 422
    try:
        with transaction():
            referral = actions.take_referral_step(
                current_user, referral_id, step, text=form.text.data or "", now=clock.now()
            )
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show_referral(referral_id, form, error), error.status
    flash(gettext("Written down."))
    return redirect(url_for("followups.followup_page", followup_id=referral.followup_id), 303)


def _show_providers(form: ProviderForm, *, is_open: bool = False) -> str:
    codes = current_user.area_codes()
    providers = queries.list_providers(codes)
    return render_template(
        "followups/providers.html",
        providers=providers,
        area_names=areas.get_names(provider.area_code for provider in providers),
        words=wording.get_words("provider_kind", "followup_type"),
        form=form if current_user.role == OFFICER else None,
        is_open=is_open,
    )


def _show_provider(provider: Provider, form: ProviderForm) -> str:
    _offer(form)
    can_change = current_user.role == OFFICER and scope.covers(current_user.area_codes(), provider.area_code)
    return render_template(
        "followups/provider.html",
        provider=provider,
        area_name=areas.get_names([provider.area_code]).get(provider.area_code, ""),
        words=wording.get_words("provider_kind", "followup_type"),
        form=form if can_change else None,
    )


def _offer(form: ProviderForm) -> None:
    words = wording.get_words("provider_kind", "followup_type")
    own = areas.list_own_and_below(current_user.area_codes())
    form.offer(own, words["provider_kind"], words["followup_type"])


def _show_refer(task: Followup, form: ReferForm, error: AppError | None = None) -> str:
    words = wording.get_words("provider_kind", "followup_type")
    offered = queries.list_offered(task)
    form.offer(offered, words["provider_kind"])
    return render_template(
        "followups/refer.html",
        task=task,
        household=people.find_household(task.household_uuid) if task.household_uuid else None,
        words=words,
        form=form,
        has_bodies=bool(offered),
        error=error,
    )


def _show_referral(referral_id: int, form: OutcomeForm, error: AppError | None = None) -> str:
    now = clock.now()
    referral, task = queries.get_referral(referral_id, current_user, now)
    household = people.find_household(task.household_uuid) if task.household_uuid else None
    members = household.people if household else []
    named = [one for one in members if one.person_uuid == task.person_uuid] or members
    path = areas.list_path(task.area_code)
    township = next((area for area in path if area.level in {"township", PROPER}), None)
    on_duty = duty_queries.list_on_duty([township.code], now).get(township.code, []) if township else []
    today = clock.local_date(now)
    return render_template(
        "followups/referral.html",
        referral=referral,
        task=task,
        number=_number(referral),
        household=household,
        place=" ".join(area.name for area in path[2:]),
        from_name=path[-1].name if path[-1].level == UNIT else "".join(area.name for area in path[2:4]),
        from_phone=on_duty[0].phone if on_duty else township.duty_phone if township else None,
        phone_masked=mask_phone(household.phone) if household else None,
        people=[
            {
                "name": one.name,
                "sex": one.sex,
                "age": wording.age_on(one.birth_on, today),
                "id_number": mask_id(one.id_number),
            }
            for one in named
        ],
        names=users.get_display_names({referral.made_by_id} | {event.actor_id for event in referral.events}),
        words=wording.get_words("provider_kind", "followup_type", "severity"),
        states=STATES,
        can_answer=current_user.role == SUPERVISOR and referral.state in rules.REFERRAL_WAITS,
        can_accept=referral.state in rules.REFERRAL_STEPS["accepted"],
        form=form,
        error=error,
    )


def _number(referral: Referral) -> str:
    """What the slip is called on paper and on the phone: the day it was made, and its number."""
    return f"{clock.local_date(referral.made_at):%Y%m%d}-{referral.id}"


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
