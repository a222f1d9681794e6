"""Where ODK's engine and ours differ on purpose: each with its reason, and seen to be so.

A test that fails here after a new version of ODK's engine may mean that an exception has ended; then it goes, from
docs/checklists.md too. Invariant: what these show is all that test_compared.py leaves out.
"""

from __future__ import annotations

from typing import Any

import pytest

from fieldapp.checklists.rules import evaluate
from tests.checklists.vectors import compile_form
from tests.odk.conftest import CHINA, GREENWICH

EMOJI = "😀"
YES_NO = [{"list_name": "yn", "name": name, "label": name} for name in ("yes", "no")]
PLACES = [
    {"list_name": "town", "name": "hrb", "label::中文 (zh)": "哈尔滨", "label::English (en)": "Harbin"},
]


def ask(kind: str, name: str, **columns: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "label": name, **columns}


def find(expression: str) -> dict[str, Any]:
    return {"type": "calculate", "name": "found", "calculation": expression}


@pytest.fixture
def both(open_judge):
    """Asks both for the value of `found`: `both(survey, answers)` gives (ours, ODK's)."""

    def ask_both(survey, answers=None, choices=(), zone=CHINA, settings=None):
        form = compile_form({"survey": survey, "choices": list(choices), "settings": settings or {}})
        judge = open_judge(zone)
        ours = evaluate(form.document, answers or {}, judge.context).answers
        [theirs] = judge.find(form.xform, answers or {}, "found", language="zh")
        return ours.get("found", ""), theirs

    return ask_both


@pytest.fixture
def follow(open_judge):
    """Follows steps in both and gives the differences as (path, what, ours, ODK's)."""

    def follow_steps(form, *steps, language="zh"):
        compiled = compile_form(form)
        judge = open_judge(CHINA)
        assert judge.load("exception", compiled) == ""
        plan = {"language": language, "people": 0, "steps": [{"picks": [0, 0, 0], **step} for step in steps]}
        found = judge.run("exception", [plan])
        return [
            (part.get("path"), part["what"], part.get("ours"), part.get("odk"))
            for difference in found["differences"]
            for part in difference["differences"]
        ] + ["left off"] * found["leftOff"]

    return follow_steps


def give(path: str, value: str) -> dict[str, Any]:
    return {"do": "set", "path": path, "value": value}


# --- expressions ---


@pytest.mark.parametrize(("written", "theirs"), [("1e3", "1000"), ("0x10", "16"), ("+5", "5")])
def test_a_text_is_a_number_only_by_the_grammar_of_xpath(both, written, theirs):
    assert both([find(f"'{written}' + 0")]) == ("", theirs)


def test_operators_in_upper_case_are_understood(both):
    ours, theirs = both([ask("text", "a"), find("${a} = '' AND 7 MOD 4 = 3")])
    assert ours == "true"
    assert "syntax error" in theirs


def test_texts_are_counted_and_cut_in_characters(both):
    assert both([find(f"string-length('{EMOJI}')")]) == ("1", "2")
    assert both([find(f"substr('{EMOJI}一二', 1, 2)")])[0] == "一"
    assert both([find(f"regex('{EMOJI}', '^.$')")]) == ("true", "false")


def test_coalesce_takes_more_than_two(both):
    ours, theirs = both([ask("text", "a"), find("coalesce(${a}, ${a}, 'c')")])
    assert ours == "c"
    assert "not allowed" in theirs


@pytest.mark.parametrize(
    ("expression", "is_"),
    [
        ("difference-in-months('2026-01-15', '2026-03-15')", "2"),
        ("add-date('2026-01-31', 0, 1)", "2026-02-28"),
    ],
)
def test_functions_that_odks_engine_lacks_are_judged_by_hand(both, expression, is_):
    ours, theirs = both([find(expression)])
    assert ours == is_
    assert "is not defined" in theirs


def test_substring_after_drops_the_whole_of_what_it_looks_for(both):
    # ODK's engine drops one character, however long the text looked for.
    assert both([find("substring-after('a::b', '::')")]) == ("b", ":b")


def test_a_line_end_is_a_space_to_normalize_space(both):
    survey = [ask("text", "t", appearance="multiline"), find("normalize-space(${t})")]
    # As XPath says; ODK's engine leaves it.
    assert both(survey, {"t": "x\ny"}) == ("x y", "x\ny")


def test_quotes_in_the_texts_of_an_expression_stay_as_they_are(both):
    # pyxform makes all curly quotes straight, also those that are meant.
    assert both([find("concat('“', 1, '”')")]) == ("“1”", '"1"')


def test_the_distance_from_nowhere_is_blank(both):
    ours, theirs = both([ask("geopoint", "p"), find("distance(${p}, '45.75 126.65 0 0')")])
    assert ours == ""
    assert "does not represent GPS coordinates" in theirs


def test_a_choices_label_with_an_answer_in_it_has_no_spaces_added(both):
    survey = [ask("text", "t"), ask("select_one one", "s"), find("jr:choice-name(${s}, '${s}')")]
    choices = [{"list_name": "one", "name": "a", "label": "${t}本人"}]
    # pyxform puts a space around a text that holds an answer.
    assert both(survey, {"t": "刘", "s": "a"}, choices) == ("刘本人", "刘本人 ")


def test_the_label_of_a_choice_can_be_looked_up_in_a_form_of_several_languages(both):
    rows = [{"type": "select_one town", "name": "s", "label::中文 (zh)": "s", "label::English (en)": "s"}]
    expression = "instance('town')/root/item[name = ${s}]/label"
    found = both([*rows, find(expression)], {"s": "hrb"}, PLACES, settings={"default_language": "中文 (zh)"})
    # pyxform moves the labels away from the choices then.
    assert found == ("哈尔滨", "")


def test_space_in_a_pattern_is_what_a_keyboard_types(both):
    assert both([find("regex('a\u3000b', '^a\\sb$')")]) == ("false", "true")


def test_a_yes_or_no_is_a_position_too(both):
    assert both([find("substr('abc', true())")]) == ("bc", "")


def test_a_code_of_no_length_is_blank(both):
    ours, theirs = both([find("uuid('x')")])
    assert ours == ""
    assert "Expected a valid number" in theirs


def test_mod_may_be_written_as_a_function(both):
    ours, theirs = both([find("mod(7, 3)")])
    assert ours == "1"
    assert "is not defined" in theirs


def test_a_label_looked_up_follows_the_language(open_judge):
    label = "jr:itext(instance('town')/root/item[name = ${s}]/itextId)"
    rows = [
        {"type": "select_one town", "name": "s", "label::中文 (zh)": "s", "label::English (en)": "s"},
        find(label),
    ]
    form = compile_form({"survey": rows, "choices": PLACES, "settings": {"default_language": "中文 (zh)"}})
    judge = open_judge(CHINA)
    assert judge.load("language", form) == ""
    steps = [{**give("s", "hrb"), "picks": []}, {"do": "language", "language": "en"}]
    [difference] = judge.run("language", [{"language": "zh", "people": 0, "steps": steps}])["differences"]
    # ODK's engine keeps the words of the language in which the answer was given.
    assert difference["differences"] == [
        {"path": "found", "what": "value", "ours": "Harbin", "odk": "哈尔滨"}
    ]


# --- dates ---


def test_a_date_that_does_not_exist_is_blank(both):
    ours, theirs = both([find("date('2026-02-30')")])
    assert ours == ""
    assert "RangeError" in theirs
    assert both([ask("text", "t"), find("date(${t})")], {"t": "23.11.2026"}) == ("", "Invalid Date")


def test_a_date_as_number_is_whole_days_of_the_calendar(both):
    survey = [ask("date", "d"), find("${d} + 0")]
    # ODK's engine counts from Greenwich: in China the day has begun eight hours earlier.
    assert both(survey, {"d": "2026-11-23"}) == ("20780", "20779.666666666668")
    assert both(survey, {"d": "2026-11-23"}, zone=GREENWICH) == ("20780", "20780")
    # Its number() then rounds down to the day before.
    assert both([ask("date", "d"), find("number(${d})")], {"d": "2026-11-23"}) == ("20780", "20779")


def test_a_date_made_a_number_is_written_as_one(both):
    assert both([find("number(today())")], zone=GREENWICH) == ("20780", "2026-11-23")
    assert both([find("number('2026-11-23T12:00:00')")], zone=GREENWICH) == ("20780.5", "20780")


def test_years_have_four_digits(both):
    assert both([find("date(3000000)")], zone=GREENWICH) == ("", "+010183-09-21")


def test_the_zone_of_a_time_is_not_looked_at(both):
    expression = "decimal-date-time('1970-01-02T12:00:00.000+08:00')"
    assert both([find(expression)], zone=GREENWICH) == ("1.5", "1.1666666666666667")


def test_sunday_has_a_name(both):
    assert both([find("format-date('2026-01-04', '%a')")]) == ("Sun", "")


def test_a_number_of_days_can_be_formatted_as_a_date(both):
    # As in Collect; ODK's engine wants date(…) around it.
    assert both([find("format-date(20780, '%Y-%m-%d')")]) == ("2026-11-23", "")


# --- answers ---


@pytest.mark.parametrize(
    ("kind", "answer", "theirs"),
    [
        ("integer", "007", "7"),
        ("decimal", "3", "3.0"),
        ("decimal", "2.50", "2.5"),
        ("geopoint", "45 126 0 5", "45.0 126.0 0.0 5.0"),
    ],
)
def test_an_answer_is_kept_as_it_was_given(both, kind, answer, theirs):
    ours, odk = both([ask(kind, "q"), find("${q}")], {"q": answer})
    assert ours == answer
    assert odk == theirs


@pytest.mark.parametrize(
    ("kind", "answer", "theirs"),
    [("integer", "3.7", "3"), ("integer", "1e2", "100"), ("integer", "3000000000", "")],
)
def test_an_answer_that_is_no_whole_number_is_named_not_changed(open_judge, kind, answer, theirs):
    form = compile_form({"survey": [ask(kind, "q"), find("${q}")]})
    verdict = evaluate(form.document, {"q": answer}, {})
    assert verdict.answers["q"] == answer
    assert [problem["code"] for problem in verdict.problems] == (["type"] if theirs else [])
    assert open_judge(CHINA).find(form.xform, {"q": answer}, "found") == [theirs]


def test_an_answer_of_the_wrong_type_is_kept_and_named(follow):
    # `wrong` checks that ours names it, and that ODK's engine leaves it out.
    survey = [ask("integer", "i"), ask("date", "d"), ask("select_one yn", "s")]
    steps = [
        {"do": "wrong", "path": path, "value": value}
        for path, value in [("i", "a"), ("d", "2026-02-30"), ("s", "maybe")]
    ]
    assert follow({"survey": survey, "choices": YES_NO}, *steps) == []


def test_several_choices_stay_in_the_order_they_came(both):
    survey = [ask("select_multiple yn", "m"), find("selected-at(${m}, 0)")]
    # Screens write them in the order of the list, as ODK's do.
    assert both(survey, {"m": "no yes"}, YES_NO) == ("no", "yes")


def test_a_range_answer_off_the_step_is_refused(open_judge):
    form = compile_form({"survey": [ask("range", "q", parameters="start=0 end=10 step=5"), find("${q}")]})
    assert [problem["code"] for problem in evaluate(form.document, {"q": "3"}, {}).problems] == ["type"]
    assert open_judge(CHINA).find(form.xform, {"q": "3"}, "found") == ["3"]


def test_a_calculation_has_no_constraint(follow):
    survey = [
        ask("integer", "i"),
        {"type": "calculate", "name": "c", "calculation": "${i} + 1", "constraint": ". < 3"},
    ]
    assert follow({"survey": survey}, give("i", "7")) == []
    form = compile_form({"survey": survey})
    assert evaluate(form.document, {"i": "7"}, {}).problems == []


# --- repeats ---


def test_a_count_that_went_blank_is_none(follow):
    survey = [
        ask("integer", "n"),
        {"type": "begin_repeat", "name": "r", "label": "r", "repeat_count": "${n}"},
        ask("text", "x"),
        {"type": "end_repeat"},
    ]
    # ODK's engine keeps the instances there were: what holds would depend on what was answered before.
    assert follow({"survey": survey}, give("n", "2"), give("n", "")) == ["left off"]
    document = compile_form({"survey": survey}).document
    assert evaluate(document, {"r": [{"x": "a"}]}, {}).answers == {}


def test_what_was_typed_in_an_instance_comes_back_with_it(open_judge):
    survey = [
        ask("integer", "n"),
        {"type": "begin_repeat", "name": "r", "label": "r", "repeat_count": "${n}"},
        ask("text", "x"),
        {"type": "end_repeat"},
    ]
    document = compile_form({"survey": survey}).document
    typed = {"r": [{"x": "a"}, {"x": "b"}]}
    assert evaluate(document, {"n": "1", **typed}, {}).answers == {"n": "1", "r": [{"x": "a"}]}
    assert evaluate(document, {"n": "2", **typed}, {}).answers == {"n": "2", **typed}


def test_a_count_with_a_fraction_is_rounded_down(open_judge):
    survey = [
        ask("decimal", "n", default="2.5"),
        {"type": "begin_repeat", "name": "r", "label": "r", "repeat_count": "${n}"},
        ask("text", "x"),
        {"type": "end_repeat"},
        find("count(${r})"),
    ]
    form = compile_form({"survey": survey})
    assert evaluate(form.document, {"n": "2.5"}, {}).answers["found"] == "2"
    assert "Invalid array length" in open_judge(CHINA).load("fraction", form)


# --- texts ---


def test_or_other_speaks_the_languages_of_the_form(open_judge):
    rows = [
        {"type": "select_one town or_other", "name": "s", "label::中文 (zh)": "s", "label::English (en)": "s"}
    ]
    form = compile_form({"survey": rows, "choices": PLACES, "settings": {"default_language": "中文 (zh)"}})
    assert [row["label"] for row in form.document["choices"]["town"]][-1] == {"zh": "其他", "en": "Other"}
    assert form.document["nodes"][1]["label"] == {"zh": "请说明", "en": "Please specify"}
    assert "<value>其他</value>" not in form.xform


def test_a_text_without_a_translation_is_shown_in_the_forms_own_language(follow):
    rows = [
        {
            "type": "text",
            "name": "t",
            "label::中文 (zh)": "问",
            "label::English (en)": "Ask",
            "hint::中文 (zh)": "提示",
        }
    ]
    form = {"survey": rows, "settings": {"default_language": "中文 (zh)"}}
    assert follow(form, language="en") == []
    assert compile_form(form).document["nodes"][0]["hint"] == {"zh": "提示"}
    assert "<value>-</value>" in compile_form(form).xform
