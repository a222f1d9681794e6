"""The life of an entry of aid, how amounts are written, and which column of the report they count in.

Invariant: money is whole cents and quantities are whole thousandths; nothing here is a floating number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

KINDS = ("cash", "goods", "service")
STATES = ("due", "given", "cancelled", "reversed", "reversal")
# step: (states it starts from, state it leads to)
STEPS: dict[str, tuple[frozenset[str], str]] = {
    "given": (frozenset({"due"}), "given"),
    "cancelled": (frozenset({"due"}), "cancelled"),
    "reversed": (frozenset({"given"}), "reversed"),
}
# What an entry counts for: one that was reversed still counts where it was given, and its reversal takes it off again.
SIGNS: dict[str, int] = {"given": 1, "reversed": 1, "reversal": -1}
# What was given stays on phones so long: it answers "what did they get lately?", and is seen before it is given twice.
ON_PHONES = timedelta(days=60)
# The most one entry may be: more is a slip of the finger.
MOST_CENTS = 1_000_000_00
MOST_MILLI = 100_000_000

RESERVE_FUND = "reserve_fund"
MONEY_COLUMNS = ("relief", "charity", "other")
GOODS_COLUMNS = ("food", "clothing", "heating", "medicine", "other")


@dataclass(frozen=True)
class Goods:
    """How much of one kind of goods was given, in thousandths of its unit: in a week, and in all so far."""

    item: str
    unit: str
    week_milli: int
    total_milli: int


def can_step(step: str, state: str) -> bool:
    """Whether `step` may be taken from `state`."""
    return state in STEPS[step][0]


def is_on_phones(state: str, given_on: date | None, today: date) -> bool:
    """Whether the phones of its household's grid hold an entry: what is due, and what was given lately."""
    return state == "due" or (state == "given" and given_on is not None and given_on > today - ON_PHONES)


def is_own(entered_by_id: int, settled_by_id: int | None, user_id: int) -> bool:
    """Whether an account may take back an entry: it was the last to say something of it."""
    return (settled_by_id or entered_by_id) == user_id


def needs_receipt(limits: Mapping[str, int | None], kind: str, amount_cents: int | None) -> bool:
    """Whether a county that asks for receipts from those amounts on (by kind, cents) asks for one of this.

    Goods whose worth nobody knows are worth 0.
    """
    limit = limits.get(kind)
    return limit is not None and (amount_cents or 0) >= limit


def list_faults(
    kind: str,
    item: str | None,
    amount_cents: int | None,
    quantity_milli: int | None,
    unit: str | None,
) -> dict[str, str]:
    """What is wrong with how much of what it is said to be, by field; nothing when it fits its kind."""
    by_kind: dict[str, dict[str, int | str | None]] = {
        "cash": {"amount_cents": amount_cents},
        "goods": {"item": item, "quantity_milli": quantity_milli, "unit": unit},
        "service": {"item": item, "quantity_milli": quantity_milli},
    }
    needed = by_kind[kind]
    faults = {name: "missing" for name, value in needed.items() if value is None}
    given = {"item": item, "quantity_milli": quantity_milli, "unit": unit, "amount_cents": amount_cents}
    # What goods are worth may be known.
    allowed = needed.keys() | ({"amount_cents"} if kind == "goods" else set())
    faults |= {
        name: "unexpected" for name, value in given.items() if value is not None and name not in allowed
    }
    if kind == "service" and (quantity_milli or 0) % 1000:
        faults["quantity_milli"] = "not_whole"
    return faults


def read_amount(text: str, digits: int) -> int | None:
    """The whole number of parts (10^-digits) that a typed amount is: `1,250.5` with two digits is 125050.

    None for what is no number above zero, or has more digits after the point.
    """
    plain = text.replace(",", "").replace("，", "").replace("．", ".").strip()
    try:
        parts = Decimal(plain).scaleb(digits)
    except InvalidOperation:
        return None
    # Compared as text of a number first: Decimal also reads 1e9, NaN and Infinity.
    if not plain.replace(".", "", 1).isdecimal() or parts != parts.to_integral_value() or parts <= 0:
        return None
    return int(parts)


def write_amount(parts: int, digits: int, least_digits: int = 0) -> str:
    """The number that `read_amount` read, with commas and no needless noughts: 125050 with two digits is 1,250.5."""
    whole, rest = divmod(parts, 10**digits)
    after = f"{rest:0{digits}d}".rstrip("0").ljust(least_digits, "0")
    return f"{whole:,}" + (f".{after}" if after else "")


def money_column(programme: Mapping[str, Any], source: str) -> str:
    """The column of the report in which money of a programme (its settings) and source counts, one of MONEY_COLUMNS."""
    if source == "charity":
        return "charity"
    return str(programme.get("column", "other"))


def goods_column(goods: Mapping[str, Any], unit: str, quantity_milli: int) -> tuple[str, int]:
    """The column of the report in which goods (their settings) count, one of GOODS_COLUMNS, and how many thousandths of
    its unit they are. What nobody knows how to convert is written out as it was counted, among the others.
    """
    rate = goods.get("units", {}).get(unit)
    if rate is None:
        return "other", quantity_milli
    return str(goods["column"]), quantity_milli * int(rate) // 1000


def list_counts(
    kind: str,
    programme: Mapping[str, Any],
    source: str,
    goods: Mapping[str, Any],
    unit: str,
    amount_cents: int,
    quantity_milli: int,
    *,
    persons: int,
    is_vagrant: bool,
    measures: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """What an entry adds to the columns of the report (rollups.columns), of those settings of its programme and goods.

    `measures`: of a case of relief, which of its measures this payment is; else relief counts as a case of its own.
    """
    column = money_column(programme, source)
    counts: dict[str, int] = {}
    if kind == "cash":
        counts[f"money_{column}"] = amount_cents
        if column == "relief" and source == RESERVE_FUND:
            counts["money_relief_reserve"] = amount_cents
    elif kind == "goods":
        goods_in, milli = goods_column(goods, unit, quantity_milli)
        counts |= {f"goods_{goods_in}": milli, "goods_worth": amount_cents}
    else:
        counts["services"] = max(quantity_milli // 1000, 1)
    if measures is not None:
        counts |= measures
    elif column == "relief":
        counts |= {"relief_cases": 1, "relief_persons": persons}
        if source == RESERVE_FUND:
            counts["relief_reserve"] = 1
    if column == "charity":
        counts["charity"] = persons
    if is_vagrant:
        counts["vagrants_helped"] = persons
    return {name: value for name, value in counts.items() if value}
