"""Forms of the pages of screenings.

Invariant: nothing here says who needs a look; that is said once the list is read.
"""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, FileField, HiddenField, SelectField, StringField
from wtforms.validators import UUID, DataRequired, InputRequired, Length, ValidationError

from fieldapp.core.forms import Form, strip
from fieldapp.sweeps.forms import choices


class ListForm(Form):
    """A list to be compared with the registry."""

    form_uuid = HiddenField(validators=[UUID()])
    name = StringField(
        lazy_gettext("What is compared"),
        [DataRequired(lazy_gettext("Write what is compared with what.")), Length(max=80)],
        filters=[strip],
        render_kw={
            "maxlength": 80,
            "placeholder": lazy_gettext("Dibao roster against hospital bills, November"),
        },
    )
    area = SelectField(lazy_gettext("Area"), [InputRequired()])
    screened_on = DateField(
        lazy_gettext("Day it counts on"), [InputRequired(lazy_gettext("Say on which day."))]
    )
    file = FileField(lazy_gettext("Excel workbook or CSV file"), render_kw={"accept": ".xlsx,.csv,.txt"})

    def validate_file(self, file: FileField) -> None:
        """There is one."""
        if not file.data:
            raise ValidationError(gettext("Choose the file."))


class LookForm(Form):
    """Until when, and how, those who need a look are to be reached."""

    until_on = DateField(lazy_gettext("Last day"), [InputRequired(lazy_gettext("Say until which day."))])
    methods = choices(
        lazy_gettext("Somebody is reached by"), [DataRequired(lazy_gettext("Choose at least one way."))]
    )
