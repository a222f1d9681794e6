"""What all forms of the desk share.

Invariant: every form carries the CSRF token; a text is stripped before it is checked, so that blanks are no reason.
"""

from __future__ import annotations

import io
from typing import Any

from flask import request
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

TEXT_LIMIT = 1000


class Form(FlaskForm):  # type: ignore[misc]
    """The base of all forms."""


def hold_files_in_memory(most_bytes: int) -> None:
    """Take a form in with files of up to so many bytes; to be called before anything (the check of the token) looks at it."""
    request.max_content_length = most_bytes + 100_000
    # Werkzeug would write what is large to a temporary file, readable.
    request._get_file_stream = lambda *_, **__: io.BytesIO()  # type: ignore[method-assign]


def strip(text: str | None) -> str | None:
    """A filter: the text without blanks around it."""
    return text.strip() if text else text


def clean(text: str | None) -> str | None:
    """A filter: the text without blanks around it, nor the sign NUL, which no database keeps."""
    return strip(text.replace("\0", "")) if text else text


def text_area(label: Any, *, required: Any = None, placeholder: Any = "", rows: int = 2) -> TextAreaField:
    """A text of several lines; `required` is what is said when it is missing."""
    validators: list[Any] = [Length(max=TEXT_LIMIT, message=lazy_gettext("At most %(max)d characters."))]
    if required is not None:
        validators.insert(0, DataRequired(required))
    return TextAreaField(
        label,
        validators,
        filters=[clean],
        render_kw={"rows": rows, "placeholder": placeholder, "maxlength": TEXT_LIMIT},
    )


def reason_area(label: Any, placeholder: Any = "") -> TextAreaField:
    """A reason that somebody else will read."""
    return text_area(
        label,
        required=lazy_gettext("Write a reason, so that the other side knows what to do."),
        placeholder=placeholder,
    )
