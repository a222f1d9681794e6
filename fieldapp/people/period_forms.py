"""The form that switches on a special period.

Invariant: days between contacts are whole days, and fewer than a year.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, DateField, IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core.forms import Form, strip

MOST_DAYS = 365


class Days(IntegerField):  # type: ignore[misc]
    """Days between contacts with people of one risk; empty: as usual."""

    def __init__(self, label: Any = None, **options: Any) -> None:
        between = NumberRange(1, MOST_DAYS, lazy_gettext("Between 1 and 365 days."))
        super().__init__(
            label, [Optional(), between], render_kw={"inputmode": "numeric", "min": 1}, **options
        )


class StartForm(Form):
    """Where, what it is called, from when, and what it brings."""

    area = SelectField(lazy_gettext("Area"), [InputRequired()])
    name = StringField(
        lazy_gettext("Name"),
        [DataRequired(lazy_gettext("Write what papers call it.")), Length(max=80)],
        filters=[strip],
        render_kw={"maxlength": 80, "placeholder": lazy_gettext("Cold wave of January 2027")},
    )
    from_on = DateField(lazy_gettext("First day"), [InputRequired(lazy_gettext("Say from which day on."))])
    until_on = DateField(lazy_gettext("Last day (empty: until it is ended)"), [Optional()])
    high = Days()
    middle = Days()
    low = Days()
    tags = SelectMultipleField(
        lazy_gettext("Tags offered besides the usual ones"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    pauses_exit = BooleanField(
        lazy_gettext("Reviews of and exits from dibao and destitute support are paused")
    )
    relaxed_papers = BooleanField(lazy_gettext("Relief first, its papers made up later"))

    def offer(self, areas: list[tuple[str, str]], risks: Mapping[str, str], tags: Mapping[str, str]) -> None:
        """Set what may be chosen, and what the risks are called."""
        self.area.choices = areas
        self.tags.choices = list(tags.items())
        for risk, word in risks.items():
            if risk in self._fields:
                self._fields[risk].label.text = word

    def validate_until_on(self, until_on: DateField) -> None:
        """A period does not end before it begins."""
        if until_on.data and self.from_on.data and until_on.data < self.from_on.data:
            raise ValidationError(gettext("The last day cannot lie before the first."))

    @property
    def risk_days(self) -> dict[str, int]:
        """Days between contacts by risk, where they were given."""
        days = {"high": self.high.data, "middle": self.middle.data, "low": self.low.data}
        return {risk: given for risk, given in days.items() if given is not None}
