"""Which answers decide which: the order of evaluation, and circles in it.

Invariant: a document's order names each path once, after all that it depends on.
"""

from __future__ import annotations

from flask_babel import gettext as _

from fieldapp.checklists.compiler.compilation import Compilation
from fieldapp.checklists.compiler.expressions import Node


def decided_by(work: Compilation, node: Node) -> list[Node]:
    """The nodes whose answers decide this node's answer as others see it."""
    reads = list(work.value_reads.get(node, []))
    for place in [*node.ancestors(), node]:
        reads += work.relevance_reads.get(place, [])
        if place.kind == "repeat":
            reads += work.value_reads.get(place, [])
    return reads


def order(work: Compilation) -> list[Node]:
    """Questions and repeats that depend on others, each after those it depends on."""
    done: dict[Node, None] = {}
    started: set[Node] = set()
    for first in work.root.descendants():
        if first in started:
            continue
        stack = [(first, iter(decided_by(work, first)))]
        started.add(first)
        while stack:
            node, rest = stack[-1]
            following = next((read for read in rest if read not in started), None)
            if following is None:
                stack.pop()
                done[node] = None
            else:
                started.add(following)
                stack.append((following, iter(decided_by(work, following))))
    return [node for node in done if node.kind != "group" and decided_by(work, node)]


def check_circles(work: Compilation) -> None:
    """Refuse questions that decide their own relevance, and calculations, filters and counts in a circle."""
    _check_self(work)
    place: dict[Node, int] = {}  # 1 while its circle is being looked for, 2 when that is done
    for first in work.root.descendants():
        if first in place:
            continue
        place[first] = 1
        trail = [(first, iter(decided_by(work, first)))]
        while trail:
            node, rest = trail[-1]
            following = next(rest, None)
            if following is None:
                trail.pop()
                place[node] = 2
            elif following not in place:
                place[following] = 1
                trail.append((following, iter(decided_by(work, following))))
            elif place[following] == 1:
                around = [node for node, _rest in trail]
                _refuse_circle(work, around[around.index(following) :])


def _check_self(work: Compilation) -> None:
    for node, reads in list(work.relevance_reads.items()):
        own = next((read for read in reads if read is node or node in read.ancestors()), None)
        if own is not None:
            work.refuse(
                node,
                "relevant",
                _("%(name)s decides whether it is asked itself", name=own.name),
                _("use an earlier question"),
            )
            del work.relevance_reads[node]
    for node, reads in list(work.value_reads.items()):
        own = next((read for read in reads if node.kind == "repeat" and node in read.ancestors()), None)
        if own is not None:
            work.refuse(
                node,
                "repeat_count",
                _("%(name)s stands in the repeat whose number it decides", name=own.name),
                _("use a question before the repeat"),
            )
            del work.value_reads[node]


def _refuse_circle(work: Compilation, around: list[Node]) -> None:
    first = around[0]
    names = " → ".join(node.name for node in [*around, first])
    if first.kind == "repeat":
        column = "repeat_count" if first in work.value_reads else "relevant"
    elif "calculation" in work.row(first):
        column = "calculation"
    else:
        column = "choice_filter" if first in work.value_reads else "relevant"
    work.refuse(
        first,
        column,
        _("these depend on each other in a circle: %(names)s", names=names),
        _("break the circle"),
    )
