"""Pulling: pages of changes in the feeds of a worker, as records.

Invariant: a page never skips a number of its feed; what the account may not hold comes as a null record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from fieldapp.aid import policy_queries, sync as aid
from fieldapp.areas.models import Area
from fieldapp.areas.queries import feeds_above, list_grids
from fieldapp.checklists import sync as checklists
from fieldapp.core import clock, feeds
from fieldapp.core.codes import Code
from fieldapp.core.db import begin_snapshot, db
from fieldapp.core.feeds import COMMON, KEEP_GONE, Feed, FeedEntry, own_feed
from fieldapp.feedback import sync as feedback
from fieldapp.followups import duty_queries, sync as followups
from fieldapp.notices import sync as notices
from fieldapp.people import period_queries, queries as people, sync as people_sync
from fieldapp.relief import sync as relief
from fieldapp.reviews import sync as reviews
from fieldapp.sweeps import sync as sweeps
from fieldapp.sync import rules
from fieldapp.users.models import User

PAGE = 500
# As many other records as a checklist weighs: a page is still small enough for a slow link.
DOCUMENT_WEIGHT = 50

# In a cursor, beside the feeds: when a reading from the start began that has not come to its end, in seconds since 1970.
_BEGAN = "began"

Records = dict[str, dict[str, Any]]


def get_page(user: User, cursor: str | None, now: datetime) -> dict[str, Any]:
    """The next page of changes after `cursor` (docs/sync.md), read in one snapshot of the database."""
    begin_snapshot()
    epoch = feeds.epoch()
    grids = [grid.code for grid in list_grids(user.area_codes(now))]
    own = [COMMON, *feeds_above(grids), *grids, own_feed(user.id)]
    held = feeds.get_feeds(own)
    read_to = rules.decode_cursor(cursor, epoch)
    began = read_to.pop(_BEGAN, 0)
    # Whoever reads from the start is still below what was dropped, and misses nothing: what goes from now on is told
    # for as long as KEEP_GONE.
    is_on_the_way = now.timestamp() - began < KEEP_GONE.total_seconds()
    if not is_on_the_way and any(
        feed.compacted_to > read_to.get(code, feed.compacted_to) for code, feed in held.items()
    ):
        read_to = {}
    is_from_start = not read_to
    if is_from_start:
        began = int(now.timestamp())
    left = sorted(set(read_to) - set(own))
    entries, has_more = _read_on(own, held, read_to)
    page = {
        "changes": _changes(entries, user, now),
        "left": left,
        "cursor": rules.encode_cursor(
            # Of a feed nothing was read from there is nothing to remember, nor later to let go of.
            epoch,
            {feed: number for feed, number in read_to.items() if feed in own}
            | ({_BEGAN: began} if began and has_more else {}),
        ),
        "more": has_more,
        "server_time": clock.iso(now),
        "epoch": rules.short_epoch(epoch),
    }
    if is_from_start:
        page["from_start"] = True
    if not has_more:
        page["state"] = rules.state_of(feed.state for feed in held.values())
    return page


def _read_on(
    own: list[str], held: Mapping[str, Feed], read_to: dict[str, int]
) -> tuple[list[FeedEntry], bool]:
    """The entries that fit on a page, and whether there are more; `read_to` moves on."""
    entries: list[FeedEntry] = []
    room = PAGE
    for code in own:
        if code not in held or held[code].number <= read_to.get(code, 0):
            continue
        # One more than fits, to know whether there is more.
        for entry in feeds.list_changes(code, read_to.get(code, 0), max(0, room) + 1):
            if room <= 0:
                return entries, True
            room -= DOCUMENT_WEIGHT if entry.kind == "checklist" else 1
            entries.append(entry)
            read_to[code] = entry.number
        # Also past numbers whose entries were dropped.
        read_to[code] = held[code].number
    return entries, False


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
            **(
                {"record": None, "gone": True}
                if entry.gone
                else {"record": records[entry.kind].get(entry.uuid)}
            ),
        }
        for entry in entries
    ]
    return changes + _checklists_of_returned(changes)


def _checklists_of_returned(changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The versions that returned visits among the changes were made with: no longer in force perhaps, and the phone
    that is to correct them may be a new one. They belong to no feed.
    """
    pairs = {
        (change["record"]["checklist"]["key"], change["record"]["checklist"]["version"])
        for change in changes
        if change["kind"] == "visit" and change["record"] and change["record"]["state"] == "returned"
    }
    return [
        {"feed": None, "kind": "checklist", "uuid": "/".join(pair), "rev": None, "record": record}
        for pair, record in checklists.list_version_records(pairs).items()
    ]


def _areas(codes: list[str], _user: User, now: datetime) -> Records:
    numbers = duty_queries.list_numbers(codes, now)
    receipts = policy_queries.list_receipt_limits(codes)
    return {
        area.code: {
            "code": area.code,
            "name": area.name,
            "level": area.level,
            "duty_phone": area.duty_phone,
            "duty": numbers.get(area.code, []),
            **({"receipts": receipts[area.code]} if area.code in receipts else {}),
        }
        for area in db.session.scalars(select(Area).where(Area.code.in_(codes)))
    }


def _households(uuids: list[str], _user: User, _now: datetime) -> Records:
    return {item.household_uuid: people_sync.household_record(item) for item in people.list_households(uuids)}


def _people(uuids: list[str], _user: User, _now: datetime) -> Records:
    restricted = people_sync.get_restricted_tags()
    marks = sweeps.list_marks(uuids)
    return {
        item.person_uuid: people_sync.person_record(item, restricted) | marks.get(item.person_uuid, {})
        for item in people.list_people(uuids)
    }


def _periods(period_ids: list[str], _user: User, _now: datetime) -> Records:
    periods = period_queries.list_by_ids(int(period_id) for period_id in period_ids)
    return {str(period.id): people_sync.period_record(period) for period in periods}


def _sweeps(sweep_ids: list[str], _user: User, _now: datetime) -> Records:
    return sweeps.list_records(sweep_ids)


def _visits(uuids: list[str], user: User, now: datetime) -> Records:
    return reviews.list_visit_records(uuids, user.id, now)


def _followups(uuids: list[str], user: User, _now: datetime) -> Records:
    return followups.list_records(uuids, user.id)


def _notices(keys: list[str], user: User, _now: datetime) -> Records:
    return notices.list_records(keys, user.id)


def _aid(uuids: list[str], user: User, now: datetime) -> Records:
    return aid.list_records(uuids, user.id, now)


def _feedback(uuids: list[str], user: User, _now: datetime) -> Records:
    return feedback.list_records(uuids, user.id)


def _relief(case_ids: list[str], user: User, _now: datetime) -> Records:
    return relief.list_records(case_ids, user.id)


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
    "period": _periods,
    "sweep": _sweeps,
    "visit": _visits,
    "followup": _followups,
    "notice": _notices,
    "aid": _aid,
    "relief": _relief,
    "feedback": _feedback,
    "checklist": _checklists,
    "code": _codes,
}
