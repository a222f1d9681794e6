"""A screening at the desk: a list is compared, who needs a look is told by its results, and a sweep is made of them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from fieldapp.core import clock
from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk

NAME = "低保与死亡登记比对"
LOOK, FINE, UNKNOWN = "王桂兰", "李德福", "无此人"
LIST = f"姓名,比对结果\n{LOOK},疑似\n{FINE},一致\n{UNKNOWN},疑似\n"


def test_screening_from_list_to_sweep(open_context, words, live, tmp_path):
    desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
    main = desk.page.get_by_role("main")
    book = tmp_path / "screening.csv"
    book.write_text(LIST, encoding="utf-8")
    desk.sign_in(live.password, "officer")
    desk.menu.get_by_role("link", name=words("Screening lists")).click()
    desk.field("What is compared").fill(NAME)
    desk.field("Day it counts on").fill(clock.local_date(clock.now()).isoformat())
    desk.field("Excel workbook or CSV file").set_input_files(book)
    desk.button("Compare").click()

    # One row means nobody, and says why; the others were screened.
    which = main.get_by_role("navigation", name=words("Which"))
    which.get_by_role("link", name=f"{words('Mean nobody here')} 1").click()
    expect(main).to_contain_text(words("Nobody on the list of this area has this name (and birthday)."))
    expect(main.get_by_role("list").last.get_by_role("listitem")).to_have_text(re.compile(UNKNOWN))
    which.get_by_role("link", name=f"{words('Screened, people')} 2").click()
    # Who needs a look is asked on either page: the list tells that the second one has come.
    expect(main.get_by_role("list").last).to_contain_text(LOOK)
    desk.page.get_by_label("疑似 · 1").check()
    desk.button("These need a look").click()
    expect(which.get_by_role("link", name=f"{words('Need a look')} 1")).to_be_visible()
    desk.button("Prepare a sweep of %(num)s person", num=1).click()

    # Those who need a look are on its list, and nobody else.
    expect(main.get_by_role("heading", level=1)).to_have_text(NAME)
    expect(main.get_by_role("link", name=LOOK)).to_be_visible()
    expect(main.get_by_role("link", name=FINE)).to_have_count(0)
    desk.button("Open the sweep").click()
    expect(main).to_contain_text(words("%(reached)s of %(all)s reached", reached=0, all=1))
