"""What a version changes against another, question by question, and what of it should make an officer look twice.

Invariant: pure; a version compared with itself gives nothing. Expressions are compared as compiled and told as the
author wrote them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Document = Mapping[str, Any]
Node = Mapping[str, Any]
# Cells of the survey sheet by path of the node and column: what the author wrote.
Source = Mapping[str, Mapping[str, str]]

# Node fields that hold an expression or a plain value, with the column of the survey sheet they come from.
_COLUMNS = {
    "relevant": "relevant",
    "constraint": "constraint",
    "required": "required",
    "read_only": "read_only",
    "calculate": "calculation",
    "choice_filter": "choice_filter",
    "count": "repeat_count",
    "default": "default",
    "set_on": "trigger",
    "flag": "flag",
    "followup": "followup",
    "prefill": "prefill",
    "carry": "carry",
    "safety": "safety",
    "appearance": "appearance",
    "parameters": "parameters",
}
_TEXTS = ("label", "hint", "constraint_message", "required_message", "flag_text")
_SEVERITIES = ("yellow", "orange", "red")


@dataclass(frozen=True)
class Detail:
    """One thing that is different about a question or the form: `aspect` names it; an empty side was not there."""

    aspect: str
    before: str = ""
    after: str = ""
    language: str = ""
    about: str = ""  # the choice it is about


@dataclass(frozen=True)
class Change:
    """A question, group or repeat that is different; `kind` is added, removed, moved, renamed or changed."""

    kind: str
    path: str
    node: Node
    section: Node | None  # what it stands in
    was_path: str = ""
    details: tuple[Detail, ...] = ()
    risks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """All that is different between two versions."""

    form: tuple[Detail, ...]
    questions: tuple[Change, ...]
    risks: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.form or self.questions)


@dataclass(frozen=True)
class Place:
    """A node where it stands in its version."""

    node: Node
    path: str
    parent: str
    section: Node | None
    children: tuple[Place, ...] = field(default=(), hash=False, compare=False)


def compare_versions(old: Document, new: Document, was: Source, now: Source) -> Changes:
    """What `new` changes against `old`, in the order of the new version, removed questions where they stood."""
    return _Comparison(old, new, was, now).run()


def walk_nodes(document: Document) -> Iterator[Place]:
    """All groups and questions of a document, in order."""
    return _walk(_places(document["nodes"]))


class _Comparison:
    def __init__(self, old: Document, new: Document, was: Source, now: Source) -> None:
        self.old, self.new, self.was, self.now = old, new, was, now
        self.old_root, self.new_root = _places(old["nodes"]), _places(new["nodes"])
        self.old_order = {place.path: at for at, place in enumerate(_walk(self.old_root))}
        # New path → what it was.
        self.partner: dict[str, Place] = {}
        self.taken: set[str] = set()
        self.stayed: dict[str, frozenset[str]] = {}
        # What is different between two lists of choices, told of each question that uses them.
        self.choices: dict[tuple[str, str], tuple[Detail, ...]] = {}

    def run(self) -> Changes:
        self.pair(self.old_root, self.new_root)
        self.pair_the_rest()
        changes = {place.path: self.describe(place) for place in _walk(self.new_root)}
        ordered = [change for change in changes.values() if change]
        for place in _walk(self.old_root):
            # What stood in a group that went is told with the group.
            if place.path not in self.taken and (place.parent in self.taken or not place.parent):
                ordered.insert(self.position_of_removed(place, ordered), self.removed(place))
        form_details, form_risks = self.describe_form()
        return Changes(tuple(form_details), tuple(ordered), tuple(form_risks))

    # who is who

    def pair(self, old: Sequence[Place], new: Sequence[Place]) -> None:
        """Match what stands in the same group, by name, then by the same words and type; then go into the groups."""
        self.match(old, new)
        for place in new:
            partner = self.partner.get(place.path)
            if partner is not None:
                self.pair(partner.children, place.children)

    def pair_the_rest(self) -> None:
        """Match what left its group, wherever it is now; groups before what stands in them."""
        places = list(_walk(self.new_root))
        for place in places:
            if place.node["kind"] != "question" and place.path not in self.partner:
                self.match(list(_walk(self.old_root)), [place])
                if place.path in self.partner:
                    self.pair(self.partner[place.path].children, place.children)
        self.match(list(_walk(self.old_root)), places)

    def match(self, old: Iterable[Place], new: Iterable[Place]) -> None:
        for keys_of in (_name_keys, _word_keys):
            free: dict[Hashable, list[Place]] = {}
            for place in old:
                if place.path not in self.taken:
                    for key in keys_of(place.node):
                        free.setdefault(key, []).append(place)
            for place in new:
                if place.path in self.partner:
                    continue
                candidates = (other for key in keys_of(place.node) for other in free.get(key, ()))
                found = next((other for other in candidates if other.path not in self.taken), None)
                if found is not None:
                    self.partner[place.path] = found
                    self.taken.add(found.path)

    # what is different

    def describe(self, place: Place) -> Change | None:
        before = self.partner.get(place.path)
        if before is None:
            # What stands in a group that came is told with the group.
            return (
                None if self.is_inside_new(place) else Change("added", place.path, place.node, place.section)
            )
        details = list(self.details(before, place))
        risks = list(self.risks(before.node, place.node, details))
        renamed = before.node["name"] != place.node["name"]
        if renamed:
            details.insert(0, Detail("name", before.node["name"], place.node["name"]))
            if before.node.get("carry"):
                risks.append("carried_answers_lost")
        kind = "renamed" if renamed else "moved" if self.has_moved(before, place) else "changed"
        if not details and kind == "changed":
            return None
        return Change(
            kind,
            place.path,
            place.node,
            place.section,
            before.path,
            tuple(details),
            tuple(dict.fromkeys(risks)),
        )

    def is_inside_new(self, place: Place) -> bool:
        return bool(place.parent) and place.parent not in self.partner

    def has_moved(self, before: Place, place: Place) -> bool:
        """Whether it stands in another group, or among its neighbours in another order."""
        parent = self.partner.get(place.parent)
        if (parent.path if parent else "") != before.parent:
            return True
        if place.parent not in self.stayed:
            self.stayed[place.parent] = self.list_stayed(before.parent, place.parent)
        return place.path not in self.stayed[place.parent]

    def list_stayed(self, old_parent: str, new_parent: str) -> frozenset[str]:
        """What of a group kept its place among its neighbours."""
        order = {other.path: at for at, other in enumerate(_children(self.old_root, old_parent))}
        both = [
            (order[self.partner[place.path].path], place.path)
            for place in _children(self.new_root, new_parent)
            if place.path in self.partner and self.partner[place.path].parent == old_parent
        ]
        rising = _longest_rising([at for at, _ in both])
        return frozenset(path for at, path in both if at in rising)

    def details(self, before: Place, place: Place) -> Iterator[Detail]:
        old, new = before.node, place.node
        if _type_of(old) != _type_of(new):
            yield Detail("type", _type_of(old), _type_of(new))
        for aspect in _TEXTS:
            yield from _compare_texts(aspect, old.get(aspect), new.get(aspect))
        was, now = self.was.get(before.path, {}), self.now.get(place.path, {})
        for key, column in _COLUMNS.items():
            one, other = old.get(key), new.get(key)
            if one == other:
                continue
            before_text, after_text = _say(one, was.get(column)), _say(other, now.get(column))
            # The same words read another question now, one that was moved: told there.
            if before_text != after_text:
                yield Detail(key, before_text, after_text)
        if old.get("list") and new.get("list"):
            lists = old["list"], new["list"]
            if lists not in self.choices:
                was_list, now_list = (
                    self.old["choices"].get(lists[0], []),
                    self.new["choices"].get(lists[1], []),
                )
                self.choices[lists] = tuple(_compare_choices(was_list, now_list))
            yield from self.choices[lists]

    def risks(self, old: Node, new: Node, details: Sequence[Detail]) -> Iterator[str]:
        if _type_of(old) != _type_of(new) and old["kind"] == "question":
            yield "type_changed"
        if old.get("safety") and not new.get("safety"):
            yield "safety_dropped"
        if old.get("flag") and not new.get("flag"):
            yield "flag_dropped"
        renamed = {detail.before for detail in details if detail.aspect == "choice_renamed"}
        aspects = {detail.aspect for detail in details}
        if old.get("carry") and aspects & {"choice_removed", "choice_renamed"}:
            yield "carried_answers_lost"
        if any(d.aspect == "choice_flag" and _weight(d.after) < _weight(d.before) for d in details):
            yield "flag_dropped"
        flagged = {
            choice["name"] for choice in self.old["choices"].get(old.get("list"), []) if choice.get("flag")
        }
        left = {choice["name"] for choice in self.new["choices"].get(new.get("list"), [])}
        if flagged - left - renamed:
            yield "flag_dropped"

    def removed(self, place: Place) -> Change:
        inside = [
            place.node,
            *(other.node for other in _walk(place.children) if other.path not in self.taken),
        ]
        risks = []
        if any(node.get("safety") for node in inside):
            risks.append("safety_removed")
        if any(_flags(self.old, node) for node in inside):
            risks.append("flag_dropped")
        return Change("removed", place.path, place.node, place.section, place.path, risks=tuple(risks))

    def position_of_removed(self, place: Place, ordered: Sequence[Change]) -> int:
        """After the last change to what stood before it."""
        order, here = self.old_order, self.old_order[place.path]
        return max(
            (
                at
                for at, change in enumerate(ordered, start=1)
                if change.was_path and order[change.was_path] < here
            ),
            default=0,
        )

    def describe_form(self) -> tuple[list[Detail], list[str]]:
        details = list(_compare_texts("title", self.old.get("title"), self.new.get("title")))
        risks = []
        old, new = self.old["languages"], self.new["languages"]
        details += [Detail("language_added", after=code) for code in new if code not in old]
        gone = [code for code in old if code not in new]
        details += [Detail("language_removed", before=code) for code in gone]
        if gone:
            risks.append("language_removed")
        for key, default in (("use", "visit"), ("style", "")):
            one, other = self.old.get(key, default), self.new.get(key, default)
            if one != other:
                details.append(Detail(key, one, other))
        return details, risks


def _places(nodes: Iterable[Node], path: str = "", section: Node | None = None) -> tuple[Place, ...]:
    return tuple(
        Place(
            node,
            path + node["name"],
            path.rstrip("/"),
            section,
            _places(node.get("children", ()), path + node["name"] + "/", node),
        )
        for node in nodes
    )


def _walk(places: Iterable[Place]) -> Iterator[Place]:
    for place in places:
        yield place
        yield from _walk(place.children)


def _type_of(node: Node) -> str:
    return str(node["type"] if node["kind"] == "question" else node["kind"])


def _children(root: Sequence[Place], parent: str) -> Sequence[Place]:
    return next((place.children for place in _walk(root) if place.path == parent), root)


def _name_keys(node: Node) -> Iterator[Hashable]:
    yield node["name"], node["kind"] == "question"


def _word_keys(node: Node) -> Iterator[Hashable]:
    """What makes it the same question under another name: the same words in some language and the same type."""
    for language, text in (node.get("label") or {}).items():
        yield _type_of(node), language, plain_text(text)
    if not node.get("label") and node.get("calculate") is not None:
        yield _type_of(node), repr(node["calculate"])


def _flags(document: Document, node: Node) -> bool:
    return bool(node.get("flag")) or any(
        choice.get("flag") for choice in document["choices"].get(node.get("list"), [])
    )


def _weight(severity: str) -> int:
    return _SEVERITIES.index(severity) + 1 if severity in _SEVERITIES else 0


def _compare_texts(aspect: str, old: Any, new: Any, about: str = "") -> Iterator[Detail]:
    old, new = old or {}, new or {}
    for language in dict.fromkeys([*new, *old]):
        before, after = plain_text(old.get(language, "")), plain_text(new.get(language, ""))
        if before != after:
            yield Detail(aspect, before, after, language, about)


def _compare_choices(old: Sequence[Node], new: Sequence[Node]) -> Iterator[Detail]:
    was, now = {choice["name"]: choice for choice in old}, {choice["name"]: choice for choice in new}
    gone = dict.fromkeys(name for name in was if name not in now)
    came = dict.fromkeys(name for name in now if name not in was)
    # Lists of villages have thousands of choices: each is looked up by its words, not compared with all others.
    called: dict[Hashable, deque[str]] = {}
    for name in gone:
        for words in _words_of(was[name]):
            called.setdefault(words, deque()).append(name)
    for name in list(came):
        other = next(
            (one for words in _words_of(now[name]) if (one := _next_of(called.get(words), gone))), None
        )
        if other is not None:
            del gone[other], came[name]
            yield Detail("choice_renamed", other, name, about=_first_text(now[name].get("label")))
    for name in came:
        yield Detail("choice_added", after=_first_text(now[name].get("label")) or name, about=name)
    for name in gone:
        yield Detail("choice_removed", before=_first_text(was[name].get("label")) or name, about=name)
    kept = [name for name in now if name in was]
    for name in kept:
        label = _first_text(now[name].get("label")) or name
        yield from _compare_texts("choice_label", was[name].get("label"), now[name].get("label"), name)
        for key in ("flag", "followup"):
            before, after = str(was[name].get(key) or ""), str(now[name].get(key) or "")
            if before != after:
                yield Detail(f"choice_{key}", before, after, about=label)
        yield from _compare_texts(
            "choice_flag_text", was[name].get("flag_text"), now[name].get("flag_text"), label
        )
    if kept != [name for name in was if name in now]:
        yield Detail("choice_order")


def _words_of(choice: Node) -> list[tuple[str, str]]:
    return [(code, plain_text(text)) for code, text in (choice.get("label") or {}).items()]


def _next_of(names: deque[str] | None, free: Mapping[str, None]) -> str | None:
    """The first of `names` still in `free`; those before it are dropped."""
    while names and names[0] not in free:
        names.popleft()
    return names[0] if names else None


def _first_text(texts: Any) -> str:
    return next((plain_text(text) for text in (texts or {}).values()), "")


def plain_text(text: Any) -> str:
    """A TEXT as the author wrote it, as far as that can be seen: `${name}` for an answer in it."""
    if not isinstance(text, list):
        return str(text)
    return "".join(part if isinstance(part, str) else _reference(part) for part in text)


def _reference(tree: Any) -> str:
    name = tree[2].rpartition("/")[2] if isinstance(tree, list) and tree and tree[0] == "ref" else "…"
    return f"${{{name}}}"


def _say(value: Any, written: str | None) -> str:
    """What an expression or a value says: the author's cell; without one (it was never written) a word for it."""
    if value is None or value is False:
        return ""
    if written:
        return " ".join(written.split())
    if value is True:
        return "yes"
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_say(item, None)}" for name, item in value.items())
    return value if isinstance(value, str) else "…"


def _longest_rising(numbers: Sequence[int]) -> frozenset[int]:
    """The numbers of a longest rising subsequence (no number comes twice): those that did not move."""
    ends: list[int] = []  # the smallest number a rising run of that length ends with
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(ends, number)
        before[number] = ends[at - 1] if at else None
        ends[at : at + 1] = [number]
    run: list[int] = []
    last = ends[-1] if ends else None
    while last is not None:
        run.append(last)
        last = before[last]
    return frozenset(run)
