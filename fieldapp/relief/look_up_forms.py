"""The form of a look-up beyond one's own areas.

Invariant: nobody looks further than their areas without a whole ID number and a reason.
"""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext
from wtforms import StringField
from wtforms.validators import DataRequired, ValidationError

from fieldapp.core.forms import Form, reason_area, strip
from fieldapp.people.rules import ID_LENGTH, normal_number


class LookUpForm(Form):
    """Whose ID number, and for which case."""

    id_number = StringField(
        lazy_gettext("ID number"),
        [DataRequired(lazy_gettext("Write the whole ID number."))],
        filters=[strip],
        render_kw={"maxlength": 30, "autocomplete": "off", "spellcheck": "false"},
    )
    reason = reason_area(
        lazy_gettext("For which case?"), lazy_gettext("For example: applies for temporary relief here.")
    )

    def validate_id_number(self, id_number: StringField) -> None:
        """A part of a number would find strangers."""
        if len(normal_number(id_number.data or "")) != ID_LENGTH:
            raise ValidationError(gettext("Write the whole ID number."))
