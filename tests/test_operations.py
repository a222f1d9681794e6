"""docs/operations.md says what the program does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from fieldapp.settings import PREFIX, Settings

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"


def test_the_settings_table_lists_every_setting_with_its_default_and_help():
    expected = []
    for item in fields(Settings):
        default = str(item.default).lower() if isinstance(item.default, bool) else str(item.default)
        shown = f"`{default}`" if default else ""
        expected.append(f"| `{PREFIX}{item.name.upper()}` | {shown} | {item.metadata['help']} |")
    page = PAGE.read_text(encoding="utf-8")
    assert re.findall(rf"^\| `{PREFIX}.*$", page, re.MULTILINE) == expected
