"""Forms of the pages of imports."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext
from wtforms import FileField, StringField
from wtforms.validators import DataRequired, Length, ValidationError

from fieldapp.core.forms import Form, strip


class RosterForm(Form):
    """A file of people, and where it is from."""

    file = FileField(lazy_gettext("Excel workbook or CSV file"), render_kw={"accept": ".xlsx,.csv,.txt"})
    source = StringField(
        lazy_gettext("Where is it from?"),
        [
            DataRequired(
                lazy_gettext("Say where the list is from: its columns are remembered under that name.")
            ),
            Length(max=80, message=lazy_gettext("At most %(max)d characters.")),
        ],
        filters=[strip],
        render_kw={"list": "sources", "maxlength": 80, "autocomplete": "off"},
    )

    def validate_file(self, file: FileField) -> None:
        """There is one."""
        if not file.data:
            raise ValidationError(gettext("Choose the file."))
