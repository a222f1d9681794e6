"""XPath as XLSForm uses it: expression text to a syntax tree, with nothing resolved yet.

Invariant: a text either becomes a tree or raises `ExpressionError` with a reason a form author can act on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flask_babel import gettext as _

# Evaluators walk trees by recursion, so both depth and the length of a chain a + b + c … are bounded.
MAX_DEPTH = 40
MAX_CHAIN = 150


class ExpressionError(ValueError):
    """An expression cannot be accepted; `instead` says what to write, where that is known."""

    def __init__(self, reason: str, instead: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.instead = instead


@dataclass(frozen=True)
class Literal:
    """A number or a quoted text."""

    value: str | float


@dataclass(frozen=True)
class Reference:
    """`${name}`."""

    name: str


@dataclass(frozen=True)
class Step:
    """One step of a path: a name, `.` or `..`, with the predicates behind it."""

    name: str
    predicates: tuple[Syntax, ...] = ()


@dataclass(frozen=True)
class Path:
    """Steps from `start`: "/" (the root), "" (here), a reference or a call such as instance('towns')."""

    start: Reference | Call | str
    predicates: tuple[Syntax, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Call:
    """A function call."""

    name: str
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True)
class Operation:
    """An operator with one operand (`neg`) or two."""

    operator: str
    operands: tuple[Syntax, ...]


Syntax = Literal | Reference | Path | Call | Operation

_NAME = r"[^\W\d][\w.\-·]*"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<string>"[^"]*"|'[^']*')
    | (?P<reference>\$\{{\s*(?P<target>[^}}]*?)\s*\}})
    | (?P<number>\d+(?:\.\d*)?|\.\d+)
    | (?P<name>{_NAME}(?::{_NAME})?)
    | (?P<symbol>\.\.|//|!=|<=|>=|==|&&|\|\||[-+*=<>()\[\],/.|@&!])
    )""",
    re.VERBOSE,
)
_CURLY = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"'})
# A text in a pair of curly quotes, which may hold straight ones: “it's”.
_CURLY_PAIRS = re.compile(r"“([^“”\"]*)”|‘([^‘’']*)’|\"[^\"]*\"|'[^']*'")
_FULL_WIDTH = "（），＝＞＜＋－＊｛｝［］＄／：；。！＆％、"
# Signs that people type for what XPath writes in another way.
_OTHER_SIGNS = {
    "≥": ">=", "≤": "<=", "≠": "!=", "×": "*", "÷": "div", ";": ",", "`": "'", "$": "${name}", "#": "${name}",
    "{": "${name}", "%": "div 100",
}  # fmt: skip
_WORD_OPERATORS = {"and", "or", "div", "mod"}
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("or",),
    ("and",),
    ("=", "!="),
    ("<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "div", "mod"),
)
_INSTEAD = {"==": "=", "&&": "and", "||": "or", "&": "and", "!": "not(…)"}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            rest = text[at:].lstrip()
            if rest[0] in "'\"":
                raise ExpressionError(
                    _("a quoted text does not end: %(text)s", text=_short(rest)),
                    _("close it with the same quote"),
                )
            if rest.startswith("${"):
                raise ExpressionError(_("a reference does not end: %(text)s", text=_short(rest)), "${name}")
            if rest[0] in _FULL_WIDTH or rest.startswith("$｛"):
                raise ExpressionError(
                    _("the full-width sign %(sign)s is not understood", sign=rest[:2].lstrip("$")[0]),
                    _("type it with the input method switched to English"),
                )
            raise ExpressionError(
                _("the sign %(sign)s is not understood", sign=rest[0]), _OTHER_SIGNS.get(rest[0], "")
            )
        kind = match.lastgroup or ""
        if match["reference"] is not None:
            token = _Token("reference", match["target"], match.start("reference"))
        else:
            kind = next(k for k in ("string", "number", "name", "symbol") if match[k] is not None)
            token = _Token(kind, match[kind], match.start(kind))
        if kind == "name" and token.text.lower() in _WORD_OPERATORS and found and _ends_operand(found[-1]):
            token = _Token("operator", token.text.lower(), token.at)
        if token.text in _INSTEAD and token.kind == "symbol":
            raise ExpressionError(
                _("%(sign)s is not an operator here", sign=token.text),
                _("write %(sign)s", sign=_INSTEAD[token.text]),
            )
        found.append(token)
        at = match.end()
    return found


def _ends_operand(token: _Token) -> bool:
    return token.kind in {"string", "reference", "number", "name"} or token.text in {")", "]", ".", ".."}


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    def peek(self, *texts: str, ahead: int = 0) -> bool:
        place = self.at + ahead
        if place >= len(self.tokens):
            return False
        token = self.tokens[place]
        return token.kind in {"symbol", "operator"} and token.text in texts

    def kind(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place].kind if place < len(self.tokens) else ""

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def whole(self) -> Syntax:
        if not self.tokens:
            raise ExpressionError(_("the expression is empty"))
        tree = self.expression()
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.text == ")":
                raise ExpressionError(_("there is a closing bracket too many"))
            if token.text in {"]", ","}:
                raise ExpressionError(_("%(sign)s stands where nothing should follow", sign=token.text))
            raise ExpressionError(
                _("an operator is missing before %(text)s", text=_short(token.text)),
                {"且": "and", "并且": "and", "和": "and", "或": "or", "或者": "or"}.get(token.text)
                or _("join the two with and, or, = …"),
            )
        return tree

    def expression(self, level: int = 0) -> Syntax:
        if level == len(_LEVELS):
            return self.negation()
        if level == 0:
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise ExpressionError(
                    _("the expression is nested too deeply"), _("move parts of it into calculate rows")
                )
        left = self.expression(level + 1)
        for _link in range(MAX_CHAIN):
            if not self.peek(*_LEVELS[level]):
                break
            operator = self.take().text
            right = self.operand(operator, level + 1)
            if operator in {"and", "or"} and isinstance(left, Operation) and left.operator == operator:
                left = Operation(operator, (*left.operands, right))
            else:
                left = Operation(operator, (left, right))
        else:
            raise ExpressionError(_("the expression is too long"), _("move parts of it into calculate rows"))
        if level == 0:
            self.depth -= 1
        return left

    def operand(self, operator: str, level: int) -> Syntax:
        if self.at >= len(self.tokens) or self.peek(")", "]", ","):
            raise ExpressionError(
                _("nothing follows the operator %(sign)s", sign=operator),
                _("add what is missing or delete the operator"),
            )
        return self.expression(level)

    def negation(self) -> Syntax:
        if not self.peek("-"):
            return self.union()
        self.take()
        if self.peek("-"):
            raise ExpressionError(_("there are two minus signs in a row"))
        return Operation("neg", (self.union(),))

    def union(self) -> Syntax:
        value = self.path()
        if self.peek("|"):
            raise ExpressionError(
                _("joining node sets with | is not supported"), _("use coalesce(a, b) or two calculations")
            )
        return value

    def path(self) -> Syntax:
        if self.at >= len(self.tokens):
            raise ExpressionError(_("the expression stops too early"))
        if self.peek("//"):
            raise ExpressionError(_("paths with // are not supported"), "${name}")
        if self.peek("/"):
            self.take()
            return Path("/", (), self.steps())
        if self.peek(".", "..", "@") or (self.kind() == "name" and not self.peek("(", ahead=1)):
            return Path("", (), self.steps())
        start = self.primary()
        predicates = self.predicates()
        if self.peek("/"):
            self.take()
            return self._filtered(start, predicates, self.steps())
        return self._filtered(start, predicates, ()) if predicates else start

    @staticmethod
    def _filtered(start: Syntax, predicates: tuple[Syntax, ...], steps: tuple[Step, ...]) -> Path:
        if not isinstance(start, Reference | Call):
            raise ExpressionError(_("only questions and instance(…) can have [ ] or / behind them"))
        return Path(start, predicates, steps)

    def steps(self) -> tuple[Step, ...]:
        steps = [self.step()]
        while self.peek("/", "//"):
            if self.take().text == "//":
                raise ExpressionError(_("paths with // are not supported"), "${name}")
            steps.append(self.step())
        return tuple(steps)

    def step(self) -> Step:
        if self.peek("@"):
            raise ExpressionError(_("attributes (@…) are not supported"))
        if self.peek("*"):
            raise ExpressionError(_("* as a name in paths is not supported"), _("name the question: ${name}"))
        if self.peek(".", "..") or self.kind() == "name":
            return Step(self.take().text, self.predicates())
        raise ExpressionError(_("a name is missing after / in a path"))

    def predicates(self) -> tuple[Syntax, ...]:
        found = []
        while self.peek("["):
            self.take()
            found.append(self.expression())
            if not self.peek("]"):
                raise ExpressionError(_("a bracket [ is not closed"), _("add ]"))
            self.take()
        return tuple(found)

    def primary(self) -> Syntax:
        token = self.take()
        if token.kind == "string":
            return Literal(token.text[1:-1])
        if token.kind == "number":
            return Literal(float(token.text))
        if token.kind == "reference":
            if not token.text:
                raise ExpressionError(_("a reference has no name: ${}"), "${name}")
            return Reference(token.text)
        if token.kind == "name":
            return self.call(token.text)
        if token.text == "(":
            inner = self.expression() if not self.peek(")") else None
            if inner is None:
                raise ExpressionError(_("the brackets ( ) are empty"))
            self.close()
            return inner
        if token.text == ")":
            raise ExpressionError(_("there is a closing bracket too many, or something is missing before it"))
        raise ExpressionError(
            _("something is missing before %(sign)s", sign=token.text),
            self.turned(token) or _("add what is missing or delete the operator"),
        )

    def turned(self, token: _Token) -> str:
        """What is meant by => and <>."""
        before = self.tokens[self.at - 2].text if self.at > 1 else ""
        return {("=", ">"): ">=", ("=", "<"): "<=", ("<", ">"): "!="}.get((before, token.text), "")

    def call(self, name: str) -> Call:
        self.take()
        arguments: list[Syntax] = []
        if not self.peek(")"):
            arguments.append(self.argument(name))
            while self.peek(","):
                self.take()
                arguments.append(self.argument(name))
        self.close()
        return Call(name, tuple(arguments))

    def argument(self, name: str) -> Syntax:
        if self.peek(",", ")"):
            raise ExpressionError(_("%(name)s() has an empty argument", name=name))
        return self.expression()

    def close(self) -> None:
        if not self.peek(")"):
            raise ExpressionError(_("a bracket ( is not closed"), _("add )"))
        self.take()


def _straightened(match: re.Match[str]) -> str:
    if match[1] is not None:
        return f'"{match[1]}"'
    return f"'{match[2]}'" if match[2] is not None else match[0]


def parse(text: str) -> Syntax:
    """The syntax tree of one expression; raises ExpressionError.

    Office programs turn quotes into curly ones: they count as quotes, but not inside a text in straight ones.
    """
    try:
        return _Parser(_CURLY_PAIRS.sub(_straightened, text)).whole()
    except ExpressionError:
        if text.translate(_CURLY) == text:
            raise
        return _Parser(text.translate(_CURLY)).whole()
