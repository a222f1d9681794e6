"""Workbooks an officer of the demo county uploads.

Invariant: made here, so that a test says what it changes.
"""

from __future__ import annotations

from tests.checklists.vectors import workbook_of

# What the desk says of a version that has none before it.
FIRST = "This is the first version: there is nothing to compare it with. Look at the preview."
WINTER = "冬季保暖检查"
STOVE = "炉具和烟道安全吗"
_ZH, _EN = "label::中文 (zh)", "label::English (en)"


def winter_book(stove: str = STOVE) -> bytes:
    """A checklist of two questions, the first one about safety with a red answer."""
    return workbook_of(
        {
            "survey": [
                {
                    "type": "select_one safe",
                    "name": "stove",
                    _ZH: stove,
                    _EN: stove,
                    "required": "yes",
                    "safety": "yes",
                },
                {"type": "text", "name": "note", _ZH: "还要说明什么", _EN: "还要说明什么"},
            ],
            "choices": [
                {"list_name": "safe", "name": "yes", _ZH: "安全", _EN: "安全"},
                {"list_name": "safe", "name": "no", _ZH: "不安全", _EN: "不安全", "flag": "orange"},
            ],
            "settings": {"form_id": "winter_check", "title_zh": WINTER, "title_en": WINTER},
        }
    )


def wrong_book() -> bytes:
    """The same with an operator that XLSForm does not know."""
    return workbook_of(
        {
            "survey": [{"type": "text", "name": "note", _ZH: "备注", "relevant": "${stove} == 'no'"}],
            "settings": {"form_id": "winter_check"},
        }
    )
