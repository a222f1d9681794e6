"""Random expressions over a small form, as an author might write them and as nobody would.

Invariant: none uses what test_exceptions.py sets apart, as far as one can see before it is computed.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.odk.feature_forms import EN, ZH, Row, ask, choice, end

SURVEY: list[Row] = [
    ask("text", "t"),
    ask("text", "u"),
    ask("integer", "n"),
    ask("integer", "m"),
    ask("decimal", "x"),
    ask("date", "d"),
    ask("date", "e"),
    ask("select_one town", "s"),
    ask("select_multiple town", "c"),
    ask("text", "gone", relevant="${n} > 5"),
    {"type": "begin_repeat", "name": "r", ZH: "重", EN: "Repeat"},
    ask("integer", "v"),
    ask("text", "w"),
    end("repeat"),
]
CHOICES = [
    choice("town", name, size=size) for name, size in [("red", 3), ("green", 5), ("blue", 8), ("1", 1)]
]

_texts = [
    "${t}",
    "${u}",
    "${s}",
    "${c}",
    "${gone}",
    "'red'",
    "'a b'",
    "'困难群众'",
    "'1'",
    "''",
    "'yes'",
    "' x '",
]
_numbers = ["${n}", "${m}", "${x}", "0", "1", "2", "10", "0.5", "-1", "3.75"]
_dates = ["${d}", "${e}", "today()", "date('2026-02-28')", "'2024-02-29'"]
_all = ["${v}", "${w}", "/data/r/v", "${r}[v > 2]/w", "instance('town')/root/item/size"]


def expressions() -> SearchStrategy[str]:
    """Expressions in XPath as XLSForm writes it."""
    leaves = st.sampled_from([*_texts, *_numbers, *_texts, *_numbers, *_dates, *_all])
    return st.recursive(leaves, _grown, max_leaves=8)


def _grown(parts: SearchStrategy[str]) -> SearchStrategy[str]:
    def call(*shapes: str) -> SearchStrategy[str]:
        return st.tuples(st.sampled_from(shapes), parts, parts, parts).map(
            lambda drawn: drawn[0].replace("A", drawn[1]).replace("B", drawn[2]).replace("C", drawn[3])
        )

    dates = st.sampled_from(_dates)
    sets = st.sampled_from(_all)
    return st.one_of(
        call("A + B", "A - B", "(A) * (B)", "(A) div (B)", "(A) mod (B)", "-(A)", "(A) + (B) * (C)"),
        call("(A) = (B)", "(A) != (B)", "(A) < (B)", "(A) <= (B)", "(A) > (B)", "(A) >= (B)"),
        call(
            "if((A) and (B), 'T', 'F')",
            "if((A) or (B), 'T', 'F')",
            "boolean(A) and boolean(B)",
            "not(A)",
            "boolean(A)",
            "if(A, B, C)",
            "if((A) = (B), A, C)",
        ),
        call(
            "number(A)",
            "int(A)",
            "round(A)",
            "round(A, 1)",
            "floor(A)",
            "ceiling(A)",
            "abs(A)",
            "min(A, B)",
            "max(A, B, C)",
        ),
        call(
            "pow(A, 2)",
            "sqrt(A)",
            "string(A)",
            "concat(A, B)",
            "concat(A, B, C)",
            "join('-', A, B)",
            "coalesce(A, B)",
        ),
        call(
            "string-length(A)",
            "substr(A, 1)",
            "substr(A, 0, 2)",
            "substr(A, -2)",
            "substr(A, number(B), number(C))",
        ),
        call(
            "contains(A, B)",
            "starts-with(A, B)",
            "ends-with(A, B)",
            "substring-before(A, B)",
            "translate(A, B, C)",
        ),
        call(
            "selected(A, B)",
            "count-selected(A)",
            "selected-at(A, number(B))",
            "normalize-space(A)",
            "boolean-from-string(A)",
        ),
        call("regex(A, '^[a-z]+$')", "regex(A, '[0-9]')", "jr:choice-name(A, '${s}')"),
        call("${r}[v = A]/w", "sum(${r}[v > A]/v)", "count(${r}[w = A])", "${r}[position() = A]/v"),
        call("indexed-repeat(${v}, ${r}, A)", "instance('town')/root/item[name = A]/size"),
        sets.flatmap(
            lambda many: st.sampled_from(
                [
                    f"{name}({many})"
                    for name in (
                        "count",
                        "sum",
                        "min",
                        "max",
                        "count-non-empty",
                        "string",
                        "number",
                        "boolean",
                        "concat",
                    )
                ]
            )
        ),
        sets.map(lambda many: f"join('-', {many})"),
        st.tuples(
            dates,
            st.sampled_from(
                [
                    "format-date(%s, '%%Y-%%m-%%d')",
                    "decimal-date-time(%s)",
                    "date(%s)",
                    "date(%s)",
                    "%s - ${d}",
                ]
            ),
        ).map(lambda drawn: drawn[1] % drawn[0]),
    )


def form(written: list[str]) -> dict[str, Any]:
    """The form with a calculation for each expression."""
    rows = [{"type": "calculate", "name": f"f{n}", "calculation": one} for n, one in enumerate(written)]
    settings = {"default_language": "中文 (zh)", "form_id": "data"}
    return {"survey": [*SURVEY, *rows], "choices": CHOICES, "settings": settings}
