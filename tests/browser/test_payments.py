"""A payment list is brought in at the desk: columns, comparison, a row decided by hand, taken in, and taken back."""

from __future__ import annotations

import re

import openpyxl
import pytest
from playwright.sync_api import expect

from tests.browser.payment_lists import NOBODY, PAID, RENAMED, bring_list, make_list
from tests.chromium import SCREENS


def test_payment_list_from_file_to_undo(desk, words, tmp_path):
    page, main = desk.page, desk.page.get_by_role("main")
    file = tmp_path / "payments.xlsx"
    file.write_bytes(make_list())
    bring_list(desk, file)
    expect(page.get_by_label("发放金额（元）", exact=True)).to_have_value("amount")
    expect(page.get_by_label("账户尾号", exact=True)).to_have_value("account")
    desk.button("Compare with the books").click()

    expect(main).to_contain_text("4 笔发放 · 1,200.00 元")
    expect(main).to_contain_text("与清单第 7 行的合计一致。")
    expect(main).to_contain_text("1 笔可以入账 · 300.00 元")
    kinds = page.get_by_role("navigation", name=words("Rows by what they are"))
    kinds.get_by_role("link", name=re.compile("^" + words("To be looked at"))).click()
    rows = main.get_by_role("list").get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("这个身份证号在册的姓名是“李德福”。")
    rows.first.get_by_role("link", name=words("Decide on row %(number)s", number=4)).click()
    page.get_by_label(words("Enter it in the books"), exact=True).check()
    main.get_by_role("textbox").fill("公安系统核实为同一人")
    desk.button("Save the decision").click()
    expect(desk.message).to_contain_text("第 4 行已处理。")
    expect(main).to_contain_text("2 笔可以入账 · 600.00 元")

    desk.text("Download what did not match…").click()
    page.locator("#file-reason").fill("退回财政局")
    with page.expect_download() as downloading:
        desk.button("Download").click()
    unmatched = tmp_path / "unmatched.xlsx"
    downloading.value.save_as(unmatched)
    said = [row[4] for row in openpyxl.load_workbook(unmatched).active.iter_rows(min_row=2, values_only=True)]
    assert said == [RENAMED, "张秀芝", NOBODY]

    page.locator("#take-reason").fill("财政局上月明细")
    desk.button("Take these payments in").click()
    expect(main).to_contain_text("2 笔已入账", timeout=60_000)
    page.get_by_role("navigation", name=words("Rows by what they are")).get_by_role(
        "link", name=re.compile("^" + words("In the books"))
    ).click()
    expect(rows).to_have_count(2)
    rows.first.get_by_role("link", name=re.compile("^" + PAID)).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(PAID)
    expect(main).to_contain_text("第 1 号发放清单")

    desk.menu.get_by_role("link", name=words("Payment lists")).click()
    main.get_by_role("list").get_by_role("link").first.click()
    desk.text("Take this list back…").click()
    page.locator("#undo-reason").fill("发错月份")
    desk.button("Take it back").click()
    expect(main).to_contain_text("已全部撤回", timeout=60_000)


@pytest.mark.parametrize("words", ["en"], indirect=True)
def test_what_is_chosen_can_be_read_on_a_phone_in_english(desk, tmp_path):
    file = tmp_path / "payments.xlsx"
    file.write_bytes(make_list())
    bring_list(desk, file)
    tables = ["/tables/table?period=chosen", "/tables/table?kind=visits"]
    desk.page.set_viewport_size(SCREENS["phone"]["viewport"])
    cut = {}
    for address in (desk.page.url, *tables):
        desk.page.goto(address)
        cut[address] = desk.list_cut_choices()
    assert not any(cut.values()), cut
