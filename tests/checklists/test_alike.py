"""The server's evaluator and the phone's reach the same verdict on random answers and random expressions."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fieldapp.checklists.compiler.compile import compile_workbook
from fieldapp.checklists.compiler.expressions import FUNCTIONS, MANY
from fieldapp.checklists.compiler.problems import ChecklistRefused
from fieldapp.checklists.rules import evaluate
from tests.checklists.test_library import NAMES, compiled
from tests.checklists.test_workbook import REAL_FORMS
from tests.checklists.vectors import FOLLOWUP_TYPES, read

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
WORDS += ["09:30", "24:00", "10:00:00.000+08:00", "2026-11-23T09:30", "2026-1-5", "0 0;0 1", "45 126 0 5"]
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
        many = draw.randint(1, len(names)) if node["type"] in {"select_multiple", "rank"} else 1
        if node["type"] == "rank" and draw.random() < 0.5:
            many = len(names)
        return " ".join(draw.sample(names, many))
    if node["type"] in {"integer", "range"} and draw.random() < 0.7:
        return str(draw.randint(-1, 12))
    return draw.choice(WORDS)


def some_answers(
    draw: random.Random, document: dict[str, Any], nodes: list[dict[str, Any]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in nodes:
        # What differs each time it is computed is always sent.
        if draw.random() < 0.15 and not node.get("kept"):
            continue
        if node["kind"] == "question":
            if node.get("kept") or (
                "calculate" not in node and (node["type"] != "hidden" or draw.random() < 0.2)
            ):
                found[node["name"]] = some_answer(draw, document, node)
        elif node["kind"] == "group":
            found[node["name"]] = some_answers(draw, document, node["children"])
        else:
            found[node["name"]] = [
                some_answers(draw, document, node["children"]) for _n in range(draw.randint(0, 3))
            ]
    return found


def document_called(name: str) -> dict[str, Any]:
    if name.endswith(".xlsx"):
        try:
            return compile_workbook((REAL_FORMS / name).read_bytes(), FOLLOWUP_TYPES).document
        except ChecklistRefused:
            pytest.skip("this form is refused")
    return compiled(name).document if name in NAMES else read("forms.json")["documents"][name]


REAL_NAMES = sorted(path.name for path in REAL_FORMS.glob("*.xlsx"))


@pytest.mark.parametrize("name", [*NAMES, *read("forms.json")["documents"], *REAL_NAMES])
def test_random_answers_get_the_same_verdict(name):
    document = document_called(name)
    draw = random.Random(name)
    cases = []
    for _n in range(20 if name in REAL_NAMES else 150):
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
        # Names of questions that are gone, and more instances than fit, are said by the server only.
        mine["problems"] = [
            problem for problem in mine["problems"] if problem["code"] not in {"unknown", "too_many"}
        ]
        assert mine == verdict, json.dumps(case["answers"], ensure_ascii=False)


# --- random expressions ---


LEAVES: dict[str, list[Any]] = {
    "root": [["ref", 0, name] for name in "abnd"] + [["ref", 0, "r/v"], ["ref", 0, "r/q/u"]],
    "r": [["ref", 0, "a"], ["ref", 0, "r/w"], ["ref", 1, "r/v"], ["ref", 1, "r/q/u"], ["position", 0]],
    "candidate": [
        ["index"],
        ["size"],
        ["ref", 0, "n"],
        ["candidate", ["position", 0]],
        ["candidate", ["ref", 1, "r/v"]],
        ["candidate", ["ref", 1, "r/w"]],
        ["candidate", ["ref", 1, "r/q/u"]],
    ],
    "choice": [["col", "name"], ["col", "county"], ["col", "label"], ["index"], ["size"], ["ref", 0, "a"]],
}


def some_picked(draw: random.Random, depth: int, place: str) -> Any:
    """Answers picked by predicates, or rows of a choice list."""
    match draw.randrange(5):
        case 0:
            column = draw.choice(["name", "county", "label"])
            return ["item", "town", column, some_tree(draw, depth, "choice")]
        case 1:
            sought = some_tree(draw, depth, place)
            return ["item", "town", "name", ["=", ["col", "county"], sought]]
        case 2:
            return ["ref", 0, draw.choice(["r/v", "r/w"]), [some_tree(draw, depth, place)]]
        case 3:
            inner = draw.choice([None, ["where", some_tree(draw, depth, "candidate")]])
            return ["ref", 0, "r/q/u", [["where", some_tree(draw, depth, "candidate")], inner]]
    conditions = [some_tree(draw, depth, "candidate") for _n in range(draw.randint(1, 2))]
    return ["ref", 0, draw.choice(["r/v", "r/w"]), [["where", *conditions]]]


def some_tree(draw: random.Random, depth: int, place: str = "root") -> Any:
    kind = draw.random()
    if depth == 0 or kind < 0.2:
        return draw.choice([draw.choice(WORDS), draw.choice(NUMBERS), draw.choice(LEAVES[place])])
    if kind < 0.3 and place in {"root", "r"}:
        return some_picked(draw, depth - 1, place)
    if kind < 0.5:
        operator = draw.choice(["=", "!=", "<", "<=", ">", ">=", "+", "-", "*", "div", "mod", "and", "or"])
        return [operator, some_tree(draw, depth - 1, place), some_tree(draw, depth - 1, place)]
    if kind < 0.55:
        return ["neg", some_tree(draw, depth - 1, place)]
    # What differs each time has no value to compare, and powers differ in the last place.
    name = draw.choice(sorted(set(FUNCTIONS) - {"once", "pow", "random", "uuid"}))
    fewest, most = FUNCTIONS[name]
    arguments = [
        some_tree(draw, depth - 1, place)
        for _n in range(
            draw.randint(max(fewest, 1) if most else 0, min(most, 6 if name == "add-date" else 3))
        )
    ]
    if name == "regex":
        arguments[1] = draw.choice(PATTERNS)
    if name in {"format-date", "format-date-time"}:
        arguments[1] = draw.choice(FORMATS)
    if name in {"count", "count-non-empty", "sum"} and draw.random() < 0.8:
        arguments = [["ref", 0, draw.choice(["r/v", "r/w", "a"])]]
    assert len(arguments) <= MANY
    return [name, *arguments]


@pytest.mark.parametrize("seed", range(4))
def test_random_expressions_have_the_same_value(seed):
    draw = random.Random(seed)
    document = read("expressions.json")["document"]
    trees = [some_tree(draw, 3, "r" if n % 3 == 0 else "root") for n in range(1200)]
    inside = next(node for node in document["nodes"] if node["name"] == "r")["children"]
    for n, tree in enumerate(trees):
        result = {"kind": "question", "name": f"result_{n}", "type": "calculate", "calculate": tree}
        (inside if n % 3 == 0 else document["nodes"]).append(result)
    cases = []
    for _n in range(6):
        answers: dict[str, Any] = {name: draw.choice(WORDS) for name in "abnd"}
        answers["r"] = [
            {
                "v": draw.choice([draw.choice(WORDS), str(draw.randint(1, 3))]),
                "w": draw.choice(WORDS),
                "q": [{"u": str(draw.randint(1, 9))} for _n in range(draw.randint(0, 2))],
            }
            for _n in range(draw.randint(0, 3))
        ]
        cases.append({"answers": answers, "context": CONTEXT})
    theirs = phone_verdicts([{"document": document}, *cases])
    for case, verdict in zip(cases, theirs, strict=True):
        mine = server_verdict(document, case)
        for n, tree in enumerate(trees):
            pair = [
                [part.get(f"result_{n}") for part in [side["answers"], *side["answers"].get("r", [])]]
                for side in (mine, verdict)
            ]
            assert pair[0] == pair[1], (json.dumps(tree, ensure_ascii=False), case["answers"])
        assert mine == verdict
