"""The cases both evaluators must answer alike: tests/vectors/*.json, and the workbooks they are made of.

Invariant: every tree and document in a vector file is what the compiler makes of the source beside it.
`python -m tests.checklists.vectors` writes them anew after the compiler has learned something.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from fieldapp.checklists.compiler.compile import Compiled, compile_workbook

VECTORS = Path(__file__).parent.parent / "vectors"
FOLLOWUP_TYPES = {"temporary_relief", "medical", "heating", "service", "revisit"}

Form = dict[str, Any]


def workbook_of(form: Form) -> bytes:
    """An XLSForm workbook of `{survey: rows, choices: rows, settings: row}`."""
    book = Workbook(write_only=True)
    settings = {"form_id": "test", "form_title": "test"} | form.get("settings", {})
    for title, rows in (
        ("survey", form["survey"]),
        ("choices", form.get("choices", [])),
        ("settings", [settings]),
    ):
        sheet = book.create_sheet(title)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        sheet.append(columns)
        for row in rows:
            sheet.append([row.get(column) for column in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def compile_form(form: Form) -> Compiled:
    """The form through a real workbook and the real compiler, with the CSV files it names beside it."""
    files = {name: text.encode() for name, text in form.get("files", {}).items()}
    return compile_workbook(workbook_of(form), FOLLOWUP_TYPES, files=files)


def read(name: str) -> dict[str, Any]:
    """One vector file."""
    return json.loads((VECTORS / name).read_text())


def compile_expressions(vectors: dict[str, Any]) -> tuple[dict[str, Any], list[Any]]:
    """The document of the form of expressions.json and, in the order of its cases, their trees."""
    form = vectors["form"]
    survey = list(form["survey"])
    inside = [row.get("name") for row in survey].index("r") + 1
    names = {}
    for place, case in enumerate(vectors["cases"]):
        names[place] = f"case_{place}"
        row = {"type": "calculate", "name": names[place], "calculation": case["expression"]}
        if case.get("at") == "r":
            survey.insert(inside, row)
        else:
            survey.append(row)
    whole = compile_form({**form, "survey": survey}).document
    everywhere = {node["name"]: node for node in _all(whole["nodes"])}
    document = compile_form(form).document
    # Also the lists that only the cases use.
    document["choices"] = whole["choices"]
    return document, [everywhere[name]["calculate"] for name in names.values()]


def _all(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for node in nodes for found in (node, *_all(node.get("children", [])))]


def _write(name: str, vectors: dict[str, Any]) -> None:
    # A case to a line, so that a change is read as one.
    parts = []
    for key, value in vectors.items():
        if isinstance(value, list) and key == "cases":
            inner = ",\n".join(json.dumps(case, ensure_ascii=False) for case in value)
            parts.append(f"{json.dumps(key)}: [\n{inner}\n]")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    (VECTORS / name).write_text("{\n" + ",\n".join(parts) + "\n}\n")


def main() -> None:
    """Write what the compiler makes of the sources into the vector files."""
    expressions = read("expressions.json")
    expressions["document"], trees = compile_expressions(expressions)
    for case, tree in zip(expressions["cases"], trees, strict=True):
        case["tree"] = tree
    _write("expressions.json", expressions)
    forms = read("forms.json")
    forms["documents"] = {name: compile_form(form).document for name, form in forms["forms"].items()}
    _write("forms.json", forms)


if __name__ == "__main__":
    main()
