"""The form in which somebody names who decides in their place."""

from __future__ import annotations

from flask_babel import lazy_gettext
from wtforms import DateField, SelectField
from wtforms.validators import InputRequired

from fieldapp.core.forms import Form


class DeputyForm(Form):
    """Who, and for how long."""

    deputy = SelectField(lazy_gettext("Who decides"), [InputRequired(lazy_gettext("Choose who decides."))])
    from_on = DateField(lazy_gettext("From day"), [InputRequired(lazy_gettext("Choose the day."))])
    until_on = DateField(lazy_gettext("Until day"), [InputRequired(lazy_gettext("Choose the day."))])

    def offer(self, people: list[tuple[int, str]]) -> None:
        """Set whom one may name: (account id, name with role)."""
        self.deputy.choices = [("", lazy_gettext("Choose…")), *((str(id_), name) for id_, name in people)]
