"""Expressions over columns: three-valued, and equal to a slow twin that takes one row at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.evaluate import evaluate, true
from fleet.expression import parse
from fleet.windows import Columns

T, F, U = 1.0, 0.0, math.nan


def value(text: str, params: dict[str, Any] | None = None, **columns: list[float]) -> list[float]:
    n = len(next(iter(columns.values())))
    times = 1_700_000_000_000 + np.arange(n) * 10_000
    values = {key: np.array(column, np.float64) for key, column in columns.items()}
    known = set(values) | set(params or {})
    found = evaluate(parse(text, known), Columns(times, np.array([0]), values), params or {})
    return [float(one) for one in found]


def same(found: list[float], expected: list[float]) -> None:
    np.testing.assert_array_equal(found, expected)


LEFT, RIGHT = [T, T, T, F, F, F, U, U, U], [T, F, U, T, F, U, T, F, U]


def test_logic_is_kleenes() -> None:
    same(value("a and b", a=LEFT, b=RIGHT), [T, F, U, F, F, F, U, F, U])
    same(value("a or b", a=LEFT, b=RIGHT), [T, T, T, T, F, U, T, U, U])
    same(value("not a", a=[T, F, U, 7]), [F, T, U, F])


def test_a_comparison_with_the_unknown_is_unknown() -> None:
    same(value("a > b", a=[1, 3, U], b=[2, 2, 2]), [F, T, U])
    same(value("1 < a <= 3", a=[1, 2, 3, 4, U]), [F, T, T, F, U])
    same(value("a != 2", a=[2, 3, U]), [F, T, U])
    same(value("a == 2", a=[2, 3, U]), [T, F, U])


def test_arithmetic_that_has_no_answer_is_unknown() -> None:
    same(value("a / b", a=[1, 0, 6], b=[0, 0, 3]), [U, U, 2])
    same(value("a ** 0.5", a=[4, -1]), [2, U])
    same(value("a / b > 3 or not (a / b > 3)", a=[1, 6], b=[0, 3]), [U, T])
    same(value("1 / (a / b) < 3", a=[1, 6], b=[0, 3]), [U, T])
    same(value("asym(a, b) > 3", a=[1, 6], b=[-1, 3]), [U, T])
    same(value("a ** b", a=[U, 1, 0, 2], b=[0, U, -1, 3]), [U, U, U, 8])
    same(value("a * 1e300 * 1e300 > 3", a=[1, 0]), [U, F])


def test_functions_and_parameters() -> None:
    same(value("abs(a - b)", a=[1, U], b=[3, 3]), [2, U])
    same(value("where(a, b > 2)", a=[1, 2, 3, U], b=[3, 1, U, 3]), [1, U, U, U])
    same(value("asym(a, b)", a=[11, 0, U], b=[9, 0, 3]), [20, U, U])
    same(value("max(a, b, 2)", a=[1, 5], b=[0, U]), [2, U])
    same(value("a > limit", {"limit": 85}, a=[84, 86]), [F, T])
    same(value("a > limit", {"limit": np.array([80.0, 90.0])}, a=[84, 86]), [T, F])
    same(value('avg(a, "20s") - limit', {"limit": 1}, a=[1, 3, 5]), [0, 1, 3])


def test_a_constant_fills_every_row() -> None:
    same(value("1 > 0", a=[U, 1]), [T, T])


def test_true_is_neither_false_nor_unknown() -> None:
    assert true(np.array([T, F, U, 2])).tolist() == [True, False, False, True]


def slow(node: Any, row: dict[str, float]) -> float:
    """One row, one operation at a time; None stands for the unknown."""
    match node:
        case str():
            return row[node]
        case ("and" | "or" as operator, left, right):
            a, b = slow(left, row), slow(right, row)
            decisive = 0 if operator == "and" else 1
            if any(not math.isnan(x) and (x != 0) == bool(decisive) for x in (a, b)):
                return decisive
            return U if math.isnan(a) or math.isnan(b) else 1 - decisive
        case ("not", inner):
            a = slow(inner, row)
            return U if math.isnan(a) else float(a == 0)
        case (">", left, right):
            a, b = slow(left, row), slow(right, row)
            return U if math.isnan(a) or math.isnan(b) else float(a > b)
        case ("+", left, right):
            return slow(left, row) + slow(right, row)
    raise AssertionError(node)


def text_of(node: Any) -> str:
    match node:
        case str():
            return node
        case ("not", inner):
            return f"(not {text_of(inner)})"
        case (operator, left, right):
            return f"({text_of(left)} {operator} {text_of(right)})"
    raise AssertionError(node)


numbers = st.one_of(st.just(U), st.integers(-2, 2).map(float))
trees = st.recursive(
    st.sampled_from(["a", "b", "c"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or", ">", "+"]), inner, inner),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=8,
)


@given(tree=trees, rows=st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=6))
def test_equals_the_slow_twin(tree: Any, rows: list[tuple[float, float, float]]) -> None:
    a, b, c = (list(column) for column in zip(*rows, strict=True))
    expected = [slow(tree, {"a": x, "b": y, "c": z}) for x, y, z in rows]
    same(value(text_of(tree), a=a, b=b, c=c), expected)


@pytest.mark.parametrize("text", ["a", "not a", "a + 1"])
def test_unknown_stays_unknown(text: str) -> None:
    same(value(text, a=[U]), [U])
