"""What people are told: red on a desk page that lies open, and notices on a worker's phone."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from sqlalchemy import select

from fieldapp import create_app
from fieldapp.core.db import db
from fieldapp.notices.models import Notice
from fieldapp.settings import Settings
from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.test_incidents import ELDER, send_red_visit

HALF_A_MINUTE_MS = 31_000


def test_red_shows_on_a_desk_page_that_lies_open_and_leaves_what_is_typed(live, open_context, words):
    desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
    desk.page.clock.install()
    desk.sign_in(live.password, "officer")
    desk.page.goto("/people")
    typed = desk.page.get_by_role("searchbox").first
    typed.fill("王")
    expect(desk.page.get_by_role("alert")).to_have_count(0)
    send_red_visit(live)
    desk.page.clock.fast_forward(HALF_A_MINUTE_MS)
    alert = desk.page.get_by_role("alert")
    expect(alert).to_contain_text("1 起红色事件等您回应")
    expect(desk.page).to_have_title(re.compile("1 起红色事件等您回应"))
    expect(typed).to_have_value("王")
    alert.get_by_role("link").click()
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text(ELDER)


def test_page_left_open_after_the_session_ended_stays_as_it_is(live, open_context, words):
    desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
    desk.page.clock.install()
    desk.sign_in(live.password, "officer")
    desk.page.goto("/people")
    typed = desk.page.get_by_role("searchbox").first
    typed.fill("王")
    desk.page.context.clear_cookies()
    with desk.page.expect_response("**/incidents/alarm"):
        desk.page.clock.fast_forward(HALF_A_MINUTE_MS)
    expect(typed).to_have_value("王")


def test_notice_on_the_phone_has_a_badge_is_read_without_a_network_and_the_office_keeps_that(
    live, phone, office, words
):
    name = ELDER
    phone.make_visit(name)
    phone.refresh()
    office.return_visit(name, "请补充")
    phone.go_to("Today")
    phone.page.reload()
    phone.unlock()
    me = phone.page.get_by_role("navigation").get_by_role("link", name=words("Me"))
    expect(me.locator(".badge")).to_have_text("1")
    phone.context.set_offline(True)
    phone.go_to("Me")
    notice = phone.entry("一次走访退回给您补正").first
    expect(notice).to_contain_text("新")
    expect(me.locator(".badge")).to_have_count(0)
    phone.tap(notice.get_by_role("link"))
    expect(phone.page.get_by_text("请补充")).to_be_visible()
    phone.context.set_offline(False)
    phone.page.goto("/app/#/today")
    phone.refresh()
    app = create_app(Settings(data_dir=live.data_dir))
    with app.app_context():
        returned = select(Notice.read_at).where(Notice.cause == "visit.returned").order_by(Notice.id.desc())
        assert db.session.scalars(returned).first() is not None
        db.session.remove()
        db.engine.dispose()
