"""Forms of follow-up tasks at the desk.

Invariant: a due time is typed and shown in Asia/Shanghai and leaves the form as an aware instant.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import DateTimeLocalField, SelectField
from wtforms.validators import InputRequired, ValidationError

from fieldapp.core import clock
from fieldapp.core.forms import Form, reason_area, text_area

LATEST_DUE = timedelta(days=366)


class HandOutForm(Form):
    """To whom, by when, and what to mind."""

    assignee = SelectField(lazy_gettext("Who does it"), [InputRequired(lazy_gettext("Choose who does it."))])
    due = DateTimeLocalField(
        lazy_gettext("Due"),
        [InputRequired(lazy_gettext("Say by when: day and time."))],
        format="%Y-%m-%dT%H:%M",
    )
    instructions = text_area(lazy_gettext("What to do or mind (optional)"), rows=3)

    def offer(self, people: list[tuple[int, str]]) -> None:
        """Set whom the task may be given to: (account id, name with role)."""
        choices = [("", lazy_gettext("Choose…"))]
        self.assignee.choices = choices + [(str(user_id), name) for user_id, name in people]

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


class ReasonForm(Form):
    """Why something is sent back or called off."""

    reason = reason_area(lazy_gettext("Reason"))


def as_typed(instant: datetime) -> datetime:
    """An instant as the field shows it."""
    return instant.astimezone(clock.LOCAL).replace(tzinfo=None)


def with_blank(words: dict[str, str], blank: Any) -> list[tuple[str, Any]]:
    """The choices of a code table, with a first one that chooses nothing."""
    return [("", blank), *words.items()]
