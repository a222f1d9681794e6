"""From a syntax tree to the tree the evaluators walk: names resolved, functions and their arguments checked.

The evaluators' tree is JSON. Texts, numbers stand for themselves; everything else is `[operation, …]`, see
docs/checklists.md. Invariant: whatever this module lets through, both evaluators know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from fieldapp.checklists import xpath
from fieldapp.checklists.patterns import portable_pattern
from fieldapp.checklists.xpath import Call, ExpressionError, Literal, Operation, Path, Reference, Step, Syntax

Tree = Any

MANY = 99
# name: fewest and most arguments
FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "boolean": (1, 1),
    "ceiling": (1, 1),
    "coalesce": (2, MANY),
    "concat": (0, MANY),
    "contains": (2, 2),
    "count": (1, 1),
    "count-non-empty": (1, 1),
    "count-selected": (1, 1),
    "date": (1, 1),
    "decimal-date-time": (1, 1),
    "difference-in-months": (2, 2),
    "ends-with": (2, 2),
    "false": (0, 0),
    "floor": (1, 1),
    "format-date": (2, 2),
    "format-date-time": (2, 2),
    "if": (3, 3),
    "int": (1, 1),
    "join": (1, MANY),
    "max": (1, MANY),
    "min": (1, MANY),
    "normalize-space": (0, 1),
    "not": (1, 1),
    "now": (0, 0),
    "number": (0, 1),
    "once": (1, 1),
    "pow": (2, 2),
    "regex": (2, 2),
    "round": (1, 2),
    "selected": (2, 2),
    "selected-at": (2, 2),
    "starts-with": (2, 2),
    "string": (0, 1),
    "string-length": (0, 1),
    "substr": (2, 3),
    "substring-after": (2, 2),
    "substring-before": (2, 2),
    "sum": (1, 1),
    "today": (0, 0),
    "true": (0, 0),
}
# Resolved here, so the evaluators never see them under these names.
_PLACE_FUNCTIONS = {"position", "jr:choice-name", "indexed-repeat", "instance", "current"}
_NODE_SET_FUNCTIONS = {"count", "count-non-empty", "sum"}
_SELF_FUNCTIONS = {"normalize-space", "number", "string", "string-length"}
_KEPT_FUNCTIONS = {"now", "once"}
_INSTEAD = {
    "pulldata": "jr:choice-name(…)",
    "iif": "if(…)",
    "len": "string-length(…)",
    "length": "string-length(…)",
    "isnull": "${name} = ''",
    "selected-count": "count-selected(…)",
    "count_selected": "count-selected(…)",
    "substring": "substr(text, start, end)",
    "current-date": "today()",
    "date-time": "date(…)",
    "choice-name": "jr:choice-name(${name}, '${name}')",
}


@dataclass(eq=False)
class Node:
    """A group, repeat or question of the form, in its place."""

    kind: str
    name: str
    parent: Node | None = None
    type: str = ""
    row: int = 0
    list_name: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def path(self) -> str:
        """Names from the root, by slashes; "" for the root."""
        return "" if self.parent is None else f"{self.parent.path}/{self.name}".lstrip("/")

    def ancestors(self) -> list[Node]:
        """From the root down to the parent."""
        return [] if self.parent is None else [*self.parent.ancestors(), self.parent]

    def repeats(self) -> list[Node]:
        """The repeats this node stands in, outermost first."""
        return [node for node in self.ancestors() if node.kind == "repeat"]

    def child(self, name: str) -> Node | None:
        """The child of that name."""
        return next((node for node in self.children if node.name == name), None)

    def descendants(self) -> list[Node]:
        """All nodes below, in document order."""
        return [found for node in self.children for found in (node, *node.descendants())]


@dataclass
class Resolved:
    """An expression ready for the evaluators."""

    tree: Tree
    reads: list[Node] = field(default_factory=list)
    kept: bool = False


@dataclass
class Form:
    """What an expression may refer to."""

    root: Node
    columns: dict[str, set[str]]  # per choice list, the columns a choice_filter may name
    by_name: dict[str, list[Node]] = field(default_factory=dict)

    def index(self) -> None:
        """Note every node under its name."""
        for node in self.root.descendants():
            self.by_name.setdefault(node.name, []).append(node)

    def named(self, name: str) -> Node:
        """The node `${name}` means (pyxform has refused names that are not unique); raises ExpressionError."""
        found = self.by_name.get(name, [])
        if not found:
            close = _close_to(name, self.by_name)
            raise ExpressionError(
                _("there is no question %(name)s", name=name), f"${{{close}}}" if close else ""
            )
        return found[0]


def _close_to(name: str, known: dict[str, list[Node]]) -> str:
    folded = name.lower().replace("-", "_")
    return next((other for other in known if other.lower().replace("-", "_") == folded), "")


@dataclass
class _Resolver:
    form: Form
    here: Node
    choice_list: str | None = None
    reads: list[Node] = field(default_factory=list)
    kept: bool = False
    depth: int = 0

    def tree(self, syntax: Syntax) -> Tree:
        match syntax:
            case Literal(value):
                return value if isinstance(value, str) else int(value) if value.is_integer() else value
            case Reference(name):
                return self.value(self.form.named(name))
            case Operation(operator, operands):
                return [operator, *(self.tree(operand) for operand in operands)]
            case Call():
                return self.call(syntax)
            case Path():
                return self.path(syntax)
        raise AssertionError(syntax)

    # references

    def value(self, node: Node) -> Tree:
        if node.kind != "question":
            raise ExpressionError(
                _("%(name)s is a group, it has no answer of its own", name=node.name or "/"),
                _("name a question in it"),
            )
        return self.nodes(node)

    def nodes(self, node: Node, bound: int | None = None, indexes: dict[Node, Tree] | None = None) -> Tree:
        """`["ref", bound, path, indexes?]`: the first `bound` repeats are those the expression stands in."""
        mine, theirs = self.here.repeats(), node.repeats()
        common = next(
            (i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a is not b),
            min(len(mine), len(theirs)),
        )
        bound = common if bound is None else min(bound, common)
        # A repeat that is picked by position is no longer the one the expression stands in.
        bound = min([bound, *(theirs.index(repeat) for repeat in indexes or {} if repeat in theirs)])
        if node not in self.reads:
            self.reads.append(node)
        reference: Tree = ["ref", bound, node.path]
        if indexes:
            levels = theirs + ([node] if node.kind == "repeat" else [])
            reference.append([indexes.get(level) for level in levels])
        return reference

    def path(self, syntax: Path) -> Tree:
        if isinstance(syntax.start, Call) and syntax.start.name == "instance":
            return self.items(syntax)
        if self.choice_list is not None and syntax.start == "" and not syntax.predicates:
            (first, *more) = syntax.steps
            if first.name not in {".", ".."} and not more and not first.predicates:
                return self.column(first.name)
        node, bound, indexes = self.locate(syntax)
        if node.kind != "question":
            self.value(node)
        return self.nodes(node, bound, indexes)

    def column(self, name: str) -> Tree:
        assert self.choice_list is not None
        if name not in self.form.columns.get(self.choice_list, set()):
            raise ExpressionError(
                _("the choices of %(list)s have no column %(name)s", list=self.choice_list, name=name),
                _("add the column to the choices sheet, or write ${%(name)s} for a question", name=name),
            )
        return ["col", name]

    def locate(self, syntax: Syntax) -> tuple[Node, int | None, dict[Node, Tree]]:
        """The node a path leads to, how many repeats stay bound, and the positions picked by predicates."""
        indexes: dict[Node, Tree] = {}
        bound: int | None = None
        if isinstance(syntax, Reference):
            return self.form.named(syntax.name), None, indexes
        if not isinstance(syntax, Path):
            raise ExpressionError(_("a question is expected here"), "${name}")
        steps = syntax.steps
        if isinstance(syntax.start, Reference):
            node = self.form.named(syntax.start.name)
            self.pick(node, syntax.predicates, indexes)
        elif isinstance(syntax.start, Call):
            if syntax.start.name != "current":
                raise ExpressionError(
                    _("%(name)s() does not lead to a question", name=syntax.start.name), "${name}"
                )
            node = self.here
        elif syntax.start == "/":
            node = self.form.root
            # The first step of an absolute path is the form itself, whatever it is called.
            steps = steps[1:]
        else:
            node = self.here
            if steps[0].name not in {".", ".."}:
                self.bare(steps[0])
        for step in steps:
            if step.name == ".":
                continue
            if step.name == "..":
                if node.parent is None:
                    raise ExpressionError(_("the path leads out of the form"), "${name}")
                node = node.parent
                bound = len([*node.repeats(), *([node] if node.kind == "repeat" else [])])
            else:
                below = node.child(step.name)
                if below is None:
                    raise ExpressionError(
                        _("there is no %(name)s in %(place)s", name=step.name, place=node.path or "/"),
                        "${name}",
                    )
                node = below
            self.pick(node, step.predicates, indexes)
        return node, bound, indexes

    def bare(self, step: Step) -> None:
        name = step.name
        if name.lower() in {"yes", "no", "true", "false"}:
            raise ExpressionError(
                _("%(name)s alone is not understood here", name=name),
                _("write %(name)s()", name="true" if name.lower() in {"yes", "true"} else "false"),
            )
        if name in self.form.by_name:
            raise ExpressionError(
                _("the question %(name)s is written without ${ }", name=name), f"${{{name}}}"
            )
        raise ExpressionError(
            _("%(name)s is not understood", name=name),
            _("quote a text: '%(name)s'; mark a question: ${name}", name=name),
        )

    def pick(self, node: Node, predicates: tuple[Syntax, ...], indexes: dict[Node, Tree]) -> None:
        """A predicate behind a repeat: [3] or [position() = 3]."""
        for predicate in predicates:
            if node.kind != "repeat" or node in indexes:
                raise ExpressionError(_("a condition in [ ] is understood behind a repeat only, and once"))
            if (
                isinstance(predicate, Operation)
                and predicate.operator == "="
                and predicate.operands[0] == Call("position", ())
            ):
                predicate = predicate.operands[1]
            if isinstance(predicate, Operation) and predicate.operator in {
                "=",
                "!=",
                "<",
                "<=",
                ">",
                ">=",
                "and",
                "or",
            }:
                raise ExpressionError(
                    _("a condition in [ ] behind a repeat can only be a position"),
                    "${repeat}[position() = 1]/name",
                )
            indexes[node] = self.tree(predicate)

    def items(self, syntax: Path) -> Tree:
        """instance('list')/root/item[condition]/column."""
        assert isinstance(syntax.start, Call)
        arguments = syntax.start.arguments
        if (
            len(arguments) != 1
            or not isinstance(arguments[0], Literal)
            or not isinstance(arguments[0].value, str)
        ):
            raise ExpressionError(
                _("instance() takes the name of a choice list in quotes"), "instance('towns')"
            )
        name = arguments[0].value
        if name not in self.form.columns:
            raise ExpressionError(_("there is no choice list %(name)s", name=name))
        names = [step.name for step in syntax.steps]
        if (
            len(names) not in {2, 3}
            or names[:2] != ["root", "item"]
            or syntax.predicates
            or syntax.steps[0].predicates
        ):
            raise ExpressionError(
                _("instance() is not used in a way that is understood"),
                "instance('towns')/root/item[name = ${town}]/label",
            )
        inner = _Resolver(self.form, self.here, name, self.reads, depth=self.depth)
        conditions = [inner.tree(predicate) for predicate in syntax.steps[1].predicates]
        column = inner.column(names[2])[1] if len(names) == 3 else ""
        return ["item", name, column, *conditions]

    # calls

    def call(self, call: Call) -> Tree:
        name = call.name
        if name in _PLACE_FUNCTIONS:
            return getattr(self, "call_" + name.replace("jr:", "").replace("-", "_"))(call)
        if name not in FUNCTIONS:
            known = name.lower().replace("_", "-")
            instead = f"{known}(…)" if known in FUNCTIONS else _INSTEAD.get(known, "")
            raise ExpressionError(_("there is no function %(name)s()", name=name), instead)
        self.count_arguments(call, *FUNCTIONS[name])
        if name in _KEPT_FUNCTIONS:
            self.kept = True
        if name == "regex":
            pattern = call.arguments[1]
            if not isinstance(pattern, Literal) or not isinstance(pattern.value, str):
                raise ExpressionError(_("the pattern of regex() must be written out in quotes"))
            return [name, self.tree(call.arguments[0]), portable_pattern(pattern.value)]
        if name in _NODE_SET_FUNCTIONS:
            return [name, self.node_set(call)]
        if not call.arguments and name in _SELF_FUNCTIONS:
            return [name, self.value(self.here)]
        return [name, *(self.tree(argument) for argument in call.arguments)]

    def count_arguments(self, call: Call, fewest: int, most: int) -> None:
        if not fewest <= len(call.arguments) <= most:
            wanted = (
                str(fewest)
                if fewest == most
                else _("%(fewest)s or more", fewest=fewest)
                if most == MANY
                else f"{fewest}–{most}"
            )
            raise ExpressionError(
                _(
                    "%(name)s() takes %(wanted)s arguments, not %(given)s",
                    name=call.name,
                    wanted=wanted,
                    given=len(call.arguments),
                )
            )

    def node_set(self, call: Call) -> Tree:
        argument = call.arguments[0]
        if (
            isinstance(argument, Path)
            and isinstance(argument.start, Call)
            and argument.start.name == "instance"
        ):
            return self.items(argument)
        if isinstance(argument, Call) and argument.name == "indexed-repeat":
            return self.tree(argument)
        if call.name == "sum" and not isinstance(argument, Reference | Path):
            raise ExpressionError(
                _("sum() adds the answers of one question in a repeat"), _("join numbers with +")
            )
        node, bound, indexes = self.locate(argument)
        if node.kind == "group" or (node.kind == "repeat" and call.name != "count"):
            self.value(node)
        return self.nodes(node, bound, indexes)

    def call_position(self, call: Call) -> Tree:
        self.count_arguments(call, 0, 1)
        if not call.arguments:
            raise ExpressionError(_("position() needs to know of what"), "position(..)")
        node, _bound, _indexes = self.locate(call.arguments[0])
        levels = [*self.here.repeats(), *([self.here] if self.here.kind == "repeat" else [])]
        while node is not None and node not in levels:
            if node.kind != "group" or node.parent is None:
                raise ExpressionError(_("position() is understood inside a repeat only"), "position(..)")
            raise ExpressionError(
                _("position() points at the group %(name)s, not at its repeat", name=node.name),
                "position(../..)",
            )
        return ["position", levels.index(node)]

    def call_choice_name(self, call: Call) -> Tree:
        self.count_arguments(call, 2, 2)
        quoted = call.arguments[1]
        if not isinstance(quoted, Literal) or not isinstance(quoted.value, str):
            raise ExpressionError(
                _("the second part of jr:choice-name() is quoted"), "jr:choice-name(${name}, '${name}')"
            )
        node, _bound, _indexes = self.locate(xpath.parse(quoted.value))
        if not node.list_name:
            raise ExpressionError(_("%(name)s is not a question with choices", name=node.name))
        return ["choice-name", self.tree(call.arguments[0]), node.list_name]

    def call_indexed_repeat(self, call: Call) -> Tree:
        if len(call.arguments) < 3 or len(call.arguments) % 2 == 0:
            raise ExpressionError(
                _("indexed-repeat() takes a question and then pairs of repeat and position")
            )
        node, _bound, _none = self.locate(call.arguments[0])
        indexes: dict[Node, Tree] = {}
        for place in range(1, len(call.arguments), 2):
            repeat, _bound, _none = self.locate(call.arguments[place])
            if repeat not in node.repeats():
                raise ExpressionError(
                    _("%(name)s is not a repeat around %(question)s", name=repeat.name, question=node.name)
                )
            indexes[repeat] = self.tree(call.arguments[place + 1])
        self.value(node)
        return self.nodes(node, None, indexes)

    def call_instance(self, call: Call) -> Tree:
        raise ExpressionError(
            _("instance() needs a path behind it"), "instance('towns')/root/item[name = ${town}]/label"
        )

    def call_current(self, call: Call) -> Tree:
        raise ExpressionError(_("current() needs a path behind it"), "current()/../name")


def resolve(text: str, form: Form, here: Node, choice_list: str | None = None) -> Resolved:
    """Parse `text`, written at `here` (in a choice_filter over `choice_list`); raises ExpressionError."""
    resolver = _Resolver(form, here, choice_list)
    tree = resolver.tree(xpath.parse(text))
    return Resolved(tree, resolver.reads, resolver.kept)
