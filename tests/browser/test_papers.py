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


def test_ledger_of_a_grid_is_printed_on_a3_or_a4_and_opens_what_it_counts(desk, words):
    page = desk.page
    page.goto("/areas")
    for name in ("达连河村", "达连河村第1网格"):
        page.get_by_role("main").get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    desk.open_last_months_ledger()
    count, size = print_page(page)
    assert size == (420, 297)
    assert count >= 1
    desk.link("For A4 paper").click()
    expect(desk.link("For A3 paper")).to_be_visible()
    assert print_page(page)[1] == (297, 210)
    total = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=words("Total")))
    figure = total.get_by_role("link").first
    counted = int(figure.inner_text())
    figure.click()
    heading = page.get_by_role("heading", name=re.compile(words("Visits that reached somebody")))
    expect(heading).to_contain_text(str(counted))
    behind = page.get_by_role("main").get_by_role("listitem")
    expect(behind).to_have_count(counted)
    behind.first.get_by_role("link").click()
    expect(page.get_by_role("region", name=words("Decision"))).to_be_visible()
