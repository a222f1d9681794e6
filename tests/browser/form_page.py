"""A checklist on a page of its own, as the desk's preview shows it, and somebody who fills it in by its controls.

Invariant: nothing is answered but by tapping and typing; the page has the server's own content policy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, Route

from tests import chromium
from tests.live import ROOT

DIST = ROOT / "static" / "dist"
TYPES = {".js": "text/javascript", ".css": "text/css"}
# Nothing is fetched from anywhere: the test answers for this address itself.
ADDRESS = "http://localhost/"
POLICY = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; object-src 'none'; base-uri 'none'"
PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Form</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/form.css"></head>
<body><main><h1>Form</h1><div id="root"></div></main></body></html>"""
MOUNT = """async ([document_, options]) => {
  const { mountForm } = await import('/form.js')
  window.mounted = mountForm(document.getElementById('root'), document_, options)
  await window.rest()
}"""
# Until everything that was asked for is drawn.
REST = """window.rest = async () => {
  let before
  do {
    before = document.getElementById('root').querySelectorAll('*').length
    for (let n = 0; n < 2; n += 1) await new Promise(done => setTimeout(done))
  } while (document.getElementById('root').querySelectorAll('*').length !== before)
  await new Promise(done => requestAnimationFrame(() => setTimeout(done)))
}"""
ITEMS = "() => window.mounted.form.items().map(({ choices, ...item }) => ({ ...item, choices: choices.map(c => c.name) }))"


class FormPage:
    """The page, and what the form on it holds."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.attacks: list[str] = []

    def refuse(self, dialog: Dialog) -> None:
        """A checklist has nothing to ask in a box of the browser's."""
        self.attacks.append(dialog.message)
        dialog.dismiss()

    def mount(self, document: dict[str, Any], language: str = "zh", **options: Any) -> None:
        """Show a compiled checklist; `context`, `answers` as for mountForm."""
        self.page.evaluate(MOUNT, [document, {"language": language, **options}])

    def card(self, path: str) -> Locator:
        """The card of a question."""
        return self.page.locator(f'[id="q-{path}"]')

    def answers(self) -> dict[str, Any]:
        """The answers that count."""
        return dict(self.page.evaluate("() => window.mounted.answers()"))

    def problems(self) -> list[dict[str, str]]:
        """What keeps the form from being finished."""
        return list(self.page.evaluate("() => window.mounted.problems()"))

    def items(self) -> list[dict[str, Any]]:
        """What the engine says of every line of the form."""
        return list(self.page.evaluate(ITEMS))

    def value(self, path: str) -> str:
        """The answer at a path, "" when there is none."""
        return next((str(item["value"]) for item in self.items() if item["path"] == path), "")

    def rest(self) -> None:
        """Wait until all is drawn."""
        self.page.evaluate("() => window.rest()")


@cache
def _assets() -> dict[str, bytes]:
    """What the page is made of, by its name."""
    names = json.loads((DIST / "assets.json").read_text())
    return {name: (DIST / names[name]).read_bytes() for name in ("form.js", "form.css")}


def open_form_page(browser: Browser, language: str = "zh", **options: Any) -> FormPage:
    """An empty page at the size of a phone; give it a checklist by `mount`."""
    context = browser.new_context(**{**chromium.SCREENS["phone"], **options})
    page = context.new_page()
    form_page = FormPage(page)
    page.on("pageerror", lambda error: form_page.attacks.append(str(error)))
    page.on("dialog", form_page.refuse)
    assets = _assets()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        if not name:
            body = PAGE.format(language=language)
            route.fulfill(body=body, content_type="text/html", headers={"Content-Security-Policy": POLICY})
        elif name in assets:
            route.fulfill(body=assets[name], content_type=TYPES[Path(name).suffix])
        else:
            route.fulfill(status=404)

    page.route("**/*", answer)
    page.goto(ADDRESS)
    page.evaluate(REST)
    return form_page


@pytest.fixture
def new_form_page(browser: Browser) -> Iterator[Callable[..., FormPage]]:
    """Opens pages: `new_form_page("en", color_scheme="dark")`; fails when one threw an error or asked something."""
    opened: list[FormPage] = []

    def open_one(language: str = "zh", **options: Any) -> FormPage:
        opened.append(open_form_page(browser, language, **options))
        return opened[-1]

    yield open_one
    for form_page in opened:
        form_page.page.context.close()
    assert not [attack for form_page in opened for attack in form_page.attacks]


# --- filling in anything ---------------------------------------------------------------------------------------------

MOST_TRIES = 16
NUMBERS = ["3", "1", "30", "0", "60", "2020", "15", "500", "100", "12345"]
TEXTS = [
    "样例",
    "Sample Name",
    "13812341234",
    "A1234567",
    "12",
    "ABC-123",
    "2001",
    "0451123456",
    "a@example.org",
]
DATES = ["2026-11-20", "2000-05-05", "1950-01-01", "2027-01-31"]


def fill_to_the_end(form: FormPage) -> dict[str, int]:
    """Answer every question shown, by its control, until nothing is open; gives how many there were of each type.

    An answer the checklist objects to is given again as another one; what is optional and will not fit is left blank.
    """
    tries: dict[str, int] = {}
    filled: dict[str, int] = {}
    while item := _next_open(form, tries):
        path = item["path"]
        tried = tries[path] = tries.get(path, 0) + 1
        if tried > MOST_TRIES:
            continue
        _answer(form, item, tried - 1)
        filled[path] = filled.get(path, 0) + 1
    kinds: dict[str, int] = {}
    for item in form.items():
        if item["kind"] == "question" and item["relevant"] and item["value"] and item["path"] in filled:
            kinds[item["node"]["type"]] = kinds.get(item["node"]["type"], 0) + 1
    return kinds


def _next_open(form: FormPage, tries: dict[str, int]) -> dict[str, Any] | None:
    for item in form.items():
        if item["kind"] != "question" or not item["relevant"] or item["readOnly"]:
            continue
        if (
            item["node"]["type"] in ("note", "calculate", "hidden")
            or item["node"].get("appearance") == "label"
        ):
            continue
        if item["node"].get("list") and not item["choices"]:
            continue  # nothing is offered: the answer above it decides
        tried = tries.get(item["path"], 0)
        if tried <= MOST_TRIES and (item["problem"] or (not item["value"] and not tried)):
            return item
    return None


def _answer(form: FormPage, item: dict[str, Any], nth: int) -> None:
    node, card = item["node"], _bring_up(form, item["path"])
    kind = node["type"]
    if kind in ("integer", "decimal", "text", "barcode", "date", "time", "dateTime"):
        card.locator("input, textarea").fill(_typed(node, nth))
        card.locator("input, textarea").blur()
    elif kind in ("select_one", "select_multiple"):
        _choose(card, item, nth)
    elif kind == "range":
        _slide(card, nth)
    elif kind == "acknowledge":
        card.get_by_role("checkbox").set_checked(True)
    else:  # an order to confirm, a sample to put in
        card.locator("button.btn").last.tap()
    form.rest()


def _bring_up(form: FormPage, path: str) -> Locator:
    card = form.card(path)
    if not card.count():
        form.page.evaluate("path => window.mounted.view.jump(path)", path)
        form.rest()
    return card


def _typed(node: dict[str, Any], nth: int) -> str:
    kind, appearance = node["type"], node.get("appearance", "")
    if kind == "time":
        return f"{8 + nth:02}:30"
    if kind == "dateTime":
        return f"2026-11-20T{8 + nth:02}:30"
    if kind == "date":
        date = [*DATES, *_named(node, r"\d{4}-\d\d-\d\d")][nth % (len(DATES) or 1)]
        return date[:4] if "year" in appearance.split() else date[:7] if "month-year" in appearance else date
    if kind in ("integer", "decimal"):
        near = [str(int(float(n)) + step) for n in _named(node, r"-?\d+(?:\.\d+)?") for step in (0, 1, -1)]
        return [*NUMBERS[:2], *near, *NUMBERS[2:]][nth % (len(near) + len(NUMBERS))]
    long = ["1" * int(n) for n in _named(node, r"\d{1,2}") if 0 < int(n) < 40]
    return [*TEXTS[:1], *long, *TEXTS[1:]][nth % (len(long) + len(TEXTS))]


def _named(node: dict[str, Any], pattern: str) -> list[str]:
    """Numbers or dates the constraint itself names."""
    return re.findall(rf"(?<![\w.]){pattern}(?![\w])", json.dumps(node.get("constraint", "")))


def _choose(card: Locator, item: dict[str, Any], nth: int) -> None:
    name = item["choices"][nth % len(item["choices"])]
    if card.locator("select").count():
        card.locator("select").select_option(name)
        return
    change = card.locator('button[id$="-change"]')
    if change.count():
        change.tap()
    chosen = [] if item["node"]["type"] == "select_one" else item["value"].split()
    for other in chosen:
        if other != name:
            card.locator(f'input[value="{other}"]').set_checked(False)
    box = card.locator(f'input[value="{name}"]')
    if not box.count():
        box = card.locator("input[type=radio], input[type=checkbox]").first
    box.tap()


def _slide(card: Locator, nth: int) -> None:
    if card.locator("select").count():
        card.locator("select").select_option(index=1 + nth)
    elif card.locator("input[type=radio]").count():
        card.locator("input[type=radio]").nth(nth).tap()
    else:
        card.locator(".steps button").last.tap()
