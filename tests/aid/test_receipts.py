"""Receipts of aid: where they are seen, and where a county wants them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.aid.phone_aid import SIGNATURE, SIGNED, cash, entries, push, rice
from tests.factories import GRID, Desk
from tests.followups.test_pages import words_of

pytestmark = pytest.mark.usefixtures("recounted")


def test_receipt_is_seen_where_the_aid_counts_and_nowhere_else(app, county, phone):
    body = cash(county, attachments=[SIGNATURE])
    push(phone, "aid.record", body)
    desk = Desk(app)
    assert "还在手机上" in words_of(desk.get(f"/aid/{body['aid_uuid']}"))
    assert phone.put_photo(SIGNED).status_code == 201
    page = desk.get(f"/aid/{body['aid_uuid']}")
    assert "签名" in words_of(page)
    assert f"/api/attachments/{SIGNATURE['sha256']}" in page.text
    path = f"/api/attachments/{SIGNATURE['sha256']}?size=thumb"
    assert desk.get(path).status_code == 200
    assert Desk(app, "stranger").get(path).status_code == 404
    # No phone is told of it: whoever sent it knows.
    phone.pull()
    assert phone.pull_page()["changes"] == []


def set_policy(app, county, **terms: Any) -> None:
    fields = {
        "cash": "from",
        "cash_from": "300",
        "goods": "never",
        "based_on": "0",
        "reason": "县里规定",
        **terms,
    }
    answer = Desk(app, "officer").post(f"/aid/policy/{GRID[:6]}", **fields)
    assert answer.status_code == 303, words_of(answer)


def test_aid_without_the_receipt_its_county_wants_counts_and_says_so(app, county, phone):
    assert "receipts" not in phone.pull()["area", GRID[:6]]
    set_policy(app, county)
    assert phone.pull()["area", GRID[:6]]["receipts"] == {"cash": 300_00, "goods": None}
    small, large, signed = (
        cash(county, amount_cents=299_99),
        cash(county),
        cash(county, attachments=[SIGNATURE]),
    )
    for body in (small, large, signed, rice(county)):
        assert push(phone, "aid.record", body) == ("accepted", None)
    missing = {aid.aid_uuid for aid in entries(app) if aid.receipt_missing}
    assert missing == {large["aid_uuid"]}
    desk = Desk(app)
    page = words_of(desk.get("/aid?view=due&receipt=missing"))
    assert "缺回执" in page
    assert "1 条" in page
    assert "缺少回执" in words_of(desk.get(f"/aid/{large['aid_uuid']}"))
    assert desk.post(f"/aid/{large['aid_uuid']}/receipt").status_code == 303
    assert not any(aid.receipt_missing for aid in entries(app))


def test_policy_keeps_its_history_and_needs_what_it_says(app, county):
    officer = Desk(app, "officer")
    path = f"/aid/policy/{GRID[:6]}"
    answer = officer.post(path, cash="from", cash_from="", goods="never", based_on="0", reason="县里规定")
    assert answer.status_code == 422
    assert "请填写金额" in words_of(answer)
    set_policy(app, county)
    set_policy(app, county, based_on="1", goods="always", reason="县里又规定")
    assert officer.post(path, cash="never", goods="never", based_on="0", reason="旧页面").status_code == 409
    page = words_of(Desk(app).get("/aid/policy"))
    assert "300.00 元起" in page
    assert "县里又规定" in page
