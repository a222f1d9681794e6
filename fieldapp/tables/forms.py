"""Forms of tables."""

from __future__ import annotations

from flask_babel import lazy_gettext
from wtforms import BooleanField, StringField
from wtforms.validators import DataRequired, Length

from fieldapp.core.forms import Form, clean, text_area
from fieldapp.tables.models import LONGEST_NAME


class ExportForm(Form):
    """Taking a table along as a file."""

    reason = text_area(
        lazy_gettext("Why is this file needed?"),
        required=lazy_gettext("Write a reason; it is kept in the audit trail."),
    )


class NameForm(Form):
    """What a table is called."""

    name = StringField(
        lazy_gettext("Name of the table"),
        [
            DataRequired(lazy_gettext("Write a name.")),
            Length(max=LONGEST_NAME, message=lazy_gettext("At most %(max)d characters.")),
        ],
        filters=[clean],
        render_kw={"maxlength": LONGEST_NAME, "autocomplete": "off"},
    )


class SaveForm(NameForm):
    """Keeping a table under a name."""

    is_shared = BooleanField(lazy_gettext("Share with everybody who reads this area"))
