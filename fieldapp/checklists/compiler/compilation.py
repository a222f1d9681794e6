"""What the parts of the compiler share while one checklist is compiled.

Invariant: an expression or text that is wrong is noted as a problem of its cell, and compiling goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from fieldapp.checklists.compiler.attached import AttachedList
from fieldapp.checklists.compiler.expressions import Form, Node, Resolved, Tree, resolve
from fieldapp.checklists.compiler.spelling import NO, REFERENCE, YES, Source
from fieldapp.checklists.compiler.texts import Languages
from fieldapp.checklists.compiler.workbook import Row
from fieldapp.checklists.compiler.xpath import ExpressionError

_WORD = re.compile(r"[^\W\d]\w*")


def _always_true(condition: Tree) -> list[str]:
    """Texts that stand where a condition should: ${a} = 'yes' or 'no'."""
    if isinstance(condition, str):
        return [condition] if condition else []
    if isinstance(condition, list) and condition[0] in {"and", "or", "not"}:
        return [said for operand in condition[1:] for said in _always_true(operand)]
    return []


@dataclass
class Compilation:
    """One checklist on its way from rows to a document."""

    source: Source
    attached: dict[str, AttachedList]
    languages: Languages
    form: Form
    followup_types: frozenset[str]
    prefill_fields: frozenset[str]
    # What decides the value (or the relevance) of a node, for the order of evaluation and for finding circles.
    value_reads: dict[Node, list[Node]] = field(default_factory=dict)
    relevance_reads: dict[Node, list[Node]] = field(default_factory=dict)
    # Of generated rows; all others are the source's.
    generated: dict[Node, Row] = field(default_factory=dict)

    @property
    def root(self) -> Node:
        """The form itself."""
        return self.form.root

    def row(self, node: Node) -> Row:
        """The cells a node was written in."""
        return self.generated.get(node) or self.source.survey[node.row]

    def refuse(self, node: Node, column: str, reason: str, instead: str = "") -> None:
        """Note a reason for refusal in a cell of the node's row, unless the sheets have shown one there."""
        if not self.source.problems.at("survey", node.row, column):
            self.source.refuse("survey", node.row, column, reason, instead)

    def expression(
        self, node: Node, column: str, text: str, *, choice_list: str | None = None
    ) -> Resolved | None:
        """The expression in `column` of the node's row; None (and a problem noted) when it is wrong."""
        try:
            found = resolve(text, self.form, node, choice_list)
            if found.drawn and column not in {"calculation", "default"}:
                raise ExpressionError(
                    _("random() and uuid() give something else on the server"),
                    _("put it into a calculate row of its own, and name that here"),
                )
        except ExpressionError as error:
            self.refuse(node, column, error.reason, error.instead)
            return None
        if column in {"relevant", "constraint", "required", "choice_filter"}:
            for said in _always_true(found.tree):
                self.source.notice(
                    "survey", node.row, column, _("the text '%(text)s' alone is always true", text=said[:60])
                )
        return found

    def texts(self, node: Node, column: str) -> dict[str, Any] | None:
        """TEXT: by language, a string or (with `${…}` in it) a list of strings and trees."""
        return {
            language: self.parts(node, column, text)
            for language, text in self.languages.of_columns(self.row(node), column).items()
            if text != "-"
        } or None

    def parts(self, node: Node, column: str, text: str) -> Any:
        """A text with the answers it names as trees."""
        if "${" not in text:
            return text
        parts: list[Any] = []
        at = 0
        for match in REFERENCE.finditer(text):
            if match.start() > at:
                parts.append(text[at : match.start()])
            found = self.expression(node, column, match[0])
            parts.append(found.tree if found else "")
            at = match.end()
        if at < len(text):
            parts.append(text[at:])
        return parts

    def condition(self, node: Node, column: str) -> Tree:
        """True, a tree, or None where the column says no."""
        text = self.row(node).get(column, "")
        if text.lower() in NO:
            return None
        if text.lower() in YES:
            return True
        if _WORD.fullmatch(text):
            self.refuse(node, column, _("%(value)s is neither yes nor no", value=text), "yes")
            return None
        found = self.expression(node, column, text)
        return found.tree if found else None

    def yes_or_no(self, node: Node, column: str) -> bool:
        """Whether a column of ours says yes."""
        text = self.row(node).get(column, "").lower()
        if text not in YES | NO:
            self.refuse(node, column, _("%(value)s is neither yes nor no", value=text), "yes")
        return text in YES
