"""Forms of re-visits at the desk.

Invariant: a change of the policy says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext
from wtforms import BooleanField, IntegerField, RadioField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core.forms import Form, reason_area, text_area
from fieldapp.policies.pages import PolicyForm

DECISIONS: Mapping[str, Any] = {
    "fine": lazy_gettext("Nothing is wrong"),
    "talked": lazy_gettext("Talked with the worker"),
    "voided": lazy_gettext("The visit does not count"),
    "task": lazy_gettext("A follow-up was made"),
}


FINDINGS: Mapping[str, Any] = {
    "agree": lazy_gettext("Both say the same"),
    "differ": lazy_gettext("Something differs"),
    "not_done": lazy_gettext("Nobody was reached"),
}


class DecisionForm(Form):
    """What was decided about a re-visit."""

    decision = RadioField(
        lazy_gettext("What is decided?"),
        [InputRequired(lazy_gettext("Choose what is decided."))],
        widget=ListWidget(prefix_label=False),
    )
    words = text_area(
        lazy_gettext("In words"), placeholder=lazy_gettext("For example: asked, it was another day.")
    )

    def __init__(self, **given: Any) -> None:
        """Offer what may be decided."""
        super().__init__(**given)
        self.decision.choices = list(DECISIONS.items())


def _percent(label: Any) -> IntegerField:
    wrong = lazy_gettext("Between 0 and 100.")
    return IntegerField(
        label,
        [InputRequired(wrong), NumberRange(0, 100, wrong)],
        render_kw={"inputmode": "numeric", "min": 0, "max": 100},
    )


class RevisitPolicyForm(PolicyForm):
    """How often accepted home visits are drawn to be looked at again."""

    share_percent = _percent(lazy_gettext("Of a hundred accepted home visits, so many are drawn"))
    more_percent = _percent(lazy_gettext("Of a hundred to people at high risk or of the classes below"))
    classes = SelectMultipleField(
        lazy_gettext("Classes drawn as often as high risk"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    quiet_days = IntegerField(
        lazy_gettext("For so many days a household is not drawn again"),
        [
            InputRequired(lazy_gettext("Between 7 and 730.")),
            NumberRange(7, 730, lazy_gettext("Between 7 and 730.")),
        ],
        render_kw={"inputmode": "numeric", "min": 7, "max": 730},
    )
    pauses = BooleanField(lazy_gettext("Nothing is drawn in a special period that pauses reviews"))
    reason = reason_area(
        lazy_gettext("Why is it changed?"),
        lazy_gettext("For example: after complaints more visits are looked at again until spring."),
    )

    def offer(self, classes: Mapping[str, str]) -> None:
        """Set what may be chosen."""
        self.classes.choices = list(classes.items())
