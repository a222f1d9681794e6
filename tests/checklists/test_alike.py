"""The server's evaluator and the phone's reach the same verdict on random answers and random expressions."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fieldapp.checklists.expressions import FUNCTIONS, MANY
from fieldapp.checklists.rules import evaluate
from tests.checklists.test_library import NAMES, compiled
from tests.checklists.vectors import read

JUDGE = Path(__file__).with_name("judge.mjs")
CONTEXT = read("forms.json")["context"]
# What people type, what breaks parsers, and what lies at the edges of numbers and dates.
WORDS = [
    "",
    " ",
    "a",
    "a b",
    "0",
    "-1",
    "7",
    "007",
    "3.5",
    ".5",
    "-",
    "1e3",
    "0x1f",
    "12345678901234567890",
    "yes",
    "no",
]
WORDS += [
    "2026-11-23",
    "2024-02-29",
    "2023-02-29",
    "2026-11-23T10:00:00",
    "困难群众",
    "😀",
    "a😀b",
    "\u3000x",
    "1 2",
    "none ok",
]
WORDS += [
    "45.1 126.5",
    "91 0",
    "a" * 64,
    "OK",
    "true",
    "NaN",
    "Infinity",
    "-0",
    "9" * 20,
    "\u00a0",
    "x\ny",
    "ＡＢ",
]
NUMBERS = [
    0,
    1,
    -1,
    2,
    3,
    7,
    10,
    0.1,
    0.5,
    -2.5,
    2.5,
    1e-7,
    123456789,
    1e21,
    20780,
    -1.005,
    1.005,
    365.25,
    100000,
]
PATTERNS = ["^a", "[0-9]+$", "^[^\\n]$", "^(?:a|b)+$", "[一-鿿]"]
FORMATS = ["%Y-%m-%d", "%e.%n.%y %a %b", "%H:%M %3", "%", "%%Y", "年%Y"]


def phone_verdicts(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out = subprocess.run(
        ["node", str(JUDGE)],
        input="\n".join(json.dumps(line) for line in lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [json.loads(line) for line in out.stdout.splitlines()]


def server_verdict(document: dict[str, Any], case: dict[str, Any]) -> dict[str, Any]:
    verdict = evaluate(document, case["answers"], case["context"])
    return {"answers": verdict.answers, "problems": verdict.problems, "flags": verdict.flags}


# --- random answers ---


def some_answer(draw: random.Random, document: dict[str, Any], node: dict[str, Any]) -> str:
    if "list" in node and draw.random() < 0.9:
        names = [choice["name"] for choice in document["choices"][node["list"]]]
        many = draw.randint(1, len(names)) if node["type"] == "select_multiple" else 1
        return " ".join(draw.sample(names, many))
    if node["type"] == "integer" and draw.random() < 0.7:
        return str(draw.randint(-1, 12))
    return draw.choice(WORDS)


def some_answers(
    draw: random.Random, document: dict[str, Any], nodes: list[dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in nodes:
        if draw.random() < 0.15:
            continue
        if node["kind"] == "question":
            if "calculate" not in node and (node["type"] != "hidden" or draw.random() < 0.2):
                found[node["name"]] = some_answer(draw, document, node)
        elif node["kind"] == "group":
            found[node["name"]] = some_answers(draw, document, node["children"])
        else:
            found[node["name"]] = [
                some_answers(draw, document, node["children"]) for _n in range(draw.randint(0, 3))
            ]
    return found


@pytest.mark.parametrize("name", [*NAMES, *read("forms.json")["documents"]])
def test_random_answers_get_the_same_verdict(name):
    document = compiled(name).document if name in NAMES else read("forms.json")["documents"][name]
    draw = random.Random(name)
    cases = []
    for _n in range(150):
        tags = ["living_alone", "disabled", "empty_nest"]
        people = [
            {"name": "甲", "tags": draw.sample(tags, draw.randint(0, 3))} for _n in range(draw.randint(0, 3))
        ]
        answers = {"noted": "", **some_answers(draw, document, document["nodes"])}
        if any(node["name"] == "people" for node in document["nodes"]):
            # An empty person is one just added to a draft: the phone gives it defaults, the server none.
            answers["people"] = [
                {**person, "noted": ""} for person in [*answers.get("people", []), {}, {}, {}]
            ]
        cases.append(
            {
                "answers": answers,
                "context": {**CONTEXT, "language": draw.choice(["zh", "en"]), "people": people},
            }
        )
    theirs = phone_verdicts([{"document": document}, *cases])
    for case, verdict in zip(cases, theirs, strict=True):
        mine = server_verdict(document, case)
        # Names of questions that are gone are said by the server only; a phone never makes them.
        mine["problems"] = [problem for problem in mine["problems"] if problem["code"] != "unknown"]
        assert mine == verdict, json.dumps(case["answers"], ensure_ascii=False)


# --- random expressions ---


def some_tree(draw: random.Random, depth: int) -> Any:
    kind = draw.random()
    if depth == 0 or kind < 0.2:
        return draw.choice(
            [draw.choice(WORDS), draw.choice(NUMBERS), ["ref", 0, draw.choice("abnd")], ["ref", 0, "r/v"]]
        )
    if kind < 0.5:
        operator = draw.choice(["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "and", "or"])
        return [operator, some_tree(draw, depth - 1), some_tree(draw, depth - 1)]
    if kind < 0.55:
        return ["neg", some_tree(draw, depth - 1)]
    # What differs each time has no value to compare, and powers differ in the last place.
    name = draw.choice(sorted(set(FUNCTIONS) - {"once", "pow", "random", "uuid"}))
    fewest, most = FUNCTIONS[name]
    arguments = [
        some_tree(draw, depth - 1) for _n in range(draw.randint(max(fewest, 1) if most else 0, min(most, 3)))
    ]
    if name == "regex":
        arguments[1] = draw.choice(PATTERNS)
    if name in {"format-date", "format-date-time"}:
        arguments[1] = draw.choice(FORMATS)
    if name in {"count", "count-non-empty", "sum"}:
        arguments = [["ref", 0, draw.choice(["r/v", "r/w", "a"])]]
    assert len(arguments) <= MANY
    return [name, *arguments]


@pytest.mark.parametrize("seed", range(4))
def test_random_expressions_have_the_same_value(seed):
    draw = random.Random(seed)
    document = read("expressions.json")["document"]
    trees = [some_tree(draw, 3) for _n in range(1500)]
    document["nodes"] += [
        {"kind": "question", "name": f"result_{n}", "type": "calculate", "calculate": tree}
        for n, tree in enumerate(trees)
    ]
    cases = []
    for _n in range(6):
        answers: dict[str, Any] = {name: draw.choice(WORDS) for name in "abnd"}
        answers["r"] = [
            {"v": draw.choice(WORDS), "w": draw.choice(WORDS)} for _n in range(draw.randint(0, 3))
        ]
        cases.append({"answers": answers, "context": CONTEXT})
    theirs = phone_verdicts([{"document": document}, *cases])
    for case, verdict in zip(cases, theirs, strict=True):
        mine = server_verdict(document, case)
        for n, tree in enumerate(trees):
            pair = [side["answers"].get(f"result_{n}") for side in (mine, verdict)]
            assert pair[0] == pair[1], (json.dumps(tree, ensure_ascii=False), case["answers"])
        assert mine == verdict
