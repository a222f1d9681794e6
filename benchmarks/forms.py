"""The forms everything is measured on: workbooks of mixed questions, made here and compiled like a county's own.

Invariant: every engine is given the same form; ours the compiled document, the others the XForm of the same workbook.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldapp.checklists.compiler.compile import Compiled, compile_workbook
from tests.checklists.vectors import workbook_of

QUESTIONS_A_SECTION = 10

Row = dict[str, str]

_CHOICES = {
    "yn": [("yes", "是", "Yes"), ("no", "否", "No")],
    "level": [
        ("good", "好", "Good"),
        ("fair", "一般", "Fair"),
        ("poor", "差", "Poor"),
        ("none", "没有", "None at all"),
    ],
    "cause": [
        ("illness", "生病", "Illness"),
        ("loss", "失业", "Loss of work"),
        ("weather", "天气", "Weather"),
        ("other", "其他", "Something else"),
    ],
    "helper": [
        ("family", "家人", "Family"),
        ("neighbour", "邻居", "Neighbours"),
        ("village", "村委会", "Village committee"),
        ("charity", "慈善组织", "A charity"),
        ("work", "单位", "Employer"),
        ("nobody", "没有人", "Nobody"),
    ],
}


@dataclass(frozen=True)
class Switch:
    """A yes-or-no question, what its `yes` brings up, and the note in which a calculation is shown."""

    question: str
    appears: str
    note: str


@dataclass(frozen=True)
class Form:
    """A generated form; `rows` of its survey sheet; `asked` are the questions to answer before any is answered."""

    name: str
    workbook: bytes
    compiled: Compiled
    questions: int
    rows: int
    asked: int
    switches: list[Switch]


def make_form(questions: int) -> Form:
    """A form of that many questions (a multiple of ten), notes and calculations not counted."""
    sections = questions // QUESTIONS_A_SECTION
    rows: list[Row] = []
    for number in range(1, sections + 1):
        rows += _section(number, with_repeat=number == sections)
    total = " + ".join(f"${{score_{number}}}" for number in range(1, sections + 1))
    rows += [
        {"type": "calculate", "name": "total", "calculation": total},
        _asked("note", "total_note", "合计：${total} 分", "In all: ${total} points"),
    ]
    workbook = workbook_of(
        {"survey": rows, "choices": _choices(), "settings": _settings(f"bench_{questions}")}
    )
    compiled = compile_workbook(workbook, ())
    if compiled.question_count != questions:
        raise AssertionError(f"made {compiled.question_count} questions, not {questions}")
    switches = [
        Switch(f"s{number}/needs_{number}", f"s{number}/detail_{number}", f"s{number}/note_{number}")
        for number in range(1, sections + 1)
    ]
    # Two questions of each section wait for its first answer.
    asked = questions - 2 * sections
    return Form(str(questions), workbook, compiled, questions, len(rows), asked, switches)


def _choices() -> list[Row]:
    return [
        {"list_name": name, "name": value, "label::中文 (zh)": chinese, "label::English (en)": english}
        for name, found in _CHOICES.items()
        for value, chinese, english in found
    ]


def _settings(form_id: str) -> Row:
    return {"form_id": form_id, "form_title": form_id, "default_language": "中文 (zh)", "version": "1"}


def answers_of(form: Form) -> dict[str, Any]:
    """Answers to every question of the form, none of them wrong."""
    answers: dict[str, Any] = {}
    for number in range(1, len(form.switches) + 1):
        answers[f"s{number}"] = {
            f"needs_{number}": "yes",
            f"cause_{number}": "weather",
            f"detail_{number}": "屋顶漏雨",
            f"people_{number}": "3",
            f"help_{number}": "family village",
            f"since_{number}": "2026-11-01",
            f"state_{number}": "poor",
        } | ({} if number == len(form.switches) else {
            f"spent_{number}": "120.5",
            f"told_{number}": "yes",
            f"words_{number}": "希望早日修好",
        })  # fmt: skip
    answers[f"s{len(form.switches)}"]["member"] = [
        {"member_name": "王秀英", "member_age": "71", "member_at_home": "yes"}
    ]
    return answers


def _asked(kind: str, name: str, chinese: str, english: str, **cells: str) -> Row:
    return {"type": kind, "name": name, "label::中文 (zh)": chinese, "label::English (en)": english, **cells}


def _section(number: int, with_repeat: bool) -> list[Row]:
    needs = f"${{needs_{number}}} = 'yes'"
    score = f"if({needs}, 2, 0) + if(${{state_{number}}} = 'poor', 3, 0) + count-selected(${{help_{number}}})"
    hint = {"hint::中文 (zh)": "按本人所说填写。", "hint::English (en)": "As the person says it."}
    last: list[Row] = [
        _asked(
            "decimal", f"spent_{number}", "花了多少元？", "How many yuan were spent?", constraint=". >= 0"
        ),
        _asked("select_one yn", f"told_{number}", "告诉过村委会吗？", "Has the village been told?"),
        _asked(
            "text", f"words_{number}", "本人怎么说？", "What does the person say?", appearance="multiline"
        ),
    ]
    if with_repeat:
        last = [
            _asked("begin repeat", "member", "同住的人", "Person living here"),
            _asked("text", "member_name", "姓名", "Name", required="yes"),
            _asked("integer", "member_age", "年龄", "Age", constraint=". >= 0 and . <= 120"),
            _asked(
                "select_one yn", "member_at_home", "${member_name} 在家吗？", "Is ${member_name} at home?"
            ),
            {"type": "end repeat"},
        ]
    return [
        _asked("begin group", f"s{number}", f"第 {number} 部分", f"Part {number}"),
        _asked("select_one yn", f"needs_{number}", "有困难吗？", "Is there any difficulty?", required="yes"),
        _asked("select_one cause", f"cause_{number}", "因为什么？", "What is the cause?", relevant=needs),
        _asked(
            "text", f"detail_{number}", "请说明", "Please describe", relevant=needs, required="yes", **hint
        ),
        _asked(
            "integer",
            f"people_{number}",
            "涉及几人？",
            "How many people are concerned?",
            constraint=". >= 0 and . <= 20",
            **{"constraint_message::中文 (zh)": "0 到 20", "constraint_message::English (en)": "0 to 20"},
        ),
        _asked("select_multiple helper", f"help_{number}", "谁在帮忙？", "Who is helping?", **hint),
        _asked("date", f"since_{number}", "从哪天开始？", "Since which day?", constraint=". <= today()"),
        _asked("select_one level", f"state_{number}", "现在怎么样？", "How is it now?", required="yes"),
        *last,
        {"type": "calculate", "name": f"score_{number}", "calculation": score},
        _asked(
            "note",
            f"note_{number}",
            f"第 {number} 部分：${{score_{number}}} 分",
            f"Part {number}: ${{score_{number}}} points",
        ),
        {"type": "end group"},
    ]
