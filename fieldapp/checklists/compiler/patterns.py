"""Regular expressions that mean the same to RE2 on the server and to the phone's browser.

Invariant: a pattern returned by `portable_pattern` compiles in both and treats every code point alike.
"""

from __future__ import annotations

import re2
from flask_babel import gettext as _

from fieldapp.checklists.compiler.xpath import ExpressionError

_SYNTAX = "^$\\.*+?()[]{}|/"
_CLASSES = {"d": "0-9", "w": "A-Za-z0-9_", "s": " \\t\\n\\v\\f\\r"}
_CLASS_ESCAPES = {f"\\{letter}" for letter in _CLASSES}
_CONTROLS = {"t": "\\t", "n": "\\n", "r": "\\r", "f": "\\f", "v": "\\v"}
_HEX = {"x": 2, "u": 4}


def portable_pattern(pattern: str) -> str:
    """`pattern` rewritten into the common subset; raises ExpressionError where there is none."""
    out: list[str] = []
    at = 0
    in_class = False
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            text, at = _escape(pattern, at, in_class)
            out.append(text)
            continue
        if in_class:
            if pattern.startswith("[:", at):
                raise ExpressionError(_("[:…:] in a pattern is not supported"), "[A-Za-z]")
            in_class = sign != "]"
            # A hyphen beside \\d and the like is no range; where the class is written out it must be escaped.
            lone = sign == "-" and (
                out[-1] in _CLASSES.values() or pattern[at + 1 : at + 3].lower() in _CLASS_ESCAPES
            )
            out.append("\\" + sign if lone or sign in "[/{}()|$.*+?" else sign)
        elif sign == "[":
            in_class = True
            out.append("[")
            if pattern.startswith("^", at + 1):
                out.append("^")
                at += 1
            if pattern.startswith("]", at + 1):
                raise ExpressionError(_("the pattern has an empty [ ]"))
        elif sign == ".":
            out.append("[^\\n]")
        elif sign == "(" and pattern.startswith("(?", at) and not pattern.startswith("(?:", at):
            raise ExpressionError(_("(?…) in a pattern is not supported"), "( … )")
        elif sign == "{" and not _is_count(pattern, at):
            out.append("\\{")
        elif sign == "}" and not _closes_count(pattern, at):
            out.append("\\}")
        elif sign == "/":
            out.append("\\/")
        elif sign == "]":
            out.append("\\]")
        else:
            out.append(sign)
        at += 1
    portable = "".join(out)
    try:
        re2.compile(portable)
    except re2.error as error:
        raise ExpressionError(_("the pattern is not understood: %(error)s", error=_said(error))) from error
    return portable


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else ""
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)


def _count_end(pattern: str, at: int) -> int:
    end = pattern.find("}", at)
    low, _comma, high = pattern[at + 1 : end].partition(",") if end > 0 else ("", "", "")
    return end if low.isascii() and low.isdigit() and (not high or high.isdigit()) else -1


def _is_count(pattern: str, at: int) -> bool:
    return _count_end(pattern, at) > 0


def _closes_count(pattern: str, at: int) -> bool:
    start = pattern.rfind("{", 0, at)
    return start >= 0 and _count_end(pattern, start) == at


def _escape(pattern: str, at: int, in_class: bool) -> tuple[str, int]:
    """The escape that starts at `at`, rewritten, and where the pattern goes on."""
    if at + 1 == len(pattern):
        raise ExpressionError(_("the pattern ends with a backslash"))
    sign = pattern[at + 1]
    after = at + 2
    if sign in _HEX:
        digits = pattern[after : after + _HEX[sign]]
        try:
            return _literal(chr(int(digits, 16)), in_class), after + _HEX[sign]
        except ValueError:
            raise ExpressionError(
                _("%(text)s in a pattern is not understood", text=f"\\{sign}{digits}")
            ) from None
    if sign.lower() in _CLASSES:
        members = _CLASSES[sign.lower()]
        if sign.islower():
            return (members if in_class else f"[{members}]"), after
        if in_class:
            raise ExpressionError(_("%(text)s inside [ ] is not supported", text=f"\\{sign}"))
        return f"[^{members}]", after
    if sign in _CONTROLS:
        return _CONTROLS[sign], after
    if sign in "bB" and not in_class:
        return f"\\{sign}", after
    if sign.isalnum():
        raise ExpressionError(_("%(text)s in a pattern is not supported", text=f"\\{sign}"))
    return _literal(sign, in_class), after


def _literal(sign: str, in_class: bool) -> str:
    escape = sign in _SYNTAX or (in_class and sign in "-^]\\")
    return "\\" + sign if escape else sign
