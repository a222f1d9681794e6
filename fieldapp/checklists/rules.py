"""What a set of answers means under a checklist: which hold, what is wrong, what they flag.

The server's evaluator; static/src/checklist/engine.js is the phone's, and tests/vectors keeps the two alike.
Invariant: no answers, however malformed, make `evaluate` raise; what it cannot use it names as a problem.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from fieldapp.checklists.functions import (
    FUNCTIONS,
    ZONED,
    Value,
    as_type,
    is_date,
    is_date_time,
    is_time,
    number,
    point,
    text,
    truth,
    words,
)
from fieldapp.core.severity import SEVERITIES

PEOPLE = "people"
MAX_INSTANCES = 200
# Of one repeat inside others, over all of those: 200 in each of 200 would be 40,000 parts nobody ever filled in.
MAX_NESTED_INSTANCES = 2000
# A calculation that puts texts together is cut here, in characters.
MAX_TEXT = 100_000
UNASKED = frozenset(
    {"note", "calculate", "hidden", "start", "end", "today", "username", "deviceid", "start-geopoint"}
)
# Columns by which an answer is there before anybody gives one.
OFFERED = frozenset({"calculate", "carry", "default", "prefill"})
MANY_CHOICES = frozenset({"select_multiple", "rank"})
_FROM_CONTEXT = {
    "start": "now",
    "end": "now",
    "today": "today",
    "username": "username",
    "deviceid": "device_uuid",
    "start-geopoint": "start_geopoint",
}
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_DECIMAL = re.compile(r"-?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_ZONE = re.compile(r"(Z|[-+]\d\d:\d\d)$", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}( [0-9a-f]{64})*", re.ASCII)

Node = dict[str, Any]
Document = dict[str, Any]
Answers = dict[str, Any]
Positions = tuple[int, ...]


@dataclass
class Verdict:
    """What the server makes of a set of answers.

    answers: those that count, nested as they came, calculations included;
    problems: `{path, code, message}`; flags: `{question, choice, severity, text, followup}`.
    """

    answers: Answers
    problems: list[dict[str, str]] = field(default_factory=list)
    flags: list[dict[str, Any]] = field(default_factory=list)


def evaluate(document: Document, answers: Any, context: dict[str, Any]) -> Verdict:
    """Evaluate nested `answers` (leaves are texts) under `document`; `context` as in docs/checklists.md."""
    return _Evaluation(document, answers, context).verdict()


@dataclass
class _Place:
    """A node of the document in its place: the path without positions and the repeats around it."""

    node: Node
    path: str
    parent: _Place | None
    repeats: tuple[_Place, ...]
    children: list[_Place] = field(default_factory=list)

    @property
    def inner_repeats(self) -> tuple[_Place, ...]:
        return (*self.repeats, self) if self.node["kind"] == "repeat" else self.repeats

    def path_at(self, positions: Positions) -> str:
        """The question path, with positions in repeats: people[1]/elder/gas."""
        if self.parent is None:
            return ""
        outer = self.parent.path_at(positions)
        own = self.node["name"]
        if self.node["kind"] == "repeat" and len(positions) > len(self.repeats):
            own += f"[{positions[len(self.repeats)]}]"
        return f"{outer}/{own}" if outer else own


class _Candidate(NamedTuple):
    """What a predicate looks at: a choice, or an instance (or its question) at positions; the how-manieth of how many."""

    row: dict[str, Any] | None
    positions: Positions
    nth: int
    size: int


class _List:
    """A choice list, with its names and, on demand, its rows by what a column holds."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows
        self.names = frozenset(row["name"] for row in rows)
        self.flagged = [row for row in rows if "flag" in row]
        self.by_column: dict[str, dict[str, list[int]] | None] = {}

    def places(self, column: str) -> dict[str, list[int]] | None:
        """Places of rows by the text in a column; None for a column with texts by language."""
        if column not in self.by_column:
            found: dict[str, list[int]] | None = {}
            for place, row in enumerate(self.rows):
                held = row.get(column, "")
                if isinstance(held, dict):
                    found = None
                    break
                assert found is not None
                found.setdefault(str(held), []).append(place)
            self.by_column[column] = found
        return self.by_column[column]


class _Evaluation:
    def __init__(self, document: Document, answers: Any, context: dict[str, Any]) -> None:
        self.document = document
        self.context = context
        self.people: list[Any] = context.get("people") or []
        self.problems: list[dict[str, str]] = []
        self.flags: list[dict[str, Any]] = []
        self.places: dict[str, _Place] = {}
        self.root = self.place({"kind": "group", "name": "", "children": document["nodes"]}, None)
        self.raw: dict[tuple[str, Positions], str] = {}
        self.sent: dict[tuple[str, Positions], int] = {}  # instances of a repeat that came
        self.values: dict[tuple[str, Positions], str] = {}
        self.relevances: dict[tuple[str, Positions], bool] = {}
        self.counts: dict[tuple[str, Positions], int] = {}
        self.lists: dict[str, _List] = {}
        self.references: dict[tuple[str, Positions], list[str]] = {}
        zone = _ZONE.search(str(context.get("now") or ""))
        self.zone = zone[1] if zone else ""
        self.read_group(self.root, answers, ())

    def place(self, node: Node, parent: _Place | None) -> _Place:
        path = f"{parent.path}/{node['name']}".lstrip("/") if parent else ""
        place = _Place(node, path, parent, parent.inner_repeats if parent else ())
        self.places[path] = place
        place.children = [self.place(child, place) for child in node.get("children", [])]
        return place

    # reading what came, whatever it is

    def problem(self, path: str, code: str, message: str = "") -> None:
        self.problems.append({"path": path, "code": code, "message": message})

    def read_group(self, place: _Place, came: Any, positions: Positions) -> None:
        if not isinstance(came, dict):
            if came is not None:
                self.problem(place.path_at(positions), "type")
            return
        known = {child.node["name"] for child in place.children}
        outer = place.path_at(positions)
        for name in came:
            if name not in known:
                self.problem(f"{outer}/{name}".lstrip("/"), "unknown")
        for child in place.children:
            self.read(child, came.get(child.node["name"]), positions)

    def read(self, place: _Place, came: Any, positions: Positions) -> None:
        kind = place.node["kind"]
        if came is None:
            return
        if kind == "group":
            self.read_group(place, came, positions)
        elif kind == "repeat":
            if not isinstance(came, list):
                self.problem(place.path_at(positions), "type")
                return
            if len(came) > MAX_INSTANCES:
                self.problem(place.path_at(positions), "too_many")
            self.sent[place.path, positions] = min(len(came), MAX_INSTANCES)
            for position, instance in enumerate(came[:MAX_INSTANCES], start=1):
                self.read_group(place, instance, (*positions, position))
        elif isinstance(came, str):
            self.raw[place.path, positions] = came
        elif isinstance(came, int | float):
            self.raw[place.path, positions] = text(came)
        else:
            self.problem(place.path_at(positions), "type")

    # what holds

    def relevant(self, place: _Place, positions: Positions) -> bool:
        if place.parent is None:
            return True
        key = (place.path, positions)
        if key not in self.relevances:
            # A repeat is relevant as a whole; its instances ask it under the positions around it.
            around = positions[: len(place.parent.inner_repeats)]
            self.relevances[key] = self.relevant(place.parent, around) and (
                "relevant" not in place.node
                or truth(self.compute(place.node["relevant"], place, positions[: len(place.repeats)]))
            )
        return self.relevances[key]

    def seen(self, place: _Place, positions: Positions) -> str:
        """The answer as other expressions see it: blank while not relevant."""
        return self.value(place, positions) if self.relevant(place, positions) else ""

    def value(self, place: _Place, positions: Positions) -> str:
        key = (place.path, positions)
        if key not in self.values:
            self.values[key] = self.find_value(place, positions)
        return self.values[key]

    def find_value(self, place: _Place, positions: Positions) -> str:
        node = place.node
        came = self.raw.get((place.path, positions), "")
        if "calculate" in node:
            if node.get("kept") and came:
                return came
            came = text(self.compute(node["calculate"], place, positions))[:MAX_TEXT]
            came = as_type(node["type"], came)
            if "list" in node:
                came = " ".join(
                    name for name in _names(node, came) if name in self.list_of(node["list"]).names
                )
        elif not came and node["type"] in _FROM_CONTEXT:
            return text(self.context.get(_FROM_CONTEXT[node["type"]]) or "")
        elif not came and node["type"] == "hidden" and "prefill" in node:
            return self.prefilled(node["prefill"], positions)
        if came and "choice_filter" in node:
            offered = {choice["name"] for choice in self.offered(place, positions)}
            known = self.list_of(node["list"]).names
            return " ".join(name for name in _names(node, came) if name in offered or name not in known)
        return came

    def prefilled(self, field_name: str, positions: Positions) -> str:
        record_name, _dot, name = field_name.partition(".")
        record = self.context.get(record_name)
        if record_name == "person":
            place = positions[0] - 1 if positions else 0
            record = self.people[place] if place < len(self.people) else None
        found = record.get(name) if isinstance(record, dict) else None
        if isinstance(found, list):
            return " ".join(map(str, found))
        return text(found) if isinstance(found, str | int | float) else ""

    def list_of(self, name: str) -> _List:
        if name not in self.lists:
            self.lists[name] = _List(self.document["choices"].get(name, []))
        return self.lists[name]

    def offered(self, place: _Place, positions: Positions) -> list[dict[str, Any]]:
        """The choices a question offers after its choice_filter."""
        choices = self.list_of(place.node["list"])
        if "choice_filter" not in place.node:
            return choices.rows
        return self.rows_that(choices, place.node["choice_filter"], place, positions)

    def rows_that(
        self, choices: _List, tree: Any, place: _Place, positions: Positions
    ) -> list[dict[str, Any]]:
        """The rows of a list that meet a condition (a number picks by position)."""
        rows, size = choices.rows, len(choices.rows)
        places = self.places_that(choices, tree, place, positions)
        kept = []
        for at in range(size) if places is None else places:
            found = self.compute(tree, place, positions, _Candidate(rows[at], positions, at + 1, size))
            if found == at + 1 if _is_number(found) else truth(found):
                kept.append(rows[at])
        return kept

    def places_that(
        self, choices: _List, tree: Any, place: _Place, positions: Positions
    ) -> Iterable[int] | None:
        """Places outside which no row can meet `column = value`, also as one of several conditions; None for any."""
        if not isinstance(tree, list) or tree[0] not in {"=", "and"}:
            return None
        if tree[0] == "and":
            found = (self.places_that(choices, part, place, positions) for part in tree[1:])
            return next((places for places in found if places is not None), None)
        column, sought = (tree[1], tree[2]) if _is_column(tree[1]) else (tree[2], tree[1])
        if not _is_column(column) or _names_column(sought):
            return None
        places = choices.places(column[1])
        value = self.compute(sought, place, positions)
        if places is None or not isinstance(value, str | list):
            return None
        wanted = value if isinstance(value, list) else [value]
        return sorted({at for name in wanted for at in places.get(name, ())})

    def instances(self, place: _Place, positions: Positions) -> int:
        """How many instances of a repeat there are: as many as people, as its count says, or as came."""
        key = (place.path, positions)
        if key not in self.counts:
            came = self.sent.get(key, 0)
            if place.path == PEOPLE:
                found = max(came, min(len(self.people), MAX_INSTANCES))
            elif "count" in place.node:
                wanted = number(self.compute(place.node["count"], place, positions))
                found = int(min(wanted, MAX_INSTANCES)) if wanted > 0 else 0
            else:
                found = came
            if place.repeats:
                outer = math.prod(
                    self.instances(repeat, positions[:n]) for n, repeat in enumerate(place.repeats)
                )
                if found > max(1, MAX_NESTED_INSTANCES // outer):
                    found = max(1, MAX_NESTED_INSTANCES // outer)
                    self.problem(place.path_at(positions), "too_many")
            self.counts[key] = found
        return self.counts[key]

    # expressions

    def compute(
        self, tree: Any, place: _Place, positions: Positions, candidate: _Candidate | None = None
    ) -> Value:
        if not isinstance(tree, list):
            return float(tree) if isinstance(tree, int) else tree
        operation, *operands = tree
        match operation:
            case "ref":
                return self.referred(place, positions, candidate, *operands, around=positions)
            case "if":
                holds = truth(self.compute(operands[0], place, positions, candidate))
                return self.compute(operands[1 if holds else 2], place, positions, candidate)
            case "and":
                return all(truth(self.compute(operand, place, positions, candidate)) for operand in operands)
            case "or":
                return any(truth(self.compute(operand, place, positions, candidate)) for operand in operands)
            case "candidate" if candidate:
                inner, *arguments = operands[0]
                if inner == "position":
                    return float(candidate.positions[arguments[0]])
                return self.referred(place, positions, candidate, *arguments, around=candidate.positions)
            case "index" if candidate:
                return float(candidate.nth)
            case "size" if candidate:
                return float(candidate.size)
            case "col" if candidate and candidate.row:
                return self.column(candidate.row, operands[0], place, positions)
            case "today":
                return str(self.context.get("today") or "")
            case "now":
                return str(self.context.get("now") or "")
            case "once":
                return self.raw.get((place.path, positions), "") or text(
                    self.compute(operands[0], place, positions, candidate)
                )
            case "position":
                return float(positions[operands[0]])
            case "item":
                return self.items(place, positions, *operands)
            case "choice-name":
                return self.choice_name(
                    text(self.compute(operands[0], place, positions, candidate)),
                    operands[1],
                    place,
                    positions,
                )
        values = [self.compute(operand, place, positions, candidate) for operand in operands]
        return FUNCTIONS[operation](*([self.zone] if operation in ZONED else []), *values)

    def referred(
        self,
        place: _Place,
        positions: Positions,
        candidate: _Candidate | None,
        bound: int,
        path: str,
        picks: list[Any] | None = None,
        *,
        around: Positions,
    ) -> list[str]:
        """The answers at `path`, the first `bound` repeats being those of `around`."""
        target = self.places[path]
        if picks is None:
            if bound == len(target.repeats) and target.node["kind"] == "question":
                return [self.seen(target, around[:bound])]
            key = (path, around[:bound])
            if key not in self.references:
                self.references[key] = self.answers_at(target, self.spread(target, around[:bound], bound))
            return self.references[key]
        found: list[Positions] = [around[:bound]]
        for level, repeat in enumerate(target.inner_repeats[bound:], start=bound):
            pick = picks[level]
            if pick is None:
                found = [(*outer, n) for outer in found for n in range(1, self.instances(repeat, outer) + 1)]
            elif isinstance(pick, list) and pick[0] == "where":
                found = [
                    at
                    for outer in found
                    for at in self.where(
                        pick,
                        [(*outer, n) for n in range(1, self.instances(repeat, outer) + 1)],
                        place,
                        positions,
                    )
                ]
            else:
                wanted = number(self.compute(pick, place, positions, candidate))
                found = [
                    (*outer, int(wanted))
                    for outer in found
                    if 1 <= wanted <= self.instances(repeat, outer) and wanted == int(wanted)
                ]
        if len(picks) > len(target.inner_repeats):
            found = [at for outer in found for at in self.where(picks[-1], [outer], place, positions)]
        return self.answers_at(target, found)

    def spread(self, target: _Place, outer: Positions, bound: int) -> list[Positions]:
        """The positions of a node in all instances of the repeats that are not bound."""
        found = [outer]
        for repeat in target.inner_repeats[bound:]:
            found = [(*at, n) for at in found for n in range(1, self.instances(repeat, at) + 1)]
        return found

    def answers_at(self, target: _Place, found: list[Positions]) -> list[str]:
        if target.node["kind"] != "question":
            return [""] * len(found)
        return [self.seen(target, at) for at in found]

    def where(
        self, pick: Any, found: list[Positions], place: _Place, positions: Positions
    ) -> list[Positions]:
        """Those of `found` that meet one predicate after the other (a number picks by position)."""
        for condition in pick[1:]:
            kept, size = [], len(found)
            for index, at in enumerate(found, start=1):
                value = self.compute(condition, place, positions, _Candidate(None, at, index, size))
                if value == index if _is_number(value) else truth(value):
                    kept.append(at)
            found = kept
        return found

    def items(
        self, place: _Place, positions: Positions, name: str, column: str, *conditions: Any
    ) -> list[str]:
        """Rows of a choice list that meet one condition after the other, by one column."""
        rows = self.list_of(name).rows
        for n, condition in enumerate(conditions):
            choices = _List(rows) if n else self.list_of(name)
            rows = self.rows_that(choices, condition, place, positions)
        return [self.column(row, column, place, positions) if column else "" for row in rows]

    def column(self, row: dict[str, Any], name: str, place: _Place, positions: Positions) -> str:
        found = row.get(name, "")
        if isinstance(found, dict):
            return self.parts(self.in_language(found), place, positions)
        return str(found)

    def choice_name(self, name: str, list_name: str, place: _Place, positions: Positions) -> str:
        found = (self.list_of(list_name).places("name") or {}).get(name)
        return self.column(self.list_of(list_name).rows[found[0]], "label", place, positions) if found else ""

    def in_language(self, by_language: dict[str, Any], wanted: str | None = None) -> Any:
        for language in (wanted or self.context.get("language"), self.document["default_language"]):
            if language in by_language:
                return by_language[language]
        return next(iter(by_language.values()), "")

    def parts(self, written: Any, place: _Place, positions: Positions) -> str:
        """A text with the answers it names put in."""
        if not isinstance(written, list):
            return str(written)
        return "".join(
            part if isinstance(part, str) else text(self.compute(part, place, positions)) for part in written
        )

    def message(self, place: _Place, positions: Positions, column: str, wanted: str | None = None) -> str:
        by_language = place.node.get(column)
        return self.parts(self.in_language(by_language, wanted), place, positions) if by_language else ""

    # the verdict

    def verdict(self) -> Verdict:
        for path in self.document.get("order", []):
            # In the order of dependence, so that a long chain of calculations is no deep recursion.
            place = self.places[path]
            for at in self.everywhere(place.repeats):
                if place.node["kind"] == "repeat":
                    self.instances(place, at)
                else:
                    self.seen(place, at)
        answers = self.collect(self.root, ())
        return Verdict(answers, self.problems, self.flags)

    def everywhere(self, repeats: tuple[_Place, ...]) -> Iterator[Positions]:
        if not repeats:
            yield ()
            return
        for outer in self.everywhere(repeats[:-1]):
            for position in range(1, self.instances(repeats[-1], outer) + 1):
                yield (*outer, position)

    def collect(self, place: _Place, positions: Positions) -> Answers:
        found: Answers = {}
        for child in place.children:
            if not self.relevant(child, positions):
                continue
            kind, name = child.node["kind"], child.node["name"]
            if kind == "question":
                value = self.value(child, positions)
                self.judge(child, positions, value)
                if value:
                    found[name] = value
            elif kind == "group":
                inner = self.collect(child, positions)
                if inner:
                    found[name] = inner
            else:
                instances = [
                    self.collect(child, (*positions, n))
                    for n in range(1, self.instances(child, positions) + 1)
                ]
                if instances:
                    found[name] = instances
        return found

    def judge(self, place: _Place, positions: Positions, value: str) -> None:
        node = place.node
        path = place.path_at(positions)
        if node["type"] not in UNASKED and "calculate" not in node:
            code = self.wrong(place, positions, value)
            if code:
                self.problem(path, code, self.message(place, positions, f"{code}_message"))
        severity = text(self.compute(node["flag"], place, positions)) if "flag" in node else ""
        if severity in SEVERITIES:
            self.raise_flag(place, positions, severity, node.get("followup", ""), {}, node.get("flag_text"))
        if value and "list" in node and self.list_of(node["list"]).flagged:
            chosen = set(_names(node, value))
            for choice in self.list_of(node["list"]).flagged:
                if choice["name"] in chosen:
                    said = choice.get("flag_text") or node.get("flag_text")
                    self.raise_flag(
                        place, positions, choice["flag"], choice.get("followup", ""), choice, said
                    )

    def wrong(self, place: _Place, positions: Positions, value: str) -> str:
        """The code of what is wrong with an answer, or ""."""
        node = place.node
        if not value:
            required = node.get("required", False)
            return "required" if required is True or truth(self.compute(required, place, positions)) else ""
        if "list" in node:
            offered = {choice["name"] for choice in self.offered(place, positions)}
            names = _names(node, value)
            if not set(names) <= offered:
                return "choice"
            # A ranking orders all that is offered, each once.
            if node["type"] == "rank" and not len(names) == len(set(names)) == len(offered):
                return "choice"
        elif not _fits(node, value):
            return "type"
        if "constraint" in node and not truth(self.compute(node["constraint"], place, positions)):
            return "constraint"
        return ""

    def raise_flag(
        self,
        place: _Place,
        positions: Positions,
        severity: str,
        followup: str,
        choice: dict[str, Any],
        said: dict[str, Any] | None,
    ) -> None:
        written: dict[str, str] = {}
        for language in self.document["languages"]:
            if said:
                written[language] = self.parts(self.in_language(said, language), place, positions)
                continue
            label = self.message(place, positions, "label", language).rstrip("?？:： ")
            mark = "：" if language.startswith("zh") else ": "
            answer = self.parts(self.in_language(choice.get("label", {}), language), place, positions)
            written[language] = mark.join(filter(None, [label, answer]))
        self.flags.append(
            {
                "question": place.path_at(positions),
                "choice": choice.get("name", ""),
                "severity": severity,
                "text": written,
                "followup": followup,
            }
        )


def _names(node: Node, value: str) -> list[str]:
    """The names chosen; the name of a single choice may have spaces in it."""
    return [name for name in words(value) if name] if node["type"] in MANY_CHOICES else [value]


def _is_number(value: Value) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool)


def _is_column(tree: Any) -> bool:
    return isinstance(tree, list) and tree[0] == "col"


def _names_column(tree: Any) -> bool:
    """Whether a tree looks at the row itself."""
    if not isinstance(tree, list):
        return False
    return tree[0] in ("col", "index", "size") or any(map(_names_column, tree[1:]))


def _fits(node: Node, value: str) -> bool:
    match node["type"]:
        case "integer":
            return _INTEGER.fullmatch(value) is not None
        case "decimal":
            return _DECIMAL.fullmatch(value) is not None
        case "range":
            return _DECIMAL.fullmatch(value) is not None and _is_on(node.get("parameters", {}), float(value))
        case "date":
            return is_date(value)
        case "time":
            return is_time(value)
        case "dateTime":
            return is_date_time(value)
        case "geopoint":
            return point(value) is not None
        case "image" | "audio" | "video" | "file":
            return _SHA256.fullmatch(value) is not None
        case "acknowledge":
            return value == "OK"
    return True


def _is_on(scale: dict[str, str], value: float) -> bool:
    """Whether a number is one of the steps of a range."""
    start, end, step = (number(scale.get(name, "1")) for name in ("start", "end", "step"))
    if not min(start, end) <= value <= max(start, end) or not step:
        return False
    steps = (value - start) / step
    # Steps of 0.1 and the like are not exact in binary.
    return abs(steps - math.floor(steps + 0.5)) < 1e-9


class Foreseen(NamedTuple):
    """A node that could be asked, in words; `depends`: only after certain answers."""

    node: Node
    path: str
    label: str
    hint: str
    choices: list[str]
    depends: bool


def foresee(document: Document, context: dict[str, Any]) -> list[Foreseen]:
    """What a visit to the people of `context` could ask, whatever they answer: groups, questions and each person's part,
    in their order.
    """
    foresight = _Foresight(document, {}, context)
    return list(foresight.walk(foresight.root, ()))


class _Foresight(_Evaluation):
    """A form before anything is answered: what may be relevant counts as relevant."""

    def relevant(self, place: _Place, positions: Positions) -> bool:
        if place.parent is None:
            return True
        around = positions[: len(place.parent.inner_repeats)]
        return self.relevant(place.parent, around) and True in self.prospects(
            place.node.get("relevant", True), place, positions[: len(place.repeats)]
        )

    def prospects(self, tree: Any, place: _Place, positions: Positions) -> frozenset[bool]:
        """How a condition could turn out."""
        if isinstance(tree, list) and tree[0] in {"and", "or", "not"}:
            parts = [self.prospects(part, place, positions) for part in tree[1:]]
            if tree[0] == "not":
                return frozenset(not way for way in parts[0])
            # One part that holds is enough for "or", one that does not for "and".
            decisive, other = (True, False) if tree[0] == "or" else (False, True)
            ways = {decisive} if any(decisive in part for part in parts) else set()
            return frozenset(ways | {other} if all(other in part for part in parts) else ways)
        if self.rests_on_answers(tree):
            return frozenset((True, False))
        return frozenset((truth(self.compute(tree, place, positions)),))

    def rests_on_answers(self, tree: Any) -> bool:
        """Whether a tree looks at anything that is asked, also by way of calculations."""
        if not isinstance(tree, list):
            return False
        if tree[:1] == ["ref"]:
            node = self.places[tree[2]].node
            if "calculate" in node:
                return self.rests_on_answers(node["calculate"])
            if node["kind"] == "question" and node["type"] not in UNASKED:
                return True
        return any(map(self.rests_on_answers, tree))

    def walk(self, place: _Place, positions: Positions) -> Iterator[Foreseen]:
        for child in place.children:
            if not self.relevant(child, positions):
                continue
            node, places = child.node, [positions]
            if node["kind"] == "repeat":
                places = [(*positions, n + 1) for n in range(max(1, self.instances(child, positions)))]
            depends = False in self.prospects(node.get("relevant", True), child, positions)
            offered = self.list_of(node["list"]).rows if "list" in node else []
            for at in places:
                yield Foreseen(
                    node,
                    child.path_at(at),
                    self.message(child, at, "label"),
                    self.message(child, at, "hint"),
                    [self.column(row, "label", child, at) or str(row["name"]) for row in offered],
                    depends,
                )
                yield from self.walk(child, at)


def speaker(
    document: Document, answers: Any, language: str, people: Sequence[dict[str, Any]] = ()
) -> Callable[[Any, str], str]:
    """What puts a TEXT of the document, read at a question path, into words with the answers it names.

    `people` are records, as far as known, for names that the registry fills in and the phone did not send.
    """
    evaluation = _Evaluation(document, answers, {"language": language, "people": list(people)})

    def say(texts: Any, path: str) -> str:
        place = evaluation.places.get(re.sub(r"\[\d+\]", "", path), evaluation.root)
        positions = tuple(int(position) for position in re.findall(r"\[(\d+)\]", path))
        return evaluation.parts(evaluation.in_language(texts), place, positions) if texts else ""

    return say


def carried(document: Document, answers: Answers, person_uuids: Sequence[str]) -> Answers:
    """The part of `answers` given to carry questions, to be offered next time; people items name their person."""

    def pick(nodes: list[Node], given: Any) -> Answers:
        found: Answers = {}
        for node in nodes if isinstance(given, dict) else []:
            value = given.get(node["name"])
            if node["kind"] == "question" and node.get("carry") and isinstance(value, str):
                found[node["name"]] = value
            elif node["kind"] == "group" and (inner := pick(node["children"], value)):
                found[node["name"]] = inner
            elif node["kind"] == "repeat" and node["name"] == PEOPLE and nodes is document["nodes"]:
                found[PEOPLE] = [
                    {"person_uuid": uuid, **pick(node["children"], instance)}
                    for uuid, instance in zip(
                        person_uuids, value if isinstance(value, list) else [], strict=False
                    )
                ]
        return found

    return pick(document["nodes"], answers)


class OwnAnswer(NamedTuple):
    """An answer that somebody gave: the question's path and type, and what was said."""

    path: str
    type: str
    value: str


def list_own_answers(document: Document, answers: Answers) -> list[OwnAnswer]:
    """Of a verdict's `answers` those somebody gave at the time: none that was computed, nor was offered to begin with (last
    time's, the registry's, a default), whether it was then left or changed.
    """

    def walk(nodes: list[Node], given: Any, around: str) -> Iterator[OwnAnswer]:
        for node in nodes if isinstance(given, dict) else []:
            value, path = given.get(node["name"]), around + node["name"]
            if node["kind"] == "group":
                yield from walk(node["children"], value, path + "/")
            elif node["kind"] == "repeat":
                for place, instance in enumerate(value if isinstance(value, list) else [], start=1):
                    yield from walk(node["children"], instance, f"{path}[{place}]/")
            elif isinstance(value, str) and node["type"] not in UNASKED and not OFFERED & node.keys():
                yield OwnAnswer(path, node["type"], value)

    return list(walk(document["nodes"], answers, ""))
