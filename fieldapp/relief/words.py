"""The words of relief.

Invariant: a state, a channel, a step is said the same on every page and on the phone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

RELIEF_WORDS = ("cause", "aid_source", "followup_type")
STATES: Mapping[str, Any] = {
    "applied": lazy_gettext("Asked for"),
    "accepted": lazy_gettext("Taken up"),
    "investigated": lazy_gettext("Looked into"),
    "proposed": lazy_gettext("Waits for a decision"),
    "approved": lazy_gettext("Granted, to be paid"),
    "paid": lazy_gettext("Paid"),
    "closed": lazy_gettext("Closed"),
    "refused": lazy_gettext("Refused"),
    "withdrawn": lazy_gettext("Withdrawn"),
}
# What is to be done next, by the state in which the case waits for it.
NEXT: Mapping[str, Any] = {
    "applied": lazy_gettext("Take it up"),
    "accepted": lazy_gettext("Look into it and propose"),
    "investigated": lazy_gettext("Propose an amount"),
    "proposed": lazy_gettext("Decide"),
    "approved": lazy_gettext("Pay"),
    "paid": lazy_gettext("Close the case"),
}
STEPS: Mapping[str, Any] = {
    "opened": lazy_gettext("Asked for"),
    "changed": lazy_gettext("Details completed"),
    "accepted": lazy_gettext("Taken up"),
    "investigated": lazy_gettext("Looked into"),
    "proposed": lazy_gettext("Proposed"),
    "returned": lazy_gettext("Sent back"),
    "approved": lazy_gettext("Granted"),
    "paid": lazy_gettext("Paid"),
    "taken_back": lazy_gettext("Payment taken back"),
    "papers": lazy_gettext("Papers complete"),
    "closed": lazy_gettext("Closed"),
    "refused": lazy_gettext("Refused"),
    "withdrawn": lazy_gettext("Withdrawn"),
}
CHANNELS: Mapping[str, Any] = {
    "visit": lazy_gettext("On a visit"),
    "hotline": lazy_gettext("By phone (hotline)"),
    "agent": lazy_gettext("Through an agent"),
    "appointment": lazy_gettext("By appointment"),
    "remote": lazy_gettext("Without meeting (remote)"),
    "desk": lazy_gettext("At the counter"),
}
TIERS: Mapping[str, Any] = {
    "township": lazy_gettext("Township"),
    "county": lazy_gettext("County"),
}
MOVES: Mapping[str, Any] = {
    "in": lazy_gettext("Money came in"),
    "reversal": lazy_gettext("Takes an entry back"),
    "held": lazy_gettext("Held for a case that was granted"),
    "freed": lazy_gettext("Held money set free"),
    "paid": lazy_gettext("Paid out"),
    "taken_back": lazy_gettext("Payment taken back"),
}
