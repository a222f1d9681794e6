"""Languages and the texts written in them.

Invariant: a language has one code, however its column spells it: "English", "English (en)" and "en" are en.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fieldapp.checklists.compiler.spelling import base, unshelter

_CODE = re.compile(r"[(（]\s*([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*)\s*[)）]$")
# The languages of the interface, by the names their columns are given without a code.
_NAMES = {
    "english": "en",
    "eng": "en",
    "chinese": "zh",
    "中文": "zh",
    "汉语": "zh",
    "简体中文": "zh",
    "中文（简体）": "zh",
    "zh_cn": "zh",
    "zh-cn": "zh",
    "zh-hans": "zh",
}
# What pyxform adds for or_other, in English only.
OTHER = {"zh": "其他", "en": "Other"}
SPECIFY_OTHER = {"zh": "请说明", "en": "Please specify"}


class Languages:
    """The languages of a checklist, in the order in which its columns name them."""

    def __init__(self, default: str, columns: Iterable[str]) -> None:
        """Words in no language are in the default one, else in that of the first of the survey's label columns."""
        labels = [column.partition("::")[2] for column in columns if base(column) == "label"]
        self.default = self.code(default or ("default" if "" in labels or not labels else labels[0]))
        self.found: list[str] = []

    @staticmethod
    def code(name: str) -> str:
        """The code of a language column: zh of "中文 (zh)", "French" of "French"."""
        name = name.strip()
        match = _CODE.search(name[-40:])
        code = match[1].lower().replace("_", "-") if match else name
        return _NAMES.get(code.lower(), code)

    def texts(self, cell: Any) -> dict[str, str]:
        """A text column as pyxform groups it, by language code."""
        if cell is None:
            return {}
        by_name = cell if isinstance(cell, dict) else {"default": cell}
        found = {}
        for name, text in by_name.items():
            if isinstance(text, dict):
                continue
            code = self.default if name == "default" else self.code(name)
            found[code] = unshelter(str(text))
            if code not in self.found:
                self.found.append(code)
        return found

    def of_columns(self, row: dict[str, str], column: str) -> dict[str, str]:
        """The texts of a column and its languages in a row as written."""
        named = {
            language: text
            for written, text in row.items()
            for name, _sign, language in [written.partition("::")]
            if name == column
        }
        return self.texts({language or "default": text for language, text in named.items()})

    def known_words(self, words: dict[str, str]) -> dict[str, str]:
        """Our own words in those of the checklist's languages that we speak, else in English."""
        spoken = {language: words[language] for language in self.found if language in words}
        return spoken or {self.default: words["en"]}

    @property
    def all(self) -> list[str]:
        """Every language found, or the default one."""
        return self.found or [self.default]

    @property
    def first(self) -> str:
        """The language to fall back on."""
        return self.default if self.default in self.all else self.all[0]
