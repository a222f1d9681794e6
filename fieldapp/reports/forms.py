"""Forms of the weekly report."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from wtforms import HiddenField, StringField
from wtforms.validators import InputRequired, Length

from fieldapp.core.forms import Form, clean, reason_area

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
