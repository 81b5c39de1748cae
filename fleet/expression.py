"""The expression language of rules, regimes and wear factors: reading and checking.

Expressions look like Python's: arithmetic, comparisons, `and`, `or`, `not`, parentheses, names
of signals and of the rule's own parameters, `abs(x)`, `min(x, y, ...)`, `max(x, y, ...)`, and
functions over a window of the past: `avg(x, "10min")`, `low(x, "10min")` and `high(x, "10min")`
(least and greatest value), `delta(x, "60s")` (change since the window's first value),
`rate(x, "60s")` (change per minute), `count(condition, "10min")` (how often it became true).
`fleet.evaluate` computes them over columns.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from fleet.errors import ExpressionError

WINDOW_FUNCTIONS = ("avg", "low", "high", "delta", "rate", "count")
SCALAR_FUNCTIONS = ("abs", "min", "max")
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*(s|min|h|d)$")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_OPERATORS = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.BinOp,
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.Pow,
    ast.Compare,
    ast.Lt,
    ast.LtE,
    ast.Gt,
    ast.GtE,
    ast.Eq,
    ast.NotEq,
    ast.Load,
)


#: No signal comes near it, and every number up to here is one that columns can hold.
LARGEST_NUMBER = 1e300


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    `names` are the signals and parameters it reads; `lookback_ms` how far into the past its
    longest window reaches, in milliseconds (0 without windows).
    """

    text: str
    tree: ast.expr
    names: frozenset[str]
    lookback_ms: int


def parse_duration_ms(text: str) -> int:
    """Milliseconds of a duration such as `60s`, `10min`, `24h`, `7d`.

    Raises ExpressionError when it is none.
    """
    match = _DURATION.match(text.strip())
    if match is None:
        raise ExpressionError(f"{text!r} is no duration; write one like 60s, 10min, 24h or 7d")
    return round(float(match[1]) * _SECONDS[match[2]] * 1000)


def parse(text: str, known: Collection[str]) -> Expression:
    """Read an expression whose names must be among `known`.

    Raises ExpressionError with the column (from 1) and what would be right.
    """
    # YAML may leave line breaks in a long expression; for Python they would end it.
    text = text.strip().replace("\n", " ")
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        column = error.offset or len(text) + 1
        raise ExpressionError(f"cannot read {text!r}: {error.msg}", column) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError("cannot read this: it is no text, or nested too deep") from error
    reader = _Reader(known)
    try:
        reader.visit(tree)
    except RecursionError as error:
        raise ExpressionError("cannot read this: it is nested too deep") from error
    return Expression(text, tree, frozenset(reader.names), reader.lookback_ms)


class _Reader(ast.NodeVisitor):
    """Collects names and windows, and refuses everything the language does not have."""

    def __init__(self, known: Collection[str]) -> None:
        self.known = known
        self.names: set[str] = set()
        self.lookback_ms = 0
        self._in_window = False

    def generic_visit(self, node: ast.AST) -> None:
        if not isinstance(node, _OPERATORS):
            what = type(node).__name__
            raise ExpressionError(
                f"{what} is not part of the rule language; use arithmetic, comparisons, "
                f"and, or, not, {', '.join(SCALAR_FUNCTIONS + WINDOW_FUNCTIONS)}",
                getattr(node, "col_offset", 0) + 1,
            )
        super().generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id not in self.known:
            near = difflib.get_close_matches(node.id, list(self.known), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ExpressionError(f"unknown name {node.id}{hint}", node.col_offset + 1)
        self.names.add(node.id)

    def visit_Constant(self, node: ast.Constant) -> None:
        if not isinstance(node.value, bool | int | float):
            raise ExpressionError(
                f"{node.value!r} is no number; text is used for windows only", node.col_offset + 1
            )
        if abs(node.value) > LARGEST_NUMBER:
            raise ExpressionError(
                f"a number is larger than {LARGEST_NUMBER:g}", node.col_offset + 1
            )

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if node.keywords or name not in SCALAR_FUNCTIONS + WINDOW_FUNCTIONS:
            allowed = ", ".join(SCALAR_FUNCTIONS + WINDOW_FUNCTIONS)
            raise ExpressionError(
                f"unknown function {name or 'call'}; there are {allowed}", node.col_offset + 1
            )
        if name in WINDOW_FUNCTIONS:
            self._visit_window(node, name)
            return
        if not node.args or (name == "abs" and len(node.args) != 1):
            raise ExpressionError(
                f"{name} takes {'one value' if name == 'abs' else 'values'}", node.col_offset + 1
            )
        for argument in node.args:
            self.visit(argument)

    def _visit_window(self, node: ast.Call, name: str) -> None:
        if self._in_window:
            raise ExpressionError(f"{name} stands inside another window", node.col_offset + 1)
        window_ms = window_of(node)
        if window_ms <= 0:
            raise ExpressionError(f"the window of {name} is empty", node.col_offset + 1)
        self.lookback_ms = max(self.lookback_ms, window_ms)
        self._in_window = True
        self.visit(node.args[0])
        self._in_window = False


def window_of(node: ast.Call) -> int:
    """Window of a call such as `avg(x, "10min")` in milliseconds.

    Raises ExpressionError when the call is not of that form.
    """
    if len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
        value = node.args[1].value
        if isinstance(value, str):
            return parse_duration_ms(value)
    name = node.func.id if isinstance(node.func, ast.Name) else "the function"
    raise ExpressionError(
        f'{name} takes a value and a window, like {name}(x, "10min")', node.col_offset + 1
    )
