"""Every screen and page can be read and used by everyone: by axe's rules, with large text, with a thumb."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, ViewportSize

from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.phone import Phone
from tests.browser.photos import take_photo
from tests.browser.registry_walks import ROSTER, SCREENING, TWICE, walk_registry
from tests.browser.test_incidents import send_red_visit
from tests.browser.walks import (
    ELDER,
    walk_checklists,
    walk_desk,
    walk_incidents,
    walk_offline,
    walk_phone,
    walk_phones_and_areas,
    walk_records,
    walk_registering,
    walk_uploads,
)
from tests.factories import County, Phone as Caller, draw_photo
from tests.handover_file import make_file, op_item, photo_item
from tests.live import ROOT, LiveClient

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] })
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}"""
# Both languages, and both looks a phone or a computer may ask for.
LOOKS = [pytest.param("zh", "light", id="zh, light"), pytest.param("en", "dark", id="en, dark")]
PHONE_SIZE: ViewportSize = {"width": 360, "height": 640}
SOMEWHERE = {"latitude": 46.185, "longitude": 129.416, "accuracy": 9}
# Twice the 16 px that browsers start from, as a reader sets it.
LARGE_TEXT_PX = 32
# A paper is as wide as its sheet, and scrolls by itself.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth
  const sticksOut = element => {
    const box = element.getBoundingClientRect()
    return element.checkVisibility() && box.width && (box.left < -1 || box.right > width + 1)
  }
  const page = document.documentElement.scrollWidth > width ? [document.documentElement] : []
  return [...page, ...[...document.querySelectorAll('body *:not(.paper *)')].filter(sticksOut)]
    .map(element => element.outerHTML.slice(0, 160))
}"""
# A thumb that misses the middle by 21 px still hits. What is ticked or chosen is its whole label.
TOO_SMALL = """() => {
  const missed = []
  const top = document.querySelector('dialog[open]') ?? document
  for (const target of top.querySelectorAll('a[href], button, input, select, textarea, summary, [role=button]')) {
    if (!target.checkVisibility() || target.disabled) continue
    target.scrollIntoView({ block: 'center', behavior: 'instant' })
    const area = ['checkbox', 'radio', 'file'].includes(target.type) ? target.closest('label') ?? target : target
    const box = area.getBoundingClientRect()
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2]
    const isHit = (x, y) => {
      const hit = document.elementFromPoint(x, y)
      return hit !== null && area.contains(hit)
    }
    if (![[x, y - 21], [x, y + 21], [x - 21, y], [x + 21, y]].every(([x, y]) => isHit(x, y))) missed.push(
      `${Math.round(box.width)}×${Math.round(box.height)} ${target.outerHTML.slice(0, 160)}`)
  }
  return missed
}"""


def find_barriers(page: Page) -> list[str]:
    """What axe calls serious or critical on the page as it is now."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return page.evaluate(RUN_AXE)


def set_text_size(page: Page, pixels: int) -> None:
    """The size of text a reader sets in the browser."""
    session = page.context.new_cdp_session(page)
    session.send("Page.setFontSizes", {"fontSizes": {"standard": pixels}})
    session.detach()


def look_at(page: Page) -> list[str]:
    """All that is wrong with the phone's screen as it is now: by axe, with large text, for a thumb."""
    barriers = find_barriers(page)
    set_text_size(page, LARGE_TEXT_PX)
    barriers += [f"too wide with large text: {what}" for what in page.evaluate(TOO_WIDE)]
    set_text_size(page, LARGE_TEXT_PX // 2)
    return barriers + [f"too small for a thumb: {what}" for what in page.evaluate(TOO_SMALL)]


def look_at_desk(desk: Desk, pages: Iterator[str]) -> dict[str, list[str]]:
    """All that is wrong with each page of a walk: by axe, and on a screen as narrow as a phone's."""
    found = {}
    for page in pages:
        found[page] = find_barriers(desk.page)
        desk.page.set_viewport_size(PHONE_SIZE)
        found[page] += [f"too wide: {what}" for what in desk.page.evaluate(TOO_WIDE)]
        desk.page.set_viewport_size(DESK_SIZE)
    return found


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_every_screen_of_the_phone_can_be_read_and_used(new_phone, live, words, scheme, tmp_path):
    phone: Phone = new_phone(color_scheme=scheme, permissions=["geolocation"], geolocation=SOMEWHERE)
    found = {}
    for screen in walk_phone(phone, live.password, take_photo(tmp_path / "IMG_0003.jpg")):
        found[screen] = look_at(phone.page)
    for screen in walk_offline(phone):
        found[screen] = look_at(phone.page)
    assert {screen: barriers for screen, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_forms_of_registering_and_correcting_can_be_read_and_used(new_phone, live, words, scheme):
    phone: Phone = new_phone(color_scheme=scheme, reduced_motion="reduce")
    phone.sign_in(live.password)
    phone.context.set_offline(True)
    found = {screen: look_at(phone.page) for screen in walk_registering(phone)}
    assert {screen: barriers for screen, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_every_page_of_the_desk_can_be_read_and_used(open_context, words, live, scheme):
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme), words)
    found = {page: find_barriers(desk.page) for page in walk_desk(desk, live.password)}
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_people_can_be_read_and_used(open_context, words, live, scheme):
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = look_at_desk(desk, walk_records(desk, live.password))
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_the_registry_can_be_read_and_used(open_context, words, live, office, scheme, tmp_path):
    office.register_again(TWICE)
    roster, screening = tmp_path / "roster.csv", tmp_path / "screening.csv"
    roster.write_text(ROSTER, encoding="utf-8")
    screening.write_text(SCREENING, encoding="utf-8")
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = look_at_desk(desk, walk_registry(desk, live.password, roster, screening))
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_what_is_red_can_be_read_and_used(open_context, words, live, scheme):
    send_red_visit(live)
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = look_at_desk(desk, walk_incidents(desk, live.password))
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_phones_and_areas_can_be_read_and_used(open_context, words, live, scheme, tmp_path):
    phone = Caller(None, County(), "worker", live.password, LiveClient(live))
    file = tmp_path / "work.fieldapp"
    items = [op_item(phone.op("visit.submit", {})), photo_item(draw_photo())]
    file.write_bytes(make_file(phone, items)[:-9])
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = look_at_desk(desk, walk_phones_and_areas(desk, live.password, file))
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_uploads_and_moves_can_be_read_and_used(open_context, words, live, scheme):
    phone = Caller(None, County(), "worker", live.password, LiveClient(live))
    of_elder = next(
        record for (kind, _), record in phone.pull().items() if kind == "person" and record["name"] == ELDER
    )
    phone.county.household_uuid = of_elder["household_uuid"]
    phone.county.person_uuids = [of_elder["person_uuid"]]
    seen = {"reached": "reached", "people": [{"condition": "same"}]}
    visit = phone.visit(seen)
    nobody = {"household_uuid": str(uuid.uuid4()), "people": [str(uuid.uuid4())]}
    receipts = phone.push(
        phone.op("visit.submit", visit),
        phone.op("visit.submit", {**visit, "method": "phone"}),
        phone.op("visit.submit", phone.visit(seen, **nobody)),
        phone.op("visit.dance", {"steps": [1, 2, 3]}),
    )
    outcomes = [receipt["outcome"] for receipt in receipts]
    assert outcomes == ["accepted", "conflict", "rejected", "rejected"]
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = look_at_desk(desk, walk_uploads(desk, live.password))
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_every_page_of_checklists_can_be_read_and_used(open_context, words, live, scheme):
    # Without motion: a message that is fading away has no contrast to measure.
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = look_at_desk(desk, walk_checklists(desk, live.password))
    assert {page: barriers for page, barriers in found.items() if barriers} == {}
