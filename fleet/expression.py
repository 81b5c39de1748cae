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
from collections.abc import Collection
from dataclasses import dataclass

from fleet.calls import WINDOW_FUNCTIONS, called, window_of
from fleet.errors import ExpressionError
from fleet.meant import sign_meant, unit_meant
from fleet.reader import Reader


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
    reader = Reader(text, known)
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


def part_of(expression: Expression, node: ast.expr) -> Expression:
    """A part of an expression as an expression of its own."""
    inside = list(ast.walk(node))
    names = {one.id for one in inside if isinstance(one, ast.Name)} & expression.names
    calls = [one for one in inside if isinstance(one, ast.Call)]
    windows = [window_of(one) for one in calls if called(one) in WINDOW_FUNCTIONS]
    lookback = max((one.ms for one in windows if not one.operating), default=0)
    remembered = tuple(one for one in expression.remembered if one in calls)
    return Expression(ast.unparse(node), node, frozenset(names), lookback, remembered)
