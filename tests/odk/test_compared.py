"""Random people fill in every form of the tests in our engine and in ODK's own, and both say the same throughout.

The server then judges what the phone's engine held in the end. What may differ, and why, is listed in
docs/checklists.md, "Compared with ODK's engine", and tested in test_exceptions.py.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest

from fieldapp.checklists.compiler.compile import Compiled, compile_workbook
from fieldapp.checklists.compiler.expressions import FUNCTIONS, PLACE_FUNCTIONS
from fieldapp.checklists.compiler.problems import ChecklistRefused
from fieldapp.checklists.compiler.question_types import QUESTION_TYPES, read_type
from fieldapp.checklists.rules import evaluate
from fieldapp.core.codes import list_seed_codes
from tests.checklists.test_library import LIBRARY
from tests.checklists.test_workbook import REAL_FORMS
from tests.checklists.vectors import FOLLOWUP_TYPES, compile_form, read
from tests.odk.conftest import CHINA, GREENWICH, Judge
from tests.odk.feature_forms import FORMS
from tests.odk.plans import draw, some_plans
from tests.odk.random_expressions import expressions, form as form_with

# Random instances of each form; `make test-long` asks for more. Real forms are large: a quarter of them.
INSTANCES = int(os.environ.get("ODK_INSTANCES", "75"))
REAL = ["bk_demographic", "cht_pregnancy_home_visit", "ifrc_distribution_site", "ipa_phq9_gad7", "liberia_coverage",
        "odk_socio_economic", "ramop_older_people", "unhcr_surveydesigner"]  # fmt: skip
# These compute with dates as numbers, or with texts that may be dates.
IN_GREENWICH = {"dates", "numbers"}


def compile_named(name: str) -> tuple[Compiled, dict[str, str]]:
    """A form by the name of its test, and the files beside it."""
    kind, _slash, name = name.partition("/")
    if kind == "library":
        content = (LIBRARY / f"{name}.xlsx").read_bytes()
        return compile_workbook(content, list_seed_codes("followup_type")), {}
    if kind == "real":
        path = REAL_FORMS / f"{name}.xlsx"
        if not path.exists():
            pytest.skip("the real forms lie outside the project")
        try:
            return compile_workbook(path.read_bytes(), FOLLOWUP_TYPES), {}
        except ChecklistRefused as refused:
            pytest.skip(f"refused: {refused}"[:200])
    form = FORMS[name] if kind == "feature" else read("forms.json")["forms"][name]
    return compile_form(form), form.get("files", {})


# Forms in which every instance meets an exception.
LEFT_OUT = {
    "vector/measures": "the distance from a blank place",
    "vector/offers": "labels by instance(…)/label",
}
NAMES = [
    *(f"library/{path.stem}" for path in sorted(LIBRARY.glob("*.xlsx"))),
    *(f"feature/{name}" for name in FORMS),
    *(path for name in read("forms.json")["forms"] if (path := f"vector/{name}") not in LEFT_OUT),
    *(f"real/{name}" for name in REAL),
]


@pytest.mark.parametrize("name", NAMES)
def test_random_answers_mean_the_same_to_odks_engine(name, open_judge, record_property):
    compiled, files = compile_named(name)
    judge = open_judge(GREENWICH if name.partition("/")[2] in IN_GREENWICH else CHINA)
    count = INSTANCES // 4 if name.startswith("real/") else INSTANCES
    record_property("odk", compare(judge, compiled, files, count))


@pytest.fixture(scope="module")
def written():
    """Random expressions, in four parts."""
    found = sorted(set(draw(expressions(), 10 * INSTANCES)))
    return [found[part::4] for part in range(4)]


@pytest.mark.parametrize("part", range(4))
def test_random_expressions_mean_the_same_to_odks_engine(part, written, open_judge, record_property):
    compiled = compile_form(form_with(written[part]))
    record_property("odk", compare(open_judge(GREENWICH), compiled, {}, INSTANCES // 4))


def compare(judge: Judge, compiled: Compiled, files: dict[str, str], count: int) -> tuple[int, int]:
    """Follow `count` random plans in both engines; gives instances and facts compared, fails on the first difference."""
    assert judge.load(compiled.document["key"], compiled, files) == ""
    plans = some_plans(compiled.document, count, judge.offset)
    found = judge.run(compiled.document["key"], plans)
    assert not found["differences"], said(found["differences"])
    for final in found["finals"]:
        verdict = evaluate(compiled.document, final["typed"], final["context"])
        assert verdict.answers == final["answers"], json.dumps(final["typed"], ensure_ascii=False)
        # That a count is over the limits is for the server to say.
        problems = [problem for problem in verdict.problems if problem["code"] != "too_many"]
        assert problems == final["problems"], json.dumps(final["typed"], ensure_ascii=False)
    return len(plans) - found["leftOff"], found["comparisons"]


def said(differences: list[dict[str, Any]]) -> str:
    """The first differences in a few lines."""
    lines = [f"{len(differences)} instances differ"]
    for difference in differences[:3]:
        lines += [json.dumps(part, ensure_ascii=False)[:1000] for part in difference["differences"][:3]]
        lines.append(f"    after {json.dumps(difference['plan'], ensure_ascii=False)[:1500]}")
    return "\n".join(lines)


def test_the_forms_use_every_type_and_function_that_both_have():
    rows = [row for form in FORMS.values() for row in form["survey"]]
    types = {read_type(str(row["type"])).type for row in rows}
    assert set(QUESTION_TYPES) - types == set()
    cells = " ".join(str(cell) for row in rows for cell in row.values())
    unused = {name for name in {*FUNCTIONS, *PLACE_FUNCTIONS} if not re.search(rf"(?<![\w-]){name}\(", cells)}
    assert unused == {"add-date", "difference-in-months"}
