"""代录 at the desk: a visit from paper is typed with the phone's form, survives what can go wrong, and waits for review."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import expect

from fieldapp.core import clock
from tests.browser.photos import take_photo

# Lives alone.
ELDER = "王桂兰"
WORKER = "于晓梅"


def test_visit_is_typed_for_a_worker_and_nothing_typed_is_lost(desk, words, live, tmp_path):
    page = desk.page
    page.goto("/people")
    page.get_by_role("searchbox").fill(ELDER)
    page.get_by_role("main").get_by_role("link", name=re.compile(ELDER)).first.click()
    desk.link("Enter a visit for a worker").click()
    desk.button("Fill in the checklist").click()
    expect(desk.text("On which day was it?")).to_be_visible()
    yesterday = clock.local_date(clock.now()) - timedelta(days=1)
    desk.field("For whom").select_option(label=WORKER)
    desk.field("Day of the visit").fill(yesterday.isoformat())
    desk.field("Time").fill("10:20")
    desk.button("Fill in the checklist").click()

    def answer(question: str, choice: str) -> None:
        group = page.get_by_role("group", name=words(question))
        kind = group.get_by_role("radio").or_(group.get_by_role("checkbox"))
        kind.and_(page.get_by_label(words(choice), exact=True)).check()

    save = desk.button("Save the visit")
    answer("Whom did you reach?", "The person")
    answer("How many days of food are left?", "Under 3 days")
    save.click()
    expect(page.get_by_role("status").first).to_contain_text("还有")
    answer("Is there enough regular medicine?", "Enough")
    heating = page.get_by_role("group", name=words("How is the home heated?"))
    if heating.count():
        heating.get_by_role("radio").first.check()
    answer("Is urgent help needed now?", "None")
    picture = take_photo(tmp_path / "IMG_0001.jpg", clock.now())
    photo = page.get_by_role("group", name=words("Photo of the problem"))
    photo.locator("input[type=file]").last.set_input_files(picture)
    expect(photo.get_by_role("button", name=words("Photo {n}", n=1))).to_be_visible()
    for group in page.get_by_role("group").all():
        radios = group.get_by_role("radio")
        if radios.count() and not group.locator("input:checked").count():
            radios.first.check()
    for group in page.get_by_role("group").all():
        boxes = group.get_by_role("checkbox")
        if boxes.count() and not group.locator("input:checked").count():
            boxes.first.check()

    # The network fails, then the session has ended: all that was typed is still there.
    page.route("**/api/households/**", lambda route: route.abort())
    save.click()
    expect(
        desk.text("Not saved: the server does not answer. Everything is still here; try again.")
    ).to_be_visible()
    page.unroute("**/api/households/**")
    page.context.clear_cookies(name="fieldapp")
    save.click()
    with page.expect_popup() as opened:
        desk.link("sign in on a page of its own").click()
    other = opened.value
    other.get_by_label(words("Account"), exact=True).fill("supervisor")
    other.get_by_label(words("Password"), exact=True).fill(desk.password)
    other.get_by_role("button", name=words("Sign in")).click()
    expect(other.get_by_role("button", name=words("Sign out"))).to_be_visible()
    other.close()
    save.click()

    # Stored: it is the worker's, marked, and somebody else decides on it.
    main = page.get_by_role("main")
    expect(main.get_by_role("heading", level=1)).to_contain_text(ELDER)
    expect(main).to_contain_text(WORKER)
    expect(main).to_contain_text(words("You typed this visit yourself, so somebody else decides on it."))
    expect(desk.button("Approve")).to_have_count(0)
    expect(main.get_by_role("img").first).to_be_visible()
    desk.open_queue()
    row = desk.queue.get_by_role("listitem").filter(has_text=words("Entered at the desk"))
    expect(row).to_have_count(1)
    expect(row).to_contain_text(ELDER)
    expect(row).to_contain_text(WORKER)
