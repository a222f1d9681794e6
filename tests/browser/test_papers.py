"""Papers as Chromium prints them: on the right sheets, in letters one can read."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

LEAST_PT = 8
# What the smallest letters on the paper measure, in points.
SMALLEST = """() => Math.min(...[...document.querySelectorAll('.paper *')]
  .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && one.getClientRects().length)
  .map(one => parseFloat(getComputedStyle(one).fontSize) * 72 / 96))"""


def print_page(page: Page) -> tuple[int, tuple[int, int]]:
    """How many sheets the page takes, and how large they are, in mm."""
    paper = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    [size] = {tuple(round(float(side) / 72 * 25.4) for side in box) for box in boxes}
    page.emulate_media(media="print")
    assert page.evaluate(SMALLEST) >= LEAST_PT
    expect(page.get_by_role("navigation")).to_have_count(0)
    page.emulate_media(media="null")
    return len(boxes), (size[0], size[1])


@pytest.fixture
def open_household(desk):
    def open_household(name: str) -> Page:
        page = desk.page
        page.goto("/people")
        page.get_by_role("searchbox").fill(name)
        page.get_by_role("main").get_by_role("link", name=re.compile(name)).first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
        return page

    return open_household


def test_record_of_visits_is_printed_on_a4(desk, words, open_household):
    page = open_household("王桂兰")
    desk.link("Record of visits, to print").click()
    expect(page.get_by_role("heading", name=words("What was found"))).to_be_visible()
    count, size = print_page(page)
    assert size == (210, 297)
    assert 1 <= count <= 3
    desk.link("A blank one, to fill in by hand").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(words("Blank record"))
    count, size = print_page(page)
    assert size == (210, 297)
    assert 2 <= count <= 4
