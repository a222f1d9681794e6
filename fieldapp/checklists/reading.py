"""Answers as a person reads them at the desk: labels instead of names, in order, and what is different from before.

Invariant: a phone or ID number is never shown whole, wherever it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from flask_babel import get_locale, gettext, lazy_gettext, ngettext

from fieldapp.checklists.markup import plain
from fieldapp.checklists.rules import UNASKED, speaker
from fieldapp.people.rules import mask_id, mask_phone

Node = Mapping[str, Any]
Text = Any
# Answers that are not for reading: kept by the form for itself, or (a place) shown on the map.
_SILENT_TYPES = UNASKED | {"geopoint"}
_FILE_TYPES = frozenset({"image", "audio", "video", "file"})
_SEVERAL = frozenset({"select_multiple", "rank"})
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?![\dXx])")
_SHA256 = re.compile(r"[0-9a-f]{64}")

# What the server's evaluation may object to, by the evaluator's code.
PROBLEMS: Mapping[str, Any] = {
    "required": lazy_gettext("not answered, although it is needed"),
    "constraint": lazy_gettext("outside what is possible"),
    "choice": lazy_gettext("not one of the choices offered"),
    "type": lazy_gettext("not the kind of answer the question asks for"),
    "unknown": lazy_gettext("not a question of this checklist"),
    "too_many": lazy_gettext("more entries than the checklist allows"),
}


@dataclass(frozen=True)
class Line:
    """A heading or an answered question of a filled checklist."""

    kind: str  # heading or answer
    path: str  # as in flags and notes: people[1]/elder/gas
    key: str  # the path with the person's uuid for the place in the list: the same question in another visit
    level: int
    label: str
    value: str = ""
    raw: str = ""
    attachments: tuple[str, ...] = ()  # by SHA-256
    asked: str = ""  # what the attachments were to be: photo, signature, drawing, audio, video, file
    severity: str | None = None
    before: str | None = None


@dataclass(frozen=True)
class Difference:
    """A question answered differently in a later revision; an empty side was not answered."""

    label: str
    place: str
    before: str
    after: str


@dataclass(frozen=True)
class Objection:
    """What the server's evaluation objects to in an answer."""

    path: str
    label: str
    message: str


@dataclass(frozen=True)
class Reader:
    """Reads answers given to one version of a checklist."""

    document: Mapping[str, Any]
    language: str
    people: Sequence[tuple[str, str]]  # (uuid, name) in the order of the answers' `people`
    severities: Mapping[str, str]  # by question path
    say: Callable[[Text, str], str]  # a TEXT of the document at a path, in `language`

    def read(self, answers: Mapping[str, Any]) -> list[Line]:
        """The answered questions under their headings, in the checklist's order."""
        return list(self._walk(self.document["nodes"], answers, "", "", 0))

    def _walk(
        self, nodes: Iterable[Node], answers: Mapping[str, Any], path: str, key: str, level: int
    ) -> Iterable[Line]:
        for node in nodes:
            here, key_here = path + node["name"], key + node["name"]
            value = answers.get(node["name"])
            if node["kind"] == "question":
                if line := self._read_question(node, value, here, key_here, level):
                    yield line
            elif node["kind"] == "group" and isinstance(value, Mapping):
                label = self.say(node.get("label"), here)
                inside = list(
                    self._walk(node["children"], value, here + "/", key_here + "/", level + bool(label))
                )
                if inside and label:
                    yield Line("heading", here, key_here, level, label)
                yield from inside
            elif node["kind"] == "repeat" and isinstance(value, list):
                yield from self._read_repeat(node, value, here, key_here, level)

    def _read_repeat(self, node: Node, items: list[Any], path: str, key: str, level: int) -> Iterable[Line]:
        of_people = path == "people"
        for place, item in enumerate(items, start=1):
            if not isinstance(item, Mapping):
                continue
            here, key_here = f"{path}[{place}]", f"{key}[{place}]"
            label = f"{self.say(node.get('label'), here)} {place}".strip()
            if of_people and place <= len(self.people):
                uuid, name = self.people[place - 1]
                key_here, label = f"{key}[{uuid}]", name or label
            inside = list(self._walk(node["children"], item, here + "/", key_here + "/", level + 1))
            if inside:
                yield Line("heading", here, key_here, level, label)
                yield from inside

    def _read_question(self, node: Node, value: Any, path: str, key: str, level: int) -> Line | None:
        if not isinstance(value, str) or not value.strip() or node["type"] in _SILENT_TYPES:
            return None
        label = self.say(node.get("label"), path)
        if not label:
            return None
        line = Line("answer", path, key, level, label, raw=value, severity=self.severities.get(path))
        if node["type"] in _FILE_TYPES:
            found, asked = tuple(_SHA256.findall(value)), _asked_for(node)
            return replace(line, attachments=found, asked=asked, value=_say_attachments(asked, len(found)))
        return replace(line, value=self._word(node, value, path))

    def _word(self, node: Node, value: str, path: str) -> str:
        joint = "、" if self.language == "zh" else ", "
        if node.get("list"):
            names = value.split() if node["type"] in _SEVERAL else [value]
            labels = {
                choice["name"]: self.say(choice.get("label"), path)
                for choice in self.document["choices"].get(node["list"], [])
            }
            said = [labels.get(name) or name for name in names]
            if node["type"] == "rank":
                said = [f"{place}. {label}" for place, label in enumerate(said, start=1)]
            return joint.join(said)
        match node["type"]:
            case "date":
                return _say_date(value, self.language)
            case "time":
                return value[:5]
            case "dateTime":
                return _say_date_time(value, self.language)
            case "acknowledge":
                return gettext("confirmed")
        if str(node.get("prefill", "")).endswith(".phone"):
            return mask_phone(value) or ""
        return mask_numbers(value)


def read_answers(
    document: Mapping[str, Any],
    answers: Mapping[str, Any],
    people: Sequence[tuple[str, str]] = (),
    severities: Mapping[str, str] | None = None,
) -> list[Line]:
    """The answered questions in the language of whoever reads the page."""
    language = str(get_locale())
    say = speaker(dict(document), answers, language, [{"name": name} for _, name in people])
    return Reader(
        document, language, people, severities or {}, lambda texts, path: plain(say(texts, path))
    ).read(answers)


def label_paths(lines: Iterable[Line]) -> dict[str, str]:
    """Labels by path; where a question was asked of a person, the person's name before it."""
    labels: dict[str, str] = {}
    for line in lines:
        person = labels.get(line.path.split("/")[0], "") if line.path.startswith("people[") else ""
        labels[line.path] = f"{person} · {line.label}" if person and person not in line.label else line.label
    return labels


def read_problems(problems: Iterable[Mapping[str, str]] | None, labels: Mapping[str, str]) -> list[Objection]:
    """The evaluator's problems in words; `labels` by path."""
    return [
        Objection(
            problem["path"],
            labels.get(problem["path"], problem["path"]),
            plain(problem["message"]) or str(PROBLEMS.get(problem["code"], problem["code"])),
        )
        for problem in problems or []
    ]


def mask_numbers(text: str) -> str:
    """`text` with every mobile and ID number in it masked."""
    text = _ID_NUMBER.sub(lambda found: mask_id(found.group()) or "", text)
    return _MOBILE.sub(lambda found: mask_phone(found.group()) or "", text)


def compare(lines: Iterable[Line], earlier: Iterable[Line]) -> list[Line]:
    """`lines`, each answer that differs from the same question's in `earlier` with what it was `before`.

    Photos, recordings and files differ every time and questions not asked before have nothing to differ from: left alone.
    """
    was = {line.key: line for line in earlier if line.kind == "answer" and not line.attachments}
    return [
        replace(line, before=was[line.key].value)
        if not line.attachments and line.key in was and was[line.key].value != line.value
        else line
        for line in lines
    ]


def differences(before: Iterable[Line], after: Iterable[Line]) -> list[Difference]:
    """What was answered differently, newly or no longer in a later revision of the same visit."""
    was, now = _by_key(before), _by_key(after)
    found = []
    for key in [*now, *(key for key in was if key not in now)]:
        old, new = was.get(key), now.get(key)
        if (old and old[1].raw) == (new and new[1].raw):
            continue
        place, line = new or old  # type: ignore[misc]
        found.append(Difference(line.label, place, old[1].value if old else "", new[1].value if new else ""))
    return found


def _by_key(lines: Iterable[Line]) -> dict[str, tuple[str, Line]]:
    """Answers by key, each with the heading it stands under."""
    found, place = {}, ""
    for line in lines:
        if line.kind == "heading":
            place = line.label
        else:
            found[line.key] = (place, line)
    return found


def _say_date(value: str, language: str) -> str:
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        return value
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else value[:10]


def _say_date_time(value: str, language: str) -> str:
    """Day and time by the clock on the wall where it was given."""
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return value
    return f"{_say_date(value, language)} {value[11:16]}"


def _asked_for(node: Node) -> str:
    if node["type"] != "image":
        return str(node["type"])
    looks = str(node.get("appearance", "")).split()
    return "signature" if "signature" in looks else "drawing" if "draw" in looks else "photo"


def _say_attachments(asked: str, count: int) -> str:
    match asked:
        case "photo":
            return ngettext("%(num)s photo", "%(num)s photos", count)
        case "signature":
            return gettext("signed")
        case "drawing":
            return ngettext("%(num)s drawing", "%(num)s drawings", count)
        case "audio":
            return ngettext("%(num)s recording", "%(num)s recordings", count)
        case "video":
            return ngettext("%(num)s video", "%(num)s videos", count)
        case _:
            return ngettext("%(num)s file", "%(num)s files", count)
