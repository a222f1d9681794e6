"""Forms of checklists at the desk.

Invariant: which areas may be chosen is set by the route from what the account may change; anything else is refused.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext
from werkzeug.datastructures import FileStorage
from wtforms import DateField, MultipleFileField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from fieldapp.checklists.models import NAME_LIMIT, OWNER_LIMIT, PURPOSE_LIMIT
from fieldapp.core import clock
from fieldapp.core.forms import Form, strip

FARTHEST = timedelta(days=3660)
# What can stand in an address and in the database: no folders, no control characters.
_NAME = re.compile(rf"[^/\\\x00-\x1f\x7f]{{1,{NAME_LIMIT}}}")
_BOOKS = (".xlsx", ".xls", ".xlsm")


class UploadForm(Form):
    """A workbook, the CSV files it reads, and the area they are for."""

    files = MultipleFileField(
        lazy_gettext("Workbook, and the CSV files it names"),
        render_kw={"accept": ".xlsx,.xls,.csv", "multiple": True},
    )
    area = SelectField(lazy_gettext("Belongs to"), [InputRequired()])

    def validate_files(self, files: MultipleFileField) -> None:
        """One workbook, and nothing but CSV files beside it."""
        books, others = self._split(files.data)
        if not books:
            raise ValidationError(gettext("Choose the Excel workbook of the checklist (.xlsx or .xls)."))
        if len(books) > 1:
            raise ValidationError(gettext("Choose one workbook at a time; CSV files may come with it."))
        strange = [item.filename for item in others if not str(item.filename).lower().endswith(".csv")]
        if strange:
            raise ValidationError(gettext("%(name)s is no CSV file.", name=strange[0]))
        names = [str(item.filename) for item in others]
        odd = next((name for name in names if not _NAME.fullmatch(name) or names.count(name) > 1), None)
        if odd is not None:
            raise ValidationError(
                gettext("Choose each CSV file once, with a short name: %(name)s.", name=odd[:NAME_LIMIT])
            )

    def read(self) -> tuple[str, bytes, dict[str, bytes]]:
        """Name and bytes of the workbook, and the CSV files by name."""
        books, others = self._split(self.files.data)
        return str(books[0].filename), books[0].read(), {str(item.filename): item.read() for item in others}

    @staticmethod
    def _split(files: Any) -> tuple[list[FileStorage], list[FileStorage]]:
        chosen = [item for item in files or [] if isinstance(item, FileStorage) and item.filename]
        # A single file is the workbook, whatever it is called: what it is, its content says.
        books = [item for item in chosen if str(item.filename).lower().endswith(_BOOKS) or len(chosen) == 1]
        return books, [item for item in chosen if item not in books]


class RegistryForm(Form):
    """Who answers for a checklist, why, until when."""

    owner = StringField(
        lazy_gettext("Who answers for it"),
        [
            DataRequired(lazy_gettext("Name the office that answers for this checklist.")),
            Length(max=OWNER_LIMIT),
        ],
        filters=[strip],
        render_kw={"maxlength": OWNER_LIMIT},
    )
    purpose = TextAreaField(
        lazy_gettext("Why it is needed, and on what basis"),
        [
            DataRequired(lazy_gettext("Say why workers are to fill it in: the notice, the task.")),
            Length(max=PURPOSE_LIMIT),
        ],
        filters=[strip],
        render_kw={"maxlength": PURPOSE_LIMIT, "rows": 2},
    )
    valid_until = DateField(lazy_gettext("Valid until (last day; empty: open)"), [Optional()])


class PublishForm(Form):
    """Where and when a version is in force."""

    areas = SelectMultipleField(
        lazy_gettext("Where"), widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )
    from_on = DateField(lazy_gettext("From"), [InputRequired(lazy_gettext("Choose the first day."))])
    until_on = DateField(lazy_gettext("Until (empty: until it is retired)"), [Optional()])

    def validate_areas(self, areas: SelectMultipleField) -> None:
        """At least one area."""
        if not areas.data:
            raise ValidationError(gettext("Choose at least one area."))

    def validate_from_on(self, from_on: DateField) -> None:
        """Nothing is in force before it is published."""
        _check_day(from_on.data)

    def validate_until_on(self, until_on: DateField) -> None:
        """It ends after it began."""
        _check_day(until_on.data)
        if until_on.data and self.from_on.data and until_on.data < self.from_on.data:
            raise ValidationError(gettext("The last day lies before the first."))


def _check_day(day: date | None) -> None:
    today = clock.local_date(clock.now())
    if day is not None and not today <= day <= today + FARTHEST:
        raise ValidationError(gettext("Choose a day from today on."))
