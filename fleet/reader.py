"""Whether a text that Python can read is an expression of the rule language, and what it reads."""

from __future__ import annotations

import ast
from collections.abc import Collection

from fleet.calls import (
    FUNCTIONS,
    LEARNED_FUNCTIONS,
    LEARNING,
    PEER_FUNCTIONS,
    SCALAR_FUNCTIONS,
    SINCE_FUNCTIONS,
    WINDOW_FUNCTIONS,
    called,
    is_text,
    window_of,
)
from fleet.errors import ExpressionError
from fleet.meant import function_meant, name_meant, named

#: `min` and `max` with a window.
_OVER_A_WINDOW = {"min": "low", "max": "high"}
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

#: Levels of operators and calls within each other.
MOST_NESTED = 100
#: No signal comes near it, and every number up to here is one that columns can hold.
LARGEST_NUMBER = 1e300


def _at(node: ast.AST) -> int:
    return getattr(node, "col_offset", 0) + 1


def _refused(node: ast.AST, column: int) -> ExpressionError:
    return ExpressionError(
        f"{named(node)} is not part of the rule language; use arithmetic, comparisons, "
        f"and, or, not, {', '.join(FUNCTIONS)}",
        column,
    )


class Reader(ast.NodeVisitor):
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
        if name in _OVER_A_WINDOW and len(node.args) == 2 and is_text(node.args[1]):
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
