"""What pages share on which a county's policy is read and set.

Invariant: every reader sees it; only an officer of the whole county sets it. What was typed is never lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flask import flash, redirect, request
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import IntegerField
from wtforms.widgets import HiddenInput

from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.core import scope
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.forms import Form
from fieldapp.core.guard import OFFICER
from fieldapp.policies.models import Policy
from fieldapp.policies.queries import list_policies
from fieldapp.users import queries as users

F = TypeVar("F", bound="PolicyForm")


class PolicyForm(Form):
    """A form that carries which policy it was filled in upon."""

    based_on = IntegerField(widget=HiddenInput())


def choose_county() -> tuple[list[Area], Area | None]:
    """The counties of the reader, and the one in the address, else the first."""
    counties = areas.list_counties(current_user.area_codes())
    asked = request.args.get("county", "")
    return counties, next(
        (area for area in counties if area.code == asked), counties[0] if counties else None
    )


def get_county(code: str) -> Area:
    """A county of the reader; raises not_found."""
    county = next(
        (area for area in areas.list_counties(current_user.area_codes()) if area.code == code), None
    )
    if county is None:
        raise AppError("not_found")
    return county


def can_set(county: Area | None) -> bool:
    """Whether the reader may set what holds in a county."""
    return bool(
        county is not None
        and current_user.role == OFFICER
        and scope.covers(current_user.area_codes(), county.code)
    )


def receive(
    county: Area,
    form: F,
    set_policy: Callable[[F], Any],
    show: Callable[[F, AppError | None], str],
    *,
    said: str,
    back: str,
) -> str | tuple[str, int] | Response:
    """Set what a form says, or show it again with what is wrong; raises not_found for whoever may not set it."""
    if not can_set(county):
        raise AppError("not_found")
    if not form.validate_on_submit():
        return show(form, None), 422
    try:
        with transaction():
            set_policy(form)
    except AppError as error:
        # What was typed is kept, and the next try is based on what is seen now.
        form.based_on.raw_data = None
        return show(form, error), error.status
    flash(said)
    return redirect(back, 303)


def describe(
    kind: type[Policy],
    first: Mapping[str, Any],
    counties: list[Area],
    county: Area | None,
    form: F | None,
    fill: Callable[[dict[str, Any], Area], F],
) -> dict[str, Any]:
    """What the template of a page is given: what holds in a county and what held before, and a form for who may set it: as it
    was sent, else filled with what holds.
    """
    history = list_policies(kind, county.code) if county else []
    current = _terms_of(history[0] if history else None, first)
    if county and form is None and can_set(county):
        form = fill(current, county)
    if form is not None:
        form.based_on.data = history[0].number if history else 0
    return {
        "counties": counties,
        "county": county,
        "current": current,
        "policies": history,
        "names": name_setters(history),
        "form": form,
    }


def _terms_of(policy: Policy | None, first: Mapping[str, Any]) -> dict[str, Any]:
    """What a policy says; where there is none yet, what every county begins with."""
    return {name: getattr(policy, name) for name in first} if policy else dict(first)


def read_terms(form: Form, first: Mapping[str, Any]) -> dict[str, Any]:
    """The terms as a form has them."""
    return {name: form[name].data for name in first}


def name_setters(policies: Sequence[Policy]) -> dict[int, str]:
    """Who set those, by the number of their account."""
    return users.get_display_names(policy.set_by for policy in policies if policy.set_by is not None)
