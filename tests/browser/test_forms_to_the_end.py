"""Whole checklists are filled in to the end in the browser: the library's, and real ones that others have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldapp.checklists.compiler.compile import compile_workbook
from fieldapp.core.codes import list_seed_codes
from tests.browser.form_page import fill_to_the_end, new_form_page
from tests.checklists.test_workbook import REAL_FORMS
from tests.live import ROOT

__all__ = ["new_form_page"]

LIBRARY = sorted((ROOT / "fieldapp" / "checklists" / "library").glob("*.xlsx"))
REAL = ["bk_demographic", "ifrc_distribution_site", "odk_socio_economic", "ramop_older_people"]
PEOPLE = [
    {"person_uuid": "1", "name": "王桂兰", "tags": ["living_alone"]},
    {"person_uuid": "2", "name": "李强", "tags": []},
]


def fill(form, workbook: Path, **context: object) -> dict[str, int]:
    document = compile_workbook(workbook.read_bytes(), list_seed_codes("followup_type")).document
    form.mount(document, context={"household": {"name": "王桂兰"}, "people": PEOPLE, **context})
    kinds = fill_to_the_end(form)
    assert form.problems() == []
    return kinds


@pytest.mark.parametrize("workbook", LIBRARY, ids=lambda path: path.stem)
def test_a_checklist_of_the_library_is_filled_in_to_the_end(new_form_page, workbook):
    assert fill(new_form_page(), workbook)


@pytest.mark.parametrize("name", REAL)
def test_a_real_form_is_filled_in_to_the_end(new_form_page, name):
    workbook = REAL_FORMS / f"{name}.xlsx"
    if not workbook.exists():
        pytest.skip("the real forms are not on this machine")
    assert fill(new_form_page("en"), workbook)
