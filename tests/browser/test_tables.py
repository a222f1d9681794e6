"""A table is made, saved and downloaded by what the page says."""

from __future__ import annotations

import csv
import io
import re

from playwright.sync_api import expect

from tests.browser.desk import Desk


def test_a_table_of_visits_is_chosen_saved_and_downloaded(open_context, live, words):
    desk = Desk(open_context("desk", accept_downloads=True), words)
    desk.sign_in(live.password, "officer")
    desk.menu.get_by_role("link", name=words("Weekly report")).click()
    desk.link("Another table of these figures").click()
    main = desk.page.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_contain_text(words("Table of figures"))
    expect(main.get_by_role("row", name=re.compile("^" + words("In all")))).to_be_visible()
    main.get_by_role("link", name=words("Table of visits"), exact=True).click()
    main.get_by_role("combobox", name=words("Period")).select_option(words("The last 12 weeks"))
    main.get_by_role("combobox", name=words("Outcome")).select_option(index=1)
    desk.text("Columns…").click()
    main.get_by_role("checkbox", name=words("Village"), exact=True).check()
    main.get_by_role("checkbox", name=words("Method"), exact=True).uncheck()
    desk.button("Show the table").click()
    expect(main.get_by_role("columnheader", name=words("Village"), exact=True)).to_be_visible()
    expect(main.get_by_role("columnheader", name=words("Method"), exact=True)).to_have_count(0)

    desk.field("Name of the table").fill("十二周走访")
    desk.field("Share with everybody who reads this area").check()
    desk.button("Save the table").click()
    expect(desk.message).to_contain_text(words("Saved as “%(name)s”.", name="十二周走访"))
    desk.menu.get_by_role("link", name=words("Tables")).click()
    main.get_by_role("link", name="十二周走访").click()
    expect(main.get_by_role("heading", level=1)).to_contain_text("十二周走访")
    rows = main.get_by_role("table").get_by_role("row")
    heads = rows.first.get_by_role("columnheader").all_inner_texts()
    first = rows.nth(1).get_by_role("rowheader").inner_text()
    cells = rows.nth(1).get_by_role("cell").all_inner_texts()

    desk.field("Why is this file needed?").fill("核对本季度走访")
    with desk.page.expect_download() as fetched:
        desk.button("CSV file").click()
    assert fetched.value.suggested_filename.endswith(".csv")
    table = list(csv.reader(io.StringIO(fetched.value.path().read_text(encoding="utf-8-sig"))))
    assert table[0] == heads
    assert table[1] == [first, *cells]
