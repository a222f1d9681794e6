"""When a person must next be seen, what an ID number says, how personal numbers are shown, how names are found.

Invariant: the one place that decides a due date; phone and desk show what it said. It never asks what day it is: a due
date stays right however long nobody works it out again.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from geopy.distance import geodesic
from pypinyin import Style, lazy_pinyin

# Outcomes that reset a due date: an attempt that reached nobody never does, nor a refusal (DOMAIN 4).
COUNTS_AS_CONTACT = frozenset({"reached"})


@dataclass(frozen=True, order=True)
class Contact:
    """A day on which a person was seen or asked about; `is_remote`: by phone, WeChat or video alone."""

    on: date
    is_remote: bool


@dataclass(frozen=True)
class Interval:
    """At most so many days between contacts, asked for from one day to another (None: without bound)."""

    days: int
    from_on: date | None = None
    to_on: date | None = None


@dataclass(frozen=True)
class Period:
    """A special period: its days, and how often people of each risk are to be seen in it."""

    from_on: date
    until_on: date | None
    risk_days: Mapping[str, int]


@dataclass(frozen=True)
class DueTable:
    """What the code tables say of due dates; keys are (table, code). What is not in them asks for nothing."""

    days: Mapping[tuple[str, str], int]
    special_days: Mapping[tuple[str, str], int]
    # Risks at which a remote contact may replace only every other visit.
    every_other: frozenset[str]


def find_last_counted(contacts: Iterable[Contact]) -> Contact | None:
    """The last contact that counts where a remote one may replace only every other visit, or None.

    Of two remote ones in a row the second does not count; one on the day of a visit is part of that visit.
    """
    counted: Contact | None = None
    for contact in sorted(set(contacts)):
        if counted is None or (contact.on > counted.on and not (contact.is_remote and counted.is_remote)):
            counted = contact
    return counted


def list_intervals(
    table: DueTable,
    risk: str,
    main_class: str,
    tags: Iterable[tuple[str, date | None, date | None]],
    periods: Iterable[Period],
) -> list[Interval]:
    """All that asks for a person to be seen: risk, main class, each tag (name, first day, last day), each period."""
    periods = list(periods)
    found: list[Interval] = []
    asking = [("risk", risk, None, None), ("class", main_class, None, None)]
    for kind, code, from_on, to_on in [*asking, *(("tag", *tag) for tag in tags)]:
        usual = table.days.get((kind, code))
        if usual is not None:
            found.append(Interval(usual, from_on, to_on))
        for period in periods:
            days = period.risk_days.get(code) if kind == "risk" else table.special_days.get((kind, code))
            start = max(from_on or period.from_on, period.from_on)
            end = earliest([to_on, period.until_on])
            if days is not None and (end is None or start <= end):
                found.append(Interval(days, start, end))
    return found


def next_due_on(
    registered_on: date,
    last_on: date | None,
    gone_on: date | None,
    intervals: Iterable[Interval],
) -> date | None:
    """The first day on which an interval that is asked for on that day has passed since the last counted contact.

    The day they were registered while they were never seen; None once they are gone (dead, or moved away), or when
    nothing asks for them. What fell due before a tag or a period ended stays due until they are seen.
    """
    if gone_on is not None:
        return None
    if last_on is None:
        return registered_on
    return earliest(_due_by(interval, last_on) for interval in intervals)


def _due_by(interval: Interval, last_on: date) -> date | None:
    due_on = last_on + timedelta(days=interval.days)
    if interval.from_on is not None:
        due_on = max(due_on, interval.from_on)
    return due_on if interval.to_on is None or due_on <= interval.to_on else None


Place = tuple[float, float]
# Fewer households than these are not worth asking a neighbour for.
LEAST_HELP = 3


@dataclass(frozen=True)
class Help:
    """A suggestion: these households of a grid with much to do lie nearest to one with little, that far from its middle."""

    from_grid: str
    to_grid: str
    household_uuids: tuple[str, ...]
    distance_m: float


def suggest_help(
    loads: Mapping[str, int], places: Mapping[str, Mapping[str, Place]], middles: Mapping[str, Place]
) -> list[Help]:
    """How what is due in neighbouring grids could be evened out; nothing where places are not known.

    `loads`: how many households are due in each grid; `places`: where those are, by grid and key; `middles`: of each grid's
    households (degrees lat, lon). A grid with half as many again as the mean gives some to the nearest one below it.
    """
    mean = sum(loads.values()) / len(loads) if loads else 0
    room = {grid: int(mean - load) for grid, load in loads.items() if grid in middles}
    found: list[Help] = []
    for giver in sorted(loads, key=lambda grid: (-loads[grid], grid)):
        near = [grid for grid, free in room.items() if free >= LEAST_HELP]
        if loads[giver] < mean * 1.5 or giver not in middles or not near:
            continue
        taker = min(near, key=lambda grid: (_metres(middles[giver], middles[grid]), grid))
        by_distance = sorted(
            (_metres(place, middles[taker]), uuid) for uuid, place in places.get(giver, {}).items()
        )
        given = by_distance[: min(int(loads[giver] - mean), room[taker])]
        if len(given) >= LEAST_HELP:
            room[taker] -= len(given)
            found.append(Help(giver, taker, tuple(uuid for _, uuid in given), given[-1][0]))
    return found


def _metres(one: Place, other: Place) -> float:
    return float(geodesic(one, other).meters)


def earliest(days: Iterable[date | None]) -> date | None:
    """The earliest of the days there are, or None."""
    return min((day for day in days if day is not None), default=None)


def mask_phone(phone: str | None) -> str | None:
    """`13812341234` as `138****1234`; a shorter number keeps its last two."""
    if not phone:
        return None
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 9 else "****" + phone[-2:]


def mask_id(id_number: str | None) -> str | None:
    """The first three and the last four of an ID number."""
    return f"{id_number[:3]}{'*' * 11}{id_number[-4:]}" if id_number else None


def mask_name(name: str) -> str:
    """The first and the last sign of a name, `张*红`; of a short one the first alone. A remark in brackets is no part of it."""
    name = re.split("[（(]", name, maxsplit=1)[0].strip() or name
    return f"{name[0]}*{name[-1]}" if len(name) > 2 else f"{name[:1]}*" if name else ""


def mask_account(number: str | None) -> str | None:
    """The last four of an account number; of a short one the last two."""
    if not number:
        return None
    return "****" + (number[-4:] if len(number) >= 8 else number[-2:])


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"


def id_check_digit(first17: str) -> str:
    """The check digit of GB 11643 for the first 17 digits."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(first17, _WEIGHTS, strict=True)) % 11]


ID_LENGTH = 18
TAIL_LENGTH = 4
EARLIEST_BIRTH = date(1890, 1, 1)


def normal_number(text: str) -> str:
    """An ID, phone or account number as it is kept: no spaces or dashes, plain digits, a large X."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(sign for sign in plain if not sign.isspace() and sign not in "-–—").upper()


def find_id_fault(id_number: str, today: date) -> str | None:
    """What is wrong with an ID number (GB 11643; `normal_number` of it), or None.

    id_length, id_digits and id_birthday mean that it is no such number; one with id_check_digit may stand with a reason.
    The area code is not looked at: old ones stay valid.
    """
    if len(id_number) != ID_LENGTH:
        return "id_length"
    if not (id_number.isascii() and id_number[:17].isdigit() and id_number[17] in _CHECKS):
        return "id_digits"
    birth_on = born_on(id_number)
    if birth_on is None or not EARLIEST_BIRTH <= birth_on <= today:
        return "id_birthday"
    return None if id_number[17] == id_check_digit(id_number[:17]) else "id_check_digit"


def find_id_doubts(id_number: str, birth_on: date | None, sex: str) -> list[str]:
    """Where a well-formed ID number and what else is known disagree: id_check_digit, id_birth_differs, id_sex_differs.

    All of them may be so in life; they stand with `id_reason`.
    """
    return [
        doubt
        for doubt, stands in (
            ("id_check_digit", id_number[17] != id_check_digit(id_number[:17])),
            ("id_birth_differs", birth_on is not None and birth_on != born_on(id_number)),
            ("id_sex_differs", bool(sex) and sex != sex_in(id_number)),
        )
        if stands
    ]


def born_on(id_number: str) -> date | None:
    """The birthday in an ID number, or None when there is no such day."""
    try:
        return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return None


def sex_in(id_number: str) -> str:
    """m or f, as the 17th digit of an ID number has it."""
    return "m" if int(id_number[16]) % 2 else "f"


def is_phone(number: str) -> bool:
    """Whether `normal_number` of a phone can be one: 7 to 15 digits, a + before them at most."""
    digits = number.removeprefix("+")
    return digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15


def is_account(number: str) -> bool:
    """Whether `normal_number` of an account can be one: 8 to 30 digits."""
    return number.isascii() and number.isdigit() and 8 <= len(number) <= 30


# Surnames whose reading as a surname begins otherwise than the sign does in most words.
_SURNAMES = {
    surname: letters
    for letters, surnames in {
        "b": "秘",
        "c": "种 重",
        "g": "盖 句 炅",
        "k": "阚 适",
        "n": "粘 佴 乜",
        "o": "区",
        "p": "朴 繁",
        "q": "仇 覃",
        "s": "单 召 折",
        "x": "解",
        "y": "么",
        "z": "查 曾 翟 藏 祭",
        "yc": "尉迟",
    }.items()
    for surname in surnames.split()
}
WORD_LENGTH = 20
# Of a very long address only so much is looked at.
_ADDRESS_LENGTH = 60


@lru_cache(maxsize=4096)
def initials(name: str) -> str:
    """The first letters of a name's pinyin, small: `wgl` for 王桂兰; other letters and digits stand for themselves."""
    surname = next((name[:length] for length in (2, 1) if name[:length] in _SURNAMES), "")
    rest = lazy_pinyin(name[len(surname) :], style=Style.FIRST_LETTER, errors=lambda rest: rest)
    return plain_word(_SURNAMES.get(surname, "") + "".join(rest))


def plain_word(text: str) -> str:
    """A text as it is looked for: small letters, digits and signs only, at most WORD_LENGTH of them."""
    return _only_signs(text)[:WORD_LENGTH]


def name_words(name: str) -> set[str]:
    """What somebody of that name is found by: the whole name, what is left without the surname, the initials."""
    return (_from_each_sign(_only_signs(name)[:WORD_LENGTH]) | {initials(name)}) - {""}


def are_alike(name: str, birth_on: date | None, other_name: str, other_birth_on: date | None) -> bool:
    """Whether two entries could be one person: the same name with no birthday against it, or one that sounds alike and
    the same birthday.
    """
    if birth_on and birth_on == other_birth_on:
        return initials(name) == initials(other_name)
    # A year apart is often a slip, or the lunar calendar.
    apart = abs(birth_on - other_birth_on).days if birth_on and other_birth_on else 0
    return plain_word(name) == plain_word(other_name) and apart <= 366


@dataclass(frozen=True)
class Entry:
    """What two entries of people are compared by; numbers by their hash."""

    name: str
    sex: str
    birth_on: date | None
    id_hash: str | None
    phone_hash: str | None
    household_name: str
    address: str
    village_code: str


def find_likeness(one: Entry, other: Entry) -> list[str]:
    """Why two entries could be one person: id, birthday (and a name that sounds alike), place (and the same name),
    phone (and nothing that speaks against it); nothing when they are not alike.
    """
    named = bool(plain_word(one.name) and plain_word(other.name))
    could_be = named and are_alike(one.name, one.birth_on, other.name, other.birth_on)
    same_home = plain_word(one.address) == plain_word(other.address) or (
        one.village_code == other.village_code
        and plain_word(one.household_name) == plain_word(other.household_name)
    )
    sounds_alike = not named or initials(one.name) == initials(other.name)
    years_apart = one.birth_on and other.birth_on and abs(one.birth_on - other.birth_on).days > 366
    other_sex = one.sex and other.sex and one.sex != other.sex
    return [
        why
        for why, holds in (
            ("id", one.id_hash is not None and one.id_hash == other.id_hash),
            ("birthday", could_be and one.birth_on is not None and one.birth_on == other.birth_on),
            ("place", could_be and same_home and plain_word(one.name) == plain_word(other.name)),
            (
                "phone",
                one.phone_hash is not None
                and one.phone_hash == other.phone_hash
                and sounds_alike
                and not (years_apart or other_sex),
            ),
        )
        if holds
    ]


def address_words(address: str) -> set[str]:
    """What a household at that address is found by: the address from each of its signs on."""
    return _from_each_sign(_only_signs(address)[:_ADDRESS_LENGTH])


def _from_each_sign(signs: str) -> set[str]:
    """All endings of two signs or more, and the whole; no number and no foreign word is cut in two."""
    starts = (
        place
        for place in range(len(signs))
        if place == 0
        or (place < len(signs) - 1 and not (signs[place - 1].isascii() and signs[place].isascii()))
    )
    return {signs[place : place + WORD_LENGTH] for place in starts}


def find_number(text: str) -> str | None:
    """The ID or phone number, or its last four, that a text is; None when it is anything else."""
    number = normal_number(text)
    digits = number.removesuffix("X")
    is_number = digits.isascii() and digits.isdecimal() and TAIL_LENGTH <= len(number) <= ID_LENGTH
    return number if is_number else None


def _only_signs(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())
