"""Texts of checklists without their markdown and HTML: what the desk, messages and papers show.

Invariant: takes away the signs that `static/src/checklist/view/markup.js` would turn into markup, and nothing else: it
reads the same signs in the same order (`tests/checklists/markup.json` holds both to it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_MARKED = re.compile(r"[*_#\[<\\\n]")
_DEEPEST = 20
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
# A backslash before a sign, an HTML tag, a link, signs of emphasis, the end of a line.
_TOKEN = re.compile(
    r"\\([\\*_#\[\]<])"
    r"|<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s[^<>]*)?)/?>"
    r"|\[([^\[\]\n]*)\]\((https?://[^\s()<>\[\]]+)\)"
    r"|\*+|_+"
)
_SHOWN = frozenset({"strong", "em", "u", "span", "block", "a", "heading"})
_TAGS = {"b": "strong", "i": "em", "p": "block", **{f"h{size}": "heading" for size in range(1, 7)}}
_BLOCKS = frozenset({"block", "heading"})


@dataclass
class _Open:
    """A sign or tag that is not closed yet, with the words since."""

    tag: str
    written: str
    words: list[str] = field(default_factory=list)


def plain(text: str) -> str:
    """The words of a text alone, on one line."""
    if not _MARKED.search(text):
        return text
    said: list[str] = []
    after_heading = False
    for number, line in enumerate(text.split("\n")):
        heading = _HEADING.fullmatch(line)
        if number and not heading and not after_heading:
            said.append(" ")
        said.append(_line(heading[2]) + " " if heading else _line(line))
        after_heading = bool(heading)
    return "".join(said).strip()


def _line(line: str) -> str:
    return _Line(line).words()


class _Line:
    """One line, read sign by sign."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.open = [_Open("", "")]

    def words(self) -> str:
        end = 0
        for token in _TOKEN.finditer(self.line):
            self._put(self.line[end : token.start()])
            end = token.end()
            escaped, slash, name, _attributes, label, href = token.groups()
            if escaped:
                self._put(escaped)
            elif href:
                self._put(label or href)
            elif name:
                self._tag(token[0], name.lower(), bool(slash))
            else:
                self._emphasis(token[0], token.start())
        self._put(self.line[end:])
        while len(self.open) > 1:
            # An HTML tag left open ends with its line; a sign of emphasis left open is a sign.
            if not (self.open[-1].written.startswith("<") and self._close(len(self.open) - 1)):
                self._spill()
        return "".join(self.open[0].words)

    def _put(self, words: str) -> None:
        if words:
            self.open[-1].words.append(words)

    def _spill(self) -> None:
        """What was opened and never closed is text."""
        last = self.open.pop()
        self.open[-1].words += [last.written, *last.words]

    def _close(self, at: int | None) -> bool:
        if at is None or at < 1 or not self.open[at].words:
            return False
        while len(self.open) - 1 > at:
            self._spill()
        closed = self.open.pop()
        self.open[-1].words += [*closed.words, " "] if closed.tag in _BLOCKS else closed.words
        return True

    def _nearest(self, written: str = "", tag: str = "") -> int | None:
        for at in range(len(self.open) - 1, 0, -1):
            one = self.open[at]
            if one.written == written if written else one.written.startswith("<") and one.tag == tag:
                return at
        return None

    def _tag(self, whole: str, name: str, is_end: bool) -> None:
        shown = _TAGS.get(name, name)
        if shown == "br":
            self._put(" ")
        elif shown not in _SHOWN or (not is_end and len(self.open) > _DEEPEST):
            self._put(whole)
        elif is_end:
            if not self._close(self._nearest(tag=shown)):
                self._put(whole)
        else:
            self.open.append(_Open(shown, whole))

    def _emphasis(self, signs: str, at: int) -> None:
        if len(signs) > 3:
            self._put(signs)
            return
        before = self.line[at - 1] if at else " "
        after = self.line[at + len(signs)] if at + len(signs) < len(self.line) else " "
        # An underscore inside a word is part of it: food_days.
        is_inside = signs[0] == "_" and before.isalnum() and after.isalnum()
        parts = [signs[:2], signs[0]] if len(signs) == 3 else [signs]
        if self.open[-1].written == signs[0]:
            parts.reverse()
        for part in parts:
            if not is_inside and before.strip() and self._close(self._nearest(part)):
                continue
            if is_inside or not after.strip() or len(self.open) > _DEEPEST:
                self._put(part)
            else:
                self.open.append(_Open("", part))
