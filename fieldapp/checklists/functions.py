"""What the operations of an expression compute, on plain values: the server's half of the two evaluators.

A value is a text, a number (float), a truth value, or a list of texts (the answers a path leads to).
Invariant: nothing here raises, whatever the values are; static/src/checklist/engine.js computes the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache, reduce
from operator import add

import re2

Value = str | float | bool | list[str]

NAN = math.nan
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(?:Z|[-+]\d\d:\d\d)?)?", re.ASCII
)
_SPACE = " \t\r\n"
_SPACES = re.compile(r"[ \t\r\n]+")
_EPOCH = date(1970, 1, 1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def text(value: Value) -> str:
    """A value as text; of several answers the first, NaN as ""."""
    if isinstance(value, list):
        return value[0] if value else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else number_text(value)


def number_text(number: float) -> str:
    """A number as JavaScript writes it, NaN as ""; an integer beyond all floats counts as infinite, as it does there."""
    try:
        number = float(number)
    except OverflowError:
        number = math.inf if number > 0 else -math.inf
    if math.isnan(number):
        return ""
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    digits = Decimal(repr(float(number)))
    exponent = digits.adjusted()
    if -7 < exponent < 21:
        plain = format(digits, "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    sign, figures, _scale = digits.normalize().as_tuple()
    mantissa = "".join(map(str, figures))
    return f"{'-' * sign}{mantissa[0]}{'.' * (len(mantissa) > 1)}{mantissa[1:]}e{exponent:+d}"


def number(value: Value) -> float:
    """A value as number: texts by XPath's grammar, dates as days since 1970, anything else NaN."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    written = text(value).strip(_SPACE)
    return float(written) if _NUMBER.fullmatch(written) else days(written)


def truth(value: Value) -> bool:
    """A value as truth: texts and lists when not empty, numbers when neither 0 nor NaN."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return bool(value) and not math.isnan(value)
    return bool(value)


def texts(value: Value) -> list[str]:
    """All answers of a path, or the one text of anything else."""
    return value if isinstance(value, list) else [text(value)]


def words(value: Value) -> list[str]:
    """The names in the answer to a select; a blank answer holds one empty name, as in ODK's engine."""
    return _SPACES.split(text(value).strip(_SPACE))


@lru_cache(maxsize=4096)
def _calendar(written: str) -> tuple[date, float] | None:
    match = _DATE.fullmatch(written)
    if match is None or match[1] < "1000":
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    hours, minutes, seconds = int(match[4] or 0), int(match[5] or 0), float(match[6] or 0)
    if hours > 23 or minutes > 59 or seconds >= 60:
        return None
    return day, (hours * 3600 + minutes * 60 + seconds) / 86400


def days(written: str) -> float:
    """Days since 1970-01-01 by the clock on the wall (a zone is not looked at); NaN when it is not a date."""
    found = _calendar(written)
    return (found[0] - _EPOCH).days + found[1] if found else NAN


def is_date(written: str) -> bool:
    """Whether it is a real date, YYYY-MM-DD, without a time."""
    return len(written) == 10 and _calendar(written) is not None


def date_text(value: Value) -> str:
    """date(): a date stays as it is, days since 1970 become a date, anything else ""."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float | int):
        if not math.isfinite(value) or not -354000 < value < 2932000:
            return ""
        return (_EPOCH + timedelta(days=math.floor(value))).isoformat()
    written = text(value)
    return written if _calendar(written) else ""


def format_date(value: Value, pattern: Value, with_time: bool) -> str:
    """format-date() and format-date-time(); "" when the value is not a date."""
    found = _calendar(text(date_text(value) if isinstance(value, float) else value))
    if found is None:
        return ""
    day, fraction = found
    second = round(fraction * 86400)
    signs = {
        "Y": f"{day.year:04d}",
        "y": f"{day.year % 100:02d}",
        "m": f"{day.month:02d}",
        "n": str(day.month),
        "b": _MONTHS[day.month - 1],
        "d": f"{day.day:02d}",
        "e": str(day.day),
        "a": _DAYS[day.weekday()],
    }
    if with_time:
        signs |= {
            "H": f"{second // 3600:02d}",
            "h": str(second // 3600),
            "M": f"{second // 60 % 60:02d}",
            "S": f"{second % 60:02d}",
            "3": "000",
        }
    return re.sub("%(.)", lambda match: signs.get(match[1], match[0]), text(pattern), flags=re.DOTALL)


def months_between(first: Value, last: Value) -> float:
    """difference-in-months(): whole months from first to last, negative when last is earlier."""
    start, end = _calendar(text(first)), _calendar(text(last))
    if start is None or end is None:
        return NAN
    if end[0] < start[0]:
        return -months_between(last, first)
    a, b = start[0], end[0]
    return float((b.year - a.year) * 12 + b.month - a.month - (b.day < a.day))


def equal(left: Value, right: Value) -> bool:
    """`=`: of several answers any may match; truth values, then numbers, then texts decide how."""
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) == truth(right)
    return _any(left, right, _same)


def unequal(left: Value, right: Value) -> bool:
    """`!=`: of several answers any may differ."""
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) != truth(right)
    return _any(left, right, lambda a, b: not _same(a, b))


def _same(left: Value, right: Value) -> bool:
    if isinstance(left, float | int) or isinstance(right, float | int):
        return number(left) == number(right)
    return left == right


def _any(left: Value, right: Value, holds: Callable[[Value, Value], bool]) -> bool:
    many: list[Value] = list(left) if isinstance(left, list) else [left]
    others: list[Value] = list(right) if isinstance(right, list) else [right]
    return any(holds(a, b) for a in many for b in others)


def _compare(holds: Callable[[float, float], bool]) -> Callable[[Value, Value], bool]:
    return lambda left, right: _any(left, right, lambda a, b: holds(number(a), number(b)))


def _divide(a: float, b: float) -> float:
    if b == 0:
        if a == 0 or math.isnan(a):
            return NAN
        return math.copysign(math.inf, a) * math.copysign(1, b)
    return a / b


def _modulo(a: float, b: float) -> float:
    return NAN if b == 0 or math.isinf(a) or math.isnan(a) or math.isnan(b) else math.fmod(a, b)


def _fold(step: Callable[[float, float], float]) -> Callable[[Value, Value], float]:
    return lambda left, right: step(number(left), number(right))


def _whole(rounding: Callable[[float], int]) -> Callable[[Value], float]:
    def apply(value: Value) -> float:
        found = number(value)
        if not math.isfinite(found):
            return found
        # JavaScript keeps the sign of a zero, and dividing by it shows.
        return float(rounding(found)) or math.copysign(0.0, found)

    return apply


def round_to(value: Value, places: Value = 0.0) -> float:
    """round(): halves away from zero, to `places` decimals."""
    found, decimals = number(value), number(places)
    if not math.isfinite(found) or not math.isfinite(decimals) or abs(decimals) > 20:
        return found if not math.isnan(decimals) else NAN
    scale = float(f"1e{math.trunc(decimals)}")
    return math.copysign(math.floor(abs(found) * scale + 0.5) / scale, found)


def power(base: Value, exponent: Value) -> float:
    """pow(), with JavaScript's answers where Python raises."""
    a, b = number(base), number(exponent)
    if math.isnan(b) or (abs(a) == 1 and math.isinf(b)):
        return NAN
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        return math.copysign(math.inf, a) if a == 0 and b % 2 == 1 else math.inf if a == 0 else NAN


def _numbers(values: tuple[Value, ...]) -> list[float]:
    return [number(item) for value in values for item in (value if isinstance(value, list) else [value])]


def _extreme(pick: Callable[[list[float]], float]) -> Callable[..., float]:
    def apply(*values: Value) -> float:
        found = _numbers(values)
        return NAN if not found or any(map(math.isnan, found)) else pick(found)

    return apply


def total(value: Value) -> float:
    """sum(): NaN over nothing and over a blank, as in ODK's engine."""
    found = _numbers((value,))
    # Added one by one, as the phone does: Python's own sum() rounds better from 3.12 on.
    return reduce(add, found) if found else NAN


def substr(value: Value, start: Value, end: Value | None = None) -> str:
    """substr(): by code points from 0; negative positions count from the end."""
    whole = text(value)
    size = len(whole)

    def place(position: Value) -> int:
        found = number(position)
        if math.isnan(found):
            return 0
        found = math.trunc(max(min(found, size), -size - 1))
        return min(max(found + size if found < 0 else found, 0), size)

    return whole[place(start) : place(end) if end is not None else size]


def selected_at(value: Value, position: Value) -> str:
    """selected-at(): the name at a position counted from 0, or ""."""
    names, place = words(value), number(position)
    return names[math.trunc(place)] if -1 < place < len(names) else ""


def substring_after(value: Value, mark: Value) -> str:
    """What follows the first occurrence of `mark`, or ""."""
    whole, sign = text(value), text(mark)
    return whole.partition(sign)[2] if sign else whole


def substring_before(value: Value, mark: Value) -> str:
    """What precedes the first occurrence of `mark`, or ""."""
    whole, sign = text(value), text(mark)
    return whole[: max(whole.find(sign), 0)]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re2._Regexp:
    return re2.compile(pattern)


def matches(value: Value, pattern: Value) -> bool:
    """regex(): whether the pattern is found, in linear time."""
    return _compiled(text(pattern)).search(text(value)) is not None


FUNCTIONS: dict[str, Callable[..., Value]] = {
    "=": equal,
    "!=": unequal,
    "<": _compare(lambda a, b: a < b),
    "<=": _compare(lambda a, b: a <= b),
    ">": _compare(lambda a, b: a > b),
    ">=": _compare(lambda a, b: a >= b),
    "+": _fold(lambda a, b: a + b),
    "-": _fold(lambda a, b: a - b),
    "*": _fold(lambda a, b: a * b),
    "div": _fold(_divide),
    "mod": _fold(_modulo),
    "neg": lambda value: -number(value),
    "abs": lambda value: abs(number(value)),
    "boolean": truth,
    "ceiling": _whole(math.ceil),
    "coalesce": lambda *values: next((found for found in map(text, values) if found), ""),
    "concat": lambda *values: "".join(part for value in values for part in texts(value)),
    "contains": lambda value, part: text(part) in text(value),
    "count": lambda value: float(len(texts(value))),
    "count-non-empty": lambda value: float(sum(1 for item in texts(value) if item)),
    "count-selected": lambda value: float(len([name for name in words(value) if name])),
    "date": date_text,
    "decimal-date-time": lambda value: number(value) if isinstance(value, float) else days(text(value)),
    "difference-in-months": months_between,
    "ends-with": lambda value, part: text(value).endswith(text(part)),
    "false": lambda: False,
    "floor": _whole(math.floor),
    "format-date": lambda value, pattern: format_date(value, pattern, False),
    "format-date-time": lambda value, pattern: format_date(value, pattern, True),
    "int": _whole(math.trunc),
    "join": lambda glue, *values: text(glue).join(part for value in values for part in texts(value)),
    "max": _extreme(max),
    "min": _extreme(min),
    "normalize-space": lambda value: _SPACES.sub(" ", text(value).strip(_SPACE)),
    "not": lambda value: not truth(value),
    "number": number,
    "pow": power,
    "regex": matches,
    "round": round_to,
    "selected": lambda value, name: text(name).strip(_SPACE) in words(value),
    "selected-at": selected_at,
    "starts-with": lambda value, part: text(value).startswith(text(part)),
    "string": text,
    "string-length": lambda value: float(len(text(value))),
    "substr": substr,
    "substring-after": substring_after,
    "substring-before": substring_before,
    "sum": total,
    "true": lambda: True,
}
