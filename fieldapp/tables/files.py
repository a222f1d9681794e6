"""Tables as files: CSV, an Excel workbook, GeoJSON; each piece by piece, as the rows come.

Invariant: nothing in a cell is ever run by what opens the file, and no more of a table than some rows lies in memory.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from fieldapp.core.workbook import BOLD, NUMBER, PLAIN, stream_workbook

Value = str | int | float | None
CSV, XLSX, GEOJSON = "csv", "xlsx", "geojson"
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    GEOJSON: "application/geo+json",
}
WGS84 = "WGS84"
_ROWS_AT_ONCE = 500
# By which Excel knows that a CSV file is in UTF-8.
_MARK = "\ufeff".encode()
# With what a text begins that programs for tables take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# The same where a cell begins in a CSV file, or seems to; what ends lines stands in quotes there.
_SUSPICIOUS = re.compile(r'(?:^|[,\n])(?:[=+\-@\t]|"[=+\-@\t\r])')


def write_csv(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """The rows below their heads."""
    yield _MARK + _as_csv([heads]).encode()
    left = iter(rows)
    while some := list(islice(left, _ROWS_AT_ONCE)):
        yield _as_csv(some).encode()


def _as_csv(rows: Sequence[Sequence[Value]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    if not _SUSPICIOUS.search(out.getvalue()):
        # As good as always: to look at each cell by itself would take longer than all else.
        return out.getvalue()
    out = io.StringIO()
    csv.writer(out).writerows([harmless(value) for value in row] for row in rows)
    return out.getvalue()


def harmless(value: Value) -> Value:
    """A text that begins like a formula with an apostrophe before it; everything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write_xlsx(heads: Sequence[str], rows: Iterable[Sequence[Value]]) -> Iterator[bytes]:
    """The same as a workbook: what is text is marked as text there."""

    def cells() -> Iterator[list[Any]]:
        yield [(head, BOLD) for head in heads]
        for row in rows:
            yield [
                (value or "", PLAIN) if value is None or isinstance(value, str) else (value, NUMBER)
                for value in row
            ]

    return stream_workbook(cells())


def write_geojson(
    heads: Sequence[str], rows: Iterable[tuple[Mapping[str, Any], Sequence[Value]]]
) -> Iterator[bytes]:
    """The rows that have a place (lat, lon, datum) in WGS-84, as points; of others the last member says how many were left
    out, by datum: GeoJSON knows no other one.
    """
    yield b'{"type":"FeatureCollection","features":['
    left, comma, left_out = iter(rows), "", dict[str, int]()
    while some := list(islice(left, _ROWS_AT_ONCE)):
        pieces = []
        for place, values in some:
            datum = place.get("datum") if place.get("lat") is not None else "none"
            if datum != WGS84:
                left_out[str(datum)] = left_out.get(str(datum), 0) + 1
                continue
            point = {"type": "Point", "coordinates": [place["lon"], place["lat"]]}
            about = dict(zip(heads, values, strict=True))
            feature = {"type": "Feature", "geometry": point, "properties": about}
            pieces.append(json.dumps(feature, ensure_ascii=False))
        if pieces:
            yield (comma + ",".join(pieces)).encode()
            comma = ","
    yield f'],"left_out":{json.dumps(left_out)}}}'.encode()
