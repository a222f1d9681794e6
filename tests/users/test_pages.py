"""Signing in at the desk, the reader's language, the administrator's accounts."""

from __future__ import annotations

import html
import re

import pytest

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.users import actions
from fieldapp.users.models import User
from tests.factories import GRID, OTHER_GRID, PASSWORD, TOWNSHIP, Desk


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
        ("supervisor", None),
        ("leader", None),
        ("officer", None),
        ("admin", None),
        ("security", "/phones"),
    ],
)
def test_each_role_starts_where_its_work_is(app, county, username, home):
    # Whoever reads visits, or keeps accounts and channels, stays on the start page itself.
    assert Desk(app, username).get("/").location == home


def test_role_without_pages_is_told_so(app, county):
    page = Desk(app, "audit").get("/")
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


def test_form_sent_after_the_session_ended_stays_where_it_was_typed(app, county):
    desk = Desk(app)
    sent = {"headers": {"HX-Request": "true"}, "data": {"csrf_token": desk.token, "name": "孙国强"}}
    stale = app.test_client().post("/people/new-household", **sent)
    assert (stale.status_code, stale.headers["HX-Reswap"], stale.headers["HX-Trigger"]) == (
        400,
        "none",
        "token-stale",
    )
    with app.app_context(), transaction():
        actions.end_sessions(
            db.session.get_one(User, county.users["admin"]), county.users["supervisor"], clock.now()
        )
    ended = desk.client.post("/people/new-household", **sent)
    assert (ended.status_code, ended.headers["HX-Reswap"], ended.headers["HX-Trigger"]) == (
        401,
        "none",
        "signed-out",
    )


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
    assert re.search("测试worker worker 已停用 网格员 · 第1网格", words_of(page))


def test_admin_sees_an_accounts_areas_and_finds_another_by_its_code(app, county):
    admin = Desk(app, "admin")
    page = f"/accounts/{county.users['worker']}"
    assert page in admin.get("/accounts").text
    said = words_of(admin.get(page))
    assert GRID in said
    # Beside the code stand the name and all that is above.
    assert re.search(r"第1网格 \d+ 黑龙江省 › 哈尔滨市 › 尚志市 ›", said)
    found = admin.get(f"{page}?code={OTHER_GRID}")
    assert "添加第2网格" in words_of(found)
    held = words_of(admin.get(f"{page}?code={GRID}"))
    assert "已经负责" in held
    assert "添加第1网格" not in held
    assert "包括下面的全部区域" in words_of(admin.get(f"{page}?code={TOWNSHIP}"))
    for code in ("999999", "%00", "网格", "2" * 40):
        assert "没有这个代码的区域" in words_of(admin.get(f"{page}?code={code}")), code


def test_admin_adds_and_ends_areas_of_an_account(app, county):
    admin = Desk(app, "admin")
    page = f"/accounts/{county.users['worker']}"
    assert admin.post(f"{page}/grant-area", code=OTHER_GRID).location == page
    assert "已添加" in words_of(admin.get(page))
    assert admin.post(f"{page}/grant-area", code=OTHER_GRID).status_code == 409
    assert admin.post(f"{page}/grant-area", code="\0").status_code == 422
    assert "这是最后一个区域" not in words_of(admin.get(page))
    assert admin.post(f"{page}/withdraw-area", code=GRID).location == page
    assert admin.post(f"{page}/withdraw-area", code=GRID).status_code == 404
    said = words_of(admin.get(page))
    assert OTHER_GRID in said
    assert GRID not in said
    assert "这是最后一个区域" in said
    admin.post(f"{page}/withdraw-area", code=OTHER_GRID)
    said = words_of(admin.get(page))
    assert "没有负责区域" in said
    # The way to another area starts at the top.
    assert "黑龙江省" in said


def test_ended_accounts_areas_can_be_read_and_not_changed(app, county):
    admin = Desk(app, "admin")
    page = f"/accounts/{county.users['worker']}"
    admin.post(f"{page}/end")
    answer = admin.get(page)
    assert GRID in words_of(answer)
    assert "area" not in re.findall(r'action="[^"]*-(\w+)"', answer.text)
    assert admin.post(f"{page}/grant-area", code=OTHER_GRID).status_code == 409


def test_account_that_is_none_is_not_found(app, county):
    admin = Desk(app, "admin")
    assert admin.post("/accounts/999999/end").status_code == 404
    assert admin.get("/accounts/999999").status_code == 404
