"""The form in which an officer says what happens to clean visits.

Invariant: a change says why.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext
from wtforms import BooleanField, IntegerField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core.forms import reason_area
from fieldapp.policies.pages import PolicyForm


class ReviewPolicyForm(PolicyForm):
    """Whether clean visits are accepted, how many are drawn, and what a person always looks at."""

    accepts = BooleanField(lazy_gettext("Clean and complete visits are accepted without a reviewer"))
    share_percent = IntegerField(
        lazy_gettext("Of a hundred such visits, so many are drawn for review"),
        [
            InputRequired(lazy_gettext("Between 0 and 100.")),
            NumberRange(0, 100, lazy_gettext("Between 0 and 100.")),
        ],
        render_kw={"inputmode": "numeric", "min": 0, "max": 100},
    )
    checklists = SelectMultipleField(
        lazy_gettext("Checklists that somebody always looks at"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    classes = SelectMultipleField(
        lazy_gettext("People whose visits somebody always looks at"),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    reason = reason_area(
        lazy_gettext("Why is it changed?"),
        lazy_gettext("For example: in the cold wave all visits to scattered destitute people are looked at."),
    )

    def offer(self, checklists: Mapping[str, str], classes: Mapping[str, str]) -> None:
        """Set what may be chosen."""
        self.checklists.choices = list(checklists.items())
        self.classes.choices = list(classes.items())
