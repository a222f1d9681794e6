"""Files that are no workbook, or a dangerous one, are refused before anything opens them; none makes the reader fall."""

from __future__ import annotations

import io
import struct
import time
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fieldapp.checklists.compiler.compile import compile_workbook
from fieldapp.checklists.compiler.problems import ChecklistRefused, Problem
from tests.checklists.vectors import FOLLOWUP_TYPES, compile_form, workbook_of

FORM = {"survey": [{"type": "text", "name": "a", "label": "A"}]}
REAL_FORMS = Path(__file__).parents[3] / "shared" / "xlsforms"


def reasons(content: bytes) -> str:
    with pytest.raises(ChecklistRefused) as refused:
        compile_workbook(content, FOLLOWUP_TYPES)
    assert refused.value.problems
    return str(refused.value)


def refused_for(content: bytes) -> list[Problem]:
    try:
        compile_workbook(content, FOLLOWUP_TYPES)
    except ChecklistRefused as refused:
        return refused.problems
    return []


def with_entry(name: str, content: bytes) -> bytes:
    out = io.BytesIO(workbook_of(FORM))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    "content", [b"", b"type,name\ntext,a\n", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"<html>"]
)
def test_a_file_that_is_no_workbook_is_refused(content):
    assert "workbook" in reasons(content) or "empty" in reasons(content)


def test_a_zip_that_is_no_workbook_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert "not an Excel workbook" in reasons(out.getvalue())


def test_a_workbook_with_macros_is_refused():
    assert "macros" in reasons(with_entry("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0"))


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_at_once():
    started = time.process_time()
    assert "unpacks" in reasons(with_entry("xl/media/bomb.bin", b"\0" * 40_000_000))
    assert time.process_time() - started < 2


def test_a_bomb_that_lies_about_its_size_is_read_no_further_than_it_says():
    bomb = bytearray(with_entry("xl/media/bomb.bin", b"\0" * 40_000_000))
    said = struct.pack("<I", 40_000_000)
    while (at := bomb.find(said)) >= 0:
        bomb[at : at + 4] = struct.pack("<I", 10)
    # The lying entry is none the reader opens; the sheets are read as they are.
    assert compile_workbook(bytes(bomb), FOLLOWUP_TYPES).document["nodes"][0]["name"] == "a"


def test_xml_that_multiplies_itself_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook_of(FORM))) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                content = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]>' + content
            new.writestr(entry.filename, content)
    assert "damaged" in reasons(out.getvalue())


def test_a_workbook_cut_short_is_refused():
    content = workbook_of(FORM)
    assert "damaged" in reasons(content[: len(content) // 2])


def test_a_workbook_larger_than_the_limit_is_refused():
    assert "larger than 5 MB" in reasons(b"PK\x03\x04" + b"\0" * 5_000_001)


def test_ten_thousand_rows_are_refused_within_ten_seconds():
    started = time.process_time()
    survey = [{"type": "text", "name": f"q{n}", "label": "x"} for n in range(10_000)]
    assert "more than 2000 rows" in reasons(workbook_of({"survey": survey}))
    assert time.process_time() - started < 10


def test_deep_nesting_is_refused_by_row():
    survey = [{"type": "begin_group", "name": f"g{n}", "label": "x"} for n in range(30)]
    survey += [{"type": "text", "name": "a", "label": "x"}] + [{"type": "end_group"}] * 30
    assert "row 10" in reasons(workbook_of({"survey": survey}))


def test_a_cell_with_a_book_in_it_is_refused():
    form = {"survey": [{"type": "text", "name": "a", "label": "x" * 9_000}]}
    assert "row 2, label" in reasons(workbook_of(form))


def test_a_formula_that_was_never_worked_out_is_refused_by_row():
    form = {"survey": [{"type": "text", "name": "a", "label": "x", "hint": "=1+1"}]}
    assert "survey, row 2, hint: the cell holds a formula that was never worked out: =1+1" in reasons(
        workbook_of(form)
    )


def test_script_in_a_label_is_text_like_any_other():
    form = {"survey": [{"type": "text", "name": "a", "label": "<script>alert(1)</script>"}]}
    assert compile_form(form).document["nodes"][0]["label"] == {"default": "<script>alert(1)</script>"}


CELL = st.one_of(
    st.none(),
    st.text(max_size=30),
    st.integers(),
    st.floats(allow_nan=False),
    st.booleans(),
    st.sampled_from(
        ["text", "begin_group", "end_group", "begin_repeat", "select_one l", "${a}", "yes", "a", "1 +"]
    ),
)


@settings(max_examples=60, deadline=10_000, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(("type", "name", "label", "relevant", "flag", "calculation"), CELL)
        ),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.fixed_dictionaries(dict.fromkeys(("list_name", "name", "label", "flag"), CELL)), max_size=3),
)
def test_random_cells_are_compiled_or_refused_and_nothing_else(survey, choices):
    def printable(value):
        # What a workbook cannot hold at all never comes out of one.
        return (
            "".join(c for c in value if c.isprintable() and not 0xD800 <= ord(c) <= 0xDFFF)
            if isinstance(value, str)
            else value
        )

    rows = [
        [{name: printable(cell) for name, cell in row.items()} for row in rows] for rows in (survey, choices)
    ]
    with suppress(ChecklistRefused):
        compile_form({"survey": rows[0], "choices": rows[1]})


@pytest.mark.skipif(not REAL_FORMS.is_dir(), reason="the collection of real forms is not on this machine")
def test_real_forms_are_compiled_or_refused_by_row_within_ten_seconds():
    for path in sorted(REAL_FORMS.glob("*.xlsx")):
        started = time.process_time()
        problems = refused_for(path.read_bytes())
        assert not problems or any(problem.row for problem in problems), path.name
        assert time.process_time() - started < 10, path.name
