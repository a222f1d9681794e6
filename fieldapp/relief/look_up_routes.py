"""The province-wide look-up, for whoever handles a case.

Invariant: the number looked for travels in the body of a request, never in an address: addresses end up in logs.
"""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_login import current_user

from fieldapp.core import clock
from fieldapp.core.db import transaction
from fieldapp.core.guard import READERS, require
from fieldapp.core.web import limiter
from fieldapp.people.rules import normal_number
from fieldapp.relief import look_up_actions as actions
from fieldapp.relief.look_up_actions import Found
from fieldapp.relief.look_up_forms import LookUpForm

bp = Blueprint("look_up", __name__, url_prefix="/people/registered")


@bp.get("")
@require(*READERS)
def page() -> str:
    """The form of a look-up in the whole province."""
    return _show(LookUpForm(formdata=None), None)


@bp.post("")
@require(*READERS)
@limiter.limit("20 per minute", key_func=lambda: str(current_user.id))
def look_up() -> str | tuple[str, int]:
    """Whether somebody is registered or was helped anywhere, and which county to call."""
    form = LookUpForm()
    if not form.validate_on_submit():
        return _show(form, None), 422
    with transaction():
        found = actions.look_up(
            current_user, normal_number(form.id_number.data), form.reason.data, clock.now()
        )
    return _show(LookUpForm(formdata=None), found)


def _show(form: LookUpForm, found: Found | None) -> str:
    return render_template("relief/look_up.html", form=form, found=found)
