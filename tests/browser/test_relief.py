"""Relief from a phone visit to the payment, in Chinese: what is small is decided by the township, what is large by the county."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.phone import Phone

ELDER = "王桂兰"


def step(desk: Desk, summary: str) -> Locator:
    """The folded step of that name, opened."""
    folded = desk.page.locator("details", has=desk.page.locator("summary", has_text=summary))
    if not folded.evaluate("one => one.open"):
        folded.locator("summary").first.click()
    return folded


def handle(desk: Desk, what: str, amount: str) -> str:
    """Take the case up, write down what was found and propose so much; the address of the case."""
    desk.page.goto("/relief")
    desk.page.get_by_role("link").filter(has_text=what).click()
    desk.page.get_by_role("button", name="受理", exact=True).click()
    found = step(desk, "调查情况")
    found.get_by_label("调查情况").fill("入户核实，情况属实")
    found.get_by_role("button", name="登记", exact=True).click()
    # On the page that comes: what is opened on the one that goes would be closed on it.
    expect(desk.page.get_by_text("入户核实，情况属实")).to_be_visible()
    proposal = step(desk, "提出救助金额")
    proposal.get_by_label("金额（元）").fill(amount)
    proposal.get_by_label("资金来源").select_option(label="乡镇备用金")
    proposal.get_by_role("button", name="提交审批").click()
    expect(desk.message).to_contain_text("并通知审批人")
    return desk.page.url


def open_home(phone: Phone) -> None:
    """The household's page, from the list of all."""
    phone.go_to("Today")
    phone.tap(phone.link("All households"))
    phone.tap(phone.page.get_by_role("link").filter(has_text=ELDER).first)


def test_relief_goes_from_a_phone_visit_to_the_payment_through_two_tiers(live, phone, open_context, words):
    def sign_in(username: str) -> Desk:
        desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
        desk.sign_in(live.password, username)
        return desk

    # On a visit, without a network: few words, few taps.
    phone.context.set_offline(True)
    phone.fill_visit(ELDER)
    phone.tap(phone.page.get_by_role("button", name="申请临时救助"))
    sheet = phone.page.get_by_role("dialog")
    phone.tap(sheet.get_by_role("button", name="提交申请"))
    expect(sheet.get_by_role("alert")).to_contain_text("请写几个字")
    sheet.get_by_label("发生了什么").fill("药费花完了积蓄")
    phone.tap(sheet.get_by_role("button", name="提交申请"))
    expect(sheet).to_be_hidden()
    phone.finish()
    # After it, from the household's page.
    open_home(phone)
    phone.tap(phone.page.get_by_role("button", name="申请临时救助"))
    sheet.get_by_label("发生了什么").fill("屋顶被雪压塌")
    sheet.get_by_label("急难，先行救助").check()
    sheet.get_by_label("急难，先行救助").uncheck()
    phone.tap(sheet.get_by_role("button", name="提交申请"))
    expect(phone.entry("屋顶被雪压塌")).to_contain_text("已保存，等待上传")
    phone.context.set_offline(False)
    phone.tap(phone.page.get_by_role("link", name="返回"))
    phone.refresh()
    open_home(phone)
    expect(phone.entry("药费花完了积蓄")).to_contain_text("乡镇已收到")

    supervisor = sign_in("supervisor")
    small = handle(supervisor, "药费花完了积蓄", "800")
    expect(supervisor.page.get_by_role("link").filter(has_text="今天").first).to_be_visible()
    large = handle(supervisor, "屋顶被雪压塌", "5000")

    # The township's leader decides the small one, and cannot decide the large one.
    leader = sign_in("leader")
    leader.page.goto("/relief?view=needs")
    expect(leader.page.get_by_role("link").filter(has_text="屋顶被雪压塌")).to_have_count(0)
    leader.page.get_by_role("link").filter(has_text="药费花完了积蓄").click()
    leader.page.get_by_role("button", name="批准").click()
    expect(leader.message).to_contain_text("已批准")
    leader.page.goto(large)
    expect(leader.page.get_by_role("button", name="批准")).to_have_count(0)

    # The county decides the large one.
    officer = sign_in("officer")
    officer.page.goto("/relief?view=needs")
    officer.page.get_by_role("link").filter(has_text="屋顶被雪压塌").click()
    officer.page.get_by_role("button", name="批准").click()
    expect(officer.message).to_contain_text("已批准")

    # Both are paid in the township, and the fund says so.
    for case in (small, large):
        supervisor.page.goto(case)
        supervisor.page.get_by_role("button", name="登记付款").click()
        expect(supervisor.message).to_contain_text("付款已登记")
        supervisor.page.get_by_role("button", name="办结").click()
        expect(supervisor.message).to_contain_text("已办结")
    supervisor.page.goto("/relief/funds")
    supervisor.page.get_by_role("link", name="达连河镇", exact=True).click()
    expect(supervisor.page.get_by_role("main")).to_contain_text("可用余额：43,600.00 元")

    # The worker reads on the phone what became of it, without a network too.
    phone.tap(phone.page.get_by_role("link", name="返回"))
    phone.refresh()
    open_home(phone)
    expect(phone.entry("屋顶被雪压塌")).to_contain_text("已办结")
    phone.context.set_offline(True)
    phone.page.reload()
    phone.unlock()
    expect(phone.entry("药费花完了积蓄")).to_contain_text("已办结")
