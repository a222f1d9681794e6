"""A visit looked at again: asked for at the desk, done on another worker's phone, the difference at the desk, closed."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.phone import Phone

ELDER = "王桂兰"
WHY = "家属来电说没有人来过"
CAME_OF_IT = "问过了：那天去的时候老人没听清"
FOOD_THEN = "How many days of food were left that day?"


def test_a_revisit_with_a_difference_goes_from_the_desk_to_another_phone_and_back(
    phone, new_phone, desk, live, words
):
    phone.fill_visit(ELDER, "Under 3 days")
    phone.finish("It is kept on this phone and goes up first. If it is urgent, call now.")
    phone.go_to("To send")
    expect(phone.text("Everything is sent")).to_be_visible()

    desk.open_visit(ELDER)
    desk.page.locator("summary", has_text=words("Have it looked at again…")).click()
    desk.field("Why is this visit looked at again?").fill(WHY)
    desk.button("Have somebody else look").click()
    expect(desk.message).to_contain_text(
        words("Somebody else looks at it again. The one who made the visit is not told.")
    )

    # Whoever made the visit is told nothing.
    phone.refresh()
    phone.go_to("Today")
    task_name = words("{name} · {type}", name=ELDER, type=words("Random re-visit"))
    expect(phone.page.get_by_role("link").filter(has_text=task_name)).to_have_count(0)

    other: Phone = new_phone()
    other.sign_in(live.password, "worker2")
    other.tap(other.page.get_by_role("link").filter(has_text=task_name))
    expect(other.page.get_by_role("main")).to_contain_text(WHY)
    other.tap(other.button("Do it"))
    other.answer("Whom did you reach?", "The person")
    other.answer("Did someone visit recently?", "Somebody came")
    other.answer("Is what was written down right?", "All of it")
    other.answer("Was what they asked for done?", "Nothing was asked")
    other.answer("Did the aid arrive?", "It arrived")
    other.answer("Did anyone take money or gifts, or behave badly?", "No")
    other.answer("Are they content with our work?", "Content")
    other.answer(FOOD_THEN, "10 days or more")
    other.answer("Was there enough regular medicine that day?", "Cannot remember")
    heating = other.question("How was the home heated that day?")
    if heating.count():
        other.answer("How was the home heated that day?", "Warm, enough fuel")
    other.answer("Was urgent help needed that day?", "None")
    other.answer("What is needed now?", "None")
    other.tap(other.button("Finish task"))
    other.expect_saved()
    other.go_to("To send")
    expect(other.text("Everything is sent")).to_be_visible()

    # Side by side, the difference first; then it is decided on.
    desk.page.goto("/revisits")
    desk.page.get_by_role("main").get_by_role("link").filter(has_text=ELDER).click()
    row = desk.page.get_by_role("row").nth(1)
    expect(row).to_contain_text(words("Under 3 days"))
    expect(row).to_contain_text(f"≠ {words('10 days or more')}")
    desk.page.get_by_label(words("Talked with the worker")).check()
    desk.field("In words").fill(CAME_OF_IT)
    desk.button("Decide and close").click()
    expect(desk.message).to_contain_text(words("Decided and closed."))
    desk.link("The visit").click()
    card = desk.page.locator("section.revisit")
    expect(card).to_contain_text(words("Something differs"))
    expect(card).to_contain_text(CAME_OF_IT)
