"""The page where a phone's file is brought in, for a phone whose network never works.

Invariant: the file is read from where the request put it, never taken into memory as a whole.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from wtforms import FileField
from wtforms.validators import ValidationError

from fieldapp.core import clock
from fieldapp.core.errors import AppError
from fieldapp.core.forms import Form
from fieldapp.core.guard import SUPERVISOR, require
from fieldapp.sync import handover, imports
from fieldapp.sync.words import KINDS

# What became of an operation, by code or outcome of its receipt, and the look of the word: (word, state).
OUTCOMES = {
    "accepted": (lazy_gettext("Taken in"), "approved"),
    "duplicate": (lazy_gettext("Here already"), "approved"),
    "rejected": (lazy_gettext("Waits at the office"), "returned"),
    "conflict": (lazy_gettext("Waits at the office"), "returned"),
    "refused_by_office": (lazy_gettext("Refused by the office"), "refused"),
    "retry": (lazy_gettext("Not taken in yet"), "returned"),
}
ENDINGS = {
    handover.CUT_OFF: lazy_gettext(
        "The file breaks off in the middle. What was whole is in; copy the file from the phone once more for the rest."
    ),
    handover.DAMAGED: lazy_gettext(
        "The file is damaged in the middle. What came before is in; make a new file on the phone for the rest."
    ),
}

bp = Blueprint("handover", __name__)


class HandoverForm(Form):
    """A phone's file."""

    file = FileField(lazy_gettext("The phone's file"), render_kw={"accept": ".fieldapp"})

    def validate_file(self, file: FileField) -> None:
        """There is one."""
        if not file.data:
            raise ValidationError(gettext("Choose the file that was made on the phone."))


@bp.url_value_preprocessor
def _let_files_in(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Set before anything (the check of the token) looks at the body."""
    if endpoint == "handover.bring_in":
        request.max_content_length = current_app.config["FIELDAPP"].import_max_bytes


@bp.get("/handover")
@require(SUPERVISOR)
def page() -> str:
    """The form for a phone's file."""
    return render_template("sync/handover.html", form=HandoverForm(formdata=None))


@bp.post("/handover")
@require(SUPERVISOR)
def bring_in() -> str | tuple[str, int]:
    """Take a phone's file in, and say what became of everything in it."""
    form = HandoverForm()
    if not form.validate_on_submit():
        return render_template("sync/handover.html", form=form), 422
    try:
        brought = imports.bring_in(current_user, form.file.data.stream, clock.now())
    except AppError as error:
        form.file.errors = [error.message]
        return render_template("sync/handover.html", form=form), error.status
    return render_template(
        "sync/brought.html",
        brought=brought,
        kinds=KINDS,
        outcomes=OUTCOMES,
        ending=ENDINGS.get(brought.ending),
    )


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(bp)
