"""The fixed wordings of notices.

Invariant: a wording is filled with a place, a kind of task and a time, and with nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext, lazy_gettext

CAUSES: Mapping[str, Any] = {
    "incident.raised": lazy_gettext("Something red waits for an answer"),
    "incident.climbed": lazy_gettext("Nobody answered what is red in time: it went one level up"),
    "followup.given": lazy_gettext("A follow-up task was given to you"),
    "followup.reopened": lazy_gettext("A follow-up task came back to you"),
    "followup.overdue": lazy_gettext("A follow-up task of yours is overdue"),
    "followup.climbed": lazy_gettext("An overdue follow-up task has come up to you"),
    "visit.returned": lazy_gettext("A visit came back to you to be corrected"),
    "referral.accepted": lazy_gettext("A body outside has accepted a referral"),
    "referral.done": lazy_gettext("A body outside has done what it was asked for"),
    "referral.refused": lazy_gettext("A body outside has refused a referral"),
    "relief.opened": lazy_gettext("Temporary relief was asked for"),
    "relief.proposed": lazy_gettext("Temporary relief waits for your decision"),
    "relief.decided": lazy_gettext("Temporary relief was decided on"),
    "feedback.sent": lazy_gettext("A grid worker has sent feedback"),
    "feedback.answered": lazy_gettext("Your feedback was answered"),
    "report.before": lazy_gettext(
        "The weekly report is due on the next working day: please check your figures"
    ),
    "report.today": lazy_gettext("The weekly report is due today: please confirm your figures"),
    "report.returned": lazy_gettext("The city gave your weekly figures back"),
    "report.sent": lazy_gettext("A city has sent its weekly report"),
    "report.corrected": lazy_gettext("A city has corrected a weekly report"),
    "channel.failing": lazy_gettext("Messages do not get out through a channel"),
    "channel.test": lazy_gettext("A test: this channel works"),
}
# How the same is said to a group, which nobody in it is “you”.
OUTSIDE: Mapping[str, Any] = {
    **CAUSES,
    "followup.given": lazy_gettext("A follow-up task was handed out"),
    "followup.reopened": lazy_gettext("A follow-up task has to be done again"),
    "followup.overdue": lazy_gettext("A follow-up task is overdue"),
    "followup.climbed": lazy_gettext("An overdue follow-up task went one level up"),
    "visit.returned": lazy_gettext("A visit was returned to be corrected"),
    "relief.proposed": lazy_gettext("Temporary relief waits for a decision"),
}
DELIVERY_STATES: Mapping[str, Any] = {
    "waiting": lazy_gettext("waits for its time"),
    "sending": lazy_gettext("being sent"),
    "sent": lazy_gettext("sent"),
    "failed": lazy_gettext("not sent"),
    "uncertain": lazy_gettext("uncertain: it may have arrived"),
}
ERRORS: Mapping[str, Any] = {
    "no_connection": lazy_gettext(
        "Nobody answered at that address: is the network there, is the address right?"
    ),
    "timeout": lazy_gettext("The other side took it and did not answer in time."),
    "broken_off": lazy_gettext("The connection broke off before the other side answered."),
    "stopped": lazy_gettext("The server stopped while sending."),
    "unknown": lazy_gettext("The other side did not say what became of it."),
    "channel_off": lazy_gettext("The channel was switched off."),
    "url_unreadable": lazy_gettext("The address of the channel is not one that can be sent to."),
}


def say_error(error: str | None) -> str:
    """Why an attempt failed, in words."""
    if error and error.startswith("answered_"):
        return gettext(
            "The other side refused it (%(code)s): is the key of the channel right?", code=error[9:]
        )
    return str(ERRORS[error]) if error else ""
