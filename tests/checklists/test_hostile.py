"""Whatever a file holds, it becomes a checklist or is refused in words: no other exception, and within ten seconds."""

from __future__ import annotations

import io
import time
import zipfile
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from openpyxl import Workbook

from fieldapp.checklists.compiler.compile import Compiled, compile_workbook
from fieldapp.checklists.compiler.limits import Limits
from fieldapp.checklists.compiler.problems import ChecklistRefused
from fieldapp.checklists.compiler.workbook import read_sheets
from tests.checklists.test_workbook import REAL_FORMS
from tests.checklists.vectors import FOLLOWUP_TYPES, compile_form, workbook_of

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
FORM = {"survey": [{"type": "text", "name": "a", "label": "A"}]}
WORKBOOK = workbook_of(FORM)
SURVEY = (
    "type", "name", "label", "label::zh", "label::English (en)", "hint", "required", "required_message", "relevant",
    "constraint", "constraint_message", "calculation", "choice_filter", "appearance", "parameters", "default", "trigger",
    "repeat_count", "read_only", "disabled", "flag", "flag_text", "followup", "prefill", "carry", "safety",
    "media::image", "bind::odk:x", "body::accuracyThreshold", "guidance_hint", "children", "control", "bind", "instance",
)  # fmt: skip
CHOICES = (
    "list_name",
    "name",
    "label",
    "label::zh",
    "county",
    "flag",
    "flag text::zh",
    "followup",
    "image",
    "children",
)
SETTINGS = (
    "form_id", "form_title", "default_language", "version", "style", "use", "valid_until", "instance_name", "name",
    "public_key", "clean_text_values", "allow_choice_duplicates", "omit_instanceID", "namespaces", "flat", "children",
)  # fmt: skip
# What authors write, what attackers write, and what breaks readers of either.
WORDS = [
    "text", "integer", "note", "calculate", "date", "range", "image", "geopoint", "acknowledge", "hidden", "audit",
    "begin_group", "end_group", "begin group", "begin_repeat", "end_repeat", "begin loop over l", "end loop",
    "select_one l", "select_multiple l", "select_one l or_other", "rank l", "select_one ${a}", "select_one_from_file f.csv",
    "select_one_external l", "csv-external", "xml-external", "start", "start-geopoint", "osm", "entity", "form_id", "title",
    "a", "b", "c", "l", "meta", "data", "people", "reached", "name", "label", "__proto__", "constructor", "count",
    "${a}", "${b} = 1", "${a", "$", "${}", "${ a }", "${last-saved#a}", "${a} = ${b}", ".", "..", "../a", "/data/a", "//a",
    ". > 1", "1 +", "1 = 1", "yes", "no", "TRUE", "1", "0", "-1", "maybe", "red", "temporary_relief", "household.phone",
    "if(${a}, 1, 2)", "position(..)", "pulldata('f', 'a', 'b', ${a})", "instance('l')/root/item[name = ${a}]/label",
    "jr:choice-name(${a}, '${a}')", "indexed-repeat(${a}, ${b}, 1)", "once(now())", "regex(., '(a+)+$')", "count(${b})",
    "field-list", "table-list", "signature", "draw", "search('x')", "ex:a.b(c='d')", "minimal pages", "w1", "label",
    "list-nolabel", "start=1 end=10 step=0", "randomize=true seed=${a}", "start=NaN", "end=1e999", "value=a label=b",
    "max-pixels=-1", "rows=x", "=1+1", "#REF!", "<script>alert(1)</script>", "<output value='/data/a'/>", "]]>", "&lt;&amp;",
    "]]><x", "<!-- -->", "&#0;", "“x” ‘y’", "\ue000", "_x000D_", "a" * 500, "(" * 300, "不" * 100, "🜁", "\u202e", "\n\n", "a\tb",
    "2026-11-23", "45.1 126.5", "%s%n", "{0}", "{row}", "\\", "'", '"', "''", "a b", " ", "-", "9" * 400,
]  # fmt: skip
BROKEN = [b"", b"<", b">", b"&", b"</row>", b"<c r='ZZZ9999999'/>", b"\xff", b"<!DOCTYPE a>", b"0" * 50]
LONG = ["(" * 8_000, "[" * 8_000, "-" * 8_000, "${a}" * 1_900, "not(" * 1_900, "'" * 7_999, "a/" * 4_000]
CELL = st.one_of(
    st.none(),
    st.sampled_from(WORDS),
    st.sampled_from(WORDS),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.dates(),
    st.builds(lambda a, b: f"{a} {b}", st.sampled_from(WORDS), st.sampled_from(WORDS)),
)


@contextmanager
def seconds(limit: float):
    # Of the processor: what else runs on the machine is not judged.
    started = time.process_time()
    yield
    assert time.process_time() - started < limit


def verdict(content: bytes, **also) -> Compiled | None:
    """Compiled or refused; anything else that happens fails the test."""
    with seconds(10):
        try:
            return compile_workbook(content, FOLLOWUP_TYPES, **also)
        except ChecklistRefused as refused:
            said = [problem.reason for problem in refused.problems]
    assert said
    assert all(said)
    return None


def reasons(content: bytes, **also) -> str:
    with pytest.raises(ChecklistRefused) as refused, seconds(10):
        compile_workbook(content, FOLLOWUP_TYPES, **also)
    return str(refused.value)


def rows(columns: tuple[str, ...], most: int) -> st.SearchStrategy[list[dict[str, object]]]:
    return st.lists(st.dictionaries(st.sampled_from(columns), CELL, max_size=8), max_size=most)


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(rows(SURVEY, 12), rows(CHOICES, 5), st.dictionaries(st.sampled_from(SETTINGS), CELL, max_size=6))
def test_any_cells_in_any_columns_are_compiled_or_refused(survey, choices, row):
    verdict(workbook_of({"survey": survey or [{}], "choices": choices, "settings": row}))


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW)
@given(st.lists(st.dictionaries(st.sampled_from(SURVEY), CELL, max_size=4), min_size=1, max_size=8))
def test_any_cells_in_a_form_that_is_otherwise_sound_are_compiled_or_refused(cells):
    sound = [
        "text",
        "select_one l",
        "begin_group",
        "integer",
        "end_group",
        "begin_repeat",
        "rank l",
        "end_repeat",
    ]
    survey = [
        {"type": kind, "name": f"q{place}", "label": "x", **cell}
        for place, (kind, cell) in enumerate(zip(sound, cells + [{}] * 8, strict=False))
    ]
    choices = [{"list_name": "l", "name": "a", "label": "A"}, {"list_name": "l", "name": "b", "label": "B"}]
    verdict(
        workbook_of({"survey": [{"type": "text", "name": "a", "label": "x"}, *survey], "choices": choices})
    )


@settings(max_examples=25, deadline=None)
@given(st.text(st.sampled_from("(){}[]$./<>=!'\"|&+-*,;:@# \n\tabn19并“”‘’é_\\^?"), max_size=400))
def test_any_expression_is_compiled_or_refused(text):
    for column in (
        "relevant",
        "constraint",
        "calculation",
        "default",
        "label",
        "choice_filter",
        "repeat_count",
        "flag",
    ):
        survey = [
            {"type": "text", "name": "a", "label": "x"},
            {"type": "text", "name": "b", "label": "x", column: text},
        ]
        verdict(workbook_of({"survey": survey}))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_workbook_with_bytes_changed_is_compiled_or_refused(data):
    content = bytearray(WORKBOOK)
    for _change in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    verdict(bytes(content))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_workbook_whose_parts_are_changed_is_compiled_or_refused(data):
    def change(part: bytes) -> bytes:
        at = data.draw(st.integers(0, len(part)))
        new = data.draw(
            st.sampled_from(
                [
                    b"",
                    b"<",
                    b">",
                    b"&",
                    b"</row>",
                    b"<c r='ZZZ9999999'/>",
                    b"\xff",
                    b"<!DOCTYPE a>",
                    b"0" * 50,
                ]
            )
        )
        return part[:at] + new + part[at + data.draw(st.integers(0, 20)) :]

    verdict(rewritten(data.draw(st.sampled_from(PARTS)), change))


@pytest.mark.skipif(not REAL_FORMS.is_dir(), reason="the collection of real forms is not on this machine")
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_an_xls_file_with_bytes_changed_or_cut_short_is_compiled_or_refused(data):
    content = bytearray((REAL_FORMS / "ifrc_distribution_site.xlsx").read_bytes())
    assert content.startswith(b"\xd0\xcf")  # whatever it is called
    for _change in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(8, len(content) - 1))] = data.draw(st.integers(0, 255))
    with seconds(10), suppress(ChecklistRefused):
        read_sheets(bytes(content[: data.draw(st.integers(8, len(content)))]), 5_000_000)


PARTS = [
    "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels",
]  # fmt: skip


def rewritten(name: str, change) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(WORKBOOK)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            content = old.read(entry)
            new.writestr(entry.filename, change(content) if entry.filename == name else content)
    return out.getvalue()


@pytest.mark.parametrize(
    "declaration",
    [
        b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
        b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:9/a.dtd">%x;]>',
    ],
)
@pytest.mark.parametrize("part", PARTS)
def test_declarations_in_any_part_are_refused(part, declaration):
    assert "damaged" in reasons(rewritten(part, lambda content: declaration + content))


def test_declarations_in_another_encoding_are_refused():
    hidden = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a SYSTEM "a"><worksheet/>'.encode("utf-16")
    assert "damaged" in reasons(rewritten("xl/worksheets/sheet1.xml", lambda _: hidden))


def test_millions_of_empty_cells_cost_nothing():
    blank = b'<row r="2">' + b'<c r="A2" s="1"/>' * 1_500_000 + b"</row></sheetData>"
    content = rewritten("xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", blank))
    assert verdict(content) is not None


def test_more_cells_than_a_checklist_needs_are_refused():
    full = b'<row r="2">' + b'<c r="A2"><v>1</v></c>' * 600_000 + b"</row></sheetData>"
    content = rewritten("xl/worksheets/sheet1.xml", lambda part: part.replace(b"</sheetData>", full))
    assert "far more than a checklist needs" in reasons(content)


def sheet_of(*cells: tuple[int, int, str]) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = "survey"
    for row, column, value in cells:
        sheet.cell(row, column, value)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_cell_in_the_last_corner_of_the_sheet_is_read_in_time():
    cells = [(1, 1, "type"), (1, 2, "name"), (1, 3, "label"), (2, 1, "text"), (2, 2, "a"), (2, 3, "A")]
    compiled = verdict(sheet_of(*cells, (1_048_576, 16_384, "x")), name="corner")
    assert compiled is not None
    assert compiled.question_count == 1


def test_a_question_far_down_is_read_under_its_row():
    cells = [(1, 1, "type"), (1, 2, "name"), (1, 3, "label"), (2, 1, "text"), (2, 2, "a"), (2, 3, "A")]
    content = sheet_of(*cells, (1_000_000, 1, "text"), (1_000_000, 2, "b"), (1_000_000, 3, "${nobody}"))
    assert "row 1000000, label: there is no question nobody" in reasons(content)


def test_more_columns_than_a_sheet_needs_are_refused():
    assert "more than 300 columns" in reasons(
        sheet_of(*[(1, n, f"type{n}" if n > 1 else "type") for n in range(1, 400)])
    )


def test_rows_beyond_the_limit_are_refused_and_the_limit_is_a_setting():
    content = workbook_of({"survey": [{"type": "text", "name": f"q{n}", "label": "x"} for n in range(60)]})
    assert verdict(content) is not None
    assert "more than 50 rows" in reasons(content, limits=Limits(max_rows=50))


def test_groups_as_deep_as_a_stack_are_refused_by_row():
    survey = [{"type": "begin_group", "name": f"g{n}", "label": "x"} for n in range(900)]
    assert "row 10, type: groups are nested more than 8 deep" in reasons(workbook_of({"survey": survey}))


@pytest.mark.parametrize("text", LONG)
def test_brackets_and_chains_as_long_as_a_cell_are_refused(text):
    survey = [
        {"type": "text", "name": "a", "label": "x"},
        {"type": "text", "name": "b", "label": "x", "relevant": text},
    ]
    assert "row 3, relevant" in reasons(workbook_of({"survey": survey}))


def test_a_pattern_that_explodes_elsewhere_is_matched_in_linear_time():
    from fieldapp.checklists.rules import evaluate

    survey = [{"type": "text", "name": "a", "label": "x", "constraint": "regex(., '^(a+)+$')"}]
    document = compile_form({"survey": survey}).document
    with seconds(1):
        assert evaluate(document, {"a": "a" * 50_000 + "b"}, {}).problems[0]["code"] == "constraint"


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "((a{99}){99}){99}", "a{2000}" * 100])
def test_a_pattern_that_unfolds_to_gigabytes_is_refused(pattern):
    survey = [{"type": "text", "name": "a", "label": "x", "constraint": f"regex(., '{pattern}')"}]
    assert "constraint" in reasons(workbook_of({"survey": survey}))


def test_two_thousand_questions_and_ten_thousand_choices_compile_in_time():
    survey = [
        {
            "type": "select_one l",
            "name": f"q{n}",
            "label": f"{n} ${{q0}}",
            "relevant": f"${{q{n - 1}}} != ''" if n else None,
        }
        for n in range(2_000)
    ]
    choices = [
        {
            "list_name": "l",
            "name": f"c{n}",
            "label::zh": f"选项{n}",
            "label::en": f"Choice {n}",
            "county": str(n % 50),
        }
        for n in range(10_000)
    ]
    compiled = verdict(workbook_of({"survey": survey, "choices": choices}))
    assert compiled is not None
    assert compiled.question_count == 2_000


def test_a_thousand_faults_are_all_named_in_time():
    survey = [
        {"type": "text", "name": f"q{n}", "label": "x", "relevant": "1 +", "constraint": "foo()"}
        for n in range(2_000)
    ]
    with pytest.raises(ChecklistRefused) as refused, seconds(10):
        compile_form({"survey": survey})
    assert len(refused.value.problems) == 4_000


SCRIPT = "<script>alert(1)</script>"


def test_script_stays_text_wherever_it_is_written():
    compiled = verdict(
        workbook_of(
            {
                "survey": [
                    {
                        "type": "select_one l",
                        "name": "a",
                        "label": SCRIPT,
                        "hint": SCRIPT,
                        "constraint_message": SCRIPT,
                    }
                ],
                "choices": [{"list_name": "l", "name": SCRIPT.replace(" ", ""), "label": SCRIPT}],
                "settings": {"form_title": SCRIPT, "owner": SCRIPT},
            }
        ),
        name=SCRIPT,
    )
    assert compiled is not None
    assert compiled.document["nodes"][0]["label"] == {"default": SCRIPT}
    assert SCRIPT not in compiled.xform


@pytest.mark.parametrize("cells", [{"name": SCRIPT}, {"type": SCRIPT}, {"type": f"select_one {SCRIPT}"}])
def test_script_in_names_is_refused(cells):
    assert "row 2" in reasons(workbook_of({"survey": [{"type": "text", "name": "a", "label": "x", **cells}]}))


# --- CSV ---

CSV_FORM = workbook_of({"survey": [{"type": "select_one_from_file f.csv", "name": "a", "label": "x"}]})


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_as_a_csv_file_are_read_or_refused(content, with_header):
    verdict(CSV_FORM, files={"f.csv": (b"name,label\n" if with_header else b"") + content})


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty"),
        (b",".join(b"c%d" % n for n in range(100_000)), "more than 300 columns"),
        (b"name,label\n" + b"a,b\n" * 10_001, "more than 10000 rows"),
        (b"name,label\n" + b"a" * 200_000, "table separated by commas"),
        (b'name,label\n"' + b"a" * 9_000, "more than 8000 characters"),
        (b"name,label\na,b\n" + b"x" * 5_000_000, "larger than 5 MB"),
        (b"name,name\na,b\n", "several columns are called name"),
        (b"code,label\na,b\n", "has no column name"),
        (b"name,label\na,b\na,c\n", "row 3, name: the name a is used more than once"),
    ],
)
def test_a_csv_file_that_is_no_list_is_refused(content, part):
    assert part in reasons(CSV_FORM, files={"f.csv": content})


def test_csv_files_that_nothing_names_are_not_looked_at():
    assert verdict(workbook_of(FORM), files={"other.csv": b"\xff\xfe\x00"}) is not None


@pytest.mark.parametrize("name", ["../f.csv", "f.csv\x00", "\udcff.csv", SCRIPT, ""])
def test_odd_names_of_files_are_nothing_to_stumble_over(name):
    with suppress(ChecklistRefused):
        compile_workbook(CSV_FORM, FOLLOWUP_TYPES, files={name: b"name,label\na,b\n"}, name=name)
