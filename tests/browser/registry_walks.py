"""Walks through the pages of the registry at the desk, stopping at each to be looked at: papers, typed visits, merges,
areas, special periods, sweeps, screenings, imports.

Invariant: a walk stops only where the page has finished drawing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Locator, expect

from fieldapp.core import clock
from tests.browser.desk import Desk
from tests.browser.walks import ELDER, WITH_PHOTO

# Stands on the list twice, as his household does.
TWICE = "李德福"
GRID = "达连河村第1网格"
SWEEP, LISTED, PERIOD = "冬季独居老人大排查", "低保与死亡登记比对", "2026年冬季寒潮"
# A file to import, and a list to compare: of each, the last row cannot be used.
ROSTER = f"姓名,户主,所属网格,家庭住址\n孙大海,孙大海,{GRID},9组1号\n孙小梅,孙大海,{GRID},9组1号\n周强,周强,没有这个网格,1号\n"
SCREENING = f"姓名,比对结果\n{ELDER},疑似\n{TWICE},一致\n{WITH_PHOTO},一致\n无此人,疑似\n"


def walk_registry(desk: Desk, password: str, roster: Path, screening: Path) -> Iterator[str]:
    """All pages of the registry, once `TWICE` stands on it twice; the files hold ROSTER and SCREENING. Gives each page's
    name.
    """
    desk.sign_in(password)
    yield from _walk_papers(desk)
    yield from _walk_entry(desk)
    yield from _walk_merges(desk)
    desk.button("Sign out").click()
    desk.type_sign_in("officer", password)
    expect(desk.text("What needs you now")).to_be_visible()
    yield from _walk_imports(desk, roster)
    yield from _walk_screenings(desk, screening)
    yield from _walk_sweeps(desk)
    yield from _walk_periods(desk)
    yield from _walk_areas(desk)


def _open_household(desk: Desk, name: str) -> None:
    desk.page.goto("/people")
    desk.page.get_by_role("searchbox").fill(name)
    desk.page.get_by_role("main").get_by_role("link", name=re.compile(name)).first.click()
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text(name)


def _name_of(desk: Desk) -> Locator:
    """The field for the name of what is no person."""
    return desk.page.get_by_label("Name" if desk.words.language == "en" else "名称", exact=True)


def _walk_papers(desk: Desk) -> Iterator[str]:
    words, main = desk.words, desk.page.get_by_role("main")
    _open_household(desk, WITH_PHOTO)
    desk.link("Record of visits, to print").click()
    expect(main.get_by_role("heading", name=words("What was found"))).to_be_visible()
    yield "record of visits"
    desk.text("With numbers in full…").click()
    desk.button("Show numbers in full").click()
    expect(main.locator("[aria-invalid]")).to_be_visible()
    yield "record of visits, in full without a reason"
    desk.link("A blank one, to fill in by hand").click()
    expect(main.get_by_role("heading", level=1)).to_contain_text(words("Blank record"))
    yield "blank record"
    desk.page.goto("/areas")
    for name in ("达连河村", GRID):
        main.get_by_role("link", name=name, exact=True).click()
        expect(main.get_by_role("heading", level=1)).to_contain_text(name)
    yield "a grid"
    desk.open_last_months_ledger()
    yield "ledger"
    total = main.get_by_role("row").filter(has=desk.page.get_by_role("rowheader", name=words("Total")))
    total.get_by_role("link").first.click()
    expect(
        main.get_by_role("heading", name=re.compile(words("Visits that reached somebody")))
    ).to_be_visible()
    yield "ledger, what is behind a figure"


def _walk_entry(desk: Desk) -> Iterator[str]:
    _open_household(desk, ELDER)
    desk.link("Enter a visit for a worker").click()
    expect(desk.button("Fill in the checklist")).to_be_visible()
    yield "entry"
    desk.button("Fill in the checklist").click()
    expect(desk.text("On which day was it?")).to_be_visible()
    yield "entry, without a day"
    yesterday = clock.local_date(clock.now()) - timedelta(days=1)
    desk.field("Day of the visit").fill(yesterday.isoformat())
    desk.field("Time").fill("10:20")
    desk.button("Fill in the checklist").click()
    expect(desk.page.get_by_role("group", name=desk.words("Whom did you reach?"))).to_be_visible()
    yield "entry, the checklist"
    desk.button("Save the visit").click()
    expect(desk.page.get_by_role("status").first).not_to_be_empty()
    yield "entry, what is missing"


def _walk_merges(desk: Desk) -> Iterator[str]:
    main = desk.page.get_by_role("main")
    desk.page.goto("/duplicates")
    expect(desk.link("Compare").first).to_be_visible()
    yield "on the list twice"
    desk.link("Compare").first.click()
    expect(desk.button("Merge the two")).to_be_visible()
    yield "two people compared"
    desk.link("Compare the two households").click()
    expect(desk.text("One household, or two?")).to_be_visible()
    yield "two households compared"
    desk.button("Merge the two").click()
    expect(desk.text("These are still here twice")).to_be_visible()
    of_households = desk.page.url
    yield "merged households"
    main.get_by_role("link", name=f"{TWICE} · {TWICE}").click()
    desk.button("Merge the two").click()
    expect(desk.button("Undo the merge")).to_be_visible()
    of_people = desk.page.url
    desk.page.goto(of_households)
    expect(desk.text("It cannot be undone exactly any more")).to_be_visible()
    yield "a merge that waits for another one"
    desk.page.goto(of_people)
    desk.button("Undo the merge").click()
    expect(desk.field("Why are they two after all?")).to_have_attribute("aria-invalid", "true")
    yield "a merge to be undone without a reason"
    desk.field("Why are they two after all?").fill("父子同名")
    desk.button("Undo the merge").click()
    expect(desk.text("Parted again: both are on the list as they were.")).to_be_visible()
    yield "a merge undone"
    desk.page.goto("/duplicates")
    desk.button("Two different people").click()
    expect(desk.text("Nobody seems to be on the list twice")).to_be_visible()
    yield "nobody on the list twice"
    desk.link("Said to be two people").click()
    expect(desk.button("Take it back")).to_be_visible()
    yield "said to be two people"


def _walk_imports(desk: Desk, roster: Path) -> Iterator[str]:
    words, main = desk.words, desk.page.get_by_role("main")
    desk.menu.get_by_role("link", name=words("Import")).click()
    desk.button("Read the file").click()
    expect(desk.text("Choose the file.")).to_be_visible()
    yield "importing, without a file"
    desk.field("Excel workbook or CSV file").set_input_files(roster)
    desk.field("Where is it from?").fill("县低保名册")
    desk.button("Read the file").click()
    expect(desk.button("Check the rows")).to_be_visible()
    yield "an import's columns"
    desk.button("Check the rows").click()
    expect(desk.text("Nothing is written yet")).to_be_visible()
    yield "an import checked"
    main.get_by_role("link", name=re.compile("^" + words("Cannot be imported"))).click()
    expect(main.get_by_role("listitem")).to_have_count(1)
    yield "an import's refused rows"
    main.get_by_role("button", name=re.compile("2")).click()
    expect(desk.text("Take this import back…")).to_be_visible()
    desk.text("Take this import back…").click()
    yield "an import written"
    desk.page.goto("/imports")
    expect(main.get_by_role("link", name=re.compile("县低保名册"))).to_be_visible()
    yield "imports"


def _walk_screenings(desk: Desk, screening: Path) -> Iterator[str]:
    words, main = desk.words, desk.page.get_by_role("main")
    desk.menu.get_by_role("link", name=words("Screening lists")).click()
    desk.button("Compare").click()
    expect(desk.text("Write what is compared with what.")).to_be_visible()
    yield "a screening without a name"
    desk.field("What is compared").fill(LISTED)
    desk.field("Excel workbook or CSV file").set_input_files(screening)
    desk.button("Compare").click()
    expect(desk.text("Who needs a look?")).to_be_visible()
    yield "a screening"
    main.get_by_role("checkbox").first.check()
    desk.button("These need a look").click()
    expect(desk.text("Have them visited")).to_be_visible()
    yield "a screening, who needs a look"
    main.get_by_role("link", name=re.compile("^" + words("Mean nobody here"))).click()
    expect(main.get_by_role("list").last).to_contain_text(
        words("Nobody on the list of this area has this name (and birthday).")
    )
    yield "a screening, who means nobody"
    desk.menu.get_by_role("link", name=words("Screening lists")).click()
    expect(main.get_by_role("link", name=LISTED)).to_be_visible()
    yield "screenings"


def _walk_sweeps(desk: Desk) -> Iterator[str]:
    words, main = desk.words, desk.page.get_by_role("main")
    desk.menu.get_by_role("link", name=words("Sweeps")).click()
    desk.link("Prepare a sweep").click()
    desk.link("From a file").click()
    expect(desk.field("Excel workbook or CSV file")).to_be_visible()
    yield "a sweep from a file"
    desk.link("Describe who").click()
    expect(desk.field("Only whose visit is overdue")).to_be_visible()
    desk.button("See who is on the list").click()
    expect(desk.text("Write what papers call it.")).to_be_visible()
    yield "a sweep without a name"
    _name_of(desk).fill(SWEEP)
    last = clock.local_date(clock.now()) + timedelta(days=7)
    desk.field("Last day").fill(last.isoformat())
    desk.button("See who is on the list").click()
    expect(desk.button("Open the sweep")).to_be_visible()
    yield "a sweep's draft"
    desk.button("Open the sweep").click()
    expect(desk.text("Phones are told at their next sync.")).to_be_visible()
    main.get_by_text(words("Close the sweep…")).click()
    yield "an open sweep"
    apart = main.get_by_role("link", name=re.compile("^" + words("Not to be reached any more")))
    apart.click()
    expect(apart).to_have_attribute("aria-current", "true")
    yield "an open sweep, who is not to be reached any more"
    main.get_by_text(words("Close the sweep…")).click()
    desk.button("Close it").click()
    expect(desk.text("The figures and lists are those of the closing.")).to_be_visible()
    yield "a closed sweep"
    desk.menu.get_by_role("link", name=words("Sweeps")).click()
    expect(main.get_by_role("heading", name=re.compile(SWEEP))).to_be_visible()
    yield "sweeps"


def _walk_periods(desk: Desk) -> Iterator[str]:
    words, main = desk.words, desk.page.get_by_role("main")
    desk.menu.get_by_role("link", name=words("Special periods")).click()
    expect(desk.text("The usual intervals hold everywhere.")).to_be_visible()
    yield "no special period"
    desk.text("Switch on a special period…").click()
    desk.button("Switch on").click()
    expect(desk.text("Write what papers call it.")).to_be_visible()
    yield "a special period without a name"
    _name_of(desk).fill(PERIOD)
    desk.button("Switch on").click()
    expect(desk.text("All due dates follow it")).to_be_visible()
    main.get_by_text(f"{words('End it')} {PERIOD}").click()
    yield "a special period to be ended"


def _walk_areas(desk: Desk) -> Iterator[str]:
    main = desk.page.get_by_role("main")
    desk.page.goto("/due")
    expect(main.get_by_role("table")).to_be_visible()
    yield "who is due, by area"
    desk.page.goto("/due?area=230123101209001")
    expect(main.get_by_role("link", name=ELDER)).to_be_visible()
    yield "who is due, by name"
    desk.page.goto("/areas")
    expect(main.get_by_role("table")).to_be_visible()
    yield "areas"
    desk.page.goto("/areas/230123101209")
    for deed in ("Draw a grid…", "Split the village…", "Merge into another village…"):
        desk.text(deed).click()
    desk.button("Split the village").click()
    expect(main.locator("[aria-invalid]").first).to_be_visible()
    yield "a village to be split without a name"
    desk.page.goto("/areas/230123101209001")
    for deed in ("Rename the grid…", "Move all its households…", "End the grid…"):
        desk.text(deed).click()
    yield "a grid to be changed"
