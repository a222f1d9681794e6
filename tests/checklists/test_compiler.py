"""What the compiler accepts, and what it refuses: by sheet, row and column, with what to write instead."""

from __future__ import annotations

import pytest

from fieldapp.checklists.compiler.problems import ChecklistRefused
from tests.checklists.vectors import compile_form

YES_NO = [
    {"list_name": "yn", "name": "yes", "label": "Yes"},
    {"list_name": "yn", "name": "no", "label": "No"},
]


def row(type_, name, label="x", **cells):
    return {"type": type_, "name": name, "label": label, **cells}


def refusal(*survey, choices=YES_NO, **form):
    with pytest.raises(ChecklistRefused) as refused:
        compile_form({"survey": list(survey), "choices": choices, **form})
    return refused.value.problems


def only(problems):
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def nodes_of(*survey, choices=YES_NO, **form):
    document = compile_form({"survey": list(survey), "choices": choices, **form}).document
    return {node["name"]: node for node in document["nodes"]}


A = row("text", "a")
N = row("integer", "n")


# --- expressions ---


@pytest.mark.parametrize(
    ("expression", "part", "instead"),
    [
        ("(${n} > 1", "not closed", "add )"),
        ("${n} > 1)", "too many", ""),
        ("if(${n} > 1, 'a', 'b'", "not closed", "add )"),
        ("${n} >", "nothing follows", "add what is missing or delete the operator"),
        ("${n} = 1 and", "nothing follows", "add what is missing or delete the operator"),
        ("and ${n} = 1", "operator is missing before", "join the two with and, or, = …"),
        ("!= 1", "missing before !=", "add what is missing or delete the operator"),
        ("${n} == 1", "== is not an operator", "write ="),
        ("${n} = 1 && ${a} = 'x'", "&& is not an operator", "write and"),
        ("${n} = 1 || ${a} = 'x'", "|| is not an operator", "write or"),
        ("${n} ! = 1", "! is not an operator", "write not(…)"),
        ("foo(${n})", "no function foo()", ""),
        ("Selected(${a}, 'x')", "no function Selected()", "selected(…)"),
        ("count_selected(${a}) > 1", "no function count_selected()", "count-selected(…)"),
        ("IF(${n} = 1, 1, 2)", "no function IF()", "if(…)"),
        ("if(${n} = 1, 'a')", "takes 3 arguments, not 2", ""),
        ("selected(${a})", "takes 2 arguments, not 1", ""),
        ("concat(${a},)", "empty argument", ""),
        ("n > 1", "without ${ }", "${n}"),
        ("nobody > 1", "nobody is not understood", "quote a text: 'nobody'; mark a question: ${name}"),
        ("${n} = yes", "yes is not understood", "quote a text: 'yes'; mark a question: ${name}"),
        ("${n} = TRUE", "TRUE alone", "write true()"),
        ("${n} => 1", "missing before >", ">="),
        ("${n} <> 1", "missing before >", "!="),
        ("${n} ≥ 1", "the sign ≥", ">="),
        ("$｛n｝ = 1", "full-width sign ｛", "type it with the input method switched to English"),
        ("if(${n} = 1；1；2)", "full-width sign ；", "type it with the input method switched to English"),
        ("${n} = 1 且 ${a} = 'x'", "missing before 且", "and"),
        ("index()", "the function index() is not supported", "position(..)"),
        ("'open", "does not end", "close it with the same quote"),
        ("${n} 1", "operator is missing before 1", "join the two with and, or, = …"),
        ("()", "brackets ( ) are empty", ""),
        ("${n}（1）", "full-width sign （", "type it with the input method switched to English"),
        ("//n", "// are not supported", "${name}"),
        ("@n", "attributes", ""),
        ("${n} | ${a}", "joining node sets", "use coalesce(a, b) or two calculations"),
        ("../nothing", "no nothing in", "${name}"),
        ("../../../n", "leads out of the form", "${name}"),
        ("position()", "needs to know of what", "position(..)"),
        ("jr:choice-name(${a}, '${a}')", "not a question with choices", ""),
        ("jr:choice-name(${a}, ${a})", "is quoted", "jr:choice-name(${name}, '${name}')"),
        ("instance('towns')/root/item", "no choice list towns", ""),
        ("pulldata('a', 'b', 'c', 'd')", "the file a.csv is missing", "hand it in with the workbook"),
        ("regex(${a}, ${n})", "must be written out", ""),
        ("regex(${a}, '(')", "pattern is not understood", ""),
        ("regex(${a}, '^(?=x)')", "(?…) in a pattern", "( … )"),
        (r"regex(${a}, '(a)\1')", "is not supported", ""),
        ("regex(${a}, '[[:alpha:]]')", "[:…:]", "[A-Za-z]"),
        ("(" * 60 + "1" + ")" * 60, "nested too deeply", "move parts of it into calculate rows"),
        ("1" + " + 1" * 200, "too long", "move parts of it into calculate rows"),
    ],
)
def test_wrong_expression_is_refused_with_reason_and_what_to_write(expression, part, instead):
    problem = only(refusal(A, N, row("text", "c", relevant=expression)))
    assert (problem.sheet, problem.row, problem.column) == ("survey", 4, "relevant")
    assert part in problem.reason
    assert problem.instead == instead


def test_every_wrong_expression_of_a_workbook_is_named():
    problems = refusal(
        row("text", "a", relevant="${n} ="),
        row("integer", "n", constraint=". > (1"),
        row("calculate", "c", "", calculation="foo()"),
        row("select_one yn", "s", required="maybe"),
        row("text", "t", default="1 +* ${n}"),
    )
    assert [(p.row, p.column) for p in problems] == [
        (2, "relevant"),
        (3, "constraint"),
        (4, "calculation"),
        (5, "required"),
        (6, "default"),
    ]


def test_required_maybe_is_refused():
    problem = only(refusal(row("text", "a", required="maybe")))
    assert (problem.row, problem.column) == (2, "required")


@pytest.mark.parametrize("word", ["yes", "Yes", "TRUE", "true()"])
def test_required_yes_is_true(word):
    assert nodes_of(row("text", "a", required=word))["a"]["required"] is True


@pytest.mark.parametrize("word", ["no", "FALSE", "false()"])
def test_required_no_is_left_out(word):
    assert "required" not in nodes_of(row("text", "a", required=word))["a"]


def test_unknown_reference_is_refused_by_row():
    problem = only(refusal(A, row("text", "c", relevant="${nobody} = 1")))
    assert problem.row == 3
    assert "nobody" in problem.reason


# --- circles ---


def test_question_that_decides_its_own_relevance_is_refused():
    problem = only(refusal(row("text", "a", relevant="${a} = ''")))
    assert (problem.row, problem.column) == (2, "relevant")
    assert "decides whether it is asked itself" in problem.reason


def test_group_relevant_by_a_question_inside_is_refused():
    problem = only(
        refusal(
            row("begin_group", "g", relevant="${inside} = 'x'"), row("text", "inside"), {"type": "end_group"}
        )
    )
    assert problem.row == 2
    assert "inside decides" in problem.reason


def test_calculations_in_a_circle_are_refused_with_the_circle():
    problem = only(
        refusal(
            row("calculate", "one", "", calculation="${two} + 1"),
            row("calculate", "two", "", calculation="${three} + 1"),
            row("calculate", "three", "", calculation="${one} + 1"),
        )
    )
    assert (problem.row, problem.column) == (2, "calculation")
    assert "one → two → three → one" in problem.reason


def test_relevance_in_a_circle_over_two_questions_is_refused():
    problem = only(refusal(row("text", "a", relevant="${b} = ''"), row("text", "b", relevant="${a} = ''")))
    assert "circle" in problem.reason


def test_calculation_of_itself_is_refused_but_a_constraint_on_itself_is_not():
    assert "circle" in only(refusal(row("calculate", "c", "", calculation="${c} + 1"))).reason
    assert nodes_of(row("integer", "n", constraint="${n} > 1"))["n"]["constraint"] == [
        ">",
        ["ref", 0, "n"],
        1,
    ]


def test_a_chain_of_a_thousand_calculations_written_backwards_compiles_and_is_evaluated():
    from fieldapp.checklists.rules import evaluate

    survey = [
        row("calculate", f"c{n}", "", calculation=f"${{c{n + 1}}} + 1" if n < 999 else "${n} + 1")
        for n in range(1000)
    ]
    document = compile_form({"survey": [*survey, N]}).document
    assert evaluate(document, {"n": "1"}, {}).answers["c0"] == "1001"


# --- types, texts, own columns ---


@pytest.mark.parametrize(
    ("type_", "instead"),
    [
        ("geotrace", "geopoint"),
        ("background-audio", "audio"),
        ("calculate_here", "calculate"),
        ("comments", "text"),
    ],
)
def test_unsupported_type_is_refused_with_another(type_, instead):
    problem = only(refusal(A, row(type_, "b")))
    assert (problem.row, problem.column, problem.instead) == (3, "type", instead)


def test_a_loop_is_refused_once():
    problem = only(refusal(row("begin loop over yn", "b"), A, {"type": "end loop"}))
    assert (problem.row, problem.column, problem.instead) == (2, "type", "begin_repeat")


def test_all_unsupported_types_are_named_even_where_pyxform_knows_none_of_them():
    problems = refusal(A, row("caseid", "b"), row("geoshape", "c"), row("comments", "d"))
    assert [problem.row for problem in problems] == [3, 4, 5]


@pytest.mark.parametrize("appearance", ["annotate", "search('x')", "ex:org.example(1)"])
def test_appearance_that_changes_meaning_is_refused(appearance):
    problem = only(refusal(row("image" if appearance == "annotate" else "text", "a", appearance=appearance)))
    assert problem.column == "appearance"


def test_languages_come_from_the_columns():
    document = compile_form(
        {
            "survey": [
                {
                    "type": "select_one yn",
                    "name": "a",
                    "label::中文 (zh)": "好吗？",
                    "label::English (en)": "Well?",
                    "hint::中文 (zh)": "问一问",
                    "constraint": ". != 'no'",
                    "constraint_message::English (en)": "Not ${a}",
                }
            ],
            "choices": [
                {"list_name": "yn", "name": "yes", "label::中文 (zh)": "好", "label::English (en)": "Yes"},
                {"list_name": "yn", "name": "no", "label::中文 (zh)": "不好", "label::English (en)": "No"},
            ],
            "settings": {"default_language": "中文 (zh)", "title_zh": "问好", "title_en": "Greeting"},
        }
    ).document
    assert document["languages"] == ["zh", "en"]
    assert document["default_language"] == "zh"
    assert document["title"] == {"zh": "问好", "en": "Greeting"}
    question = document["nodes"][0]
    assert question["label"] == {"zh": "好吗？", "en": "Well?"}
    assert question["hint"] == {"zh": "问一问"}
    assert question["constraint_message"] == {"en": ["Not ", ["ref", 0, "a"]]}
    assert document["choices"]["yn"][0]["label"] == {"zh": "好", "en": "Yes"}


def test_or_other_asks_in_the_languages_of_the_checklist():
    document = compile_form(
        {
            "survey": [{"type": "select_one yn or_other", "name": "a", "label::中文 (zh)": "选"}],
            "choices": [{"list_name": "yn", "name": "yes", "label::中文 (zh)": "好"}],
            "settings": {"default_language": "中文 (zh)"},
        }
    ).document
    assert document["choices"]["yn"][1] == {"name": "other", "label": {"zh": "其他"}}
    assert document["nodes"][1]["label"] == {"zh": "请说明"}


def test_extra_columns_of_choices_are_kept_as_texts():
    choices = [{"list_name": "yn", "name": "yes", "label": "Yes", "county": 23}]
    document = compile_form({"survey": [row("select_one yn", "a")], "choices": choices}).document
    assert document["choices"]["yn"][0]["county"] == "23"


def test_a_filter_by_a_column_that_is_not_there_is_refused():
    problem = only(refusal(A, row("select_one yn", "s", choice_filter="county = ${a}")))
    assert (problem.row, problem.column) == (3, "choice_filter")
    assert "no column county" in problem.reason


def test_flag_and_followup_on_a_choice():
    choices = [
        {
            "list_name": "yn",
            "name": "no",
            "label": "No",
            "flag": "red",
            "flag text::中文 (zh)": "断粮",
            "flag text::English (en)": "No food",
            "followup": "temporary_relief",
        }
    ]
    compiled = compile_form({"survey": [row("select_one yn", "a")], "choices": choices})
    assert compiled.document["choices"]["yn"] == [
        {
            "name": "no",
            "label": {"default": "No"},
            "flag": "red",
            "followup": "temporary_relief",
            "flag_text": {"zh": "断粮", "en": "No food"},
        }
    ]
    assert "flag_text" not in compiled.xform


def test_flag_text_with_an_underscore_on_choices_is_understood_too():
    choices = [
        {"list_name": "yn", "name": "no", "label": "No", "flag": "red", "flag_text::中文 (zh)": "断粮"}
    ]
    document = compile_form({"survey": [row("select_one yn", "a")], "choices": choices}).document
    assert document["choices"]["yn"][0]["flag_text"] == {"zh": "断粮"}


@pytest.mark.parametrize(
    ("cells", "column", "part"),
    [
        ({"flag": "crimson"}, "flag", "not a severity"),
        ({"flag": "red", "followup": "magic"}, "followup", "no follow-up type magic"),
        ({"followup": "medical"}, "followup", "needs a flag"),
        ({"carry": "yes"}, "carry", "only questions"),
        ({"label": "Yes ${nobody}"}, "label", "no question nobody"),
    ],
)
def test_wrong_own_column_on_a_choice_is_refused_on_its_row(cells, column, part):
    choices = [*YES_NO, {"list_name": "yn", "name": "x", "label": "X", **cells}]
    problem = only(refusal(row("select_one yn", "a"), choices=choices))
    assert (problem.sheet, problem.row, problem.column) == ("choices", 4, column)
    assert part in problem.reason


@pytest.mark.parametrize(
    ("cells", "column", "part"),
    [
        ({"flag": "red"}, "flag", "on a question, flag is an expression"),
        ({"flag": "if(", "followup": "medical"}, "flag", "stops too early"),
        ({"flag": "'red'", "followup": "magic"}, "followup", "no follow-up type magic"),
        ({"followup": "medical"}, "followup", "needs a flag"),
        ({"prefill": "household.secret"}, "prefill", "no registry field household.secret"),
        ({"prefill": "person.name"}, "prefill", "inside the repeat people only"),
        ({"safety": "perhaps"}, "safety", "neither yes nor no"),
        ({"safety": "yes", "carry": "yes"}, "carry", "asked afresh"),
        ({"safety": "yes", "prefill": "household.name"}, "prefill", "asked afresh"),
        ({"safety": "yes", "default": "x"}, "default", "asked afresh"),
    ],
)
def test_wrong_own_column_on_a_question_is_refused(cells, column, part):
    problem = only(refusal(row("text", "a", **cells)))
    assert (problem.sheet, problem.row, problem.column) == ("survey", 2, column)
    assert part in problem.reason


def test_own_columns_on_groups_are_refused():
    problem = only(refusal(row("begin_group", "g", carry="yes"), A, {"type": "end_group"}))
    assert (problem.row, problem.column) == (2, "carry")


def test_people_takes_its_number_from_the_visit():
    problem = only(refusal(row("begin_repeat", "people", repeat_count="2"), A, {"type": "end_repeat"}))
    assert problem.column == "repeat_count"


def test_a_default_that_is_no_choice_is_refused():
    problem = only(refusal(row("select_one yn", "a", default="maybe")))
    assert problem.column == "default"


def test_a_checklist_needs_a_name_of_its_own():
    problem = only(refusal(A, settings={"form_id": "日常走访"}))
    assert (problem.sheet, problem.column) == ("settings", "form_id")


# --- what is met in real forms ---


def test_a_name_used_in_two_groups_is_told_apart_by_its_path():
    nodes = nodes_of(
        row("begin_group", "one"),
        row("text", "note"),
        row("text", "why", relevant="../note != ''"),
        {"type": "end_group"},
        row("begin_group", "two"),
        row("text", "note"),
        row("text", "why", relevant="../note != ''"),
        {"type": "end_group"},
    )
    assert nodes["two"]["children"][1]["relevant"] == ["!=", ["ref", 0, "two/note"], ""]


def test_a_flag_that_names_one_of_two_is_refused():
    problem = only(
        refusal(
            row("begin_group", "one"),
            row("text", "note"),
            {"type": "end_group"},
            row("begin_group", "two"),
            row("text", "note"),
            {"type": "end_group"},
            row("text", "a", flag="if(${note} = '', 'red', '')"),
        )
    )
    assert (problem.row, problem.column) == (8, "flag")
    assert "unique" in problem.reason


def test_line_breaks_and_upper_case_operators_are_understood():
    nodes = nodes_of(A, N, row("text", "c", relevant="${a} = 'x'\n  AND ${n} > 1\n  Or ${n} DIV 2 = 1"))
    assert nodes["c"]["relevant"][0] == "or"


def test_curly_quotes_are_quotes():
    assert nodes_of(A, row("text", "c", relevant="${a} = “x”"))["c"]["relevant"] == [
        "=",
        ["ref", 0, "a"],
        "x",
    ]


def test_a_compiled_document_is_small():
    import json
    from pathlib import Path

    import fieldapp.checklists
    from fieldapp.checklists.compiler.compile import compile_workbook
    from fieldapp.core.codes import list_seed_codes

    path = Path(fieldapp.checklists.__file__).parent / "library" / "routine.xlsx"
    document = compile_workbook(path.read_bytes(), list_seed_codes("followup_type")).document
    assert len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()) < 60_000
