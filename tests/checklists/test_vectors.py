"""The server's evaluator answers the shared vectors as they say; tests/js/checklist asks the phone's the same."""

from __future__ import annotations

from copy import deepcopy

import pytest

from fieldapp.checklists.rules import evaluate
from tests.checklists.vectors import compile_expressions, compile_form, read

EXPRESSIONS = read("expressions.json")
FORMS = read("forms.json")


@pytest.mark.parametrize("case", EXPRESSIONS["cases"], ids=lambda case: case["expression"][:60])
def test_expression_has_the_value_the_vector_says(case):
    document = deepcopy(EXPRESSIONS["document"])
    nodes = document["nodes"]
    if case.get("at") == "r":
        nodes = next(node for node in nodes if node["name"] == "r")["children"]
    nodes.append({"kind": "question", "name": "result", "type": "calculate", "calculate": case["tree"]})
    context = EXPRESSIONS["context"] | case.get("context", {})
    answers = evaluate(document, case.get("given", {}), context).answers
    if case.get("at") == "r":
        assert [instance.get("result", "") for instance in answers["r"]] == case["is"]
    else:
        assert answers.get("result", "") == case["is"]


def test_trees_of_the_vectors_are_what_the_compiler_makes():
    document, trees = compile_expressions(EXPRESSIONS)
    assert document == EXPRESSIONS["document"]
    assert trees == [case["tree"] for case in EXPRESSIONS["cases"]]


@pytest.mark.parametrize("name", FORMS["forms"])
def test_documents_of_the_vectors_are_what_the_compiler_makes(name):
    assert compile_form(FORMS["forms"][name]).document == FORMS["documents"][name]


@pytest.mark.parametrize("case", FORMS["cases"], ids=lambda case: case["name"])
def test_form_has_the_verdict_the_vector_says(case):
    context = FORMS["context"] | case.get("context", {})
    verdict = evaluate(FORMS["documents"][case["form"]], case["given"], context)
    assert verdict.answers == case["answers"]
    assert verdict.problems == case.get("problems", [])
    assert verdict.flags == case.get("flags", [])
