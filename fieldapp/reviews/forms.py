"""Forms of a reviewer's decisions.

Invariant: every decision carries the revision it was made on, so that nobody decides on what they have not seen.
"""

from __future__ import annotations

from flask import request
from flask_babel import lazy_gettext
from wtforms import HiddenField, IntegerField
from wtforms.widgets import HiddenInput

from fieldapp.core.bodies import is_uuid
from fieldapp.core.forms import Form, reason_area


class DecisionForm(Form):
    """A decision on the revision the reviewer saw."""

    revision = IntegerField(widget=HiddenInput())


class ReturnForm(DecisionForm):
    """What the worker is to add or check."""

    reason = reason_area(
        lazy_gettext("What should the worker add or check?"),
        lazy_gettext("For example: please take the photo of the stove again."),
    )


class VoidForm(DecisionForm):
    """Why a visit does not count."""

    reason = reason_area(
        lazy_gettext("Why does this visit not count?"),
        lazy_gettext("For example: recorded for the wrong household."),
    )


class AskForm(Form):
    """Why somebody else is to look at a visit again."""

    reason = reason_area(
        lazy_gettext("Why is this visit looked at again?"),
        lazy_gettext("For example: the family called and says that nobody came."),
    )


class ChosenForm(Form):
    """The visits of a list that are decided on together, each with the revision the list showed."""

    def read(self) -> list[tuple[str, int]]:
        """(uuid, revision) of each; what is none is left out."""
        chosen = []
        for text in request.form.getlist("visit"):
            uuid, _, revision = text.partition(":")
            if is_uuid(uuid) and revision.isdecimal() and len(revision) < 6:
                chosen.append((uuid, int(revision)))
        return chosen


class DismissForm(Form):
    """Why a flag needs nothing; `flag_id` says which one was typed in when the page is shown again."""

    flag_id = HiddenField()
    reason = reason_area(
        lazy_gettext("Why does this flag need nothing?"),
        lazy_gettext("For example: checked by phone, there is enough food."),
    )


class MoveForm(Form):
    """The grid a household moves to, chosen and seen before."""

    grid = HiddenField()
