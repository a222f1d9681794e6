"""Forms of the weekly report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext
from wtforms import HiddenField, SelectField, StringField, TimeField
from wtforms.validators import InputRequired, Length

from fieldapp.core import wording
from fieldapp.core.forms import Form, clean, reason_area
from fieldapp.core.weeks import Week

LONGEST_NAME = 40
FOOT = ("head", "checker", "filler", "phone")


def _name(label: Any) -> StringField:
    too_long = lazy_gettext("At most %(max)d characters.")
    return StringField(label, [Length(max=LONGEST_NAME, message=too_long)], filters=[clean])


class FootForm(Form):
    """Who answers for a report, and the figures they saw."""

    seen = HiddenField(validators=[InputRequired()])
    head = _name(lazy_gettext("Head of the unit"))
    checker = _name(lazy_gettext("Checked by"))
    filler = _name(lazy_gettext("Filled in by"))
    phone = _name(lazy_gettext("Phone"))

    @property
    def foot(self) -> dict[str, str]:
        """Who answers for it, as a sheet keeps it."""
        return {name: self[name].data or "" for name in FOOT}


class CorrectionForm(FootForm):
    """A correction, with why."""

    reason = reason_area(lazy_gettext("Why the figures changed"))


class ReturnForm(Form):
    """Giving a county's figures back, with why."""

    reason = reason_area(lazy_gettext("Why"))


# A Monday, to name the days of the week by.
MONDAY = date(2024, 1, 1)


class CutForm(Form):
    """When weeks end, and from which one on."""

    weekday = SelectField(lazy_gettext("Day on which a week ends"))
    at = TimeField(lazy_gettext("Time"), [InputRequired(lazy_gettext("Write the time, like 12:00."))])
    after = SelectField(lazy_gettext("After the week that ends on"))

    def offer(self, weeks: Sequence[Week]) -> None:
        """Set what may be chosen."""
        self.weekday.choices = [(str(day), wording.say_weekday(MONDAY + timedelta(day))) for day in range(7)]
        self.after.choices = [
            (
                week.ends_on.isoformat(),
                f"{wording.say_date(week.ends_on)} {wording.say_weekday(week.ends_on)}",
            )
            for week in weeks
        ]
