"""From a syntax tree to the tree the evaluators walk: names resolved, functions and their arguments checked.

The evaluators' tree is JSON. Texts, numbers stand for themselves; everything else is `[operation, …]`, see
docs/checklists.md. Invariant: whatever this module lets through, both evaluators know.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from fieldapp.checklists.compiler import xpath
from fieldapp.checklists.compiler.patterns import portable_pattern
from fieldapp.checklists.compiler.xpath import (
    Call,
    ExpressionError,
    Literal,
    Operation,
    Path,
    Reference,
    Step,
    Syntax,
)

Tree = Any

MANY = 99
# name: fewest and most arguments
FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "add-date": (2, 6),
    "boolean": (1, 1),
    "boolean-from-string": (1, 1),
    "ceiling": (1, 1),
    "coalesce": (2, MANY),
    "concat": (0, MANY),
    "contains": (2, 2),
    "count": (1, 1),
    "count-non-empty": (1, 1),
    "count-selected": (1, 1),
    "date": (1, 1),
    "date-time": (1, 1),
    "decimal-date-time": (1, 1),
    "decimal-time": (1, 1),
    "difference-in-months": (2, 2),
    "distance": (1, MANY),
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
    "pi": (0, 0),
    "pow": (2, 2),
    "random": (0, 0),
    "regex": (2, 2),
    "round": (1, 2),
    "selected": (2, 2),
    "selected-at": (2, 2),
    "sqrt": (1, 1),
    "starts-with": (2, 2),
    "string": (0, 1),
    "string-length": (0, 1),
    "substr": (2, 3),
    "substring-after": (2, 2),
    "substring-before": (2, 2),
    "sum": (1, 1),
    "today": (0, 0),
    "translate": (3, 3),
    "true": (0, 0),
    "uuid": (0, 1),
}
# Resolved here, so the evaluators never see them under these names.
PLACE_FUNCTIONS = {
    "current": (0, 0),
    "indexed-repeat": (3, MANY),
    "instance": (1, 1),
    "jr:choice-name": (2, 2),
    "jr:itext": (1, 1),
    "last": (0, 0),
    "position": (0, 1),
    "pulldata": (4, 4),
}
_NODE_SET_FUNCTIONS = {"count", "count-non-empty"}
_SELF_FUNCTIONS = {"normalize-space", "number", "string", "string-length"}
# What they give differs from one time to the next, so the phone's answer stays.
_KEPT_FUNCTIONS = {"now", "once", "random", "uuid"}
_DRAWN_FUNCTIONS = {"random", "uuid"}
_OPERATORS_AS_FUNCTIONS = {"div", "mod"}
# Functions of ODK and SurveyCTO that have no meaning here yet.
_OF_OTHERS = {
    "acos", "area", "asin", "atan", "atan2", "base64-decode", "base64-encode", "checklist", "cos", "digest", "duration",
    "enclosed-area", "exp", "exp10", "extract-signed", "geofence", "index", "intersects", "joinif", "log", "log10", "sin",
    "rank-index", "rank-value", "randomize", "sumif", "countif", "minif", "maxif", "tan", "version", "weighted-checklist",
}  # fmt: skip
_INSTEAD = {
    "iif": "if(…)",
    "len": "string-length(…)",
    "length": "string-length(…)",
    "isnull": "${name} = ''",
    "selected-count": "count-selected(…)",
    "count_selected": "count-selected(…)",
    "substring": "substr(text, start, end)",
    "current-date": "today()",
    "ceil": "ceiling(…)",
    "itext": "jr:itext(…)",
    "device-info": "${name} of a row of type deviceid",
    "index": "position(..)",
    "sumif": "sum(${name}) of a calculate row in the repeat: if(…, …, 0)",
    "countif": "count(${repeat}[…])",
    "joinif": "join(', ', ${repeat}[…]/name)",
    "checklist": "(${a} = 'yes') + (${b} = 'yes') >= 2",
    "weighted-checklist": "2 * (${a} = 'yes') + 3 * (${b} = 'yes') >= 4",
    "isblank": "${name} = ''",
    "empty": "${name} = ''",
    "date-diff": "decimal-date-time(${end}) - decimal-date-time(${start})",
    "datedif": "difference-in-months(${start}, ${end}) div 12",
    "year": "format-date(${date}, '%Y')",
    "month": "format-date(${date}, '%n')",
    "day": "format-date(${date}, '%e')",
    "average": "sum(${name}) div count(${repeat})",
    "duration": "decimal-date-time(${end}) - decimal-date-time(${start})",
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
    # Whether it differs from one time to the next, and whether even between the phone and the server.
    kept: bool = False
    drawn: bool = False


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
        """The node `${name}` means; raises ExpressionError when there is none or more than one."""
        found = self.by_name.get(name, [])
        if not found:
            close = _close_to(name, self.by_name)
            raise ExpressionError(
                _("there is no question %(name)s", name=name), f"${{{close}}}" if close else ""
            )
        if len(found) > 1:
            raise ExpressionError(
                _("several questions are called %(name)s", name=name),
                _("write the path: ../%(name)s or /data/%(path)s", name=name, path=found[0].path),
            )
        return found[0]


def _close_to(name: str, known: dict[str, list[Node]]) -> str:
    folded = name.lower().replace("-", "_")
    return next((other for other in known if other.lower().replace("-", "_") == folded), "")


@dataclass
class _Target:
    """Where a path leads: the node, how many repeats stay bound, what predicates pick, and from where it was read."""

    node: Node
    bound: int | None = None
    picks: dict[Node, Tree] = field(default_factory=dict)
    from_candidate: bool = False


@dataclass
class _Resolver:
    form: Form
    here: Node
    choice_list: str | None = None
    # The node a predicate looks at, one instance after the other; relative paths in it start there.
    candidate: Node | None = None
    reads: list[Node] = field(default_factory=list)
    called: set[str] = field(default_factory=set)

    def tree(self, syntax: Syntax) -> Tree:
        match syntax:
            case Literal(value):
                return value if isinstance(value, str) else int(value) if value.is_integer() else value
            case Reference(name):
                return self.value(_Target(self.form.named(name)))
            case Operation(operator, operands):
                return [operator, *(self.tree(operand) for operand in operands)]
            case Call():
                return self.call(syntax)
            case Path():
                return self.path(syntax)
        raise AssertionError(syntax)

    def inside(self, choice_list: str | None = None, candidate: Node | None = None) -> _Resolver:
        """A resolver for a predicate, which reads on behalf of the same expression."""
        return _Resolver(self.form, self.here, choice_list, candidate, self.reads, self.called)

    # references

    def value(self, target: _Target) -> Tree:
        """The answers of a question; raises ExpressionError for a group or repeat."""
        if target.node.kind != "question":
            raise ExpressionError(
                _("%(name)s is a group, it has no answer of its own", name=target.node.name or "/"),
                _("name a question in it"),
            )
        return self.nodes(target)

    def nodes(self, target: _Target) -> Tree:
        """`["ref", bound, path, picks?]`: the first `bound` repeats are those the expression stands in."""
        node = target.node
        theirs = node.repeats()
        mine = self.around(target.from_candidate)
        common = next(
            (i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a is not b),
            min(len(mine), len(theirs)),
        )
        bound = common if target.bound is None else min(target.bound, common)
        # A repeat that is picked from is no longer the one the expression stands in.
        bound = min([bound, *(theirs.index(repeat) for repeat in target.picks if repeat in theirs)])
        if node not in self.reads:
            self.reads.append(node)
        reference: Tree = ["ref", bound, node.path]
        if target.picks:
            levels = theirs + ([node] if node.kind == "repeat" or node in target.picks else [])
            reference.append([target.picks.get(level) for level in levels])
        return ["candidate", reference] if target.from_candidate else reference

    def around(self, of_candidate: bool) -> list[Node]:
        """The repeats the expression (or the candidate of a predicate) stands in."""
        if not of_candidate or self.candidate is None:
            return self.here.repeats()
        return [*self.candidate.repeats(), *([self.candidate] if self.candidate.kind == "repeat" else [])]

    def path(self, syntax: Path) -> Tree:
        if isinstance(syntax.start, Call) and syntax.start.name == "instance":
            return self.items(syntax)
        if self.choice_list is not None and syntax.start == "" and not syntax.predicates:
            steps = [step for step in syntax.steps if step.name != "."]
            if len(steps) == 1 and steps[0].name != ".." and not steps[0].predicates:
                return self.column(steps[0].name)
        return self.value(self.locate(syntax))

    def column(self, name: str) -> Tree:
        assert self.choice_list is not None
        if name not in self.form.columns.get(self.choice_list, set()):
            raise ExpressionError(
                _("the choices of %(list)s have no column %(name)s", list=self.choice_list, name=name),
                _("quote a text: '%(name)s'; mark a question: ${%(name)s}; or add the column", name=name),
            )
        return ["col", name]

    def locate(self, syntax: Syntax) -> _Target:
        """Where a path leads; raises ExpressionError."""
        if isinstance(syntax, Reference):
            return _Target(self.form.named(syntax.name))
        if not isinstance(syntax, Path):
            if syntax == Call("current", ()):
                return _Target(self.here)
            raise ExpressionError(_("a question is expected here"), "${name}")
        steps = syntax.steps
        if isinstance(syntax.start, Reference):
            target = _Target(self.form.named(syntax.start.name))
            self.pick(target, syntax.predicates)
        elif isinstance(syntax.start, Call):
            if syntax.start.name != "current":
                raise ExpressionError(
                    _("%(name)s() does not lead to a question", name=syntax.start.name), "${name}"
                )
            target = _Target(self.here)
        elif syntax.start == "/":
            # Written out from the root a path means all instances, also those around the expression.
            target = _Target(self.form.root, bound=0)
            # The first step of an absolute path is the form itself, whatever it is called.
            steps = steps[1:]
        else:
            target = _Target(self.candidate or self.here, from_candidate=self.candidate is not None)
            if steps[0].name not in {".", ".."} and target.node.child(steps[0].name) is None:
                self.bare(steps[0])
        for step in steps:
            self.step(target, step)
        return target

    def step(self, target: _Target, step: Step) -> None:
        """Move `target` one step on."""
        node = target.node
        if step.name == "..":
            if node.parent is None:
                raise ExpressionError(_("the path leads out of the form"), "${name}")
            target.node = node = node.parent
            target.bound = len([*node.repeats(), *([node] if node.kind == "repeat" else [])])
        elif step.name != ".":
            below = node.child(step.name)
            if below is None:
                raise ExpressionError(
                    _("there is no %(name)s in %(place)s", name=step.name, place=node.path or "/"),
                    "${name}",
                )
            target.node = below
        self.pick(target, step.predicates)

    def bare(self, step: Step) -> None:
        name = step.name
        if name.lower() in {"true", "false"}:
            raise ExpressionError(
                _("%(name)s alone is not understood here", name=name),
                _("write %(name)s()", name=name.lower()),
            )
        if name in self.form.by_name:
            raise ExpressionError(
                _("the question %(name)s is written without ${ }", name=name), f"${{{name}}}"
            )
        raise ExpressionError(
            _("%(name)s is not understood", name=name),
            _("quote a text: '%(name)s'; mark a question: ${name}", name=name),
        )

    def pick(self, target: _Target, predicates: tuple[Syntax, ...]) -> None:
        """Predicates behind a repeat or a question: a position, or conditions each instance is asked."""
        if not predicates:
            return
        node = target.node
        if node.kind == "group" or node in target.picks:
            raise ExpressionError(
                _("a condition in [ ] is understood behind a repeat or a question only"),
                "${repeat}[name = 'x']/age",
            )
        position = _position_asked(predicates[0]) if len(predicates) == 1 else None
        if position is not None and node.kind == "repeat":
            target.picks[node] = self.tree(position)
            return
        inner = self.inside(candidate=node)
        target.picks[node] = ["where", *(inner.tree(predicate) for predicate in predicates)]

    def items(self, syntax: Path) -> Tree:
        """instance('list')/root/item[condition]/column."""
        assert isinstance(syntax.start, Call)
        name = self.list_named(syntax.start)
        names = [step.name for step in syntax.steps]
        if (
            len(names) not in {2, 3}
            or names[:2] != ["root", "item"]
            or syntax.predicates
            or syntax.steps[0].predicates
            or syntax.steps[-1].predicates != (syntax.steps[1].predicates if len(names) == 2 else ())
        ):
            raise ExpressionError(
                _("instance() is not used in a way that is understood"),
                "instance('towns')/root/item[name = ${town}]/label",
            )
        inner = self.inside(choice_list=name)
        conditions = [inner.tree(predicate) for predicate in syntax.steps[1].predicates]
        column = inner.column(names[2])[1] if len(names) == 3 else ""
        return ["item", name, column, *conditions]

    def list_named(self, call: Call) -> str:
        """The choice list that the first argument of instance() or pulldata() names."""
        name = _quoted(call.arguments[0]) if call.arguments else None
        if name is None or (call.name == "instance" and len(call.arguments) != 1):
            raise ExpressionError(
                _("%(name)s() takes the name of a choice list in quotes", name=call.name),
                "instance('towns')/root/item[name = ${town}]/label"
                if call.name == "instance"
                else "pulldata('towns', 'county', 'name', ${town})",
            )
        name = name.removesuffix(".csv")
        if name not in self.form.columns:
            raise ExpressionError(_("there is no choice list %(name)s", name=name))
        return name

    # calls

    def call(self, call: Call) -> Tree:
        name = call.name
        if name in _OPERATORS_AS_FUNCTIONS and len(call.arguments) == 2:
            return [name, *(self.tree(argument) for argument in call.arguments)]
        if name in PLACE_FUNCTIONS:
            self.count_arguments(call, *PLACE_FUNCTIONS[name])
            return getattr(self, "call_" + name.replace("jr:", "").replace("-", "_"))(call)
        if name not in FUNCTIONS:
            known = name.lower().replace("_", "-")
            instead = f"{known}(…)" if known in FUNCTIONS else _INSTEAD.get(known, "")
            raise ExpressionError(
                _("the function %(name)s() is not supported", name=name)
                if known in _OF_OTHERS
                else _("there is no function %(name)s()", name=name),
                instead,
            )
        self.count_arguments(call, *FUNCTIONS[name])
        self.called.add(name)
        if name == "regex":
            pattern = _quoted(call.arguments[1])
            if pattern is None:
                raise ExpressionError(_("the pattern of regex() must be written out in quotes"))
            return [name, self.tree(call.arguments[0]), portable_pattern(pattern)]
        if name in _NODE_SET_FUNCTIONS:
            return [name, self.node_set(call)]
        if not call.arguments and name in _SELF_FUNCTIONS:
            return [name, self.tree(Path("", (), (Step("."),)))]
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
        target = self.locate(argument)
        if target.node.kind == "group" or (target.node.kind == "repeat" and call.name != "count"):
            self.value(target)
        return self.nodes(target)

    def call_position(self, call: Call) -> Tree:
        if not call.arguments:
            if self.candidate is None and self.choice_list is None:
                raise ExpressionError(_("position() needs to know of what"), "position(..)")
            return ["index"]
        target = self.locate(call.arguments[0])
        levels = self.around(target.from_candidate)
        if not target.from_candidate and self.here.kind == "repeat":
            levels = [*levels, self.here]
        node = target.node
        if node not in levels:
            if not levels and node.kind == "group":
                return 1  # as in XPath: the first and only one of its kind
            if node.kind != "group" or node.parent is None:
                raise ExpressionError(_("position() is understood inside a repeat only"), "position(..)")
            raise ExpressionError(
                _("position() points at the group %(name)s, not at its repeat", name=node.name),
                "position(../..)",
            )
        place = ["position", levels.index(node)]
        return ["candidate", place] if target.from_candidate else place

    def call_last(self, _call: Call) -> Tree:
        if self.candidate is None and self.choice_list is None:
            raise ExpressionError(_("last() is understood in [ ] only"), "${repeat}[last()]/name")
        return ["size"]

    def call_choice_name(self, call: Call) -> Tree:
        quoted = _quoted(call.arguments[1])
        if quoted is None:
            raise ExpressionError(
                _("the second part of jr:choice-name() is quoted"), "jr:choice-name(${name}, '${name}')"
            )
        node = self.locate(xpath.parse(quoted)).node
        if not node.list_name:
            raise ExpressionError(_("%(name)s is not a question with choices", name=node.name))
        return ["choice-name", self.tree(call.arguments[0]), node.list_name]

    def call_itext(self, call: Call) -> Tree:
        """jr:itext(instance('list')/root/item[…]/itextId): a choice's label, by the name ODK's tools give its text."""
        path = call.arguments[0]
        if (
            not isinstance(path, Path)
            or not isinstance(path.start, Call)
            or path.start.name != "instance"
            or [step.name for step in path.steps][2:] != ["itextId"]
        ):
            raise ExpressionError(
                _("jr:itext() is understood for the labels of choices only"),
                "instance('towns')/root/item[name = ${town}]/label",
            )
        return self.items(Path(path.start, path.predicates, (*path.steps[:2], Step("label"))))

    def call_indexed_repeat(self, call: Call) -> Tree:
        if len(call.arguments) % 2 == 0:
            raise ExpressionError(
                _("indexed-repeat() takes a question and then pairs of repeat and position")
            )
        node = self.locate(call.arguments[0]).node
        target = _Target(node)
        for place in range(1, len(call.arguments), 2):
            repeat = self.locate(call.arguments[place]).node
            if repeat not in node.repeats():
                raise ExpressionError(
                    _("%(name)s is not a repeat around %(question)s", name=repeat.name, question=node.name)
                )
            target.picks[repeat] = self.tree(call.arguments[place + 1])
        return self.value(target)

    def call_pulldata(self, call: Call) -> Tree:
        name = self.list_named(call)
        wanted, key = _quoted(call.arguments[1]), _quoted(call.arguments[2])
        if wanted is None or key is None:
            raise ExpressionError(
                _("the columns in pulldata() are quoted"), "pulldata('towns', 'county', 'name', ${town})"
            )
        inner = self.inside(choice_list=name)
        sought = ["string", self.tree(call.arguments[3])]
        return ["string", ["item", name, inner.column(wanted)[1], ["=", inner.column(key), sought]]]

    def call_instance(self, call: Call) -> Tree:
        raise ExpressionError(
            _("instance() needs a path behind it"), "instance('towns')/root/item[name = ${town}]/label"
        )

    def call_current(self, _call: Call) -> Tree:
        return self.value(_Target(self.here))


def _quoted(syntax: Syntax) -> str | None:
    return syntax.value if isinstance(syntax, Literal) and isinstance(syntax.value, str) else None


_ARITHMETIC = {"+", "-", "*", "div", "mod", "neg"}
_NUMBER_FUNCTIONS = {
    "abs",
    "ceiling",
    "count",
    "count-non-empty",
    "count-selected",
    "floor",
    "int",
    "max",
    "min",
    "number",
    "position",
    "round",
    "string-length",
    "sum",
}


def _position_asked(predicate: Syntax) -> Syntax | None:
    """The position a predicate asks for, where it is a number that can be told without looking at an instance."""
    if (
        isinstance(predicate, Operation)
        and predicate.operator == "="
        and predicate.operands[0] == Call("position", ())
    ):
        wanted = predicate.operands[1]
        return None if _looks_at_candidate(wanted) else wanted
    is_number = (
        (isinstance(predicate, Literal) and not isinstance(predicate.value, str))
        or (isinstance(predicate, Operation) and predicate.operator in _ARITHMETIC)
        or (isinstance(predicate, Call) and predicate.name in _NUMBER_FUNCTIONS)
    )
    return predicate if is_number and not _looks_at_candidate(predicate) else None


def _looks_at_candidate(syntax: Syntax) -> bool:
    match syntax:
        case Path(start):
            return start == ""
        case Call(name, arguments):
            return (not arguments and name in {"position", "last"}) or any(
                map(_looks_at_candidate, arguments)
            )
        case Operation(_, operands):
            return any(map(_looks_at_candidate, operands))
    return False


def resolve(text: str, form: Form, here: Node, choice_list: str | None = None) -> Resolved:
    """Parse `text`, written at `here` (in a choice_filter over `choice_list`); raises ExpressionError."""
    resolver = _Resolver(form, here, choice_list)
    tree = resolver.tree(xpath.parse(text))
    called = resolver.called
    return Resolved(tree, resolver.reads, bool(called & _KEPT_FUNCTIONS), bool(called & _DRAWN_FUNCTIONS))
