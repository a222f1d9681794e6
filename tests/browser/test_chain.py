"""The main job, end to end: a visit with no signal, the desk, the correction, the follow-up, and back again."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from fieldapp.core import clock
from tests.browser.phone import Phone
from tests.browser.photos import take_photo

# Lives alone, visited 24 days ago, to be visited every 7.
ELDER = "王桂兰"
DAYS_OVERDUE = 17
WORKER = "于晓梅"
METRES_AWAY = 38
METRES_PER_DEGREE = 111_170
FOOD = "How many days of food are left?"
MEDICINE = "Is there enough regular medicine?"
PHOTO = "Photo of the problem"
PLACE = "Where you are"
REASON = "请再核对常用药"
NOTE = "卫生院说她的降压药快没了"
INSTRUCTIONS = "先从备用物资里拿一袋米送去"


def size_of(image):
    """Width and height of a picture, once it is really there, in its own pixels."""
    image.evaluate("image => image.decode()")
    return tuple(image.evaluate("image => [image.naturalWidth, image.naturalHeight]"))


@pytest.mark.parametrize("words", ["zh", "en"], indirect=True)
def test_a_visit_goes_offline_to_the_desk_and_back_until_nothing_is_left_to_do(
    new_phone, desk, live, words, ask_server, tmp_path
):
    lat, lon = ask_server().home_of(ELDER)
    here = {"latitude": lat + METRES_AWAY / METRES_PER_DEGREE, "longitude": lon, "accuracy": 12}
    phone: Phone = new_phone(geolocation=here, permissions=["geolocation"])
    phone.sign_in(live.password)

    # No signal from here on; the app starts all the same.
    phone.context.set_offline(True)
    phone.page.reload()
    phone.unlock()
    overdue = phone.entry(ELDER, words("{n} days overdue", n=DAYS_OVERDUE))
    expect(overdue).to_be_visible()
    expect(overdue).to_contain_text(words("Elder living alone"))
    phone.tap(overdue.get_by_role("link"))
    phone.tap(phone.button("Start visit"))

    # A red answer offers help at once.
    phone.answer("Whom did you reach?", "The person")
    phone.answer(FOOD, "Under 3 days")
    help_ = phone.page.get_by_role("alert").filter(has_text=words("This raises a red flag"))
    expect(help_).to_be_visible()
    for who, number in (("110", "110"), ("120", "120"), (words("Duty office"), "0451-00001010")):
        call = help_.get_by_role("link", name=words("Call {who}", who=who))
        expect(call).to_be_visible()
        expect(call).to_have_attribute("href", f"tel:{number}")
    phone.tap(help_.get_by_role("link", name=words("Call {who}", who=words("Duty office"))))
    phone.answer(MEDICINE, "Enough")
    phone.answer_heating()
    phone.answer("Is urgent help needed now?", "None")
    taken_at = clock.now().astimezone(clock.LOCAL) - timedelta(minutes=17)
    picture = take_photo(tmp_path / "IMG_0001.jpg", taken_at)
    assert picture.stat().st_size > 1_000_000
    phone.attach(PHOTO, picture)
    expect(phone.photo()).to_be_visible()
    phone.answer("Any sign of fraud, abuse or neglect?", "None")
    expect(phone.text("Saved by itself · works offline")).to_be_visible()

    # The phone ends the page: the draft is found at the same question, with its answers and its photo.
    phone.kill_page()
    phone.tap(phone.link("{name} · visit unfinished", name=ELDER))
    expect(phone.question("Any sign of fraud, abuse or neglect?")).to_be_in_viewport()
    expect(phone.question("Whom did you reach?")).not_to_be_in_viewport()
    for question, answer in (
        ("Whom did you reach?", "The person"),
        (FOOD, "Under 3 days"),
        (MEDICINE, "Enough"),
        ("Is urgent help needed now?", "None"),
        ("Any sign of fraud, abuse or neglect?", "None"),
    ):
        expect(phone.choice(question, answer)).to_be_checked()
    width, height = size_of(phone.photo().locator("img"))
    assert (width, height) == (1067, 1600)

    phone.same_as_last_time()
    phone.tap(phone.question(PLACE).get_by_role("button", name=words("Locate")))
    expect(phone.question(PLACE)).to_contain_text(words("{d} m from the registered home", d=40))
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    expect(phone.link("▲ {n} to send", n=1)).to_be_visible()

    phone.go_to("To send")
    expect(phone.page.get_by_role("heading", name=words("Waiting · {n}", n=1))).to_be_visible()
    expect(phone.entry(words("{name} · visit", name=ELDER))).to_contain_text(words("Waiting for network"))

    # A network again: it goes by itself.
    phone.context.set_offline(False)
    expect(phone.text("Everything is sent")).to_be_visible()
    sent = phone.entry(words("{name} · visit", name=ELDER))
    expect(sent).to_contain_text(words("Received"))
    expect(sent).to_contain_text(words("Photos {done}/{total}", done=1, total=1))

    # The desk sees it all, worst first.
    desk.open_queue()
    waiting = desk.queue.get_by_role("listitem").filter(has_text=ELDER)
    expect(waiting).to_contain_text(words("Food for under 3 days"))
    desk.open_visit(ELDER)
    expect(desk.flags.get_by_text(words("Food for under 3 days"))).to_be_visible()
    expect(desk.flags.get_by_text(words("Red"), exact=True)).to_be_visible()
    expect(desk.flags).to_contain_text(
        re.compile(words("Called %(to)s at %(time)s", to=words("the duty office"), time=r"\d\d:\d\d"))
    )
    distance = words("%(distance)s from the registered home", distance=words("%(n)s m", n=METRES_AWAY))
    expect(desk.page.get_by_role("heading", name=distance)).to_be_visible()
    photo = desk.page.get_by_role("main").get_by_role("link").get_by_role("img")
    expect(photo).to_be_visible()
    width, height = size_of(photo)
    assert 0 < width < height, "the photo at the desk is loaded and upright"
    photo.click()
    large = desk.page.get_by_role("dialog", name=words("Photos"))
    expect(large).to_contain_text(f"{taken_at:%H:%M}")
    assert size_of(large.get_by_role("img")) == (1067, 1600)
    large.get_by_role("button", name=words("Close")).click()

    desk.flags.get_by_role("link", name=words("Temporary relief")).click()
    desk.field("Who does it").select_option(label=f"{WORKER} · {words('Grid worker')}")
    desk.field("What to do or mind (optional)").fill(INSTRUCTIONS)
    desk.button("Hand out").click()
    expect(desk.message).to_contain_text(
        words("Handed out. It is on the worker's Today page at the next sync.")
    )

    desk.open_visit(ELDER)
    desk.link("Return").click()
    desk.note(MEDICINE, NOTE)
    desk.field("What should the worker add or check?").fill(REASON)
    desk.button("Return to %(name)s", name=WORKER).click()
    expect(desk.message).to_contain_text(
        words("Returned. The worker finds it on the Today page at the next sync.")
    )

    # The phone says what came back, and before what else is to be done.
    phone.refresh()
    phone.go_to("To send")
    expect(sent).to_contain_text(words("Returned"))
    phone.go_to("Today")
    returned = phone.entry(words("{name} · returned", name=ELDER))
    expect(returned).to_contain_text(REASON)
    task = phone.link("{name} · {type}", name=ELDER, type=words("Temporary relief"))
    expect(task).to_be_visible()
    order = phone.page.get_by_role("listitem").all_inner_texts()
    place = {
        text: next(i for i, item in enumerate(order) if text in item)
        for text in (REASON, words("Food for under 3 days"))
    }
    assert place[REASON] < place[words("Food for under 3 days")]

    phone.tap(returned.get_by_role("link"))
    expect(phone.page.get_by_role("main")).to_contain_text(REASON)
    expect(phone.question(MEDICINE)).to_contain_text(NOTE)
    expect(phone.choice(MEDICINE, "Enough")).to_be_checked()
    phone.answer(MEDICINE, "Runs out this week")
    phone.tap(phone.button("Submit again"))
    phone.expect_saved()

    phone.tap(task)
    expect(phone.page.get_by_role("main")).to_contain_text(INSTRUCTIONS)
    phone.tap(phone.button("Do it"))
    phone.answer("What was done?", "Visited", "Delivered aid")
    # What was given is written down once, as aid, and belongs to the task.
    phone.tap(phone.link("Record aid"))
    phone.tap(phone.page.get_by_role("radio", name=words("Goods"), exact=True))
    for name, code in (("item", "rice"), ("programme", "condolence")):
        phone.page.locator(f"select[name={name}]").select_option(code)
    phone.page.locator("input[name=quantity]").fill("1")
    phone.tap(phone.page.get_by_role("button", name=words("Save aid"), exact=True))
    expect(phone.question("Is the problem solved?")).to_be_visible()
    phone.answer("Is the problem solved?", "Solved")
    phone.tap(phone.button("Finish task"))
    phone.expect_saved()
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()
    for item in ("{name} · corrected visit", "{name} · task result"):
        expect(phone.entry(words(item, name=ELDER))).to_contain_text(words("Received"))

    # The desk sees the correction beside what was there before, and closes both.
    desk.open_visit(ELDER)
    expect(desk.page.get_by_role("main")).to_contain_text(words("version %(number)s", number=2))
    correction = desk.page.get_by_role("listitem").filter(has_text=words("Runs out this week"))
    expect(correction.last).to_contain_text(f"{words(MEDICINE)}: {words('Enough')}")
    assert size_of(photo)[0] > 0
    desk.button("Approve").click()
    expect(desk.message).to_contain_text(words("Approved."))
    desk.menu.get_by_role("link", name=words("Follow-ups")).click()
    desk.page.get_by_role("main").get_by_role("link", name=f"{ELDER} · {words('Temporary relief')}").click()
    expect(desk.page.get_by_role("main")).to_contain_text(words("Rice 1 bags"))
    desk.button("Settled, close it").click()
    expect(desk.message).to_contain_text(words("Checked and closed."))

    # Nothing of it is left on Today.
    phone.refresh()
    phone.go_to("Today")
    expect(phone.link("All households")).to_be_visible()
    expect(phone.entry(ELDER)).to_have_count(0)
    phone.go_to("To send")
    expect(phone.entry(words("{name} · corrected visit", name=ELDER))).to_contain_text(words("Approved"))
