"""Sending one message outside, through Apprise.

Invariant: a message says what happened, how urgent, what kind of task, in which township or county, until when, and where
to open it: nothing of a person. Apprise's log, which holds addresses with their keys, goes nowhere.
"""

from __future__ import annotations

import logging
import threading

import apprise
from flask import current_app
from flask_babel import force_locale, gettext

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.db import db
from fieldapp.notices import channel_actions as actions, rules
from fieldapp.notices.models import NoticeDelivery
from fieldapp.notices.words import OUTSIDE

_log = logging.getLogger("apprise")
_log.propagate = False
_log.setLevel(logging.DEBUG)

PATHS = {
    "incident": "/incidents/",
    "followup": "/followups/",
    "visit": "/reviews/",
    "referral": "/referrals/",
    "channel": "/channels/",
    "feedback": "/feedback/",
    "relief": "/relief/",
    "report": "/reports/",
}


class _Ear(logging.Handler):
    """What Apprise says in this thread."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.said.append(record.getMessage())


def can_send_to(url: str) -> bool:
    """Whether Apprise knows what to do with that address."""
    return apprise.Apprise.instantiate(url, suppress_exceptions=True) is not None


def deliver(delivery_id: str) -> None:
    """Send a message if it is still to be sent; whatever comes of it is noted. Runs its own transactions."""
    claimed = actions.claim(delivery_id, clock.now())
    if claimed is None:
        return
    title, body = write(claimed.delivery)
    # The network may take long: nothing of the database is held meanwhile.
    db.session.remove()
    state, error = _send(claimed.url, title, body)
    actions.settle(claimed, state, error, clock.now())


def write(delivery: NoticeDelivery) -> tuple[str, str]:
    """(title, body) of a message, in Chinese."""
    site = current_app.config["FIELDAPP"].site_url.rstrip("/")
    due_at = delivery.params.get("due_at")
    with force_locale("zh"):
        words = wording.get_words("severity", "followup_type")
        severity = words["severity"].get(delivery.severity or "", "")
        title = f"【{severity}】{OUTSIDE[delivery.cause]}" if severity else str(OUTSIDE[delivery.cause])
        lines = [
            "".join(area.name for area in areas.list_path(delivery.area_code)[1:])
            if delivery.area_code
            else "",
            words["followup_type"].get(delivery.params.get("type", ""), ""),
            gettext("Due: %(when)s", when=wording.say_full(clock.parse_instant(due_at))) if due_at else "",
            gettext("Open it: %(where)s", where=f"{site}{PATHS[delivery.subject]}{delivery.subject_id}"),
            gettext(
                "No. %(number)s (the same number again is the same message)", number=delivery.delivery_id[:8]
            ),
        ]
    return title, "\n".join(line for line in lines if line)


def _send(url: str, title: str, body: str) -> tuple[str, str | None]:
    ear = _Ear()
    _log.addHandler(ear)
    try:
        channel = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if channel is None:
            return rules.FAILED, "url_unreadable"
        return rules.judge(bool(channel.notify(title=title, body=body)), ear.said)
    except Exception as error:  # whatever a channel's code throws, the message must not be lost with it
        logging.getLogger(__name__).warning("a notice could not be sent: %s", type(error).__name__)
        return rules.judge(False, [*ear.said, repr(error)])
    finally:
        _log.removeHandler(ear)
