"""The desk's pages for reviewing and for what phones sent can be read and used by everyone (barriers.py)."""

from __future__ import annotations

import uuid

import pytest

from tests.browser.barriers import LOOKS, walk_pages
from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.pages import DESK, PAYMENTS, UPLOADS
from tests.browser.payment_lists import make_list, walk_payments
from tests.browser.walks import (
    ELDER,
    walk_desk,
    walk_uploads,
)
from tests.factories import County, Phone as Caller
from tests.live import LiveClient


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_every_page_of_the_desk_can_be_read_and_used(open_context, words, live, scheme):
    phone = Caller(None, County(), "worker", live.password, LiveClient(live))
    feedback = {"feedback_uuid": str(uuid.uuid4()), "topic": "app", "text": "字太小"}
    assert phone.push(phone.op("feedback.send", feedback))[0]["outcome"] == "accepted"
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_desk(desk, live.password), DESK)
    assert found == {}


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
    found = walk_pages(desk, walk_uploads(desk, live.password), UPLOADS)
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_payment_lists_can_be_read_and_used(open_context, words, live, scheme, tmp_path):
    file = tmp_path / "payments.xlsx"
    file.write_bytes(make_list())
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_payments(desk, live.password, file), PAYMENTS)
    assert found == {}
