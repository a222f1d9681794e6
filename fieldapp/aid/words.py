"""The words of aid, and who deals with it.

Invariant: what is said of aid on the pages of a household and of a visit is said as on its own.
"""

from __future__ import annotations

from flask_babel import lazy_gettext

from fieldapp.core.guard import OFFICER, SUPERVISOR

# Who enters and settles aid.
HANDLERS = (SUPERVISOR, OFFICER)
# The code tables that say what it is.
AID_WORDS = ("aid_programme", "aid_source", "aid_goods", "aid_service", "aid_unit")
KINDS = {
    "cash": lazy_gettext("Money"),
    "goods": lazy_gettext("Goods"),
    "service": lazy_gettext("Service"),
}
STATES = {
    "due": lazy_gettext("Still to be given"),
    "given": lazy_gettext("Given"),
    "cancelled": lazy_gettext("Cancelled"),
    "reversed": lazy_gettext("Reversed"),
    "reversal": lazy_gettext("Takes an entry back"),
}
