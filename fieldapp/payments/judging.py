"""What the rows of a list of payments are, against the registry and the books as they are now.

Invariant: judging writes nothing; the same rows, registry and books give the same verdicts, so that a verdict that is another
one when a row is taken in means that somebody has changed something in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from fieldapp.aid import queries as aid
from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.core import scope
from fieldapp.core.codes import get_codes
from fieldapp.core.db import db
from fieldapp.imports.judging import words_of
from fieldapp.payments import queries, rules
from fieldapp.payments.models import PaymentList, PaymentRow
from fieldapp.payments.rules import Above, Entry, Payment, Verdict, Who
from fieldapp.people import queries as people, relatives
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import id_check_digit, plain_word
from fieldapp.relief.models import ReliefCase

# Other words for the codes that a new installation has.
_PROGRAMMES = {
    "低保": "dibao", "城市低保": "dibao", "农村低保": "dibao", "城市低保金": "dibao", "农村低保金": "dibao",
    "最低生活保障金": "dibao",
    "特困": "destitute", "特困供养": "destitute", "特困人员供养金": "destitute", "分散供养": "destitute", "集中供养": "destitute",
    "价格补贴": "price_subsidy", "物价补贴": "price_subsidy", "临时价格补贴": "price_subsidy",
    "孤儿": "orphan", "孤儿基本生活费": "orphan", "事实无人抚养儿童": "orphan",
    "困难残疾人生活补贴": "disability_living", "残疾人生活补贴": "disability_living",
    "重度残疾人护理补贴": "disability_care", "残疾人护理补贴": "disability_care",
    "高龄津贴": "elder_allowance", "养老服务补贴": "elder_allowance",
    "取暖补贴": "heating", "冬季取暖补贴": "heating", "临时救助金": "temporary_relief", "临救": "temporary_relief",
}  # fmt: skip
_SOURCES = {
    "财政": "public",
    "上级资金": "public",
    "备用金": "reserve_fund",
    "慈善": "charity",
    "捐赠": "charity",
}
# An entry without a month this near the day of payment may be the same payment.
NEAR = timedelta(days=45)


@dataclass(frozen=True)
class Judged:
    """What a row says, and what it is."""

    payment: Payment
    verdict: Verdict | None  # None for a sum, which is no payment


class Judge:
    """Judges rows of one list; made anew for every request, so that its words are today's."""

    def __init__(self, held: PaymentList, actor_id: int, today: date) -> None:
        """`actor_id`: whose relatives' payments are marked."""
        self._list, self._actor_id, self._today = held, actor_id, today
        self._whole = rules.Whole(held.programme, held.source, held.period, held.paid_on)
        of_cash, programmes = list_cash_programmes(), words_of("aid_programme", _PROGRAMMES)
        self._words = rules.Words(
            {word: code for word, code in programmes.items() if code in of_cash},
            words_of("aid_source", _SOURCES),
        )
        self._relief = _list_relief_programmes()

    def read(self, row: PaymentRow) -> Payment:
        """What a row says."""
        return rules.read_row(row.cells, self._list.fields, self._whole, self._words, self._today)

    def judge(self, rows: Sequence[PaymentRow], *, above: int) -> list[Judged]:
        """What each of some rows is, in the order of the file; rows of the list up to `above` are told already, and so is
        what is in the books.
        """
        payments = [self.read(row) for row in rows]
        readable = [one for one in payments if not one.faults and not one.is_total]
        found = _find_people(readable, self._list.area_codes, self._actor_id)
        books = _Books(self._list, readable, [who for each in found.values() for who in each])
        told = _Told(self._list.list_id, books.households, above)
        judged = []
        for row, payment in zip(rows, payments, strict=True):
            if payment.is_total:
                judged.append(Judged(payment, None))
                continue
            candidates = found.get(id(payment), [])
            meant = [who for who in candidates if who.person_uuid == row.chosen_uuid] or candidates
            verdict = rules.judge(
                payment,
                candidates,
                row.chosen_uuid,
                books.list_entries(payment, meant),
                told.list_above(row.number, payment, meant),
                is_relief=payment.programme in self._relief,
            )
            if verdict.who and verdict.kind in rules.TAKEABLE:
                told.tell(row.number, payment, verdict)
            judged.append(Judged(payment, verdict))
        return judged


def list_cash_programmes() -> set[str]:
    """The programmes under which money is given."""
    return {
        code
        for code, row in get_codes("aid_programme").items()
        if row.retired_on is None and "cash" in row.extra.get("kinds", ["cash"])
    }


def _list_relief_programmes() -> set[str]:
    """Those of which money counts as temporary relief."""
    programmes = get_codes("aid_programme").items()
    return {code for code, row in programmes if row.extra.get("column") == "relief"}


# --- who is meant --------------------------------------------------------------------------------------------------


def _find_people(
    payments: Sequence[Payment], area_codes: Sequence[str], actor_id: int
) -> dict[int, list[Who]]:
    """Who could be meant by each payment (its id()): by the whole number, else by name and last four, of ID or account."""
    by_id = _list_by_hash(
        "id_hash", {_hash(one.id_number, "id"): one.id_number for one in payments}, area_codes
    )
    others = [one for one in payments if not by_id.get(one.id_number or "")]
    # A wrong check digit is the digit that was mistyped, as often as not.
    mended = {_hash(_with_check_digit(one.id_number), "id"): one.id_number for one in others if one.id_number}
    by_mended = _list_by_hash("id_hash", mended, area_codes)
    others = [one for one in others if not by_mended.get(one.id_number or "")]
    names = {plain_word(one.name) for one in others if one.name}
    by_tail = _list_by_hash(
        "id_tail_hash", {_tail_hash(one.id_tail, "id"): one.id_tail for one in others}, area_codes, names
    )
    by_account = _list_by_hash(
        "bank_account_tail_hash",
        {_tail_hash(one.account, "bank_account"): one.account for one in others if not one.id_tail},
        area_codes,
        names,
    )
    every = [
        person
        for held in (by_id, by_mended, by_tail, by_account)
        for each in held.values()
        for person in each
    ]
    facts = _Facts(every, actor_id)
    found: dict[int, list[Who]] = {}
    for payment in payments:
        whole = by_id.get(payment.id_number or "", [])
        mistyped = by_mended.get(payment.id_number or "", [])
        alike = by_tail.get(payment.id_tail or "", []) or (
            [] if payment.id_tail else by_account.get(payment.account or "", [])
        )
        named = [person for person in alike if plain_word(person.name) == plain_word(payment.name)]
        found[id(payment)] = [facts.tell(person, by_id=True) for person in whole] or rules.narrow(
            payment, [facts.tell(person, by_id=False) for person in mistyped or named]
        )
    return found


def _with_check_digit(id_number: str) -> str:
    """The ID number with the last digit that fits the others."""
    return id_number[:-1] + id_check_digit(id_number[:-1])


def _hash(number: str | None, what: str) -> str:
    return people.number_hashes(number, what)[0] or ""


def _tail_hash(number: str | None, what: str) -> str:
    return people.number_hashes(number, what)[1] or ""


def _list_by_hash(
    column: str,
    wanted: Mapping[str, str | None],
    area_codes: Sequence[str],
    names: Iterable[str] | None = None,
) -> dict[str, list[Person]]:
    """By what was looked for (`wanted`, by its hash): the people in those areas whose `column` has the hash, under the entry
    that stands for them; of tails only those with one of the `names`, for many share one.
    """
    hashed = getattr(Person, column)
    hashes = [each for each in wanted if each]
    if not hashes:
        return {}
    known = None if names is None else set(names)
    rows = [
        (str(hash_there), str(uuid), merged_into)
        for hash_there, uuid, name, merged_into in db.session.execute(
            select(hashed, Person.person_uuid, Person.name, Person.merged_into)
            .join(Household, Household.household_uuid == Person.household_uuid)
            .where(hashed.in_(hashes), scope.within(Household.grid_code, area_codes))
        )
        if known is None or plain_word(name) in known
    ]
    standing = people.list_standing(
        Person, {uuid for _, uuid, merged_into in rows if merged_into is not None}
    )
    keys = {uuid: standing.get(uuid, uuid) for _, uuid, _ in rows}
    persons = {
        person.person_uuid: person
        for person in db.session.scalars(
            select(Person)
            .where(Person.person_uuid.in_(set(keys.values())))
            .options(joinedload(Person.household))
        )
        if scope.covers(area_codes, person.household.grid_code)
    }
    found: dict[str, dict[str, Person]] = {}
    for hash_there, uuid, _ in rows:
        if person := persons.get(keys[uuid]):
            found.setdefault(str(wanted[hash_there]), {})[person.person_uuid] = person
    return {number: [held[key] for key in sorted(held)] for number, held in found.items()}


class _Facts:
    """What has to be known of some people."""

    def __init__(self, persons: Sequence[Person], actor_id: int) -> None:
        self._households = people.list_standing(Household, {person.household_uuid for person in persons})
        declared = relatives.list_declarers_of(set(self._households.values())) if persons else set()
        self._of_relatives = {household for household, user_id in declared if user_id == actor_id}
        self._waiting = _list_waiting(set(self._households.values()))
        grids = {person.household.grid_code for person in persons}
        self._names = areas.get_names(
            {code[: LEVELS[level]] for code in grids for level in ("township", "village")}
        )

    def tell(self, person: Person, *, by_id: bool) -> Who:
        household, grid = self._households[person.household_uuid], person.household.grid_code
        gone = [day for day in (person.died_on, person.moved_away_on) if day]
        return Who(
            person.person_uuid,
            household,
            person.name,
            by_id,
            gone_on=min(gone, default=None),
            is_relative=household in self._of_relatives,
            waits_for_relief=household in self._waiting,
            places=(
                self._names.get(grid[: LEVELS["township"]], ""),
                self._names.get(grid[: LEVELS["village"]], ""),
            ),
        )


def _list_waiting(household_uuids: set[str]) -> set[str]:
    """Those of the households for which relief is approved and not wholly paid."""
    of_same = people.list_behind(Household, household_uuids)
    waiting = select(ReliefCase.household_uuid).where(
        ReliefCase.household_uuid.in_(of_same), ReliefCase.state == "approved"
    )
    return {of_same[uuid] for uuid in db.session.scalars(waiting) if uuid}


# --- what is in the books ------------------------------------------------------------------------------------------


class _Books:
    """The due and given money of some people and their households."""

    def __init__(self, held: PaymentList, payments: Sequence[Payment], found: Sequence[Who]) -> None:
        self.households = {who.household_uuid for who in found}
        self._person_of = people.list_behind(Person, {who.person_uuid for who in found})
        self._household_of = people.list_behind(Household, self.households)
        periods = sorted({one.period for one in payments if one.period})
        days = [one.paid_on for one in payments if one.paid_on]
        self._entries = []
        if found:
            self._entries = aid.list_money(
                self._household_of,
                self._person_of,
                {one.programme for one in payments if one.programme},
                periods,
                (min(days) - NEAR, max(days) + NEAR),
                but_of_list=held.list_id,
            )

    def list_entries(self, payment: Payment, candidates: Sequence[Who]) -> list[Entry]:
        """What is in the books of the candidates, of the programme of a payment: of its month, or near its day."""
        persons = {who.person_uuid for who in candidates}
        homes = {who.household_uuid for who in candidates}
        entries = []
        for one in self._entries:
            person = self._person_of.get(one.person_uuid or "")
            is_theirs = (
                person in persons
                if one.person_uuid
                else self._household_of.get(one.household_uuid or "") in homes
            )
            day = one.given_on or one.due_on
            if not is_theirs or one.programme != payment.programme or day is None or payment.paid_on is None:
                continue
            is_of_month = (one.period or rules.month_of(day)) == payment.period
            is_near = one.period is None and abs(day - payment.paid_on) <= NEAR
            if is_of_month or is_near:
                entries.append(
                    Entry(
                        one.aid_uuid,
                        person if one.person_uuid else None,
                        one.amount_cents or 0,
                        one.source,
                        day,
                        is_given=one.state == "given",
                        is_near=not is_of_month,
                    )
                )
        return sorted(entries, key=lambda entry: (entry.on, entry.aid_uuid))


class _Told:
    """The rows of a list that may be taken in, by household, programme and month."""

    def __init__(self, list_id: int, households: Iterable[str], above: int) -> None:
        self._rows: dict[tuple[str, str, str], list[Above]] = {}
        self._taken: set[int] = set()
        for row in queries.list_takeable_of(list_id, households, above):
            if row.is_taken:
                self._taken.add(row.number)
            # Who is meant was decided: a row of several people has nobody before that.
            if row.person_uuid:
                key = str(row.household_uuid), str(row.programme), str(row.period)
                due = (*row.settles, *row.cancels)
                self._rows.setdefault(key, []).append(
                    Above(row.number, row.person_uuid, due, row.for_household)
                )

    def list_above(self, number: int, payment: Payment, candidates: Sequence[Who]) -> list[Above]:
        """The rows before that one or in the books, for the candidates' households, of the programme and month of a payment."""
        homes = sorted({who.household_uuid for who in candidates})
        return [
            row
            for home in homes
            for row in self._rows.get((home, str(payment.programme), str(payment.period)), [])
            if row.number < number or row.number in self._taken
        ]

    def tell(self, number: int, payment: Payment, verdict: Verdict) -> None:
        """Note what a row may bring."""
        assert verdict.who is not None
        key = verdict.who.household_uuid, str(payment.programme), str(payment.period)
        due = (*verdict.settles, *verdict.cancels)
        self._rows.setdefault(key, []).append(
            Above(number, verdict.who.person_uuid, due, verdict.for_household)
        )
