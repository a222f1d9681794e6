"""What keeps somebody from reading or using a page: by axe's rules, with large text, on a narrow screen, by keyboard.

Invariant: a page is left as it was found, but for what has the focus and where it is scrolled to.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.pages import rule_of
from tests.browser.phone import Phone
from tests.chromium import SCREENS
from tests.live import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
LOOKING = Path(__file__).with_suffix(".js")
# Both languages, and both looks a phone or a computer may ask for.
LOOKS = [pytest.param("zh", "light", id="zh, light"), pytest.param("en", "dark", id="en, dark")]
# What browsers start from, and twice that, as a reader sets it.
TEXT_PX, LARGE_TEXT_PX = 16, 32
# A thumb that misses the middle by so much still hits.
THUMB_PX = 21


def _get_ready(page: Page) -> None:
    if not page.evaluate("'barriers' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.evaluate(LOOKING.read_text(encoding="utf-8"))


def _set_text_size(page: Page, pixels: int) -> None:
    """The size of text a reader sets in the browser."""
    session = page.context.new_cdp_session(page)
    session.send("Page.setFontSizes", {"fontSizes": {"standard": pixels}})
    session.detach()


def _find_misfits(page: Page, where: str) -> list[str]:
    found = page.evaluate("[...barriers.findMisfits(), ...barriers.findOverlaps()]")
    covered = page.evaluate("barriers.findUnreachable(0)")
    return [f"{where}: {what}" for what in found] + [f"{where}: covered: {what}" for what in covered]


def find_barriers(page: Page) -> list[str]:
    """All that axe objects to on the page as it is now, of whatever impact, good practice too."""
    _get_ready(page)
    return list(page.evaluate("barriers.findViolations()"))


def look_at_screen(page: Page) -> list[str]:
    """All that is wrong with the phone's screen as it is now: by axe, with large text, for a thumb."""
    barriers = find_barriers(page)
    _set_text_size(page, LARGE_TEXT_PX)
    barriers += _find_misfits(page, "with large text")
    _set_text_size(page, TEXT_PX)
    return barriers + [
        f"too small for a thumb: {what}" for what in page.evaluate(f"barriers.findUnreachable({THUMB_PX})")
    ]


def look_at_page(page: Page) -> list[str]:
    """All that is wrong with a page of the desk as it is now: by axe, narrow as a phone, with large text on both."""
    size = page.viewport_size
    assert size
    # So high that nothing lies behind what floats at the foot.
    page.set_viewport_size({"width": SCREENS["desk"]["viewport"]["width"], "height": 3000})
    barriers = find_barriers(page)
    page.set_viewport_size(SCREENS["phone"]["viewport"])
    barriers += _find_misfits(page, "narrow")
    _set_text_size(page, LARGE_TEXT_PX)
    barriers += _find_misfits(page, "narrow with large text")
    page.set_viewport_size(SCREENS["desk"]["viewport"])
    barriers += _find_misfits(page, "with large text")
    _set_text_size(page, TEXT_PX)
    page.set_viewport_size(size)
    return barriers


def go_round_by_tab(page: Page) -> list[str]:
    """What the Tab key does not come to, or comes to unseen, on its way round the page or the dialog that is open."""
    for _ in range(page.evaluate("barriers.beginTabbing()")):
        page.keyboard.press("Tab")
        if page.evaluate("barriers.noteFocus()"):
            break
    return list(page.evaluate("barriers.endTabbing()"))


def _skip_to_content(page: Page) -> list[str]:
    """What is wrong with the first link of a page, which goes past the menu to the content."""
    if not page.evaluate(
        "document.querySelector('dialog[open]') === null && document.querySelector('.skip') !== null"
    ):
        return []
    page.evaluate("barriers.startAfter(null)")
    page.keyboard.press("Tab")
    wrong = (
        []
        if page.evaluate("document.activeElement.matches('.skip')")
        else ["the first Tab does not offer to skip"]
    )
    page.keyboard.press("Enter")
    if not page.evaluate("document.activeElement.matches('main')"):
        wrong.append("the link to the content does not lead there")
    page.evaluate("history.replaceState(history.state, '', location.pathname + location.search)")
    return wrong


def walk_screens(phone: Phone, screens: Iterator[str]) -> dict[str, list[str]]:
    """What is wrong with the screens of a walk, by their names."""
    found = {}
    for screen in screens:
        found[screen] = look_at_screen(phone.page)
        if phone.words.language == "zh":
            found[screen] += go_round_by_tab(phone.page)
    return {screen: barriers for screen, barriers in found.items() if barriers}


def walk_pages(desk: Desk, pages: Iterator[str], rules: frozenset[str]) -> dict[str, list[str]]:
    """What is wrong with the pages of a walk, by their names; all of these rules have to be stopped at."""
    found, seen = {}, set()
    for name in pages:
        # What a walk waits for may stand on the page that is being left as well.
        expect(desk.page.locator("body[inert], .htmx-request")).to_have_count(0)
        seen.add(rule_of(desk.page.url))
        found[name] = look_at_page(desk.page)
        if desk.words.language == "zh":
            found[name] += go_round_by_tab(desk.page) + _skip_to_content(desk.page)
    found["the walk"] = [f"did not stop at {rule}" for rule in sorted(rules - seen)]
    return {name: barriers for name, barriers in found.items() if barriers}
