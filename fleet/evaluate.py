"""Computing expressions over columns, in three-valued logic.

Truth is a float column like every value: 1 true, 0 false, NaN unknown. `and` is false as soon as
one side is false, `or` true as soon as one side is true, whatever else is unknown (Kleene). What is
no finite number, as a division by zero, is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np

from fleet.batch import FloatColumn
from fleet.calls import SCALAR_FUNCTIONS, called, text_of, window_of
from fleet.expression import Expression
from fleet.windows import Columns, window


def evaluate(
    expression: Expression, columns: Columns, params: Mapping[str, float | FloatColumn]
) -> FloatColumn:
    """The value of `expression` in every row, (n,) float64; truth as 1, 0 and NaN.

    `params` are the rule's own numbers, one for all rows or one per row. What the expression
    remembers, and windows that are known already, stand among the columns by the text of the call.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result = _Evaluation(columns, params).value(expression.tree)
    if result.shape != columns.times.shape:
        result = np.broadcast_to(result, columns.times.shape)
    if isinstance(expression.tree, _TRUTH):
        return result
    return np.where(np.isinf(result), np.nan, result)


def true(column: FloatColumn) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Rows that are true: neither false nor unknown."""
    return np.not_equal(column, 0) & ~np.isnan(column)


class _Evaluation:
    """Walks an expression's tree; every method returns a column or something that broadcasts."""

    def __init__(self, columns: Columns, params: Mapping[str, float | FloatColumn]) -> None:
        self.columns = columns
        self.params = params

    def value(self, node: ast.expr) -> FloatColumn:
        match node:
            case ast.Constant():
                return np.float64(node.value)  # type: ignore[arg-type,return-value]  # a number
            case ast.Name():
                found = self.columns.values.get(node.id)
                return np.asarray(self.params[node.id]) if found is None else found
            case ast.BoolOp():
                return self._logic(node)
            case ast.UnaryOp(op=ast.Not()):
                return 1.0 - self._truth(node.operand)
            case ast.UnaryOp():
                return -self.value(node.operand)
            case ast.BinOp():
                return _ARITHMETIC[type(node.op)](self.value(node.left), self.value(node.right))
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._call(node)
        raise AssertionError(f"{ast.dump(node)} passed the check of fleet.expression")

    def _truth(self, node: ast.expr) -> FloatColumn:
        value = self.value(node)
        if isinstance(node, _TRUTH):
            return value
        return np.where(np.isfinite(value), np.not_equal(value, 0), np.nan)

    def _logic(self, node: ast.BoolOp) -> FloatColumn:
        sides = [self._truth(side) for side in node.values]
        if isinstance(node.op, ast.And):
            return _fold(sides, decisive=0.0)
        return _fold(sides, decisive=1.0)

    def _compare(self, node: ast.Compare) -> FloatColumn:
        sides = [self.value(side) for side in (node.left, *node.comparators)]
        known = [np.isfinite(side) for side in sides]
        results = []
        for at, operator in enumerate(node.ops):
            outcome = _COMPARISON[type(operator)](sides[at], sides[at + 1])
            results.append(np.where(known[at] & known[at + 1], outcome, np.nan))
        return results[0] if len(results) == 1 else _fold(results, decisive=0.0)

    def _call(self, node: ast.Call) -> FloatColumn:
        name = called(node)
        if name not in SCALAR_FUNCTIONS:
            found = self.columns.values.get(text_of(node))
            if found is not None:
                return found
            argument = np.broadcast_to(self.value(node.args[0]), self.columns.times.shape)
            return window(name, argument, self.columns, window_of(node).ms)
        arguments = [self.value(argument) for argument in node.args]
        if name == "abs":
            return np.abs(arguments[0])
        if name == "asym":
            left, right = arguments
            return _divided(200.0 * (left - right), left + right)
        if name == "where":
            return np.where(true(arguments[1]), arguments[0], np.nan)
        return reduce(np.minimum if name == "min" else np.maximum, arguments)


def _divided(left: FloatColumn, right: FloatColumn) -> FloatColumn:
    return np.where(right == 0, np.nan, left / right)


def _power(base: FloatColumn, exponent: FloatColumn) -> FloatColumn:
    """For NumPy 1 to the power of something unknown is known, and so is 0 to a negative one."""
    result = np.power(base, exponent)
    known = np.isfinite(result) & ~np.isnan(base) & ~np.isnan(exponent)
    return np.where(known, result, np.nan)


#: What gives truth and nothing else.
_TRUTH = (ast.Compare, ast.BoolOp)
_ARITHMETIC: dict[type[ast.operator], Callable[[FloatColumn, FloatColumn], FloatColumn]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: _divided,
    ast.Pow: _power,
}
_COMPARISON: dict[type[ast.cmpop], Callable[..., np.ndarray[Any, np.dtype[np.bool_]]]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


def _fold(sides: list[FloatColumn], decisive: float) -> FloatColumn:
    """Kleene's `and` (decisive 0) or `or` (decisive 1): the decisive value wins over unknown,
    unknown over the other."""
    decided = reduce(np.logical_or, [side == decisive for side in sides])
    unknown = reduce(np.logical_or, [np.isnan(side) for side in sides])
    return np.where(decided, decisive, np.where(unknown, np.nan, 1.0 - decisive))
