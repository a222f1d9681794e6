"""Reads of aid.

Invariant: what was given to a household is read under whichever of its merged entries it was given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, func, or_, select

from fieldapp.aid.models import Aid
from fieldapp.aid.rules import KINDS, ON_PHONES, SIGNS, Goods
from fieldapp.core import scope
from fieldapp.core.db import db, once, remembered
from fieldapp.core.errors import AppError
from fieldapp.followups import queries as followups
from fieldapp.people import queries as people
from fieldapp.people.models import Person
from fieldapp.users.models import User

PAGE_ROWS = 50
# Entries put in their place on phones in one transaction.
AT_ONCE = 200
# Of the list: what is still to be given, what was given, and all that was ever entered.
VIEWS = ("due", "given", "all")
_SHOWN: dict[str, tuple[str, ...]] = {"due": ("due",), "given": tuple(SIGNS)}


@dataclass(frozen=True)
class AidFilter:
    """Which aid the list shows."""

    view: str = "due"
    kind: str = ""
    programme: str = ""
    source: str = ""
    area: str = ""
    from_on: date | None = None
    until_on: date | None = None
    # Only what was given without the receipt that its county asks for.
    without_receipt: bool = False

    def as_query(self) -> dict[str, Any]:
        """The part of an address that repeats this choice; empty for the plain list."""
        chosen = {
            "view": self.view if self.view != "due" else "",
            "kind": self.kind,
            "programme": self.programme,
            "source": self.source,
            "area": self.area,
            "from": self.from_on.isoformat() if self.from_on else "",
            "until": self.until_on.isoformat() if self.until_on else "",
            "receipt": "missing" if self.without_receipt else "",
        }
        return {name: value for name, value in chosen.items() if value}


@dataclass(frozen=True)
class AidItem:
    """Aid as a row of a list; somebody who is on no list here has no name but in the case."""

    aid: Aid
    household_name: str
    person_name: str


@dataclass(frozen=True)
class Totals:
    """What the entries of a list come to: how many they are, the money in cents, the households."""

    entries: int
    cash_cents: int
    households: int


def get_aid(aid_uuid: str, reader: User) -> Aid:
    """The entry, when it or its household is in the reader's areas; raises not_found."""
    aid = db.session.get(Aid, aid_uuid)
    if aid is None or not can_read(aid, reader):
        raise AppError("not_found")
    return aid


def find_aid(aid_uuid: str | None) -> Aid | None:
    """The entry, wherever it is, or None."""
    return db.session.get(Aid, aid_uuid) if aid_uuid else None


def can_read(aid: Aid, reader: User) -> bool:
    """Whether it was entered in one of the reader's areas, or the household is there now."""
    codes = reader.area_codes()
    if scope.covers(codes, aid.area_code):
        return True
    household = people.find_household(aid.household_uuid) if aid.household_uuid else None
    return household is not None and scope.covers(codes, people.find_standing(household).grid_code)


def find_reversal(aid_uuid: str) -> Aid | None:
    """The entry that takes that one back."""
    return db.session.scalar(select(Aid).where(Aid.reverses_uuid == aid_uuid))


def list_aid(area_codes: Iterable[str], chosen: AidFilter, page: int = 1) -> tuple[list[AidItem], bool]:
    """A page of the chosen aid, and whether there is more: what is due by day, what was given the latest first."""
    order = (
        (Aid.due_on, Aid.aid_uuid)
        if chosen.view == "due"
        else (func.coalesce(Aid.given_on, Aid.due_on).desc(), Aid.entered_at.desc(), Aid.aid_uuid)
    )
    rows = list(
        db.session.scalars(
            select(Aid)
            .where(*_conditions(area_codes, chosen))
            .order_by(*order)
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return _as_items(rows[:PAGE_ROWS]), len(rows) > PAGE_ROWS


def sum_aid(area_codes: Iterable[str], chosen: AidFilter) -> Totals:
    """What all chosen aid comes to, reversals taken off; an entry and its reversal are no entries left, nor is what was
    cancelled.
    """
    sign = case({**SIGNS, "cancelled": 0}, value=Aid.state, else_=1)
    row = db.session.execute(
        select(
            func.coalesce(func.sum(sign), 0),
            func.coalesce(func.sum(case((Aid.kind == "cash", sign * Aid.amount_cents))), 0),
            func.count(case((Aid.state.in_(("due", "given")), Aid.household_uuid)).distinct()),
        ).where(*_conditions(area_codes, chosen))
    ).one()
    return Totals(int(row[0]), int(row[1]), int(row[2]))


def count_aid(area_codes: Iterable[str], chosen: AidFilter) -> int:
    """How many entries the list of the chosen aid has."""
    counted = select(func.count()).select_from(Aid).where(*_conditions(area_codes, chosen))
    return db.session.scalar(counted) or 0


def list_of_household(household_uuid: str, limit: int | None = None) -> list[Aid]:
    """All aid to a household, under whichever uuid, and to entries merged into its people; the latest first."""
    return list(
        db.session.scalars(
            select_of_household(household_uuid)
            .order_by(func.coalesce(Aid.given_on, Aid.due_on).desc(), Aid.entered_at.desc(), Aid.aid_uuid)
            .limit(limit)
        )
    )


def select_of_household(household_uuid: str) -> Select[Aid]:
    """All aid to a household, under whichever uuid, and to entries merged into its people."""
    same, merged = people.list_same(household_uuid), people.list_merged_people(household_uuid)
    return select(Aid).where(Aid.household_uuid.in_(same) | Aid.person_uuid.in_(merged))


def list_misplaced(today: date) -> list[Aid]:
    """A batch of the entries that phones hold and should not, or should hold and do not (rules.is_on_phones)."""
    since = today - ON_PHONES
    is_off = Aid.feed.is_(None) & Aid.household_uuid.is_not(None)
    found: list[Aid] = []
    for condition in (
        Aid.feed.is_not(None) & (Aid.given_on <= since),
        is_off & (Aid.state == "due"),
        is_off & (Aid.state == "given") & (Aid.given_on > since),
    ):
        chosen = select(Aid).where(condition).order_by(Aid.aid_uuid).limit(AT_ONCE - len(found))
        found += db.session.scalars(chosen)
    return found


def list_homes(aid_uuids: Iterable[str]) -> set[str]:
    """The keys of the households of those entries."""
    homes = select(Aid.household_uuid).where(Aid.aid_uuid.in_(list(aid_uuids))).distinct()
    return {uuid for uuid in db.session.scalars(homes) if uuid}


def lock_aid(aid_uuids: Iterable[str]) -> list[Aid]:
    """Those entries as they are now, locked until the transaction ends; their households have to be locked before."""
    keys, locked = set(aid_uuids), remembered("locked_aid")
    if new := keys - locked.keys():
        entries = (
            select(Aid)
            .where(Aid.aid_uuid.in_(new))
            .order_by(Aid.aid_uuid)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        locked |= {aid.aid_uuid: aid for aid in db.session.scalars(entries)}
    return [locked[key] for key in sorted(keys & locked.keys())]


def list_of_visit(visit_uuid: str, followup_ids: Iterable[str]) -> list[Aid]:
    """The aid that was given on a visit or comes from it, or settles one of those tasks; the oldest first."""
    return list(
        db.session.scalars(
            select(Aid)
            .where((Aid.visit_uuid == visit_uuid) | Aid.followup_id.in_(list(followup_ids)))
            .order_by(Aid.entered_at, Aid.aid_uuid)
        )
    )


def list_of_task(followup_id: str) -> list[Aid]:
    """The aid that settles a task; the oldest first."""
    return list(
        db.session.scalars(
            select(Aid).where(Aid.followup_id == followup_id).order_by(Aid.entered_at, Aid.aid_uuid)
        )
    )


def list_money(
    household_uuids: Iterable[str],
    person_uuids: Iterable[str],
    programmes: Iterable[str],
    periods: Collection[str],
    days: tuple[date, date],
    *,
    but_of_list: int,
) -> list[Aid]:
    """The due and given money of those entries of households and people, of those programmes: for those months, or, where no
    month is said, of those months or days. Left out: what that list of payments has brought, and payments due of a case.
    """
    day = func.coalesce(Aid.given_on, Aid.due_on)
    of_months = [func.substr(cast(day, String), 1, 7) == period for period in periods]
    return list(
        db.session.scalars(
            select(Aid).where(
                Aid.household_uuid.in_(list(household_uuids)) | Aid.person_uuid.in_(list(person_uuids)),
                Aid.kind == "cash",
                Aid.programme.in_(list(programmes)),
                (Aid.state == "given") | ((Aid.state == "due") & Aid.relief_case_id.is_(None)),
                Aid.payment_list_id.is_(None) | (Aid.payment_list_id != but_of_list),
                Aid.period.in_(periods) | (Aid.period.is_(None) & or_(day.between(*days), *of_months)),
            )
        )
    )


def sum_of_list(list_id: int) -> tuple[int, int]:
    """How many entries of a list of payments stand in the books, and what they come to in cents."""
    row = db.session.execute(
        select(func.count(), func.coalesce(func.sum(Aid.amount_cents), 0)).where(
            Aid.payment_list_id == list_id, Aid.state == "given"
        )
    ).one()
    return row[0], int(row[1] or 0)


def list_states_of_list(list_id: int) -> dict[str, str]:
    """The states of the entries of a list of payments, by their keys; what took some of them back is among them."""
    entries = select(Aid.aid_uuid, Aid.state).where(Aid.payment_list_id == list_id)
    return {row[0]: row[1] for row in db.session.execute(entries)}


@once
def sum_other_goods(area_code: str, digits: int, first: date, last: date) -> list[tuple[str, Goods]]:
    """What was given of goods that have no column of their own in an area: by the first `digits` of the code of where, in the
    week that ends on `last`, and since the one that ends on `first`.
    """
    amount = case(SIGNS, value=Aid.state, else_=0) * Aid.quantity_milli
    code = func.substr(Aid.area_code, 1, digits)
    rows = db.session.execute(
        select(
            code,
            Aid.item,
            Aid.unit,
            func.coalesce(func.sum(case((Aid.week_on == last, amount), else_=0)), 0),
            func.coalesce(func.sum(amount), 0),
        )
        .where(Aid.is_written_out, Aid.week_on.between(first, last), scope.within(Aid.area_code, [area_code]))
        .group_by(code, Aid.item, Aid.unit)
        .order_by(code, Aid.item, Aid.unit)
    )
    return [
        (row[0], Goods(str(row[1]), str(row[2]), int(row[3] or 0), int(row[4] or 0)))
        for row in rows
        if row[3] or row[4]
    ]


def _conditions(area_codes: Iterable[str], chosen: AidFilter) -> list[ColumnElement[bool]]:
    conditions = [scope.within(Aid.area_code, area_codes)]
    if chosen.area:
        conditions.append(scope.within(Aid.area_code, [chosen.area]))
    if chosen.view in _SHOWN:
        conditions.append(Aid.state.in_(_SHOWN[chosen.view]))
    if chosen.without_receipt:
        conditions.append(Aid.receipt_missing.is_(True))
    if chosen.kind in KINDS:
        conditions.append(Aid.kind == chosen.kind)
    if chosen.programme:
        conditions.append(Aid.programme == chosen.programme)
    if chosen.source:
        conditions.append(Aid.source == chosen.source)
    day = Aid.due_on if chosen.view == "due" else func.coalesce(Aid.given_on, Aid.due_on)
    if chosen.from_on:
        conditions.append(day >= chosen.from_on)
    if chosen.until_on:
        conditions.append(day <= chosen.until_on)
    return conditions


def _as_items(rows: list[Aid]) -> list[AidItem]:
    households = followups.get_household_names(aid.household_uuid for aid in rows)
    named = db.session.execute(
        select(Person.person_uuid, Person.name).where(
            Person.person_uuid.in_({aid.person_uuid for aid in rows if aid.person_uuid})
        )
    )
    persons = {row[0]: row[1] for row in named}
    return [
        AidItem(aid, households.get(aid.household_uuid or "", ""), persons.get(aid.person_uuid or "", ""))
        for aid in rows
    ]
