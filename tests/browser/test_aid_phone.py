"""Aid from the phone in the hand to the desk, in Chinese: money with a signature on a visit without a network, and what is
due by one tap.
"""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.phone import Phone
from tests.browser.test_attachments import STROKES, write

ELDER = "王桂兰"


def open_home(phone: Phone) -> None:
    """The household's page, from the list of all."""
    phone.go_to("Today")
    phone.tap(phone.link("All households"))
    phone.tap(phone.page.get_by_role("link").filter(has_text=ELDER).first)


def sign(phone: Phone) -> None:
    """Sign on the pad of the receipt."""
    phone.tap(phone.button("Sign"))
    dialog = phone.page.get_by_role("dialog")
    write(phone, dialog.locator("canvas"), *STROKES)
    expect(dialog.get_by_role("button", name="撤销一笔")).to_be_enabled()
    kept = phone.page.get_by_role("img", name="签名")
    for _ in range(3):
        phone.tap(dialog.get_by_role("button", name=phone.words("Signed"), exact=True))
        if not dialog.is_visible():
            break
    expect(kept).to_be_visible()


def choose(phone: Phone, kind: str) -> None:
    """One of the three big choices."""
    phone.tap(phone.page.get_by_role("radio", name=kind, exact=True))


def test_aid_of_a_visit_offline_reaches_the_desk_once_with_its_receipt(live, phone, open_context, words):
    def sign_in(username: str) -> Desk:
        desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
        desk.sign_in(live.password, username)
        return desk

    # The county wants a receipt of money from 300 yuan on, and owes the household something already.
    officer = sign_in("officer")
    officer.page.goto("/aid/policy")
    officer.page.get_by_text("修改…").click()
    officer.page.get_by_label("现金", exact=True).select_option("from")
    officer.page.get_by_label("从多少元起", exact=True).fill("300")
    officer.field("Why is it changed?").fill("县里现金发放规定")
    officer.page.get_by_role("button", name="保存", exact=True).click()
    expect(officer.page.get_by_role("main")).to_contain_text("300.00 元起需要")
    supervisor = sign_in("supervisor")
    with phone.page.expect_response(lambda answer: "/api/sync/pull" in answer.url):
        phone.refresh()
    expect(phone.button("Update now")).to_be_enabled()

    # On a visit without a network; the page is killed while the form is half filled in.
    phone.context.set_offline(True)
    phone.go_to("Today")
    phone.fill_visit(ELDER)
    phone.tap(phone.page.get_by_role("link", name="记录发放"))
    choose(phone, "钱")
    phone.page.get_by_label("多少钱（元）").fill("５00")
    expect(phone.page.get_by_text("县里要求签名或照片")).to_be_visible()
    phone.kill_page()
    phone.tap(phone.entry(ELDER, "发放").get_by_role("link").first)
    expect(phone.page.get_by_label("多少钱（元）")).to_have_value("５00")
    phone.tap(phone.page.get_by_role("button", name="保存", exact=True))
    expect(phone.page.get_by_role("alert")).to_contain_text("请选什么项目")
    phone.page.get_by_role("combobox", name="什么项目").select_option("condolence")
    phone.tap(phone.page.get_by_role("button", name="保存", exact=True))
    expect(phone.page.get_by_role("alert")).to_contain_text("县里要求签名或照片")
    sign(phone)
    phone.tap(phone.page.get_by_role("button", name="保存", exact=True))
    # Back in the visit, which says what was given.
    expect(phone.entry("500 元")).to_contain_text("已发放")
    # The same once more is asked about, and not entered by a slip of the finger.
    phone.tap(phone.page.get_by_role("link", name="记录发放"))
    choose(phone, "东西")
    phone.page.get_by_role("combobox", name="什么", exact=True).select_option("rice")
    phone.page.get_by_label("多少", exact=True).fill("2")
    phone.page.get_by_role("combobox", name="什么项目").select_option("condolence")
    phone.tap(phone.page.get_by_role("button", name="保存", exact=True))
    phone.finish()
    open_home(phone)
    expect(phone.entry("500 元")).to_contain_text("已发放 · 已保存，等待上传")
    phone.tap(phone.page.get_by_role("link", name="记录发放"))
    choose(phone, "东西")
    phone.page.get_by_role("combobox", name="什么", exact=True).select_option("rice")
    phone.page.get_by_label("多少", exact=True).fill("2.0")
    phone.page.get_by_role("combobox", name="什么项目").select_option("condolence")
    phone.tap(phone.page.get_by_role("button", name="保存", exact=True))
    expect(phone.page.get_by_role("alert")).to_contain_text("已经记过同样的一笔")
    phone.tap(phone.page.get_by_role("button", name="不要这份"))
    phone.tap(phone.page.get_by_role("dialog").get_by_role("button", name="删掉", exact=True))
    expect(phone.entry("大米 2 袋")).to_have_count(1)

    # What was due, by one tap, still without a network.
    phone.tap(phone.page.get_by_role("button", name="今天已发放：100 元"))
    expect(phone.entry("100 元")).to_contain_text("已发放 · 已保存，等待上传")
    expect(phone.page.get_by_role("button", name="今天已发放：100 元")).to_have_count(0)
    phone.tap(phone.link("Back"))
    phone.go_to("To send")
    expect(phone.entry(ELDER, "救助发放")).to_have_count(2)
    expect(phone.entry(ELDER, "待发放的已发放")).to_have_count(1)

    # With a network all of it is there once.
    phone.context.set_offline(False)
    phone.refresh()
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    supervisor.page.goto("/aid?view=given")
    rows = supervisor.page.get_by_role("main").get_by_role("listitem")
    for what in ("500.00 元 · 走访慰问", "大米 2 袋", "100.00 元 · 高龄津贴"):
        expect(rows.filter(has_text=ELDER).filter(has_text=what)).to_have_count(1)
    rows.filter(has_text=ELDER).filter(has_text="500.00 元 · 走访慰问").get_by_role("link").click()
    main = supervisor.page.get_by_role("main")
    expect(main).to_contain_text("手机登记")
    receipt = main.get_by_role("img", name="签名")
    expect(receipt).to_be_visible()
    expect(receipt).not_to_have_js_property("naturalWidth", 0)
    # It belongs to the visit.
    main.get_by_role("link", name=re.compile("今天")).first.click()
    expect(main.get_by_role("link", name="500.00 元")).to_be_visible()
    expect(main.get_by_role("link", name="100.00 元")).to_be_visible()

    # By mistake: taken back, and due again.
    open_home(phone)
    phone.tap(phone.page.get_by_role("button", name="撤回：100 元"))
    sheet = phone.page.get_by_role("dialog")
    phone.tap(sheet.get_by_role("button", name="撤回", exact=True))
    expect(sheet.get_by_role("alert")).to_contain_text("请写几个字")
    sheet.get_by_label("哪里记错了？").fill("点错了")
    phone.tap(sheet.get_by_role("button", name="撤回", exact=True))
    expect(phone.page.get_by_role("button", name="今天已发放：100 元")).to_be_visible()
