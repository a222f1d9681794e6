"""The desk's pages of incidents, phones, areas and checklists can be read and used by everyone (barriers.py)."""

from __future__ import annotations

import pytest

from tests.browser.barriers import LOOKS, walk_pages
from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.pages import CHECKLISTS, PHONES_AND_AREAS, RED, RELIEF, REPORTS, TABLES
from tests.browser.test_incidents import send_red_visit
from tests.browser.walks import (
    walk_checklists,
    walk_incidents,
    walk_phones_and_areas,
    walk_relief,
    walk_reports,
    walk_tables,
)
from tests.factories import County, Phone as Caller, draw_photo
from tests.handover_file import make_file, op_item, photo_item
from tests.live import LiveClient


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_what_is_red_can_be_read_and_used(open_context, words, live, scheme):
    send_red_visit(live)
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_incidents(desk, live.password), RED)
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_phones_and_areas_can_be_read_and_used(open_context, words, live, scheme, tmp_path):
    phone = Caller(None, County(), "worker", live.password, LiveClient(live))
    file = tmp_path / "work.fieldapp"
    items = [op_item(phone.op("visit.submit", {})), photo_item(draw_photo())]
    file.write_bytes(make_file(phone, items)[:-9])
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_phones_and_areas(desk, live.password, file), PHONES_AND_AREAS)
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_every_page_of_checklists_can_be_read_and_used(open_context, words, live, scheme):
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_checklists(desk, live.password), CHECKLISTS)
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_relief_can_be_read_and_used(open_context, words, live, scheme):
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_relief(desk, live.password), RELIEF)
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_the_weekly_report_can_be_read_and_used(open_context, words, live, scheme):
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_reports(desk, live.password), REPORTS)
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_tables_can_be_read_and_used(open_context, words, live, scheme):
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_tables(desk, live.password), TABLES)
    assert found == {}
