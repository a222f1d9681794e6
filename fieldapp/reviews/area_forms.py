"""Forms of the map: names and codes of areas, and what takes their place.

Invariant: what a form offers is what its reader may choose; the actions check it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext
from wtforms import Field, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core.forms import Form, strip

_NAME_LENGTH = 80


def _name(label: str) -> Field:
    return StringField(
        label,
        [DataRequired(lazy_gettext("Write the name.")), Length(max=_NAME_LENGTH)],
        filters=[strip],
        render_kw={"maxlength": _NAME_LENGTH},
    )


class GridForm(Form):
    """What a grid is called."""

    name = _name(lazy_gettext("Name of the grid"))


class SuccessorForm(Form):
    """The area that takes what another one holds."""

    to = SelectField(lazy_gettext("To which grid?"), validate_choice=False)

    def offer(self, areas: Sequence[tuple[str, str]]) -> None:
        """Set what may be chosen: (code, name)."""
        self.to.choices = [("", lazy_gettext("Choose…")), *areas]


class SplitForm(Form):
    """A new village, and the grids that go to it."""

    code = StringField(
        lazy_gettext("Its code, 12 digits"),
        [DataRequired(lazy_gettext("Write the code of the new village."))],
        filters=[strip],
        render_kw={"inputmode": "numeric", "maxlength": 12, "autocomplete": "off"},
    )
    name = _name(lazy_gettext("Name of the new village"))
    grids = SelectMultipleField(
        lazy_gettext("Grids that go to it"),
        validate_choice=False,
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )

    def offer(self, township_code: str, grids: Sequence[tuple[str, str]]) -> None:
        """Begin the code, and set which grids may be chosen: (code, name)."""
        self.code.data = self.code.data or township_code
        self.grids.choices = list(grids)
