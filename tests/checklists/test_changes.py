"""What is told about the difference between two versions of a checklist, from real workbooks."""

from __future__ import annotations

from copy import deepcopy
from time import process_time
from typing import Any

import pytest

from fieldapp.checklists.changes import Changes, compare_versions
from fieldapp.checklists.compiler.sources import read_source
from tests.checklists.vectors import compile_form, workbook_of

ZH, EN = "label::中文 (zh)", "label::English (en)"


def ask(type: str, name: str, zh: str, en: str, **cells: str) -> dict[str, str]:
    return {"type": type, "name": name, ZH: zh, EN: en, **cells}


def choice(list_name: str, name: str, zh: str, en: str, **cells: str) -> dict[str, str]:
    return {"list_name": list_name, "name": name, ZH: zh, EN: en, **cells}


COLD = {"relevant": "${heated} = 'no'", "flag": "if(. < 14, 'orange', '')"}
BASE: dict[str, Any] = {
    "survey": [
        ask("begin_group", "home", "家里", "Home"),
        ask("select_one days", "food", "粮油够吃几天", "Food", safety="yes"),
        ask("select_one yn", "heated", "取暖正常", "Heating works", carry="yes"),
        ask("decimal", "temp", "室温", "Temperature", **COLD),
        {"type": "end_group"},
        ask("text", "note", "备注", "Note"),
        ask("integer", "people_at_home", "在家几人", "People at home"),
    ],
    "choices": [
        choice("days", "lt3", "不足3天", "Under 3", flag="red"),
        choice("days", "d3_9", "3–9天", "3–9"),
        choice("yn", "yes", "是", "Yes"),
        choice("yn", "no", "否", "No"),
    ],
    "settings": {"form_id": "winter", "title_zh": "冬季保暖", "title_en": "Winter"},
}


def changed(**edits: Any) -> dict[str, Any]:
    """The base form with cells of rows changed: question name → cells (None: the row goes)."""
    form = deepcopy(BASE)
    for sheet in ("survey", "choices"):
        rows = []
        for row in form[sheet]:
            edit = edits.get(row.get("name", ""), {})
            if edit is not None:
                rows.append({**row, **edit})
        form[sheet] = rows
    return form


def inserted(at: int, *rows: dict[str, Any]) -> dict[str, Any]:
    form = deepcopy(BASE)
    form["survey"][at:at] = rows
    return form


def reordered(*names: str) -> dict[str, Any]:
    form = deepcopy(BASE)
    by_name = {row.get("name", "end"): row for row in form["survey"]}
    form["survey"] = [by_name[name] for name in names]
    return form


def compare(new: dict[str, Any], old: dict[str, Any] = BASE) -> Changes:
    return compare_versions(
        compile_form(old).document,
        compile_form(new).document,
        read_source(workbook_of(old)),
        read_source(workbook_of(new)),
    )


def told(changes: Changes) -> list[tuple[str, str]]:
    return [(change.kind, change.path) for change in changes.questions]


def details(changes: Changes, path: str) -> list[tuple[str, ...]]:
    change = next(change for change in changes.questions if change.path == path)
    return [(d.aspect, d.before, d.after, d.language, d.about) for d in change.details]


def risks(changes: Changes) -> set[str]:
    return {*changes.risks, *(risk for change in changes.questions for risk in change.risks)}


def test_a_version_against_itself_is_no_change():
    assert not compare(BASE)


def test_another_way_of_writing_the_same_expression_is_no_change():
    assert not compare(changed(temp={"relevant": "${heated}  =  'no'"}))


HEAT = changed(heated={"name": "heat"}, temp={"relevant": "${heat} = 'no'"})
NOT = changed(no={"name": "not"}, temp={"relevant": "${heated} = 'not'"})
FOOD_LAST = reordered("home", "heated", "temp", "food", "end", "note", "people_at_home")
TEMP_OUT = reordered("home", "food", "heated", "end", "note", "temp", "people_at_home")
FOOD = [("changed", "home/food")]
CASES: list[tuple[str, dict[str, Any], list[tuple[str, str]], set[str]]] = [
    (
        "a question more",
        inserted(5, {"type": "text", "name": "who", ZH: "谁来照看"}),
        [("added", "who")],
        set(),
    ),
    ("a question less", changed(note=None), [("removed", "note")], set()),
    (
        "a safety question less",
        changed(food=None),
        [("removed", "home/food")],
        {"safety_removed", "flag_dropped"},
    ),
    ("no longer a safety question", changed(food={"safety": ""}), FOOD, {"safety_dropped"}),
    ("a flag less", changed(temp={"flag": ""}), [("changed", "home/temp")], {"flag_dropped"}),
    ("a choice's flag less", changed(lt3={"flag": ""}), FOOD, {"flag_dropped"}),
    ("a choice's flag weaker", changed(lt3={"flag": "yellow"}), FOOD, {"flag_dropped"}),
    ("a choice's flag stronger", changed(d3_9={"flag": "orange"}), FOOD, set()),
    ("a flagged choice less", changed(lt3=None), FOOD, {"flag_dropped"}),
    ("a flagged choice renamed keeps its flag", changed(lt3={"name": "under3"}), FOOD, set()),
    (
        "another type",
        changed(people_at_home={"type": "text"}),
        [("changed", "people_at_home")],
        {"type_changed"},
    ),
    ("another name", changed(note={"name": "remark"}), [("renamed", "remark")], set()),
    (
        "another name of what is carried",
        HEAT,
        [("renamed", "home/heat"), ("changed", "home/temp")],
        {"carried_answers_lost"},
    ),
    (
        "another name of a choice of what is carried",
        NOT,
        [("changed", "home/heated"), ("changed", "home/temp")],
        {"carried_answers_lost"},
    ),
    ("another order", FOOD_LAST, [("moved", "home/food")], set()),
    ("out of its group", TEMP_OUT, [("moved", "temp")], set()),
    ("a group of another name", changed(home={"name": "house"}), [("renamed", "house")], set()),
    ("a condition", changed(note={"relevant": "${people_at_home} > 0"}), [("changed", "note")], set()),
]


@pytest.mark.parametrize(("what", "new", "expected", "risky"), CASES, ids=[case[0] for case in CASES])
def test_what_is_told(what, new, expected, risky):
    changes = compare(new)
    assert told(changes) == expected, changes
    assert risks(changes) == risky


def test_words_are_compared_by_language():
    changes = compare(changed(note={EN: "Remarks", "hint::中文 (zh)": "一句话"}))
    assert details(changes, "note") == [
        ("label", "Note", "Remarks", "en", ""),
        ("hint", "", "一句话", "zh", ""),
    ]


def test_expressions_are_told_as_written():
    changes = compare(
        changed(temp={"relevant": "${heated} = 'no' or ${heated} = ''", "flag": "if(. < 12, 'red', '')"})
    )
    assert details(changes, "home/temp") == [
        ("relevant", "${heated} = 'no'", "${heated} = 'no' or ${heated} = ''", "", ""),
        ("flag", "if(. < 14, 'orange', '')", "if(. < 12, 'red', '')", "", ""),
    ]


def test_yes_and_no_columns_are_told():
    changes = compare(changed(note={"required": "yes"}, heated={"carry": ""}))
    assert details(changes, "note") == [("required", "", "yes", "", "")]
    assert details(changes, "home/heated") == [("carry", "yes", "", "", "")]


def test_choices_are_told_one_by_one():
    new = changed(d3_9={ZH: "3到9天"})
    new["choices"].insert(2, choice("days", "gt9", "10天以上", "10+"))
    assert details(compare(new), "home/food") == [
        ("choice_added", "", "10天以上", "", "gt9"),
        ("choice_label", "3–9天", "3到9天", "zh", "d3_9"),
    ]
    renamed = compare(changed(lt3={"name": "under3"}))
    assert details(renamed, "home/food") == [("choice_renamed", "lt3", "under3", "", "不足3天")]


def test_what_follows_a_question_that_was_renamed_is_told_where_it_was_written_anew():
    changes = compare(HEAT)
    assert details(changes, "home/temp") == [("relevant", "${heated} = 'no'", "${heat} = 'no'", "", "")]


def test_a_whole_group_that_came_or_went_is_one_line():
    group = [
        {"type": "begin_group", "name": "fire", ZH: "防火"},
        {"type": "text", "name": "stove", ZH: "炉具", "safety": "yes"},
        {"type": "end_group"},
    ]
    with_group = inserted(5, *group)
    assert told(compare(with_group)) == [("added", "fire")]
    gone = compare(BASE, with_group)
    assert told(gone) == [("removed", "fire")]
    assert risks(gone) == {"safety_removed"}


def test_title_and_languages_are_told():
    form = deepcopy(BASE)
    form["settings"]["title_zh"] = "冬季取暖"
    assert [(d.aspect, d.before, d.after) for d in compare(form).form] == [("title", "冬季保暖", "冬季取暖")]
    for sheet in ("survey", "choices"):
        form[sheet] = [{k: v for k, v in row.items() if not k.endswith("(en)")} for row in form[sheet]]
    changes = compare(form)
    assert ("language_removed", "en") in [(d.aspect, d.before) for d in changes.form]
    assert "language_removed" in risks(changes)


def test_a_large_checklist_written_anew_is_compared_in_a_moment():
    def many(prefix: str, count: int) -> dict[str, Any]:
        rows = [{"type": "text", "name": f"{prefix}{n}", "label": f"{prefix} {n}"} for n in range(count)]
        return {"survey": rows, "settings": {"form_id": "many"}}

    changes = compare(many("b", 600), many("a", 600))
    assert len(changes.questions) == 1200


def test_long_lists_of_choices_are_compared_in_a_moment():
    def villages(prefix: str) -> dict[str, Any]:
        choices = [{"name": f"{prefix}{n}", "label": {"zh": f"{prefix}村{n}"}} for n in range(10_000)]
        nodes = [{"kind": "question", "type": "select_one", "name": f"q{n}", "list": "v"} for n in range(20)]
        return {"title": {}, "languages": ["zh"], "nodes": nodes, "choices": {"v": choices}}

    began = process_time()
    changes = compare_versions(villages("a"), villages("b"), {}, {})
    assert len(changes.questions) == 20
    assert len(changes.questions[0].details) == 20_000
    assert process_time() - began < 5
