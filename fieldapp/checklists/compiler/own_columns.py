"""Our own columns: flags, follow-ups, prefill, carry and safety, on questions and on choices.

Invariant: other tools ignore them; here one in the wrong place is refused, never ignored.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from fieldapp.checklists.compiler.compilation import Compilation
from fieldapp.checklists.compiler.expressions import Node
from fieldapp.checklists.compiler.question_types import FILES
from fieldapp.checklists.compiler.spelling import OWN_COLUMNS, base
from fieldapp.checklists.compiler.workbook import Row
from fieldapp.checklists.rules import PEOPLE
from fieldapp.core.severity import SEVERITIES

# What a `prefill` may name: fields of the household and person records a phone holds, and how the visit is made.
PREFILL_FIELDS = frozenset(
    {f"household.{name}" for name in ("name", "address", "phone", "grid_code", "note", "last_visit_on", "due_on")}
    | {
        f"person.{name}"
        for name in (
            "name", "sex", "birth_on", "main_class", "tags", "risk", "phone", "id_masked", "relation", "last_contact_on",
            "due_on", "died_on",
        )
    }
    | {"visit.method"}
)  # fmt: skip
_NOT_FROM_RECORDS = FILES | {"note", "calculate", "geopoint", "start-geopoint"}


def of_question(work: Compilation, node: Node, compiled: dict[str, Any]) -> None:
    """Put what our columns say of a question into its compiled form."""
    row = work.row(node)
    safety, carry = work.yes_or_no(node, "safety"), work.yes_or_no(node, "carry")
    if safety:
        compiled["safety"] = True
        for column in ("carry", "prefill", "default"):
            if column in row and (column != "carry" or carry):
                work.refuse(
                    node,
                    column,
                    _("a safety question is asked afresh every time"),
                    _("leave %(column)s empty", column=column),
                )
    if carry:
        if node.type in _NOT_FROM_RECORDS or "calculate" in compiled:
            work.refuse(
                node, "carry", _("the answer to this type cannot be carried over"), _("leave carry empty")
            )
        compiled["carry"] = True
    if "prefill" in row:
        compiled["prefill"] = _prefill(work, node, row["prefill"])
    if "flag" in row:
        _flag(work, node, row, compiled)
    elif "followup" in row:
        work.refuse(node, "followup", _("a follow-up needs a flag"), _("fill in flag: red, orange or yellow"))
    flag_text = work.texts(node, "flag_text")
    if flag_text:
        compiled["flag_text"] = flag_text


def refuse_on_section(work: Compilation, node: Node) -> None:
    """Refuse every column of ours on a group or repeat."""
    for column in work.row(node):
        if base(column) in OWN_COLUMNS:
            work.refuse(
                node,
                column,
                _("only questions can have this, not groups or repeats"),
                _("move it to a question"),
            )


def of_choice(work: Compilation, number: int, row: Row) -> dict[str, Any]:
    """What our columns say of a choice."""
    compiled: dict[str, Any] = {}
    severity = row.get("flag", "")
    if severity and severity not in SEVERITIES:
        work.source.refuse(
            "choices", number, "flag", _("%(value)s is not a severity", value=severity), ", ".join(SEVERITIES)
        )
    if severity:
        compiled["flag"] = severity
    if "followup" in row:
        if not severity:
            work.source.refuse(
                "choices",
                number,
                "followup",
                _("a follow-up needs a flag"),
                _("fill in flag: red, orange or yellow"),
            )
        compiled["followup"] = _followup(work, "choices", number, row["followup"])
    said = work.languages.of_columns(row, "flag_text")
    if said:
        compiled["flag_text"] = said
    for column in ("prefill", "carry", "safety"):
        if column in row:
            work.source.refuse(
                "choices",
                number,
                column,
                _("only questions can have this, not choices"),
                _("move it to the survey sheet"),
            )
    return compiled


def _prefill(work: Compilation, node: Node, name: str) -> str:
    if name not in work.prefill_fields:
        work.refuse(
            node,
            "prefill",
            _("there is no registry field %(name)s", name=name),
            ", ".join(sorted(work.prefill_fields)),
        )
    elif name.startswith("person.") and not any(
        repeat.name == PEOPLE and repeat.parent is work.root for repeat in node.repeats()
    ):
        work.refuse(
            node,
            "prefill",
            _("%(name)s is known inside the repeat people only", name=name),
            _("move the question there"),
        )
    elif node.type in _NOT_FROM_RECORDS:
        work.refuse(node, "prefill", _("this type cannot be filled from the registry"), "hidden")
    return name


def _flag(work: Compilation, node: Node, row: Row, compiled: dict[str, Any]) -> None:
    text = row["flag"]
    if text in SEVERITIES:
        work.refuse(
            node,
            "flag",
            _("on a question, flag is an expression; on a choice it is a colour"),
            f"if(${{{node.name}}} = '…', '{text}', '')",
        )
        return
    found = work.expression(node, "flag", text)
    if found:
        compiled["flag"] = found.tree
    if "followup" in row:
        compiled["followup"] = _followup(work, "survey", node.row, row["followup"])


def _followup(work: Compilation, sheet: str, number: int, code: str) -> str:
    if code not in work.followup_types:
        work.source.refuse(
            sheet,
            number,
            "followup",
            _("there is no follow-up type %(code)s", code=code),
            ", ".join(sorted(work.followup_types)),
        )
    return code
