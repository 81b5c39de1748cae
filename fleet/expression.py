"""The expression language of rules, regimes and wear factors: reading and checking.

Expressions look like Python's: arithmetic, comparisons, `and`, `or`, `not`, parentheses, names
of signals and of the rule's own parameters, `abs(x)`, `min(x, y, ...)`, `max(x, y, ...)`, and
functions over a window of the past: `avg(x, "10min")`, `low(x, "10min")` and `high(x, "10min")`
(least and greatest value, `min` and `max` with a window are the same), `delta(x, "60s")` (change
since the window's first value), `rate(x, "60s")` (change per minute), `count(condition, "10min")`
(how often it became true), `hours(condition, "24h")` (for how long it was true) and
`growth(counter, "24h")` (what a counter counted). A window is of machine time (`s`, `min`, `h`,
`d`) or of operating hours (`op_min`, `op_h`); `hours`, `count` and `growth` may also begin with the
last service of a kind (`"since h250"`). Rules compare with what was learned by
`baseline(x)`, `spread(x)`, and with the fleet by `peers(x)`, `peer_spread(x)`; `asym(left, right)`
is their difference in percent of their mean, `where(x, condition)` is `x` where the condition is
true and unknown elsewhere. `fleet.evaluate` computes expressions over columns.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from fleet.errors import ExpressionError
from fleet.meant import function_meant, name_meant, named, sign_meant, unit_meant

WINDOW_FUNCTIONS = ("avg", "low", "high", "delta", "rate", "count", "hours", "growth")
#: What is normal for this machine: level and spread, learned from its own healthy history.
LEARNED_FUNCTIONS = ("baseline", "spread")
#: What is normal for machines like this one, handed in as data.
PEER_FUNCTIONS = ("peers", "peer_spread")
SCALAR_FUNCTIONS = ("abs", "min", "max", "asym", "where")
FUNCTIONS = SCALAR_FUNCTIONS + WINDOW_FUNCTIONS + LEARNED_FUNCTIONS + PEER_FUNCTIONS
#: `min` and `max` with a window.
_OVER_A_WINDOW = {"min": "low", "max": "high"}
#: What a baseline learns from first, unless the rule says otherwise.
LEARNING = "50 op_h"
#: What may be counted since a service.
SINCE_FUNCTIONS = ("hours", "count", "growth")
_SINCE = re.compile(r"^since\s+([a-z][a-z0-9_]*)$")
_DURATION = re.compile(r"^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z_]+)$")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_OPERATING_SECONDS = {"op_min": 60, "op_h": 3600}
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


#: Ten years: no machine's past is kept for longer.
LONGEST_WINDOW_MS = 3660 * 86_400_000
#: Levels of operators and calls within each other.
MOST_NESTED = 100
#: No signal comes near it, and every number up to here is one that columns can hold.
LARGEST_NUMBER = 1e300


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    `names` are the signals and parameters it reads; `lookback_ms` how far into the past its
    longest window of machine time reaches, in milliseconds (0 without one). `remembered` are its
    calls whose value is not in the rows of a window: windows of operating hours or since a service,
    baselines, peers.
    """

    text: str
    tree: ast.expr
    names: frozenset[str]
    lookback_ms: int
    remembered: tuple[ast.Call, ...] = ()

    @property
    def momentary(self) -> bool:
        """Whether one moment is all it looks at."""
        return self.lookback_ms == 0 and not self.remembered


@dataclass(frozen=True, slots=True)
class Window:
    """A window that ends now: of machine time, or of `operating` time, in milliseconds; or all
    since the last `service` of a kind (its id; `ms` is 0)."""

    ms: int
    operating: bool
    service: str = ""


def parse_window(text: str) -> Window:
    """The window of a duration such as `60s`, `10min`, `24h`, `7d`, `8 op_h`, or of what follows
    a service: `since h250`.

    Raises ExpressionError when it is none.
    """
    service = _SINCE.match(text.strip())
    if service is not None:
        return Window(0, False, service[1])
    match = _DURATION.match(text.strip())
    units = {**_SECONDS, **_OPERATING_SECONDS}
    if match is None:
        raise ExpressionError(
            f"{text!r} is no window; write one like 60s, 10min, 24h, 7d, 8 op_h or since h250"
        )
    if match[2] not in units:
        near = difflib.get_close_matches(match[2].lower(), list(units), n=1, cutoff=0.3)
        space = " " if near and near[0] in _OPERATING_SECONDS else ""
        hint = f"; did you mean {match[1]}{space}{near[0]}?" if near else ""
        raise ExpressionError(f"{match[2]} is no unit of time; there are {', '.join(units)}{hint}")
    ms = float(match[1]) * units[match[2]] * 1000
    if ms > LONGEST_WINDOW_MS:
        raise ExpressionError(f"{text!r} is longer than ten years (3660d)")
    return Window(round(ms), match[2] in _OPERATING_SECONDS)


def parse(text: str, known: Collection[str]) -> Expression:
    """Read an expression whose names must be among `known`.

    Raises ExpressionError with the column (from 1) and what would be right.
    """
    # YAML may leave line breaks in a long expression; for Python they would end it.
    text = text.strip().replace("\n", " ")
    if "#" in text:
        raise ExpressionError(
            "a comment would swallow what follows; write it above, outside of the expression",
            text.index("#") + 1,
        )
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise _unreadable(text, error) from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError("cannot read this: it is no text, or nested too deep") from error
    reader = _Reader(text, known)
    try:
        reader.visit(tree)
    except ExpressionError as error:
        # Python counts bytes.
        before = text.encode()[: error.column - 1].decode(errors="ignore")
        raise ExpressionError(str(error), len(before) + 1) from error
    return Expression(
        text, tree, frozenset(reader.names), reader.lookback_ms, tuple(reader.remembered)
    )


def _unreadable(text: str, error: SyntaxError) -> ExpressionError:
    """What is wrong with a text that is no expression, and where; in the words of the language
    where it is known what was meant."""
    found = sign_meant(text) or unit_meant(text)
    if found is not None:
        return ExpressionError(found[1], found[0])
    if not text:
        return ExpressionError("there is no expression")
    if not 1 <= (error.offset or 0) <= len(text):
        return ExpressionError("cannot read this: something is missing at its end", len(text))
    said = error.msg
    if said == "invalid syntax":
        said = "between two values stands an operator, such as and, or, > or +"
    return ExpressionError(f"cannot read this: {said}", error.offset or 1)


@lru_cache(65536)
def text_of(node: ast.Call) -> str:
    """A call as text; two calls that mean the same read the same."""
    return ast.unparse(node)


def part_of(expression: Expression, node: ast.expr) -> Expression:
    """A part of an expression as an expression of its own."""
    inside = list(ast.walk(node))
    names = {one.id for one in inside if isinstance(one, ast.Name)} & expression.names
    calls = [one for one in inside if isinstance(one, ast.Call)]
    windows = [window_of(one) for one in calls if called(one) in WINDOW_FUNCTIONS]
    lookback = max((one.ms for one in windows if not one.operating), default=0)
    remembered = tuple(one for one in expression.remembered if one in calls)
    return Expression(ast.unparse(node), node, frozenset(names), lookback, remembered)


def called(node: ast.AST) -> str:
    """The name of the function that a call calls; empty for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return ""


def _at(node: ast.AST) -> int:
    return getattr(node, "col_offset", 0) + 1


def _refused(node: ast.AST, column: int) -> ExpressionError:
    return ExpressionError(
        f"{named(node)} is not part of the rule language; use arithmetic, comparisons, "
        f"and, or, not, {', '.join(FUNCTIONS)}",
        column,
    )


class _Reader(ast.NodeVisitor):
    """Collects names and windows, and refuses everything the language does not have."""

    def __init__(self, text: str, known: Collection[str]) -> None:
        self.text = text.encode()
        self.known = known
        self.names: set[str] = set()
        self.lookback_ms = 0
        self.remembered: list[ast.Call] = []
        self._inside = ""
        self._depth = 0

    def visit(self, node: ast.AST) -> None:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise ExpressionError(f"this is nested deeper than {MOST_NESTED} levels", _at(node))
        super().visit(node)
        self._depth -= 1

    def generic_visit(self, node: ast.AST) -> None:
        if not isinstance(node, _OPERATORS):
            raise _refused(node, _at(node))
        operands: list[ast.expr] = []
        operators: list[ast.AST] = []
        if isinstance(node, ast.BinOp):
            operands, operators = [node.left], [node.op]
        elif isinstance(node, ast.Compare):
            operands, operators = [node.left, *node.comparators], [*node.ops]
        for left, operator in zip(operands, operators, strict=False):
            if not isinstance(operator, _OPERATORS):
                raise _refused(operator, self._behind(left))
        if isinstance(node, ast.UnaryOp) and not isinstance(node.op, _OPERATORS):
            raise _refused(node.op, _at(node))
        super().generic_visit(node)

    def _behind(self, node: ast.expr) -> int:
        """Where the operator behind an operand stands."""
        end = node.end_col_offset or 0
        rest = self.text[end:]
        return end + len(rest) - len(rest.lstrip(b" )")) + 1

    def visit_Name(self, node: ast.Name) -> None:
        if node.id not in self.known:
            hint = name_meant(node.id, self.known)
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
        name = called(node)
        if node.keywords:
            raise ExpressionError(
                'a function takes no names; write it like avg(x, "10min")',
                node.keywords[0].col_offset + 1,
            )
        if name not in FUNCTIONS:
            hint = function_meant(name, FUNCTIONS)
            raise ExpressionError(
                f"unknown function {name or 'call'}; there are {', '.join(FUNCTIONS)}{hint}",
                node.col_offset + 1,
            )
        if name in _OVER_A_WINDOW and len(node.args) == 2 and _is_text(node.args[1]):
            assert isinstance(node.func, ast.Name)
            name = node.func.id = _OVER_A_WINDOW[name]
        if name in SCALAR_FUNCTIONS:
            self._visit_scalar(node, name)
        else:
            self._visit_past(node, name)

    def _visit_scalar(self, node: ast.Call, name: str) -> None:
        wanted = {"abs": 1, "asym": 2, "where": 2}.get(name)
        if not node.args or (wanted is not None and len(node.args) != wanted):
            words = {"abs": "one value", "asym": "left and right", "where": "a value, a condition"}
            raise ExpressionError(f"{name} takes {words.get(name, 'values')}", node.col_offset + 1)
        for argument in node.args:
            self.visit(argument)

    def _visit_past(self, node: ast.Call, name: str) -> None:
        if self._inside:
            inside = "another window" if self._inside in WINDOW_FUNCTIONS else self._inside
            raise ExpressionError(f"{name} stands inside {inside}", node.col_offset + 1)
        window = window_of(node)
        if window.service and name not in SINCE_FUNCTIONS:
            raise ExpressionError(
                f"{name} is not counted since a service; {', '.join(SINCE_FUNCTIONS)} are",
                node.args[1].col_offset + 1,
            )
        if window.ms <= 0 and not window.service:
            raise ExpressionError(f"the window of {name} is empty", node.args[1].col_offset + 1)
        if name in LEARNED_FUNCTIONS and not window.operating:
            raise ExpressionError(
                f'{name} learns from operating hours, like {name}(x, "{LEARNING}")',
                node.args[1].col_offset + 1,
            )
        if name in LEARNED_FUNCTIONS + PEER_FUNCTIONS or window.operating or window.service:
            self.remembered.append(node)
        else:
            self.lookback_ms = max(self.lookback_ms, window.ms)
        self._inside = name
        self.visit(node.args[0])
        self._inside = ""


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@lru_cache(65536)
def window_of(node: ast.Call) -> Window:
    """Window of a call such as `avg(x, "10min")`; of `baseline(x)` what it learns from first, of
    `peers(x)` the day that it is about.

    Raises ExpressionError when the call is not of that form.
    """
    name = called(node)
    if name in PEER_FUNCTIONS:
        if len(node.args) == 1:
            return parse_window("1d")
        raise ExpressionError(f"{name} takes one value, like {name}(x)", node.col_offset + 1)
    if name in LEARNED_FUNCTIONS and len(node.args) == 1:
        return parse_window(LEARNING)
    if len(node.args) == 2 and _is_text(node.args[1]):
        assert isinstance(node.args[1], ast.Constant)
        try:
            return parse_window(str(node.args[1].value))
        except ExpressionError as error:
            raise ExpressionError(str(error), node.args[1].col_offset + 1) from error
    raise ExpressionError(
        f'{name or "the function"} takes a value and a window, like {name}(x, "10min")',
        node.col_offset + 1,
    )
