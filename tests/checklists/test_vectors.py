"""The server's evaluator answers the shared vectors as they say; tests/js/checklist asks the phone's the same."""

from __future__ import annotations

import json
import re
import subprocess
from copy import deepcopy
from pathlib import Path

import pytest

from fieldapp.checklists import functions
from fieldapp.checklists.compiler import expressions
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


# --- every function there is ---

OFFERED = sorted({*expressions.FUNCTIONS, *expressions.PLACE_FUNCTIONS})
OPERATORS = ["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "neg"]
# Those that look at the form or decide what is computed are in the evaluators themselves.
IN_THE_EVALUATORS = {"if", "now", "once", "today"}
STATIC = Path(__file__).parents[2] / "static" / "src" / "checklist"


@pytest.mark.parametrize("name", OFFERED)
def test_a_function_authors_may_use_has_at_least_three_vectors(name):
    called = re.compile(rf"(?<![\w:-]){re.escape(name)}\s*\(")
    found = [case for case in EXPRESSIONS["cases"] if called.search(case["expression"])]
    assert len(found) >= (1 if name in {"true", "false", "pi"} else 3)


def test_every_function_and_operator_is_in_both_evaluators():
    wanted = {*expressions.FUNCTIONS, *OPERATORS} - IN_THE_EVALUATORS
    assert set(functions.FUNCTIONS) == wanted
    script = f"import {{ FUNCTIONS }} from '{STATIC / 'functions.js'}'; console.log(JSON.stringify(Object.keys(FUNCTIONS)))"
    node = ["node", "--input-type=module", "--eval", script]
    out = subprocess.run(node, capture_output=True, text=True, check=True, timeout=60)
    assert set(json.loads(out.stdout)) == wanted


def test_there_are_vectors_enough():
    assert len(EXPRESSIONS["cases"]) + len(FORMS["cases"]) >= 400
