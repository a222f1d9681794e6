"""The form of an answer."""

from __future__ import annotations

from flask_babel import lazy_gettext

from fieldapp.core.forms import Form, text_area


class AnswerForm(Form):
    """What the sender reads on the phone."""

    answer = text_area(
        lazy_gettext("Answer"),
        required=lazy_gettext("Write an answer: the one who asked waits for it."),
        placeholder=lazy_gettext("For example: this question is left out from next month on."),
        rows=4,
    )
