"""Forms of merging and of parting again.

Invariant: a merge carries how far its editor had read both histories, so that nobody merges what they have not seen.
"""

from __future__ import annotations

from flask_babel import lazy_gettext
from wtforms import HiddenField, IntegerField
from wtforms.widgets import HiddenInput

from fieldapp.core.forms import Form, reason_area


class MergeForm(Form):
    """Two entries as they were seen; which values stay is in fields `stays-…`, one for each choice."""

    kept_seen = IntegerField(widget=HiddenInput())
    other_seen = IntegerField(widget=HiddenInput())


class PairForm(Form):
    """Two entries of which somebody says that they are two people."""

    one = HiddenField()
    other = HiddenField()


class UndoMergeForm(Form):
    """Why two entries are parted again."""

    reason = reason_area(
        lazy_gettext("Why are they two after all?"),
        lazy_gettext("For example: father and son of the same name."),
    )
