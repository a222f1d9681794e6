"""Signing in at the desk, the reader's language, the administrator's accounts."""

from __future__ import annotations

import html
import re

import pytest

from tests.factories import PASSWORD, Desk


def words_of(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def token_of(client) -> str:
    return str(client.get("/api/session").json["csrf_token"])


def try_desk(client, username, password, **more):
    fields = {"username": username, "password": password, "csrf_token": token_of(client), **more}
    return client.post("/sign-in", data=fields)


def test_page_sends_who_is_not_signed_in_to_sign_in_and_back(client, county):
    answer = client.get("/followups?view=all")
    assert (answer.status_code, answer.location) == (302, "/sign-in?next=/followups?view%3Dall")
    page = client.get(answer.location)
    asked = re.search(r'name="next"[^>]*value="([^"]*)"', page.text)
    assert asked
    answer = try_desk(client, "supervisor", PASSWORD, next=html.unescape(asked[1]))
    assert (answer.status_code, answer.location) == (303, "/followups?view=all")


@pytest.mark.parametrize(
    ("username", "home"),
    [
        ("worker", "/app/"),
        ("supervisor", "/reviews"),
        ("leader", "/reviews"),
        ("officer", "/reviews"),
        ("admin", "/accounts"),
    ],
)
def test_each_role_starts_where_its_work_is(app, county, username, home):
    assert Desk(app, username).get("/").location == home


@pytest.mark.parametrize("username", ["security", "audit"])
def test_roles_without_pages_are_told_so(app, county, username):
    page = Desk(app, username).get("/")
    assert page.status_code == 200
    assert "暂无页面" in words_of(page)


def test_wrong_password_says_so_and_keeps_the_account_typed(client, county):
    answer = try_desk(client, "supervisor", "wrong")
    assert answer.status_code == 401
    assert "账号或密码不对" in words_of(answer)
    assert 'value="supervisor"' in answer.text
    assert "wrong" not in re.findall(r'value="([^"]*)"', answer.text)


def test_locked_account_is_told_for_how_long(client, county):
    for _ in range(5):
        try_desk(client, "supervisor", "wrong")
    answer = try_desk(client, "supervisor", PASSWORD)
    assert answer.status_code == 423
    assert "15 分钟后再试" in words_of(answer)


def test_empty_form_is_answered_beside_its_fields(client, county):
    answer = try_desk(client, "", "")
    assert answer.status_code == 422
    assert "请输入账号。" in words_of(answer)
    assert "请输入密码。" in words_of(answer)


def test_workers_are_told_where_their_app_is(client, county):
    assert 'href="/app/"' in client.get("/sign-in").text


def test_language_is_chosen_and_kept_with_the_account(app, county, client):
    assert 'lang="zh-CN"' in client.get("/sign-in").text
    answer = client.post(
        "/language", data={"language": "en", "next": "/sign-in", "csrf_token": token_of(client)}
    )
    assert (answer.status_code, answer.location) == (303, "/sign-in")
    assert "Sign in" in words_of(client.get("/sign-in"))
    desk = Desk(app, "leader")
    desk.post("/language", language="en", next="/reviews")
    # Another browser, the same account.
    assert 'lang="en"' in Desk(app, "leader").get("/reviews").text
    assert desk.post("/language", language="fr").status_code == 400
    assert desk.post("/language", language="zh", next="//evil.example").location == "/"


def test_signing_out_ends_the_session_and_says_so(app, county):
    desk = Desk(app, "supervisor")
    assert desk.post("/sign-out").location == "/sign-in"
    assert "已退出登录" in words_of(desk.get("/sign-in"))
    assert desk.get("/reviews").status_code == 302


def test_htmx_request_without_session_loads_the_sign_in_page_whole(client, county):
    answer = client.get("/reviews", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (200, "/sign-in?next=/reviews")


def test_admin_sees_accounts_with_role_and_areas_and_nothing_of_their_use(app, county):
    page = Desk(app, "admin").get("/accounts")
    said = words_of(page)
    assert "测试worker" in said
    assert "第1网格" in said
    assert "民政助理" in said
    assert not re.search(r"\d{1,2}:\d{2}|分钟前|最近", said)


def test_admin_sees_who_is_locked_and_unlocks(app, county, client):
    for _ in range(5):
        try_desk(client, "supervisor", "wrong")
    admin = Desk(app, "admin")
    assert "已锁定" in words_of(admin.get("/accounts"))
    admin.post(f"/accounts/{county.users['supervisor']}/unlock")
    assert "已锁定" not in words_of(admin.get("/accounts"))


def test_ended_account_stays_listed_and_can_no_longer_be_acted_on(app, county):
    admin = Desk(app, "admin")
    worker = county.users["worker"]
    admin.post(f"/accounts/{worker}/end")
    page = admin.get("/accounts")
    assert "已停用" in words_of(page)
    assert f"/accounts/{worker}/end" not in page.text
    assert f"/accounts/{county.users['admin']}/end" not in page.text


def test_account_that_is_none_is_not_found(app, county):
    assert Desk(app, "admin").post("/accounts/999999/end").status_code == 404
