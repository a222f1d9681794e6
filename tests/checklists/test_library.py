"""The shipped workbooks: complete in both languages, safe, and quick when nothing changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fieldapp.checklists
from fieldapp.checklists.compiler import compile_workbook
from fieldapp.checklists.rules import UNASKED, evaluate
from fieldapp.core.codes import list_seed_codes

LIBRARY = Path(fieldapp.checklists.__file__).parent / "library"
NAMES = ["elderly_alone", "followup_result", "routine"]
VISITS = ["elderly_alone", "routine"]
CONTEXT = {
    "today": "2026-11-23",
    "language": "zh",
    "household": {"phone": "13800001234", "address": "幸福村2组"},
    "people": [{"name": "刘玉珍", "tags": ["living_alone"]}],
}
CALM: dict[str, Any] = {
    "reached": "reached",
    "home": {
        "who_answered": "self",
        "food_days": "ten_plus",
        "medicine": "enough",
        "heating": "ok",
        "urgent": "none",
    },
    "basics": {"registry": "same", "utilities": "ok", "aid_on_time": "on_time"},
    "people": [
        {
            "condition": "no_change",
            "elder": {
                "abuse": "none",
                "usual": {
                    "chronic": "stable",
                    "selfcare": "none",
                    "mood": "ok",
                    "gas": "safe",
                    "hygiene": "good",
                    "children_contact": "week",
                    "emergency": "reachable",
                },
            },
        }
    ],
}


def compiled(name):
    return compile_workbook((LIBRARY / f"{name}.xlsx").read_bytes(), list_seed_codes("followup_type"))


@pytest.fixture(scope="module")
def documents():
    return {name: compiled(name).document for name in NAMES}


def questions(nodes, path=""):
    for node in nodes:
        here = f"{path}/{node['name']}".lstrip("/")
        if node["kind"] == "question":
            yield here, node
        yield from questions(node.get("children", []), here)


def calm_answers(name):
    answers = {**CALM}
    if name == "routine":
        answers["people"] = [{"condition": "no_change"}]
    return answers


def test_the_library_holds_what_is_tested_here():
    assert sorted(path.stem for path in LIBRARY.glob("*.xlsx")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_workbook_compiles_without_a_notice_and_carries_its_own_name(name):
    found = compiled(name)
    assert found.notices == []
    assert found.document["key"] == name
    assert found.document["languages"] == ["zh", "en"]


@pytest.mark.parametrize("name", NAMES)
def test_every_text_is_there_in_both_languages(name, documents):
    document = documents[name]
    assert set(document["title"]) == {"zh", "en"}
    for path, node in questions(document["nodes"]):
        for column in ("label", "hint", "constraint_message", "flag_text"):
            if column in node:
                assert set(node[column]) == {"zh", "en"}, (path, column)
        assert "label" in node or node["type"] in UNASKED, path
        if "constraint" in node:
            assert "constraint_message" in node, path
    for choices in document["choices"].values():
        for choice in choices:
            assert set(choice["label"]) == {"zh", "en"}
            assert ("flag" in choice) == ("flag_text" in choice), choice["name"]
            if "flag_text" in choice:
                assert set(choice["flag_text"]) == {"zh", "en"}


@pytest.mark.parametrize("name", NAMES)
def test_chinese_texts_use_chinese_punctuation(name, documents):
    document = documents[name]
    texts = [
        node[column]["zh"]
        for _path, node in questions(document["nodes"])
        for column in ("label", "hint")
        if column in node
    ]
    texts += [choice["label"]["zh"] for choices in document["choices"].values() for choice in choices]
    for text in texts:
        written = "".join(part for part in text if isinstance(part, str)) if isinstance(text, list) else text
        assert not set(written) & set("?,;!()"), written


@pytest.mark.parametrize("name", VISITS)
def test_safety_questions_are_asked_afresh(name, documents):
    by_path = dict(questions(documents[name]["nodes"]))
    for path in (
        "reached",
        "home/who_answered",
        "home/food_days",
        "home/medicine",
        "home/heating",
        "home/urgent",
    ):
        assert by_path[path]["safety"] is True, path
        assert not {"carry", "default", "prefill"} & set(by_path[path]), path


def test_fraud_and_abuse_are_asked_afresh(documents):
    assert dict(questions(documents["elderly_alone"]["nodes"]))["people/elder/abuse"]["safety"] is True


@pytest.mark.parametrize("name", VISITS)
def test_the_outcome_is_the_first_question(name, documents):
    first = next(node for _path, node in questions(documents[name]["nodes"]) if node["type"] != "hidden")
    assert first["name"] == "reached"
    assert [choice["name"] for choice in documents[name]["choices"]["reached"]] == [
        "reached",
        "not_reached",
        "refused",
    ]


@pytest.mark.parametrize("name", VISITS)
@pytest.mark.parametrize("outcome", ["not_reached", "refused"])
def test_not_reached_is_enough(name, outcome, documents):
    verdict = evaluate(documents[name], {**calm_answers(name), "reached": outcome}, CONTEXT)
    assert verdict.problems == []
    assert set(verdict.answers) == {"hh_phone", "hh_address", "reached"}


@pytest.mark.parametrize("name", VISITS)
def test_a_calm_visit_is_complete_and_flags_nothing(name, documents):
    verdict = evaluate(documents[name], calm_answers(name), CONTEXT)
    assert verdict.problems == []
    assert verdict.flags == []


@pytest.mark.parametrize(("name", "most"), [("routine", 7), ("elderly_alone", 9)])
def test_a_household_of_one_with_nothing_changed_takes_few_taps(name, most, documents):
    """A tap for each question to be answered, and one "same as last time" for each group with carry questions."""
    document = documents[name]
    verdict = evaluate(
        document,
        {"reached": "reached", "people": [{"condition": "no_change"}], "basics": {"registry": "same"}},
        CONTEXT,
    )
    by_path = dict(questions(document["nodes"]))
    open_paths = ["reached", *(problem["path"].replace("[1]", "") for problem in verdict.problems)]
    defaults = [path for path, node in by_path.items() if "default" in node]
    assert set(defaults) == {"basics/registry", "people/condition"}
    asked = [path for path in open_paths if not by_path[path].get("carry")]
    groups = {path.rpartition("/")[0] for path in open_paths if by_path[path].get("carry")}
    assert len(asked) + len(groups) <= most


def test_photos_are_asked_only_where_something_is_wrong_and_never_required(documents):
    for name in VISITS:
        document = documents[name]
        for path, node in questions(document["nodes"]):
            if node["type"] in {"image", "geopoint"}:
                assert "required" not in node, path
        calm = evaluate(document, {**calm_answers(name), "photo": "a" * 64}, CONTEXT)
        assert "photo" not in calm.answers
        answers = {**calm_answers(name), "photo": "a" * 64}
        answers["home"] = {**answers["home"], "heating": "low"}
        assert "photo" in evaluate(document, answers, CONTEXT).answers


def test_heating_is_asked_in_the_cold_months_only(documents):
    for month, asked in (
        ("2026-10-15", True),
        ("2027-04-30", True),
        ("2026-05-01", False),
        ("2026-09-30", False),
    ):
        verdict = evaluate(documents["routine"], calm_answers("routine"), {**CONTEXT, "today": month})
        assert ("heating" in verdict.answers["home"]) is asked, month


FLAGS = [
    ({"home": {"food_days": "lt3"}}, "red", "temporary_relief"),
    ({"home": {"medicine": "out"}}, "orange", "medical"),
    ({"home": {"heating": "none"}}, "red", "heating"),
    ({"home": {"heating": "low"}}, "orange", "heating"),
    ({"home": {"urgent": "no_care"}}, "red", "temporary_care"),
    ({"basics": {"aid_on_time": "missing"}}, "orange", "data_correction"),
    ({"elder": {"abuse": "fraud"}}, "red", "legal_aid"),
    ({"usual": {"gas": "co"}}, "orange", "service"),
    ({"usual": {"hygiene": "danger"}}, "red", "housing"),
    ({"usual": {"selfcare": "bathe"}}, "orange", "home_adaptation"),
    ({"usual": {"selfcare": "eat dress toilet"}}, "orange", "home_adaptation"),
    ({"usual": {"selfcare": "eat dress toilet walk"}}, "red", "temporary_care"),
    ({"usual": {"chronic": "untreated"}}, "orange", "medical"),
]


@pytest.mark.parametrize(("changed", "severity", "followup"), FLAGS)
def test_one_bad_answer_raises_its_flag_and_names_its_followup(changed, severity, followup, documents):
    elder = {**CALM["people"][0]["elder"], **changed.get("elder", {})}
    elder["usual"] = {**elder["usual"], **changed.get("usual", {})}
    answers = {
        **CALM,
        "home": {**CALM["home"], **changed.get("home", {})},
        "basics": {**CALM["basics"], **changed.get("basics", {})},
        "people": [{**CALM["people"][0], "elder": elder}],
    }
    verdict = evaluate(documents["elderly_alone"], answers, CONTEXT)
    assert [(flag["severity"], flag["followup"]) for flag in verdict.flags] == [(severity, followup)]
    assert verdict.problems == []


def test_the_elderly_part_is_asked_of_those_it_is_for(documents):
    people = [
        {"name": "甲", "tags": tags}
        for tags in (["living_alone"], ["lonely_elder"], ["empty_nest"], ["disabled"], [])
    ]
    verdict = evaluate(documents["elderly_alone"], {"reached": "reached"}, {**CONTEXT, "people": people})
    asked = {problem["path"].partition("/")[0] for problem in verdict.problems if "elder" in problem["path"]}
    assert asked == {"people[1]", "people[2]", "people[3]"}


def test_nothing_cannot_be_chosen_with_something(documents):
    answers = {**CALM, "home": {**CALM["home"], "urgent": "none illness"}}
    problem = evaluate(documents["elderly_alone"], answers, CONTEXT).problems[0]
    assert (problem["path"], problem["code"]) == ("home/urgent", "constraint")
    assert problem["message"] == "选了没有，就不要再选别的"


def test_a_followup_that_solved_it_is_short_and_one_that_did_not_says_what_is_missing(documents):
    document = documents["followup_result"]
    solved = {
        "done": "delivered",
        "given": {"aid_kind": "cash", "aid_amount_yuan": "500"},
        "outcome": {"result": "solved"},
    }
    assert evaluate(document, solved, CONTEXT).problems == []
    open_ = {
        "done": "visited",
        "given": {"aid_kind": "none"},
        "outcome": {"result": "partly", "next_step": "again", "next_on": "2026-11-01"},
    }
    found = [(problem["path"], problem["code"]) for problem in evaluate(document, open_, CONTEXT).problems]
    assert found == [("outcome/open_points", "required"), ("outcome/next_on", "constraint")]
