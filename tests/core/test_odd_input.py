"""Odd input anywhere: a clear message, never an error of ours."""

from __future__ import annotations

import pytest

from tests.factories import PASSWORD, Desk

HUGE = 10**22
UUID = "6f9619ff-8b86-d011-b42d-00c04fc964ff"


@pytest.mark.parametrize(
    "path",
    [
        f"/reviews?page={HUGE}",
        "/reviews?page=-3",
        "/reviews?page=two",
        "/reviews?severity=%00&area=%00&state=%00",
        "/reviews?area=999999999999999999999",
        f"/followups?page={HUGE}",
        f"/followups?assignee={HUGE}",
        "/followups?assignee=4294967296",
        "/followups?type=%00",
        "/followups?severity=%00&view=%00&area=%00",
        "/sign-in?next=%00",
        "/tables/table?kind=%00&rows=%00&period=chosen&from=0001-01-01&until=9999-12-31&after=%00",
        "/tables/table?kind=visits&outcome=%00&method=%00&class=%25&state=%00&flag=%00&after=%00&table=%00",
        f"/tables/table?kind=visits&column=none&after=0001-01-01/1/0001-01-01T00:00:00%2B14:00/{UUID}&table={HUGE}",
    ],
)
def test_odd_filter_still_shows_a_page(app, county, path):
    assert Desk(app, "supervisor").get(path).status_code in {200, 302}


@pytest.mark.parametrize(
    "path", [f"/phones?page={HUGE}", "/phones?words=%00", "/phones?words=%25_%5C&page=0"]
)
def test_odd_search_for_phones_still_shows_a_page(app, county, path):
    assert Desk(app, "security").get(path).status_code == 200


@pytest.mark.parametrize("key", [HUGE, 2**32, 2**31, 0])
def test_key_beyond_any_row_is_404(app, county, key):
    assert Desk(app, "supervisor").post(f"/reviews/flags/{key}/confirm").status_code == 404
    assert Desk(app, "admin").post(f"/accounts/{key}/unlock").status_code == 404


def test_nul_in_a_user_name_is_refused_with_words(app, county):
    client = app.test_client()
    token = client.get("/api/session").json["csrf_token"]
    fields = {"username": "super\0visor", "password": PASSWORD}
    assert client.post("/sign-in", data={**fields, "csrf_token": token}).status_code == 422
    body = {**fields, "device_uuid": UUID}
    answer = client.post("/api/session", json=body, headers={"X-CSRFToken": token})
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "body_invalid")


@pytest.mark.parametrize("due", ["0001-01-01T00:00", "9999-12-31T23:59", "tomorrow", "2026-13-45T00:00", ""])
def test_odd_due_date_is_said_beside_the_field(app, county, due):
    desk = Desk(app, "supervisor")
    answer = desk.client.post(
        f"/followups/new?household={county.household_uuid}",
        data={"csrf_token": desk.token, "type": "heating", "severity": "red", "reason": "没有煤", "due": due},
    )
    assert answer.status_code == 422
    assert "没有煤" in answer.text


def test_many_sign_ins_to_one_account_are_slowed_down(app, county):
    client = app.test_client()
    token = client.get("/api/session").json["csrf_token"]
    fields = {"username": "nobody", "password": "wrong", "csrf_token": token}
    codes = [client.post("/sign-in", data=fields).status_code for _ in range(22)]
    assert codes[-1] == 429
