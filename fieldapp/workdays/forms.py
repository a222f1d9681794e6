"""Forms of the calendar."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from fieldapp.core.forms import Form, clean


class DaysForm(Form):
    """Days that are not what their weekday says."""

    first = DateField(lazy_gettext("From day"), [InputRequired(lazy_gettext("Choose the day."))])
    last = DateField(lazy_gettext("Until day"), [Optional()])
    is_working = SelectField(lazy_gettext("These days are"))
    name = StringField(
        lazy_gettext("Holiday"),
        [DataRequired(lazy_gettext("Write which holiday it is for.")), Length(max=40)],
        filters=[clean],
        render_kw={"maxlength": 40},
    )

    def offer(self) -> None:
        """Set what may be chosen."""
        self.is_working.choices = [("no", lazy_gettext("Day off")), ("yes", lazy_gettext("Working day"))]

    def validate_first(self, field: DateField) -> None:
        """No slip of the finger: a year that is not about now."""
        if not 2020 <= field.data.year <= 2100:
            raise ValidationError(gettext("Check the year."))


class DayForm(Form):
    """Which day is again what its weekday says."""

    day = DateField(validators=[InputRequired()])
