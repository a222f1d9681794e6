"""The server's evaluator takes whatever comes: it names what is wrong, loses nothing, and never falls."""

from __future__ import annotations

import time
from copy import deepcopy

import pytest
from hypothesis import given, settings, strategies as st

from fieldapp.checklists.compiler.compile import compile_workbook
from fieldapp.checklists.rules import carried, evaluate, speaker
from fieldapp.core.codes import list_seed_codes
from tests.checklists.test_library import LIBRARY
from tests.checklists.vectors import compile_form, read

FORMS = read("forms.json")
EXPRESSIONS = read("expressions.json")
CONTEXT = FORMS["context"]
TYPES, RULES, PEOPLE, REPEATS = (FORMS["documents"][name] for name in ("types", "rules", "people", "repeats"))


def codes(verdict):
    return [(problem["path"], problem["code"]) for problem in verdict.problems]


def test_unknown_questions_are_named_and_left_out():
    verdict = evaluate(TYPES, {"t": "x", "extra": "y", "more": {"z": 1}}, CONTEXT)
    assert verdict.answers == {"t": "x"}
    assert codes(verdict) == [("extra", "unknown"), ("more", "unknown")]


def test_unknown_questions_in_groups_and_repeats_are_named_by_path():
    verdict = evaluate(PEOPLE, {"reached": "yes", "people": [{"elder": {"coal": "1"}}, {"x": "2"}]}, CONTEXT)
    assert ("people[1]/elder/coal", "unknown") in codes(verdict)
    assert ("people[2]/x", "unknown") in codes(verdict)


@pytest.mark.parametrize(
    "answers", [None, [], "text", 3, True, {"people": 5}, {"people": {"a": 1}}, {"reached": ["yes"]}]
)
def test_answers_of_the_wrong_shape_are_named_as_such(answers):
    before = deepcopy(answers)
    verdict = evaluate(PEOPLE, answers, CONTEXT)
    assert answers == before
    if answers is not None:
        assert "type" in [code for _path, code in codes(verdict)]


def test_numbers_are_taken_as_the_texts_they_mean():
    assert evaluate(TYPES, {"i": 3, "x": 1.50}, CONTEXT).answers == {"i": "3", "x": "1.5", "sum": "4.5"}


def test_group_and_repeat_items_of_the_wrong_shape_are_named_by_path():
    verdict = evaluate(PEOPLE, {"reached": "yes", "people": ["x", {"elder": 4}]}, CONTEXT)
    assert ("people[1]", "type") in codes(verdict)
    assert ("people[2]/elder", "type") in codes(verdict)


def test_more_instances_than_any_household_has_are_cut_and_said():
    verdict = evaluate(REPEATS, {"n": "0", "free": [{"z": "x"}] * 5000}, CONTEXT)
    assert ("free", "too_many") in codes(verdict)
    assert len(verdict.answers["free"]) == 200


def test_a_count_of_a_billion_costs_no_more_than_the_limit():
    started = time.monotonic()
    evaluate(REPEATS, {"n": "1000000000"}, CONTEXT)
    assert time.monotonic() - started < 2


def test_the_answers_that_came_are_never_changed():
    answers = {"has": "no", "g": {"n": "99"}, "shown": "forged", "odd": [1]}
    before = deepcopy(answers)
    evaluate(RULES, answers, CONTEXT)
    assert answers == before


def test_a_pattern_made_to_take_forever_takes_no_time():
    document = compile_form(
        {"survey": [{"type": "text", "name": "a", "label": "a", "constraint": "regex(., '^(a+)+$')"}]}
    ).document
    started = time.monotonic()
    verdict = evaluate(document, {"a": "a" * 50_000 + "!"}, CONTEXT)
    assert codes(verdict) == [("a", "constraint")]
    assert time.monotonic() - started < 1


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["reached", "people", "well", "elder", "gas", "n", "r", "s", "y", "x", "free", "t", "d"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(FORMS["documents"])), JSON, JSON)
def test_any_json_at_all_gets_a_verdict(name, answers, people):
    context = {**CONTEXT, "people": people if isinstance(people, list) else []}
    verdict = evaluate(FORMS["documents"][name], answers, context)
    again = evaluate(FORMS["documents"][name], verdict.answers, context)
    # A verdict's answers are an answer set like any other: judging them again changes nothing. But for `heads`: count()
    # counts the instances of a repeat nobody was asked, as ODK does, and those are not among the answers.
    assert {**again.answers, "heads": ""} == {**verdict.answers, "heads": ""}


def test_a_hundred_and_fifty_questions_are_judged_in_a_few_milliseconds():
    survey = [
        {
            "type": "integer",
            "name": f"q{n}",
            "label": "x",
            "relevant": f"${{q{n - 1}}} > 0" if n else None,
            "constraint": ". < 1000",
        }
        for n in range(150)
    ]
    document = compile_form({"survey": survey}).document
    answers = {f"q{n}": "5" for n in range(150)}
    best = min(_seconds(lambda: evaluate(document, answers, CONTEXT)) for _time in range(5))
    assert best < 0.05


def _seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


# --- carried answers, and texts at the desk ---


@pytest.fixture(scope="module")
def routine():
    return compile_workbook(
        (LIBRARY / "routine.xlsx").read_bytes(), list_seed_codes("followup_type")
    ).document


def test_only_carry_answers_are_carried_and_people_by_who_they_are(routine):
    answers = {
        "reached": "self",
        "home": {"food_days": "lt3"},
        "basics": {"utilities": "ok", "aid_on_time": "other", "aid_note": "10月"},
        "people": [{"condition": "ill", "elder": {"abuse": "none", "usual": {"chronic": "stable"}}}, {}],
    }
    assert carried(routine, answers, ["u-1", "u-2"]) == {
        "basics": {"utilities": "ok", "aid_on_time": "other"},
        "people": [{"person_uuid": "u-1", "elder": {"usual": {"chronic": "stable"}}}, {"person_uuid": "u-2"}],
    }


@pytest.mark.parametrize(
    "answers", [{}, {"people": 3}, {"people": [4]}, {"basics": "x"}, {"basics": {"utilities": 7}}]
)
def test_malformed_answers_carry_nothing(routine, answers):
    found = carried(routine, answers, ["u-1"])
    assert "basics" not in found
    assert found.get("people", []) in ([], [{"person_uuid": "u-1"}])


def test_labels_are_said_with_the_answers_they_name(routine):
    people = next(node for node in routine["nodes"] if node["name"] == "people")
    label = next(node for node in people["children"] if node["name"] == "condition")["label"]
    say = speaker(routine, {"reached": "self", "people": [{"name": "刘玉珍"}, {"name": "王海"}]}, "zh")
    assert say(label, "people[2]/condition") == "王海的情况有变化吗？"
    say = speaker(routine, {"reached": "self", "people": [{"name": "Wang"}]}, "en")
    assert say(label, "people[1]/condition") == "Has anything changed for Wang?"


# --- hostile answers and forms ---

REPEAT = {"kind": "repeat", "children": []}


def question(name: str, kind: str = "text", **more: object) -> dict[str, object]:
    return {"kind": "question", "name": name, "type": kind, **more}


def document_of(nodes: list[dict[str, object]], choices: dict[str, object] | None = None, **more: object):
    languages = {"languages": ["zh"], "default_language": "zh"}
    return {
        "key": "t",
        "version": "1",
        "nodes": nodes,
        "choices": choices or {},
        "order": [],
        **languages,
        **more,
    }


def test_two_hundred_in_each_of_two_hundred_are_bounded_and_said():
    inner = REPEAT | {
        "name": "s",
        "children": [question("w"), question("n", "calculate", calculate=["sum", ["ref", 0, "r/s/w"]])],
    }
    document = document_of([REPEAT | {"name": "r", "children": [inner]}])
    answers = {"r": [{"s": [{"w": "1"}] * 200}] * 200}
    started = time.monotonic()
    verdict = evaluate(document, answers, CONTEXT)
    assert time.monotonic() - started < 10
    assert ("r[1]/s", "too_many") in codes(verdict)
    assert len(verdict.answers["r"][0]["s"]) == 10
    assert verdict.answers["r"][0]["s"][0]["n"] == "2000"


def test_texts_that_double_themselves_are_cut():
    nodes = [question("a")]
    for n in range(40):
        before = ["ref", 0, f"c{n - 1}" if n else "a"]
        nodes.append(question(f"c{n}", "calculate", calculate=["concat", before, before]))
    verdict = evaluate(document_of(nodes), {"a": "困难" * 1000}, CONTEXT)
    assert len(verdict.answers["c39"]) == 100_000


def test_a_chain_of_two_thousand_calculations_in_the_wrong_order_is_no_deep_recursion():
    size = 2000
    names = [f"c{n}" for n in range(size)]
    reads = [*names[1:], "a"]
    nodes = [
        question(name, "calculate", calculate=["+", ["ref", 0, read], 1])
        for name, read in zip(names, reads, strict=True)
    ]
    document = document_of([*nodes, question("a")], order=list(reversed(names)))
    assert evaluate(document, {"a": "1"}, CONTEXT).answers["c0"] == "2001"


def test_a_cascade_over_ten_thousand_places_is_quick():
    places = [{"name": f"p{n}", "label": {"zh": str(n)}, "county": f"c{n % 100}"} for n in range(10_000)]
    nodes = [question("county")] + [
        question(
            f"place{n}",
            "select_one",
            list="places",
            choice_filter=[
                "and",
                ["=", ["col", "county"], ["ref", 0, "county"]],
                ["!=", ["col", "name"], "p8"],
            ],
        )
        for n in range(30)
    ]
    answers = {"county": "c8"} | {f"place{n}": f"p{n}08" for n in range(1, 30)} | {"place0": "p8"}
    document = document_of(nodes, {"places": places})
    started = time.monotonic()
    verdict = evaluate(document, answers, CONTEXT)
    assert time.monotonic() - started < 3
    assert "place0" not in verdict.answers
    assert verdict.answers["place7"] == "p708"
    assert not verdict.problems


@pytest.mark.parametrize("expression", EXPRESSIONS["cases"], ids=lambda case: case["expression"][:40])
def test_no_answer_makes_an_expression_fall(expression):
    document = deepcopy(EXPRESSIONS["document"])
    nodes = document["nodes"]
    if expression.get("at"):
        nodes = next(node for node in nodes if node["name"] == expression["at"])["children"]
    nodes.append(question("result", "calculate", calculate=expression["tree"]))
    for odd in ("\ud800", "9" * 400, "-" * 5, "2026-11-23T99", "1e999", "\x00", "a" * 20_000, "0 0;" * 50):
        answers = dict.fromkeys("abnxdescpkz", odd) | {"r": [{"v": odd, "w": odd, "at": odd}] * 2}
        evaluate(document, answers, CONTEXT | {"now": odd, "today": odd, "people": odd, "household": odd})
