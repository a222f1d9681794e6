"""Who is told a restricted tag by its name at the desk; everybody else reads 两人同行 in its place.

Invariant: only an account that an administrator has allowed to, in a role that reads records, is told.
"""

from __future__ import annotations

from collections.abc import Iterable

from fieldapp.core import clock
from fieldapp.core.codes import list_codes
from fieldapp.core.guard import READERS
from fieldapp.people import period_queries
from fieldapp.people.sync import RESTRICTED_AS, get_restricted_tags
from fieldapp.users.models import User


def get_hidden_tags(reader: User) -> frozenset[str]:
    """The tags that `reader` is not told by name."""
    if reader.role in READERS and reader.sees_restricted:
        return frozenset()
    return get_restricted_tags()


def show_tags(tags: Iterable[str], hidden: frozenset[str]) -> list[str]:
    """The tags as they are shown to whom `hidden` ones are hidden from."""
    return list(dict.fromkeys(RESTRICTED_AS if tag in hidden else tag for tag in tags))


def list_choosable(hidden: frozenset[str], held: Iterable[str], grid_code: str) -> list[str]:
    """The tags an editor may give to somebody in that grid: not what only stands for others; neither a retired one, nor one
    of special periods while none there offers it, unless it is held.
    """
    kept, today = set(held), clock.local_date(clock.now())
    offered = period_queries.list_offered_tags(grid_code, today)
    return [
        row.code
        for row in list_codes("tag")
        if row.code not in hidden
        and not row.extra.get("shown_only")
        and (row.code in kept or row.retired_on is None or row.retired_on > today)
        and (row.code in kept or row.code in offered or not row.extra.get("special_period"))
    ]
