"""What a reader and a browser make of a page of the desk."""

from __future__ import annotations

import html
import re
from typing import Any

from tests.factories import Desk


def words_of(answer) -> str:
    """What stands on the page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def fields_of(answer) -> dict[str, Any]:
    """What a browser would send of the page's form as it stands."""
    page = re.search(r"<main.*</main>", answer.text, re.S)
    assert page
    form = page[0]
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        values = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if values.get("name") == "csrf_token" or (values.get("type") == "checkbox" and " checked" not in tag):
            continue
        if values.get("type") == "checkbox":
            fields.setdefault(values["name"], []).append(values.get("value", "y"))
        else:
            fields[values["name"]] = html.unescape(values.get("value", ""))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option[^>]*selected[^>]*value="([^"]*)"', options)
        chosen = chosen or re.search(r'value="([^"]*)"', options)
        fields[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S):
        fields[name] = html.unescape(text).strip()
    return fields


def edit(desk: Desk, path: str, seen: Any = None, **more: Any):
    """Open the form (or take the answer `seen`), change some fields and send it."""
    return desk.post(path, **{**fields_of(seen or desk.get(path)), **more})
