"""Pulling: pages of changes in the feeds of a worker, as records.

Invariant: a page never skips a number of its feed; what the account may not hold comes as a null record.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from fieldapp.areas.models import Area
from fieldapp.areas.queries import list_grids
from fieldapp.checklists import sync as checklists
from fieldapp.core import clock, feeds
from fieldapp.core.codes import Code
from fieldapp.core.db import db
from fieldapp.core.feeds import COMMON, FeedEntry
from fieldapp.followups import sync as followups
from fieldapp.people import queries as people, sync as people_sync
from fieldapp.reviews import sync as reviews
from fieldapp.sync import rules
from fieldapp.users.models import User

PAGE = 500
# As many other records as a checklist weighs: a page is still small enough for a slow link.
DOCUMENT_WEIGHT = 50

Records = dict[str, dict[str, Any]]


def get_page(user: User, cursor: str | None, now: datetime) -> dict[str, Any]:
    """The next page of changes after `cursor` (DESIGN section 5)."""
    epoch = feeds.epoch()
    read_to = rules.decode_cursor(cursor, epoch)
    grids = [grid.code for grid in list_grids(user.area_codes(now))]
    above = checklists.feeds_above(grids)
    own = [COMMON, *above, *grids]
    left = sorted(set(read_to) - set(own))
    entries: list[FeedEntry] = []
    room, more = PAGE, False
    for feed in own:
        # The feeds above the grids bring checklists, each with its whole document.
        weight = DOCUMENT_WEIGHT if feed in above else 1
        wanted = max(0, -(-room // weight))
        # One more than fits, to know whether there is more.
        found = list(feeds.list_changes(feed, read_to.get(feed, 0), wanted + 1))
        taken = found[:wanted]
        entries += taken
        room -= weight * len(taken)
        if taken:
            read_to[feed] = taken[-1].number
        more = len(found) > wanted
        if more:
            break
    return {
        "changes": _changes(entries, user, now),
        "left": left,
        "cursor": rules.encode_cursor(
            # Of a feed nothing was read from there is nothing to remember, nor later to let go of.
            epoch,
            {feed: number for feed, number in read_to.items() if feed in own},
        ),
        "more": more,
        "server_time": clock.iso(now),
    }


def _changes(entries: list[FeedEntry], user: User, now: datetime) -> list[dict[str, Any]]:
    uuids: dict[str, list[str]] = {}
    for entry in entries:
        if not entry.gone:
            uuids.setdefault(entry.kind, []).append(entry.uuid)
    records = {kind: _RECORDS[kind](found, user, now) for kind, found in uuids.items()}
    changes = [
        {
            "feed": entry.feed,
            "kind": entry.kind,
            "uuid": entry.uuid,
            "rev": entry.number,
            "record": None if entry.gone else records[entry.kind].get(entry.uuid),
        }
        for entry in entries
    ]
    return changes + _checklists_of_returned(changes)


def _checklists_of_returned(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The versions that returned visits among the changes were made with: no longer in force perhaps, and the phone
    that is to correct them may be a new one.
    """
    visits = {
        (change["record"]["checklist"]["key"], change["record"]["checklist"]["version"]): change
        for change in changes
        if change["kind"] == "visit" and change["record"] and change["record"]["state"] == "returned"
    }
    return [
        {
            "feed": visits[pair]["feed"],
            "kind": "checklist",
            "uuid": "/".join(pair),
            "rev": visits[pair]["rev"],
            "record": record,
        }
        for pair, record in checklists.list_version_records(visits).items()
    ]


def _areas(codes: list[str], _user: User, _now: datetime) -> Records:
    return {
        area.code: {"code": area.code, "name": area.name, "level": area.level, "duty_phone": area.duty_phone}
        for area in db.session.scalars(select(Area).where(Area.code.in_(codes)))
    }


def _households(uuids: list[str], _user: User, _now: datetime) -> Records:
    return {item.household_uuid: people_sync.household_record(item) for item in people.list_households(uuids)}


def _people(uuids: list[str], _user: User, _now: datetime) -> Records:
    restricted = people_sync.get_restricted_tags()
    return {
        item.person_uuid: people_sync.person_record(item, restricted) for item in people.list_people(uuids)
    }


def _visits(uuids: list[str], user: User, now: datetime) -> Records:
    return reviews.list_visit_records(uuids, user.id, now)


def _followups(uuids: list[str], user: User, _now: datetime) -> Records:
    return followups.list_records(uuids, user.id)


def _checklists(publication_ids: list[str], _user: User, now: datetime) -> Records:
    return checklists.list_records(publication_ids, clock.local_date(now))


def _codes(names: list[str], _user: User, _now: datetime) -> Records:
    wanted = set(names)
    return {
        f"{row.table}/{row.code}": {
            "table": row.table,
            "code": row.code,
            "zh": row.zh,
            "en": row.en,
            "position": row.position,
            "extra": row.extra,
        }
        for row in db.session.scalars(select(Code))
        if f"{row.table}/{row.code}" in wanted
    }


_RECORDS: dict[str, Callable[[list[str], User, datetime], Records]] = {
    "area": _areas,
    "household": _households,
    "person": _people,
    "visit": _visits,
    "followup": _followups,
    "checklist": _checklists,
    "code": _codes,
}
