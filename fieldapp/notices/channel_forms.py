"""The form of a channel outside.

Invariant: the address, which holds a secret, is typed and never shown again.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, SelectField, SelectMultipleField, StringField, TimeField
from wtforms.validators import DataRequired, InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core import wording
from fieldapp.core.forms import Form, clean
from fieldapp.notices.rules import CHANNEL_ROLES, PLAIN
from fieldapp.notices.sending import can_send_to


class ChannelForm(Form):
    """Where to, for whom and what, and when not."""

    name = StringField(
        lazy_gettext("Name of the channel"),
        [DataRequired(lazy_gettext("Write what it is called.")), Length(max=80)],
        filters=[clean],
        render_kw={"maxlength": 80},
    )
    url = StringField(
        lazy_gettext("Where it sends to"),
        [Length(max=1000)],
        filters=[clean],
        render_kw={"autocomplete": "off", "spellcheck": "false", "maxlength": 1000},
    )
    area = SelectField(lazy_gettext("Whose"))
    roles = SelectMultipleField(
        lazy_gettext("Carries notices for"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    severities = SelectMultipleField(
        lazy_gettext("Carries"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    quiet_from = TimeField(lazy_gettext("Quiet from"), [InputRequired(lazy_gettext("Say from when."))])
    quiet_to = TimeField(lazy_gettext("Quiet until"), [InputRequired(lazy_gettext("Say until when."))])
    is_on = BooleanField(lazy_gettext("In use"))

    def offer(self, areas: list[tuple[str, str]], severities: dict[str, str]) -> None:
        """Set which areas and severities there are: (code, name)."""
        self.area.choices = [("", gettext("The whole installation")), *areas]
        self.roles.choices = [(role, wording.ROLES[role]) for role in CHANNEL_ROLES]
        self.severities.choices = [*severities.items(), (PLAIN, gettext("without severity"))]

    def validate_url(self, url: StringField) -> None:
        """An address that messages can be sent to; a channel that has one keeps it when none is typed."""
        if not url.data:
            if not self.has_url:
                raise ValidationError(gettext("Write the address that messages are sent to."))
        elif not can_send_to(url.data):
            raise ValidationError(
                gettext("This is not an address that messages can be sent to. See the examples.")
            )

    has_url = False

    @property
    def values(self) -> dict[str, Any]:
        """The channel's values; no address when none was typed."""
        typed = {"url": self.url.data} if self.url.data else {}
        return {
            "name": self.name.data,
            "area_code": self.area.data or None,
            "roles": self.roles.data,
            "severities": self.severities.data,
            "quiet_from": self.quiet_from.data,
            "quiet_to": self.quiet_to.data,
            "is_on": self.is_on.data,
            **typed,
        }
