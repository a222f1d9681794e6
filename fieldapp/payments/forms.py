"""Forms of the pages of payment lists."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import BooleanField, DateField, FileField, MonthField, RadioField, SelectField
from wtforms.validators import InputRequired, Optional, ValidationError

from fieldapp.core import clock
from fieldapp.core.forms import Form, text_area
from fieldapp.payments.rules import LEAVE, TAKE, Whole, month_of


class FileForm(Form):
    """A file of payments."""

    file = FileField(lazy_gettext("Excel workbook or CSV file"), render_kw={"accept": ".xlsx,.csv,.txt"})

    def validate_file(self, file: FileField) -> None:
        """There is one."""
        if not file.data:
            raise ValidationError(gettext("Choose the file."))


class TermsForm(Form):
    """What holds for all rows of a list; empty: a column says it."""

    programme = SelectField(lazy_gettext("Programme"))
    source = SelectField(lazy_gettext("Who pays"))
    period = MonthField(lazy_gettext("Month it is for"), [Optional()], render_kw={"placeholder": "2026-11"})
    paid_on = DateField(lazy_gettext("Day it was paid"), [Optional()])

    def offer(self, programmes: Mapping[str, str], sources: Mapping[str, str]) -> None:
        """Set what may be chosen."""
        from_column = ("", lazy_gettext("As a column says"))
        self.programme.choices = [from_column, *programmes.items()]
        self.source.choices = [from_column, *sources.items()]

    def validate_period(self, field: Any) -> None:
        """No slip of the finger: a year that is not about now."""
        if field.data and not 2000 <= field.data.year <= 2100:
            raise ValidationError(gettext("Check the year."))

    def validate_paid_on(self, field: Any) -> None:
        """A day that was."""
        if field.data and (field.data.year < 2000 or field.data > clock.local_date(clock.now())):
            raise ValidationError(gettext("Check the day: it is still to come, or long ago."))

    @property
    def whole(self) -> Whole:
        """What was chosen."""
        day: date | None = self.paid_on.data
        month = month_of(self.period.data) if self.period.data else None
        return Whole(self.programme.data or None, self.source.data or None, month, day)


class ReasonForm(Form):
    """Why a list is taken in, or leaves as a file."""

    reason = text_area(
        lazy_gettext("Why?"), required=lazy_gettext("Write a reason; it is kept in the audit trail.")
    )


class UndoForm(ReasonForm):
    """Why a list is taken back."""

    with_reversed = BooleanField(lazy_gettext("What was taken back one by one stays as it is"))


class DecisionForm(ReasonForm):
    """What becomes of a row, and of several people, who was paid."""

    decision = RadioField(
        lazy_gettext("What becomes of it?"), [InputRequired(lazy_gettext("Choose what becomes of it."))]
    )
    chosen = RadioField(lazy_gettext("Who was paid?"), validate_choice=False)

    def offer(self, people: list[tuple[str, str]]) -> None:
        """Set what may be chosen."""
        self.decision.choices = [
            (TAKE, lazy_gettext("Enter it in the books")),
            (LEAVE, lazy_gettext("Leave it out")),
        ]
        self.chosen.choices = people
