"""Forms of the map: names and codes of areas, units directly under a city, and what takes their place.

Invariant: what a form offers is what its reader may choose; the actions check it again.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext
from wtforms import Field, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.areas.actions import UnitFacts
from fieldapp.core.forms import Form, clean, strip
from fieldapp.people.forms import check_phone, line, number_line
from fieldapp.people.rules import normal_number

_NAME_LENGTH = 80
_ADDRESS_LENGTH = 200


def _name(label: str) -> Field:
    return StringField(
        label,
        [DataRequired(lazy_gettext("Write the name.")), Length(max=_NAME_LENGTH)],
        filters=[clean],
        render_kw={"maxlength": _NAME_LENGTH},
    )


class GridForm(Form):
    """What a grid is called."""

    name = _name(lazy_gettext("Name of the grid"))


class UnitForm(Form):
    """A unit directly under a city."""

    name = _name(lazy_gettext("Name of the unit"))
    kind = SelectField(
        lazy_gettext("What it is"), [DataRequired(lazy_gettext("Choose what it is."))], validate_choice=False
    )
    address = line(lazy_gettext("Where it is"), _ADDRESS_LENGTH)
    contact = line(lazy_gettext("Whom to ask for"), _NAME_LENGTH)
    phone = number_line(lazy_gettext("Phone"), inputmode="tel")

    validate_phone = staticmethod(check_phone)

    def offer(self, kinds: Sequence[tuple[str, str]]) -> None:
        """Set what may be chosen: (code, word)."""
        self.kind.choices = [("", lazy_gettext("Choose…")), *kinds]

    @property
    def facts(self) -> UnitFacts:
        """What the form says, besides the name."""
        return UnitFacts(
            self.kind.data,
            self.address.data or "",
            self.contact.data or "",
            normal_number(self.phone.data or "") or None,
        )


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
