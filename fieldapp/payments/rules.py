"""What a row of a list of payments says, and what it is against the people, the due aid and the entries here.

Invariant: nothing is guessed and nothing is paid twice: what could mean two things, or may be in the books already, is of a
kind that is not taken in by itself. Every row is of exactly one kind.
"""

from __future__ import annotations

import calendar
import dataclasses
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from fieldapp.aid.rules import MOST_CENTS
from fieldapp.imports.rules import BLANKS, EXCEL_ERROR, ROUNDED, Fault, join_name, plain, read_day, word
from fieldapp.people import rules as people

# Taken in with the list: it pays what is due, or is help that nobody had entered.
DUE, NEW = "due", "new"
# Looked at one by one: not what is due; a doubt; several people fit; dead, or moved away.
DIFFERS, DOUBTFUL, SEVERAL, GONE = "differs", "doubtful", "several", "gone"
# Never taken in: in the books already; twice in the list; a relative's of whoever compares; nobody here; cannot be read.
ENTERED, TWICE, RELATIVE, UNKNOWN, FAULTY = "entered", "twice", "relative", "unknown", "faulty"
GOOD = (DUE, NEW)
UNCERTAIN = (DIFFERS, DOUBTFUL, SEVERAL, GONE)
TAKEABLE = (*GOOD, *UNCERTAIN)
LEFT_OUT = (ENTERED, TWICE, RELATIVE, UNKNOWN, FAULTY)
KINDS = (*TAKEABLE, *LEFT_OUT)
# Rows that are no payments: what the list says of itself, or of a part of it.
TOTAL, SUBTOTAL = "total", "subtotal"
TAKE, LEAVE = "take", "leave"

EARLIEST_YEAR, LATEST_YEAR = 2000, 2100
_CENT = Decimal("0.01")
# What a formula in Excel leaves behind the cents.
_NOISE = Decimal("0.000001")
_AMOUNT = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(\.\d*)?|([+-]?)(\.\d+)")
_AROUND_AMOUNT = re.compile(r"^(?:¥|rmb|cny|人民币)|(?:元整|元正|元|圆)$", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})(?:\s*[-./年]\s*(\d{1,2})|(\d{2}))\s*月?份?")
# Excel's number for 2026.10 is written so: nobody knows whether January is meant.
_TENTH = re.compile(r"\d{4}\.1")
_MASKED = re.compile(r"\d*[*•●]{2,}(\d{3}[\dX])")
_TAIL = re.compile(r"\d{3}[\dX]")
_ACCOUNT = re.compile(r"(?:\d*[*•●]+)?(\d{4,30})")
_TOTALS = (
    "合计",
    "总计",
    "共计",
    "总合计",
    "本页合计",
    "小计",
    "本页小计",
    "grandtotal",
    "total",
    "subtotal",
)
_SUBTOTALS = ("小计", "本页", "subtotal")


@dataclass(frozen=True)
class Words:
    """What words mean, by code table: the words in `word` form."""

    programmes: Mapping[str, str]
    sources: Mapping[str, str]


@dataclass(frozen=True)
class Whole:
    """What holds for all rows of a list; None where a column says it."""

    programme: str | None
    source: str | None
    period: str | None
    paid_on: date | None


@dataclass
class Payment:
    """What a row says; `faults` are what is wrong with it, `doubts` what somebody has to look at."""

    name: str = ""
    id_number: str | None = None
    id_tail: str | None = None
    account: str | None = None
    township: str = ""
    village: str = ""
    amount_cents: int | None = None
    programme: str | None = None
    source: str | None = None
    period: str | None = None
    paid_on: date | None = None
    is_total: bool = False
    is_subtotal: bool = False
    faults: list[Fault] = dataclasses.field(default_factory=list)
    doubts: list[Fault] = dataclasses.field(default_factory=list)

    def refuse(self, where: str, code: str, **params: str | int) -> None:
        """Note what is wrong."""
        self.faults.append(Fault(where, code, params))

    def faults_of(self, *fields: str) -> list[Fault]:
        """What is wrong with some of its fields."""
        return [fault for fault in self.faults if fault.field in fields]


@dataclass(frozen=True)
class Who:
    """Somebody who could be meant; `by_id`: by the whole ID number; `gone_on`: day of death, or since when they live
    elsewhere; `waits_for_relief`: approved relief of their household is not paid yet.
    """

    person_uuid: str
    household_uuid: str
    name: str
    by_id: bool
    gone_on: date | None = None
    is_relative: bool = False
    waits_for_relief: bool = False
    places: tuple[str, str] = ("", "")  # names of their township and village


@dataclass(frozen=True)
class Entry:
    """An entry of aid of the programme and month of a row, given or due; `person_uuid` None: of the whole household.

    `is_near`: no month stands with it, and its day lies near the day of payment, in another month.
    """

    aid_uuid: str
    person_uuid: str | None
    cents: int
    source: str
    on: date
    is_given: bool
    is_near: bool = False


@dataclass(frozen=True)
class Above:
    """A row above of the same household, programme and month, and the due aid it pays or replaces."""

    number: int
    person_uuid: str
    due_uuids: tuple[str, ...]
    for_household: bool


@dataclass(frozen=True)
class Verdict:
    """What a row is; `settles`: the due aid that it pays, `cancels`: the due aid that it replaces."""

    kind: str
    who: Who | None = None
    candidates: tuple[str, ...] = ()
    settles: tuple[str, ...] = ()
    cancels: tuple[str, ...] = ()
    for_household: bool = False
    notes: tuple[Fault, ...] = ()


# --- reading a row -------------------------------------------------------------------------------------------------


def read_row(cells: Sequence[str], fields: Sequence[str], whole: Whole, words: Words, today: date) -> Payment:
    """What the cells say, whose columns hold those fields ("" for none)."""
    payment = Payment()
    said: dict[str, str] = {}
    for name, cell in zip(fields, cells, strict=False):
        text = plain(cell)
        if name and EXCEL_ERROR.fullmatch(text):
            payment.refuse(name, "cell_error", text=text)
        elif name and word(text) not in BLANKS:
            said[name] = text
    payment.amount_cents, fault = read_amount(said.get("amount", ""))
    if not said.get("id_number") and (total := _find_total(cells)):
        payment.is_total, payment.is_subtotal = True, total.startswith(_SUBTOTALS)
        return payment
    if fault and not payment.faults_of("amount"):
        payment.refuse("amount", fault)
    _read_who(payment, said, today)
    _read_terms(payment, said, whole, words, today)
    return payment


def _find_total(cells: Sequence[str]) -> str:
    """The word for a sum that a row begins with, or "": people are called otherwise."""
    first = next((text for cell in cells if (text := word(plain(cell)))), "")
    return first if first.startswith(_TOTALS) else ""


def read_amount(text: str) -> tuple[int | None, str]:
    """(cents, "") of an amount in yuan as lists write it, or (None, what is wrong with it)."""
    signs = _AROUND_AMOUNT.sub("", _AROUND_AMOUNT.sub("", word(text)))
    if not signs or signs in BLANKS:
        return None, "amount_missing"
    found = _AMOUNT.fullmatch(signs)
    if found is None:
        return None, "amount_odd"
    exact = Decimal(signs.replace(",", ""))
    try:
        rounded = exact.quantize(_CENT)
    except InvalidOperation:  # more digits than numbers are reckoned with
        return None, "amount_large" if exact > 0 else "amount_negative"
    if abs(exact - rounded) > _NOISE:
        return None, "amount_parts"
    cents = int(rounded.scaleb(2))
    if cents <= 0:
        return None, "amount_negative" if cents else "amount_zero"
    return (cents, "") if cents <= MOST_CENTS else (None, "amount_large")


def read_month(text: str) -> str | None:
    """A month as people and programs write it (2026-11, 2026年11月, 202611, or any day of it), as 2026-11; None for none, or
    for what could be two.
    """
    plainly = unicodedata.normalize("NFKC", text).strip()
    if _TENTH.fullmatch(plainly):
        return None
    if found := _MONTH.fullmatch(plainly):
        year, month = int(found[1]), int(found[2] or found[3])
    elif day := read_day(text):
        year, month = day.year, day.month
    else:
        return None
    return f"{year}-{month:02d}" if EARLIEST_YEAR <= year <= LATEST_YEAR and 1 <= month <= 12 else None


def last_day(period: str) -> date:
    """The last day of a month."""
    year, month = map(int, period.split("-"))
    return date(year, month, calendar.monthrange(year, month)[1])


def next_month(period: str) -> str:
    """The month after."""
    year, month = map(int, period.split("-"))
    return f"{year + month // 12}-{month % 12 + 1:02d}"


def month_of(day: date) -> str:
    """The month of a day."""
    return f"{day:%Y-%m}"


def _read_who(payment: Payment, said: Mapping[str, str], today: date) -> None:
    payment.name = join_name(said.get("name", ""))
    payment.township, payment.village = said.get("township", ""), said.get("village", "")
    if ROUNDED.fullmatch(said.get("id_number", "")):
        payment.refuse("id_number", "rounded")
    elif number := people.normal_number(said.get("id_number", "")).removesuffix(".0"):
        if masked := _MASKED.fullmatch(number):
            payment.id_tail = masked[1]
        elif fault := people.find_id_fault(number, today):
            if fault == "id_check_digit":
                payment.id_number = number
                payment.doubts.append(Fault("id_number", fault))
            else:
                payment.refuse("id_number", fault)
        else:
            payment.id_number = number
    tail = people.normal_number(said.get("id_tail", ""))
    if tail and payment.id_number is None:
        # Excel takes the noughts away that a number begins with.
        tail = tail.zfill(people.TAIL_LENGTH) if tail.isdecimal() else tail
        if _TAIL.fullmatch(tail):
            payment.id_tail = tail
        else:
            payment.refuse("id_tail", "tail_odd")
    account = people.normal_number(said.get("account", ""))
    if found := _ACCOUNT.fullmatch(account):
        payment.account = found[1]
    if payment.id_number:
        payment.id_tail = payment.id_number[-people.TAIL_LENGTH :]
    elif not payment.faults_of("id_number", "id_tail"):
        if not payment.name:
            payment.refuse("name", "who_missing")
        elif not payment.id_tail and not payment.account:
            payment.refuse("id_number", "number_missing")


def _read_terms(payment: Payment, said: Mapping[str, str], whole: Whole, words: Words, today: date) -> None:
    """Programme, source, month and day: of the whole list, or of the row."""
    for name, chosen, known in (
        ("programme", whole.programme, words.programmes),
        ("source", whole.source, words.sources),
    ):
        code = chosen or known.get(word(said.get(name, "")))
        if code is None:
            text = said.get(name, "")
            payment.refuse(
                name, f"{name}_unknown" if text else f"{name}_missing", **({"text": text} if text else {})
            )
        setattr(payment, name, code)
    payment.paid_on = read_day(said["paid_on"]) if "paid_on" in said else whole.paid_on
    if payment.paid_on is None:
        payment.refuse("paid_on", "day_impossible" if "paid_on" in said else "day_missing")
    elif payment.paid_on > today:
        payment.refuse("paid_on", "day_ahead")
    elif payment.paid_on.year < EARLIEST_YEAR:
        payment.refuse("paid_on", "day_long_ago")
    payment.period = whole.period or read_month(said.get("period", ""))
    if payment.period is None:
        payment.refuse("period", "period_odd" if "period" in said else "period_missing")
    elif payment.period > next_month(month_of(today)):
        payment.refuse("period", "period_ahead")


# --- what a row is -------------------------------------------------------------------------------------------------


def judge(
    payment: Payment,
    candidates: Sequence[Who],
    chosen_uuid: str | None,
    entries: Sequence[Entry],
    above: Sequence[Above],
    *,
    is_relief: bool = False,
) -> Verdict:
    """What a row is, of whom could be meant and what is in the books for their households.

    `entries`: but for what this very list has brought. `above`: rows of the list before this one that may be taken in.
    `chosen_uuid`: whom of several somebody has chosen. `is_relief`: its programme is temporary relief.
    """
    if payment.faults:
        return Verdict(FAULTY, notes=tuple(payment.faults))
    if len(candidates) > 1:
        keys = tuple(who.person_uuid for who in candidates)
        chosen = [who for who in candidates if who.person_uuid == chosen_uuid]
        if not chosen:
            return Verdict(SEVERAL, candidates=keys, notes=(Fault("name", "several"),))
        verdict = judge(payment, chosen, None, entries, above, is_relief=is_relief)
        if verdict.kind not in TAKEABLE:
            return verdict
        return dataclasses.replace(verdict, kind=SEVERAL, candidates=keys)
    if not candidates:
        return Verdict(UNKNOWN, notes=(Fault("id_number" if payment.id_number else "name", "unknown"),))
    who = candidates[0]
    if who.is_relative:
        return Verdict(RELATIVE, who, notes=(Fault("name", "relative"),))
    theirs = [entry for entry in entries if entry.person_uuid in (None, who.person_uuid)]
    entered = next((entry for entry in theirs if entry.is_given and not entry.is_near), None)
    if entered is not None:
        return Verdict(ENTERED, who, notes=(_say("entered", entered),))
    claimed = {uuid for row in above for uuid in row.due_uuids}
    # What is due to the person goes before what is due to the household, and what the same payer owes before others'.
    free = sorted(
        (
            entry
            for entry in theirs
            if not entry.is_given and not entry.is_near and entry.aid_uuid not in claimed
        ),
        key=lambda entry: (
            entry.person_uuid is None,
            entry.source != payment.source,
            entry.on,
            entry.aid_uuid,
        ),
    )
    settles = [entry for entry in free if entry.cents == payment.amount_cents][:1]
    if not settles and sum(entry.cents for entry in free) == payment.amount_cents:
        settles = free
    first = next((row for row in above if row.for_household or row.person_uuid == who.person_uuid), None)
    if first is not None and not settles:
        return Verdict(TWICE, who, notes=(Fault("name", "twice", {"row": first.number}),))
    doubts = _list_doubts(payment, who)
    if any(entry.source != payment.source for entry in settles):
        doubts.append(Fault("source", "source_differs"))
    if is_relief and who.waits_for_relief:
        doubts.append(Fault("programme", "relief_waits"))
    doubts += [
        _say("near_given" if entry.is_given else "near_due", entry)
        for entry in theirs
        if entry.is_near and entry.cents == payment.amount_cents and (entry.is_given or not settles)
    ]
    return _settle(payment, who, settles, free, doubts)


def _settle(
    payment: Payment, who: Who, settles: Sequence[Entry], free: Sequence[Entry], doubts: list[Fault]
) -> Verdict:
    """What a row is that is in the books not yet: what it pays or replaces, and whether somebody has to look at it."""
    kind = DOUBTFUL if doubts else DUE if settles else DIFFERS if free else NEW
    notes = list(doubts)
    if who.gone_on is not None and payment.period and who.gone_on <= last_day(payment.period):
        kind, notes = GONE, [Fault("name", "gone", {"day": who.gone_on.isoformat()}), *notes]
    if free and not settles:
        notes.append(Fault("amount", "amount_differs", {"cents": sum(entry.cents for entry in free)}))
    return Verdict(
        kind,
        who,
        settles=tuple(entry.aid_uuid for entry in settles),
        cancels=() if settles else tuple(entry.aid_uuid for entry in free),
        for_household=any(entry.person_uuid is None for entry in settles or free),
        notes=tuple(notes),
    )


def _list_doubts(payment: Payment, who: Who) -> list[Fault]:
    # A wrong check digit that the registry has, too, stands there with its reason.
    doubts = [] if who.by_id else list(payment.doubts)
    if payment.id_number and not who.by_id and not doubts:
        doubts.append(Fault("id_number", "id_differs"))
    if payment.name and who.name and people.plain_word(payment.name) != people.plain_word(who.name):
        doubts.append(Fault("name", "name_differs", {"name": who.name}))
    if not who.by_id and not _fits_places(payment, who):
        doubts.append(Fault("township" if payment.township else "village", "place_differs"))
    return doubts


def narrow(payment: Payment, found: Sequence[Who]) -> list[Who]:
    """Of several people who fit, those who live where the row says, if any does."""
    there = [who for who in found if _fits_places(payment, who)]
    return there if len(found) > 1 and there else list(found)


def _fits_places(payment: Payment, who: Who) -> bool:
    said = (payment.township, payment.village)
    return all(_is_same_place(text, name) for text, name in zip(said, who.places, strict=True) if text)


def _is_same_place(text: str, name: str) -> bool:
    """Whether two names are one, written whole or short (达连河, 达连河镇)."""
    one, other = word(text), word(name)
    return one.startswith(other) or other.startswith(one)


def _say(code: str, entry: Entry) -> Fault:
    return Fault("amount", code, {"cents": entry.cents, "day": entry.on.isoformat()})
