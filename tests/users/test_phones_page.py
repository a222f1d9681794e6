"""The page Phones: a supervisor gives out reset codes, the security administrator revokes; nothing is told of their use."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.users import actions, queries
from fieldapp.users.models import Device, PinCode, User, UserSession
from tests.factories import TOWNSHIP, Desk, Phone
from tests.users.test_pages import words_of


@pytest.fixture
def phones(app, county) -> dict[str, Phone]:
    """A phone of each worker."""
    return {name: Phone(app, county, name) for name in ("worker", "worker2")}


def change(app, step, *given, **more) -> None:
    """`step` is one of the actions, done by the account named first."""
    with app.app_context(), transaction():
        name, *others = given
        actor = db.session.scalars(select(User).where(User.username == name)).one()
        step(actor, *others, now=clock.now(), **more)


def revoke_path(phone: Phone) -> str:
    return f"/phones/{phone.user_id}/{phone.device_uuid}/revoke"


def test_supervisor_sees_the_phones_of_the_workers_in_their_areas(app, county, phones):
    said = words_of(Desk(app, "supervisor").get("/phones"))
    assert "测试worker worker 第1网格" in said
    assert "测试worker2 worker2 第2网格" in said
    assert "登记的手机" in said
    assert "停用" not in said
    assert "还没有手机" in words_of(Desk(app, "stranger").get("/phones"))


def test_worker_without_a_phone_is_not_listed(app, county):
    # Who has not installed anything is nobody's business (DOMAIN, burden rules).
    assert "测试worker" not in words_of(Desk(app, "supervisor").get("/phones"))


def test_nothing_is_said_of_when_or_how_often_a_phone_is_used(app, county, phones):
    for name in ("supervisor", "security"):
        said = words_of(Desk(app, name).get("/phones"))
        assert not re.search(r"\d{1,2}:\d{2}|分钟前|小时前|最近|次数", said), name


def test_worker_is_listed_where_they_work_now_or_last_worked(app, county, phones):
    worker = phones["worker"].user_id
    change(app, actions.end_account, "admin", worker)
    said = words_of(Desk(app, "supervisor").get("/phones"))
    assert "测试worker worker 账号已停用 第1网格" in said
    # Moved to another township: from then on its supervisor helps.
    moved = phones["worker2"].user_id
    change(app, actions.grant_area, "admin", moved, "230183101")
    assert "测试worker2" in words_of(Desk(app, "supervisor").get("/phones"))
    change(app, actions.withdraw_area, "admin", moved, "230183100056001")
    assert "测试worker2" not in words_of(Desk(app, "supervisor").get("/phones"))
    assert "测试worker2" in words_of(Desk(app, "stranger").get("/phones"))
    assert Desk(app, "supervisor").post(f"/phones/{moved}/pin-code").status_code == 404


def test_reset_code_is_shown_once_with_what_to_say(app, county, phones):
    desk = Desk(app, "supervisor")
    page = desk.post(f"/phones/{phones['worker'].user_id}/pin-code")
    said = words_of(page)
    assert "测试worker的重置码" in said
    code = re.search(r"\b(\d{4}) (\d{4})\b", said)
    assert code
    until = (clock.now() + timedelta(minutes=30)).astimezone(clock.LOCAL)
    assert f"{until:%H:%M}" in said or f"{until - timedelta(minutes=1):%H:%M}" in said
    assert page.headers["Cache-Control"] == "no-store"
    assert "".join(code.groups()) not in desk.get("/phones").text
    with app.app_context():
        assert db.session.scalars(select(PinCode)).one().made_by == county.users["supervisor"]


def test_revoking_needs_a_reason_said_beside_it(app, county, phones):
    desk = Desk(app, "security")
    answer = desk.post(revoke_path(phones["worker"]), reason="  ")
    assert answer.status_code == 422
    assert "写明原因" in words_of(answer)
    # Only the phone it is about is open, and keeps what is wrong.
    assert answer.text.count('<details class="sure" open>') == 1
    with app.app_context():
        assert db.session.scalars(select(Device.revoked_at)).all() == [None, None]


def test_revoked_and_erased_phones_are_marked(app, county, phones):
    desk = Desk(app, "security")
    phone = phones["worker"]
    answer = desk.post(f"{revoke_path(phone)}?words=worker&page=2", reason="丢在车上了")
    assert (answer.status_code, answer.location) == (303, "/phones?words=worker&page=2")
    page = desk.get("/phones")
    assert "已停用" in words_of(page)
    assert revoke_path(phone) not in page.text
    assert revoke_path(phones["worker2"]) in page.text
    assert "已交清" not in words_of(page)
    phone.sign_in()
    phone.client.delete("/api/session?erased=true", headers=phone.headers)
    for name in ("security", "supervisor"):
        assert "已停用 已交清并清除资料" in words_of(Desk(app, name).get("/phones")), name
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "device.revoke")).one()
        assert entry.values["reason"] == "丢在车上了"


def test_phone_that_is_none_cannot_be_revoked(app, county, phones):
    desk = Desk(app, "security")
    other = f"/phones/{phones['worker2'].user_id}/{phones['worker'].device_uuid}/revoke"
    assert desk.post(other, reason="丢了").status_code == 404
    with app.app_context():
        assert db.session.scalars(
            select(UserSession.revoked_at).where(UserSession.face == "phone")
        ).all() == [None, None]


def test_security_finds_a_worker_by_name_or_account(app, county, phones):
    desk = Desk(app, "security")
    with app.app_context(), transaction():
        db.session.execute(update(User).where(User.username == "worker2").values(display_name="王_50%_强"))
    for words, found in (
        ("", {"worker", "worker2"}),
        ("worker2", {"worker2"}),
        ("_50%_", {"worker2"}),
        ("%", {"worker2"}),
        ("测试", {"worker"}),
        ("\0测试", {"worker"}),
        ("不存在", set()),
    ):
        page = desk.client.get("/phones", query_string={"words": words})
        assert {name for name in phones if revoke_path(phones[name]) in page.text} == found, words
    assert "没有这样的手机" in words_of(desk.client.get("/phones", query_string={"words": "不存在"}))


def test_long_list_comes_in_pages(app, county, phones, monkeypatch):
    monkeypatch.setattr(queries, "PAGE_ROWS", 1)
    desk = Desk(app, "security")
    pages = [desk.get(f"/phones?page={number}").text for number in (1, 2)]
    listed = [{name for name in phones if revoke_path(phones[name]) in page} for page in pages]
    assert sorted(map(sorted, listed)) == [["worker"], ["worker2"]]
    assert "/phones?page=2" in pages[0]
    assert "下一页" not in pages[1]


def test_desk_account_that_tried_the_phone_app_is_not_listed(app, county):
    # A row from before phones were registered for workers only.
    with app.app_context(), transaction():
        db.session.add(
            Device(
                device_uuid="6f9619ff-8b86-d011-b42d-00c04fc964ff",
                user_id=county.users["supervisor"],
                registered_at=clock.now(),
            )
        )
    assert "还没有手机" in words_of(Desk(app, "security").get("/phones"))
    with app.app_context():
        assert queries.list_workers_with_phones([TOWNSHIP], clock.now()) == []


@pytest.mark.parametrize(
    ("username", "path", "is_there"),
    [
        ("supervisor", "/reviews", True),
        ("security", "/phones", True),
        ("leader", "/reviews", False),
        ("admin", "/accounts", False),
    ],
)
def test_menu_leads_there(app, county, username, path, is_there):
    assert ('href="/phones"' in Desk(app, username).get(path).text) is is_there
