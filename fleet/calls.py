"""The functions of the expression language, and the windows that they look at."""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from fleet.errors import ExpressionError

WINDOW_FUNCTIONS = ("avg", "low", "high", "delta", "rate", "count", "hours", "growth")
#: What is normal for this machine: level and spread, learned from its own healthy history.
LEARNED_FUNCTIONS = ("baseline", "spread")
#: What is normal for machines like this one, handed in as data.
PEER_FUNCTIONS = ("peers", "peer_spread")
SCALAR_FUNCTIONS = ("abs", "min", "max", "asym", "where")
FUNCTIONS = SCALAR_FUNCTIONS + WINDOW_FUNCTIONS + LEARNED_FUNCTIONS + PEER_FUNCTIONS
#: What a baseline learns from first, unless the rule says otherwise.
LEARNING = "50 op_h"
#: What may be counted since a service.
SINCE_FUNCTIONS = ("hours", "count", "growth")
_SINCE = re.compile(r"^since\s+([a-z][a-z0-9_]*)$")
_DURATION = re.compile(r"^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z_]+)$")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_OPERATING_SECONDS = {"op_min": 60, "op_h": 3600}
#: Ten years: no machine's past is kept for longer.
LONGEST_WINDOW_MS = 3660 * 86_400_000


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


def called(node: ast.AST) -> str:
    """The name of the function that a call calls; empty for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id
    return ""


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@lru_cache(65536)
def text_of(node: ast.Call) -> str:
    """A call as text; two calls that mean the same read the same."""
    return ast.unparse(node)


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
    if len(node.args) == 2 and is_text(node.args[1]):
        assert isinstance(node.args[1], ast.Constant)
        try:
            return parse_window(str(node.args[1].value))
        except ExpressionError as error:
            raise ExpressionError(str(error), node.args[1].col_offset + 1) from error
    raise ExpressionError(
        f'{name or "the function"} takes a value and a window, like {name}(x, "10min")',
        node.col_offset + 1,
    )
