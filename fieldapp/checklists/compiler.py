"""From a workbook to a compiled checklist: one JSON document that phone, server and desk share.

Invariant: a document holds nothing the evaluators do not know; what cannot be supported is refused, by sheet and row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from fieldapp.checklists.expressions import Form, Node, Resolved, Tree, resolve
from fieldapp.checklists.problems import ChecklistRefused, Problem
from fieldapp.checklists.question_types import QUESTION_TYPES, SELECTS, canonical_type, unsupported
from fieldapp.checklists.rules import PEOPLE, UNASKED
from fieldapp.checklists.workbook import OWN_COLUMNS, ROW, Row, Workbook, own_column, read_workbook
from fieldapp.checklists.xpath import ExpressionError
from fieldapp.core.severity import SEVERITIES

# What a `prefill` may name: fields of the household and person records a phone holds.
PREFILL_FIELDS = frozenset(
    {f"household.{name}" for name in ("name", "address", "phone", "grid_code", "note", "last_visit_on", "due_on")}
    | {
        f"person.{name}"
        for name in (
            "name", "sex", "birth_on", "main_class", "tags", "risk", "phone", "id_masked", "relation", "last_contact_on",
            "due_on", "died_on",
        )
    }
)  # fmt: skip

# Appearances that change what is asked for, not only how it looks.
_REFUSED_APPEARANCES = frozenset({"bearing", "signature", "draw", "annotate", "placement-map"})
_REFUSED_CALLS = ("search(", "ex:", "printer:")
_YES = {"yes", "true", "true()", "1"}
_NO = {"no", "false", "false()", "0", ""}
# What pyxform adds for or_other, in English only.
_OTHER = {"zh": "其他", "en": "Other"}
_SPECIFY_OTHER = {"zh": "请说明", "en": "Please specify"}
_TEXT_REFERENCE = re.compile(r"\$\{[^}]*\}")
_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,60}")
_LANGUAGE_CODE = re.compile(r"\(([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\)\s*$")


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
    content: bytes, followup_types: Collection[str], prefill_fields: Collection[str] = PREFILL_FIELDS
) -> Compiled:
    """Compile the bytes of an XLSForm workbook (.xlsx or .xls); raises ChecklistRefused with every problem found."""
    return _Compiler(read_workbook(content), frozenset(followup_types), frozenset(prefill_fields)).compile()


@dataclass
class _Compiler:
    workbook: Workbook
    followup_types: frozenset[str]
    prefill_fields: frozenset[str]
    problems: list[Problem] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    # What decides the value (or the relevance) of a node, for the order of evaluation and for finding circles.
    value_reads: dict[Node, list[Node]] = field(default_factory=dict)
    relevance_reads: dict[Node, list[Node]] = field(default_factory=dict)
    rows: dict[Node, Row] = field(default_factory=dict)

    def compile(self) -> Compiled:
        source = self.workbook.form
        self.default_language = self.language(str(source.get("default_language") or "default"))
        self.root = Node("group", "")
        self.form = Form(self.root, {})
        for name, rows in (source.get("choices") or {}).items():
            self.form.columns[name] = {"name", "label"} | {column for row in rows for column in row}
        self.plant(source["children"], self.root)
        self.form.index()
        choices = {
            name: [self.choice(name, row) for row in rows]
            for name, rows in (source.get("choices") or {}).items()
        }
        nodes = [self.node(child) for child in self.root.children]
        self.check_circles()
        if not any(node.kind == "question" for node in self.root.descendants()):
            self.refuse({}, "type", _("the checklist has no questions"))
        key = self.key(source)
        if self.problems:
            raise ChecklistRefused(sorted(self.problems, key=lambda p: (p.sheet != "survey", p.sheet, p.row)))
        used = {node.list_name for node in self.root.descendants() if node.list_name} | set(_lists_in(nodes))
        document = {
            "key": key,
            "version": str(source.get("version") or "1"),
            "title": self.title(source),
            "languages": self.languages or [self.default_language],
            "default_language": self.default_language
            if self.default_language in self.languages
            else (self.languages or [self.default_language])[0],
            "nodes": nodes,
            "choices": {name: rows for name, rows in choices.items() if name in used},
            "order": [node.path for node in self.order()],
        }
        return Compiled(
            document, self.workbook.xform, [" ".join(notice.split()) for notice in self.workbook.notices]
        )

    def key(self, source: dict[str, Any]) -> str:
        key = str(source["id_string"])
        if not _KEY.fullmatch(key) or not self.workbook.has_settings:
            self.refuse(
                {ROW: 2},
                "form_id",
                _("the checklist has no usable name in form_id"),
                _("letters, digits, - and _, at most 60: routine_2026"),
                "settings",
            )
        return key

    # problems

    def refuse(self, row: Row, column: str, reason: str, instead: str = "", sheet: str = "survey") -> None:
        problem = Problem(sheet, int(row.get(ROW) or 0), column, reason, instead)
        if problem not in self.problems:
            self.problems.append(problem)

    def expression(
        self, node: Node, column: str, text: Any, *, at: Node | None = None, choice_list: str | None = None
    ) -> Resolved | None:
        """The expression in `column` of the node's row; None (and a problem noted) when it is wrong."""
        try:
            return resolve(str(text), self.form, at or node, choice_list)
        except ExpressionError as error:
            self.refuse(self.rows[node], column, error.reason, error.instead)
            return None

    # texts

    def language(self, name: str) -> str:
        code = _LANGUAGE_CODE.search(name)
        return code[1].lower() if code else name.strip()

    def texts(self, cell: Any) -> dict[str, str]:
        """A text column as pyxform groups it, by language code."""
        if cell is None:
            return {}
        if not isinstance(cell, dict):
            cell = {self.workbook.form.get("default_language") or "default": cell}
        found = {}
        for name, text in cell.items():
            if isinstance(text, dict):
                continue
            code = self.default_language if name == "default" else self.language(name)
            found[code] = str(text)
            if code not in self.languages:
                self.languages.append(code)
        return found

    def text(self, node: Node, column: str, cell: Any) -> dict[str, Any] | None:
        """TEXT: by language, a string or (with `${…}` in it) a list of strings and trees."""
        return {
            language: self.text_parts(node, column, text)
            for language, text in self.texts(cell).items()
            if text.strip() != "-"
        } or None

    def text_parts(self, node: Node, column: str, text: str) -> Any:
        if "${" not in text:
            return text
        parts: list[Any] = []
        at = 0
        for match in _TEXT_REFERENCE.finditer(text):
            if match.start() > at:
                parts.append(text[at : match.start()])
            found = self.expression(node, column, match[0])
            parts.append(found.tree if found else "")
            at = match.end()
        if at < len(text):
            parts.append(text[at:])
        return parts

    def known_words(self, words: dict[str, str]) -> dict[str, str]:
        """Our own words in those of the checklist's languages that we speak, else in English."""
        spoken = {language: words[language] for language in self.languages if language in words}
        return spoken or {self.default_language: words["en"]}

    def title(self, source: dict[str, Any]) -> dict[str, str]:
        by_language = {
            language: str(source[column])
            for language in (self.languages or [self.default_language])
            for column in [f"title_{language}"]
            if source.get(column)
        }
        return by_language or {self.default_language: str(source.get("title") or source["id_string"])}

    # the tree of nodes

    def plant(self, children: list[Row], parent: Node) -> None:
        """Make the nodes of the form tree, so that expressions can be resolved against all of it."""
        for row in children:
            kind = row["type"] if row["type"] in {"group", "repeat"} else "question"
            if kind == "group" and row["name"] == "meta" and parent.parent is None and not row.get(ROW):
                continue
            node = Node(kind, str(row["name"]), parent, row=int(row.get(ROW) or 0))
            self.rows[node] = row
            parent.children.append(node)
            if kind == "question":
                node.type = canonical_type(str(row["type"]))
                if node.type in SELECTS:
                    node.list_name = str(row.get("itemset") or "")
                self.check_type(node, row)
            elif row["type"] == "loop":
                self.refuse(row, "type", _("loops are not supported"), "begin_repeat")
            else:
                self.plant(row.get("children", []), node)

    def check_type(self, node: Node, row: Row) -> None:
        if node.type not in QUESTION_TYPES:
            self.problems.append(unsupported(int(row.get(ROW) or 0), str(row["type"])))
        elif node.type in SELECTS and node.list_name not in self.form.columns:
            self.refuse(
                row,
                "type",
                _("choices from another source than the choices sheet are not supported"),
                node.type,
            )

    def node(self, node: Node) -> dict[str, Any]:
        row = self.rows[node]
        compiled: dict[str, Any] = {"kind": node.kind, "name": node.name}
        if node.kind == "question":
            compiled["type"] = node.type
        label = self.text(node, "label", row.get("label"))
        if not node.row and row.get("label") == "Specify other.":
            label = self.known_words(_SPECIFY_OTHER)
        if label:
            compiled["label"] = label
        hint = self.text(node, "hint", row.get("hint"))
        if hint:
            compiled["hint"] = hint
        self.relevance(node, row, compiled)
        appearance = str((row.get("control") or {}).get("appearance") or "")
        if appearance:
            if _REFUSED_APPEARANCES & set(appearance.split()) or appearance.startswith(_REFUSED_CALLS):
                self.refuse(
                    row,
                    "appearance",
                    _("the appearance %(name)s is not supported", name=appearance),
                    _("leave it empty"),
                )
            compiled["appearance"] = appearance
        if node.kind == "question":
            self.question(node, row, compiled)
        else:
            if node.kind == "repeat":
                self.repeat_count(node, row, compiled)
            self.refuse_own_columns(row, OWN_COLUMNS)
            compiled["children"] = [self.node(child) for child in node.children]
        return compiled

    def relevance(self, node: Node, row: Row, compiled: dict[str, Any]) -> None:
        text = (row.get("bind") or {}).get("relevant")
        if text is None or str(text).lower() in _YES:
            return
        # A repeat is relevant as a whole, so its condition is read where the repeat stands.
        found = self.expression(node, "relevant", "false()" if str(text).lower() in _NO else text)
        if found:
            compiled["relevant"] = found.tree
            self.relevance_reads[node] = found.reads

    def repeat_count(self, node: Node, row: Row, compiled: dict[str, Any]) -> None:
        text = (row.get("control") or {}).get("jr:count")
        if text is None:
            return
        if node.name == PEOPLE and node.parent is self.root:
            self.refuse(
                row,
                "repeat_count",
                _("the repeat people is bound to the people of the visit"),
                _("leave it empty"),
            )
        found = self.expression(node, "repeat_count", text)
        if found:
            compiled["count"] = found.tree
            self.value_reads[node] = found.reads

    def question(self, node: Node, row: Row, compiled: dict[str, Any]) -> None:
        bind = row.get("bind") or {}
        if node.list_name:
            compiled["list"] = node.list_name
            if row.get("choice_filter"):
                found = self.expression(
                    node, "choice_filter", row["choice_filter"], choice_list=node.list_name
                )
                if found:
                    compiled["choice_filter"] = found.tree
                    self.value_reads.setdefault(node, []).extend(found.reads)
        for column, key in (("required", "required"), ("readonly", "read_only")):
            condition = self.condition(node, column, bind.get(column))
            if condition is not None:
                compiled[key] = condition
        if bind.get("constraint") is not None:
            found = self.expression(node, "constraint", bind["constraint"])
            if found:
                compiled["constraint"] = found.tree
        for column, key, message in (
            ("jr:requiredMsg", "required_message", "required_message"),
            ("jr:constraintMsg", "constraint_message", "constraint_message"),
        ):
            text = self.text(node, message, bind.get(column))
            if text:
                compiled[key] = text
        if bind.get("calculate") is not None:
            found = self.expression(node, "calculation", bind["calculate"])
            if found:
                compiled["calculate"] = found.tree
                self.value_reads.setdefault(node, []).extend(found.reads)
                if found.kept:
                    compiled["kept"] = True
        self.default(node, row, compiled)
        if row.get("trigger"):
            self.refuse(
                row,
                "trigger",
                _("triggers are not supported"),
                _("put the condition into the calculation: if(…)"),
            )
        parameters = row.get("parameters")
        if isinstance(parameters, str):
            parameters = dict(part.partition("=")[::2] for part in re.split(r"[\s,;]+", parameters) if part)
        if parameters:
            if str(parameters.get("randomize")) == "true":
                self.refuse(row, "parameters", _("choices are not shuffled"), _("delete randomize=true"))
            compiled["parameters"] = {str(name): str(value) for name, value in parameters.items()}
        if row.get("media"):
            self.workbook.notices.append(
                _("row %(row)s: pictures and sounds beside a question are not shown", row=node.row)
            )
        self.own_columns(node, row, compiled)

    def condition(self, node: Node, column: str, cell: Any) -> Tree:
        """True, a tree, or None where the column says no."""
        text = str(cell or "").strip()
        if text.lower() in _NO:
            return None
        if text.lower() in _YES:
            return True
        found = self.expression(node, column, text)
        return found.tree if found else None

    def default(self, node: Node, row: Row, compiled: dict[str, Any]) -> None:
        if row.get("default") is None:
            return
        if row.get("_dynamic_default"):
            found = self.expression(node, "default", row["default"])
            if found:
                compiled["default"] = found.tree
            return
        value = str(row["default"])
        names = {
            str(choice["name"]) for choice in self.workbook.form.get("choices", {}).get(node.list_name, [])
        }
        if node.list_name and not set(value.split()) <= names:
            self.refuse(
                row, "default", _("%(value)s is not a choice of %(list)s", value=value, list=node.list_name)
            )
        compiled["default"] = value

    # own columns

    def own_columns(self, node: Node, row: Row, compiled: dict[str, Any]) -> None:
        safety = self.yes_or_no(row, "safety")
        carry = self.yes_or_no(row, "carry")
        if safety:
            compiled["safety"] = True
            for column in ("carry", "prefill", "default"):
                if row.get(column) is not None and (column != "carry" or carry):
                    self.refuse(
                        row,
                        column,
                        _("a safety question is asked afresh every time"),
                        _("leave %(column)s empty", column=column),
                    )
        if carry:
            if node.type in {"note", "calculate", "image", "geopoint"} or "calculate" in compiled:
                self.refuse(
                    row, "carry", _("the answer to this type cannot be carried over"), _("leave carry empty")
                )
            compiled["carry"] = True
        if row.get("prefill") is not None:
            self.prefill(node, row, compiled)
        if row.get("flag") is not None:
            self.flag(node, row, compiled)
        elif row.get("followup") is not None:
            self.refuse(
                row, "followup", _("a follow-up needs a flag"), _("fill in flag: red, orange or yellow")
            )
        flag_text = self.text(node, "flag_text", row.get("flag_text") or row.get("flag text"))
        if flag_text:
            compiled["flag_text"] = flag_text

    def yes_or_no(self, row: Row, column: str) -> bool:
        text = str(row.get(column) or "").strip().lower()
        if text not in _YES | _NO:
            self.refuse(row, column, _("%(value)s is neither yes nor no", value=text), "yes")
        return text in _YES

    def prefill(self, node: Node, row: Row, compiled: dict[str, Any]) -> None:
        name = str(row["prefill"]).strip()
        if name not in self.prefill_fields:
            self.refuse(
                row,
                "prefill",
                _("there is no registry field %(name)s", name=name),
                ", ".join(sorted(self.prefill_fields)),
            )
        elif name.startswith("person.") and not any(
            r.name == PEOPLE and r.parent is self.root for r in node.repeats()
        ):
            self.refuse(
                row,
                "prefill",
                _("%(name)s is known inside the repeat people only", name=name),
                _("move the question there"),
            )
        elif node.type in {"note", "calculate", "image", "geopoint"}:
            self.refuse(row, "prefill", _("this type cannot be filled from the registry"), "hidden")
        compiled["prefill"] = name

    def flag(self, node: Node, row: Row, compiled: dict[str, Any]) -> None:
        text = str(row["flag"]).strip()
        if text in SEVERITIES:
            self.refuse(
                row,
                "flag",
                _("on a question, flag is an expression; on a choice it is a colour"),
                f"if(${{{node.name}}} = '…', '{text}', '')",
            )
            return
        found = self.expression(node, "flag", text)
        if found:
            compiled["flag"] = found.tree
        if row.get("followup") is not None:
            compiled["followup"] = self.followup(row, str(row["followup"]).strip(), "survey")

    def followup(self, row: Row, code: str, sheet: str) -> str:
        if code not in self.followup_types:
            self.refuse(
                row,
                "followup",
                _("there is no follow-up type %(code)s", code=code),
                ", ".join(sorted(self.followup_types)),
                sheet,
            )
        return code

    def refuse_own_columns(self, row: Row, columns: Collection[str]) -> None:
        for column in columns:
            if row.get(column) is not None:
                self.refuse(
                    row,
                    column,
                    _("only questions can have this, not groups or repeats"),
                    _("move it to a question"),
                )

    # choices

    def choice(self, list_name: str, row: Row) -> dict[str, Any]:
        compiled: dict[str, Any] = {"name": str(row["name"]), "label": self.texts(row.get("label"))}
        if not row.get(ROW):
            compiled["label"] = self.known_words(_OTHER)
        if any("${" in text for text in compiled["label"].values()):
            self.refuse(
                row, "label", _("a choice label cannot contain ${…}"), _("write the words out"), "choices"
            )
        for column, value in row.items():
            if column in {"name", "label", ROW, "list_name", "list name", *OWN_COLUMNS} or isinstance(
                value, dict
            ):
                continue
            compiled[column] = str(value)
        if row.get("media"):
            self.workbook.notices.append(
                _("choices, row %(row)s: pictures beside a choice are not shown", row=row.get(ROW, ""))
            )
        severity = str(row.get("flag") or "").strip()
        if severity and severity not in SEVERITIES:
            self.refuse(
                row,
                "flag",
                _("%(value)s is not a severity", value=severity),
                ", ".join(SEVERITIES),
                "choices",
            )
        if severity:
            compiled["flag"] = severity
        if row.get("followup") is not None:
            if not severity:
                self.refuse(
                    row,
                    "followup",
                    _("a follow-up needs a flag"),
                    _("fill in flag: red, orange or yellow"),
                    "choices",
                )
            compiled["followup"] = self.followup(row, str(row["followup"]).strip(), "choices")
        said = self.choice_flag_text(row)
        if said:
            compiled["flag_text"] = said
        for column in ("prefill", "carry", "safety"):
            if row.get(column) is not None:
                self.refuse(
                    row,
                    column,
                    _("only questions can have this, not choices"),
                    _("move it to the survey sheet"),
                    "choices",
                )
        return compiled

    def choice_flag_text(self, row: Row) -> dict[str, str]:
        """The flag_text columns of a choice's row as written, for pyxform does not carry them through."""
        raw = self.workbook.choices.get(int(row.get(ROW) or 0), {})
        said = {}
        for header, text in raw.items():
            if own_column(header) == "flag_text" and text:
                language = header.partition("::")[2].strip()
                said[self.language(language) if language else self.default_language] = str(text)
        return said

    # order and circles

    def decided_by(self, node: Node) -> list[Node]:
        """The nodes whose answers decide this node's answer as others see it."""
        reads = list(self.value_reads.get(node, []))
        for place in [*node.ancestors(), node]:
            reads += self.relevance_reads.get(place, [])
            if place.kind == "repeat":
                reads += self.value_reads.get(place, [])
        return reads

    def order(self) -> list[Node]:
        """Questions and repeats that depend on others, each after those it depends on; circles are cut anywhere."""
        done: dict[Node, None] = {}
        started: set[Node] = set()
        for first in self.root.descendants():
            stack = [(first, iter(self.decided_by(first)))]
            if first in started:
                continue
            started.add(first)
            while stack:
                node, rest = stack[-1]
                following = next((read for read in rest if read not in started), None)
                if following is None:
                    stack.pop()
                    done[node] = None
                else:
                    started.add(following)
                    stack.append((following, iter(self.decided_by(following))))
        return [node for node in done if node.kind != "group" and self.decided_by(node)]

    def check_circles(self) -> None:
        """Refuse a question that decides its own relevance or takes part in the calculation of itself."""
        for node, reads in self.relevance_reads.items():
            own = [read for read in reads if read is node or node in read.ancestors()]
            if own:
                self.refuse(
                    self.rows[node],
                    "relevant",
                    _("%(name)s decides whether it is asked itself", name=own[0].name),
                    _("use an earlier question"),
                )
                return
        place: dict[
            Node, int
        ] = {}  # 1 while its circle is being looked for, 2 when it is known to be in none
        for first in self.root.descendants():
            if first in place:
                continue
            place[first] = 1
            trail = [(first, iter(self.decided_by(first)))]
            while trail:
                node, rest = trail[-1]
                following = next(rest, None)
                if following is None:
                    trail.pop()
                    place[node] = 2
                elif following not in place:
                    place[following] = 1
                    trail.append((following, iter(self.decided_by(following))))
                elif place[following] == 1:
                    names = [node.name for node, _rest in trail]
                    around = [*names[names.index(following.name) :], following.name]
                    column = "calculation" if following in self.value_reads else "relevant"
                    self.refuse(
                        self.rows[following],
                        column,
                        _("these depend on each other in a circle: %(names)s", names=" → ".join(around)),
                        _("break the circle"),
                    )
                    return


def _lists_in(value: Any) -> Iterator[str]:
    """Choice lists that expressions name."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _lists_in(inner)
    elif isinstance(value, list):
        if len(value) > 2 and value[0] == "choice-name":
            yield value[2]
        elif len(value) > 2 and value[0] == "item":
            yield value[1]
        for inner in value:
            yield from _lists_in(inner)
