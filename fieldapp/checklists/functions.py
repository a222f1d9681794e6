"""What the operations of an expression compute, on plain values: the server's half of the two evaluators.

A value is a text, a number (float), a truth value, or a list of texts (the answers a path leads to).
Invariant: nothing here raises, whatever the values are; static/src/checklist/functions.js computes the same.
"""

from __future__ import annotations

import math
import random
import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import lru_cache, reduce
from itertools import pairwise
from operator import add
from uuid import uuid4

import re2

Value = str | float | bool | list[str]

NAN = math.nan
_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_ZONE = r"Z|[-+](?:0\d|1[0-4]):[0-5]\d"
_CLOCK = rf"(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?({_ZONE})?"
_DATE = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:T{_CLOCK})?", re.ASCII)
_TIME = re.compile(_CLOCK, re.ASCII)
_SHORT_DATE = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(T.*)?", re.ASCII | re.DOTALL)
_DAY_MS = 86_400_000
# The equator's radius as ODK's engine has it.
_EARTH_M = 6_378_100
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
    return _number_written(text(value))


@lru_cache(maxsize=65536)
def _number_written(written: str) -> float:
    written = written.strip(_SPACE)
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


def _clock_ms(hours: str, minutes: str | None, seconds: str | None, fraction: str | None) -> int | None:
    """Milliseconds since midnight; None when no clock shows that."""
    h, m, s = int(hours), int(minutes or 0), int(seconds or 0)
    if h > 23 or m > 59 or s > 59:
        return None
    return (h * 3600 + m * 60 + s) * 1000 + int(f"{fraction or ''}000"[:3])


@lru_cache(maxsize=4096)
def _calendar(written: str) -> tuple[date, int, str] | None:
    """The day, the milliseconds since midnight and the zone of a date or a date with a time; None for anything else."""
    match = _DATE.fullmatch(written)
    if match is None or match[1] < "1000":
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    since = _clock_ms(match[4] or "0", match[5], match[6], match[7])
    return None if since is None else (day, since, match[8] or "")


def days(written: str) -> float:
    """Days since 1970-01-01 by the clock on the wall (a zone is not looked at); NaN when it is not a date."""
    found = _calendar(written)
    return ((found[0] - _EPOCH).days * _DAY_MS + found[1]) / _DAY_MS if found else NAN


def is_date(written: str) -> bool:
    """Whether it is a real date, YYYY-MM-DD, without a time."""
    return len(written) == 10 and _calendar(written) is not None


def is_date_time(written: str) -> bool:
    """Whether it is a real date with hours and minutes."""
    return len(written) > 15 and _calendar(written) is not None


def is_time(written: str) -> bool:
    """Whether it is a time of the day with hours and minutes, HH:MM, seconds and zone allowed."""
    return not math.isnan(decimal_time(written))


_WRITTEN_NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)(e[-+]\d+)?", re.ASCII)
_LARGEST_INTEGER = 2_147_483_647


def as_type(kind: str, written: str) -> str:
    """A calculated text as a question of this type holds it, "" when it cannot; other types hold any text."""
    match kind:
        case "integer":
            found = float(written) if _WRITTEN_NUMBER.fullmatch(written) else NAN
            fits = -_LARGEST_INTEGER - 1 <= found < _LARGEST_INTEGER + 1
            return str(math.trunc(found)) if fits else ""
        case "decimal" | "range":
            return written if _WRITTEN_NUMBER.fullmatch(written) else ""
        case "date":
            calendar = _calendar(written)
            return written[:10] if calendar and not calendar[2] else ""
        case "dateTime":
            return written if is_date_time(written) else ""
        case "time":
            return written if is_time(written) else ""
    return written


def decimal_time(value: Value) -> float:
    """decimal-time(): the part of the day that has passed by the clock on the wall."""
    match = _TIME.fullmatch(text(value))
    if match is None or match[2] is None:
        return NAN
    since = _clock_ms(match[1], match[2], match[3], match[4])
    return NAN if since is None else since / _DAY_MS


def _dated(days_ms: int, zone: str) -> str:
    """Milliseconds since 1970 as a date, with the time where it is not midnight; "" beyond the years 1000 to 9999."""
    day, since = divmod(days_ms, _DAY_MS)
    if not -354285 <= day <= 2932896:
        return ""
    written = date.fromordinal(_EPOCH.toordinal() + day).isoformat()
    if not since:
        return written
    second = since // 1000
    return (
        f"{written}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{since % 1000:03d}{zone}"
    )


def date_text(zone: str, value: Value) -> str:
    """date() and date-time(): a date, with the time in `zone` where it has one; "" for what is none."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float | int):
        # Far beyond any year is out of reach of exact milliseconds.
        return _dated(math.floor(value * _DAY_MS + 0.5), zone) if abs(value) < 1e8 else ""
    written = text(value)
    short = _SHORT_DATE.fullmatch(written)
    if short:
        written = f"{short[1]}-{short[2]:0>2}-{short[3]:0>2}{short[4] or ''}"
    found = _calendar(written)
    return _dated((found[0] - _EPOCH).days * _DAY_MS + found[1], found[2] or zone) if found else ""


def add_date(zone: str, value: Value, *amounts: Value) -> str:
    """add-date(): years, months, days, hours and minutes later; a month's last day where the day is missing."""
    found = _calendar(date_text(zone, value))
    given = [number(amount) for amount in amounts]
    if found is None or not all(math.isfinite(amount) and abs(amount) < 1e6 for amount in given):
        return ""
    years, months, later, hours, minutes = [*given, 0, 0, 0, 0][:5]
    day, since, own_zone = found
    year, month, number_of_day = day.year, day.month, day.day
    for step in (math.trunc(years) * 12, math.trunc(months)):
        total_months = year * 12 + month - 1 + step
        year, month = total_months // 12, total_months % 12 + 1
        if not 1000 <= year <= 9999:
            return ""
        number_of_day = min(number_of_day, monthrange(year, month)[1])
    day_number = (date(year, month, number_of_day) - _EPOCH).days + math.trunc(later)
    return _dated(
        day_number * _DAY_MS + since + math.floor((hours * 60 + minutes) * 60000 + 0.5), own_zone or zone
    )


def format_date(value: Value, pattern: Value) -> str:
    """format-date() and format-date-time(); "" when the value is not a date."""
    found = _calendar(text(date_text("", value) if isinstance(value, float) else value))
    if found is None:
        return ""
    day, since, _zone = found
    second = since // 1000
    signs = {
        "Y": f"{day.year:04d}",
        "y": f"{day.year % 100:02d}",
        "m": f"{day.month:02d}",
        "n": str(day.month),
        "b": _MONTHS[day.month - 1],
        "d": f"{day.day:02d}",
        "e": str(day.day),
        "a": _DAYS[day.weekday()],
        "H": f"{second // 3600:02d}",
        "h": str(second // 3600),
        "M": f"{second // 60 % 60:02d}",
        "S": f"{second % 60:02d}",
        "3": f"{since % 1000:03d}",
    }
    return re.sub("%([YymnbdeaHhMS3])", lambda match: signs[match[1]], text(pattern))


def months_between(first: Value, last: Value) -> float:
    """difference-in-months(): whole months from first to last, negative when last is earlier."""
    start, end = _calendar(text(first)), _calendar(text(last))
    if start is None or end is None:
        return NAN
    if end[0] < start[0]:
        return -months_between(last, first)
    a, b = start[0], end[0]
    return float((b.year - a.year) * 12 + b.month - a.month - (b.day < a.day))


def point(written: str) -> tuple[float, float] | None:
    """Latitude and longitude in degrees of "45.1 126.5 0 12"; None when it is no place."""
    parts = written.split(" ")
    if not 2 <= len(parts) <= 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    latitude, longitude = float(parts[0]), float(parts[1])
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def distance(*values: Value) -> float:
    """distance(): metres along the points in all arguments, to the centimetre; NaN when one of them is no place."""
    written = [part for value in values for part in texts(value)]
    if len(written) == 1:
        written = [part.strip(_SPACE) for part in written[0].strip(_SPACE + ";").split(";")]
    points = [point(part) for part in written]
    if len(points) < 2:
        return NAN
    metres = 0.0
    for start, end in pairwise(points):
        if start is None or end is None:
            return NAN
        metres += _metres(start, end)
    return math.floor(metres * 100 + 0.5) / 100


def _radians(degrees: float) -> float:
    return degrees * (math.pi / 180)


def _metres(start: tuple[float, float], end: tuple[float, float]) -> float:
    # The half-angle formula: unlike the arc cosine it is exact for places close together.
    (a, b), (c, d) = start, end
    north = math.sin(_radians(c - a) / 2)
    east = math.sin(_radians(d - b) / 2)
    half = north * north + math.cos(_radians(a)) * math.cos(_radians(c)) * east * east
    return 2 * _EARTH_M * math.asin(min(1.0, math.sqrt(half)))


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
    return [
        found
        for value in values
        for found in (map(_number_written, value) if isinstance(value, list) else [number(value)])
    ]


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
        if not math.isfinite(found):
            return -1
        found = math.trunc(max(min(found, size), -size))
        return found + size if found < 0 else found

    first, last = place(start), place(end) if end is not None else size
    return whole[first:last] if first >= 0 and last >= 0 else ""


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


def translate(value: Value, signs: Value, others: Value) -> str:
    """translate(): each of `signs` by the one at its place in `others`, or by nothing."""
    wanted: dict[str, str] = {}
    replacements = text(others)
    for place, sign in enumerate(text(signs)):
        wanted.setdefault(sign, replacements[place : place + 1])
    return "".join(wanted.get(sign, sign) for sign in text(value))


def some_uuid(size: Value = 36.0) -> str:
    """uuid(): a new identifier, or that many signs of new ones."""
    wanted = number(size)
    length = int(min(max(wanted, 0), 1000)) if not math.isnan(wanted) else 0
    return "".join(str(uuid4()) for _part in range(length // 36 + 1))[:length]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re2._Regexp:
    return re2.compile(pattern)


def matches(value: Value, pattern: Value) -> bool:
    """regex(): whether the pattern is found, in linear time."""
    # Half a surrogate pair, which JSON can carry, is no text to RE2.
    readable = text(value).encode("utf-8", "replace").decode()
    return _compiled(text(pattern)).search(readable) is not None


# These write times, and take the zone to write them in before their arguments.
ZONED = frozenset({"add-date", "date", "date-time"})
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
    "add-date": add_date,
    "boolean": truth,
    "boolean-from-string": lambda value: text(value) in {"1", "true"},
    "ceiling": _whole(math.ceil),
    "coalesce": lambda *values: next((found for found in map(text, values) if found), ""),
    "concat": lambda *values: "".join(part for value in values for part in texts(value)),
    "contains": lambda value, part: text(part) in text(value),
    "count": lambda value: float(len(texts(value))),
    "count-non-empty": lambda value: float(sum(1 for item in texts(value) if item)),
    "count-selected": lambda value: float(len([name for name in words(value) if name])),
    "date": date_text,
    "date-time": date_text,
    "decimal-date-time": lambda value: number(value) if isinstance(value, float) else days(text(value)),
    "decimal-time": decimal_time,
    "difference-in-months": months_between,
    "distance": distance,
    "ends-with": lambda value, part: text(value).endswith(text(part)),
    "false": lambda: False,
    "floor": _whole(math.floor),
    "format-date": format_date,
    "format-date-time": format_date,
    "int": _whole(math.trunc),
    "join": lambda glue, *values: text(glue).join(part for value in values for part in texts(value)),
    "max": _extreme(max),
    "min": _extreme(min),
    "normalize-space": lambda value: _SPACES.sub(" ", text(value).strip(_SPACE)),
    "not": lambda value: not truth(value),
    "number": number,
    "pi": lambda: math.pi,
    "pow": power,
    "random": random.random,
    "regex": matches,
    "round": round_to,
    "selected": lambda value, name: text(name).strip(_SPACE) in words(value),
    "selected-at": selected_at,
    "sqrt": lambda value: math.sqrt(number(value)) if number(value) >= 0 else NAN,
    "starts-with": lambda value, part: text(value).startswith(text(part)),
    "string": text,
    "string-length": lambda value: float(len(text(value))),
    "substr": substr,
    "substring-after": substring_after,
    "substring-before": substring_before,
    "sum": total,
    "translate": translate,
    "true": lambda: True,
    "uuid": some_uuid,
}
