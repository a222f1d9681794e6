"""Forms of follow-up tasks at the desk.

Invariant: a due time is typed and shown in Asia/Shanghai and leaves the form as an aware instant.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import DateTimeLocalField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from fieldapp.core import clock
from fieldapp.core.forms import Form, clean, reason_area, text_area

LATEST_DUE = timedelta(days=366)
# How a task came in that no flag made and nobody at the desk thought of.
SOURCES = {
    "hotline": lazy_gettext("Hotline"),
    "walk_in": lazy_gettext("Came in person"),
    "letter": lazy_gettext("Letter or message"),
}


class HandOutForm(Form):
    """To whom, by when, and what to mind."""

    assignee = SelectField(lazy_gettext("Who does it"), [InputRequired(lazy_gettext("Choose who does it."))])
    partner = SelectField(lazy_gettext("Who goes along"), [Optional()])
    due = DateTimeLocalField(
        lazy_gettext("Due"),
        [InputRequired(lazy_gettext("Say by when: day and time."))],
        format="%Y-%m-%dT%H:%M",
    )
    instructions = text_area(lazy_gettext("What to do or mind (optional)"), rows=3)

    def offer(self, people: list[tuple[int, str]]) -> None:
        """Set whom the task may be given to: (account id, name with role)."""
        choices = [("", lazy_gettext("Choose…"))] + [(str(user_id), name) for user_id, name in people]
        self.assignee.choices = self.partner.choices = choices

    def validate_due(self, due: DateTimeLocalField) -> None:
        """A task cannot be due before it is handed out, nor in a year that a slip of the finger made."""
        now = clock.now()
        if due.data is not None and not now < due.data.replace(tzinfo=clock.LOCAL) < now + LATEST_DUE:
            raise ValidationError(gettext("Choose a time from now on, within a year."))

    @property
    def assignee_id(self) -> int:
        """The chosen account."""
        return int(self.assignee.data)

    @property
    def partner_id(self) -> int | None:
        """The account that goes along, if one was chosen."""
        return int(self.partner.data) if self.partner.data else None

    @property
    def due_at(self) -> datetime:
        """The due instant."""
        typed: datetime = self.due.data
        return typed.replace(tzinfo=clock.LOCAL)


class NewFollowupForm(HandOutForm):
    """A task made by hand."""

    type = SelectField(
        lazy_gettext("Kind of task"), [InputRequired(lazy_gettext("Choose the kind of task."))]
    )
    severity = SelectField(lazy_gettext("How urgent"))
    person = SelectField(lazy_gettext("About"))
    reason = reason_area(lazy_gettext("Why"))


class TakeInForm(Form):
    """A call to the hotline, somebody who came in, a letter of complaint."""

    source = SelectField(lazy_gettext("How it came in"))
    type = SelectField(
        lazy_gettext("What it is about"), [InputRequired(lazy_gettext("Choose what it is about."))]
    )
    severity = SelectField(lazy_gettext("How urgent"))
    area = SelectField(lazy_gettext("Where help is needed"), [Optional()])
    reason = text_area(
        lazy_gettext("What was said"), required=lazy_gettext("Write down what was said."), rows=4
    )
    caller_name = StringField(
        lazy_gettext("Who called or came (optional)"),
        [Length(max=80)],
        filters=[clean],
        render_kw={"maxlength": 80},
    )
    caller_phone = StringField(
        lazy_gettext("Number to call back (optional)"),
        [Length(max=40)],
        filters=[clean],
        render_kw={"maxlength": 40, "inputmode": "tel"},
    )

    def offer(self, types: dict[str, str], severities: dict[str, str], areas: list[tuple[str, str]]) -> None:
        """Set what may be chosen."""
        self.source.choices = list(SOURCES.items())
        self.type.choices = with_blank(types, lazy_gettext("Choose…"))
        self.severity.choices = list(severities.items())
        self.area.choices = areas

    @property
    def caller(self) -> dict[str, str] | None:
        """Whoever called or came, if they said who they are."""
        said = {"name": self.caller_name.data or "", "phone": self.caller_phone.data or ""}
        return said if any(said.values()) else None


class ReasonForm(Form):
    """Why something is sent back or called off."""

    reason = reason_area(lazy_gettext("Reason"))


def as_typed(instant: datetime) -> datetime:
    """An instant as the field shows it."""
    return instant.astimezone(clock.LOCAL).replace(tzinfo=None)


def with_blank(words: dict[str, str], blank: Any) -> list[tuple[str, Any]]:
    """The choices of a code table, with a first one that chooses nothing."""
    return [("", blank), *words.items()]
