"""Reads of lists of payments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select

from fieldapp.aid import queries as aid
from fieldapp.core import scope
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.payments.models import READING, UNDONE, PaymentList, PaymentRow
from fieldapp.payments.rules import GOOD, KINDS, LEAVE, TAKE, TAKEABLE, TOTAL
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import mask_name

PAGE_ROWS = 50
_PIECE_ROWS = 500
# Of the rows: those that are in the books, and those that were to be and are not, or are still there after all.
TAKEN_ROWS, LEFT_ROWS = "taken", "left"


@dataclass(frozen=True)
class Tally:
    """Rows of one kind: how many, what they come to in cents, how many have no amount that can be read."""

    rows: int = 0
    cents: int = 0
    without_amount: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.rows + other.rows, self.cents + other.cents, self.without_amount + other.without_amount
        )


def get_list(list_id: int, area_codes: Sequence[str]) -> PaymentList:
    """The list, when all the areas it was brought for are the reader's; raises not_found."""
    held = db.session.get(PaymentList, list_id)
    if held is None or not is_visible(held, area_codes):
        raise AppError("not_found")
    return held


def is_visible(held: PaymentList, area_codes: Sequence[str]) -> bool:
    """Whether a reader of those areas may see the list."""
    return covers_all(area_codes, held.area_codes)


def covers_all(area_codes: Sequence[str], others: Sequence[str]) -> bool:
    """Whether all `others` lie in those areas; of none there is nothing that could."""
    return bool(others) and all(scope.covers(area_codes, code) for code in others)


def lock_list(list_id: int) -> PaymentList:
    """The list as it is now, locked until the transaction ends, so that its steps follow each other; raises not_found when
    somebody has thrown it away.
    """
    held = db.session.get(PaymentList, list_id, with_for_update=True, populate_existing=True)
    if held is None:
        raise AppError("not_found")
    return held


def list_lists(area_codes: Sequence[str], page: int) -> tuple[list[PaymentList], bool]:
    """A page of the lists the reader may see, newest first; whether there are more."""
    places = select(PaymentList.list_id, PaymentList.area_codes).order_by(PaymentList.list_id.desc())
    visible = [list_id for list_id, codes in db.session.execute(places) if covers_all(area_codes, codes)]
    start = (page - 1) * PAGE_ROWS
    shown = PaymentList.list_id.in_(visible[start : start + PAGE_ROWS])
    lists = db.session.scalars(select(PaymentList).where(shown).order_by(PaymentList.list_id.desc()))
    return list(lists), len(visible) > start + PAGE_ROWS


def find_same_file(file_hash: str, area_codes: Sequence[str]) -> PaymentList | None:
    """A list of the very same file that was not taken back, that the reader may see and that looked for people in all of
    their areas: what a colleague brought for fewer leaves rows that only the reader's finds.
    """
    same = select(PaymentList).where(
        PaymentList.file_hash == file_hash, PaymentList.state.not_in((READING, UNDONE))
    )
    return next(
        (
            held
            for held in db.session.scalars(same)
            if is_visible(held, area_codes) and covers_all(held.area_codes, area_codes)
        ),
        None,
    )


def sum_kinds(list_id: int) -> dict[str, Tally]:
    """The rows by kind; `total` those that are sums."""
    rows = db.session.execute(
        select(
            PaymentRow.kind,
            func.count(),
            func.coalesce(func.sum(PaymentRow.amount_cents), 0),
            func.count().filter(PaymentRow.amount_cents.is_(None)),
        )
        .where(PaymentRow.list_id == list_id, PaymentRow.kind.is_not(None))
        .group_by(PaymentRow.kind)
    )
    return {str(kind): Tally(number, int(cents or 0), without) for kind, number, cents, without in rows}


def sum_up(tallies: dict[str, Tally]) -> Tally:
    """What all payments come to; sums are none."""
    return sum((tallies[kind] for kind in KINDS if kind in tallies), Tally())


def sum_in_books(list_id: int) -> Tally:
    """The entries that the list has brought, but for those taken back since."""
    return Tally(*aid.sum_of_list(list_id))


def sum_taken(list_id: int) -> Tally:
    """The rows that were taken in and not taken back with the list; some may have been taken back singly."""
    return _sum(PaymentRow.list_id == list_id, PaymentRow.is_taken.is_(True))


def sum_to_take(list_id: int) -> Tally:
    """What would be taken in now: the good rows, but for those left out by hand, and those taken by hand."""
    return _sum(
        PaymentRow.list_id == list_id,
        ~PaymentRow.is_taken,
        PaymentRow.kind.in_(TAKEABLE),
        or_(
            PaymentRow.decision == TAKE,
            PaymentRow.kind.in_(GOOD) & (func.coalesce(PaymentRow.decision, "") != LEAVE),
        ),
    )


def count_left(list_id: int) -> int:
    """How many rows were to be taken in, or back, and were not."""
    left = select(func.count()).where(PaymentRow.list_id == list_id, PaymentRow.left.is_not(None))
    return db.session.scalar(left) or 0


def _sum(*where: ColumnElement[bool]) -> Tally:
    row = db.session.execute(
        select(func.count(), func.coalesce(func.sum(PaymentRow.amount_cents), 0)).where(*where)
    ).one()
    return Tally(row[0], int(row[1] or 0))


def find_stated_total(list_id: int) -> PaymentRow | None:
    """The last sum that the list states of itself: what stands above it are sums of its parts."""
    return db.session.scalar(
        select(PaymentRow)
        .where(PaymentRow.list_id == list_id, PaymentRow.kind == TOTAL)
        .order_by(PaymentRow.number.desc())
        .limit(1)
    )


def get_row(list_id: int, number: int) -> PaymentRow:
    """A row of a list as it is now; raises not_found."""
    row = db.session.get(PaymentRow, (list_id, number), populate_existing=True)
    if row is None:
        raise AppError("not_found")
    return row


def list_rows(list_id: int, shown: str | None, page: int) -> tuple[list[PaymentRow], bool]:
    """A page of rows in the order of the file: all, of one kind, those taken in or those left; whether there are more."""
    where = [PaymentRow.list_id == list_id]
    if shown == TAKEN_ROWS:
        where.append(PaymentRow.is_taken.is_(True))
    elif shown == LEFT_ROWS:
        where.append(PaymentRow.left.is_not(None))
    elif shown:
        where.append(PaymentRow.kind == shown)
    rows = list(
        db.session.scalars(
            select(PaymentRow)
            .where(*where)
            .order_by(PaymentRow.number)
            .limit(PAGE_ROWS + 1)
            .offset((page - 1) * PAGE_ROWS)
        )
    )
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def list_next_rows(list_id: int, after: int, limit: int) -> list[PaymentRow]:
    """The rows below row `after`, downwards."""
    return list(
        db.session.scalars(
            select(PaymentRow)
            .where(PaymentRow.list_id == list_id, PaymentRow.number > after)
            .order_by(PaymentRow.number)
            .limit(limit)
        )
    )


def list_taken_above(list_id: int, before: int, limit: int) -> list[PaymentRow]:
    """The rows above row `before` that are in the books, upwards."""
    return list(
        db.session.scalars(
            select(PaymentRow)
            .where(PaymentRow.list_id == list_id, PaymentRow.number < before, PaymentRow.is_taken)
            .order_by(PaymentRow.number.desc())
            .limit(limit)
        )
    )


def list_takeable_of(list_id: int, household_uuids: Iterable[str], up_to: int) -> list[PaymentRow]:
    """The rows that are about those households and may be taken in: those up to one, and all that are in the books."""
    return list(
        db.session.scalars(
            select(PaymentRow)
            .where(
                PaymentRow.list_id == list_id,
                PaymentRow.household_uuid.in_(list(household_uuids)),
                PaymentRow.kind.in_(TAKEABLE),
                (PaymentRow.number <= up_to) | PaymentRow.is_taken,
            )
            .order_by(PaymentRow.number)
        )
    )


def list_taken_rows(list_id: int) -> list[tuple[int, list[str]]]:
    """Of the rows that are in the books: their numbers, and the due aid that they settled."""
    taken = select(PaymentRow.number, PaymentRow.settles).where(
        PaymentRow.list_id == list_id, PaymentRow.is_taken
    )
    return [(number, settles) for number, settles in db.session.execute(taken)]


def list_taken_households(list_id: int) -> set[str]:
    """The households of the rows that are in the books."""
    taken = select(PaymentRow.household_uuid).where(PaymentRow.list_id == list_id, PaymentRow.is_taken)
    return {uuid for uuid in db.session.scalars(taken.distinct()) if uuid}


def get_last_number(list_id: int) -> int:
    """The number of the last row; 0 when its rows are erased."""
    last = select(func.max(PaymentRow.number)).where(PaymentRow.list_id == list_id)
    return db.session.scalar(last) or 0


def list_old(before: datetime) -> list[int]:
    """The lists brought in before that whose rows are still here."""
    has_rows = exists().where(PaymentRow.list_id == PaymentList.list_id)
    return list(db.session.scalars(select(PaymentList.list_id).where(PaymentList.made_at < before, has_rows)))


def iterate_unmatched(list_id: int) -> Iterator[PaymentRow]:
    """The payments that are not good and not in the books, in the order of the file, a few hundred in memory at a time."""
    after = 0
    while rows := list(
        db.session.scalars(
            select(PaymentRow)
            .where(
                PaymentRow.list_id == list_id,
                PaymentRow.kind.in_(KINDS),
                PaymentRow.kind.not_in(GOOD) | PaymentRow.left.is_not(None),
                ~PaymentRow.is_taken,
                PaymentRow.number > after,
            )
            .order_by(PaymentRow.number)
            .limit(_PIECE_ROWS)
        )
    ):
        yield from rows
        after = rows[-1].number


def get_names(person_uuids: Iterable[str], area_codes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """(name, address) of people, by uuid; of those who live outside these areas by now the masked name alone."""
    found = db.session.execute(
        select(Person.person_uuid, Person.name, Household.address, Household.grid_code)
        .join(Household, Household.household_uuid == Person.household_uuid)
        .where(Person.person_uuid.in_(set(person_uuids)))
    )
    return {
        uuid: (name, address) if scope.covers(area_codes, grid) else (mask_name(name),)
        for uuid, name, address, grid in found
    }
