"""The form of a shift of the duty roster.

Invariant: times are typed and shown in Asia/Shanghai and leave the form as aware instants.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext, lazy_gettext
from wtforms import DateTimeLocalField, SelectField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, Regexp, ValidationError

from fieldapp.core import clock
from fieldapp.core.forms import Form, strip

LONGEST_SHIFT = timedelta(days=366)
TYPED_TIME = "%Y-%m-%dT%H:%M"


class ShiftForm(Form):
    """Who is on duty, under which number, from when to when."""

    user = SelectField(
        lazy_gettext("Who is on duty"), [InputRequired(lazy_gettext("Choose who is on duty."))]
    )
    phone = StringField(
        lazy_gettext("Duty phone"),
        [
            DataRequired(lazy_gettext("Write the number that is answered day and night.")),
            Length(max=30),
            Regexp(r"^\+?[0-9][0-9 -]{2,}$", message=lazy_gettext("A phone number has digits only.")),
        ],
        filters=[strip],
        render_kw={"inputmode": "tel", "maxlength": 30},
    )
    starts = DateTimeLocalField(
        lazy_gettext("On duty from"),
        [InputRequired(lazy_gettext("Say from when: day and time."))],
        format=TYPED_TIME,
    )
    ends = DateTimeLocalField(
        lazy_gettext("On duty until"),
        [InputRequired(lazy_gettext("Say until when: day and time."))],
        format=TYPED_TIME,
    )

    def offer(self, people: list[tuple[int, str]]) -> None:
        """Set who can be on duty: (account id, name with role)."""
        choices = [("", lazy_gettext("Choose…"))]
        self.user.choices = choices + [(str(user_id), name) for user_id, name in people]

    def validate_ends(self, ends: DateTimeLocalField) -> None:
        """A shift ends after it begins, in the time to come, and within a year."""
        if ends.data is None or self.starts.data is None:
            return
        if not timedelta() < ends.data - self.starts.data <= LONGEST_SHIFT or self.ends_at <= clock.now():
            raise ValidationError(gettext("The end lies after the beginning, and not in the past."))

    @property
    def starts_at(self) -> datetime:
        """When the shift begins."""
        typed: datetime = self.starts.data
        return typed.replace(tzinfo=clock.LOCAL)

    @property
    def ends_at(self) -> datetime:
        """When the shift ends."""
        typed: datetime = self.ends.data
        return typed.replace(tzinfo=clock.LOCAL)
