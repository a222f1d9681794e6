"""How sweeps are said to a person: where they stand, what has become of somebody, why a row of a list means nobody.

Invariant: every state, standing and fault has its words here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext

from fieldapp.imports.words import FAULTS
from fieldapp.sweeps import lists, queries
from fieldapp.sweeps.models import CLOSED, DRAFT, OPEN

# (word, look of the word) by state of a sweep, and of somebody on its list.
STATES = {
    DRAFT: (lazy_gettext("Draft"), "over"),
    OPEN: (lazy_gettext("Going on"), "submitted"),
    CLOSED: (lazy_gettext("Over"), "approved"),
}
# An open one whose last day has passed.
TO_CLOSE = (lazy_gettext("Days over, to be closed"), "returned")
STANDINGS = {
    queries.REACHED: (lazy_gettext("Reached"), "approved"),
    queries.REFUSED: (lazy_gettext("Refused to be visited"), "returned"),
    queries.NOT_REACHED: (lazy_gettext("Tried, nobody reached"), "returned"),
    queries.UNTRIED: (lazy_gettext("Not tried yet"), "over"),
    queries.DIED: (lazy_gettext("Has died"), "over"),
    queries.MOVED_AWAY: (lazy_gettext("Moved away"), "over"),
    queries.ELSEWHERE: (lazy_gettext("Lives in another area now"), "over"),
    queries.MERGED: (lazy_gettext("Registered twice, merged with another entry"), "over"),
}
ROW_FAULTS: Mapping[str, Any] = {
    **FAULTS,
    lists.UNKNOWN_ID: lazy_gettext("Nobody on the list of this area has this ID number."),
    lists.UNKNOWN_NAME: lazy_gettext("Nobody on the list of this area has this name (and birthday)."),
    lists.SEVERAL: lazy_gettext("Several people on the list could be meant. Add the ID number."),
    lists.TWICE: lazy_gettext("The same person stands in a row above already."),
    lists.DIED: lazy_gettext("This person has died."),
    lists.MOVED_AWAY: lazy_gettext("This person has moved away."),
}
