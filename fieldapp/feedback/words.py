"""The words of feedback.

Invariant: the topics are those of the phone's form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

TOPICS: Mapping[str, Any] = {
    "app": lazy_gettext("The app"),
    "checklist": lazy_gettext("A question of a checklist"),
    "workload": lazy_gettext("How much there is to do"),
    "other": lazy_gettext("Something else"),
}
STATES: Mapping[str, Any] = {
    "sent": lazy_gettext("Waits for an answer"),
    "answered": lazy_gettext("Answered"),
    "reopened": lazy_gettext("Not solved, sent again"),
}
