"""Grids by the ways people write them: their code, their name, the names of what they lie in before it.

Invariant: a text that could mean two grids means none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from fieldapp.areas.models import LEVELS

# What is left out when people write a name short, by level.
_ENDINGS = {
    "county": ("县", "市", "区"),
    "township": ("街道办事处", "街道", "镇", "乡"),
    "village": (
        "村村民委员会",
        "村民委员会",
        "村委会",
        "社区居民委员会",
        "居民委员会",
        "居委会",
        "社区",
        "村",
    ),
}
_BLURRED = ""


class Places:
    """The grids one may mean, by what is written."""

    def __init__(self, grid_codes: Iterable[str], names: Mapping[str, str]) -> None:
        """`names` by code, of the grids and of all areas they lie in."""
        self._grids: dict[str, str] = {}
        in_village: dict[str, list[str]] = {}
        for code in grid_codes:
            in_village.setdefault(code[: LEVELS["village"]], []).append(code)
            self._grids[code] = code
        for village, grids in in_village.items():
            for prefix in _paths(village, names):
                for code in grids:
                    self._put(prefix + _normal(names[code]), code)
                # A village with one grid is that grid.
                self._put(prefix, grids[0] if len(grids) == 1 else _BLURRED)
            for code in grids:
                self._put(_normal(names[code]), code)
            if len(grids) == 1:
                self._grids[village] = grids[0]

    def find(self, township: str, village: str, grid: str) -> tuple[str | None, str]:
        """(the grid's code, "") or (None, why not): place_missing, place_unknown or place_blurred."""
        text, own, of_village = map(_normal, (township + village + grid, grid, village))
        if (len(own) >= LEVELS["village"] and own.isdecimal()) or (of_village and own.startswith(of_village)):
            # A code says it all, and so does a grid's name that begins with the village's.
            text = own
        if not text:
            return None, "place_missing"
        found = self._grids.get(text)
        return found or None, "" if found else "place_unknown" if found is None else "place_blurred"

    def _put(self, text: str, code: str) -> None:
        self._grids[text] = code if self._grids.get(text, code) == code else _BLURRED


def _paths(village: str, names: Mapping[str, str]) -> Iterable[str]:
    """The village's name as it may be written: whole or short, after those of township and county or not."""
    of = {level: names.get(village[: LEVELS[level]], "") for level in _ENDINGS}
    for own in _forms(of["village"], "village"):
        yield own
        for township in _forms(of["township"], "township"):
            yield township + own
            for county in _forms(of["county"], "county"):
                yield county + township + own


def _forms(name: str, level: str) -> set[str]:
    whole = _normal(name)
    ending = next((end for end in _ENDINGS[level] if whole.endswith(end) and len(whole) > len(end) + 1), "")
    kind = next((kind for kind in ("社区", "村") if level == "village" and ending.startswith(kind)), "")
    short = whole.removesuffix(ending)
    # 达连河村 is written for 达连河村民委员会, and so is 达连河.
    return {whole, short, short + kind}


def _normal(text: str) -> str:
    """Letters and digits alone, small."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).lower() if sign.isalnum())
