"""Forms of outside bodies and of referrals to them.

Invariant: which body a task may be referred to is set by whoever shows the form.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core.forms import Form, clean, reason_area, text_area
from fieldapp.followups.models import Provider


def _line(label: Any, longest: int, *, required: Any = None) -> StringField:
    validators: list[Any] = [Length(max=longest, message=lazy_gettext("At most %(max)d characters."))]
    if required is not None:
        validators.insert(0, DataRequired(required))
    return StringField(label, validators, filters=[clean], render_kw={"maxlength": longest})


class ProviderForm(Form):
    """What a body is, where and with what it helps, and whom one talks to."""

    name = _line(lazy_gettext("Name of the body"), 120, required=lazy_gettext("Write what it is called."))
    kind = SelectField(lazy_gettext("Kind"), [InputRequired()])
    area = SelectField(lazy_gettext("Helps people in"), [InputRequired()])
    services = SelectMultipleField(
        lazy_gettext("Kinds of help"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    address = _line(lazy_gettext("Where it is"), 200)
    contact = _line(lazy_gettext("Contact person"), 80)
    phone = _line(lazy_gettext("Phone"), 40, required=lazy_gettext("Write the number one calls."))
    note = text_area(lazy_gettext("What to know (beds free, opening hours, papers needed)"), rows=3)
    takes_referrals = BooleanField(lazy_gettext("Takes referrals"), default=True)

    def offer(self, areas: list[tuple[str, str]], kinds: dict[str, str], services: dict[str, str]) -> None:
        """Set what may be chosen."""
        self.area.choices = areas
        self.kind.choices = list(kinds.items())
        self.services.choices = list(services.items())

    @property
    def values(self) -> dict[str, Any]:
        """What was typed, by column; the area apart."""
        return {
            "name": self.name.data,
            "kind": self.kind.data,
            "services": self.services.data or [],
            "address": self.address.data or None,
            "contact": self.contact.data or None,
            "phone": self.phone.data,
            "note": self.note.data or None,
            "takes_referrals": self.takes_referrals.data,
        }


class ReferForm(Form):
    """To whom a task is referred, and what they are asked for."""

    provider = SelectField(
        lazy_gettext("Referred to"), [InputRequired(lazy_gettext("Choose whom it is referred to."))]
    )
    text = reason_area(lazy_gettext("What they are asked for"))

    def offer(self, providers: list[Provider], kinds: dict[str, str]) -> None:
        """Set to whom the task may be referred."""
        choices = [("", lazy_gettext("Choose…"))]
        self.provider.choices = choices + [
            (str(one.id), f"{one.name} · {kinds.get(one.kind, one.kind)}") for one in providers
        ]


class OutcomeForm(Form):
    """What the body answered."""

    text = text_area(lazy_gettext("What came of it, or why it was refused"), rows=3)
