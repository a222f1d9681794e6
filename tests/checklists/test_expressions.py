"""What authors write as expressions is understood as XLSForm means it, or refused with what to write instead."""

from __future__ import annotations

import pytest

from fieldapp.checklists.compiler import xpath
from fieldapp.checklists.compiler.expressions import Form, Node, resolve
from fieldapp.checklists.compiler.xpath import ExpressionError


def planted(parent: Node, kind: str, name: str, **more: str) -> Node:
    node = Node(kind, name, parent, type="text" if kind == "question" else "", **more)  # type: ignore[arg-type]
    parent.children.append(node)
    return node


@pytest.fixture(scope="module")
def form() -> Form:
    """a, town; home/note; work/note; a repeat r with v, w and in its group h another repeat q with u."""
    root = Node("group", "")
    planted(root, "question", "a")
    planted(root, "question", "town", list_name="towns")
    for group in ("home", "work"):
        planted(planted(root, "group", group), "question", "note")
    repeat = planted(root, "repeat", "r")
    for name in "vw":
        planted(repeat, "question", name)
    planted(planted(planted(repeat, "group", "h"), "repeat", "q"), "question", "u")
    form = Form(root, {"towns": {"name", "label", "county"}})
    form.index()
    return form


def at(form: Form, path: str) -> Node:
    node = form.root
    for name in path.split("/"):
        found = node.child(name)
        assert found is not None
        node = found
    return node


def tree(form: Form, text: str, here: str = "a") -> object:
    return resolve(text, form, at(form, here)).tree


OWN_W = ["candidate", ["ref", 1, "r/w"]]


@pytest.mark.parametrize(
    ("text", "here", "is_"),
    [
        ("${v}", "r/w", ["ref", 1, "r/v"]),
        ("../v", "r/w", ["ref", 1, "r/v"]),
        ("/data/r/v", "r/w", ["ref", 0, "r/v"]),
        ("${r}[2]/v", "a", ["ref", 0, "r/v", [2]]),
        ("${r}[position() = 2]/v", "a", ["ref", 0, "r/v", [2]]),
        ("${r}[last()]/v", "a", ["ref", 0, "r/v", [["where", ["size"]]]]),
        ("${r}[w = 'x']/v", "a", ["ref", 0, "r/v", [["where", ["=", OWN_W, "x"]]]]),
        ("${r}[w = ${a}]/v", "a", ["ref", 0, "r/v", [["where", ["=", OWN_W, ["ref", 0, "a"]]]]]),
        ("${r}[w = current()/../w]/v", "r/v", ["ref", 0, "r/v", [["where", ["=", OWN_W, ["ref", 1, "r/w"]]]]]),
        ("${v}[. > 1]", "a", ["ref", 0, "r/v", [None, ["where", [">", ["candidate", ["ref", 1, "r/v"]], 1]]]]),
        ("/data/home/note", "work/note", ["ref", 0, "home/note"]),
        ("../note", "work/note", ["ref", 0, "work/note"]),
        ("position(../../..)", "r/h/q/u", ["position", 0]),
        ("position(..)", "r/h/q/u", ["position", 1]),
        ("mod(7, 2)", "a", ["mod", 7, 2]),
        ("IF", "a", None),
        (
            "pulldata('towns', 'county', 'name', ${a})",
            "a",
            ["string", ["item", "towns", "county", ["=", ["col", "name"], ["string", ["ref", 0, "a"]]]]],
        ),
        ("jr:itext(instance('towns')/root/item[1]/itextId)", "a", ["item", "towns", "label", 1]),
    ],
)  # fmt: skip
def test_an_expression_is_resolved(form, text, here, is_):
    if is_ is None:
        with pytest.raises(ExpressionError):
            tree(form, text, here)
        return
    assert tree(form, text, here) == is_


@pytest.mark.parametrize(
    ("text", "reason", "instead"),
    [
        ("${note}", "several questions are called note", "/data/home/note"),
        ("${nowhere}", "there is no question nowhere", ""),
        ("${A}", "there is no question A", "${a}"),
        ("last()", "last() is understood in [ ] only", "[last()]"),
        ("pulldata('towns', county, 'name', 'x')", "the columns in pulldata() are quoted", "pulldata("),
        ("pulldata('streets', 'a', 'b', 'c')", "there is no choice list streets", ""),
        ("pulldata('towns', 'mayor', 'name', 'x')", "have no column mayor", ""),
        ("jr:itext('towns-0')", "jr:itext() is understood for the labels of choices only", "/label"),
        ("${home}[1]/note", "behind a repeat or a question only", "${repeat}"),
        ("IF(1 = 1, 2, 3)", "there is no function IF()", "if("),
        ("device-info()", "there is no function device-info()", "deviceid"),
        ("add-date(${a})", "add-date() takes 2–6 arguments, not 1", ""),
        ("count('x')", "a question is expected here", "${name}"),
        ("${a} | ${v}", "joining node sets", "coalesce"),
        ("'open", "a quoted text does not end", ""),
        ("concat(“open, 1)", "a quoted text does not end", ""),
    ],
)
def test_what_is_not_understood_is_refused_with_a_reason(form, text, reason, instead):
    with pytest.raises(ExpressionError) as refused:
        tree(form, text)
    assert reason in refused.value.reason
    assert instead in refused.value.instead


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('concat(“it’s”, ‘a "b"’)', ["it’s", 'a "b"']),
        ("concat('Don’t', \"“so”\")", ["Don’t", "“so”"]),
        ("concat(“yes\", 'no’)", ["yes", "no"]),
        ("concat('a\nb', ' ')", ["a\nb", " "]),
    ],
)
def test_curly_quotes_are_quotes_but_not_inside_a_text(text, values):
    call = xpath.parse(text)
    assert isinstance(call, xpath.Call)
    assert [part.value for part in call.arguments if isinstance(part, xpath.Literal)] == values


@pytest.mark.parametrize(
    ("text", "kept", "drawn"),
    [
        ("today()", False, False),
        ("now()", True, False),
        ("once(random())", True, True),
        ("concat('x', uuid())", True, True),
        ("${r}[v > random()]/w", True, True),
    ],
)
def test_what_differs_each_time_is_known_as_such(form, text, kept, drawn):
    found = resolve(text, form, at(form, "a"))
    assert (found.kept, found.drawn) == (kept, drawn)


def test_what_a_condition_reads_counts_as_read(form):
    found = resolve("${r}[w = ${town}]/v", form, at(form, "a"))
    assert {node.name for node in found.reads} == {"w", "town", "v"}
