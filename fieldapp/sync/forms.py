"""Forms of the desk for quarantined operations.

Invariant: only what is wrong with what was sent is asked for; the rest stays as its worker wrote it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext
from wtforms import DateTimeLocalField, HiddenField, IntegerField, SelectField
from wtforms.validators import DataRequired, InputRequired
from wtforms.widgets import HiddenInput

from fieldapp.core import clock, wording
from fieldapp.core.forms import Form, reason_area, text_area
from fieldapp.core.web import pick_text
from fieldapp.sync.desk_actions import Corrections
from fieldapp.sync.desk_page import OperationPage

LEAVE_OUT = "none"
_ASKED = [InputRequired(lazy_gettext("Choose or fill in what was sent wrong."))]


class TakeInForm(Form):
    """What has to be chosen for a record to be taken in, and what there is to say to it."""

    revision = IntegerField(widget=HiddenInput())
    household = HiddenField()
    checklist = SelectField(lazy_gettext("Checklist"), _ASKED)
    outcome = SelectField(lazy_gettext("Outcome"), _ASKED)
    method = SelectField(lazy_gettext("Method"), _ASKED)
    started_at = DateTimeLocalField(lazy_gettext("Began at"), _ASKED, format="%Y-%m-%dT%H:%M")
    finished_at = DateTimeLocalField(lazy_gettext("Ended at"), _ASKED, format="%Y-%m-%dT%H:%M")
    reason = text_area(lazy_gettext("What to note about it (optional)"))

    def ask(self, page: OperationPage) -> None:
        """Keep the fields that are needed for the operation of `page`, with what there is to choose from."""
        said = wording.get_words("outcome", "method")
        blank = [("", lazy_gettext("Choose…"))]
        self.outcome.choices = [*blank, *said["outcome"].items()]
        self.method.choices = [*blank, *said["method"].items()]
        self.checklist.choices = [
            *blank,
            *(
                (
                    f"{version.key}/{version.version}",
                    f"{pick_text(version.document['title'])} {version.version}",
                )
                for version in page.versions
            ),
        ]
        if not page.needs.checklist:
            del self.checklist
        for name in {"outcome", "method", "started_at", "finished_at"} - page.needs.fields:
            delattr(self, name)
        if page.needs.reason:
            self.reason.label.text = lazy_gettext("Why it counts although a decision was made")
            self.reason.validators = [
                DataRequired(lazy_gettext("Write a reason, so that the other side knows what to do.")),
                *self.reason.validators,
            ]
        # The reader sees the version that is here now, and takes the record in on top of that one.
        self.revision.data, self.revision.raw_data = page.here.revision if page.here else None, None

    def read(self, people: list[str] | None, fields: Mapping[str, bool]) -> Corrections:
        """What was chosen; `people`: for each part of the answers; `fields`: whether what was sent is right."""
        key, _, version = self._chosen("checklist").partition("/")
        return Corrections(
            household_uuid=self.household.data or None,
            people=tuple(None if person == LEAVE_OUT else person for person in people)
            if people is not None
            else None,
            checklist=(key, version) if key else None,
            outcome=self._chosen("outcome") or None,
            method=self._chosen("method") or None,
            started_at=self._instant("started_at"),
            finished_at=self._instant("finished_at"),
            fields=fields,
        )

    def _chosen(self, name: str) -> str:
        return self[name].data if name in self else ""

    def _instant(self, name: str) -> datetime | None:
        typed: Any = self[name].data if name in self else None
        return typed.replace(tzinfo=clock.LOCAL) if typed else None


class RefuseForm(Form):
    """Why a record is not taken in."""

    reason = reason_area(
        lazy_gettext("Why is it not taken in? The worker reads this."),
        lazy_gettext("For example: the same visit was recorded by a colleague and is here already."),
    )
