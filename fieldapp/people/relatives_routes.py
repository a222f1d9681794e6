"""Pages of declared near relatives (近亲属备案), and of the notice that is read aloud (告知).

Invariant: every write goes through `people.relatives`.
"""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask_babel import gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.core import clock, wording
from fieldapp.core.db import transaction
from fieldapp.core.guard import READERS, SUPERVISOR, require
from fieldapp.people import queries, relatives
from fieldapp.people.forms import RelativeForm, WithdrawForm
from fieldapp.people.models import Person

bp = Blueprint("relatives", __name__)


@bp.get("/people/notice")
@require(*READERS)
def notice_page() -> str:
    """What people are told before anything of theirs is written down: one page, to be read aloud or printed."""
    return render_template("people/notice.html")


@bp.get("/people/my-relatives")
@require(*READERS)
def own_page() -> str:
    """The near relatives whom the reader has declared."""
    return render_template("people/my_relatives.html", rows=relatives.list_declared_by(current_user))


@bp.get("/people/<uuid:person_uuid>/relatives")
@require(*READERS)
def person_page(person_uuid: UUID) -> str:
    """Who has declared this person a near relative, and where one does so."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    return _show(person, RelativeForm(formdata=None), WithdrawForm(formdata=None))


@bp.post("/people/<uuid:person_uuid>/relatives")
@require(*READERS)
def declare(person_uuid: UUID) -> str | tuple[str, int] | Response:
    """Declare the person a near relative of somebody's."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    form = RelativeForm()
    _offer(form, person)
    if not form.validate_on_submit():
        return _show(person, form, WithdrawForm(formdata=None)), 422
    with transaction():
        relatives.declare_relative(
            current_user, int(form.user.data), person.person_uuid, form.relation.data, clock.now()
        )
    flash(gettext("Declared."))
    return _back_to(person_uuid)


@bp.post("/people/<uuid:person_uuid>/relatives/<int:user_id>/withdraw")
@require(*READERS)
def withdraw(person_uuid: UUID, user_id: int) -> str | tuple[str, int] | Response:
    """Take a declaration back."""
    person = queries.get_person(str(person_uuid), current_user.area_codes())
    form = WithdrawForm()
    if not form.validate_on_submit():
        return _show(person, RelativeForm(formdata=None), form), 422
    with transaction():
        relatives.withdraw_relative(current_user, user_id, person.person_uuid, form.reason.data, clock.now())
    flash(gettext("Taken back."))
    return _back_to(person_uuid)


def _show(person: Person, form: RelativeForm, withdraw_form: WithdrawForm) -> str:
    now = clock.now()
    _offer(form, person)
    rows = [
        {
            "declared": declared,
            "user": user,
            "role": wording.ROLES[user.role],
            "can_withdraw": relatives.can_withdraw(current_user, declared.user_id, person, now),
        }
        for _, declared, user in relatives.list_declared_of([person.person_uuid])
    ]
    return render_template(
        "people/relatives.html",
        person=person,
        household=person.household,
        rows=rows,
        form=form,
        withdraw_form=withdraw_form,
        enters_for_others=current_user.role == SUPERVISOR,
    )


def _offer(form: RelativeForm, person: Person) -> None:
    declarers = relatives.list_declarers(current_user, person.household, clock.now())
    form.user.choices = [
        (str(user.id), f"{user.display_name} ({wording.ROLES[user.role]})") for user in declarers
    ]


def _back_to(person_uuid: UUID) -> Response:
    return redirect(url_for(".person_page", person_uuid=person_uuid), 303)


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
