"""The form before a visit is typed: who went when, how, and whom they saw.

Invariant: it only leads to the checklist; nothing is stored by it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext
from wtforms import DateField, SelectField, SelectMultipleField, TimeField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core import clock
from fieldapp.core.forms import Form


class EntryForm(Form):
    """Sent as a query, so that the page of the checklist can be opened again."""

    worker_id = SelectField(
        lazy_gettext("For whom"), [InputRequired(lazy_gettext("Choose who went."))], coerce=int
    )
    day = DateField(lazy_gettext("Day of the visit"), [InputRequired(lazy_gettext("On which day was it?"))])
    time = TimeField(lazy_gettext("Time"), [InputRequired(lazy_gettext("At about what time was it?"))])
    method = SelectField(lazy_gettext("Method"))
    people = SelectMultipleField(
        lazy_gettext("Seen or asked about"),
        [InputRequired(lazy_gettext("Choose at least one person."))],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    checklist = SelectField(lazy_gettext("Checklist"))

    @property
    def at(self) -> datetime:
        """When the visit was."""
        return datetime.combine(self.day.data, self.time.data, clock.LOCAL)


def make_form(query: Any) -> EntryForm:
    """The form of a query, or an empty one."""
    return EntryForm(formdata=query, meta={"csrf": False})
