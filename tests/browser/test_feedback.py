"""Feedback from a phone without a network, answered at the desk, read on the phone without a network."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk


def test_written_offline_it_is_answered_at_the_desk_and_the_answer_is_read_offline(
    live, phone, open_context, words
):
    phone.context.set_offline(True)
    phone.go_to("Me")
    phone.tap(phone.page.get_by_role("button", name="写一条", exact=True))
    sheet = phone.page.get_by_role("dialog")
    sheet.get_by_label("关于什么").select_option("workload")
    phone.tap(sheet.get_by_role("button", name="提交"))
    expect(sheet.get_by_role("alert")).to_be_visible()
    sheet.get_by_label("想说什么").fill("一天走不完二十户")
    phone.tap(sheet.get_by_role("button", name="提交"))
    entry = phone.entry("一天走不完二十户")
    expect(entry).to_contain_text("等待上传")
    phone.context.set_offline(False)
    phone.refresh()
    expect(entry).to_contain_text("等答复")

    desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
    desk.sign_in(live.password, "supervisor")
    desk.page.goto("/feedback")
    desk.page.get_by_role("link").filter(has_text="一天走不完二十户").click()
    desk.page.get_by_label("答复", exact=True).fill("下周起调整网格")
    desk.page.get_by_role("button", name="发送答复").click()
    expect(desk.message).to_contain_text(
        words("Answered. It stands on the sender's phone after its next update.")
    )
    expect(desk.page.get_by_role("link").filter(has_text="一天走不完二十户")).to_have_count(0)

    phone.refresh()
    expect(entry).to_contain_text("下周起调整网格")
    phone.context.set_offline(True)
    phone.page.reload()
    phone.unlock()
    phone.go_to("Me")
    expect(entry).to_contain_text("下周起调整网格")
    phone.tap(entry.get_by_role("button", name="没解决"))
    phone.page.get_by_role("dialog").get_by_label("想说什么").fill("还是走不完")
    phone.tap(phone.page.get_by_role("dialog").get_by_role("button", name="提交"))
    expect(phone.entry("还是走不完")).to_contain_text("等待上传")
    expect(entry.get_by_role("button", name="没解决")).to_have_count(0)
