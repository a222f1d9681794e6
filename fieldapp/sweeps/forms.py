"""The form that prepares a sweep.

Invariant: whom it is to reach is either described or named in a file, never both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import (
    BooleanField,
    DateField,
    FileField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import UUID, DataRequired, InputRequired, Length, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.core.forms import Form, strip

FILTER, FILE = "filter", "file"


def choices(label: Any, validators: Sequence[Any] = ()) -> SelectMultipleField:
    """Several of what is offered, each with a box to tick."""
    return SelectMultipleField(
        label, validators, option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )


class SweepForm(Form):
    """What a sweep is called, where and when it is, how somebody is reached, and who is on its list."""

    form_uuid = HiddenField(validators=[UUID()])
    source = HiddenField(default=FILTER)
    name = StringField(
        lazy_gettext("Name"),
        [DataRequired(lazy_gettext("Write what papers call it.")), Length(max=80)],
        filters=[strip],
        render_kw={"maxlength": 80, "placeholder": lazy_gettext("Winter sweep 2026")},
    )
    area = SelectField(lazy_gettext("Area"), [InputRequired()])
    from_on = DateField(lazy_gettext("First day"), [InputRequired(lazy_gettext("Say from which day on."))])
    until_on = DateField(lazy_gettext("Last day"), [InputRequired(lazy_gettext("Say until which day."))])
    methods = choices(
        lazy_gettext("Somebody is reached by"),
        [DataRequired(lazy_gettext("Choose at least one way."))],
    )
    checklist = SelectField(lazy_gettext("Checklist that phones begin with"))
    classes = choices(lazy_gettext("Classes"))
    tags = choices(lazy_gettext("Tags"))
    risks = choices(lazy_gettext("Risk"))
    overdue = BooleanField(lazy_gettext("Only whose visit is overdue"))
    file = FileField(lazy_gettext("Excel workbook or CSV file"), render_kw={"accept": ".xlsx,.csv,.txt"})

    def offer(
        self,
        areas: list[tuple[str, str]],
        words: Mapping[str, Mapping[str, str]],
        checklists: Mapping[str, str],
    ) -> None:
        """Set what may be chosen."""
        self.area.choices = areas
        self.methods.choices = list(words["method"].items())
        self.classes.choices = list(words["class"].items())
        self.tags.choices = list(words["tag"].items())
        self.risks.choices = list(words["risk"].items())
        self.checklist.choices = [("", gettext("The usual one of each household")), *checklists.items()]

    def validate_until_on(self, until_on: DateField) -> None:
        """A sweep does not end before it begins."""
        if until_on.data and self.from_on.data and until_on.data < self.from_on.data:
            raise ValidationError(gettext("The last day cannot lie before the first."))

    def validate_file(self, file: FileField) -> None:
        """There is one, where the list comes from a file."""
        if self.is_from_file and not file.data:
            raise ValidationError(gettext("Choose the file."))

    @property
    def is_from_file(self) -> bool:
        """Whether a file names who is on the list."""
        return bool(self.source.data == FILE)

    @property
    def criteria(self) -> dict[str, Any]:
        """Who is on the list, as `sweeps.queries` reads it: everybody where nothing is chosen."""
        return {
            "classes": self.classes.data or [],
            "tags": self.tags.data or [],
            "risks": self.risks.data or [],
            "overdue": bool(self.overdue.data),
        }
