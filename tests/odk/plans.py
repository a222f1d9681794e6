"""What a random person might do with a form: fill it in, look, change their mind.

Invariant: the same form gives the same plans on every machine.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from fieldapp.checklists.rules import PEOPLE, UNASKED

Document = dict[str, Any]
Node = dict[str, Any]
Plan = dict[str, Any]
Drawn = TypeVar("Drawn")

TODAY = dt.date(2026, 11, 23)
TEXTS = [
    "a",
    "b",
    "yes",
    "no",
    "0",
    "1",
    "困难群众",
    "a b",
    " x",
    "A1",
    "13800001234",
    "2026-11-01",
    "<&>",
    "-5",
]
# What no type below takes; ODK's engine leaves it out.
WRONG = {
    "integer": ["abc", "1,5", "２"],
    "decimal": ["abc", "1,5"],
    "date": ["2026-13-45", "yesterday", "2023-02-29"],
    "time": ["25:00", "noon"],
    "dateTime": ["2026-11-23 10h", "now"],
    "geopoint": ["here", "45.1"],
    "range": ["100000", "abc"],
    "select_one": ["not_there"],
    "select_multiple": ["not_there"],
}


def draw(strategy: SearchStrategy[Drawn], count: int) -> list[Drawn]:
    """`count` random examples, the same every time."""
    examples: list[Drawn] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Drawn) -> None:
        examples.append(example)

    collect()
    return examples


def some_plans(document: Document, count: int, offset: str) -> list[Plan]:
    """`count` plans for a form; times are given in the zone of `offset`, as in +08:00."""
    return draw(_plan(document, offset), count)


def _plan(document: Document, offset: str) -> SearchStrategy[Plan]:
    asked, repeats = [], []
    counting = {path for _path, node in _walk(document["nodes"], "") for path in _words(node.get("count"))}
    for path, node in _walk(document["nodes"], ""):
        if node["kind"] == "question" and node["type"] not in UNASKED and "calculate" not in node:
            asked.append((path, node, _value(document, node, offset)))
            if path in counting and node["type"] == "integer":
                # Enough to see instances come and go.
                asked[-1] = (path, node, st.integers(-1, 5).map(str))
        if node["kind"] == "repeat" and "count" not in node and path != PEOPLE:
            repeats.append(path)
    # What ours keeps and ODK's leaves out is a change to one of them only.
    triggers = {
        path
        for _path, node in _walk(document["nodes"], "")
        for path in node.get("set_on", {}).get("questions", [])
    }
    languages = st.sampled_from(document["languages"])
    switches = len(document["languages"]) > 1 and not _looks_up_labels(document["nodes"])
    picks = st.lists(st.integers(0, 3), min_size=3, max_size=3)

    @st.composite
    def step(draw: DrawFn) -> dict[str, Any]:
        kind = draw(st.integers(0, 19))
        if kind < 3 and repeats:
            path = draw(st.sampled_from(repeats))
            return {"do": draw(st.sampled_from(["add", "add", "remove"])), "path": path, "picks": draw(picks)}
        if kind == 3 and switches:
            return {"do": "language", "language": draw(languages)}
        path, node, value = draw(st.sampled_from(asked))
        if kind == 4 and node["type"] in WRONG and path not in triggers:
            wrong = draw(st.sampled_from(WRONG[node["type"]]))
            return {"do": "wrong", "path": path, "picks": draw(picks), "value": wrong}
        given_value = "" if kind in (5, 6) else draw(value)
        return {"do": "set", "path": path, "picks": draw(picks), "value": given_value}

    @st.composite
    def plan(draw: DrawFn) -> Plan:
        chance = draw(st.sampled_from([0, 4, 8, 10]))
        steps: list[dict[str, Any]] = []
        for path in repeats:
            for _n in range(draw(st.integers(0, 2)) if chance else 0):
                steps.append({"do": "add", "path": path, "picks": draw(picks), "quiet": True})
        order = asked if draw(st.integers(0, 4)) else asked[::-1]
        for path, _node, value in order if chance else []:
            if draw(st.integers(1, 10)) <= chance:
                steps.append(
                    {"do": "set", "path": path, "picks": draw(picks), "value": draw(value), "quiet": True}
                )
        steps.append({"do": "look"})
        steps += draw(st.lists(step(), min_size=2, max_size=8))
        return {"language": draw(languages), "people": draw(st.integers(0, 2)), "steps": steps}

    return plan()


def _walk(nodes: list[Node], outer: str) -> Iterator[tuple[str, Node]]:
    for node in nodes:
        path = f"{outer}/{node['name']}" if outer else node["name"]
        yield path, node
        yield from _walk(node.get("children", []), path)


def _looks_up_labels(tree: Any) -> bool:
    """Whether labels are values somewhere: in ODK's engine those stay in the language of their first moment."""
    if isinstance(tree, dict):
        return any(map(_looks_up_labels, tree.values()))
    if isinstance(tree, list):
        return (tree[:1] == ["item"] and "label" in tree) or any(map(_looks_up_labels, tree))
    return False


def _value(document: Document, node: Node, offset: str) -> SearchStrategy[str]:
    """Answers a screen would let through, in the form ODK's engine writes them."""
    if "list" in node:
        names = list(dict.fromkeys(choice["name"] for choice in document["choices"][node["list"]]))
        if node["type"] == "rank":
            return st.permutations(names).map(" ".join)
        if node["type"] == "select_multiple":
            return st.sets(st.sampled_from(names), max_size=4).map(
                lambda chosen: " ".join(name for name in names if name in chosen)
            )
        return st.sampled_from(names)
    words = [word for word in _words(document["nodes"]) if word.isprintable()]
    numbers = [int(word) for word in words if re.fullmatch(r"-?\d{1,6}", word)]
    near = [number + add for number in numbers for add in (-1, 0, 1)] or [0]
    match node["type"]:
        case "integer":
            return st.one_of(st.integers(-2, 130), st.sampled_from(near)).map(str)
        case "decimal":
            tenths = st.one_of(st.integers(-20, 1300), st.sampled_from(near).map(lambda number: number * 10))
            return st.one_of(
                tenths.map(lambda n: f"{n / 10}"), st.integers(-999, 9999).map(lambda n: f"{n / 1000}")
            )
        case "date":
            return st.one_of(
                st.dates(dt.date(1920, 1, 1), dt.date(2040, 12, 31)),
                st.integers(-40, 40).map(lambda days: TODAY + dt.timedelta(days)),
            ).map(str)
        case "time":
            return st.times().map(lambda time: f"{time:%H:%M:%S}.{time.microsecond // 1000:03}{offset}")
        case "dateTime":
            days = st.dates(dt.date(1970, 1, 2), dt.date(2040, 1, 1))
            return st.tuples(days, st.times()).map(
                lambda at: f"{at[0]}T{at[1]:%H:%M:%S}.{at[1].microsecond // 1000:03}{offset}"
            )
        case "range":
            start, end, by = (float(node["parameters"][name]) for name in ("start", "end", "step"))
            whole = all(number.is_integer() for number in (start, end, by))
            steps = st.integers(0, int((end - start) / by + 1e-9))
            return steps.map(lambda n: str(int(start + n * by)) if whole else f"{round(start + n * by, 6)}")
        case "geopoint":
            return st.tuples(st.integers(-89, 89), st.integers(-179, 179), st.integers(1, 50)).map(
                lambda at: f"{at[0]}.25 {at[1]}.5 0.0 {at[2]}.5"
            )
        case "acknowledge":
            return st.just("OK")
        case "image" | "audio" | "video" | "file":
            return st.sampled_from(["a" * 64, "b" * 64])
    texts = [*TEXTS, "x\ny", "1\n\n2"] if "multiline" in node.get("appearance", "") else TEXTS
    return st.one_of(st.sampled_from(texts), st.sampled_from(words or ["a"]), st.integers(-9, 999).map(str))


def _words(tree: Any) -> list[str]:
    """Texts and numbers that the form's expressions compare with."""
    if isinstance(tree, dict):
        return [word for key, part in tree.items() if key not in ("label", "hint") for word in _words(part)]
    if isinstance(tree, list):
        return [word for part in tree[:1] if not isinstance(part, str) for word in _words(part)] + [
            word for part in tree[1:] for word in _words(part)
        ]
    return [] if isinstance(tree, bool) or tree is None else [str(tree)]
