"""Workbooks as people really write them: each compiles to what its author meant, or is refused with what to write."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook

from fieldapp.checklists.actions import check_files
from fieldapp.checklists.compiler.compile import Compiled, compile_workbook
from fieldapp.checklists.compiler.problems import ChecklistRefused
from tests.checklists.vectors import FOLLOWUP_TYPES

YN = [["list_name", "name", "label"], ["yn", "yes", "Yes"], ["yn", "no", "No"]]
SETTINGS = [["form_title", "form_id"], ["Survey", "survey_1"]]
Table = Sequence[Any]


def book_of(
    survey: Table, choices: Table | None = None, settings: Table | None = SETTINGS, **others: Table
) -> bytes:
    """A workbook of tables, cell by cell as given; other sheets by name."""
    book = Workbook()
    book.remove(book.worksheets[0])
    tables = {"survey": survey, "choices": choices, "settings": settings} | others
    for title, table in tables.items():
        if table is not None:
            sheet = book.create_sheet(title)
            for row in table:
                sheet.append(row)
    return saved(book)


def saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def compiled(content: bytes, **also: Any) -> Compiled:
    return compile_workbook(content, FOLLOWUP_TYPES, **also)


def nodes(content: bytes, **also: Any) -> dict[str, dict[str, Any]]:
    """Every node of the document by its path."""
    found: dict[str, dict[str, Any]] = {}

    def walk(children: Iterable[dict[str, Any]], around: str) -> None:
        for node in children:
            found[around + node["name"]] = node
            walk(node.get("children", []), f"{around}{node['name']}/")

    walk(compiled(content, **also).document["nodes"], "")
    return found


def refused(content: bytes, **also: Any) -> list[str]:
    with pytest.raises(ChecklistRefused) as refusal:
        compiled(content, **also)
    return [str(problem) for problem in refusal.value.problems]


# --- how types and columns are written ---


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Text", "text"),
        (" integer ", "integer"),
        ("DECIMAL", "decimal"),
        ("dateTime", "dateTime"),
        ("datetime", "dateTime"),
        ("Select_One yn", "select_one"),
        ("select one yn", "select_one"),
        ("select one from yn", "select_one"),
        ("select1 yn", "select_one"),
        ("select_multiple  yn", "select_multiple"),
        ("select all that apply from yn", "select_multiple"),
        ("rank yn", "rank"),
        ("photo", "image"),
        ("trigger", "acknowledge"),
        ("int", "integer"),
        ("string", "text"),
        ("imei", "deviceid"),
        ("Barcode", "barcode"),
        ("start-geopoint", "start-geopoint"),
        ("phonenumber", "hidden"),
        ("simserial", "hidden"),
        ("email", "hidden"),
        ("q string", "text"),
        ("add integer prompt", "integer"),
        ("add date time prompt", "dateTime"),
        ("get device id", "deviceid"),
        ("get today", "today"),
        ("get phone number", "hidden"),
        ("uri:username", "username"),
    ],
)
def test_a_type_is_understood_however_it_is_spelt(written, meant):
    survey = [["type", "name", "label"], [written, "q", "Question"], ["text", "t", "T"]]
    assert nodes(book_of(survey, YN))["q"]["type"] == meant


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("selct_one yn", "select_one yn"),
        ("select_many yn", "select_multiple yn"),
        ("radio yn", "select_one yn"),
        ("intger", "integer"),
        ("double", "decimal"),
        ("osm buildings", "geopoint"),
        ("text audit", "delete the row"),
        ("speed violations count", "delete the row"),
        ("enumerator", "select_one"),
        ("score__row", "select_one"),
    ],
)
def test_a_type_of_another_tool_is_refused_once_with_the_one_meant(written, instead):
    survey = [
        ["type", "name", "label", "appearance"],
        [written, "q", None, "search('x')"],
        ["text", "t", "T"],
    ]
    assert refused(book_of(survey, YN)) == [
        f"survey, row 2, type: the question type {written} is not supported; instead: {instead}"
    ]


def test_old_types_that_are_another_with_a_constraint_are_that():
    survey = [
        ["type", "name", "label", "constraint"],
        ["phone number", "p", "P"],
        ["percentage", "c", "C", ". > 10"],
        ["number of days in last month", "d", "D"],
    ]
    found = nodes(book_of(survey))
    assert [found[name]["type"] for name in "pcd"] == ["text", "integer", "integer"]
    assert found["c"]["constraint"] == [">", ["ref", 0, "c"], 10]
    assert found["d"]["constraint"][2] == ["<=", ["ref", 0, "d"], 31]


@pytest.mark.parametrize("kind", ["score", "rank", "kobomatrix"])
def test_what_kobotoolbox_alone_knows_is_refused_where_it_begins(kind):
    survey = [["type", "name", "label"], [f"begin_{kind}", "q", "Q"], ["text", "t", "T"], [f"end_{kind}"]]
    (said,) = refused(book_of(survey))
    assert said.startswith(f"survey, row 2, type: the question type begin_{kind} is not supported; instead:")


@pytest.mark.parametrize(
    "begin", ["begin group", "begin_group", "Begin Group", "BEGIN_GROUP", "begin  group "]
)
def test_groups_begin_however_they_are_spelt(begin):
    survey = [["type", "name", "label"], [begin, "g", "G"], ["text", "q", "Q"], ["End group"]]
    assert "g/q" in nodes(book_of(survey))


@pytest.mark.parametrize(
    ("label", "hint", "language"),
    [
        ("label", "hint", "default"),
        ("Label", "HINT", "default"),
        ("label::English", "hint::English", "en"),
        ("label::English (en)", "hint::English(en)", "en"),
        ("Label :: English (en)", "Hint::English (en)", "en"),
        ("label:English", "hint:English", "en"),
        ("label::English", "hint:English", "en"),
        ("label::en", "hint::en", "en"),
        ("label::中文（zh）", "hint::中文 (zh)", "zh"),
        ("label::中文", "hint::Chinese (zh-CN)", "zh"),
        ("label::Français (fr)", "hint::Français (fr)", "fr"),
        ("caption", "hint", "default"),
    ],
)
def test_a_language_is_understood_however_its_column_is_written(label, hint, language):
    survey = [["type", "name", label, hint], ["text", "q", "Question", "Hint"]]
    question = nodes(book_of(survey))["q"]
    assert question["label"] == {language: "Question"}
    assert question["hint"] == {language: "Hint"}


def test_words_without_a_language_are_in_the_default_one_or_that_of_the_first_label():
    survey = [
        ["type", "name", "label::English (en)", "label::French (fr)", "hint"],
        ["text", "q", "Q", "Q?", "H"],
    ]
    assert nodes(book_of(survey))["q"]["hint"] == {"en": "H"}
    settings = [["form_id", "default_language"], ["s", "French (fr)"]]
    assert nodes(book_of(survey, settings=settings))["q"]["hint"] == {"fr": "H"}


def test_what_has_no_words_in_a_language_is_noticed_by_row():
    survey = [["type", "name", "label::zh", "label::en"], ["text", "a", "甲", "A"], ["text", "b", "乙", None]]
    assert compiled(book_of(survey)).notices == ["survey, label: no words in en in row 3"]


@pytest.mark.parametrize(
    ("column", "key"),
    [
        ("relevance", "relevant"),
        ("Relevant", "relevant"),
        ("bind::relevant", "relevant"),
        ("constraint", "constraint"),
        ("Read only", "read_only"),
        ("readonly", "read_only"),
        ("Required", "required"),
        ("choice filter", "choice_filter"),
        ("calculate", "calculate"),
    ],
)
def test_a_column_is_understood_however_it_is_spelt(column, key):
    expression = "name = ${a}" if key == "choice_filter" else "${a} != ''"
    survey = [["type", "name", "label", column], ["text", "a", "A"], ["select_one yn", "q", "Q", expression]]
    assert key in nodes(book_of(survey, YN))["q"]


def test_a_misspelt_column_that_decides_something_is_refused():
    survey = [["type", "name", "label", "relevent"], ["text", "a", "A", "1 = 1"]]
    assert refused(book_of(survey)) == [
        "survey, row 1, relevent: the column relevent is not understood; instead: relevant"
    ]


def test_columns_for_the_author_alone_are_nothing_to_speak_of():
    survey = [
        ["type", "name", "label", "notes", "Comment", None, "备注"],
        ["text", "a", "A", "x", "y", "z", "w"],
    ]
    assert compiled(book_of(survey)).notices == []


def test_a_column_of_another_tool_is_noticed():
    survey = [["type", "name", "label", "publishable"], ["text", "a", "A", "yes"]]
    assert compiled(book_of(survey)).notices == ["survey, row 1, publishable: the column is not used here"]


def test_columns_other_tools_keep_for_themselves_are_nothing_to_speak_of():
    survey = [
        ["type", "name", "label", "kuid", "$kuid", "$autoname", "body::accuracyThreshold", "instance::tag"],
        ["geopoint", "a", "A", "x", "x", "a", "5", "t"],
    ]
    assert compiled(book_of(survey)).notices == []


@pytest.mark.parametrize("column", ["bind::type", "bind::jr:preload", "save_to"])
def test_a_technical_column_that_would_change_an_answer_is_noticed(column):
    survey = [["type", "name", "label", column], ["text", "a", "A", "uid"]]
    found = compiled(book_of(survey))
    assert found.notices == [f"survey, row 1, {column}: the column is not used here"]
    assert found.document["nodes"][0]["type"] == "text"


def test_settings_and_sheets_for_other_tools_are_noticed_once():
    content = book_of(
        [["type", "name", "label"], ["text", "a", "A"]],
        settings=[["form_id", "instance_name", "public_key", "title_en"], ["x", "${a}", "MII", "T"]],
        entities=[["list_name", "label"], ["trees", "${a}"]],
    )
    assert compiled(content).notices == [
        "settings: not used here: instance_name, public_key",
        "entities: the sheet is not used here: people and households come from the registry",
    ]


# --- cells ---


@pytest.mark.parametrize("yes", ["yes", "Yes", "YES", "TRUE", True, 1, "1", "true()", " yes "])
def test_required_is_yes_however_it_is_written(yes):
    survey = [["type", "name", "label", "required"], ["text", "a", "A", yes]]
    assert nodes(book_of(survey))["a"]["required"] is True


@pytest.mark.parametrize("no", ["no", "FALSE", False, 0, "false()", None])
def test_required_is_no_however_it_is_written(no):
    survey = [["type", "name", "label", "required"], ["text", "a", "A", no]]
    assert "required" not in nodes(book_of(survey))["a"]


def test_numbers_dates_and_times_in_cells_are_read_as_they_look():
    survey = [
        ["type", "name", "label", "default"],
        ["integer", "i", 2020, 3],
        ["decimal", "x", 1.5, 0.25],
        ["date", "d", "D", date(2026, 11, 23)],
        ["time", "t", "T", time(8, 30)],
        ["text", "s", True, 7.0],
    ]
    found = nodes(book_of(survey))
    assert [found[name]["default"] for name in "ixdts"] == ["3", "0.25", "2026-11-23", "08:30:00", "7"]
    assert found["i"]["label"] == {"default": "2020"}


def test_choice_names_that_are_numbers_are_names():
    choices = [["list_name", "name", "label"], ["l", 1, "One"], ["l", 2.0, "Two"]]
    survey = [
        ["type", "name", "label", "relevant"],
        ["select_one l", "a", "A", None],
        ["text", "b", "B", "${a} = 2"],
    ]
    assert [choice["name"] for choice in compiled(book_of(survey, choices)).document["choices"]["l"]] == [
        "1",
        "2",
    ]


def test_blank_rows_and_columns_and_spaces_around_are_passed_over():
    survey = [
        ["type", None, "name", "label", None, "hint"],
        [None],
        [" text ", None, " a ", " A ", None, "\n h \n"],
        [None] * 6,
        *[[None]] * 80,
        ["text", None, "b", "B\u00a0C", None, None],
    ]
    found = nodes(book_of(survey))
    assert found["a"]["hint"] == {"default": "h"}
    assert found["b"]["label"] == {"default": "B C"}


def test_merged_hidden_and_foreign_parts_of_a_workbook_change_nothing():
    book = Workbook()
    book.active.title = "Read me"
    book.active["A1"] = "How to use this form"
    survey = book.create_sheet("Survey ")
    for row in (["type", "name", "label"], ["note", "n", "Welcome"], ["text", "a", "A"]):
        survey.append(row)
    survey.merge_cells("C2:F2")
    survey.column_dimensions["B"].hidden = True
    survey.row_dimensions[3].hidden = True
    settings = book.create_sheet("SETTINGS")
    settings.append(["form_id"])
    settings.append(["x"])
    settings.sheet_state = "hidden"
    book.create_sheet("choices-backup").append(["list_name", "name"])
    assert list(nodes(saved(book))) == ["n", "a"]


def test_a_title_above_the_column_names_is_refused_by_row():
    survey = [["My survey"], [None], ["type", "name", "label"], ["text", "a", "A"]]
    assert refused(book_of(survey)) == [
        "survey, row 3: the column names stand in row 3; they belong in row 1; instead: delete the rows above"
    ]


def test_a_workbook_without_settings_is_named_after_its_file():
    survey = [["type", "name", "label"], ["text", "a", "A"]]
    found = compiled(book_of(survey, settings=None), name="Winter visit (2)")
    assert found.document["key"] == "Winter_visit_2"
    assert found.notices == ["settings, row 2, form_id: the checklist is named Winter_visit_2"]


def test_a_form_id_with_spaces_becomes_one_without():
    found = compiled(
        book_of([["type", "name", "label"], ["text", "a", "A"]], settings=[["form_id"], ["PHQ 9"]])
    )
    assert found.document["key"] == "PHQ_9"


def test_disabled_rows_and_rows_of_remarks_are_left_out():
    survey = [
        ["type", "name", "label", "disabled", "notes"],
        ["text", "a", "A", None, None],
        ["text", "b", "B", "yes", None],
        [None, None, None, None, "a remark"],
        ["text", "c", "C", "no", None],
    ]
    assert list(nodes(book_of(survey))) == ["a", "c"]


def test_an_xls_file_is_read_whatever_it_is_called(tmp_path):
    survey = [["type", "name", "label"], ["text", "a", "A"]]
    lying = tmp_path / "form.xls"
    lying.write_bytes(book_of(survey))
    assert check_files([lying]) == (["ok form.xls: 1 questions, languages default"], True)


def test_a_duration_of_less_than_a_day_is_a_time():
    survey = [["type", "name", "label", "default"], ["time", "t", "T", timedelta(hours=8, minutes=5)]]
    assert nodes(book_of(survey))["t"]["default"] == "08:05:00"


PLAIN = book_of([["type", "name", "label"], ["text", "a", "A"]])


def repacked(change: Callable[[str, bytes], tuple[str, bytes]]) -> bytes:
    """A plain workbook with its parts renamed or rewritten."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(PLAIN)) as archive, zipfile.ZipFile(out, "w") as other:
        for name in archive.namelist():
            other.writestr(*change(name, archive.read(name)))
    return out.getvalue()


def test_a_workbook_in_strict_open_xml_is_read():
    usual, strict = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    content = repacked(
        lambda name, part: (
            name,
            part.replace(usual + b"spreadsheetml/2006/main", strict + b"spreadsheetml/main").replace(
                usual + b"officeDocument/2006/relationships", strict + b"officeDocument/relationships"
            ),
        )
    )
    assert content != PLAIN
    assert list(nodes(content)) == ["a"]


def test_a_workbook_of_excel_in_the_browser_is_read():
    content = repacked(
        lambda name, part: (
            name.replace("xl/workbook.xml", "xl/workbook2.xml").replace(
                "workbook.xml.rels", "workbook2.xml.rels"
            ),
            part.replace(b"xl/workbook.xml", b"xl/workbook2.xml"),
        )
    )
    assert list(nodes(content)) == ["a"]


def test_a_sheet_that_is_one_chart_is_passed_over():
    book = load_workbook(io.BytesIO(PLAIN))
    book.create_chartsheet("Chart")
    assert list(nodes(saved(book))) == ["a"]


# --- expressions ---


@pytest.mark.parametrize(
    "expression",
    [
        "${a} = 'x' and ${n} > 1",
        "${a} = ‘x’ and ${n} > 1",
        "${a} = “x” and ${n} > 1",
        "${a} = 'x'\nand\n${n} > 1",
        "${ a } = 'x' AND ${n} > 1",
        "  ${a}='x' and ${n}>1  ",
        "${a}\u00a0= 'x' and ${n} > 1",
        "(${a} = 'x') and (${n} > 1)",
        "../a = 'x' and /data/n > 1",
        "/survey_1/a = 'x' and current()/../n > 1",
    ],
)
def test_an_expression_means_the_same_however_it_is_typed(expression):
    survey = [
        ["type", "name", "label", "relevant"],
        ["text", "a", "A"],
        ["integer", "n", "N"],
        ["text", "q", "Q", expression],
    ]
    assert nodes(book_of(survey))["q"]["relevant"] == [
        "and",
        ["=", ["ref", 0, "a"], "x"],
        [">", ["ref", 0, "n"], 1],
    ]


def test_names_reused_in_groups_are_told_apart_by_paths_and_refused_where_they_cannot_be():
    survey = [
        ["type", "name", "label", "relevant"],
        ["begin group", "one", "One"],
        ["text", "note", "Note"],
        ["text", "why", "Why", "../note != ''"],
        ["end group"],
        ["begin group", "two", "Two"],
        ["text", "note", "Note"],
        ["end group"],
    ]
    assert nodes(book_of(survey))["one/why"]["relevant"] == ["!=", ["ref", 0, "one/note"], ""]
    assert refused(book_of([*survey, ["text", "q", "Q", "${note} = 'x'"]])) == [
        "survey, row 9, relevant: 2 questions are called note, a name that ${ } can name must be unique; "
        "instead: its path, such as /data/one/note, /data/two/note"
    ]


def test_markup_and_quotes_in_labels_stay_as_written():
    words = '<b>低保</b> **“三无”** <span style="color:red">‘x’</span> & 5 < 6 ${a}\n第二行'
    survey = [["type", "name", "label"], ["text", "a", "A"], ["note", "n", words]]
    head, tail = words.split("${a}")
    assert nodes(book_of(survey))["n"]["label"] == {"default": [head, ["ref", 0, "a"], tail]}


def test_answers_are_named_in_the_labels_of_choices():
    choices = [["list_name", "name", "label::zh"], ["l", "a", "${who}家"], ["l", "b", "其他"]]
    survey = [["type", "name", "label::zh"], ["text", "who", "谁"], ["select_one l", "q", "去哪"]]
    assert compiled(book_of(survey, choices)).document["choices"]["l"][0]["label"] == {
        "zh": [["ref", 0, "who"], "家"]
    }


def test_a_choice_label_that_two_questions_read_in_different_repeats_is_refused():
    choices = [["list_name", "name", "label"], ["l", "a", "${who}"]]
    survey = [
        ["type", "name", "label"],
        ["begin repeat", "r", "R"],
        ["text", "who", "Who"],
        ["select_one l", "p", "P"],
        ["end repeat"],
        ["select_one l", "q", "Q"],
    ]
    assert "in different places" in refused(book_of(survey, choices))[0]


# --- choices ---


def test_lists_with_spaces_in_their_names_are_found():
    choices = [["list name", "name", "label"], ["yes no", "yes", "Yes"], ["yes no", "no", "No"]]
    survey = [
        ["type", "name", "label"],
        ["select_one yes no", "a", "A"],
        ["select_one yes no or_other", "b", "B"],
    ]
    found = compiled(book_of(survey, choices)).document
    assert [choice["name"] for choice in found["choices"]["yes_no"]] == ["yes", "no", "other"]
    assert [node["name"] for node in found["nodes"]] == ["a", "b", "b_other"]


def test_every_row_with_a_name_used_before_is_named():
    choices = [
        ["list_name", "name", "label"],
        ["l", "a", "A"],
        ["l", "a", "B"],
        ["m", "a", "C"],
        ["l", "a", "D"],
    ]
    survey = [["type", "name", "label"], ["select_one l", "q", "Q"]]
    said = refused(book_of(survey, choices))
    assert [line.split(":")[0] for line in said] == ["choices, row 3, name", "choices, row 5, name"]
    assert "also in row 2, 5" in said[0]
    settings = [["form_id", "allow_choice_duplicates"], ["x", "yes"]]
    assert len(compiled(book_of(survey, choices, settings)).document["choices"]["l"]) == 3


def test_a_space_in_a_choice_is_refused_where_several_may_be_chosen():
    choices = [["list_name", "name", "label"], ["l", "Township 01", "T"], ["l", "b", "B"]]
    many = book_of([["type", "name", "label"], ["select_multiple l", "q", "Q"]], choices)
    assert refused(many) == [
        "choices, row 2, name: the name of a choice has a space in it: Township 01; instead: Township_01"
    ]
    one = book_of([["type", "name", "label"], ["select_one l", "q", "Q"]], choices)
    assert compiled(one).document["choices"]["l"][0]["name"] == "Township 01"


def test_a_choice_without_list_name_or_name_is_refused():
    choices = [
        ["list_name", "name", "label"],
        [None, "a", "A"],
        ["l", None, "B"],
        ["l", "c", "C"],
        [None, None, "x"],
    ]
    said = refused(book_of([["type", "name", "label"], ["select_one l", "q", "Q"]], choices))
    assert [line.split(":")[0] for line in said] == ["choices, row 2, list_name", "choices, row 3, name"]


def test_the_lists_of_external_choices_are_lists():
    external = [["list_name", "name", "label", "county"], ["town", "t1", "Town", "c1"]]
    survey = [
        ["type", "name", "label", "choice_filter"],
        ["text", "c", "C"],
        ["select_one_external town", "t", "T", "county = ${c}"],
    ]
    found = compiled(book_of(survey, YN, external_choices=external)).document
    assert found["nodes"][1]["type"] == "select_one"
    assert found["choices"]["town"][0]["county"] == "c1"


def test_external_choices_of_one_name_are_told_apart_by_their_filter():
    external = [
        ["list_name", "name", "label", "state"],
        ["county", "king", "King", "texas"],
        ["county", "king", "King", "washington"],
    ]
    survey = [
        ["type", "name", "label", "choice_filter"],
        ["text", "s", "S"],
        ["select_one_external county", "c", "C", "state = ${s}"],
    ]
    assert len(compiled(book_of(survey, YN, external_choices=external)).document["choices"]["county"]) == 2
    again = [*external, ["county", "king", "King again", "texas"]]
    (said,) = refused(book_of(survey, YN, external_choices=again))
    assert said.startswith("external_choices, row 4, name: the list county has the name king also in row 2")


@pytest.mark.parametrize(
    ("tables", "place"),
    [
        ({"survey": [["name", "label"], ["a", "A"]]}, "survey, row 1, type: the sheet has no column type"),
        (
            {"survey": [["type", "name", "label"], ["select_one yn", "a", "A"]], "choices": [["list_name", "code"], ["yn", 1]]},
            "choices, row 1, name: the sheet has no column name",
        ),
    ],
)  # fmt: skip
def test_a_sheet_without_a_column_it_needs_is_refused_once(tables, place):
    (said,) = refused(book_of(**tables))
    assert said.startswith(place)


def test_a_filter_by_a_column_that_only_other_lists_fill_in_is_noticed():
    choices = [
        ["list_name", "name", "label", "state", "county"],
        ["county", "k", "K", "w", None],
        ["city", "c", "C", None, None],
    ]
    survey = [
        ["type", "name", "label", "choice_filter"],
        ["select_one county", "a", "A", "state = 'w' and county = ''"],
        ["select_one city", "b", "B", "state = 'w' or name = 'c'"],
    ]
    found = compiled(book_of(survey, choices))
    assert found.notices == [
        "survey, row 2, choice_filter: the column county is blank in all choices of county",
        "survey, row 3, choice_filter: the column state is blank in all choices of city",
    ]
    assert found.document["nodes"][1]["choice_filter"][1] == ["=", ["col", "state"], "w"]


def test_a_workbook_without_choices_is_told_so():
    survey = [["type", "name", "label"], ["select_one yn", "a", "A"]]
    assert refused(book_of(survey)) == [
        "survey, row 2, type: there is no sheet choices, or nothing in it; "
        "instead: add its choices, with this list_name"
    ]


def test_the_head_of_a_table_of_choices_needs_no_words():
    survey = [
        ["type", "name", "label", "appearance"],
        ["select_one yn", "head", None, "label"],
        ["select_one yn", "a", "A", "list-nolabel"],
    ]
    assert "label" not in nodes(book_of(survey, YN))["head"]


@pytest.mark.parametrize("type_", ["video", "date", "note", "integer"])
def test_parameters_of_a_type_that_takes_none_are_noticed(type_):
    survey = [["type", "name", "label", "parameters"], [type_, "a", "A", "quality=low"], ["text", "b", "B"]]
    assert compiled(book_of(survey)).notices == [
        f"survey, row 2, parameters: {type_} takes no parameters; ignored"
    ]


def test_a_table_list_is_a_group_of_its_questions():
    survey = [
        ["type", "name", "label", "appearance"],
        ["begin group", "g", "How often?", "table-list"],
        ["select_one yn", "a", "A"],
        ["select_one yn", "b", "B"],
        ["end group"],
    ]
    found = nodes(book_of(survey, YN))
    assert list(found) == ["g", "g/a", "g/b"]
    assert found["g"]["appearance"] == "table-list"
    assert found["g"]["label"] == {"default": "How often?"}
    assert "appearance" not in found["g/a"]


def test_the_count_of_a_repeat_is_worked_out_where_it_stands():
    survey = [
        ["type", "name", "label", "repeat_count"],
        ["integer", "n", "N"],
        ["begin repeat", "r", "R", "${n} + 1"],
        ["begin repeat", "s", "S", 2],
        ["text", "t", "T"],
        ["end repeat"],
        ["end repeat"],
    ]
    found = nodes(book_of(survey))
    assert list(found) == ["n", "r", "r/s", "r/s/t"]
    assert found["r"]["count"] == ["+", ["ref", 0, "n"], 1]
    assert found["r/s"]["count"] == 2


# --- what the contract adds ---


def test_a_range_has_start_end_and_step():
    survey = [
        ["type", "name", "label", "parameters"],
        ["range", "a", "A"],
        ["range", "b", "B", "start=0; end = 5, step=0.5"],
    ]
    found = nodes(book_of(survey))
    assert found["a"]["parameters"] == {"start": "1", "end": "10", "step": "1"}
    assert found["b"]["parameters"] == {"start": "0", "end": "5", "step": "0.5"}


@pytest.mark.parametrize(
    ("parameters", "part"),
    [
        ("start=10 end=1", "starts at 10 and ends at 1"),
        ("start=1 end=10 step=0", "the step 0 of the range does not fit"),
        ("start=1 end=3 step=5", "the step 5"),
        ("start=a", "are numbers"),
        ("end=NaN", "are numbers"),
        ("stop=10", "range has no parameter stop"),
        ("1 10 1", "no parameter"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(parameters, part):
    survey = [["type", "name", "label", "parameters"], ["range", "a", "A", parameters]]
    (said,) = refused(book_of(survey))
    assert said.startswith("survey, row 2, parameters:")
    assert part in said


@pytest.mark.parametrize(
    ("type_", "wrong"), [("image", "max-pixel=5"), ("select_one yn", "randomise=true"), ("range", "stop=1")]
)
def test_a_misspelt_parameter_is_refused(type_, wrong):
    survey = [["type", "name", "label", "parameters"], [type_, "a", "A", wrong]]
    assert "has no parameter" in refused(book_of(survey, YN))[0]


def test_shuffled_choices_are_noticed():
    survey = [["type", "name", "label", "parameters"], ["select_one yn", "a", "A", "randomize=true, seed=5"]]
    assert compiled(book_of(survey, YN)).notices == ["survey, row 2, parameters: choices are not shuffled"]


def test_a_trigger_sets_an_answer_when_another_changes():
    survey = [
        ["type", "name", "label", "calculation", "trigger"],
        ["text", "a", "A"],
        ["text", "b", "B"],
        ["dateTime", "when", "When", "now()", "${a}, ${b}"],
        ["text", "gone", "Gone", None, "${a}"],
    ]
    found = nodes(book_of(survey))
    assert found["when"]["set_on"] == {"questions": ["a", "b"], "value": ["now"]}
    assert found["gone"]["set_on"] == {"questions": ["a"], "value": ""}
    assert "calculate" not in found["when"]


@pytest.mark.parametrize(
    ("trigger", "part"),
    [
        ("a", "names questions and nothing else"),
        ("${nobody}", "no question nobody"),
        ("${g}", "never answered"),
    ],
)
def test_a_trigger_that_names_no_question_is_refused(trigger, part):
    survey = [
        ["type", "name", "label", "calculation", "trigger"],
        ["begin group", "g", "G"],
        ["text", "a", "A"],
        ["end group"],
        ["text", "b", "B", "1", trigger],
    ]
    (said,) = refused(book_of(survey))
    assert said.startswith("survey, row 5, trigger:")
    assert part in said


def test_defaults_are_given_or_worked_out():
    survey = [
        ["type", "name", "label", "default"],
        ["text", "a", "A", "n/a"],
        ["date", "d", "D", "today()"],
        ["text", "u", "U", "uuid()"],
    ]
    found = nodes(book_of(survey))
    assert [found[name]["default"] for name in "adu"] == ["n/a", ["today"], ["uuid"]]


@pytest.mark.parametrize(
    ("type_", "default"),
    [
        ("integer", "many"),
        ("date", "23.11.2026"),
        ("select_one yn", "maybe"),
        ("image", "a.jpg"),
        ("range", "x"),
    ],
)
def test_a_default_that_is_no_answer_is_refused(type_, default):
    survey = [["type", "name", "label", "default"], [type_, "a", "A", default]]
    assert refused(book_of(survey, YN))[0].startswith("survey, row 2, default:")


def test_a_default_in_another_form_is_refused_with_the_right_one():
    survey = [["type", "name", "label", "default"], ["date", "a", "A", "2020-1-5"]]
    assert refused(book_of(survey)) == ["survey, row 2, default: 2020-1-5 is no date; instead: 2026-11-23"]


@pytest.mark.parametrize("word", ["optional", "x", "必填"])
def test_required_that_is_a_word_is_refused(word):
    survey = [["type", "name", "label", "required"], ["text", "a", "A", word]]
    assert refused(book_of(survey)) == [
        f"survey, row 2, required: {word} is neither yes nor no; instead: yes"
    ]


def test_a_text_where_a_condition_should_stand_is_noticed():
    survey = [
        ["type", "name", "label", "relevant"],
        ["text", "a", "A", None],
        ["text", "b", "B", "${a} = 'yes' or 'maybe'"],
        ["text", "c", "C", "${a} = 'yes' or ${b} = ''"],
    ]
    assert compiled(book_of(survey)).notices == [
        "survey, row 3, relevant: the text 'maybe' alone is always true"
    ]


def test_a_question_called_as_or_other_calls_its_own_is_refused_by_row():
    after = [["type", "name", "label"], ["select_one yn or_other", "a", "A"], ["text", "a_other", "B"]]
    assert refused(book_of(after, YN)) == [
        "survey, row 3, name: or_other asks a question a_other of its own; instead: rename or delete the row 3"
    ]
    before = [after[0], after[2], after[1]]
    assert refused(book_of(before, YN)) == [
        "survey, row 3, type: or_other asks a question a_other of its own; instead: rename or delete the row 2"
    ]


def test_names_that_differ_in_case_alone_are_two():
    survey = [["type", "name", "label"], ["text", "a", "A"], ["text", "A", "A"]]
    assert compiled(book_of(survey)).notices == []


def test_settings_say_what_a_checklist_is_for():
    settings = [
        ["form_id", "style", "use", "owner", "purpose", "valid_until"],
        ["x", "theme-grid pages", "patrol", "民政局", "冬季", date(2027, 3, 31)],
    ]
    document = compiled(book_of([["type", "name", "label"], ["text", "a", "A"]], settings=settings)).document
    assert document["style"] == "pages"
    assert document["use"] == "patrol"
    assert document["registry"] == {"owner": "民政局", "purpose": "冬季", "valid_until": "2027-03-31"}


@pytest.mark.parametrize(("column", "value"), [("use", "party"), ("valid_until", "soon")])
def test_settings_that_are_not_understood_are_refused(column, value):
    content = book_of(
        [["type", "name", "label"], ["text", "a", "A"]], settings=[["form_id", column], ["x", value]]
    )
    assert refused(content)[0].startswith(f"settings, row 2, {column}:")


def test_what_is_left_out_is_noticed():
    survey = [
        ["type", "name", "label", "media::image", "guidance_hint", "required"],
        ["audit", None, None, None, None, None],
        ["phonenumber", "p", None, None, None, None],
        ["text", "a", "A", "a.png", "more", None],
        ["note", "n", "N", None, None, "yes"],
    ]
    found = compiled(book_of(survey))
    assert [notice.split(":")[0] for notice in found.notices] == [
        "survey, row 2, type",
        "survey, row 3, type",
        "survey, row 4",
        "survey, row 4, guidance_hint",
        "survey, row 5, required",
    ]
    assert [node["name"] for node in found.document["nodes"]] == ["p", "a", "n"]


def test_a_constraint_on_a_note_is_refused():
    survey = [["type", "name", "label", "constraint"], ["note", "n", "N", ". > 1"]]
    assert refused(book_of(survey))[0].startswith("survey, row 2, constraint: a note is not answered")


def test_a_repeat_whose_number_a_question_inside_decides_is_refused():
    survey = [
        ["type", "name", "label", "repeat_count"],
        ["begin repeat", "r", "R", "count(${t})"],
        ["text", "t", "T"],
        ["end repeat"],
    ]
    assert refused(book_of(survey))[0].startswith("survey, row 2, repeat_count: t stands in the repeat")


# --- CSV files ---

TOWNS = "﻿code,名称,county\nt1,甲镇,c1\nt2,乙镇,c2\n".encode()


def test_the_rows_of_a_csv_file_are_choices():
    survey = [
        ["type", "name", "label", "choice_filter", "parameters", "calculation"],
        ["text", "c", "C"],
        ["select_one_from_file towns.csv", "t", "T", "county = ${c}", "value=code label=名称"],
        ["calculate", "k", None, None, None, "pulldata('towns', 'county', 'code', ${t})"],
        ["calculate", "j", None, None, None, "instance('towns')/root/item[code = ${t}]/county"],
    ]
    document = compiled(book_of(survey), files={"towns.csv": TOWNS}).document
    assert document["nodes"][1]["list"] == "towns"
    assert document["choices"]["towns"][0] == {
        "name": "t1", "label": {"default": "甲镇"}, "code": "t1", "名称": "甲镇", "county": "c1",
    }  # fmt: skip
    assert document["nodes"][3]["calculate"] == [
        "item",
        "towns",
        "county",
        ["=", ["col", "code"], ["ref", 0, "t"]],
    ]


def test_a_csv_file_in_the_encoding_of_chinese_excel_is_read():
    survey = [["type", "name", "label"], ["select_multiple_from_file l.csv", "t", "T"]]
    document = compiled(book_of(survey), files={"l.csv": "name,label\na,低保\n".encode("gb18030")}).document
    assert document["nodes"][0]["type"] == "select_multiple"
    assert document["choices"]["l"] == [{"name": "a", "label": {"default": "低保"}}]


def test_a_missing_file_is_named_by_every_row_that_needs_it():
    survey = [
        ["type", "name", "label", "calculation"],
        ["select_one_from_file towns.csv", "t", "T"],
        ["calculate", "k", None, "pulldata('other', 'a', 'b', ${t})"],
        ["select_one_from_file towns.geojson", "g", "G"],
    ]
    assert refused(book_of(survey)) == [
        "survey, row 2, type: the file towns.csv is missing; instead: hand it in with the workbook",
        "survey, row 3, calculation: the file other.csv is missing; instead: hand it in with the workbook",
        "survey, row 4, type: choices from the file towns.geojson are not supported; instead: towns.csv",
    ]


def test_an_attached_table_is_looked_up_without_a_question_of_its_own():
    survey = [
        ["type", "name", "label", "calculation"],
        ["csv-external", "prices", None],
        ["text", "a", "A"],
        ["calculate", "k", None, "instance('prices')/root/item[thing = ${a}]/price"],
    ]
    document = compiled(book_of(survey), files={"prices.csv": b"thing,price\nbread,3\n"}).document
    assert [node["name"] for node in document["nodes"]] == ["a", "k"]
    assert document["choices"]["prices"][0]["price"] == "3"


@pytest.mark.parametrize("place", ["", "form-media"])
def test_checklist_check_finds_csv_files_beside_the_workbook(tmp_path: Path, place):
    form = tmp_path / "form.xlsx"
    form.write_bytes(book_of([["type", "name", "label"], ["select_one_from_file l.csv", "t", "T"]]))
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "l.csv").write_text("name,label\na,A\n")
    assert check_files([form]) == (["ok form.xlsx: 1 questions, languages default"], True)


def test_checklist_check_says_like_faults_in_one_line(tmp_path: Path):
    form = tmp_path / "form.xlsx"
    form.write_bytes(
        book_of([["type", "name", "label", "relevant"], *[["text", f"q{n}", "Q", "1 +"] for n in range(3)]])
    )
    lines, all_ok = check_files([form, tmp_path / "none.xlsx"])
    assert not all_ok
    assert lines[:2] == [
        "refused form.xlsx",
        "  survey, row 2–4, relevant: nothing follows the operator +; instead: add what is missing or delete the operator",
    ]
    assert lines[2] == "refused none.xlsx"


# --- all at once ---


def test_an_error_in_a_cell_hides_no_other_fault():
    book = load_workbook(io.BytesIO(PLAIN))
    book["survey"]["D1"], book["survey"]["D2"] = "hint", "#REF!"
    book["survey"].append(["text", "b c", "B"])
    assert [line.split(":")[0] for line in refused(saved(book))] == [
        "survey, row 2, hint",
        "survey, row 3, name",
    ]


def test_an_author_is_told_everything_in_one_round():
    survey = [
        ["type", "name", "label", "relevant", "calculation", "choice_filter"],
        ["select_one towns", "t", "T"],
        ["integer", "2nd", "Second"],
        ["text", "a b", "A"],
        ["text", "t", "Twice"],
        ["caseid", "c", "C"],
        ["begin group", "g", "G", "${nobody} = 1"],
        ["calculate", "k"],
        ["text", "x", "X", "${t} == 1"],
        ["text", "y"],
        [None, "z", "Z"],
        ["end repeat"],
        ["select_one yn", "f", "F", None, None, "county = 1"],
        ["text", "l", "Hello ${nobody}"],
    ]
    assert [line.split(":")[0] for line in refused(book_of(survey, YN))] == [
        "survey, row 2, type",
        "survey, row 3, name",
        "survey, row 4, name",
        "survey, row 5, name",
        "survey, row 6, type",
        "survey, row 7, relevant",
        "survey, row 8, calculation",
        "survey, row 9, relevant",
        "survey, row 10, label",
        "survey, row 11, type",
        "survey, row 12, type",
        "survey, row 13, choice_filter",
        "survey, row 14, label",
    ]
