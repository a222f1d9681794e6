"""The lists of choices of a document: those of the choices sheet, and those of CSV files.

Invariant: a document holds the lists its questions and expressions use, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask_babel import gettext as _

from fieldapp.checklists.compiler import own_columns
from fieldapp.checklists.compiler.compilation import Compilation
from fieldapp.checklists.compiler.expressions import Node, Tree
from fieldapp.checklists.compiler.spelling import MEDIA, OWN_COLUMNS, Source, base
from fieldapp.checklists.compiler.texts import OTHER
from fieldapp.checklists.compiler.workbook import Row

Choice = dict[str, Any]


def columns(source: Source, attached: dict[str, Any]) -> dict[str, set[str]]:
    """What each list may be asked for."""
    of_sheet = set(further_columns(source.choice_columns))
    found = {row["list_name"]: {"name", "label"} | of_sheet for row in source.choices.values()}
    for name, table in attached.items():
        found.setdefault(name, {"name", "label", *table.columns})
    for number, said in source.types.items():
        name = said.list_name.removesuffix(".csv")
        if said.from_file and name in attached:
            # Where value and label come from other columns, these two no longer hold the file's own.
            given = _parameters(source.survey[number])
            for column, parameter in (("name", "value"), ("label", "label")):
                if given.get(parameter, column) != column and column in attached[name].columns:
                    found[name].discard(column)
    return found


def _parameters(row: Row) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in row.get("parameters", "").split())


def further_columns(columns: Iterable[str]) -> list[str]:
    """Those of the columns of the choices that are for choice_filter."""
    return [
        column
        for column in columns
        if base(column) not in {"name", "label", "list_name", *OWN_COLUMNS, *MEDIA}
    ]


def notice_blank_columns(work: Compilation, node: Node, choice_filter: Tree) -> None:
    """Say where a filter looks at a column that other lists fill in and this one leaves blank."""
    filled = {"name", "label"}
    for row in work.source.choices.values():
        if row["list_name"] == node.list_name:
            filled.update(further_columns(row))
    if node.list_name in work.attached:
        filled.update(work.attached[node.list_name].columns)
    for column in sorted(set(_columns_in(choice_filter)) - filled):
        work.source.notice(
            "survey",
            node.row,
            "choice_filter",
            _("the column %(name)s is blank in all choices of %(list)s", name=column, list=node.list_name),
        )


def _columns_in(tree: Tree) -> Iterator[str]:
    """Columns of the choice looked at; those inside instance(…) are of another list."""
    if isinstance(tree, list) and tree and tree[0] == "col":
        yield tree[1]
    elif isinstance(tree, list) and tree and tree[0] != "item":
        for inner in tree[1:]:
            yield from _columns_in(inner)


def compile_lists(work: Compilation, nodes: list[dict[str, Any]]) -> dict[str, list[Choice]]:
    """The lists that compiled `nodes` use."""
    users: dict[str, list[Node]] = {}
    for node in work.root.descendants():
        if node.list_name:
            users.setdefault(node.list_name, []).append(node)
    used = {*users, *lists_in(nodes)}
    found: dict[str, list[Choice]] = {}
    for number, row in work.source.choices.items():
        if row["list_name"] in used:
            asking = users.get(row["list_name"], [])
            found.setdefault(row["list_name"], []).append(_choice(work, number, row, asking))
    for name in used - found.keys():
        if name in work.attached:
            found[name] = _attached(work, name, users.get(name, []))
    for name, asking in users.items():
        with_other = any(work.source.types[node.row].or_other for node in asking if node.row)
        if with_other and all(choice["name"] != "other" for choice in found.get(name, [])):
            found[name].append({"name": "other", "label": work.languages.known_words(OTHER)})
    return {name: found[name] for name in work.form.columns if name in found}


def _choice(work: Compilation, number: int, row: Row, asking: list[Node]) -> Choice:
    label = work.languages.of_columns(row, "label")
    compiled: Choice = {
        "name": row["name"],
        "label": {language: _label(work, number, text, asking) for language, text in label.items()}
        or {work.languages.first: row["name"]},
    }
    compiled |= {column: row[column] for column in further_columns(row)}
    if any(base(column) in MEDIA for column in row):
        work.source.notice("choices", number, "", _("pictures and sounds beside a choice are not shown"))
    return compiled | own_columns.of_choice(work, number, row)


def _label(work: Compilation, number: int, text: str, asking: list[Node]) -> Any:
    """A label with the answers it names, which all questions with the list must read alike."""
    if "${" not in text or not asking:
        return text
    # What ${name} means depends on the repeats around it only.
    places = {tuple(node.repeats()): node for node in asking}
    read = [work.parts(node, "label", text) for node in places.values()]
    if any(parts != read[0] for parts in read):
        work.source.refuse(
            "choices",
            number,
            "label",
            _("the label names an answer that the questions with this list find in different places"),
            _("a list of its own for each"),
        )
    return read[0]


def _attached(work: Compilation, name: str, asking: list[Node]) -> list[Choice]:
    """The rows of a CSV file as choices; questions may say which columns hold value and label."""
    table = work.attached[name]
    by_columns: dict[tuple[str, str], Node] = {}
    for node in asking:
        given = _parameters(work.row(node))
        by_columns.setdefault((given.get("value", "name"), given.get("label", "label")), node)
    if len(by_columns) > 1:
        node = list(by_columns.values())[1]
        work.refuse(
            node,
            "parameters",
            _("another question takes value and label of %(name)s from other columns", name=table.filename),
            _("a file of its own"),
        )
    value, label = next(iter(by_columns), ("name", "label"))
    chosen = by_columns.get((value, label))
    for column in (value, label) if chosen is not None else ():
        if column not in table.columns:
            assert chosen is not None
            work.refuse(
                chosen,
                "parameters" if "parameters" in work.row(chosen) else "type",
                _("the file %(name)s has no column %(column)s", name=table.filename, column=column),
                f"parameters: value=… label=… ({', '.join(table.columns[:20])})",
            )
    found: list[Choice] = []
    seen: set[str] = set()
    spaced = any(node.type != "select_one" for node in asking)
    for number, row in zip(table.numbers, table.rows, strict=True):
        choice: Choice = dict(row)
        if by_columns:
            choice["name"] = row.get(value, "")
            _check_name(work, table.filename, number, value, choice["name"], seen, spaced)
        choice["label"] = {work.languages.first: row.get(label, "") or row.get(value, "")}
        choice.setdefault("name", "")
        found.append(choice)
    return found


def _check_name(
    work: Compilation, filename: str, number: int, column: str, name: str, seen: set[str], spaced: bool
) -> None:
    if not name:
        work.source.refuse(
            filename, number, column, _("the choice has no name"), _("a short word without spaces")
        )
    elif len(name.split()) > 1 and spaced:
        work.source.refuse(
            filename,
            number,
            column,
            _("the name of a choice has a space in it: %(name)s", name=name[:60]),
            "_".join(name.split())[:60],
        )
    elif name in seen:
        work.source.refuse(
            filename,
            number,
            column,
            _("the name %(name)s is used more than once", name=name[:60]),
            f"{name[:60]}_2",
        )
    seen.add(name)


def lists_in(value: Any) -> Iterator[str]:
    """Choice lists that expressions name."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from lists_in(inner)
    elif isinstance(value, list):
        if len(value) > 2 and value[0] == "choice-name":
            yield value[2]
        elif len(value) > 2 and value[0] == "item":
            yield value[1]
        for inner in value:
            yield from lists_in(inner)
