"""The form in which an officer sets how a rule works in a county.

Invariant: a change says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, IntegerField, SelectField
from wtforms.validators import ValidationError

from fieldapp.core.forms import Form, reason_area
from fieldapp.policies.pages import PolicyForm
from fieldapp.reviews.rules import Threshold

# What a threshold is called where it is not simply where looking begins.
LABELS: Mapping[str, Any] = {
    "seconds": lazy_gettext("Looked at when a question took less than"),
    "days": lazy_gettext("Within so many days"),
}


class RuleForm(PolicyForm):
    """Whether a rule raises flags, of which severity, and from when on."""

    thresholds: Sequence[Threshold] = ()

    is_on = BooleanField(lazy_gettext("The rule raises flags"))
    severity = SelectField(lazy_gettext("How urgent"))
    reason = reason_area(
        lazy_gettext("Why is it changed?"),
        lazy_gettext("For example: in the mountains the location is seldom better than 300 m."),
    )

    def offer(self, severities: Mapping[str, str]) -> None:
        """Set what may be chosen."""
        self.severity.choices = list(severities.items())

    def list_threshold_fields(self) -> list[tuple[IntegerField, Threshold]]:
        """The fields of what the rule is measured against."""
        return [(self[threshold.name], threshold) for threshold in self.thresholds]

    def read_thresholds(self) -> dict[str, int]:
        """What was set, by name."""
        return {threshold.name: field.data for field, threshold in self.list_threshold_fields()}


def make_rule_form(thresholds: Sequence[Threshold]) -> type[RuleForm]:
    """The form of a rule that is measured against those."""
    fields = {
        threshold.name: IntegerField(
            LABELS.get(threshold.name, lazy_gettext("Looked at from")),
            [_within(threshold)],
            render_kw={"inputmode": "numeric"},
        )
        for threshold in thresholds
    }
    return type("RuleForm", (RuleForm,), {"thresholds": thresholds, **fields})


def _within(threshold: Threshold) -> Any:
    """A number that the rule can work with."""

    def check(_form: Form, field: IntegerField) -> None:
        if field.data is None or not threshold.least <= field.data <= threshold.most:
            field.errors = []
            raise ValidationError(
                gettext(
                    "Write a number from %(least)s to %(most)s.", least=threshold.least, most=threshold.most
                )
            )

    return check
