"""Walks through every screen of the phone and every page of the desk, stopping at each to be looked at.

Invariant: a walk stops only where the screen has finished drawing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.books import FIRST, WINTER, winter_book, wrong_book
from tests.browser.desk import Desk
from tests.browser.phone import Phone

# Returned, to be seen at, with a task, with several people, with a red flag and a photo: as the demo county has them.
RETURNED = "徐长发"
OVERDUE = "何有田"
ELDER = "王桂兰"
OTHER_ELDER = "罗淑贤"
WITH_TASK = "吴宝山"
WITH_PHOTO = "宋玉珍"


def walk_phone(phone: Phone, password: str, photo: Path) -> Iterator[str]:
    """From the screen of signing in to the sheet of signing out; gives the name of each screen."""
    words = phone.words
    dialog = phone.page.get_by_role("dialog")

    def close_sheet(english: str) -> None:
        phone.tap(dialog.get_by_role("button", name=words(english), exact=True))
        expect(dialog).to_have_count(0)

    phone.choose_language()
    yield "sign-in"
    phone.type_sign_in("worker", "not-the-password-1")
    expect(phone.page.get_by_role("alert")).to_be_visible()
    yield "sign-in, wrong"
    phone.type_sign_in("worker", password)
    expect(phone.page.get_by_role("group", name=words("Choose a 6-digit PIN"))).to_be_visible()
    yield "PIN, to be chosen"
    phone.type_pin("Choose a 6-digit PIN", "123456")
    expect(phone.page.get_by_role("alert")).to_contain_text(
        words("That one is too easy to guess. Please choose another.")
    )
    yield "PIN, too easy"
    phone.choose_pin()
    expect(phone.link("All households")).to_be_visible()
    yield "today"
    phone.tap(phone.link("All households"))
    phone.page.get_by_role("searchbox").fill("张")
    expect(phone.entry("张秀芝")).to_be_visible()
    yield "all households"
    phone.page.get_by_role("searchbox").fill("不存在")
    expect(phone.text("Nothing found")).to_be_visible()
    yield "all households, nothing found"
    phone.tap(phone.link("Back"))

    phone.tap(phone.page.get_by_role("link", name=ELDER))
    expect(phone.button("Start visit")).to_be_visible()
    yield "household"
    phone.tap(phone.button("Start visit"))
    expect(phone.question("Whom did you reach?")).to_be_visible()
    yield "visit, new"
    phone.answer_daily_life("Under 3 days")
    phone.attach("Photo of the problem", photo)
    expect(phone.photo()).to_be_visible()
    yield "visit, half filled"
    phone.tap(phone.photo())
    expect(dialog).to_be_visible()
    yield "visit, photo"
    close_sheet("Close")
    phone.tap(phone.question("Where you are").get_by_role("button", name=words("Locate")))
    expect(phone.question("Where you are")).to_contain_text(words("Located"))
    yield "visit, located"
    phone.tap(phone.question("Where you are").get_by_role("button", name=words("Not given")))
    expect(dialog).to_be_visible()
    yield "visit, why no place"
    close_sheet("Cancel")
    phone.tap(phone.button("Finish visit"))
    expect(dialog).to_be_visible()
    yield "visit, what is missing"
    close_sheet("Close")
    yield "visit, what is missing in the form"
    phone.tap(phone.button("Delete this"))
    expect(dialog).to_be_visible()
    yield "visit, delete"
    close_sheet("Cancel")
    phone.tap(phone.button("Later"))

    phone.tap(phone.link("{name} · returned", name=RETURNED))
    expect(phone.button("Submit again")).to_be_visible()
    yield "returned visit"
    phone.tap(phone.button("Later"))
    phone.tap(phone.page.get_by_role("link", name=f"{WITH_TASK} · "))
    expect(phone.button("Do it")).to_be_visible()
    yield "task"
    phone.tap(phone.button("Cannot do it"))
    expect(dialog).to_be_visible()
    yield "task, why not"
    close_sheet("Cancel")
    phone.tap(phone.button("Do it"))
    expect(phone.question("What was done?")).to_be_visible()
    yield "task, result"
    phone.tap(phone.button("Later"))

    phone.make_visit(OVERDUE)
    yield "today, saved"
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    yield "to send, received"
    phone.go_to("Me")
    yield "me"
    phone.tap(phone.button("Change the PIN"))
    expect(dialog).to_be_visible()
    yield "me, change the PIN"
    close_sheet("Cancel")
    phone.tap(phone.button("Lock now"))
    expect(phone.page.get_by_role("group", name=words("Type your PIN"))).to_be_visible()
    yield "locked"
    phone.type_pin("Type your PIN", "999111")
    expect(phone.page.get_by_role("alert")).to_contain_text(words("That PIN is not right. Try again."))
    yield "locked, wrong PIN"
    phone.tap(phone.button("Forgot the PIN"))
    expect(phone.field("Reset code")).to_be_visible()
    yield "PIN forgotten"
    phone.tap(phone.button("Make an encrypted file for your supervisor"))
    expect(dialog).to_be_visible()
    yield "PIN forgotten, nothing for a file"
    close_sheet("Close")
    phone.tap(phone.button("Back"))
    phone.unlock()
    phone.go_to("Me")
    phone.tap(phone.button("Sign out"))
    expect(dialog).to_be_visible()
    yield "me, sign out"
    close_sheet("Cancel")
    phone.page.goto("/app/#/household/00000000-0000-4000-8000-000000000000")
    expect(phone.text("Nothing here")).to_be_visible()
    yield "nothing here"
    phone.tap(phone.link("Back to Today"))


def walk_offline(phone: Phone) -> Iterator[str]:
    """What a phone shows while nothing gets through, and when the session has ended."""
    phone.context.set_offline(True)
    phone.make_visit(OTHER_ELDER)
    yield "today, offline"
    phone.go_to("To send")
    expect(phone.entry(OTHER_ELDER)).to_contain_text(phone.words("Waiting for network"))
    yield "to send, waiting"
    phone.tap(phone.button("Make an encrypted file for your supervisor"))
    dialog = phone.page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    yield "to send, file for the office"
    phone.tap(dialog.get_by_role("button", name=phone.words("Close"), exact=True))
    phone.context.clear_cookies()
    phone.context.set_offline(False)
    phone.refresh()
    expect(phone.text("Sign in again to send.")).to_be_visible()
    yield "me, session ended"
    phone.tap(phone.button("Sign in"))
    expect(phone.page.get_by_role("dialog")).to_be_visible()
    yield "sign in again"


def walk_desk(desk: Desk, password: str) -> Iterator[str]:
    """From the page of signing in through every page of a supervisor; gives the name of each page."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    dialog = page.get_by_role("dialog")
    desk.open_sign_in()
    yield "sign-in"
    desk.type_sign_in("supervisor", "not-the-password-1")
    expect(page.get_by_role("alert")).to_be_visible()
    yield "sign-in, wrong"
    desk.type_sign_in("supervisor", password)
    expect(desk.text("What needs you now")).to_be_visible()
    yield "start page"
    yield from _walk_overview(desk)
    desk.open_queue()
    yield "queue"
    page.goto("/reviews?look=clean")
    desk.queue.locator("summary").click()
    expect(desk.button("Approve them")).to_be_visible()
    yield "queue, the clean ones to be approved"
    desk.link("What is accepted by itself").click()
    expect(main.get_by_role("heading", name=words("What is accepted by itself"))).to_be_visible()
    yield "what is accepted by itself"
    desk.open_visit(WITH_PHOTO)
    expect(main.get_by_role("link").get_by_role("img")).to_be_visible()
    yield "visit"
    desk.flags.get_by_text(words("Dismiss…")).first.click()
    yield "visit, dismissing a flag"
    main.get_by_role("link").get_by_role("img").click()
    expect(dialog).to_be_visible()
    yield "visit, photo"
    dialog.get_by_role("button", name=words("Close")).click()
    desk.button("Keys").click()
    expect(dialog).to_be_visible()
    yield "visit, keys"
    dialog.get_by_role("button", name=words("Close")).click()
    desk.link("Void").click()
    expect(desk.field("Why does this visit not count?")).to_be_visible()
    yield "visit, voiding"
    desk.link("Do not void").click()
    desk.link("Return").click()
    expect(desk.field("What should the worker add or check?")).to_be_visible()
    desk.note("How many days of food are left?", "还有几斤米？")
    yield "visit, returning"
    desk.button("Return to %(name)s", name="于晓梅").click()
    expect(desk.field("What should the worker add or check?")).to_have_attribute("aria-invalid", "true")
    yield "visit, returning without a reason"
    desk.link("Household record").click()
    expect(main.get_by_role("heading", level=1)).to_have_text(WITH_PHOTO)
    yield "household"
    desk.open_visit(WITH_PHOTO)
    desk.text("Have it looked at again…").click()
    desk.field("Why is this visit looked at again?").fill("家属来电说没有人来过")
    desk.button("Have somebody else look").click()
    expect(desk.message).not_to_be_empty()
    page.goto("/revisits?view=under_way")
    main.get_by_role("link").filter(has_text=WITH_PHOTO).click()
    expect(desk.text("Both side by side")).to_be_visible()
    yield "a visit looked at again"
    desk.open_visit(WITH_PHOTO)
    desk.link("Household record").click()
    expect(main.get_by_role("heading", level=1)).to_have_text(WITH_PHOTO)
    desk.link("New follow-up").click()
    desk.button("Hand out").click()
    expect(desk.field("Kind of task")).to_have_attribute("aria-invalid", "true")
    yield "new follow-up, without a kind"
    desk.menu.get_by_role("link", name=words("Follow-ups")).click()
    expect(main.get_by_role("heading", name=words("Follow-ups"), exact=True)).to_be_visible()
    yield "follow-ups"
    main.get_by_role("link", name=f"{WITH_TASK} · ").click()
    expect(main.get_by_role("heading", level=1)).to_contain_text(WITH_TASK)
    yield "follow-up"
    page.goto("/reviews/00000000-0000-4000-8000-000000000000")
    expect(main.get_by_role("heading", name=words("Nothing found here"))).to_be_visible()
    yield "nothing found"
    desk.button("Sign out").click()
    desk.type_sign_in("admin", password)
    expect(desk.text("What needs you now")).to_be_visible()
    yield "start page of an administrator"
    desk.menu.get_by_role("link", name=words("Accounts")).click()
    expect(main.get_by_role("heading", name=words("Accounts"))).to_be_visible()
    yield "accounts"


def _walk_overview(desk: Desk) -> Iterator[str]:
    """The pages that show many things at once, and those of aid and of the rules; gives each page's name."""
    main = desk.page.get_by_role("main")
    for address, name in (
        ("/followups/board", "board by due date"),
        ("/map", "map"),
        ("/coverage", "coverage"),
        ("/coverage/people?of=overdue", "people overdue"),
        ("/coverage/problems?of=solved", "problems solved"),
        ("/aid?view=given", "aid that was given"),
        ("/flag-rules", "flag rules"),
        ("/revisits", "re-visits"),
        ("/feedback", "feedback"),
    ):
        desk.page.goto(address)
        expect(main.get_by_role("heading", level=1)).to_be_visible()
        yield name
    desk.page.goto("/aid?view=given")
    main.get_by_role("listitem").get_by_role("link").first.click()
    expect(main.get_by_role("link", name=desk.words("All help to this household"))).to_be_visible()
    yield "one aid"
    main.get_by_role("link", name=desk.words("All help to this household")).click()
    expect(desk.link("Enter aid")).to_be_visible()
    yield "all help to a household"
    desk.link("Enter aid").click()
    expect(desk.text("What is it?")).to_be_visible()
    yield "which kind of aid"
    main.locator("a[href*='/aid/new/goods']").click()
    desk.button("Enter").click()
    expect(desk.field("Programme")).to_have_attribute("aria-invalid", "true")
    yield "aid, with nothing typed"
    desk.page.goto("/aid/policy")
    expect(main.get_by_role("heading", level=1)).to_be_visible()
    yield "receipts of aid"
    desk.page.goto("/feedback")
    main.get_by_role("listitem").get_by_role("link").first.click()
    expect(desk.text("Send the answer")).to_be_visible()
    yield "feedback to be answered"
    desk.page.goto("/revisits/policy")
    expect(main.get_by_role("heading", level=1)).to_be_visible()
    yield "how many visits are looked at again"
    desk.page.goto("/flag-rules")
    main.get_by_role("listitem").get_by_role("heading").get_by_role("link").first.click()
    expect(desk.page).to_have_url(re.compile("/flag-rules/rule"))
    yield "a flag rule"


def walk_records(desk: Desk, password: str) -> Iterator[str]:
    """The pages of a household, its people and what is written down of them; gives each page's name."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    desk.sign_in(password)
    desk.menu.get_by_role("link", name=words("People")).click()
    main.get_by_role("searchbox").fill(ELDER)
    expect(main.get_by_role("link", name=re.compile(ELDER))).to_be_visible()
    yield "people, found"
    desk.link("Registered somewhere else in the province?").click()
    expect(page).to_have_url(re.compile("/people/registered$"))
    yield "registered somewhere else"
    main.get_by_role("link", name=words("People")).click()
    desk.link("What people are told").click()
    expect(desk.text("What we write down of you, and why")).to_be_visible()
    yield "what people are told"
    main.get_by_role("link", name=words("People")).click()
    desk.link("My near relatives").click()
    expect(desk.text("You have declared nobody.")).to_be_visible()
    yield "no relatives declared"
    desk.menu.get_by_role("link", name=words("People")).click()
    desk.link("Add a household").click()
    desk.button("Add, then its people").click()
    expect(desk.field("Name of the household")).to_have_attribute("aria-invalid", "true")
    yield "a household without a name"
    desk.field("Grid").select_option(index=1)
    desk.field("Name of the household").fill(ELDER)
    desk.field("Address").fill("1组1号")
    desk.button("Add, then its people").click()
    desk.field("ID number").fill("230183195005041245")
    desk.field("Phone").first.fill("一三八")
    main.get_by_role("checkbox").nth(1).check()
    desk.button("Put on the list").click()
    expect(desk.field("ID number")).to_have_attribute("aria-invalid", "true")
    yield "a person with mistakes"
    desk.field("Why the number stands as it is").fill("证件上就是这样印的")
    desk.field("Phone").first.fill("13812345678")
    desk.button("Put on the list").click()
    # The number also stands beside whoever is alike, while the form is still on its way.
    expect(main.get_by_role("heading", level=1)).to_have_text(ELDER)
    expect(main.get_by_text("138****5678")).to_be_visible()
    yield "the household with its person"
    household = page.url
    desk.link("Edit the household").click()
    expect(desk.field("Name of the household")).to_have_value(ELDER)
    yield "a household to be edited"
    page.goto(household)
    main.get_by_role("link", name=f"{words('Edit')} {ELDER}", exact=True).click()
    expect(desk.field("Why the number stands as it is")).to_be_visible()
    yield "a person to be edited"
    page.goto(household)
    desk.link("Show a number in full").click()
    desk.button("Show it").click()
    expect(desk.field("What do you need it for?")).to_have_attribute("aria-invalid", "true")
    yield "a number without a reason"
    desk.field("What do you need it for?").fill("核对社保卡")
    desk.button("Show it").click()
    expect(main.get_by_text("230183195005041245")).to_be_visible()
    yield "a number in full"
    desk.link("Done").click()
    desk.link("What was changed").click()
    expect(page).to_have_url(re.compile("/history$"))
    expect(main.get_by_text("138****5678")).to_be_visible()
    yield "history"
    main.get_by_role("link", name=words("Back to the household")).click()
    desk.link("Near relatives").click()
    desk.field("What the person is to them").fill("母亲")
    desk.button("Declare").click()
    expect(desk.message).to_contain_text(words("Declared."))
    yield "a declared relative"
    main.get_by_role("link", name=words("Back to the household")).click()
    desk.link("Died or moved away").click()
    expect(desk.button("Record the death")).to_be_visible()
    yield "death and moving away"
    desk.button("Record the death").click()
    desk.link("Recorded by mistake?").click()
    desk.button("Take it back").click()
    expect(desk.field("Why it is taken back")).to_have_attribute("aria-invalid", "true")
    yield "taking a death back without a reason"


def walk_incidents(desk: Desk, password: str) -> Iterator[str]:
    """What is red and who is on duty, a call that is taken in, and a task referred; gives each page's name."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    desk.sign_in(password)
    page.get_by_role("alert").get_by_role("link").click()
    expect(desk.button("I answer for it")).to_be_visible()
    yield "an incident"
    desk.button("I answer for it").click()
    expect(desk.field("What you do about it")).to_have_attribute("aria-invalid", "true")
    yield "an incident answered without words"
    main.get_by_role("link", name=words("All red incidents")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words("Red incidents"))
    yield "incidents"
    desk.link("Notices").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words("Notices"))
    yield "notices"
    main.get_by_role("link", name=words("Something red waits for an answer")).first.click()
    main.get_by_role("link", name=words("All red incidents")).click()
    desk.link("Duty roster").click()
    desk.button("Enter").click()
    expect(desk.field("Who is on duty")).to_have_attribute("aria-invalid", "true")
    main.get_by_text(words("Take out"), exact=False).first.click()
    yield "a shift of nobody, and one to be taken out"
    page.goto("/followups/take-in")
    desk.button("Take it in").click()
    expect(desk.field("What was said")).to_have_attribute("aria-invalid", "true")
    yield "a call without words"
    desk.field("What it is about").select_option("child_protection")
    desk.field("What was said").fill("邻居来电：孩子身上有伤")
    desk.button("Take it in").click()
    expect(desk.text("Suspected abuse: the law asks for a report")).to_be_visible()
    yield "suspected abuse"
    desk.link("Refer to an outside body…").click()
    desk.button("Refer and show the slip").click()
    expect(desk.field("Referred to")).to_have_attribute("aria-invalid", "true")
    yield "referred to nobody"
    desk.field("Referred to").select_option(index=1)
    desk.field("What they are asked for").fill("请接收")
    desk.button("Refer and show the slip").click()
    expect(desk.text("They have done it")).to_be_visible()
    yield "a slip"
    page.goto("/providers")
    expect(main.get_by_role("listitem").first).to_be_visible()
    yield "outside bodies"
    main.get_by_role("listitem").first.get_by_role("link").click()
    expect(desk.text("Kinds of help")).to_be_visible()
    yield "a body"


def walk_relief(desk: Desk, password: str) -> Iterator[str]:
    """Temporary relief with its funds and its public notice, deputies and working days; gives each page's name."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    heading = main.get_by_role("heading", level=1)
    desk.sign_in(password)
    desk.menu.get_by_role("link", name=re.compile("^" + words("Temporary relief"))).click()
    expect(heading).to_have_text(words("Temporary relief"))
    yield "relief"
    page.goto("/relief?view=all")
    main.get_by_role("listitem").get_by_role("link").first.click()
    expect(desk.text("What is asked for")).to_be_visible()
    yield "a case of relief"
    page.goto("/relief/new")
    expect(heading).to_be_visible()
    yield "a new case of relief"
    desk.button("Sign out").click()
    desk.type_sign_in("officer", password)
    expect(desk.text("What needs you now")).to_be_visible()
    for address in ("/relief/policy", "/relief/public", "/calendar", "/deputy", "/relief/funds"):
        page.goto(address)
        expect(heading).to_be_visible()
        yield address
    main.get_by_role("listitem").get_by_role("link").first.click()
    expect(heading).not_to_have_text(words("Reserve funds"))
    yield "a fund"


def walk_reports(desk: Desk, password: str) -> Iterator[str]:
    """The weekly report of a county and of its city, a number's records, a sheet, giving back; gives each page's name."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    desk.sign_in(password, "officer")
    desk.menu.get_by_role("link", name=words("Weekly report")).click()
    expect(desk.button("Confirm and send to the city")).to_be_visible()
    yield "a report"
    desk.button("Confirm and send to the city").click()
    expect(main.get_by_role("heading", name=words("Confirmed"), exact=True)).to_be_visible()
    yield "a report that is confirmed"
    main.get_by_role("region", name=words("Visits")).get_by_role("link").first.click()
    expect(main.get_by_role("heading", level=1)).to_contain_text(words("Households"))
    yield "the records of a number"
    back = page.get_by_role("link", name=words("The report of this week"))
    back.click()
    desk.link("Sheet %(number)s", number=1).click()
    expect(back).to_be_visible()
    yield "a sheet"
    desk.button("Sign out").click()
    desk.type_sign_in("city", password)
    expect(desk.text("What needs you now")).to_be_visible()
    page.goto("/reports")
    expect(desk.button("Confirm and send to the province")).to_be_visible()
    yield "the report of a city"
    desk.link("Give back").click()
    expect(desk.field("Why")).to_be_visible()
    yield "giving back"


def walk_tables(desk: Desk, password: str) -> Iterator[str]:
    """Tables of figures and of visits, one without a reason for its file, one that is saved; gives each page's name."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    desk.sign_in(password, "officer")
    desk.menu.get_by_role("link", name=words("Tables")).click()
    expect(desk.text("No saved table yet")).to_be_visible()
    yield "no tables"
    desk.link("Table of figures").click()
    expect(main.get_by_role("table")).to_be_visible()
    yield "a table of figures"
    main.get_by_role("link", name=words("Table of visits"), exact=True).click()
    expect(desk.button("GeoJSON file")).to_be_visible()
    desk.text("Columns…").click()
    yield "a table of visits"
    desk.button("CSV file").click()
    expect(desk.field("Why is this file needed?")).to_have_attribute("aria-invalid", "true")
    yield "a file without a reason"
    desk.field("Name of the table").fill("本周走访")
    desk.button("Save the table").click()
    expect(main.get_by_role("heading", level=1)).to_contain_text("本周走访")
    yield "a saved table"
    desk.menu.get_by_role("link", name=words("Tables")).click()
    desk.text("Rename or delete…").click()
    desk.field("Name of the table").fill(" ")
    desk.button("Rename").click()
    expect(desk.field("Name of the table")).to_have_attribute("aria-invalid", "true")
    yield "saved tables, one without a name"


def walk_phones_and_areas(desk: Desk, password: str, file: Path) -> Iterator[str]:
    """The pages of phones, of an account's areas and of a unit of its city, once `worker` has signed in on a phone that
    made `file` of its unsent work; gives each page's name.
    """
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    desk.sign_in(password)
    desk.menu.get_by_role("link", name=words("Phones")).click()
    expect(main.get_by_role("heading", name="于晓梅")).to_be_visible()
    yield "phones"
    desk.link("Bring in a phone’s file").click()
    page.set_input_files(
        "[type=file]", {"name": "a.fieldapp", "mimeType": "", "buffer": b"not a phone's file"}
    )
    desk.button("Bring in").click()
    expect(desk.field("The phone's file")).to_have_attribute("aria-invalid", "true")
    yield "a file that no phone made"
    page.set_input_files("[type=file]", file)
    desk.button("Bring in").click()
    expect(main.get_by_role("heading", name="于晓梅")).to_be_visible()
    yield "a phone's file brought in"
    desk.menu.get_by_role("link", name=words("Phones")).click()
    desk.button("Reset code").click()
    expect(main.get_by_text(re.compile(r"^\d{4} \d{4}$"))).to_be_visible()
    yield "reset code"
    desk.link("Done").click()
    expect(desk.button("Reset code")).to_be_visible()
    desk.button("Sign out").click()
    desk.type_sign_in("security", password)
    expect(main.get_by_role("heading", name="于晓梅")).to_be_visible()
    yield "phones, of all"
    page.get_by_role("searchbox").fill("不存在")
    desk.button("Find").click()
    expect(desk.text("No phone of such a name")).to_be_visible()
    yield "phones, none found"
    desk.link("Show all phones").click()
    main.get_by_text(f"{words('Revoke')} 于晓梅").click()
    desk.button("Revoke this phone").click()
    expect(desk.field("Reason")).to_have_attribute("aria-invalid", "true")
    yield "revoking without a reason"
    desk.field("Reason").fill("丢失")
    desk.button("Revoke this phone").click()
    expect(main.get_by_text(words("Revoked"), exact=True)).to_be_visible()
    yield "a revoked phone"
    desk.menu.get_by_role("link", name=words("Channels")).click()
    desk.button("Set it up").click()
    expect(desk.field("Name of the channel")).to_have_attribute("aria-invalid", "true")
    yield "a channel without a name"
    desk.field("Name of the channel").fill("县值班群")
    desk.field("Where it sends to").fill("json://127.0.0.1:9/")
    desk.button("Set it up").click()
    desk.button("Send a test notice").click()
    expect(
        desk.text("Nobody answered at that address: is the network there, is the address right?")
    ).to_be_visible()
    yield "a channel that reaches nobody"
    desk.menu.get_by_role("link", name=words("Channels")).click()
    expect(main.get_by_role("link", name="县值班群")).to_be_visible()
    yield "channels"
    desk.button("Sign out").click()
    desk.type_sign_in("admin", password)
    desk.menu.get_by_role("link", name=words("Accounts")).click()
    main.get_by_role("link", name=f"{words('Areas')} 于晓梅").click()
    expect(main.get_by_role("heading", name=words("Add an area"))).to_be_visible()
    yield "areas of an account"
    main.get_by_role("link", name="达连河镇").click()
    main.get_by_role("link", name="红星村").click()
    main.get_by_role("link", name="红星村第1网格").click()
    expect(desk.button("Add %(area)s", area="红星村第1网格")).to_be_visible()
    yield "an area to add"
    desk.button("Add %(area)s", area="红星村第1网格").click()
    expect(main.get_by_text("230123101205001")).to_be_visible()
    main.get_by_text(f"{words('End')} 红星村第1网格").click()
    yield "ending an area"
    desk.button("End this area").last.click()
    expect(main.get_by_text("230123101205001")).to_have_count(0)
    desk.button("Sign out").click()
    desk.type_sign_in("city", password)
    expect(desk.menu).to_be_visible()
    page.goto("/areas/230100")
    desk.text("Add a unit…").click()
    desk.button("Add the unit").click()
    expect(main.locator("[aria-invalid]").first).to_be_visible()
    yield "a unit to be added without a name"
    page.goto("/areas/230100000000001")
    for deed in ("Change what is known of it…", "Move all whom it looks after…", "End the unit…"):
        desk.text(deed).click()
    yield "a unit to be changed"
    main.get_by_role("link", name="常永顺").click()
    desk.link("Move to another grid or unit…").click()
    desk.button("Go on").click()
    expect(desk.link("Leave it where it is")).to_be_visible()
    yield "somebody in a unit to be moved, step by step"


def walk_registering(phone: Phone) -> Iterator[str]:
    """Registering somebody new and correcting what is known, without a network; gives the name of each screen."""
    words, page = phone.words, phone.page
    phone.tap(phone.link("New clue"))
    phone.tap(phone.button("Register and visit"))
    expect(phone.text("Write a name, or how people call them.")).to_be_visible()
    yield "new clue, incomplete"
    phone.field("Name").fill("住在村东头砖窑旁边的赵大爷和他收养的两个孩子")
    phone.field("Where they live").fill("村东头砖窑旁边")
    phone.tap(phone.button("Register only"))
    expect(phone.text("saved, waiting to be sent")).to_be_visible()
    yield "household, only here"
    phone.tap(phone.link("Add a person"))
    expect(phone.field("Name")).to_be_visible()
    yield "another person"
    page.goto("/app/#/today")
    phone.tap(phone.link("Nameless card"))
    phone.field("Where it was").fill("长途车站东侧候车亭")
    yield "nameless card"
    phone.tap(phone.button("Register and visit"))
    expect(phone.question("Did you find the person?")).to_be_visible()
    yield "patrol"
    page.goto("/app/#/today")
    phone.tap(page.get_by_role("link", name=re.compile("^" + ELDER)))
    phone.tap(phone.link("Correct address or phone"))
    expect(phone.field("Address")).to_be_visible()
    yield "correct a household"
    phone.field("Address").fill("达连河村3组5号")
    phone.tap(phone.button("Save"))
    expect(phone.text("saved, waiting to be sent")).to_be_visible()
    yield "household, correction waits"
    phone.tap(phone.link("Correct what is said of {name}", name=ELDER))
    expect(phone.link("Has died")).to_be_visible()
    yield "correct a person"
    phone.tap(phone.link("Has died"))
    expect(page.get_by_label(words("Day of death"))).to_be_visible()
    yield "a death"
    phone.tap(phone.link("Back"))
    phone.tap(phone.link("Correct address or phone"))
    phone.tap(phone.link("All moved away"))
    phone.tap(page.get_by_role("radio", name=words("Elsewhere, not in my grids")))
    yield "a move"


def walk_aid(phone: Phone) -> Iterator[str]:
    """Recording aid and handing over what is due, without a network; gives the name of each screen."""
    words, page = phone.words, phone.page
    dialog = page.get_by_role("dialog")
    page.goto("/app/#/today")
    # A correction that was begun stands above it under the same name.
    phone.tap(page.locator("a[href*='#/household/']").filter(has_text=ELDER).first)
    expect(phone.link("Another day, or somebody else took it")).to_be_visible()
    yield "household, with aid that is due"
    phone.tap(phone.link("Record aid"))
    expect(page.get_by_role("radio", name=words("Goods"), exact=True)).to_be_visible()
    yield "aid, nothing chosen"
    phone.tap(page.get_by_role("radio", name=words("Goods"), exact=True))
    phone.tap(page.locator("summary"))
    expect(page.locator("select[name=source]")).to_be_visible()
    yield "aid, goods with all fields"
    phone.tap(page.get_by_role("radio", name=words("Money"), exact=True))
    page.locator("input[name=amount]").fill("500")
    phone.tap(page.get_by_role("button", name=words("Save aid"), exact=True))
    expect(page.get_by_role("alert")).to_contain_text(words("Choose the programme."))
    yield "aid, without its programme"
    page.locator("select[name=programme]").select_option("condolence")
    phone.tap(page.get_by_role("button", name=words("Save aid"), exact=True))
    expect(phone.text("saved, waiting to be sent").first).to_be_visible()
    yield "household, aid waits"
    phone.tap(page.get_by_role("button", name=re.compile("^" + words("Take back"))).first)
    expect(dialog).to_be_visible()
    yield "aid, why it is taken back"
    phone.tap(dialog.get_by_role("button", name=words("Cancel"), exact=True))
    phone.tap(phone.link("Another day, or somebody else took it"))
    expect(page.get_by_role("heading", name=words("Hand over aid"))).to_be_visible()
    yield "aid that is due, handed over"


def walk_uploads(desk: Desk, password: str) -> Iterator[str]:
    """The pages of what phones sent and could not be applied (of the demo's `worker`: a visit without a household that is
    known, with a part for one person; one in conflict with what is here; one of an unknown kind), and of moving a
    household; gives each page's name.
    """
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    uploads = desk.menu.get_by_role("link", name=words("Uploads"))
    desk.sign_in(password)
    uploads.click()
    expect(main.get_by_role("listitem")).to_have_count(3)
    yield "uploads"
    desk.link("Registered and corrected on phones").click()
    expect(desk.text("Nothing was registered or corrected on a phone yet.")).to_be_visible()
    yield "registered and corrected on phones"
    uploads.click()
    main.get_by_role("link", name=words("The same visit is here already, with another content.")).click()
    expect(desk.button("Take it in as the next version")).to_be_visible()
    yield "upload in conflict"
    desk.button("Take it in as the next version").click()
    expect(main.get_by_role("listitem")).to_have_count(2)
    main.get_by_role("link", name=words("An unknown kind of record")).click()
    desk.text("Refuse it…").click()
    desk.button("Refuse it for good").click()
    refusal = desk.field("Why is it not taken in? The worker reads this.")
    expect(refusal).to_have_attribute("aria-invalid", "true")
    yield "upload refused without a reason"
    refusal.fill("看不懂")
    desk.button("Refuse it for good").click()
    expect(main.get_by_role("listitem")).to_have_count(1)
    main.get_by_role("listitem").get_by_role("link").click()
    desk.field("Which household was it?").fill("不存在")
    desk.button("Look for it").click()
    expect(desk.text("There is none like that in your areas.")).to_be_visible()
    yield "upload, household not found"
    desk.field("Which household was it?").fill(ELDER)
    desk.button("Look for it").click()
    main.get_by_role("link", name=ELDER).click()
    desk.button("Take it in, corrected").click()
    expect(main.get_by_role("alert")).to_be_visible()
    yield "upload, nobody chosen"
    desk.page.get_by_label(words("Who is person %(number)s?", number=1)).select_option(ELDER)
    desk.button("Take it in, corrected").click()
    expect(desk.text("Everything that phones sent is taken in")).to_be_visible()
    yield "uploads, none"
    desk.link("What was settled").click()
    expect(main.get_by_role("listitem")).to_have_count(3)
    yield "uploads, settled"
    main.get_by_role("link", name="看不懂").click()
    expect(desk.text("Refused")).to_have_count(2)
    yield "upload, settled"
    desk.open_queue()
    desk.queue.get_by_role("link", name=re.compile(f"^{ELDER} ")).first.click()
    expect(desk.text("taken in at the desk").first).to_be_visible()
    yield "visit, taken in at the desk"
    desk.link("Household record").click()
    desk.link("Move to another grid or unit…").click()
    expect(desk.button("Go on")).to_be_visible()
    yield "household, to be moved"
    desk.button("Go on").click()
    expect(desk.button("Move the household")).to_be_visible()
    yield "household, move to confirm"
    desk.button("Move the household").click()
    expect(main.get_by_role("listitem").filter(has_text=words("Moved to %(grid)s", grid=""))).to_be_visible()
    yield "household, moved"
    page.goto(f"{page.url}/story")
    expect(main.get_by_role("listitem").first).to_be_visible()
    yield "household, what happened there"


def walk_checklists(desk: Desk, password: str) -> Iterator[str]:
    """Through every page of checklists as an officer uploads two versions and publishes one; gives each page's name."""
    words, page = desk.words, desk.page
    main = page.get_by_role("main")
    desk.sign_in(password, "officer")
    desk.menu.get_by_role("link", name=words("Checklists")).click()
    expect(main.get_by_role("heading", level=1, name=words("Checklists"))).to_be_visible()
    yield "checklists"
    page.goto("/checklist-upload")
    expect(desk.button("Check and store")).to_be_visible()
    yield "a workbook to be uploaded"
    desk.upload("冬季.xlsx", wrong_book())
    expect(main.get_by_role("table")).to_contain_text("survey")
    yield "a refused workbook"
    desk.upload("冬季.xlsx", winter_book())
    expect(desk.text(FIRST)).to_be_visible()
    yield "the first version"
    desk.field("Who answers for it").fill("依兰县民政局社会救助科")
    desk.field("Why it is needed, and on what basis").fill("冬季困难群众走访排查")
    desk.button("Write down").click()
    expect(desk.field("Who answers for it")).to_have_count(0)
    desk.publish("依兰县")
    expect(main.get_by_text(words("In force")).first).to_be_visible()
    yield "a checklist in force"
    main.get_by_text(words("Retire…")).first.click()
    yield "retiring"
    desk.upload("冬季.xlsx", winter_book("烟道通不通，炉具安全吗"))
    expect(main.get_by_text(words("Compared with version %(version)s", version=1))).to_be_visible()
    yield "what changed"
    desk.link("Preview").click()
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name=WINTER)).to_be_visible()
    expect(frame.get_by_text("烟道通不通")).to_be_visible()
    yield "preview"
    tried = page.url
    page.goto(page.locator("iframe").get_attribute("src") or "")
    expect(page.get_by_text("烟道通不通")).to_be_visible()
    yield "the phone in the preview"
    page.goto(tried)
    expect(frame.get_by_text("烟道通不通")).to_be_visible()
    frame.get_by_role("radio", name="不安全").check()
    desk.button("Read the answers so far").click()
    expect(main.get_by_text("烟道通不通").first).to_be_visible()
    yield "preview, read"
