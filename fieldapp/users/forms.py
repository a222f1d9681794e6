"""Forms of accounts at the desk."""

from __future__ import annotations

from flask_babel import lazy_gettext
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, Regexp

from fieldapp.core.forms import Form, reason_area, strip


class SignInForm(Form):
    """Account and password; `next` is the page that was asked for."""

    username = StringField(
        lazy_gettext("Account"),
        [InputRequired(lazy_gettext("Enter your account.")), Length(max=80), Regexp(r"^[^\x00]*$")],
        filters=[strip],
        render_kw={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        lazy_gettext("Password"),
        [InputRequired(lazy_gettext("Enter your password.")), Length(max=200)],
        render_kw={"autocomplete": "current-password"},
    )
    next = HiddenField()


class RevokeForm(Form):
    """Why a phone is revoked."""

    reason = reason_area(lazy_gettext("Reason"), lazy_gettext("Lost, broken, replaced by another one …"))
