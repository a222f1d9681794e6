"""From a workbook to a compiled checklist: one JSON document that phone, server and desk share.

Invariant: a document holds nothing the evaluators do not know; what cannot be supported is refused, by sheet and row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from pyxform.utils import default_is_dynamic

from fieldapp.checklists.compiler import dependence, lists, own_columns
from fieldapp.checklists.compiler.attached import AttachedList, read_attached
from fieldapp.checklists.compiler.compilation import Compilation
from fieldapp.checklists.compiler.expressions import Form, Node
from fieldapp.checklists.compiler.limits import Limits
from fieldapp.checklists.compiler.own_columns import PREFILL_FIELDS
from fieldapp.checklists.compiler.problems import ChecklistRefused
from fieldapp.checklists.compiler.question_types import CSV_EXTERNAL, FILES, SELECTS
from fieldapp.checklists.compiler.sheet_checks import check_sheets
from fieldapp.checklists.compiler.spelling import NO, REFERENCE, YES, Source, names, spell
from fieldapp.checklists.compiler.texts import SPECIFY_OTHER, Languages
from fieldapp.checklists.compiler.workbook import read_sheets
from fieldapp.checklists.compiler.xlsform import ROW, XlsForm, read_form
from fieldapp.checklists.rules import PEOPLE, UNASKED

USES = ("visit", "followup", "patrol", "new_clue")
_KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,59}")
_GENERATED_NOTES = ("generated_table_list_label_", "reserved_name_for_field_list_labels_")
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"
# What a default written out must look like.
_DEFAULTS = {
    "integer": r"-?\d{1,15}",
    "decimal": r"-?(\d+(\.\d*)?|\.\d+)",
    "range": r"-?(\d+(\.\d*)?|\.\d+)",
    "date": _DATE,
    "time": _TIME,
    "dateTime": rf"{_DATE}T{_TIME}",
    "geopoint": r"-?\d+(\.\d+)? -?\d+(\.\d+)?( -?\d+(\.\d+)?){0,2}",
    "acknowledge": "OK",
}
# How such an answer is written.
_AS_WRITTEN = {
    "date": "2026-11-23",
    "time": "08:30:00",
    "dateTime": "2026-11-23T08:30:00",
    "geopoint": "45.1 126.5",
}


@dataclass
class Compiled:
    """A checklist ready to be stored: the document, the XForm, and what the author should know."""

    document: dict[str, Any]
    xform: str
    notices: list[str]

    @property
    def question_count(self) -> int:
        """Questions a person is asked, notes not counted."""
        return sum(
            1
            for node in _all_nodes(self.document["nodes"])
            if node["kind"] == "question" and node["type"] not in UNASKED
        )


def _all_nodes(nodes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in nodes:
        yield node
        yield from _all_nodes(node.get("children", []))


def compile_workbook(
    content: bytes,
    followup_types: Collection[str],
    prefill_fields: Collection[str] = PREFILL_FIELDS,
    files: Mapping[str, bytes] | None = None,
    *,
    name: str = "",
    limits: Limits | None = None,
) -> Compiled:
    """Compile the bytes of an XLSForm workbook (.xlsx or .xls) and the CSV `files` beside it, by file name.

    `name` is what the workbook is called, for a checklist that does not name itself. Raises ChecklistRefused with
    every problem found.
    """
    limits = limits or Limits()
    sheets, problems = read_sheets(content, limits.max_bytes)
    source = spell(sheets, problems, limits)
    attached = read_attached(
        {file: body for file, body in (files or {}).items() if names(source, file)}, limits
    )
    key = _key(source, name)
    check_sheets(source, attached)
    if not any(not (said.begins or said.ends) for said in source.types.values()):
        source.refuse("survey", 0, "type", _("the checklist has no questions"))
        raise ChecklistRefused(source.problems)
    compiled = _compile(source, attached, read_form(source, key), key, followup_types, prefill_fields)
    if source.problems:
        raise ChecklistRefused(source.problems)
    return compiled


def _compile(
    source: Source,
    attached: dict[str, AttachedList],
    read: XlsForm,
    key: str,
    followup_types: Collection[str],
    prefill_fields: Collection[str],
) -> Compiled:
    work = Compilation(
        source,
        attached,
        Languages(
            source.settings.get("default_language", ""),
            [column for row in source.survey.values() for column in row],
        ),
        Form(Node("group", ""), lists.columns(source, attached)),
        frozenset(followup_types),
        frozenset(prefill_fields),
    )
    _plant(work, read.form["children"], work.root)
    work.form.index()
    nodes = [_node(work, child) for child in work.root.children]
    dependence.check_circles(work)
    choices = lists.compile_lists(work, nodes)
    document: dict[str, Any] = {
        "key": key,
        "version": source.settings.get("version", "1"),
        "title": _title(work, key),
        "languages": work.languages.all,
        "default_language": work.languages.first,
        "use": _one_of_settings(source, "use", USES),
        "nodes": nodes,
        "choices": choices,
        "order": [node.path for node in dependence.order(work)],
    }
    if "pages" in source.settings.get("style", "").split():
        document["style"] = "pages"
    registry = _registry(source)
    if registry:
        document["registry"] = registry
    _notice_missing_texts(work)
    return Compiled(document, read.xform, [str(notice) for notice in source.notices])


# settings


def _key(source: Source, name: str) -> str:
    written = source.settings.get("form_id") or source.settings.get("id_string") or ""
    key = written or name
    if not _KEY.fullmatch(key):
        key = "_".join(re.findall(r"[A-Za-z0-9.:-]+", key)).lstrip(".:-")[:60]
    if not key:
        source.refuse(
            "settings",
            2,
            "form_id",
            _("the checklist has no usable name in form_id"),
            _("letters, digits, - and _, at most 60: routine_2026"),
        )
        return "unnamed"
    if key != written:
        source.notice("settings", 2, "form_id", _("the checklist is named %(key)s", key=key))
    return key


def _title(work: Compilation, key: str) -> dict[str, str]:
    settings = work.source.settings
    by_language = {
        language: settings[f"title_{language}"]
        for language in work.languages.all
        if settings.get(f"title_{language}")
    }
    title = settings.get("form_title") or settings.get("title") or settings.get("set_form_title") or key
    return by_language or {work.languages.default: title}


def _one_of_settings(source: Source, column: str, known: tuple[str, ...]) -> str:
    written = source.settings.get(column, known[0]).lower()
    if written not in known:
        source.refuse(
            "settings", 2, column, _("%(value)s is not understood", value=written[:60]), ", ".join(known)
        )
    return written


def _registry(source: Source) -> dict[str, str]:
    given = {
        name: source.settings[name]
        for name in ("owner", "purpose", "valid_until")
        if source.settings.get(name)
    }
    try:
        date.fromisoformat(given.get("valid_until", "2000-01-01"))
    except ValueError:
        source.refuse(
            "settings",
            2,
            "valid_until",
            _("%(value)s is no date", value=given["valid_until"][:60]),
            "2027-12-31",
        )
    return given


def _notice_missing_texts(work: Compilation) -> None:
    """Say which questions have no words in a language that others have."""
    if len(work.languages.all) < 2:
        return
    missing: dict[str, list[int]] = {}
    for node in work.root.descendants():
        labels = work.languages.of_columns(work.row(node), "label")
        if labels and any(text != "-" for text in labels.values()):
            for language in work.languages.all:
                if language not in labels and node.row:
                    missing.setdefault(language, []).append(node.row)
    for language, rows in missing.items():
        work.source.notice(
            "survey",
            0,
            "label",
            _(
                "no words in %(language)s in row %(rows)s",
                language=language,
                rows=", ".join(map(str, rows[:10])) + (" …" if len(rows) > 10 else ""),
            ),
        )


# the tree of nodes


def _plant(work: Compilation, children: list[dict[str, Any]], parent: Node) -> None:
    """Make the nodes of the form tree, so that expressions can be resolved against all of it."""
    for row in children:
        number = int(row.get(ROW) or 0)
        kind = row["type"] if row["type"] in {"group", "repeat"} else "question"
        if not number and not (kind == "question" and row.get("label") == "Specify other."):
            # What pyxform adds for itself: meta, counts of repeats, heads of tables.
            continue
        said = work.source.types.get(number)
        if said is not None and said.type == CSV_EXTERNAL:
            continue
        node = Node(kind, str(row["name"]), parent, row=number)
        parent.children.append(node)
        if kind != "question":
            _plant(work, row.get("children", []), node)
        elif said is None:
            node.type = "text"
            work.generated[node] = {"type": "text", "name": node.name, "relevant": row["bind"]["relevant"]}
        else:
            node.type = said.type
            if node.type in SELECTS:
                node.list_name = said.list_name.removesuffix(".csv") if said.from_file else said.list_name


def _node(work: Compilation, node: Node) -> dict[str, Any]:
    compiled: dict[str, Any] = {"kind": node.kind, "name": node.name}
    if node.kind == "question":
        compiled["type"] = node.type
    if node in work.generated:
        compiled["label"] = work.languages.known_words(SPECIFY_OTHER)
    for column in ("label", "hint"):
        text = work.texts(node, column)
        if text:
            compiled[column] = text
    _relevance(work, node, compiled)
    if work.row(node).get("appearance"):
        compiled["appearance"] = work.row(node)["appearance"]
    if node.kind == "question":
        _question(work, node, compiled)
        return compiled
    if node.kind == "repeat":
        _repeat_count(work, node, compiled)
    own_columns.refuse_on_section(work, node)
    compiled["children"] = [_node(work, child) for child in node.children]
    return compiled


def _relevance(work: Compilation, node: Node, compiled: dict[str, Any]) -> None:
    text = work.row(node).get("relevant", "")
    if not text or text.lower() in YES:
        return
    found = work.expression(node, "relevant", "false()" if text.lower() in NO else text)
    if found:
        compiled["relevant"] = found.tree
        work.relevance_reads[node] = found.reads


def _repeat_count(work: Compilation, node: Node, compiled: dict[str, Any]) -> None:
    text = work.row(node).get("repeat_count")
    if text is None:
        return
    if node.name == PEOPLE and node.parent is work.root:
        work.refuse(
            node,
            "repeat_count",
            _("the repeat people is bound to the people of the visit"),
            _("leave it empty"),
        )
    found = work.expression(node, "repeat_count", text)
    if found:
        compiled["count"] = found.tree
        work.value_reads[node] = found.reads


def _question(work: Compilation, node: Node, compiled: dict[str, Any]) -> None:
    row = work.row(node)
    if node.list_name:
        compiled["list"] = node.list_name
        if "choice_filter" in row:
            found = work.expression(node, "choice_filter", row["choice_filter"], choice_list=node.list_name)
            if found:
                compiled["choice_filter"] = found.tree
                lists.notice_blank_columns(work, node, found.tree)
                work.value_reads.setdefault(node, []).extend(found.reads)
    for column in ("required", "read_only"):
        condition = work.condition(node, column)
        if condition is not None:
            compiled[column] = condition
    if "constraint" in row:
        found = work.expression(node, "constraint", row["constraint"])
        if found:
            compiled["constraint"] = found.tree
    for column in ("required_message", "constraint_message"):
        text = work.texts(node, column)
        if text:
            compiled[column] = text
    if "trigger" in row:
        _set_on(work, node, compiled)
    elif "calculation" in row:
        found = work.expression(node, "calculation", row["calculation"])
        if found:
            compiled["calculate"] = found.tree
            work.value_reads.setdefault(node, []).extend(found.reads)
            if found.kept:
                compiled["kept"] = True
    _default(work, node, compiled)
    given = dict(part.partition("=")[::2] for part in row.get("parameters", "").split())
    if node.list_name:
        given = {}
    if given:
        compiled["parameters"] = given
    own_columns.of_question(work, node, compiled)


def _set_on(work: Compilation, node: Node, compiled: dict[str, Any]) -> None:
    row = work.row(node)
    named = [work.form.named(name) for name in REFERENCE.findall(row["trigger"])]
    for trigger in named:
        if node.repeats() != trigger.repeats()[: len(node.repeats())]:
            work.refuse(
                node,
                "trigger",
                _("%(name)s stands in another repeat", name=trigger.name),
                _("a question of the same repeat, or one in it"),
            )
    value = work.expression(node, "calculation", row["calculation"]) if "calculation" in row else None
    compiled["set_on"] = {
        "questions": list(dict.fromkeys(trigger.path for trigger in named)),
        "value": value.tree if value else "",
    }


def _default(work: Compilation, node: Node, compiled: dict[str, Any]) -> None:
    text = work.row(node).get("default", "")
    if not text:
        return
    if node.type in FILES:
        work.refuse(node, "default", _("a file cannot be given in advance"), _("leave it empty"))
        return
    # Whether a default is worked out is decided as pyxform does, for the XForm must say the same.
    if default_is_dynamic(text, node.type):
        found = work.expression(node, "default", text)
        if found:
            compiled["default"] = found.tree
        return
    if node.list_name:
        source = work.source.choices.values()
        known = {row["name"] for row in source if row["list_name"] == node.list_name}
        if node.list_name in work.attached:
            known = set(text.split())
        if not set(text.split()) <= known | {"other"}:
            work.refuse(
                node, "default", _("%(value)s is not a choice of %(list)s", value=text, list=node.list_name)
            )
    elif node.type in _DEFAULTS and not re.fullmatch(_DEFAULTS[node.type], text, re.ASCII):
        work.refuse(
            node,
            "default",
            _("%(value)s is no %(type)s", value=text[:60], type=node.type),
            _AS_WRITTEN.get(node.type) or _("leave it empty"),
        )
    compiled["default"] = text
