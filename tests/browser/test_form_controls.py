"""Every kind of question can be answered by a finger on a small screen, and the answer is what the standard says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.all_controls import EVERY_CONTROL, LISTS, ask, document
from tests.browser.barriers import look_at_screen
from tests.browser.form_page import FormPage, new_form_page

__all__ = ["new_form_page"]

NewFormPage = Callable[..., FormPage]


@pytest.fixture(params=["zh", "en"])
def form(request: pytest.FixtureRequest, new_form_page: NewFormPage) -> FormPage:
    """The form with every control, in either language."""
    form = new_form_page(request.param)
    form.mount(EVERY_CONTROL, request.param)
    return form


def test_words_and_numbers_are_typed(form):
    card = form.card
    card("written/name").get_by_role("textbox").fill("王桂兰")
    card("written/story").get_by_role("textbox").fill("第一行\n第二行")
    card("written/card").get_by_role("textbox").fill("００１２")
    card("written/members").get_by_role("textbox").fill("３")
    card("written/weight").get_by_role("textbox").fill("52，5")
    card("written/code").get_by_role("textbox").fill(" 690123 ")
    assert form.answers()["written"] == {
        "name": "王桂兰", "story": "第一行\n第二行", "card": "0012", "members": "3", "weight": "52.5", "code": "690123",
    }  # fmt: skip
    assert card("written/members").get_by_role("textbox").get_attribute("inputmode") == "numeric"
    assert card("written/weight").get_by_role("textbox").get_attribute("inputmode") == "decimal"
    # What is shown is what is kept, once the field is left.
    card("written/weight").get_by_role("textbox").blur()
    expect(card("written/weight").get_by_role("textbox")).to_have_value("52.5")
    expect(card("chosen/shown")).to_contain_text("4")


def test_ranges_are_tapped(form):
    card = form.card
    card("stepped/pain").get_by_role("radio", name="7").tap()
    card("stepped/stars").get_by_role("radio", name="★ 4").tap()
    less, more = card("stepped/sugar").get_by_role("button").all()
    more.tap()
    more.tap()
    more.tap()
    less.tap()
    card("stepped/floor").get_by_role("combobox").select_option("12")
    assert form.answers()["stepped"] == {"pain": "7", "stars": "4", "sugar": "2.1", "floor": "12"}
    card("stepped/sugar").get_by_role("slider").fill("100")
    assert form.value("stepped/sugar") == "12"
    expect(card("stepped/sugar").locator("output")).to_have_text("12")


def test_dates_and_times_are_picked(form):
    card = form.card
    card("dated/day").locator("input").fill("2026-11-01")
    card("dated/year").locator("input").fill("１９５６")
    card("dated/month").locator("input").fill("2020-03")
    card("dated/hour").locator("input").fill("08:30")
    card("dated/moment").locator("input").fill("2026-11-02T21:05")
    assert form.answers()["dated"] == {
        "day": "2026-11-01", "year": "1956-01-01", "month": "2020-03-01", "hour": "08:30:00.000+08:00",
        "moment": "2026-11-02T21:05:00.000+08:00",
    }  # fmt: skip
    expect(card("dated/hour").locator("input")).to_have_value("08:30")
    expect(card("dated/year").locator("input")).to_have_value("1956")


def test_choices_are_tapped_and_taken_back(form):
    card = form.card
    card("chosen/warm").get_by_role("radio").nth(1).tap()
    card("chosen/carer").get_by_role("radio").nth(0).tap()
    card("chosen/lonely").get_by_role("radio").nth(4).tap()
    card("chosen/moved").get_by_role("combobox").select_option("m11")
    card("chosen/short").get_by_role("combobox").select_option("yes")
    card("chosen/needs").get_by_role("checkbox").nth(2).tap()
    card("chosen/needs").get_by_role("checkbox").nth(0).tap()
    card("chosen/told").get_by_role("checkbox").tap()
    chosen = form.answers()["chosen"]
    assert chosen == {
        "warm": "no", "carer": "self_care", "lonely": "always", "moved": "m11", "short": "yes",
        "needs": "food medicine", "told": "OK",
    }  # fmt: skip
    # What must be answered cannot be cleared; what may be left open can.
    expect(card("chosen/warm").locator("button")).to_have_count(0)
    card("chosen/carer").locator("button").tap()
    card("chosen/needs").get_by_role("checkbox").nth(0).tap()
    card("chosen/told").get_by_role("checkbox").tap()
    chosen = form.answers()["chosen"]
    assert (chosen["needs"], "carer" in chosen, "told" in chosen) == ("medicine", False, False)


def test_one_of_thousands_is_found_by_a_few_letters(form):
    card = form.card("chosen/village")
    assert card.locator("*").count() < 150, "the list is not on the page"
    card.get_by_role("searchbox").fill("2345")
    expect(card.get_by_role("radio")).to_have_count(1)
    card.get_by_role("radio").tap()
    assert form.value("chosen/village") == "v2345"
    change = card.get_by_role("button").first
    expect(change).to_be_focused()
    change.tap()
    expect(card.get_by_role("searchbox")).to_be_focused()
    card.get_by_role("searchbox").fill("没有这个村")
    expect(card.get_by_role("radio")).to_have_count(0)

    several = form.card("chosen/places")
    for digits in ("2999", "17"):
        several.get_by_role("searchbox").fill(digits)
        several.get_by_role("checkbox").first.tap()
    assert form.value("chosen/places") == "v17 v2999"
    several.get_by_role("listitem").first.get_by_role("button").tap()
    assert form.value("chosen/places") == "v2999"


def test_things_are_put_in_order_by_finger_and_by_keyboard(form):
    card = form.card("chosen/first")
    up, down = "arrow up", "arrow down"
    buttons = {
        (name, way): card.locator(f'[id$="-{way.split()[1]}-{name}"]')
        for name in ("food", "fuel", "medicine")
        for way in (up, down)
    }
    assert form.value("chosen/first") == ""
    card.locator("button.wide").tap()
    assert form.value("chosen/first") == "food fuel medicine"
    buttons["medicine", up].tap()
    assert form.value("chosen/first") == "food medicine fuel"
    expect(buttons["medicine", up]).to_be_focused()
    form.page.keyboard.press("Enter")
    assert form.value("chosen/first") == "medicine food fuel"
    expect(buttons["medicine", down]).to_be_focused()
    expect(buttons["medicine", up]).to_be_disabled()
    expect(card.get_by_role("status")).to_contain_text("1")


def test_what_only_a_phone_can_do_has_a_sample_in_the_preview(form):
    for name in ("photo", "signed", "said", "paper", "where"):
        form.card(f"taken/{name}").get_by_role("button").tap()
    taken = form.answers()["taken"]
    assert re.fullmatch("[0-9a-f]{64}", taken["photo"])
    assert taken["where"].count(" ") == 3
    assert set(taken) == {"photo", "signed", "said", "paper", "where"}


def test_more_of_a_repeat_are_added_and_one_is_taken_out_after_asking(form):
    page = form.page
    form.card("members[1]/who").get_by_role("textbox").fill("甲")
    form.card("members[1]/jobs[1]/job").get_by_role("textbox").fill("种地")
    page.locator('[id="q-members[1]/jobs-add"]').tap()
    form.card("members[1]/jobs[2]/job").get_by_role("textbox").fill("打工")
    page.locator('[id="q-members-add"]').tap()
    form.card("members[2]/who").get_by_role("textbox").fill("乙")
    page.locator('[id="q-members-add"]').tap()
    expect(form.card("members[3]/who")).to_be_visible()
    # Nothing is in the third: it goes at once. The first asks before.
    page.locator('[id="q-members[3]"] button').tap()
    expect(form.card("members[3]/who")).to_have_count(0)
    page.locator('[id="q-members[1]"] button').tap()
    assert len(form.answers()["members"]) == 2
    page.get_by_role("alert").get_by_role("button").nth(1).tap()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.locator('[id="q-members[1]"] button').tap()
    page.get_by_role("alert").get_by_role("button").nth(0).tap()
    expect(form.card("members[1]/who").get_by_role("textbox")).to_have_value("乙")
    assert form.answers()["members"][0]["who"] == "乙"
    assert len(form.answers()["members"]) == 1
    page.locator('[id="q-members[1]/jobs-add"]').tap()
    form.card("members[1]/jobs[1]/job").get_by_role("textbox").fill("放羊")
    assert form.answers()["members"] == [{"who": "乙", "jobs": [{"job": "放羊"}]}]


def test_a_problem_is_said_beside_its_question_when_the_field_is_left(new_form_page):
    form = new_form_page("zh")
    age = ask("integer", "age", "年龄", "Age", constraint=["<", ["ref", 0, "age"], 130])
    age["constraint_message"] = {"zh": "年龄要在130以内", "en": "Under 130, please"}
    form.mount(document([age, ask("text", "name", "姓名", "Name", required=True)]))
    field = form.card("age").get_by_role("textbox")
    field.fill("530")
    expect(form.card("age").get_by_role("alert")).to_have_count(0)
    field.blur()
    expect(form.card("age").get_by_role("alert")).to_have_text("年龄要在130以内")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("53")
    expect(form.card("age").get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("between", [0, 9], ids=["in sight", "far above"])
def test_what_appears_above_moves_nothing_under_the_finger(new_form_page, between):
    yes_ = ["=", ["ref", 0, "switch"], "yes"]
    nodes: list[dict[str, Any]] = [ask("note", f"first{n}", f"第 {n} 段", f"Part {n}") for n in range(8)]
    nodes += [ask("text", f"above{n}", f"上面 {n}", f"Above {n}", relevant=yes_) for n in range(4)]
    nodes += [ask("note", f"between{n}", f"中间 {n}", f"Between {n}") for n in range(between)]
    nodes += [ask("select_one", "switch", "有没有", "Any", list="yes_no")]
    nodes += [ask("text", f"after{n}", f"后面 {n}", f"After {n}") for n in range(12)]
    form = new_form_page("zh")
    form.mount(document(nodes, LISTS))
    yes = form.card("switch").get_by_role("radio").first
    yes.evaluate("one => one.scrollIntoView({ block: 'center' })")
    form.rest()
    before = form.card("switch").bounding_box()
    yes.check()
    form.rest()
    expect(form.card("above3")).to_have_count(1)
    form.rest()
    after = form.card("switch").bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) <= 2
    expect(yes).to_be_focused()


def test_pages_are_turned_and_a_problem_is_found_on_its_page(new_form_page):
    group = {"kind": "group", "name": "g", "label": {"zh": "一组"}, "appearance": "field-list", "children": [
        ask("text", "a", "甲", "A", required=True), ask("text", "b", "乙", "B"),
    ]}  # fmt: skip
    form = new_form_page("zh")
    quick = ask("select_one", "first", "第一题", "First", list="yes_no", appearance="quick")
    form.mount(document([quick, group, ask("text", "last", "最后", "Last")], LISTS, style="pages"))
    page = form.page
    back, next_ = page.get_by_role("button", name="上一页"), page.get_by_role("button", name="下一页")
    status = page.get_by_role("navigation").get_by_role("status")
    expect(status).to_have_text("第 1 页，共 3 页")
    expect(back).to_be_disabled()
    form.card("first").get_by_role("radio").first.tap()
    expect(status).to_have_text("第 2 页，共 3 页")
    expect(form.card("g/b")).to_be_visible()
    # The first time what is missing is said; the second time one may go on.
    next_.tap()
    expect(form.card("g/a").get_by_role("alert")).to_be_visible()
    expect(form.card("g/a")).to_be_focused()
    next_.tap()
    expect(form.card("last")).to_be_visible()
    expect(next_).to_be_disabled()
    page.evaluate("() => window.mounted.view.jump('g/a')")
    expect(form.card("g/a")).to_be_focused()
    form.card("g/a").get_by_role("textbox").fill("好")
    assert form.problems() == []


def test_a_list_that_hangs_on_another_answer_says_so_until_it_is_given(new_form_page):
    rows = [
        {"name": f"{county}{n}", "county": county, "label": {"zh": f"{county}{n}村"}}
        for county in "ab"
        for n in range(3)
    ]
    counties = [{"name": name, "label": {"zh": f"{name}县"}} for name in "ab"]
    village = ask("select_one", "village", "哪个村", "Which village", list="villages")
    village["choice_filter"] = ["=", ["col", "county"], ["ref", 0, "county"]]
    form = new_form_page("zh")
    nodes = [ask("select_one", "county", "哪个县", "Which county", list="counties"), village]
    form.mount(document(nodes, {"counties": counties, "villages": rows}))
    expect(form.card("village")).to_contain_text("先答前面的题")
    form.card("county").get_by_role("radio", name="b县").tap()
    expect(form.card("village").get_by_role("radio")).to_have_count(3)
    form.card("village").get_by_role("radio", name="b2村").tap()
    assert form.answers() == {"county": "b", "village": "b2"}
    form.card("county").get_by_role("radio", name="a县").tap()
    expect(form.card("village").get_by_role("radio", checked=True)).to_have_count(0)
    assert form.answers() == {"county": "a"}


def test_a_checklist_in_other_languages_offers_them(new_form_page):
    name = {"kind": "question", "name": "a", "type": "text", "label": {"fr": "Nom", "es": "Nombre"}}
    form = new_form_page("zh")
    form.mount({**document([name]), "languages": ["fr", "es"], "default_language": "fr"})
    expect(form.card("a")).to_contain_text("Nom")
    form.card("a").get_by_role("textbox").fill("X")
    form.page.get_by_label("清单语言").select_option("es")
    expect(form.card("a")).to_contain_text("Nombre")
    expect(form.card("a").get_by_role("textbox")).to_have_value("X")


def test_hostile_words_stay_words(new_form_page):
    hostile = [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "<a href='javascript:alert(1)'>x</a>",
        "<b onclick=alert(1)>x",
        "<svg onload=alert(1)>**x**</svg>",
        "*" * 10_000,
    ]
    words = [{"zh": text} for text in hostile]
    rows = [{"name": f"c{n}", "label": label} for n, label in enumerate(words)]
    nodes: list[dict[str, Any]] = []
    for n, label in enumerate(words):
        question = {
            "kind": "question",
            "name": f"q{n}",
            "type": "select_one",
            "list": "l",
            "label": label,
            "hint": label,
        }
        nodes.append(
            {"kind": "group", "name": f"g{n}", "label": label, "hint": label, "children": [question]}
        )
        nodes.append({"kind": "question", "name": f"n{n}", "type": "note", "label": label})
    form = new_form_page("zh")
    form.mount(document(nodes, {"l": rows}))
    form.card("g0/q0").get_by_role("radio").first.tap()
    root = form.page.locator("#root")
    expect(root.locator("script, img, iframe, svg:not(.icon), [onclick], [onerror], [onload]")).to_have_count(
        0
    )
    expect(root.locator("a")).to_have_count(0)
    expect(form.card("n0")).to_contain_text("<script>alert(1)</script>")


@pytest.mark.parametrize(("language", "scheme"), [("zh", "light"), ("en", "dark")])
def test_every_control_can_be_read_and_used(new_form_page, language, scheme):
    form = new_form_page(language, color_scheme=scheme)
    form.mount(EVERY_CONTROL, language)
    form.card("chosen/needs").get_by_role("checkbox").first.tap()
    form.card("chosen/first").locator("button.wide").tap()
    form.card("stepped/sugar").get_by_role("button").last.tap()
    form.card("taken/photo").get_by_role("button").tap()
    form.page.locator('[id="q-members[1]"] button').tap()
    assert look_at_screen(form.page) == []
